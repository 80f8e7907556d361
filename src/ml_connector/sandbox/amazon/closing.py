"""The close engine: turns a store's trade into a chain of settlements, as time passes.

A settlement holds what was released in its period: late rows keep their old dates (DD+7). Reserves held back at one close
come in at the next, a debt is shown and charged in the next, a payout that failed comes back in the next. All of it is
events of one ledger; a settlement lists those that were put down for it.
Source: settlement dossier, sections 8-11.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ml_connector.sandbox.amazon.event_ledger import Entry, EventLedger, Section
from ml_connector.sandbox.amazon.marketplaces import STORES, Store
from ml_connector.sandbox.amazon.order_ledger import OrderLedger
from ml_connector.sandbox.amazon.orders import refund_event
from ml_connector.sandbox.amazon.rows import Event, Row, stamp
from ml_connector.sandbox.amazon.scenario import Scenario
from ml_connector.sandbox.amazon.trade import FIRST_DAY, Trade
from ml_connector.sandbox.ledger import Book
from ml_connector.sandbox.switches import Switches

if TYPE_CHECKING:
    import sqlite3

    from ml_connector.sandbox.world import World

_LAST_CLOSE_DAYS = range(2, 10)
"""How many days before the world begins the last settlement may have closed."""
_TOTAL_OFF = 1
_DRAWN_AHEAD = timedelta(days=4)
"""Trade is drawn so long before it happens: an order is placed up to 60 hours before it ships."""
_DAYS_AT_ONCE = 32
PAID_OUT_AFTER = timedelta(minutes=50)
"""How long after its end a settlement's payout is made."""

_TABLES = {
    "drawn": "store TEXT PRIMARY KEY, next_day INTEGER NOT NULL",
    "closings": (
        "store TEXT NOT NULL, number INTEGER NOT NULL, settlement_id TEXT NOT NULL UNIQUE, start TEXT NOT NULL,"
        " ends TEXT NOT NULL, deposit TEXT NOT NULL, total INTEGER NOT NULL, reserve INTEGER NOT NULL,"
        " PRIMARY KEY (store, number)"
    ),
}


@dataclass(frozen=True, slots=True)
class Settlement:
    """One closed period of one store, in minor units."""

    store: Store
    number: int
    settlement_id: str
    start: datetime
    end: datetime
    deposit: datetime
    total: int
    reserve: int
    rows: tuple[Row, ...]


