"""Rules about what documents say: amounts, texts, references, keys, and how many lines."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from ml_connector.conformance.papers import PAYMENTS, SALES, Papers, journal, papers, renamed, with_texts
from ml_connector.conformance.results import Beside, Of, Rule
from ml_connector.conformance.trial import Trial, expect
from ml_connector.conformance.world import NotHere, Touches
from ml_connector.domain.documents import Document, Kind, State
from ml_connector.domain.target import Unsupported

_CONTENT: Final = frozenset({Touches.CONTENT})

#: What titles of offers, names and memos bring along; the last are control characters and half of a pair of surrogates' worth
#: of trouble for naive escaping.
ODD: Final = "Zoë's \"Größe\" 100% <b>&amp;</b> ';-- \\u0041 {x} 日本語 🫖\t\r\n\x07\x1b"

_LINES: Final = 1000


async def _shown_again(trial: Trial, made: Papers) -> None:
    """Posted, once, and found equal by an office without memory."""
    await trial.posted(made)
    found = await trial.posted_elsewhere(made)
    expect(found.state is State.POSTED, f"It is not found again: {found.reason_code}: {found.reason}")
    await trial.must_count_once(made.document)


def _decimals(decimals: int) -> Callable[[Trial], Awaitable[str]]:
    async def check(trial: Trial) -> str:
        await trial.papers()
        codes, kind = trial.site.codes, trial.must_have_kind()
        if decimals not in codes.currencies:
            raise NotHere(f"The company has no currency with {decimals} decimals.")
        if decimals != 2 and kind in SALES and decimals not in codes.customers:
            raise NotHere(f"The company has no customer in a currency with {decimals} decimals.")
        if decimals != 2 and kind in PAYMENTS and decimals not in codes.banks:
            raise NotHere(f"The company has no bank in a currency with {decimals} decimals.")
        company = await trial.company()
        most = company.capabilities().applications_max
        made = papers(kind, codes, decimals=decimals, applications_max=most)
        steps = company.steps(made.document)
        if decimals != 2 and isinstance(steps, Unsupported):
            raise Beside(steps.why)
        await _shown_again(trial, made)
        return f"{made.document.total} {made.document.currency}"

    return check


async def _odd_texts(trial: Trial) -> str:
    made = await trial.papers()
    odd = Papers(with_texts(made.document, ODD), made.before)
    await _shown_again(trial, odd)
    return f"{len(ODD)} characters"


async def _long_reference(trial: Trial) -> str:
    made = await trial.papers()
    long = replace(made.document, reference=f"{made.document.reference}-{'9' * 200}")
    for document in made.before:
        await trial.post(document)
    await trial.post(long)
    row = await trial.office.row(long.key)
    if row.state is State.HELD:
        await trial.must_be_held(long, "unsupported", "refused", count=0)
        return f"held: {row.reason_code}"
    await trial.must_count_once(long)
    found = await trial.posted_elsewhere(Papers(long, made.before))
    expect(found.state is State.POSTED, f"It is not found again: {found.reason_code}: {found.reason}")
    return "cut, and found again"


async def _long_keys(trial: Trial) -> str:
    """Two keys that a short field would cut to the same text."""
    both = []
    for number, end in ((1, "A"), (2, "B")):
        made = await trial.papers(number)
        both.append(Papers(renamed(made.document, f"{'7' * 150}{end}"), made.before))
    company = await trial.company()
    wired = {company.wire_key(each.document) for each in both}
    expect(len(wired) == 2, f"Two documents have one key in the system: {wired}.")
    for each in both:
        await trial.posted(each)
    for each in both:
        found = await trial.posted_elsewhere(each)
        expect(found.state is State.POSTED, f"It is not found again: {found.reason_code}: {found.reason}")
        await trial.must_count_once(each.document)
    return f"{max(len(key) for key in wired)} characters"


async def _many_lines(trial: Trial) -> str:
    await trial.papers()
    most = (await trial.company()).capabilities().lines_max
    if most < _LINES:
        raise Beside(f"The capabilities allow {most} lines in one document.")
    document: Document = journal(trial.site.codes, pairs=_LINES // 2)
    await _shown_again(trial, Papers(document))
    return f"{_LINES} lines"


RULES: Final = (
    *(
        Rule(
            f"decimals_{decimals}",
            f"Amounts in a currency with {decimals} decimals are kept to the last one.",
            Of.KIND,
            _CONTENT,
            _decimals(decimals),
            tuple(kind for kind in Kind if kind is not Kind.INVENTORY_ISSUE),
        )
        for decimals in (0, 2, 3)
    ),
    Rule(
        "odd_texts",
        "Unicode, quotes, markup and control characters in texts change nothing: the document is posted, shown equal and found.",
        Of.KIND,
        _CONTENT,
        _odd_texts,
    ),
    Rule(
        "long_reference",
        "A reference that is longer than the field is held with a reason, or posted and found again; never posted and lost.",
        Of.KIND,
        _CONTENT,
        _long_reference,
    ),
    Rule(
        "long_keys",
        "Two keys that are longer than the field and begin alike stay two documents, and each is found.",
        Of.KIND,
        _CONTENT,
        _long_keys,
    ),
    Rule(
        "many_lines",
        f"A journal of {_LINES} lines is posted and shown equal.",
        Of.KIND,
        _CONTENT | {Touches.ROUTES},
        _many_lines,
        (Kind.JOURNAL_ENTRY,),
    ),
)
