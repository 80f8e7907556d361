"""The trade of one store, day by day, as a function of the seed: the same seed gives the same trade, for ever onwards.

Days are counted from the start of the store's chain of settlements; those before it have negative numbers.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from ml_connector.sandbox.amazon.charges import Charges
from ml_connector.sandbox.amazon.lives import (
    Life,
    cancelled_life,
    life_for_another_shop,
    life_of_sale,
    life_taxed_late,
    replacement_life,
)
from ml_connector.sandbox.amazon.marketplaces import Store
from ml_connector.sandbox.amazon.orders import Order, draw_order, label_event, order_event, refund_event
from ml_connector.sandbox.amazon.rows import Event
from ml_connector.sandbox.amazon.scenario import Scenario

FIRST_DAY = -24
"""An order counts at most 10 days after it was posted and is returned at most 12 days after that."""


@dataclass(frozen=True, slots=True)
class Day:
    """What one day of trade brings. Events have a place among those that count at the same instant: earlier text first."""

    events: tuple[tuple[str, Event], ...]
    lives: tuple[Life, ...]


class Trade:
    """``origin`` is the instant at which the first settlement begins; every day begins at its time of day."""

    def __init__(self, store: Store, scenario: Scenario, seed: int, origin: datetime, *, other_stores: bool) -> None:
        self._store = store
        self._scenario = scenario
        self._seed = seed
        self._origin = origin
        self._charges = Charges(store, other_stores=other_stores)

    def day(self, number: int) -> Day:
        """Everything that begins on a day: its account events, and its orders with all that will come of them.

        Before the first settlement there is only what still has a part in it: orders released or returned after it began.
        """
        events: list[tuple[str, Event]] = []
        lives: list[Life] = []
        if number >= 0:
            for index, event in enumerate(self._account_events(number)):
                events.append((f"0:{number:06d}:{index:03d}", event))
                lives.extend(self._behind(event, number))
        for index, (order, chance) in enumerate(self.orders(number, number + 1)):
            told = self._events_of(order, chance)
            if number < 0 and all(event.counted < self._origin for event in told):
                continue
            place = f"1:{number - FIRST_DAY:06d}:{index:05d}"
            events.extend((f"{place}:{turn}", event) for turn, event in enumerate(told))
            lives.extend(self._lives_of(order, number, index))
        return Day(tuple(events), tuple(lives))

    def orders(self, first: int, last: int) -> Iterator[tuple[Order, random.Random]]:
        """The orders posted from day ``first`` to before day ``last``, each with the chance that decides its fate."""
        usual = self._scenario.orders_per_day
        for number in range(first, last):
            count = self._chance(number, "orders").randint(max(0, usual - 1), usual + 1) if usual else 0
            for index in range(count):
                chance = self._chance(number, f"order {index}")
                yield draw_order(self._store, self._scenario, self._day(number), chance), chance

    def _events_of(self, order: Order, chance: random.Random) -> list[Event]:
        told = [order_event(order)]
        if chance.random() < self._scenario.refund_rate:
            told.append(refund_event(order, chance))
        if order.channel == "MFN" and self._store.code == "US":
            told.append(label_event(order, chance))
        return told

    def _lives_of(self, order: Order, number: int, index: int) -> Iterator[Life]:
        """The order's own life, and orders beside it that bring no money."""
        chance = self._chance(number, f"life {index}")
        yield life_of_sale(order, self._scenario, chance)
        if chance.random() < self._scenario.replacement_rate:
            yield replacement_life(order, chance)
        if chance.random() < self._scenario.cancelled_rate:
            yield cancelled_life(draw_order(self._store, self._scenario, self._day(number), chance), chance)

    def _behind(self, event: Event, number: int) -> Iterator[Life]:
        """The orders behind account events that name one."""
        if event.kind == "fulfilment":
            yield life_for_another_shop(event.rows[0], self._store, self._chance(number, "other shop"))
        if event.kind == "retrocharge":
            yield life_taxed_late(event.rows[0], self._store, self._origin, self._chance(number, "taxed late"))

    def _account_events(self, number: int) -> Iterator[Event]:
        return self._charges.events(number, self._day(number), self._chance(number, "account"))

    def _day(self, number: int) -> datetime:
        return self._origin + timedelta(days=number)

    def _chance(self, number: int, what: str) -> random.Random:
        return random.Random(f"{self._seed}:{self._store.code}:{number}:{what}")  # noqa: S311 - a game, not a secret
