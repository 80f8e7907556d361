"""Rules about our own processes: killed, asleep, or two at a time; one document counts."""

from __future__ import annotations

import asyncio
from typing import Final

from ml_connector.conformance.office import PATIENCE_S, Office
from ml_connector.conformance.results import Beside, Broken, Of, Rule
from ml_connector.conformance.trial import Trial, expect
from ml_connector.conformance.world import Touches
from ml_connector.domain.documents import Document
from ml_connector.domain.target import ReliabilityClass
from ml_connector.posting.loop import LEASE_TTL_S

_WORKERS: Final = frozenset({Touches.ROUTES})

#: More steps than any document takes.
_STEPS_MAX: Final = 3_000
_RACES: Final = 8


async def _worker(trial: Trial, office: Office, name: str, connected: asyncio.Event | None = None) -> None:
    """A process that posts what is due: it signs in for itself. ``connected`` is set when its work begins."""
    company = await trial.site.connect()
    if connected is not None:
        connected.set()
        await trial.clock.sleep(0)
    await office.work(office.poster(company, name))
    await company.close()


async def _befallen(trial: Trial, step: int, sleeps_s: float) -> tuple[Document, bool]:
    """A document of its own; its worker is killed (or sleeps ``sleeps_s``) before its ``step``-th step, and another one takes over.
    False: the worker was done before that."""
    document = await trial.next_document()
    await trial.office.plan(await trial.company(), document)
    loop, name = trial.loop, f"worker-{step}"
    stopped: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def befall(process: str) -> None:
        if sleeps_s:
            loop.freeze(process, sleeps_s)
        else:
            loop.kill(process)
        stopped.set_result(None)

    connected = asyncio.Event()
    first = loop.start(name, _worker(trial, trial.office, name, connected))
    await connected.wait()
    loop.before_step[name] = {loop.steps[name] + step: befall}
    await asyncio.wait({first, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if stopped.done():
        await _ended(loop.start(f"{name}-after", _worker(trial, trial.office, f"{name}-after")), step)
    if sleeps_s:
        await _ended(first, step)
    return document, stopped.done()


async def _ended(worker: asyncio.Task[None], step: int) -> None:
    """Wait for it, not for ever."""
    done, _ = await asyncio.wait({worker}, timeout=2 * PATIENCE_S)
    expect(bool(done), f"After step {step} a worker never comes to an end.")
    worker.result()


async def _every_step(trial: Trial, sleeps_s: float = 0.0) -> int:
    what = f"asleep for {sleeps_s:.0f} s" if sleeps_s else "killed"
    for step in range(1, _STEPS_MAX):
        document, befell = await _befallen(trial, step, sleeps_s)
        try:
            await trial.must_count_once(document)
        except Broken as broken:
            raise Broken(f"The worker is {what} before step {step}: {broken}") from None
        if not befell:
            expect(step > 1, "The worker has nothing to do.")
            return step - 1
    raise Broken(f"A worker needs more than {_STEPS_MAX} steps for one document.")


async def _killed(trial: Trial) -> str:
    return f"{await _every_step(trial)} kills"


async def _asleep(trial: Trial) -> str:
    return f"{await _every_step(trial, 2 * LEASE_TTL_S)} sleeps"


async def _race(trial: Trial) -> str:
    for number in range(_RACES):
        document = await trial.next_document()
        await trial.office.plan(await trial.company(), document)
        await _run_together(trial, trial.office, trial.office, f"race-{number}")
        await trial.must_count_once(document)
    return f"{_RACES} races"


async def _race_without_lease(trial: Trial) -> str:
    made = await trial.papers()
    class_ = await trial.class_of(made.document)
    if class_ is not ReliabilityClass.REFUSED:
        raise Beside(f"The route is of class {class_.value}: two workers are kept apart by their lease.")
    other = trial.open_office()
    for number in range(_RACES):
        made = await trial.papers(trial.next_number())
        document = await trial.prepare(made)
        company = await trial.company()
        for before in made.before:
            await other.adopt(company, await trial.office.row(before.key))
        for office in (trial.office, other):
            await office.plan(company, document)
        await _run_together(trial, trial.office, other, f"without-{number}")
        row = await other.row(document.key)
        expect(row.state.value == "posted", f"The second office ends {row.state.value} ({row.reason}).")
        await trial.must_count_once(document)
    return f"{_RACES} races"


async def _run_together(trial: Trial, one: Office, other: Office, name: str) -> None:
    workers = [
        trial.loop.start(f"{name}-{holder}", _worker(trial, office, holder))
        for holder, office in (("one", one), ("other", other))
    ]
    await asyncio.gather(*workers)


RULES: Final = (
    Rule(
        "killed_anywhere",
        "The worker is killed before each of its steps, one after the other, and another takes over: one document counts.",
        Of.KIND,
        _WORKERS,
        _killed,
    ),
    Rule(
        "asleep_anywhere",
        "The worker sleeps through its lease before each of its steps, another takes over, and it wakes: one document counts.",
        Of.KIND,
        _WORKERS,
        _asleep,
    ),
    Rule(
        "race", "Two workers race through the posting loop with leases: one document counts.", Of.KIND, _WORKERS, _race
    ),
    Rule(
        "race_without_lease",
        "Two installations that know nothing of each other post the same: the server refuses the second, and both find one "
        "document. For routes of class refused.",
        Of.KIND,
        _WORKERS,
        _race_without_lease,
    ),
)
