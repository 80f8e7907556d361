"""Rules about what the company refuses: held with its words, nothing counted, and the rest goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ml_connector.conformance.papers import dated, refused, with_account, with_currency, with_item
from ml_connector.conformance.results import Of, Rule
from ml_connector.conformance.trial import Trial
from ml_connector.conformance.world import Fault, NotHere, Touches, Traffic
from ml_connector.domain.documents import Document, Kind, State
from ml_connector.store.documents import DocumentRow

_REFUSALS: Final = frozenset({Touches.PERIODS, Touches.ROUTES})
_JOURNALS: Final = (Kind.JOURNAL_ENTRY, Kind.BANK_TRANSFER)
_GOODS: Final = (Kind.INVOICE, Kind.CREDIT_MEMO, Kind.SALES_ORDER, Kind.INVENTORY_ISSUE)
_MANY: Final = 5

#: Makes of a good document one that the company refuses.
Spoil = Callable[[Trial, Document], Document]


async def _refused(trial: Trial, spoil: Spoil) -> str:
    """One that is refused and one that is not, at the same time."""
    bad = await trial.papers(1)
    good = await trial.papers(2)
    company = await trial.company()
    for document in (*bad.before, *good.before):
        await trial.post(document)
    spoilt = spoil(trial, bad.document)
    await trial.office.plan(company, spoilt)
    await trial.office.plan(company, good.document)
    await trial.work()
    await trial.must_count_once(good.document)
    row = await trial.must_not_count(spoilt)
    return _ended(row)


def _ended(row: DocumentRow) -> str:
    return "left to a person" if row.state is State.ENTERED else row.reason_code


def _no_account(trial: Trial, document: Document) -> Document:
    return with_account(document, trial.site.codes.no_account)


def _no_item(trial: Trial, document: Document) -> Document:
    return with_item(document, trial.site.codes.no_item)


def _no_currency(trial: Trial, document: Document) -> Document:
    return with_currency(document, trial.site.codes.no_currency)


def _not_the_customers(trial: Trial, document: Document) -> Document:
    """In a currency that the company has and the customer does not take."""
    codes = trial.site.codes
    others = [decimals for decimals in codes.currencies if decimals != 2 and decimals not in codes.customers]
    if not others:
        raise NotHere("The customer takes every currency that the company has.")
    return with_currency(document, codes.currencies[others[0]])


def _closed(trial: Trial, document: Document) -> Document:
    day = trial.site.codes.closing_day
    trial.site.close_period(day)
    return dated(document, day)


async def _frozen(trial: Trial) -> str:
    document = await trial.prepare(await trial.papers())
    trial.site.freeze_account(trial.site.codes.accounts[0])
    await trial.post(document)
    row = await trial.must_not_count(document)
    return _ended(row)


async def _one_of_several(trial: Trial) -> str:
    """One of several documents that are posted together is refused, and the answer to one of their writes is lost."""
    made = [await trial.papers(number) for number in range(1, _MANY + 1)]
    company = await trial.company()
    for each in made:
        for document in each.before:
            await trial.post(document)
    documents = [each.document for each in made]
    documents[2] = refused(documents[2], trial.site.codes)
    for document in documents:
        await trial.office.plan(company, document)
    before = trial.site.asked(Traffic.WRITES)
    trial.site.befall(Fault.LOST_REPLY, Traffic.WRITES)
    await trial.work()
    for place, document in enumerate(documents):
        if place == 2:
            await trial.must_not_count(document)
        else:
            await trial.must_count_once(document)
    return f"{_MANY - 1} posted, 1 held, {trial.site.asked(Traffic.WRITES) - before} writes"


def _rule(name: str, says: str, spoil: Spoil, kinds: tuple[Kind, ...] = tuple(Kind)) -> Rule:
    async def check(trial: Trial) -> str:
        return await _refused(trial, spoil)

    return Rule(name, says, Of.KIND, _REFUSALS, check, kinds)


RULES: Final = (
    _rule("closed_period", "A document dated in a closed period is held, and nothing counts.", _closed),
    _rule(
        "missing_account",
        "A document on an account that is not there is held, and nothing counts.",
        _no_account,
        _JOURNALS,
    ),
    Rule(
        "frozen_account",
        "A document on an account that takes no postings is held, and nothing counts.",
        Of.KIND,
        _REFUSALS,
        _frozen,
        _JOURNALS,
    ),
    _rule("unknown_item", "A document with an item that is not there is held, and nothing counts.", _no_item, _GOODS),
    _rule(
        "currency_refused",
        "A document in a currency that the company has not is held, and nothing counts.",
        _no_currency,
        tuple(kind for kind in Kind if kind is not Kind.INVENTORY_ISSUE),
    ),
    _rule(
        "currency_of_customer",
        "A sale in a currency that its customer does not take is held, and nothing counts: not in another currency either.",
        _not_the_customers,
        (Kind.INVOICE, Kind.CREDIT_MEMO, Kind.SALES_ORDER),
    ),
    Rule(
        "one_of_several",
        "Of several documents posted together one is refused and one loses its answer: that one is held, every other counts once.",
        Of.KIND,
        _REFUSALS,
        _one_of_several,
    ),
)
