"""Orders change, polls come and die, clocks are wrong: whatever the interleaving, nothing is lost, doubled or out of order.

A process dies at any step of its own: at each await, before each transaction and after each commit.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ml_connector.conformance.clock import BORN, SimulationClock
from ml_connector.conformance.loop import SimulationLoop
from ml_connector.flows import coverage
from ml_connector.flows.orders import OrderReader
from ml_connector.store.door import Store
from tests.support.amazon import MemoryBuckets
from tests.support.databases import sqlite_database
from tests.support.order_reading import every_record, every_version, read_all, shop
from tests.support.thin_amazon import ThinAmazon, Version, order_body

IDS = [f"113-1000001-000000{n}" for n in range(4)]


@dataclass(frozen=True)
class Change:
    """Order ``which`` changes now; it shows ``late_s`` later than others do."""

    which: int
    late_s: int = 0


@dataclass(frozen=True)
class Wait:
    seconds: int


@dataclass(frozen=True)
class Skew:
    """From now our clock is wrong by so much."""

    seconds: int


@dataclass(frozen=True)
class Poll:
    """A process reads; orders ``between`` change after its pages, one each. It dies at step ``die_at``, or never (0)."""

    between: tuple[int, ...] = ()
    die_at: int = 0


@dataclass(frozen=True)
class Past:
    """A person wants the orders of so many days."""

    days: int


ORDERS = st.integers(0, len(IDS) - 1)
ACTIONS = st.one_of(
    st.builds(Change, ORDERS, st.sampled_from([0, 0, 60, 170])),
    st.builds(Wait, st.sampled_from([1, 60, 150, 900, 5_000, 90_000, 400_000])),
    st.builds(Skew, st.sampled_from([-40_000, -600, -1, 0, 1, 600, 40_000])),
    st.builds(Poll, st.lists(ORDERS, max_size=3).map(tuple), st.one_of(st.just(0), st.integers(1, 60))),
    st.builds(Past, st.sampled_from([2, 40, 400])),
)


class WrongClock:
    """The simulated clock, wrong by ``skew``."""

    speed = 1.0

    def __init__(self, right: SimulationClock) -> None:
        self._right = right
        self.skew = timedelta(0)

    def now(self) -> datetime:
        return self._right.now() + self.skew

    def monotonic(self) -> float:
        return self._right.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._right.sleep(seconds)


@dataclass
class History:
    """What happens, and what must be true all the time."""

    path: Path
    seed: int
    changes: dict[str, list[Version]] = field(default_factory=dict)
    late: set[Version] = field(default_factory=set)
    promised: list[Version] = field(default_factory=list)
    deaths: int = 0

    def __post_init__(self) -> None:
        self.loop = SimulationLoop(self.seed, steps_max=2_000_000)
        self.right = SimulationClock(self.loop)
        self.ours = WrongClock(self.right)
        self.amazon = ThinAmazon(self.right, limited=False, page_max=1)
        for which, days in enumerate((400, 25, 3, 0)):
            self.change(which, BORN - timedelta(days=days, minutes=10))

    def change(self, which: int, at: datetime, late_s: int = 0) -> None:
        """The next version of an order: one unit more. Amazon's instants of one order are apart by a second at least."""
        order_id = IDS[which]
        before = self.changes.setdefault(order_id, [])
        at = at.replace(microsecond=0)
        if before and at <= before[-1].updated:
            at = before[-1].updated + timedelta(seconds=1)
        body = order_body(order_id, at, units=len(before) + 1)
        version = self.amazon.change(order_id, at, body, timedelta(seconds=late_s))
        before.append(version)
        if late_s:
            self.late.add(version)

    async def happen(self, actions: Sequence[object]) -> None:
        for number, action in enumerate(actions):
            match action:
                case Change(which, late_s):
                    self.change(which, self.right.now(), late_s)
                case Wait(seconds):
                    await asyncio.sleep(seconds)
                case Skew(seconds):
                    self.ours.skew = timedelta(seconds=seconds)
                case Past(days):
                    await self.want(days)
                case Poll(between, die_at):
                    await self.poll(f"process {number}", list(between), die_at)
            await self.nothing_is_claimed_that_is_not_there()

    async def come_to_rest(self) -> None:
        """Nothing changes any more, and two polls end well."""
        self.ours.skew = timedelta(0)
        for number in range(2):
            await asyncio.sleep(4_000)
            await self.poll(f"last {number}", [], 0)

    async def poll(self, process: str, between: list[int], die_at: int) -> None:
        served = len(self.amazon.served)

        def meanwhile() -> None:
            if between:
                self.change(between.pop(), self.right.now())

        def die(name: str) -> None:
            self.deaths += 1
            self.loop.kill(name)

        self.amazon.meanwhile = meanwhile
        if die_at:
            self.loop.before_step[process] = {die_at: die}
        task = self.loop.start(process, self.read())
        while not task.done() and not self.loop.is_dead(process):
            await self.right.sleep(0.5)
        if task.done():
            task.result()
            self.promised += self.amazon.served[served:]
        self.amazon.meanwhile = lambda: None

    async def read(self) -> None:
        store = self.store()
        account = self.amazon.account(self.ours, MemoryBuckets(self.ours))
        await read_all(OrderReader(shop(store, account, self.ours)))
        await store.close()

    async def want(self, days: int) -> None:
        store = self.store()
        now = self.ours.now()
        await store.call(lambda conn: coverage.want(conn, "amazon", now - timedelta(days=days), now))
        await store.close()

    def store(self) -> Store:
        async def yield_point() -> None:
            await asyncio.sleep(0)

        return Store.open(self.path, self.ours, yield_point=yield_point, fsync=False)

    async def nothing_is_claimed_that_is_not_there(self) -> None:
        """An order that stands in the stretch that is said to be read, is on record as it stands."""
        store = self.store()
        covered = await store.call(lambda conn: coverage.get(conn, "amazon"))
        for order_id, versions in self.changes.items():
            version = versions[-1]
            if covered.since is None or covered.to is None or version in self.late:
                continue
            if covered.since <= version.updated <= covered.to:
                kept = [each.changed_at for each in await every_version(store, order_id)]
                assert version.updated in kept, (order_id, covered)
        await store.close()

    async def everything_is_there(self) -> None:
        store = self.store()
        covered = await store.call(lambda conn: coverage.get(conn, "amazon"))
        assert covered.since is not None
        records = await every_record(store)
        kept = {order_id: await every_version(store, order_id) for order_id in IDS}
        for order_id, versions in self.changes.items():
            instants = [each.changed_at for each in kept[order_id]]
            assert instants == sorted(set(instants)), "each once, and in order"
            assert set(instants) <= {each.updated for each in versions}, "nothing that never was"
            if versions[-1].updated >= covered.since:
                assert records[order_id].changed_at == versions[-1].updated, "the final version"
                assert records[order_id].sha256 == kept[order_id][-1].sha256
        for version in self.promised:
            instants = [each.changed_at for each in kept[version.order_id]]
            assert instants.count(version.updated) == 1, "what a successful poll has seen"
        await store.close()

    def run(self, actions: Sequence[object]) -> None:
        """All of it, from its birth to its rest."""

        async def all_of_it() -> None:
            await self.happen(actions)
            await self.come_to_rest()
            await self.everything_is_there()

        try:
            self.loop.run(all_of_it())
        finally:
            self.loop.bury()


@settings(max_examples=40)
@given(actions=st.lists(ACTIONS, max_size=14), seed=st.integers(0, 2**16))
def test_nothing_is_lost_doubled_or_out_of_order(actions: list[object], seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        History(sqlite_database(Path(folder)), seed).run(actions)


def test_a_process_dies_at_each_of_its_steps_and_the_next_one_finishes(tmp_path: Path) -> None:
    """The same poll, killed at step 1, 2, 3 ... until it is no longer killed."""
    for die_at in range(1, 400):
        folder = tmp_path / str(die_at)
        folder.mkdir()
        history = History(sqlite_database(folder), seed=die_at)
        history.run([Poll(), Change(1), Change(2), Wait(900), Poll((3, 0), die_at)])
        if history.deaths == 0:
            assert die_at > 20, "a poll has more steps than that"
            return
    raise AssertionError("it never came through")
