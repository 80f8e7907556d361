"""Tax is decided per event, not per triple (ACCOUNTING 2).

An event is (transaction-type, order-id, order-item-code, adjustment-id). One with a withheld row that is not zero is
facilitated: Amazon owes the tax, and its tax rows wash out. One without is collected by the seller. A refund without a
withheld row follows its order where that is known.

Holding every event of a large file would cost too much, and is not needed: the rows of one event nearly always stand
together. So a *run* of consecutive tax rows of one event is decided on its own, and only a 64-bit hash of its order id is
kept. Orders that were seen both ways, and runs that do not wash out, are *suspects*: they are read again, exactly. A hash
that collides only makes a suspect of an innocent order, so the result never depends on hashing, nor on the order of rows.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest
from itertools import accumulate, compress, count
from operator import lt, ne

from ml_connector.domain import money
from ml_connector.domain.errors import Finding
from ml_connector.domain.mapping import fold_label
from ml_connector.domain.settlements import TaxTreatment

#: transaction-type, order-id, order-item-code, adjustment-id, as in the file.
Event = tuple[bytes, bytes, bytes, bytes]

#: What is known, from elsewhere, of how an order was taxed; None where nothing is.
KnownOrder = Callable[[str], TaxTreatment | None]

_FINDINGS_MAX = 20
_SEPARATOR = b"\t"
_REFUND = "refund"


@dataclass(slots=True, eq=False)
class TaxSlot:
    """Tax rows that share everything but their treatment.

    ``withheld``: rows of ItemWithheldTax. ``assumed``: the store is declared always facilitated. ``arrived`` are places of
    rows to be decided; from there they go to ``facilitated`` or ``collected``.
    """

    withheld: bool
    assumed: bool
    arrived: list[int] = field(default_factory=list)
    facilitated: list[int] = field(default_factory=list)
    collected: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TaxRows:
    """The tax rows of a block, in file order: their events, places, slots and amounts in ticks."""

    events: Sequence[Event]
    places: Sequence[int]
    slots: Sequence[TaxSlot]
    ticks: Sequence[int]

    def __iter__(self) -> Iterator[tuple[Event, int, TaxSlot, int]]:
        return zip(self.events, self.places, self.slots, self.ticks, strict=True)


class TaxRuns:
    """Decides runs of tax rows, one block after the other.

    ``exact`` holds the treatment of the suspects' events, once they were read exactly.
    """

    def __init__(self, known_order: KnownOrder | None, exact: ExactEvents | None = None) -> None:
        self._known_order = known_order
        self._exact = exact
        self._facilitated = array("q")
        self._open = array("q")
        self._doubtful: set[int] = set()

    def collect(self, slots: Sequence[TaxSlot], orders: Iterable[bytes]) -> bool:
        """The usual block of a store whose tax the seller collects: no slot that anything arrived at is of withheld rows.

        Then all that arrived is collected, whatever its events; ``orders`` are the order ids. False where it is not so.
        """
        if self._exact is not None or self._known_order is not None or any(s.withheld or s.assumed for s in slots):
            return False
        self._open.extend(map(hash, set(orders)))
        for slot in slots:
            slot.collected += slot.arrived
            slot.arrived.clear()
        return True

    def decide(self, rows: TaxRows) -> None:
        """Put the place of each row into its slot."""
        if self._wash(rows):
            return
        current: Event | None = None
        run: list[tuple[TaxSlot, int]] = []
        total = 0
        withheld = False
        for event, place, slot, ticks in rows:
            if event != current:
                if current is not None:
                    self._close(current, run, total, withheld=withheld)
                current, run, total, withheld = event, [], 0, False
            run.append((slot, place))
            total += ticks
            if ticks and slot.withheld:
                withheld = True
        if current is not None:
            self._close(current, run, total, withheld=withheld)

    def _wash(self, rows: TaxRows) -> bool:
        """The usual block of a facilitated store, in columns: every run has a withheld row and washes out."""
        if self._exact is not None:
            return False
        events = rows.events
        ends = [*compress(count(), map(ne, events, events[1:])), len(events) - 1]
        sums = list(accumulate(rows.ticks))
        if any(sums[end] for end in ends):
            return False
        withheld = [slot.withheld and ticks != 0 for slot, ticks in zip(rows.slots, rows.ticks, strict=True)]
        seen = list(accumulate(withheld))
        seen_at_ends = [seen[end] for end in ends]
        if not all(map(lt, [0, *seen_at_ends], seen_at_ends)):
            return False
        self._facilitated.extend(hash(events[end][1]) for end in ends)
        for slot, place in zip(rows.slots, rows.places, strict=True):
            slot.facilitated.append(place)
        return True

    def suspects(self) -> frozenset[int]:
        """Hashes of the order ids that have to be read exactly."""
        fewer, more = sorted((self._facilitated, self._open), key=len)
        return frozenset(set(fewer).intersection(more) | self._doubtful)

    def _close(self, event: Event, run: list[tuple[TaxSlot, int]], total: int, *, withheld: bool) -> None:
        order = hash(event[1])
        if self._exact is not None and order in self._exact.suspects:
            facilitated = self._exact.is_facilitated(event)
        elif withheld:
            facilitated = True
            self._facilitated.append(order)
        else:
            facilitated = any(slot.assumed for slot, _ in run) or _follows(event, self._known_order)
            self._open.append(order)
        if facilitated:
            if total and self._exact is None:
                self._doubtful.add(order)
            for slot, place in run:
                slot.facilitated.append(place)
        else:
            for slot, place in run:
                slot.collected.append(place)


@dataclass(slots=True)
class _EventFacts:
    line: int
    ticks: int = 0
    withheld: bool = False
    assumed: bool = False

    @property
    def facilitated(self) -> bool:
        """By its own rows or its store; a refund may still follow its order."""
        return self.withheld or self.assumed


class ExactEvents:
    """The events of the suspects, each in full.

    There may be as many as rows, so an event is kept as one text (a cell holds no tab), and of orders only those are
    looked up later that an undecided refund may follow.
    """

    def __init__(self, suspects: frozenset[int], known_order: KnownOrder | None) -> None:
        self.suspects = suspects
        self._known_order = known_order
        self._events: dict[bytes, _EventFacts] = {}
        self._items: dict[tuple[bytes, bytes], bool] = {}
        self._orders: dict[bytes, bool] = {}

    def add(self, rows: TaxRows, base: int) -> None:
        """Take the tax rows of a block whose first line is ``base``."""
        for event, place, slot, ticks in rows:
            if hash(event[1]) not in self.suspects:
                continue
            key = _SEPARATOR.join(event)
            facts = self._events.get(key)
            if facts is None:
                facts = self._events[key] = _EventFacts(base + place)
            facts.ticks += ticks
            facts.withheld = facts.withheld or bool(ticks and slot.withheld)
            facts.assumed = facts.assumed or slot.assumed

    def close(self) -> None:
        """All rows were taken: learn what the file itself knows of orders that refunds may follow."""
        undecided = {event[1] for event, facts in self._each() if _is_refund(event) and not facts.facilitated}
        for event, facts in self._each():
            _, order, item, _ = event
            if order not in undecided or _is_refund(event):
                continue
            facilitated = facts.facilitated
            self._items[order, item] = self._items.get((order, item), False) or facilitated
            self._orders[order] = self._orders.get(order, False) or facilitated

    def is_facilitated(self, event: Event) -> bool:
        """The treatment of an event of a suspect."""
        if self._events[_SEPARATOR.join(event)].facilitated:
            return True
        if not _is_refund(event):
            return False
        _, order, item, _ = event
        in_file = self._items.get((order, item), self._orders.get(order))
        return _follows(event, self._known_order) if in_file is None else in_file

    def findings(self, currency: str) -> list[Finding]:
        """Facilitated events whose rows do not add up to zero, by line."""
        lines = array("q", (facts.line for event, facts in self._each() if facts.ticks and self.is_facilitated(event)))
        first = set(nsmallest(_FINDINGS_MAX, lines))
        rests = [(facts, event) for event, facts in self._each() if facts.line in first]
        found = [_finding(event, facts, currency) for facts, event in sorted(rests, key=lambda rest: rest[0].line)]
        if len(lines) > len(found):
            more = len(lines) - len(found)
            found.append(Finding("tax_wash_broken", f"{more} more events have tax that does not wash out.", None))
        return found

    def _each(self) -> Iterator[tuple[Event, _EventFacts]]:
        for key, facts in self._events.items():
            kind, order, item, adjustment = key.split(_SEPARATOR)
            yield (kind, order, item, adjustment), facts


def _finding(event: Event, facts: _EventFacts, currency: str) -> Finding:
    kind, order, *_ = (part.decode() for part in event)
    rest = f"{money.text(money.amount_from_ticks(facts.ticks), currency)} {currency}"
    if facts.withheld:
        return Finding(
            "tax_wash_broken",
            f"{kind} {order}: Amazon withheld tax, but {rest} of it remains. Check who owes it before it is posted.",
            facts.line,
        )
    return Finding(
        "withheld_tax_missing",
        f"{kind} {order}: tax of {rest} is Amazon's to pay here, but no row withholds it. "
        "Check the store's setting and the order.",
        facts.line,
    )


def _is_refund(event: Event) -> bool:
    return _REFUND in fold_label(event[0].decode())


def _follows(event: Event, known_order: KnownOrder | None) -> bool:
    if known_order is None or not _is_refund(event):
        return False
    return known_order(event[1].decode()) is TaxTreatment.FACILITATED
