"""Rules about what the line does to a write: whatever becomes of the answer, one document counts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from ml_connector.conformance.results import Of, Rule
from ml_connector.conformance.trial import Trial
from ml_connector.conformance.world import Fault, Touches, Traffic

_LINE: Final = frozenset({Touches.WRITES, Touches.LOOKS, Touches.SIGN_IN})

#: More writes than any document needs here.
_WRITES_MAX: Final = 50


def _spoilt(fault: Fault, seconds: float = 0.0) -> Callable[[Trial], Awaitable[str]]:
    """A check that lets ``fault`` happen to the first write of a document, then to its second in another company, and so on,
    until there is no such write any more."""

    async def check(trial: Trial) -> str:
        for nth in range(1, _WRITES_MAX):
            once = trial.again()
            document = await once.prepare(await once.papers())
            before = once.site.asked(Traffic.WRITES)
            once.site.befall(fault, Traffic.WRITES, nth=nth, seconds=seconds)
            await once.post(document)
            await once.must_count_once(document)
            if once.site.asked(Traffic.WRITES) - before < nth:
                return f"{nth - 1} writes"
        raise AssertionError(f"A document of more than {_WRITES_MAX} writes.")

    return check


RULES: Final = tuple(
    Rule(name, says, Of.KIND, _LINE, _spoilt(fault, seconds))
    for name, fault, seconds, says in (
        (
            "lost_reply",
            Fault.LOST_REPLY,
            0.0,
            "The answer to any write is lost after it was done: one document counts.",
        ),
        ("reset", Fault.RESET, 0.0, "The line breaks before any write is done: one document counts."),
    )
)
