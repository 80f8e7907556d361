"""The embedded engine: slices run in this process, dispatched from our own tables.

One of it per data folder (``lock``). It holds nothing that matters: what was running when a process died is queued again when
the next one starts, and the work itself is written to be done twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from ml_connector.domain.clock import Clock
from ml_connector.domain.errors import MlConnectorError
from ml_connector.engine.interface import Order, Slice, SliceEnd, SliceState, Work
from ml_connector.store import queue
from ml_connector.store.door import Store

_log = structlog.get_logger(__name__)

#: Slices at work at the same time, over all connections.
_PARALLEL_MAX: Final = 4
_TICK_S: Final = 15.0
#: How often it looks whether somebody asks for work, or for the end.
_LOOK_S: Final = 0.5


@dataclass(slots=True)
class EmbeddedEngine:
    """Dispatches slices to ``work``.

    ``connection_of(conn, link, flow)`` says on which connection a scheduled flow runs (None: the link is gone).
    ``stopping`` is asked between slices: what runs is never interrupted.
    """

    store: Store
    work: Work
    clock: Clock
    connection_of: Callable[[Connection, str, str], str | None]
    stopping: Callable[[], bool] = lambda: False
    _running: dict[asyncio.Task[None], str] = field(default_factory=dict, init=False)

    async def recover(self) -> int:
        """Queue again what was running when the last engine died; how many slices."""
        return await self.store.call(queue.requeue_running)

    async def enqueue(self, order: Order) -> str:
        row = await self.store.call(lambda conn: _enqueue(conn, order))
        return row.id

    async def tick(self) -> int:
        return await self.store.call(lambda conn: self._enqueue_due(conn, self.store.now(conn)))

    async def drain(self) -> None:
        """Run until nothing is queued and nothing runs, or until told to stop."""
        while True:
            while len(self._running) < _PARALLEL_MAX and not self.stopping():
                found = await self.store.call(queue.take)
                if found is None:
                    break
                slice_ = Slice(found.id, found.connection, found.flow, found.link, found.slot)
                self._running[asyncio.create_task(self._run(slice_))] = slice_.connection
            if not self._running:
                return
            done, _ = await asyncio.wait(self._running, timeout=_LOOK_S, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                del self._running[task]
                task.result()

    async def serve(self) -> None:
        """Tick and drain until told to stop."""
        await self.recover()
        tick_at = self.clock.monotonic()
        while not self.stopping():
            if self.clock.monotonic() >= tick_at:
                tick_at = self.clock.monotonic() + _TICK_S
                await self.tick()
            await self.drain()
            await self.clock.sleep(_LOOK_S)

    async def end_of(self, slice_id: str) -> SliceEnd | None:
        row = await self.store.call(lambda conn: queue.get(conn, slice_id))
        if row is None or SliceState(row.state) in {SliceState.QUEUED, SliceState.RUNNING}:
            return None
        return SliceEnd(
            state=SliceState(row.state),
            counts=row.result.get("counts", {}),
            code=row.result.get("code", ""),
            words=row.result.get("words", ""),
            exit_code=row.result.get("exit_code", 0),
        )

    async def _run(self, slice_: Slice) -> None:
        """Do one slice and write down how it ended. Our own errors end the slice; so does a defect, loudly."""
        try:
            end = await self.work(slice_)
        except MlConnectorError as error:
            end = SliceEnd(SliceState.FAILED, code=error.code, words=str(error), exit_code=error.exit_code)
        except Exception as error:  # noqa: BLE001 - a defect in one slice must not stop the others; it is logged and shown
            _log.exception("slice_defect", slice=slice_.id, flow=slice_.flow, link=slice_.link)
            end = SliceEnd(
                SliceState.FAILED, code="defect", words=f"{type(error).__name__} in {slice_.flow}", exit_code=1
            )
        result = {"counts": dict(end.counts), "code": end.code, "words": end.words, "exit_code": end.exit_code}
        await self.store.call(lambda conn: _end(conn, slice_, end, result))

    def _enqueue_due(self, conn: Connection, now: datetime) -> int:
        """The slot of a schedule is the instant it was due at; what was missed while nothing ran is done once, now."""
        due = queue.due_schedules(conn, now)
        for schedule in due:
            connection = self.connection_of(conn, schedule.link, schedule.flow)
            if connection is not None:
                slot = schedule.next_at.isoformat()
                _enqueue(conn, Order(connection, schedule.flow, schedule.link, slot))
            every = timedelta(seconds=schedule.every_s)
            missed = (now - schedule.next_at) // every
            queue.move_schedule(
                conn, schedule.link, schedule.flow, schedule.next_at, schedule.next_at + every * (missed + 1)
            )
        return len(due)


def _end(conn: Connection, slice_: Slice, end: SliceEnd, result: dict[str, object]) -> None:
    """The end of a slice and the beginning of what follows it are one fact: whoever sees the one sees the other."""
    queue.end(conn, slice_.id, end.state.value, result)
    for order in end.then:
        _enqueue(conn, order)


def _enqueue(conn: Connection, order: Order) -> queue.SliceRow:
    return queue.enqueue(
        conn, connection=order.connection, flow=order.flow, link=order.link, slot=order.slot, requested_by=order.by
    )
