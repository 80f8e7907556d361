"""A seeded asyncio loop: virtual time, a random choice of the next callback, and processes that can be killed or frozen.

A *process* is everything that was started from one ``start`` call: its tasks, their tasks, their timers. Membership follows
the context of the callbacks, so the code under test knows nothing of it. A *step* is one callback of a process. A killed
process runs no callback any more: its tasks are kept, not closed, so no ``finally`` and no ``except`` of it runs, as after
``kill -9``. They are closed when the history is over and nothing they do can matter (:meth:`SimulationLoop.bury`).
"""

from __future__ import annotations

import asyncio
import gc
import heapq
import inspect
from asyncio import events
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from contextvars import Context, ContextVar, copy_context
from functools import cache
from operator import attrgetter
from pathlib import Path
from random import Random
from types import AsyncGeneratorType, CodeType, CoroutineType, FrameType, GeneratorType
from typing import Any, Final, TypeVar

T = TypeVar("T")

_PROCESS: ContextVar[str] = ContextVar("simulated_process", default="")

_HERE: Final = str(Path(__file__).parent)

#: (file, function, line) of a suspended await.
Place = tuple[str, str, int]


class Stuck(AssertionError):
    """Nothing can run any more, or something goes round in circles: a defect of the code under test."""


class SimulationLoop(asyncio.base_events.BaseEventLoop):
    """One seed, one history.

    ``before_step`` maps a process to what happens before its n-th step, ``at_place`` to what happens as soon as it stands at an
    await that the first of the pair accepts. ``steps`` counts steps. ``places`` counts, for every kill, the awaits at which
    the killed process stood. ``halt`` ends the history early.
    """

    def __init__(self, seed: int, steps_max: int = 400_000) -> None:
        super().__init__()
        self.random = Random(seed)  # noqa: S311 - a choice of the next callback, not a secret
        self.steps: Counter[str] = Counter()
        self.before_step: dict[str, dict[int, Callable[[str], None]]] = {}
        self.at_place: dict[str, tuple[Callable[[Place], bool], Callable[[str], None]]] = {}
        self.places: Counter[Place] = Counter()
        self.on_death: Callable[[str], None] = lambda _process: None
        self._dead: set[str] = set()
        self._frozen: dict[str, float] = {}
        self._tasks: dict[str, list[asyncio.Task[Any]]] = {}
        self._never_run: list[events.Handle] = []
        self._virtual_s = 0.0
        self._steps_left = steps_max
        self._halted: BaseException | None = None
        self.set_task_factory(self._make_task)  # type: ignore[arg-type]
        self.set_exception_handler(self._defect)

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
            self.halt(Stuck("too many steps: something goes round in circles"))
            return
        ready: list[events.Handle] = self._ready  # type: ignore[attr-defined]
        self._timers_due()
        candidates = range(len(ready))
        if self._frozen:
            candidates = [place for place in candidates if not self._is_frozen(ready[place])]  # type: ignore[assignment]
        if not candidates:
            self._let_time_pass()
            return
        place = candidates[self.random.randrange(len(candidates))]
        handle = ready[place]
        del ready[place]
        process = self._process_of(handle)
        if process in self._dead:
            self._never_run.append(handle)
            return
        if handle.cancelled():
            return
        self.steps[process] += 1
        happening = self.before_step.get(process)
        if happening is not None:
            act = happening.pop(self.steps[process], None)
            if act is not None:
                # What is about to run is first put back: it may be frozen with its process, or die with it.
                ready.append(handle)
                self.steps[process] -= 1
                act(process)
                return
        handle._run()
        if process in self.at_place:
            self._look_where(process)

    def _look_where(self, process: str) -> None:
        wanted, act = self.at_place[process]
        if any(wanted(place) for place in self._stands_at(process)):
            del self.at_place[process]
            act(process)

    def _stands_at(self, process: str) -> set[Place]:
        return {place for task in self._tasks.get(process, ()) if not task.done() for place in await_places(task)}

    def _timers_due(self) -> None:
        scheduled: list[events.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        while scheduled and (scheduled[0].cancelled() or scheduled[0].when() <= self._virtual_s):
            handle = heapq.heappop(scheduled)
            handle._scheduled = False  # type: ignore[attr-defined]
            if not handle.cancelled():
                self._ready.append(handle)  # type: ignore[attr-defined]

    def _let_time_pass(self) -> None:
        scheduled: list[events.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        ends = [scheduled[0].when()] if scheduled else []
        ends += [until for until in self._frozen.values() if until > self._virtual_s]
        if not ends:
            self.halt(Stuck("nothing can run any more"))
            return
        self._virtual_s = max(self._virtual_s, min(ends))
        self._frozen = {process: until for process, until in self._frozen.items() if until > self._virtual_s}

    # --- processes -----------------------------------------------------------------------------------------------------

    def start(self, process: str, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run ``coroutine`` as the process ``process``."""
        context = copy_context()
        context.run(_PROCESS.set, process)
        return self.create_task(coroutine, name=process, context=context)

    def kill(self, process: str) -> None:
        """No callback of ``process`` runs from now on. Notes at which awaits of ours it stood."""
        self._dead.add(process)
        self._frozen.pop(process, None)
        self.places.update(self._stands_at(process))
        self.on_death(process)

    def freeze(self, process: str, seconds: float) -> None:
        """``process`` gets no turn for ``seconds`` of virtual time, as after SIGSTOP. Time-outs go on."""
        self._frozen[process] = self._virtual_s + seconds

    def thaw_all(self) -> None:
        """As SIGCONT to all."""
        self._frozen.clear()

    def is_dead(self, process: str) -> bool:
        return process in self._dead

    def halt(self, why: BaseException) -> None:
        """End the history here; ``run`` raises ``why``. The first reason stands."""
        if self._halted is None:
            self._halted = why
        self.stop()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run until ``coroutine`` is done."""
        task = self.start("harness", coroutine)
        task.add_done_callback(lambda _task: self.stop())
        self.run_forever()
        if self._halted is not None:
            raise self._halted
        return task.result()

    def bury(self) -> None:
        """The history is over: close what was killed or left, whatever its ``finally`` clauses want, and the loop."""
        self._halted = None
        self.set_exception_handler(lambda _loop, _context: None)
        events._set_running_loop(self)
        try:
            for tasks in self._tasks.values():
                for task in tasks:
                    if not task.done():
                        task._log_destroy_pending = False  # type: ignore[attr-defined]
                        _close(task.get_coro())
            for handle in (*self._never_run, *self._ready, *self._scheduled):  # type: ignore[attr-defined]
                # A generator that was collected in a dead process had its end scheduled.
                for each in handle._args or ():
                    if inspect.isawaitable(each) and hasattr(each, "close"):
                        _close(each)
        finally:
            events._set_running_loop(None)
        self._ready.clear()  # type: ignore[attr-defined]
        self._scheduled.clear()  # type: ignore[attr-defined]
        self._never_run.clear()
        self.close()

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
        kept = self._tasks.setdefault(process, [])
        if len(kept) > 64:
            kept[:] = [each for each in kept if not each.done()]
        kept.append(task)
        return task

    def _defect(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """An exception that nobody catches is a defect of the code under test or of the simulation."""
        error = context.get("exception")
        self.halt(error if error is not None else Stuck(str(context.get("message"))))

    def _process_of(self, handle: events.Handle) -> str:
        return handle._context.get(_PROCESS, "")  # type: ignore[attr-defined,no-any-return]

    def _is_frozen(self, handle: events.Handle) -> bool:
        return self._frozen.get(self._process_of(handle), 0.0) > self._virtual_s


def current_process() -> str:
    """The process that is running now."""
    return _PROCESS.get()


def await_places(task: asyncio.Task[Any]) -> list[Place]:
    """Every await of ours on the stack of a suspended task, outermost first."""
    out: list[Place] = []
    awaited: Any = task.get_coro()
    if not inspect.iscoroutine(awaited) or inspect.getcoroutinestate(awaited) == inspect.CORO_CREATED:
        return out
    while awaited is not None:
        parts = _PARTS.get(type(awaited))
        if parts is None:
            # What awaits an async generator's next value names the generator nowhere but to the collector.
            awaited = next((each for each in gc.get_referents(awaited) if isinstance(each, AsyncGeneratorType)), None)
            continue
        code, frame, awaited = parts(awaited)
        if frame is not None and _is_ours(code.co_filename):
            out.append((code.co_filename, code.co_qualname, frame.f_lineno))
    return out


#: Code, frame and what is awaited, of all that stands on the stack of a task. This is asked after every step of a process.
_PARTS: Final[Mapping[type, Callable[[Any], tuple[CodeType, FrameType | None, Any]]]] = {
    CoroutineType: attrgetter("cr_code", "cr_frame", "cr_await"),
    AsyncGeneratorType: attrgetter("ag_code", "ag_frame", "ag_await"),
    GeneratorType: attrgetter("gi_code", "gi_frame", "gi_yieldfrom"),
}


@cache
def _is_ours(file: str) -> bool:
    """Of what is shipped, and not of what simulates its time."""
    return "ml_connector" in file and not file.startswith(_HERE)


class _Buried(BaseException):
    """Ends what a history left behind."""


def _close(coroutine: Any) -> None:
    """A ``finally`` that awaits stops it; each further throw takes it a step on.

    Thrown and not closed: a close does not pass through an async generator that is being awaited.
    """
    for _ in range(50):
        try:
            coroutine.throw(_Buried())
        except BaseException:  # noqa: BLE001 - it is over, whatever it said last
            return
