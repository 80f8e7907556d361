"""Rules about what people do in the ERP: what they ended stays ended, what they changed is seen, what they typed is theirs."""

from __future__ import annotations

from typing import Final

from ml_connector.conformance.papers import Papers
from ml_connector.conformance.results import Beside, Of, Rule
from ml_connector.conformance.trial import Trial, expect
from ml_connector.conformance.world import Held, Touches, Traffic
from ml_connector.domain.documents import Document, State
from ml_connector.domain.target import ReliabilityClass
from ml_connector.posting.decide import Rules
from ml_connector.store.documents import DocumentRow

_PEOPLE: Final = frozenset({Touches.PEOPLE})
_DAY_S: Final = 25 * 3600.0


def _must_be_held(row: DocumentRow, code: str, what: str) -> None:
    """``what`` is the beginning of the sentence that says that it was not."""
    expect(
        row.state is State.HELD and row.reason_code == code and bool(row.reason),
        f"{what} ended {row.state.value} ({row.reason_code}: {row.reason}).",
    )


async def _cancelled(trial: Trial) -> str:
    made = await trial.papers()
    await trial.posted(made)
    trial.site.cancel(made.document)
    before = trial.site.held(made.document)
    found = await trial.posted_elsewhere(made)
    _must_be_held(found, "ended_in_target", "What a person cancelled")
    expect(trial.site.held(made.document) == before, f"{made.document.key} was cancelled and is there again.")
    return found.reason_code


async def _conflict(trial: Trial) -> str:
    made = await trial.papers()
    await trial.posted(made)
    trial.site.change(made.document)
    found = await trial.posted_elsewhere(made)
    _must_be_held(found, "conflict", "Another content under our key")
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


async def _copied(trial: Trial) -> str:
    made = await trial.papers()
    await trial.posted(made)
    trial.site.copy(made.document)
    held = trial.site.held(made.document)
    expect(held.count > 1, f"The world's copy does not count: the ledger has {held.count}.")
    found = await trial.posted_elsewhere(made)
    _must_be_held(found, "many", "Two under our key")
    return found.reason_code


async def _entered(trial: Trial) -> tuple[Papers, Document]:
    """A document that is entered and is to stay so. Raises :class:`Beside` where nothing stands before the write that counts."""
    made = await trial.papers()
    class_ = await trial.class_of(made.document)
    if class_ is not ReliabilityClass.TWO_ACTS:
        raise Beside(f"The route is of class {class_.value}: nothing is entered before it counts.")
    document = await trial.prepare(made)
    await trial.post(document, goal=State.ENTERED)
    row = await trial.office.row(document.key)
    expect(row.state is State.ENTERED, f"It ended {row.state.value} ({row.reason}) instead of entered.")
    held = trial.site.held(document)
    expect(held == Held(0, 1), f"What was entered counts {held.count} times and waits {held.waiting} times.")
    return made, document


async def _finished(trial: Trial) -> str:
    _made, document = await _entered(trial)
    trial.site.finish(document)
    await trial.clock.sleep(_DAY_S)
    await trial.work()
    await trial.must_count_once(document)
    return "posted by a person"


async def _edited_draft(trial: Trial) -> str:
    made, document = await _entered(trial)
    trial.site.change(document)
    found = await trial.posted_elsewhere(made)
    held = found.state is State.HELD and found.reason_code == "differs"
    # Where the change made a draft that cannot be posted at all, it is the person's turn.
    entered = found.state is State.ENTERED and bool(found.reason)
    expect(
        held or entered,
        f"A draft that a person changed ended {found.state.value} ({found.reason_code}: {found.reason}).",
    )
    expect(trial.site.held(document).count == 0, "A draft that a person changed was committed.")
    return found.reason_code if held else "left to a person"


async def _removed_draft(trial: Trial) -> str:
    _made, document = await _entered(trial)
    trial.site.remove(document)
    await trial.clock.sleep(_DAY_S)
    await trial.work()
    row = await trial.must_be_held(document, "accepted_but_absent", "vanished", "ended_in_target", count=0)
    return row.reason_code


async def _blind(trial: Trial) -> str:
    """Once for a document that is there, once for one that is not."""
    for there in (True, False):
        once = trial.again()
        made = await once.papers()
        document = await once.prepare(made)
        if there:
            await once.post(document)
        once.site.blind(document)
        before = once.site.asked(Traffic.WRITES)
        found = await once.posted_elsewhere(made, only_last=True)
        _must_be_held(found, "unclear", "What cannot be seen")
        expect(once.site.asked(Traffic.WRITES) == before, "What cannot be seen was written.")
        held = once.site.held(document)
        expect(held.count == int(there), f"What cannot be seen counts {held.count} times.")
    return "held: unclear"


RULES: Final = (
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
    Rule(
        "copied_by_hand",
        "Two that count under our key are held, both named.",
        Of.KIND,
        _PEOPLE,
        _copied,
    ),
    Rule(
        "entered_then_posted",
        "What we only enter counts for nothing until a person posts it, and is then seen as posted.",
        Of.KIND,
        _PEOPLE | {Touches.ROUTES},
        _finished,
    ),
    Rule(
        "draft_changed",
        "A draft that a person changed is never committed.",
        Of.KIND,
        _PEOPLE | {Touches.ROUTES, Touches.CONTENT},
        _edited_draft,
    ),
    Rule(
        "draft_removed",
        "A draft that a person deleted is not entered again.",
        Of.KIND,
        _PEOPLE | {Touches.ROUTES},
        _removed_draft,
    ),
    Rule(
        "cannot_look",
        "Where the connector cannot see whether the document is there, it is held, nothing is sent, and nothing is called posted.",
        Of.KIND,
        _PEOPLE | {Touches.LOOKS},
        _blind,
    ),
)
