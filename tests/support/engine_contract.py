"""What every engine promises (``engine/interface``), as tests that any engine can be put to.

A test class for an engine derives from :class:`EngineContract` and offers a ``bench``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, Protocol, TypeVar

import pytest

from ml_connector.domain.clock import Clock
from ml_connector.domain.errors import Unavailable
from ml_connector.engine.interface import Engine, Order, Slice, SliceEnd, SliceState, Work

T = TypeVar("T")

POST = Order("sap", "post", "main", "2026-11-21T12:00")


class RecoveringEngine(Engine, Protocol):
    """An engine that can start where another one died."""

    async def recover(self) -> int:
        """Queue again what was running; how many."""
        ...


class Bench(Protocol):
    """One data folder: engines on it, one after the other, share what is on record."""

    @property
    def clock(self) -> Clock: ...

    def engine(self, work: Work) -> RecoveringEngine: ...

    async def schedule(self, link: str, flow: str, connection: str, every_s: int) -> None:
        """First due now."""
        ...

    def run(self, story: Coroutine[Any, Any, T]) -> T: ...


class Died(BaseException):
    """The process ends in the middle of its work: nothing of ours may catch it."""


async def done(_slice: Slice) -> SliceEnd:
    return SliceEnd(SliceState.DONE)


class EngineContract:
    """The promises."""

    def test_a_slice_runs_and_its_end_can_be_asked_for(self, bench: Bench) -> None:
        async def work(slice_: Slice) -> SliceEnd:
            return SliceEnd(SliceState.DONE, {"posted": 3})

        async def story() -> tuple[SliceEnd | None, SliceEnd | None]:
            engine = bench.engine(work)
            wanted = await engine.enqueue(POST)
            before = await engine.end_of(wanted)
            await engine.drain()
            return before, await engine.end_of(wanted)

        before, after = bench.run(story())
        assert before is None
        assert after is not None
        assert (after.state, after.counts) == (SliceState.DONE, {"posted": 3})

    def test_work_is_told_what_was_ordered(self, bench: Bench) -> None:
        told: list[Slice] = []

        async def work(slice_: Slice) -> SliceEnd:
            told.append(slice_)
            return SliceEnd(SliceState.DONE)

        async def story() -> str:
            engine = bench.engine(work)
            wanted = await engine.enqueue(POST)
            await engine.drain()
            return wanted

        wanted = bench.run(story())
        assert told == [Slice(wanted, "sap", "post", "main", "2026-11-21T12:00")]

    def test_the_same_slot_is_one_slice_however_often_it_is_asked_for(self, bench: Bench) -> None:
        told: list[str] = []

        async def work(slice_: Slice) -> SliceEnd:
            told.append(slice_.id)
            return SliceEnd(SliceState.DONE)

        async def story() -> set[str]:
            engine = bench.engine(work)
            wanted = {await engine.enqueue(POST), await engine.enqueue(POST)}
            await engine.drain()
            wanted.add(await engine.enqueue(POST))
            await engine.drain()
            return wanted

        wanted = bench.run(story())
        assert len(wanted) == 1
        assert told == list(wanted)

    def test_another_slot_link_or_flow_is_another_slice(self, bench: Bench) -> None:
        orders = [
            POST,
            Order("sap", "post", "main", "2026-11-21T13:00"),
            Order("sap", "post", "other", "2026-11-21T12:00"),
            Order("sap", "reconcile", "main", "2026-11-21T12:00"),
        ]

        async def story() -> set[str]:
            engine = bench.engine(done)
            return {await engine.enqueue(order) for order in orders}

        assert len(bench.run(story())) == 4

    def test_two_slices_of_one_connection_never_run_at_the_same_time(self, bench: Bench) -> None:
        running: list[str] = []
        most: dict[str, int] = {}

        async def work(slice_: Slice) -> SliceEnd:
            running.append(slice_.connection)
            most[slice_.connection] = max(most.get(slice_.connection, 0), running.count(slice_.connection))
            for _ in range(5):
                await asyncio.sleep(0)
            running.remove(slice_.connection)
            return SliceEnd(SliceState.DONE)

        async def story() -> None:
            engine = bench.engine(work)
            for number in range(4):
                await engine.enqueue(Order("sap", "post", "main", f"slot {number}"))
                await engine.enqueue(Order("amazon", "orders", "main", f"slot {number}"))
            await engine.drain()

        bench.run(story())
        assert most == {"sap": 1, "amazon": 1}
        assert running == []

    def test_what_ran_when_the_process_died_runs_again(self, bench: Bench) -> None:
        told: list[str] = []

        async def dies(slice_: Slice) -> SliceEnd:
            told.append("begun")
            raise Died

        async def work(slice_: Slice) -> SliceEnd:
            told.append("done")
            return SliceEnd(SliceState.DONE)

        async def first() -> str:
            engine = bench.engine(dies)
            wanted = await engine.enqueue(POST)
            with pytest.raises(Died):
                await engine.drain()
            return wanted

        async def second(wanted: str) -> tuple[int, SliceEnd | None]:
            engine = bench.engine(work)
            again = await engine.recover()
            await engine.drain()
            return again, await engine.end_of(wanted)

        again, end = bench.run(second(bench.run(first())))
        assert told == ["begun", "done"]
        assert again == 1
        assert end is not None
        assert end.state is SliceState.DONE

    def test_an_error_ends_its_own_slice_and_nothing_else(self, bench: Bench) -> None:
        async def work(slice_: Slice) -> SliceEnd:
            if slice_.slot == "known":
                raise Unavailable("SAP did not answer.")
            if slice_.slot == "defect":
                raise ZeroDivisionError
            return SliceEnd(SliceState.DONE)

        async def story() -> list[SliceEnd | None]:
            engine = bench.engine(work)
            wanted = [await engine.enqueue(Order("sap", "post", "main", slot)) for slot in ("known", "defect", "good")]
            await engine.drain()
            return [await engine.end_of(each) for each in wanted]

        known, defect, good = bench.run(story())
        assert known is not None
        assert (known.state, known.code, known.words, known.exit_code) == (
            SliceState.FAILED,
            "unavailable",
            "SAP did not answer.",
            3,
        )
        assert defect is not None
        assert (defect.state, defect.code) == (SliceState.FAILED, "defect")
        assert good is not None
        assert good.state is SliceState.DONE

    def test_what_follows_a_slice_is_enqueued_when_it_ends(self, bench: Bench) -> None:
        told: list[str] = []

        async def work(slice_: Slice) -> SliceEnd:
            told.append(slice_.flow)
            then = (Order("sap", "post", "main", slice_.slot),) if slice_.flow == "settlements" else ()
            return SliceEnd(SliceState.DONE, then=then)

        async def story() -> None:
            engine = bench.engine(work)
            await engine.enqueue(Order("amazon", "settlements", "main", "noon"))
            await engine.drain()

        bench.run(story())
        assert told == ["settlements", "post"]

    def test_a_schedule_is_due_once_for_each_slot_and_once_for_all_that_was_missed(self, bench: Bench) -> None:
        told: list[str] = []

        async def work(slice_: Slice) -> SliceEnd:
            told.append(slice_.slot)
            return SliceEnd(SliceState.DONE)

        async def story() -> list[int]:
            await bench.schedule("main", "post", "sap", 900)
            engine = bench.engine(work)
            ticks = []
            for wait_s in (0, 0, 900, 7200, 1):
                await bench.clock.sleep(wait_s)
                ticks.append(await engine.tick())
                await engine.drain()
            return ticks

        start = bench.clock.now()
        assert bench.run(story()) == [1, 0, 1, 1, 0]
        assert told == [(start + timedelta(seconds=after_s)).isoformat() for after_s in (0, 900, 1800)]

    def test_the_end_of_an_unknown_slice_is_not_known(self, bench: Bench) -> None:
        assert bench.run(bench.engine(done).end_of("nobody asked for this")) is None
