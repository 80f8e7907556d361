"""What there is of each article: what was put in stock, less what orders took, plus what was sent back.

Nothing of it is written down: orders and refunds say it. A region's stores draw on one stock (SP-API dossier, sections 18.2
and 20), which is filled up every Monday to more than a week can sell.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ml_connector.sandbox.amazon.event_ledger import EventLedger
from ml_connector.sandbox.amazon.marketplaces import Store
from ml_connector.sandbox.amazon.order_ledger import OrderLedger
from ml_connector.sandbox.amazon.rows import stamp
from ml_connector.sandbox.amazon.scenario import Scenario

WEEK = timedelta(days=7)
_A_MONDAY = datetime(2024, 1, 1, 6, tzinfo=UTC)
_UNITS_A_DAY_PER_ORDER = 15
"""No day takes more of one article: a sale, one that is cancelled and a replacement, of five units each."""
_ON_THE_WAY = timedelta(days=2)
"""What is filled up on Monday has been under way for so long."""
_OPEN_AT_MOST = timedelta(days=4)


@dataclass(frozen=True, slots=True)
class Taken:
    """What orders placed in some time took of one SKU. ``open`` units are not shipped yet; ``changed`` is the last change."""

    ordered: int = 0
    open: int = 0
    changed: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """Amazon's stock of one SKU, in units."""

    fulfillable: int
    reserved: int
    inbound: int
    damaged: int
    changed: str

    @property
    def total(self) -> int:
        return self.fulfillable + self.reserved + self.inbound + self.damaged


class Stock:
    """The stock of every region of the account."""

    def __init__(self, orders: OrderLedger, events: EventLedger, stores: Sequence[Store], scenario: Scenario) -> None:
        self._orders = orders
        self._events = events
        self._stores = stores
        self._orders_per_day = scenario.orders_per_day

    def held(self, region: str, at: datetime) -> dict[str, Held]:
        """Amazon's stock at an instant of what it shipped or ships; a SKU that is not named is at :meth:`level`."""
        filled = filled_up(at)
        codes, level = self._codes(region), self.level(region)
        week = self.taken(region, "AMAZON", filled, at)
        waiting = self.taken(region, "AMAZON", at - _OPEN_AT_MOST, at)
        back = self._events.returned(codes, filled, at)
        under_way = at >= filled + WEEK - _ON_THE_WAY
        found = {}
        for sku in {*week, *waiting, *back}:
            gone = week.get(sku, Taken())
            found[sku] = Held(
                fulfillable=max(0, level - gone.ordered),
                reserved=waiting.get(sku, Taken()).open,
                inbound=gone.ordered if under_way else 0,
                damaged=sum(units_of(each) for each in back.get(sku, ())),
                changed=max(gone.changed, stamp(filled)),
            )
        return found

    def taken(self, region: str, fulfilled_by: str, since: datetime, at: datetime) -> dict[str, Taken]:
        """What orders placed after ``since`` took of each SKU, as they are at ``at``."""
        rows = self._orders.taken(self._codes(region), fulfilled_by, since, at)
        return {row["sku"]: Taken(row["ordered"], row["ordered"] - row["fulfilled"], row["changed"]) for row in rows}

    def level(self, region: str) -> int:
        """To how many units of each SKU the stock is filled up."""
        return WEEK.days * _UNITS_A_DAY_PER_ORDER * (self._orders_per_day + 1) * len(self._codes(region))

    def _codes(self, region: str) -> list[str]:
        return [store.code for store in self._stores if store.region == region]


def filled_up(at: datetime) -> datetime:
    """The last Monday on which the stock was filled up."""
    return at - (at - _A_MONDAY) % WEEK


def units_of(adjustment_item_id: str) -> int:
    """How many units a refund took back: its item's id says it."""
    found = re.search(r"R(\d+)$", adjustment_item_id)
    return int(found[1]) if found else 0