class Chain:
    """The settlements of one store, one after the other. ``closed`` is how many have closed."""

    def __init__(self, world: World, book: Book, store: Store, scenario: Scenario, switches: Switches) -> None:
        self.store = store
        self._world = world
        self._book = book
        self._scenario = scenario
        self._switches = switches
        self._period = timedelta(days=scenario.period_days)
        self.origin = self._last_end() - scenario.settlements * self._period
        self.trade = Trade(store, scenario, world.seed, self.origin, other_stores=switches.on("other_stores_in_na"))
        self._events = EventLedger(book, switches)
        self._orders = OrderLedger(book)
        for table, columns in _TABLES.items():
            book.create(table, columns)
        self._next_day, self.closed = self._remembered()

    def draw(self, now: datetime) -> None:
        """Put down the trade of every day up to a little after ``now``."""
        last = (now + _DRAWN_AHEAD - self.origin).days
        while self._next_day <= last:
            upto = min(last + 1, self._next_day + _DAYS_AT_ONCE)
            with self._book.transaction():
                for number in range(self._next_day, upto):
                    self._draw_day(number)
                self._book.execute("INSERT OR REPLACE INTO {drawn} VALUES (?, ?)", (self.store.code, upto))
            self._next_day = upto

    def is_due(self, now: datetime) -> bool:
        """Has the next period ended by ``now``?"""
        return self.origin + (self.closed + 1) * self._period <= now

    def close(self) -> Settlement:
        """Close the next period: what is held back, what is paid out, and what the settlements after it will begin with."""
        number = self.closed + 1
        start, end = self.period(number)
        events = self._events.settled(self.store.code, number)
        before_ruin = [row for _, event in events for row in event.rows]
        added: list[tuple[Section, Event]] = []
        if self._scenario.marked("negative", self.store.code, number):
            added.append((Section.RUIN, self._ruin(sum(row.amount for row in before_ruin), end)))
        net = sum(event.amount for _, event in (*events, *added))
        held_back = max(net, 0) * self._reserve_rate(number) // 10_000
        if held_back:
            added.append((Section.RESERVE, _other("reserve", "Current Reserve Amount", -held_back, end)))
        settlement = Settlement(
            store=self.store,
            number=number,
            settlement_id=self.settlement_id(number),
            start=start,
            end=end,
            deposit=end + timedelta(days=2),
            total=net - held_back,
            reserve=held_back,
            rows=(*self._relabelled(number, before_ruin), *(row for _, event in added for row in event.rows)),
        )
        self._events.add(
            self._entry(number, section, f"{number}:{turn}", event) for turn, (section, event) in enumerate(added)
        )
        self._events.add(self._consequences(settlement))
        self._keep(settlement)
        self.closed = number
        return settlement

    def has_closed(self, number: int) -> bool:
        """Is this one of the settlements that have closed?"""
        return 1 <= number <= self.closed

    def closings(self) -> list[sqlite3.Row]:
        """Every settlement that has closed, the oldest first."""
        return self._book.rows("SELECT * FROM {closings} WHERE store = ? ORDER BY number", (self.store.code,))

    def period(self, number: int) -> tuple[datetime, datetime]:
        """From when to when the ``number``-th settlement reaches."""
        start = self.origin + (number - 1) * self._period
        return start, start + self._period

    def settlement_id(self, number: int) -> str:
        """The id of the ``number``-th settlement, which is known before it closes, but to nobody outside."""
        return f"2{self.chance(number, 'id').randrange(10**8, 10**9)}{number % 10}"

    def chance(self, number: int, what: str) -> random.Random:
        """Chance for something about the ``number``-th settlement."""
        return self._world.random(f"amazon:{self.store.code}:settlement {number}:{what}")

    def _remembered(self) -> tuple[int, int]:
        """The next day to be drawn, and how many periods have closed."""
        drawn = self._book.row("SELECT next_day FROM {drawn} WHERE store = ?", (self.store.code,))
        closed = self._book.row("SELECT max(number) AS last FROM {closings} WHERE store = ?", (self.store.code,))
        return (
            FIRST_DAY if drawn is None else int(drawn["next_day"]),
            0 if closed is None or closed["last"] is None else int(closed["last"]),
        )

    def _draw_day(self, day: int) -> None:
        drawn = self.trade.day(day)
        self._events.add(
            self._entry(self._number_at(event.counted), Section.TRADE, place, event) for place, event in drawn.events
        )
        self._orders.add(drawn.lives)
        number, days_into = divmod(day, self._scenario.period_days)
        if number >= 0 and days_into == 0:
            marks = enumerate(self._of_marks(number + 1))
            self._events.add(self._entry(number + 1, Section.MARKS, f"{number + 1}:{i}", event) for i, event in marks)

    def _number_at(self, counted: datetime) -> int:
        """The settlement in which something counted at an instant stands; 0 before the first."""
        return max(0, (counted - self.origin) // self._period + 1)

    def _entry(self, number: int, section: Section, place: str, event: Event) -> Entry:
        return Entry(self.store.code, number, self.period(number)[1] if number else None, section, place, event)

    def _last_end(self) -> datetime:
        """Some days before the world begins, so that a month ends well inside at least one of the settlements."""
        hour, minute, second = self.store.closes_at
        born_day = self._world.born.replace(hour=hour, minute=minute, second=second, microsecond=0)
        place = tuple(STORES).index(self.store.code) % 4
        ends = [born_day - timedelta(days=days) for days in _LAST_CLOSE_DAYS]
        for end in (*ends[place:], *ends[:place]):
            if any(self._month_ends_inside(end - back * self._period) for back in range(self._scenario.settlements)):
                return end
        return ends[place]

    def _month_ends_inside(self, end: datetime) -> bool:
        month = end.replace(day=1, hour=0, minute=0, second=0)
        margin = timedelta(days=3)
        return end - self._period + margin <= month <= end - margin

    def _reserve_rate(self, number: int) -> int:
        """Which part of ten thousand this close holds back."""
        return round(self.chance(number, "reserve").choice(self._scenario.reserve_rates) * 10_000)

    def _consequences(self, settlement: Settlement) -> Iterator[Entry]:
        """What a close leaves behind: reserve, debt with its charge, the payout, and a payout that came back."""
        number, total = settlement.number, settlement.total
        start, end = self.period(number + 1)
        if settlement.reserve:
            event = _other(
                "reserve", "Previous Reserve Amount Balance", settlement.reserve, start + timedelta(seconds=1)
            )
            yield self._entry(number + 1, Section.CARRIED, f"0:{number}", event)
        if total < 0:
            owing = number + (2 if self._switches.on("debt_skips_a_settlement") else 1)
            yield from self._debt(number, owing, total)
        if total > 0:
            yield self._entry(number, Section.PAYOUT, f"{number}", self._payout(settlement))
        if self._scenario.marked("failed_payout", self.store.code, number):
            came_back = min(start + timedelta(days=3), end - timedelta(hours=1))
            label = self._switches.text("failed_payout_label")
            event = _other("payout_returned", label, max(total, 0), came_back)
            yield self._entry(number + 1, Section.CARRIED, f"3:{number}", event)

    def _debt(self, number: int, owing: int, total: int) -> Iterator[Entry]:
        """What is owed for one settlement, and its charge, in a later one."""
        start, end = self.period(owing)
        shown = _other("debt", "Payable to Amazon", total, start + timedelta(seconds=2))
        charged = min(start + timedelta(days=2), end - timedelta(hours=1))
        yield self._entry(owing, Section.CARRIED, f"1:{number}", shown)
        yield self._entry(owing, Section.CARRIED, f"2:{number}", _other("charge", "Successful charge", -total, charged))

    def _payout(self, settlement: Settlement) -> Event:
        """The money on its way to the bank: positive, as Finances shows it (SP-API dossier, section 15.1)."""
        paid = settlement.end + PAID_OUT_AFTER
        return Event("payout", paid, (Row("Transfer", "Transfer", "Transfer", settlement.total, paid),))

    def _keep(self, settlement: Settlement) -> None:
        self._book.execute(
            "INSERT INTO {closings} VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self.store.code,
                settlement.number,
                settlement.settlement_id,
                stamp(settlement.start),
                stamp(settlement.end),
                stamp(settlement.deposit),
                settlement.total,
                settlement.reserve,
            ),
        )

    def _of_marks(self, number: int) -> Iterator[Event]:
        """What stands in the file because the scenario marks this settlement."""
        start, end = self.period(number)
        middle = start + (end - start) / 2
        if self._scenario.marked("unknown_triple", self.store.code, number):
            row = Row("AmazonFees", "Garden Showcase Programme Fee", "Base fee", -300, middle)
            yield Event("unknown_fee", middle, (row,))
        if self._scenario.marked("duplicate_rows", self.store.code, number):
            for _ in range(2):
                yield _other("label", "Shipping label purchase", -415, middle)
        if self._scenario.marked("a_to_z", self.store.code, number):
            first = (start - self.origin).days
            for order, chance in self.trade.orders(first, first + self._scenario.period_days):
                claim = refund_event(order, chance, self._switches.text("a_to_z_label"))
                at = end - timedelta(hours=2)
                yield Event("claim", at, tuple(row._replace(posted=at) for row in claim.rows))
                return

    def _relabelled(self, number: int, rows: Iterable[Row]) -> list[Row]:
        """The rows as this file words them; what happened stays what it was."""
        marked = self._scenario.marked("renamed_label", self.store.code, number)
        since = self._scenario.labels_renamed_from
        rows = [
            row._replace(amount_type="Sponsored Campaigns")
            if row.amount_type == "Cost of Advertising"
            and (marked or (since and row.posted.date().isoformat() >= since))
            else row
            for row in rows
        ]
        if self._scenario.marked("blank_store", self.store.code, number):
            rows = [row._replace(marketplace_name="") for row in rows]
        return rows

    def _ruin(self, net: int, end: datetime) -> Event:
        """Advertising that turns the settlement's net into a debt of 34.49."""
        spent, at = -max(net, 0) - 3449, end - timedelta(hours=5)
        row = Row("ServiceFee", "Cost of Advertising", "TransactionTotalAmount", spent, at)
        return Event("advertising", at, (row,))


def _other(kind: str, description: str, amount: int, posted: datetime) -> Event:
    return Event(kind, posted, (Row("other-transaction", "other-transaction", description, amount, posted),))


def printed_total(settlement: Settlement, scenario: Scenario) -> int:
    """What the summary row says: the sum, unless the scenario marks it as off by a cent."""
    off = scenario.marked("sum_off_by_a_cent", settlement.store.code, settlement.number)
    return settlement.total + (_TOTAL_OFF if off else 0)


def restated(settlement: Settlement) -> tuple[Row, ...]:
    """The rows of a second edition: two more, which cancel out, so that the total stays."""
    when = settlement.end - timedelta(hours=3)
    added = _other("restated", "Fee Adjustment", -150, when), _other("restated", "BalanceAdjustment", 150, when)
    return (*settlement.rows, *(row for event in added for row in event.rows))
