"""The engine of the simulation: the same promises as the embedded one, in one loop, without tasks of its own.

What it knows outlives a process as a :class:`Board`, as the tables of a real engine would. Every simulated process has a
board of its own, so the engine keeps no two processes apart: only leases do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ml_connector.domain.clock import Clock
from ml_connector.domain.errors import MlConnectorError
from ml_connector.engine.interface import Order, Slice, SliceEnd, SliceState, Work


@dataclass(slots=True)
class _Entry:
    slice: Slice
    state: SliceState = SliceState.QUEUED
    end: SliceEnd | None = None


@dataclass(slots=True)
class Schedule:
    """``flow`` of ``link`` on ``connection`` every ``every_s`` seconds, next at ``next_at``."""

    connection: str
    link: str
    flow: str
    every_s: float
    next_at: datetime


@dataclass(slots=True)
class Board:
    """What an engine has on record."""

    entries: dict[tuple[str, str, str], _Entry] = field(default_factory=dict)
    schedules: list[Schedule] = field(default_factory=list)


@dataclass(slots=True)
class LoopEngine:
    """A :class:`ml_connector.engine.interface.Engine` that runs one slice after the other."""

    board: Board
    work: Work
    clock: Clock
    stopping: Callable[[], bool] = lambda: False

    async def recover(self) -> int:
        """Queue again what ran when the process died."""
        interrupted = [each for each in self.board.entries.values() if each.state is SliceState.RUNNING]
        for entry in interrupted:
            entry.state = SliceState.QUEUED
        return len(interrupted)

    async def enqueue(self, order: Order) -> str:
        name = (order.link, order.flow, order.slot)
        found = self.board.entries.get(name)
        if found is None:
            slice_ = Slice(" ".join(name), order.connection, order.flow, order.link, order.slot)
            found = self.board.entries[name] = _Entry(slice_)
        return found.slice.id

    async def tick(self) -> int:
        now = self.clock.now()
        due = [each for each in self.board.schedules if each.next_at <= now]
        for schedule in due:
            await self.enqueue(Order(schedule.connection, schedule.flow, schedule.link, schedule.next_at.isoformat()))
            every = timedelta(seconds=schedule.every_s)
            schedule.next_at += every * ((now - schedule.next_at) // every + 1)
        return len(due)

    async def drain(self) -> None:
        while not self.stopping():
            entry = self._next()
            if entry is None:
                return
            entry.state = SliceState.RUNNING
            try:
                end = await self.work(entry.slice)
            except MlConnectorError as error:
                end = SliceEnd(SliceState.FAILED, code=error.code, words=str(error), exit_code=error.exit_code)
            except Exception as error:  # noqa: BLE001 - a defect ends its own slice, as in the embedded engine
                end = SliceEnd(SliceState.FAILED, code="defect", words=repr(error), exit_code=1)
            entry.state, entry.end = end.state, end
            for order in end.then:
                await self.enqueue(order)

    async def end_of(self, slice_id: str) -> SliceEnd | None:
        return next((each.end for each in self.board.entries.values() if each.slice.id == slice_id), None)

    def _next(self) -> _Entry | None:
        """The oldest queued slice whose connection is free."""
        busy = {each.slice.connection for each in self.board.entries.values() if each.state is SliceState.RUNNING}
        return next(
            (
                each
                for each in self.board.entries.values()
                if each.state is SliceState.QUEUED and each.slice.connection not in busy
            ),
            None,
        )
