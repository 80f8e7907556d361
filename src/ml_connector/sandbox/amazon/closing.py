"""The close engine: turns a store's trade into a chain of settlements, as time passes.

A settlement holds what was released in its period: late rows keep their old dates (DD+7). Reserves held back at one close
come in at the next, a debt is shown and charged in the next, a payout that failed comes back in the next.
Source: settlement dossier, sections 8-11.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ml_connector.sandbox.amazon.marketplaces import STORES, Store
from ml_connector.sandbox.amazon.orders import refund_event
from ml_connector.sandbox.amazon.rows import Row
from ml_connector.sandbox.amazon.scenario import Scenario
from ml_connector.sandbox.amazon.trade import Trade
from ml_connector.sandbox.switches import Switches

if TYPE_CHECKING:
    from ml_connector.sandbox.world import World

_LAST_CLOSE_DAYS = range(2, 10)
"""How many days before the world begins the last settlement may have closed."""
_RESERVE = (0, 500, 1000, 1500)
_TOTAL_OFF = 1


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
    """The settlements of one store, one after the other."""

    def __init__(self, world: World, store: Store, scenario: Scenario, switches: Switches) -> None:
        self.store = store
        self._world = world
        self._scenario = scenario
        self._switches = switches
        self._period = timedelta(days=scenario.period_days)
        self.origin = self._last_end() - scenario.settlements * self._period
        self.trade = Trade(store, scenario, world.seed, self.origin, other_stores=switches.on("other_stores_in_na"))
        self._closed: list[Settlement] = []

    def closed_by(self, now: datetime) -> Sequence[Settlement]:
        """Every settlement of the chain that has ended by ``now``, the oldest first."""
        while self.origin + (len(self._closed) + 1) * self._period <= now:
            self._closed.append(self._close(len(self._closed) + 1))
        return self._closed

    def chance(self, number: int, what: str) -> random.Random:
        """Chance for something about the ``number``-th settlement."""
        return self._world.random(f"amazon:{self.store.code}:settlement {number}:{what}")

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

    def _close(self, number: int) -> Settlement:
        start = self.origin + (number - 1) * self._period
        end = start + self._period
        rows = [row for event in self.trade.counted(start, end) for row in event.rows]
        rows = [*self._carried_in(number, start, end), *rows, *self._of_marks(number, start, end)]
        rows = self._relabelled(number, rows)
        if self._scenario.marked("negative", self.store.code, number):
            rows.append(self._ruin(sum(row.amount for row in rows), end))
        net = sum(row.amount for row in rows)
        held_back = max(net, 0) * self.chance(number, "reserve").choice(_RESERVE) // 10_000
        if held_back:
            rows.append(_other("Current Reserve Amount", -held_back, end))
        return Settlement(
            store=self.store,
            number=number,
            settlement_id=f"2{self.chance(number, 'id').randrange(10**8, 10**9)}{number % 10}",
            start=start,
            end=end,
            deposit=end + timedelta(days=2),
            total=net - held_back,
            reserve=held_back,
            rows=tuple(rows),
        )

    def _carried_in(self, number: int, start: datetime, end: datetime) -> Iterator[Row]:
        """What earlier closes left behind: reserve, debt with its charge, a payout that came back."""
        before = self._before(number, 1)
        if before is not None and before.reserve:
            yield _other("Previous Reserve Amount Balance", before.reserve, start + timedelta(seconds=1))
        owing = self._before(number, 2 if self._switches.on("debt_skips_a_settlement") else 1)
        if owing is not None and owing.total < 0:
            yield _other("Payable to Amazon", owing.total, start + timedelta(seconds=2))
            charged = min(start + timedelta(days=2), end - timedelta(hours=1))
            yield _other("Successful charge", -owing.total, charged)
        if before is not None and self._scenario.marked("failed_payout", self.store.code, before.number):
            came_back = min(start + timedelta(days=3), end - timedelta(hours=1))
            yield _other(self._switches.text("failed_payout_label"), max(before.total, 0), came_back)

    def _before(self, number: int, back: int) -> Settlement | None:
        return self._closed[number - 1 - back] if number - 1 - back >= 0 else None

    def _of_marks(self, number: int, start: datetime, end: datetime) -> Iterator[Row]:
        """Rows that stand in the file because the scenario marks this settlement."""
        middle = start + (end - start) / 2
        if self._scenario.marked("unknown_triple", self.store.code, number):
            yield Row("AmazonFees", "Garden Showcase Programme Fee", "Base fee", -300, middle)
        if self._scenario.marked("duplicate_rows", self.store.code, number):
            twin = Row("other-transaction", "other-transaction", "Shipping label purchase", -415, middle)
            yield twin
            yield twin
        if self._scenario.marked("a_to_z", self.store.code, number):
            first = (start - self.origin).days
            for order, chance in self.trade.orders(first, first + self._scenario.period_days):
                claim = refund_event(order, chance, self._switches.text("a_to_z_label"))
                yield from (row._replace(posted=end - timedelta(hours=2)) for row in claim.rows)
                return

    def _relabelled(self, number: int, rows: list[Row]) -> list[Row]:
        if self._scenario.marked("renamed_label", self.store.code, number):
            rows = [
                row._replace(amount_type="Sponsored Campaigns") if row.amount_type == "Cost of Advertising" else row
                for row in rows
            ]
        if self._scenario.marked("blank_store", self.store.code, number):
            rows = [row._replace(marketplace_name="") for row in rows]
        return rows

    def _ruin(self, net: int, end: datetime) -> Row:
        """Advertising that turns the settlement's net into a debt of 34.49."""
        spent = -max(net, 0) - 3449
        return Row("ServiceFee", "Cost of Advertising", "TransactionTotalAmount", spent, end - timedelta(hours=5))


def _other(description: str, amount: int, posted: datetime) -> Row:
    return Row("other-transaction", "other-transaction", description, amount, posted)


def printed_total(settlement: Settlement, scenario: Scenario) -> int:
    """What the summary row says: the sum, unless the scenario marks it as off by a cent."""
    off = scenario.marked("sum_off_by_a_cent", settlement.store.code, settlement.number)
    return settlement.total + (_TOTAL_OFF if off else 0)


def restated(settlement: Settlement) -> tuple[Row, ...]:
    """The rows of a second edition: two more, which cancel out, so that the total stays."""
    when = settlement.end - timedelta(hours=3)
    return (*settlement.rows, _other("Fee Adjustment", -150, when), _other("BalanceAdjustment", 150, when))
