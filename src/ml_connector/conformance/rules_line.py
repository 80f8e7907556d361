"""Rules about what the line and the server do to a request: whatever becomes of the answer, one document counts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from ml_connector.conformance.results import Beside, Broken, Of, Rule
from ml_connector.conformance.trial import Trial, expect
from ml_connector.conformance.world import Fault, NotHere, Touches, Traffic
from ml_connector.domain.documents import State
from ml_connector.domain.errors import Unavailable
from ml_connector.domain.target import ReliabilityClass

_LINE: Final = frozenset({Touches.ROUTES, Touches.LINE})
_HEAVY: Final = frozenset({Touches.ROUTES})

#: More requests than any document needs here.
_REQUESTS_MAX: Final = 60

_IN_A_ROW: Final = 8

#: So long after a document is at its end nothing may have arrived that counts it again.
_AFTERWARDS_S: Final = 3600.0

#: Faults of a look, each at every one. All of them pass, so all of them cost time and nothing else.
_OF_READS: Final = (Fault.RESET, Fault.HTML, Fault.HALF_ANSWER, Fault.SESSION_ENDED)

#: Those that look to a client like one of the others, at the first.
_LIKE_THEM: Final = (Fault.LOST_REPLY, Fault.TIMEOUT, Fault.SERVER_ERROR, Fault.BUSY)


async def _spoil(
    trial: Trial,
    fault: Fault,
    traffic: Traffic,
    nth: int,
    seconds: float = 0.0,
    *,
    count: int = 1,
    surplus: bool = False,
) -> bool:
    """A document of its own, whose ``nth`` request of that kind fares so, and ``count`` in a row; False: it has no such request."""
    document = await trial.next_document()
    before = trial.site.asked(traffic)
    trial.site.befall(fault, traffic, nth=nth, count=count, seconds=seconds)
    await trial.post(document)
    trial.site.clear()
    if trial.site.asked(traffic) - before < nth:
        return False
    await trial.clock.sleep(_AFTERWARDS_S + 2 * seconds)
    try:
        await trial.must_count_once(document, surplus=surplus)
    except Broken as broken:
        raise Broken(f"{fault.value} at request {nth} of {traffic.value}: {broken}") from None
    return True


async def _each(trial: Trial, fault: Fault, traffic: Traffic, seconds: float = 0.0, *, surplus: bool = False) -> int:
    """How many requests there were to be spoilt, one after the other."""
    for nth in range(1, _REQUESTS_MAX):
        if not await _spoil(trial, fault, traffic, nth, seconds, surplus=surplus):
            expect(nth > 1, f"A document is posted without any request of those that are {traffic.value}.")
            return nth - 1
    raise Broken(f"A document needs more than {_REQUESTS_MAX} requests.")


def _write(fault: Fault) -> Callable[[Trial], Awaitable[str]]:
    async def check(trial: Trial) -> str:
        return _counted(await _each(trial, fault, Traffic.WRITES), "write")

    return check


async def _late_without_bound(trial: Trial) -> str:
    made = await trial.papers()
    company = await trial.company()
    class_ = await trial.class_of(made.document)
    if class_ not in (ReliabilityClass.REFUSED, ReliabilityClass.TWO_ACTS):
        raise Beside(f"The route is of class {class_.value}: it holds while the server ends within its settle window.")
    steps = company.steps(made.document)
    settle_s = max(step.settle_s for step in steps) if isinstance(steps, tuple) else 0.0
    count = await _each(trial, Fault.LATE, Traffic.WRITES, 3 * settle_s, surplus=True)
    return f"{_counted(count, 'write')}, {3 * settle_s:.0f} s late"


async def _reads(trial: Trial) -> str:
    total = 0
    for fault in _OF_READS:
        # A system where each request signs in by itself has no session to end.
        with suppress(NotHere):
            total += await _each(trial, fault, Traffic.READS)
    for fault in _LIKE_THEM:
        total += await _spoil(trial, fault, Traffic.READS, 1)
        # More often than anybody asks again at once: the look as a whole fails, and is put off.
        total += await _spoil(trial, fault, Traffic.READS, 1, count=_IN_A_ROW)
    return _counted(total, "spoilt read")


async def _outage(trial: Trial) -> str:
    document = await trial.prepare(await trial.papers())
    company = await trial.company()
    await trial.office.plan(company, document)
    trial.site.befall(Fault.RESET, Traffic.READS, count=200)
    trial.site.befall(Fault.RESET, Traffic.WRITES, count=200)
    tally = await trial.office.poster(company).drain()
    expect(isinstance(tally.trouble, Unavailable), "Nobody answers, and the work does not say that.")
    row = await trial.office.row(document.key)
    expect(row.state is State.APPROVED, f"Nobody answers, and {document.key} ended {row.state.value} ({row.reason}).")
    trial.site.clear()
    await trial.work()
    await trial.must_count_once(document)
    return "waits, then posts"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


_OF_WRITES: Final = (
    (Fault.LOST_REPLY, "The answer to any one write is lost after it was done: one document counts."),
    (Fault.RESET, "The line breaks before any one write is done: one document counts."),
    (Fault.TIMEOUT, "Any one write is done, and answered when nobody listens any more: one document counts."),
    (Fault.LATE, "Any one write is done minutes after we gave up, within the settle window: one document counts."),
    (Fault.SERVER_ERROR, "Any one write is answered by an error of the server and not done: one document counts."),
    (Fault.ERROR_AFTER_COMMIT, "Any one write is done and answered by an error of the server: one document counts."),
    (Fault.HTML, "A page of something in front of the system answers any one write: one document counts."),
    (Fault.BUSY, "Any one write is turned away because there are too many: it is sent again later, and counts once."),
    (Fault.HALF_ANSWER, "The answer to any one write breaks off in the middle: one document counts."),
    (Fault.SESSION_ENDED, "The session ends before any one write: one document counts."),
)

RULES: Final = (
    *(
        Rule(
            fault.value,
            says,
            Of.KIND,
            _LINE | ({Touches.SIGN_IN} if fault is Fault.SESSION_ENDED else frozenset()),
            _write(fault),
        )
        for fault, says in _OF_WRITES
    ),
    Rule(
        "late_without_bound",
        "Any one write is done long after its settle window, when it was sent again: one document counts. "
        "For routes that the server itself guards.",
        Of.KIND,
        _LINE,
        _late_without_bound,
    ),
    Rule(
        "spoilt_reads",
        "Any one look is spoilt in any way: it is repeated or put off, never taken for an absence; one document counts.",
        Of.KIND,
        _HEAVY,
        _reads,
    ),
    Rule(
        "outage",
        "While nobody answers nothing is decided and nothing is sent; afterwards the document is posted.",
        Of.KIND,
        _LINE,
        _outage,
    ),
)
