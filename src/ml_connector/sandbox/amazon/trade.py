"""The trade of one store, day by day, as a function of the seed: the same seed gives the same trade, for ever onwards.

Days are counted from the start of the store's chain of settlements; those before it have negative numbers.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from ml_connector.sandbox.amazon.charges import Charges
from ml_connector.sandbox.amazon.marketplaces import Store
from ml_connector.sandbox.amazon.orders import Order, draw_order, label_event, order_event, refund_event
from ml_connector.sandbox.amazon.rows import Event
from ml_connector.sandbox.amazon.scenario import Scenario

_LOOK_BACK_DAYS = 24
"""An order counts at most 10 days after it was posted and is returned at most 12 days after that."""


class Trade:
    """``origin`` is the instant at which the first settlement begins; every day begins at its time of day."""

    def __init__(self, store: Store, scenario: Scenario, seed: int, origin: datetime, *, other_stores: bool) -> None:
        self._store = store
        self._scenario = scenario
        self._seed = seed
        self._origin = origin
        self._charges = Charges(store, other_stores=other_stores)

    def counted(self, start: datetime, end: datetime) -> list[Event]:
        """The events whose money is released from ``start`` (inclusive) to ``end`` (exclusive), in that order."""
        first, last = (start - self._origin).days, -((self._origin - end).days)
        events = [event for number in range(first, last) for event in self._account_events(number)]
        for order, chance in self.orders(first - _LOOK_BACK_DAYS, last):
            events.append(order_event(order))
            if chance.random() < self._scenario.refund_rate:
                events.append(refund_event(order, chance))
            if order.channel == "MFN" and self._store.code == "US":
                events.append(label_event(order, chance))
        return sorted((each for each in events if start <= each.counted < end), key=lambda event: event.counted)

    def orders(self, first: int, last: int) -> Iterator[tuple[Order, random.Random]]:
        """The orders posted from day ``first`` to before day ``last``, each with the chance that decides its fate."""
        usual = self._scenario.orders_per_day
        for number in range(first, last):
            count = self._chance(number, "orders").randint(max(0, usual - 1), usual + 1) if usual else 0
            for index in range(count):
                chance = self._chance(number, f"order {index}")
                yield draw_order(self._store, self._scenario, self._day(number), chance), chance

    def _account_events(self, number: int) -> Iterator[Event]:
        return self._charges.events(number, self._day(number), self._chance(number, "account"))

    def _day(self, number: int) -> datetime:
        return self._origin + timedelta(days=number)

    def _chance(self, number: int, what: str) -> random.Random:
        return random.Random(f"{self._seed}:{self._store.code}:{number}:{what}")  # noqa: S311 - a game, not a secret
