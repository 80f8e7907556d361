"""The suite finds what it is there to find: each wrong connector is failed by the rule that forbids what it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.conformance.results import Failed
from ml_connector.conformance.suite import plain_cases
from ml_connector.conformance.trial import hold
from ml_connector.domain.documents import Document, Kind
from ml_connector.domain.errors import BadAnswer, NotPermitted, Unavailable
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import (
    Absent,
    Accepted,
    Capabilities,
    Case,
    Ended,
    Found,
    Move,
    NotSent,
    Partial,
    Permit,
    Present,
    Receipt,
    Refused,
    ReliabilityClass,
    Seen,
    Shown,
    Step,
    Trail,
    Unclear,
    Unknown,
    Unsupported,
)
from tests.conformance.example.tally import ENTER, Tally, _body
from tests.conformance.example.tally_world import TallyWorld


class AbsentWhereItCannotLook(Tally):
    async def _look(self, case: Case) -> Seen:
        seen = await super()._look(case)
        return Absent("nowhere") if isinstance(seen, Unclear) else seen


class ForgetsWhatWasEnded(Tally):
    async def _look(self, case: Case) -> Seen:
        seen = await super()._look(case)
        return Absent("what is alive") if isinstance(seen, Ended) else seen


class ShowsWhatItWasSent(Tally):
    async def _look(self, case: Case) -> Seen:
        seen = await super()._look(case)
        return replace(seen, shown=self.project(case.document, {})) if isinstance(seen, Present | Partial) else seen


class TakesAPersonsForItsOwn(Tally):
    async def _look(self, case: Case) -> Seen:
        seen = await super()._look(case)
        return replace(seen, ours=True) if isinstance(seen, Present) else seen


class OverlooksAPersons(Tally):
    async def _look(self, case: Case) -> Seen:
        seen = await super()._look(case)
        return Absent("keys") if isinstance(seen, Present) and not seen.ours else seen


class SeesOneOfMany(Tally):
    async def _look(self, case: Case) -> Seen:
        seen = await super()._look(case)
        return seen.found[0] if hasattr(seen, "found") else seen


class CutsItsKeys(Tally):
    def wire_key(self, document: Document) -> str:
        return document.key[:60]


class RoundsToCents(Tally):
    def project(self, document: Document, linked: Mapping[DocumentKey, Any]) -> Shown:
        shown = super().project(document, linked)
        cent = Decimal("0.01")
        lines = tuple(replace(each, debit=each.debit.quantize(cent)) for each in shown.lines)
        return replace(shown, lines=lines)


class NotSentWhereItIsUnknown(Tally):
    async def _write(self, move: Move, permit: Permit) -> Receipt:
        receipt = await super()._write(move, permit)
        return NotSent("no answer") if isinstance(receipt, Unknown) else receipt


class RefusedWhereItIsBusy(Tally):
    async def _write(self, move: Move, permit: Permit) -> Receipt:
        receipt = await super()._write(move, permit)
        return Refused("429", "Too many.") if isinstance(receipt, NotSent) else receipt


class WritesTwiceUnderOnePermit(Tally):
    async def _write(self, move: Move, permit: Permit) -> Receipt:
        receipt = await super()._write(move, permit)
        if move.step.name == ENTER.name:
            signed_in = {"Authorization": f"Bearer {self._token}"}
            await self._http.read("POST", "/vouchers", content=_body(move.case), headers=signed_in)
        return receipt


class BelievesAReply(Tally):
    """Calls present whatever the server once said yes to."""

    async def _look(self, case: Case) -> Seen:
        said = [each for each in case.trail if each.outcome.value == "accepted" and each.step == "enter"]
        return Present(said[-1].ids, self.project(case.document, {})) if said else await super()._look(case)


class DoesNotWait(Tally):
    def steps(self, document: Document, trail: Trail = ()) -> tuple[Step, ...] | Unsupported:
        steps = super().steps(document, trail)
        return steps if isinstance(steps, Unsupported) else tuple(replace(step, settle_s=0) for step in steps)


class PromisesAnotherClass(Tally):
    def capabilities(self) -> Capabilities:
        can = super().capabilities()
        routes = dict(can.routes)
        (route,) = routes[Kind.JOURNAL_ENTRY]  # type: ignore[misc]
        routes[Kind.JOURNAL_ENTRY] = (replace(route, class_=ReliabilityClass.REFUSED),)
        return replace(can, routes=routes)


class CountsNothing(Tally):
    async def census(self, *_: Any) -> Sequence[Found] | Unclear:
        return []


class GivesUpForGood(Tally):
    """Takes trouble on the line for an absence."""

    async def observe(self, cases: Sequence[Case]) -> Mapping[DocumentKey, Seen]:
        try:
            return await super().observe(cases)
        except Exception:  # noqa: BLE001 - that is what is wrong with it
            return {case.key: Absent("a server that did not answer") for case in cases}


class HoldsForEveryHiccup(Tally):
    """Cannot tell, where it could ask again."""

    async def observe(self, cases: Sequence[Case]) -> Mapping[DocumentKey, Seen]:
        try:
            return await super().observe(cases)
        except Unavailable as trouble:
            return {case.key: Unclear(str(trouble)) for case in cases}


class BadAnswerIsAnAbsence(Tally):
    async def _get(self, path: str, **params: str) -> Any:
        try:
            return await super()._get(path, **params)
        except (BadAnswer, NotPermitted):
            return []


class AcceptsWhatIsRefused(Tally):
    async def _write(self, move: Move, permit: Permit) -> Receipt:
        receipt = await super()._write(move, permit)
        return Accepted(()) if isinstance(receipt, Refused) else receipt


MUTANTS = [
    (AbsentWhereItCannotLook, "cannot_look"),
    (ForgetsWhatWasEnded, "cancelled_by_hand"),
    (ShowsWhatItWasSent, "conflict_seen"),
    (ShowsWhatItWasSent, "draft_changed"),
    (TakesAPersonsForItsOwn, "typed_already"),
    (OverlooksAPersons, "typed_already"),
    (SeesOneOfMany, "copied_by_hand"),
    (CutsItsKeys, "long_keys"),
    (RoundsToCents, "decimals_3"),
    (NotSentWhereItIsUnknown, "late"),
    (RefusedWhereItIsBusy, "busy"),
    (RefusedWhereItIsBusy, "session_ended"),
    (WritesTwiceUnderOnePermit, "created"),
    (BelievesAReply, "created"),
    (DoesNotWait, "late"),
    (PromisesAnotherClass, "class_declared"),
    (CountsNothing, "census"),
    (HoldsForEveryHiccup, "spoilt_reads"),
    (GivesUpForGood, "outage"),
    (BadAnswerIsAnAbsence, "cannot_look"),
    (AcceptsWhatIsRefused, "closed_period"),
]


def dressed(mutant: type[Tally], tally: Tally) -> Tally:
    other = mutant(tally._http, tally._settings)
    vars(other).update(vars(tally))
    return other


@pytest.mark.parametrize(("mutant", "rule"), MUTANTS)
def test_a_wrong_connector_is_failed_by_the_rule_that_forbids_it(mutant: type[Tally], rule: str) -> None:
    case = next(case for case in plain_cases() if case.plain_name in (rule, f"{rule}-JE"))

    result = hold(TallyWorld(lambda tally: dressed(mutant, tally)), case)

    assert isinstance(result.outcome, Failed), result.outcome
    assert result.outcome.words
