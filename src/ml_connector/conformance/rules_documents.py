"""Rules about one document that nobody disturbs."""

from __future__ import annotations

from typing import Final

from ml_connector.conformance.papers import ACCOUNT
from ml_connector.conformance.results import Of, Rule
from ml_connector.conformance.trial import Trial, expect
from ml_connector.conformance.world import Touches, Traffic
from ml_connector.domain.target import Unclear

_PLAIN: Final = frozenset({Touches.WRITES, Touches.ROUTES, Touches.LOOKS, Touches.CONTENT})


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


async def _class(trial: Trial) -> str:
    made = await trial.papers()
    class_ = await trial.class_of(made.document)
    return class_.value


async def _census(trial: Trial) -> str:
    made = await trial.papers()
    row = await trial.posted(made)
    day = made.document.posting_date
    company = await trial.company()
    found = await company.census(f"{ACCOUNT}-", day, day)
    expect(not isinstance(found, Unclear), f"The census cannot look: {found.why if isinstance(found, Unclear) else ''}")
    ours = [each for each in found if each.wire_key == row.wire_key] if not isinstance(found, Unclear) else []
    expect(len(ours) == 1 and ours[0].counts, f"The census lists {row.wire_key} {len(ours)} times.")
    other = await company.census("QQQQ-", day, day)
    expect(not isinstance(other, Unclear) and not other, "The census lists documents of another prefix.")
    return "listed once"


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
        "class_declared",
        "The class that the capabilities name is the one that the steps make.",
        Of.KIND,
        frozenset({Touches.ROUTES}),
        _class,
    ),
    Rule(
        "census",
        "The census lists it once, with its key as written, and lists nothing of another account.",
        Of.KIND,
        frozenset({Touches.LOOKS}),
        _census,
    ),
)
