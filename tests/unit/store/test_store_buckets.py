"""Token buckets on disk: a restart does not fill them, and a rate the server announced stays."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ml_connector.store.buckets import StoredBuckets
from ml_connector.store.door import Store
from tests.support.clock import FakeClock
from tests.support.databases import in_store, sqlite_database

RATE_PER_S, BURST = 0.5, 3


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return sqlite_database(tmp_path)


def told(path: Path, clock: FakeClock, story: Callable[[StoredBuckets], Awaitable[list[float]]]) -> list[float]:
    """What the story saw, with a store that is opened for it and closed after it."""
    return in_store(path, lambda store: story(StoredBuckets(store)), clock)


async def take(buckets: StoredBuckets, times: int, operation: str = "getOrders") -> list[float]:
    return [await buckets.take("seller-us", operation, RATE_PER_S, BURST) for _ in range(times)]


def test_the_burst_goes_at_once_and_then_one_waits(path: Path, clock: FakeClock) -> None:
    assert told(path, clock, lambda buckets: take(buckets, 4)) == [0.0, 0.0, 0.0, 2.0]


def test_a_refused_take_debits_nothing(path: Path, clock: FakeClock) -> None:
    async def story(buckets: StoredBuckets) -> list[float]:
        await take(buckets, 10)
        clock.advance(2.0)
        return await take(buckets, 2)

    assert told(path, clock, story) == [0.0, 2.0]


def test_reopening_the_store_does_not_fill_the_bucket(path: Path, clock: FakeClock) -> None:
    told(path, clock, lambda buckets: take(buckets, 3))

    assert told(path, clock, lambda buckets: take(buckets, 1)) == [2.0]


def test_every_operation_and_account_has_its_own(path: Path, clock: FakeClock) -> None:
    async def story(buckets: StoredBuckets) -> list[float]:
        await take(buckets, 3)
        other_account = await buckets.take("seller-eu", "getOrders", RATE_PER_S, BURST)
        return [other_account, *await take(buckets, 1, "getReports")]

    assert told(path, clock, story) == [0.0, 0.0]


def test_an_announced_rate_wins_over_the_documented_one_from_then_on(path: Path, clock: FakeClock) -> None:
    async def story(buckets: StoredBuckets) -> list[float]:
        await take(buckets, 3)
        await buckets.correct("seller-us", "getOrders", 0.1)
        return await take(buckets, 1)

    assert told(path, clock, story) == [10.0]
    assert told(path, clock, lambda buckets: take(buckets, 1)) == [10.0]


def test_a_correction_counts_from_now_not_backwards(path: Path, clock: FakeClock) -> None:
    async def story(buckets: StoredBuckets) -> list[float]:
        await take(buckets, 3)
        clock.advance(2.0)
        await buckets.correct("seller-us", "getOrders", 0.001)
        return await take(buckets, 1)

    assert told(path, clock, story) == [0.0]


def test_after_a_429_the_bucket_is_empty(path: Path, clock: FakeClock) -> None:
    async def story(buckets: StoredBuckets) -> list[float]:
        await take(buckets, 1)
        await buckets.drain("seller-us", "getOrders")
        return await take(buckets, 1)

    assert told(path, clock, story) == [2.0]


def test_an_operation_that_was_only_announced_or_drained_starts_empty(path: Path, clock: FakeClock) -> None:
    async def story(buckets: StoredBuckets) -> list[float]:
        await buckets.correct("seller-us", "getReports", 0.25)
        await buckets.drain("seller-us", "getOrders")
        return [*await take(buckets, 1, "getReports"), *await take(buckets, 1)]

    assert told(path, clock, story) == [4.0, 2.0]


def test_a_rate_limited_run_takes_as_long_as_the_rate_says(path: Path, clock: FakeClock) -> None:
    async def story(buckets: StoredBuckets) -> list[float]:
        for _ in range(23):
            while wait_s := await buckets.take("seller-us", "getOrders", RATE_PER_S, BURST):
                await clock.sleep(wait_s)
        return [clock.monotonic()]

    assert told(path, clock, story) == [(23 - BURST) / RATE_PER_S]


def test_two_processes_on_one_data_folder_share_the_bucket(path: Path, clock: FakeClock) -> None:
    async def story(first: StoredBuckets) -> list[float]:
        second = StoredBuckets(Store.open(path, clock))
        waits = [await take(each, 1) for each in (first, second, first, second)]
        await second.store.close()
        return [wait for (wait,) in waits]

    assert told(path, clock, story) == [0.0, 0.0, 0.0, 2.0]


def test_a_clock_that_was_ahead_for_hours_stops_nobody_once_it_is_right_again(path: Path, clock: FakeClock) -> None:
    async def story(buckets: StoredBuckets) -> list[float]:
        clock.advance(36_000)
        await take(buckets, 3)
        clock.advance(-36_000)
        spent = await take(buckets, 1)
        clock.advance(2.0)
        return [*spent, *await take(buckets, 1)]

    assert told(path, clock, story) == [2.0, 0.0]


def test_a_clock_that_trembles_fills_no_bucket(path: Path, clock: FakeClock) -> None:
    async def story(buckets: StoredBuckets) -> list[float]:
        await take(buckets, 3)
        for _ in range(20):
            clock.advance(-1.0)
            await take(buckets, 1)
            clock.advance(1.0)
        return await take(buckets, 1)

    assert told(path, clock, story) == [2.0]


def test_what_the_buckets_hold_can_be_looked_at(path: Path, clock: FakeClock) -> None:
    async def story(buckets: StoredBuckets) -> list[float]:
        await take(buckets, 3)
        clock.advance(2.0)
        held = await buckets.held("seller-us")
        assert list(held) == ["getOrders"]
        return [held["getOrders"], len(await buckets.held("seller-eu"))]

    assert told(path, clock, story) == [1.0, 0]
