"""From the rows of a settlement to groups with sums, categories and lineage, in one pass (ACCOUNTING 2, 3, 5).

Work is done in blocks and in columns. Nothing that comes out depends on where a block ends or on the order of the rows,
except which line is the first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from operator import itemgetter
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from ml_connector.accounting.row_sums import RowSums
from ml_connector.accounting.tax_events import ExactEvents, KnownOrder, TaxRows, TaxRuns, TaxSlot
from ml_connector.accounting.unknown_triples import unknown_triples
from ml_connector.accounting.vocabulary import TAX, WITHHELD, Rule, Vocabulary
from ml_connector.domain import money
from ml_connector.domain.errors import Finding
from ml_connector.domain.settlement_rows import Moment, RefusedSettlement, RowBlock, RowReading, SettlementRows
from ml_connector.domain.settlements import (
    Granularity,
    Group,
    GroupKey,
    SettlementGroups,
    SettlementHead,
    TaxTreatment,
    Triple,
    store_key,
)

T = TypeVar("T")

#: Above so many groups no journal can be made of them, and memory would grow with the file.
GROUPS_MAX: Final = 100_000
_BATCH_ROWS: Final = 8_192
_BATCH_BLOCKS: Final = 32  # of rows that are long
_NON_AMAZON: Final = "non-amazon"
_TAX_CATEGORY: Final = {
    TaxTreatment.FACILITATED: "facilitator_tax_wash",
    TaxTreatment.COLLECTED: "sales_tax_payable",
}

#: By these cells rows are told apart; then by the calendar's number, and by item group and order id where asked for.
_KEY_COLUMNS: Final = ("transaction-type", "amount-type", "amount-description", "marketplace-name", "fulfillment-id")
_STORE: Final = 3
_WHEN: Final = 5
_EVENT_COLUMNS: Final = ("transaction-type", "order-id", "order-item-code", "adjustment-id")

_Key = tuple[object, ...]
_BinKey = tuple[_Key, TaxTreatment | None]


@dataclass(frozen=True, slots=True)
class Grouping:
    """How a settlement is to be read.

    ``zone_of`` gives the IANA zone of a main store (None while undecided), ``bucket_of`` what an accounting date belongs to
    (a month, a fiscal period with a mapping version; for a closed period the one it is moved to). Both must be pure.
    ``main_store`` overrules the file. ``always_facilitated`` and ``vat_on_fees_deductible`` take a marketplace-name, the
    main store's for rows without one ("" while undecided). ``item_groups`` is by SKU. ``known_order`` says how an order
    was taxed that is not in this file.
    """

    vocabulary: Vocabulary
    zone_of: Callable[[str | None], str]
    bucket_of: Callable[[date], Hashable]
    granularity: Granularity = Granularity.SETTLEMENT
    main_store: str | None = None
    always_facilitated: Callable[[str], bool] = lambda _: False
    vat_on_fees_deductible: Callable[[str], bool] = lambda _: True
    item_groups: Mapping[str, str] = field(default_factory=dict)
    known_order: KnownOrder | None = None
    groups_max: int = GROUPS_MAX


def group_settlement(rows: SettlementRows, grouping: Grouping) -> SettlementGroups | RefusedSettlement:
    """The file's groups; or, for a file that must not be used, what is known of it and why.

    Which store is the main one is known only at the end; the pass starts from the first block's and is repeated in the rare
    case that this was wrong and changes the zone or a tax rule.
    """
    head = rows.head
    if head is None:
        return RefusedSettlement(rows.sha256, rows.encoding, None, None, rows.findings)
    guess = grouping.main_store or _first_store(rows)
    while True:
        one = _Pass(rows, grouping, head, guess)
        if (refused := one.run()) is not None:
            return refused
        main = grouping.main_store or main_store_of(one.stores())
        if main == guess or _reads_alike(grouping, main, guess):
            break
        guess = main
    exact: ExactEvents | None = None
    if suspects := one.runs.suspects():
        exact = one.read_exactly(suspects)
        one = _Pass(rows, grouping, head, guess, exact)
        if (refused := one.run()) is not None:
            return refused
    return one.result(main, exact)


def main_store_of(stores: Mapping[str, int]) -> str | None:
    """The most frequent store by its folded name, in its most frequent spelling; None for a tie or for no store.

    ``Non-Amazon *`` (multi-channel fulfilment) is no store (settlement dossier, section 11).
    """
    counts: Counter[str] = Counter()
    for name, count in stores.items():
        key = store_key(name)
        if key and not key.startswith(_NON_AMAZON):
            counts[key] += count
    (best, most), *others = [*counts.most_common(2), ("", 0)]
    if not most or others[0][1] == most:
        return None
    spellings = [(count, name) for name, count in stores.items() if store_key(name) == best]
    return min(spellings, key=lambda spelling: (-spelling[0], spelling[1]))[1]


def _first_store(rows: SettlementRows) -> str | None:
    for block in rows.read(lambda _: 0).blocks():
        cells = Counter(block.column("marketplace-name"))
        return main_store_of({cell.decode(): count for cell, count in cells.items() if cell})
    return None


def _reads_alike(grouping: Grouping, one: str | None, other: str | None) -> bool:
    facilitated = grouping.always_facilitated
    return grouping.zone_of(one) == grouping.zone_of(other) and facilitated(one or "") == facilitated(other or "")


class _Calendar:
    """A row's :data:`Moment` -> a small number for (bucket, day): what the accounting date means to the caller."""

    def __init__(self, grouping: Grouping, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self._bucket_of = grouping.bucket_of
        self._by_day = grouping.granularity is Granularity.DAY
        self._days: dict[date, int] = {}
        self._numbers: dict[tuple[Hashable, str], int] = {}

    def __call__(self, moment: Moment) -> int:
        day = moment.astimezone(self._zone).date() if isinstance(moment, datetime) else moment
        number = self._days.get(day)
        if number is None:
            meaning = (self._bucket_of(day), day.isoformat() if self._by_day else "")
            number = self._days[day] = self._numbers.setdefault(meaning, len(self._numbers))
        return number

    def meanings(self) -> list[tuple[Hashable, str]]:
        """(bucket, day) by number; the day is "" unless asked for."""
        return list(self._numbers)


class _Index(dict[_Key, Callable[[int], None]]):
    """Key -> where to put the places of its rows: the list of a group, or what arrives at a slot of tax rows."""

    def __init__(self, slot_for: Callable[[_Key], TaxSlot | None]) -> None:
        super().__init__()
        self._slot_for = slot_for
        self.groups: list[tuple[_Key, list[int]]] = []
        self.slots: list[tuple[_Key, TaxSlot]] = []

    def __missing__(self, key: _Key) -> Callable[[int], None]:
        slot = self._slot_for(key)
        if slot is None:
            places: list[int] = []
            self.groups.append((key, places))
        else:
            places = slot.arrived
            self.slots.append((key, slot))
        append = self[key] = places.append
        return append


class _Batch:
    """Some blocks together: cutting works best on little text at a time, summing on much."""

    def __init__(self, first: int, slot_for: Callable[[_Key], TaxSlot | None]) -> None:
        self.first = first
        self.lines: list[bytes] = []
        self.ticks: list[int] = []
        self.index = _Index(slot_for)
        self.blocks = 0

    @property
    def full(self) -> bool:
        return len(self.lines) >= _BATCH_ROWS or self.blocks >= _BATCH_BLOCKS

    def take(self, block: RowBlock[int], columns: list[Sequence[object]]) -> list[TaxSlot]:
        """Sort the block's rows into the index; gives the slots at which tax rows arrived that are still to be decided."""
        index = self.index
        # zip reuses its tuple as long as nobody keeps it, so that only the first row of a key costs one.
        for place, append in enumerate(map(index.__getitem__, zip(*columns, strict=True)), len(self.lines)):
            append(place)
        self.lines += block.lines
        self.ticks += block.ticks
        self.blocks += 1
        return [slot for _, slot in index.slots if slot.arrived]

    def orders(self, block: RowBlock[int], slots: list[TaxSlot]) -> Iterator[bytes]:
        """The order ids of what arrived with the block just taken."""
        offset = len(self.lines) - len(block.lines)
        orders = block.column("order-id")
        return (orders[place - offset] for slot in slots for place in slot.arrived)

    def tax_rows(self, block: RowBlock[int], slots: list[TaxSlot]) -> TaxRows:
        """What arrived with the block just taken, in file order; nothing is left at the slots."""
        offset = len(self.lines) - len(block.lines)
        arrived: dict[int, TaxSlot] = {}
        for slot in slots:
            arrived.update(dict.fromkeys(slot.arrived, slot))
            slot.arrived.clear()
        places = sorted(arrived)
        cells = [place - offset for place in places]
        events = list(zip(*(_pick(block.column(name), cells) for name in _EVENT_COLUMNS), strict=True))
        return TaxRows(events, places, [arrived[place] for place in places], _pick(block.ticks, cells))


class _Pass:
    """One pass over the file."""

    def __init__(
        self,
        rows: SettlementRows,
        grouping: Grouping,
        head: SettlementHead,
        main: str | None,
        exact: ExactEvents | None = None,
    ) -> None:
        self._rows = rows
        self._grouping = grouping
        self._head = head
        self._main = main
        self._zone = grouping.zone_of(main)
        self._calendar = _Calendar(grouping, self._zone)
        self._reading: RowReading[int] = rows.read(self._calendar)
        self._rules: dict[tuple[object, ...], Rule | None] = {}
        self._items = {sku.encode(): group for sku, group in grouping.item_groups.items()}
        self._bins: dict[_BinKey, RowSums] = {}
        self.runs = TaxRuns(grouping.known_order, exact)

    def run(self) -> RefusedSettlement | None:
        """Take every row. A refused file gives what is known of it."""
        batch: _Batch | None = None
        for block in self._reading.blocks():
            if batch is None:
                batch = _Batch(block.first, self._slot)
            slots = batch.take(block, self._columns(block))
            if slots and not self.runs.collect(slots, batch.orders(block, slots)):
                self.runs.decide(batch.tax_rows(block, slots))
            if batch.full:
                self._sum(batch)
                batch = None
            if len(self._bins) > self._grouping.groups_max:
                break
        else:
            if batch is not None:
                self._sum(batch)
        if len(self._bins) > self._grouping.groups_max:
            limit = self._grouping.groups_max
            message = f"The file makes more than {limit:,} groups. Choose a coarser granularity."
            return self._refused(Finding("too_many_groups", message))
        return self._refused() if self._reading.refused or not self._reading.complete else None

    def stores(self) -> dict[str, int]:
        """Rows by marketplace-name as the file spells it; blank ones are left out."""
        stores: Counter[str] = Counter()
        for (key, _), sums in self._bins.items():
            if name := _text(key[_STORE]):
                stores[name] += sums.count
        return dict(stores)

    def read_exactly(self, suspects: frozenset[int]) -> ExactEvents:
        """Read the tax rows of the suspects again, event by event."""
        exact = ExactEvents(suspects, self._grouping.known_order)
        for block in self._rows.read(self._calendar).blocks():
            batch = _Batch(block.first, self._slot)
            if slots := batch.take(block, self._columns(block)):
                exact.add(batch.tax_rows(block, slots), block.first)
        exact.close()
        return exact

    def result(self, main: str | None, exact: ExactEvents | None) -> SettlementGroups:
        """The groups, in the order of their first rows."""
        meanings = self._calendar.meanings()
        in_order = sorted(self._bins.items(), key=lambda pair: pair[1].first_line)
        groups = tuple(self._group(key, tax, sums, meanings, main) for (key, tax), sums in in_order)
        findings = [*self._rows.findings, *self._reading.findings]
        findings += exact.findings(self._head.currency) if exact is not None else []
        findings += unknown_triples(groups, self._grouping.vocabulary, self._head.currency)
        return SettlementGroups(
            head=self._head,
            sha256=self._rows.sha256,
            encoding=self._rows.encoding or "",
            rows=self._reading.rows,
            zone=self._zone,
            main_store=main,
            stores=self.stores(),
            groups=groups,
            foots=self._reading.ticks == money.ticks(self._head.total),
            findings=tuple(findings),
        )

    def _sum(self, batch: _Batch) -> None:
        for key, places in batch.index.groups:
            self._add(key, None, batch, places)
        for key, slot in batch.index.slots:
            self._add(key, TaxTreatment.FACILITATED, batch, slot.facilitated)
            self._add(key, TaxTreatment.COLLECTED, batch, slot.collected)

    def _columns(self, block: RowBlock[int]) -> list[Sequence[object]]:
        """The cells of the key, column by column."""
        columns: list[Sequence[object]] = [block.column(name) for name in _KEY_COLUMNS]
        columns.append(block.when)
        if self._items:
            columns.append([self._items.get(sku, "") for sku in block.column("sku")])
        if self._grouping.granularity is Granularity.ORDER:
            columns.append(block.column("order-id"))
        return columns

    def _add(self, key: _Key, tax: TaxTreatment | None, batch: _Batch, places: list[int]) -> None:
        if not places:
            return
        sums = self._bins.get((key, tax))
        if sums is None:
            sums = self._bins[key, tax] = RowSums()
        sums.add(batch.first, places, batch.lines, batch.ticks)

    def _rule(self, key: _Key) -> Rule | None:
        cells = key[:_STORE]
        if cells not in self._rules:
            if len(self._rules) >= self._grouping.groups_max:
                self._rules.clear()
            self._rules[cells] = self._grouping.vocabulary.find(Triple(*map(_text, cells)))
        return self._rules[cells]

    def _slot(self, key: _Key) -> TaxSlot | None:
        """A slot for a key of tax rows, None for any other."""
        rule = self._rule(key)
        if rule is None or rule.category not in (TAX, WITHHELD):
            return None
        store = _text(key[_STORE]) or self._main or ""
        return TaxSlot(rule.category == WITHHELD, self._grouping.always_facilitated(store))

    def _group(
        self,
        key: _Key,
        tax: TaxTreatment | None,
        sums: RowSums,
        meanings: list[tuple[Hashable, str]],
        main: str | None,
    ) -> Group:
        *texts, number = key[: _WHEN + 1]
        kind, amount_type, description, store, channel = map(_text, texts)
        bucket, day = meanings[number] if isinstance(number, int) else ("", "")
        extra = [*map(_text, key[_WHEN + 1 :])]
        item_group = extra.pop(0) if self._items else ""
        triple = Triple(kind, amount_type, description)
        group_key = GroupKey(triple, store, channel, item_group, bucket, tax, extra[0] if extra else day)
        return Group(
            group_key,
            _TAX_CATEGORY[tax] if tax is not None else self._category(key, store or main or ""),
            money.amount_from_ticks(sums.positive),
            money.amount_from_ticks(sums.negative),
            sums.rows(),
            sums.sha256(),
        )

    def _category(self, key: _Key, store: str) -> str | None:
        rule = self._rule(key)
        if rule is None:
            return None
        if rule.if_not_deductible and not self._grouping.vat_on_fees_deductible(store):
            return rule.if_not_deductible
        return rule.category

    def _refused(self, *more: Finding) -> RefusedSettlement:
        reading = self._reading
        rows = reading.rows if reading.complete else None
        findings = (*self._rows.findings, *reading.findings, *more)
        return RefusedSettlement(self._rows.sha256, self._rows.encoding, self._head, rows, findings)


def _pick(cells: Sequence[T], places: list[int]) -> tuple[T, ...]:
    return itemgetter(*places)(cells) if len(places) > 1 else (cells[places[0]],)


def _text(cell: object) -> str:
    return cell.decode() if isinstance(cell, bytes) else str(cell)
