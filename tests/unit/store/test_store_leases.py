"""Leases: one holder at a time, and an epoch that tells one tenure from the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, text

from ml_connector.store import dialect, leases
from ml_connector.store.door import Store
from ml_connector.store.leases import Lease
from tests.support.clock import FakeClock
from tests.support.databases import in_store

T = TypeVar("T")
TTL_S = 60.0


def pass_time(conn: Connection, clock: FakeClock, seconds: float) -> None:
    """Let time pass on the database's own clock: PostgreSQL's cannot be moved, so its leases are."""
    if dialect.is_postgresql(conn):
        conn.execute(text(f"UPDATE leases SET until = until - interval '{seconds} seconds'"))
    else:
        clock.advance(seconds)


def told(where: str | Path, story: Callable[[Connection, FakeClock], T]) -> T:
    clock = FakeClock()
    return in_store(where, lambda store: store.call(lambda conn: story(conn, clock)), clock)


def acquire(conn: Connection, holder: str) -> Lease:
    lease = leases.acquire(conn, "sap", holder, TTL_S)
    assert lease is not None
    return lease


def test_the_second_holder_is_refused_while_the_first_ones_lease_runs(where: str | Path) -> None:
    def story(conn: Connection, _clock: FakeClock) -> tuple[Lease, Lease | None, Lease | None]:
        return (
            acquire(conn, "ann"),
            leases.acquire(conn, "sap", "bob", TTL_S),
            leases.acquire(conn, "sage", "bob", TTL_S),
        )

    ann, bob, elsewhere = told(where, story)

    assert ann.epoch == 1
    assert bob is None
    assert elsewhere is not None


def test_after_the_lease_ran_out_another_takes_it_under_the_next_epoch(where: str | Path) -> None:
    def story(conn: Connection, clock: FakeClock) -> tuple[int, bool, bool]:
        ann = acquire(conn, "ann")
        pass_time(conn, clock, TTL_S + 1)
        bob = acquire(conn, "bob")
        return bob.epoch, leases.valid(conn, "sap", ann.epoch), leases.valid(conn, "sap", bob.epoch)

    assert told(where, story) == (2, False, True)


def test_a_holder_that_woke_too_late_can_neither_renew_nor_release(where: str | Path) -> None:
    def story(conn: Connection, clock: FakeClock) -> tuple[Lease | None, bool]:
        ann = acquire(conn, "ann")
        pass_time(conn, clock, TTL_S + 1)
        bob = acquire(conn, "bob")
        renewed = leases.renew(conn, ann, TTL_S)
        leases.release(conn, ann)
        return renewed, leases.valid(conn, "sap", bob.epoch)

    assert told(where, story) == (None, True)


def test_a_lease_that_ran_out_is_not_valid_even_if_nobody_took_it(where: str | Path) -> None:
    def story(conn: Connection, clock: FakeClock) -> tuple[bool, bool]:
        ann = acquire(conn, "ann")
        pass_time(conn, clock, TTL_S + 1)
        before = leases.valid(conn, "sap", ann.epoch)
        leases.renew(conn, ann, TTL_S)
        return before, leases.valid(conn, "sap", ann.epoch)

    assert told(where, story) == (False, True)


def test_asking_again_begins_a_new_tenure_and_ends_the_old(where: str | Path) -> None:
    def story(conn: Connection, _clock: FakeClock) -> tuple[int, int, bool]:
        first, second = acquire(conn, "ann"), acquire(conn, "ann")
        return first.epoch, second.epoch, leases.valid(conn, "sap", first.epoch)

    assert told(where, story) == (1, 2, False)


def test_a_released_lease_lets_the_next_in_and_is_worth_nothing(where: str | Path) -> None:
    def story(conn: Connection, _clock: FakeClock) -> tuple[bool, Lease | None, int]:
        ann = acquire(conn, "ann")
        leases.release(conn, ann)
        return leases.valid(conn, "sap", ann.epoch), leases.renew(conn, ann, TTL_S), acquire(conn, "bob").epoch

    assert told(where, story) == (False, None, 2)


def test_renewing_keeps_the_epoch_and_moves_the_end(where: str | Path) -> None:
    def story(conn: Connection, clock: FakeClock) -> tuple[bool, bool]:
        ann = acquire(conn, "ann")
        pass_time(conn, clock, TTL_S * 2 / 3)
        renewed = leases.renew(conn, ann, TTL_S)
        pass_time(conn, clock, TTL_S * 2 / 3)
        return renewed is not None and renewed.epoch == ann.epoch, leases.valid(conn, "sap", ann.epoch)

    assert told(where, story) == (True, True)


def test_of_many_that_ask_at_once_one_gets_it(where: str | Path) -> None:
    async def race(store: Store) -> list[Lease | None]:
        asking = (
            store.call(lambda conn, n=n: leases.acquire(conn, "sap", f"worker-{n}", TTL_S))  # type: ignore[misc]
            for n in range(8)
        )
        return list(await asyncio.gather(*asking))

    assert len([lease for lease in in_store(where, race) if lease is not None]) == 1
