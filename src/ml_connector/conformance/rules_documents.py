"""Rules about one document that nobody disturbs, and about what people do to it."""

from __future__ import annotations

from typing import Final

from ml_connector.conformance.results import Of, Rule
from ml_connector.conformance.trial import Trial, expect
from ml_connector.conformance.world import Touches, Traffic
from ml_connector.posting.decide import Rules

_PLAIN: Final = frozenset({Touches.WRITES, Touches.LOOKS, Touches.CONTENT})
_PEOPLE: Final = frozenset({Touches.PEOPLE, Touches.LOOKS})


async def _created(trial: Trial) -> str:
    made = await trial.papers()
    document = await trial.prepare(made)
    before = trial.site.asked(Traffic.READS) + trial.site.asked(Traffic.WRITES)
    await trial.post(document)
    row = await trial.must_count_once(document)
    requests = trial.site.asked(Traffic.READS) + trial.site.asked(Traffic.WRITES) - before
    expect(bool(row.ids), f"{document.key} is posted, and nobody knows its number.")
    return f"{requests} requests"


async def _found_again(trial: Trial) -> str:
    made = await trial.papers()
    row = await trial.posted(made)
    before = trial.site.asked(Traffic.WRITES)
    found = await trial.posted_elsewhere(made)
    expect(found.state.value == "posted", f"It is not recognised as ours: {found.reason_code}: {found.reason}")
    expect(found.ids == row.ids, f"It is found under other numbers: {dict(found.ids)} instead of {dict(row.ids)}.")
    expect(trial.site.asked(Traffic.WRITES) == before, "A document that is there was written to.")
    await trial.must_count_once(made.document)
    return "adopted without a write"


async def _cancelled(trial: Trial) -> str:
    made = await trial.papers()
    await trial.posted(made)
    trial.site.cancel(made.document)
    before = trial.site.held(made.document)
    found = await trial.posted_elsewhere(made)
    expect(
        found.state.value == "held" and found.reason_code == "ended_in_target",
        f"What a person cancelled ended {found.state.value} ({found.reason_code}: {found.reason}).",
    )
    expect(trial.site.held(made.document) == before, f"{made.document.key} was cancelled and is there again.")
    return found.reason_code


async def _conflict(trial: Trial) -> str:
    made = await trial.papers()
    await trial.posted(made)
    trial.site.change(made.document)
    found = await trial.posted_elsewhere(made)
    expect(
        found.state.value == "held" and found.reason_code == "conflict",
        f"Another content under our key ended {found.state.value} ({found.reason_code}: {found.reason}).",
    )
    return found.reason_code


async def _typed_already(trial: Trial) -> str:
    made = await trial.papers()
    document = await trial.prepare(made)
    trial.site.type_in(document)
    await trial.post(document)
    await trial.must_be_held(document, "foreign", count=1)
    await trial.office.replay(document.key)
    await trial.work(rules=Rules(adopt_foreign=True))
    await trial.must_count_once(document)
    return "held, then adopted as equal"


RULES: Final = (
    Rule(
        "created",
        "A document is posted, is shown equal to what was planned, and counts once in the system's own ledger.",
        Of.KIND,
        _PLAIN,
        _created,
    ),
    Rule(
        "found_again",
        "An office that has lost its memory finds the document by its key, equal, and writes nothing.",
        Of.KIND,
        _PLAIN,
        _found_again,
    ),
    Rule(
        "cancelled_by_hand",
        "What a person cancelled is held as ended and not posted again.",
        Of.KIND,
        _PEOPLE,
        _cancelled,
    ),
    Rule(
        "conflict_seen",
        "Another content under our key is held as a conflict, never taken and never overwritten.",
        Of.KIND,
        _PEOPLE | {Touches.CONTENT},
        _conflict,
    ),
    Rule(
        "typed_already",
        "What a person has typed by hand is held as foreign; where the link adopts equal ones it is taken, and nothing is posted.",
        Of.KIND,
        _PEOPLE,
        _typed_already,
    ),
)
