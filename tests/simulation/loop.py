"""A seeded asyncio loop: virtual time, a random choice of the next callback, and processes that can be killed or frozen.

A *process* is everything that was started from one ``start`` call: its tasks, their tasks, their timers. Membership follows
the context of the callbacks, so the code under test knows nothing of it. A killed process runs no callback any more: its
tasks are kept, never closed, so no ``finally`` and no ``except`` of it runs, as after ``kill -9``.
"""

from __future__ import annotations

import asyncio
import heapq
from asyncio import events
from collections import Counter
from collections.abc import Coroutine
from contextvars import Context, ContextVar, copy_context
from pathlib import Path
from random import Random
from types import CodeType
from typing import Any

_PROCESS: ContextVar[str] = ContextVar("simulated_process", default="")


class Stuck(AssertionError):
    """Nothing can run any more and the awaited thing is not done: a deadlock of the code under test."""


class SimulationLoop(asyncio.base_events.BaseEventLoop):
    """One seed, one history."""

    def __init__(self, seed: int, steps_max: int = 2_000_000) -> None:
        super().__init__()
        self.random = Random(seed)
        self.steps: Counter[str] = Counter()
        self.kill_before: dict[str, int] = {}
        self.killed: dict[str, list[asyncio.Task[Any]]] = {}
        self.sites: Counter[tuple[str, int]] = Counter()
        self._frozen: dict[str, float] = {}
        self._virtual_s = 0.0
        self._steps_left = steps_max
        self._graveyard: list[Any] = []
        self._tasks: dict[str, list[asyncio.Task[Any]]] = {}
        self.set_task_factory(self._make_task)  # type: ignore[arg-type]

    # --- what BaseEventLoop asks of a loop ------------------------------------------------------------------------------

    def time(self) -> float:
        return self._virtual_s

    def _process_events(self, event_list: object) -> None:
        """There is no input or output here."""

    def _write_to_self(self) -> None:
        """Nobody sleeps in a selector, so nobody needs waking."""

    def _run_once(self) -> None:
        self._steps_left -= 1
        if self._steps_left < 0:
            raise Stuck("too many steps: something goes round in circles")
        ready: list[events.Handle] = self._ready  # type: ignore[attr-defined]
        self._timers_due()
        candidates = [place for place, handle in enumerate(ready) if not self._is_frozen(handle)]
        if not candidates:
            self._let_time_pass()
            return
        place = candidates[self.random.randrange(len(candidates))]
        handle = ready[place]
        del ready[place]
        process = self._process_of(handle)
        if process in self.killed:
            self._graveyard.append(handle)
            return
        if handle.cancelled():
            return
        self.steps[process] += 1
        if self.kill_before.get(process) == self.steps[process]:
            self.kill(process)
            self._graveyard.append(handle)
            return
        handle._run()

    def _timers_due(self) -> None:
        scheduled: list[events.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        while scheduled and (scheduled[0].cancelled() or scheduled[0].when() <= self._virtual_s):
            handle = heapq.heappop(scheduled)
            handle._scheduled = False  # type: ignore[attr-defined]
            if not handle.cancelled():
                self._ready.append(handle)  # type: ignore[attr-defined]

    def _let_time_pass(self) -> None:
        scheduled: list[events.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        ends = [handle.when() for handle in scheduled if not handle.cancelled()]
        ends += [until for until in self._frozen.values() if until > self._virtual_s]
        if not ends:
            self._stopping = True
            return
        self._virtual_s = max(self._virtual_s, min(ends))

    # --- processes -----------------------------------------------------------------------------------------------------

    def start(self, process: str, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run ``coroutine`` as the process ``process``."""
        context = copy_context()
        context.run(_PROCESS.set, process)
        return self.create_task(coroutine, name=process, context=context)

    def kill(self, process: str) -> None:
        """No callback of ``process`` runs from now on. Notes at which awaits of ours its tasks stand."""
        tasks = [task for task in self._tasks.get(process, ()) if not task.done()]
        self.killed[process] = tasks
        for task in tasks:
            self.sites.update(set(await_sites(task)))

    def freeze(self, process: str, seconds: float) -> None:
        """``process`` gets no turn for ``seconds`` of virtual time, like SIGSTOP."""
        self._frozen[process] = self._virtual_s + seconds

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run until ``coroutine`` is done; killed processes stay as they are."""
        events._set_running_loop(None)
        task = self.start("harness", coroutine)
        task.add_done_callback(lambda _task: self.stop())
        self.run_forever()
        if not task.done():
            raise Stuck("nothing can run any more")
        return task.result()

    def _make_task(
        self,
        loop: asyncio.AbstractEventLoop,
        coroutine: Coroutine[Any, Any, Any],
        *,
        context: Context | None = None,
        **_: Any,
    ) -> asyncio.Task[Any]:
        """Notes each task with its process, and holds on to it: a killed task must not be collected, hence closed."""
        task = asyncio.Task(coroutine, loop=loop, context=context)
        process = _PROCESS.get() if context is None else context.get(_PROCESS, "")
        self._tasks.setdefault(process, []).append(task)
        return task

    def _process_of(self, handle: events.Handle) -> str:
        return handle._context.get(_PROCESS, "")  # type: ignore[attr-defined,no-any-return]

    def _is_frozen(self, handle: events.Handle) -> bool:
        return self._frozen.get(self._process_of(handle), 0.0) > self._virtual_s


def current_process() -> str:
    """The process that is running now."""
    return _PROCESS.get()


def await_sites(task: asyncio.Task[Any]) -> list[tuple[str, int]]:
    """(file, line) of every await of ours on the stack of a suspended task, outermost first."""
    out = []
    awaited: Any = task.get_coro()
    while awaited is not None:
        code: CodeType | None = getattr(awaited, "cr_code", None) or getattr(awaited, "gi_code", None)
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
        if code is not None and frame is not None and "ml_connector" in code.co_filename:
            out.append((str(Path(code.co_filename)), frame.f_lineno))
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
    return out
