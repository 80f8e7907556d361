"""Real processes that sleep through their lease, wait for one another, or are asked to stop while they write."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.chaos import FINISH_S, FIRST_HELD_S, Trade, finish, require_the_plan_once, trade
from tests.support.processes import Started, until

pytestmark = pytest.mark.chaos

STORES = ("US", "DE")


@pytest.mark.parametrize("claims", [True, False], ids=["claim", "plain"])
def test_a_run_that_wakes_after_another_took_its_lease_writes_nothing_more(claims: bool, tmp_path: Path) -> None:
    with trade(tmp_path, claims=claims, stores=STORES, first_held_s=FIRST_HELD_S) as world:
        frozen = world.run()
        assert world.await_write(1, frozen)
        _freeze(world, frozen)
        accepted = world.sandbox.written()
        # As on a shared disk that does not keep the locks of processes: nothing but the lease tells the two apart.
        (world.ours.data / "engine.lock").unlink()

        other = world.run().end(FINISH_S)
        assert (other.code, other.document["waiting"]) == (0, []), other
        written = world.sandbox.written()
        assert accepted < written == world.documents()

        frozen.send(signal.SIGCONT)
        woken = frozen.end(FINISH_S)
        assert woken.code in (0, 1), woken.trouble
        assert world.sandbox.written() == written

        finish(world)
        require_the_plan_once(world)


def test_runs_that_wait_for_another_end_with_it_and_one_takes_over_when_it_dies(tmp_path: Path) -> None:
    with trade(tmp_path, claims=True, stores=STORES, first_held_s=FIRST_HELD_S) as world:
        first = world.run()
        assert world.await_write(1, first)
        _freeze(world, first)
        second, third = world.run(), world.run()
        until(lambda: _orders(world) == 3, "the others have put their orders on record")
        assert first.kill()

        ends = second.end(FINISH_S), third.end(FINISH_S)
        assert [(said.code, said.document["waiting"]) for said in ends] == [(0, []), (0, [])], ends
        require_the_plan_once(world)


@pytest.mark.parametrize(("ask", "claims"), [(signal.SIGTERM, False), (signal.SIGINT, True)])
def test_a_run_that_is_asked_to_stop_finishes_what_it_is_writing(
    ask: signal.Signals, claims: bool, tmp_path: Path
) -> None:
    with trade(tmp_path, claims=claims, stores=STORES, first_held_s=FIRST_HELD_S) as world:
        running = world.run()
        assert world.await_write(1, running)
        running.send(ask)
        said = running.end(FINISH_S)

        assert (said.code, said.trouble.strip()) == (1, said.document["trouble"]), said
        assert said.document["trouble"] == "Stopped as asked; the next run goes on from here."
        assert world.sandbox.written() < world.documents(), "it went on to the end"
        assert not world.ours.rows("SELECT id FROM attempts WHERE outcome IN ('intent', 'unknown')")

        finish(world)
        require_the_plan_once(world)


def _freeze(world: Trade, running: Started) -> None:
    """SIGSTOP, at a moment when the process is in no transaction: one that is would keep every other from the database."""

    def stopped_outside_of_a_transaction() -> bool:
        running.stop()
        with closing(sqlite3.connect(world.ours.database, isolation_level=None, timeout=0.1)) as database:
            try:
                database.execute("BEGIN IMMEDIATE")
                database.execute("ROLLBACK")
            except sqlite3.OperationalError:
                running.send(signal.SIGCONT)
                return False
        return True

    until(stopped_outside_of_a_transaction, "the run is in no transaction")


def _orders(world: Trade) -> int:
    found: int = world.ours.rows("SELECT count(*) FROM slices WHERE flow = 'settlements'")[0][0]
    return found
