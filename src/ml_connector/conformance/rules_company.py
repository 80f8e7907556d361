"""Rules about a company as a whole: signing in, and what it says of itself."""

from __future__ import annotations

from typing import Final

from ml_connector.conformance.results import Broken, Of, Rule
from ml_connector.conformance.trial import Trial, expect
from ml_connector.conformance.world import Touches
from ml_connector.domain.documents import Kind
from ml_connector.domain.errors import SignInFailed


async def _signs_in(trial: Trial) -> str:
    company = await trial.company()
    who = await company.ping()
    expect(bool(who.name), "ping() does not say whom it is signed in to.")
    capabilities = company.capabilities()
    missing = [kind.value for kind in Kind if kind not in capabilities.routes]
    expect(not missing, f"The capabilities say nothing about {', '.join(missing)}.")
    mute = [kind.value for kind, routes in capabilities.routes.items() if isinstance(routes, tuple) and not routes]
    expect(not mute, f"The capabilities name no route for {', '.join(mute)}, and no reason either.")
    offered = [kind.value for kind in Kind if not capabilities.unsupported(kind)]
    return f"{who.name}; {', '.join(offered)}"


async def _wrong_credentials(trial: Trial) -> str:
    fields = trial.site.can_be_wrong()
    expect(bool(fields), "The world names no field of the sign-in form that can be wrong.")
    for name in fields:
        try:
            await trial.site.connect(wrong=name)
        except SignInFailed as failed:
            words = str(failed)
            expect(name.replace("_", " ") in words.lower() or name in words, f"A wrong {name} is not named: {words}")
        else:
            raise Broken(f"It signs in with a wrong {name}.")
    return ", ".join(fields)


async def _prepared_twice(trial: Trial) -> str:
    company = await trial.company()
    said = await company.prepare()
    expect(bool(said) and all(said), "prepare() does not say what it found and did.")
    before = company.capabilities()
    again = await company.prepare()
    expect(company.capabilities() == before, "Preparing a company that is prepared changes what it can do.")
    return f"{len(again)} sentences"


async def _references(trial: Trial) -> str:
    codes, company = trial.site.codes, await trial.company()
    found = await company.references()
    accounts = {account.code: account for account in found.accounts}
    for code in codes.accounts:
        usable = code in accounts and accounts[code].postable and not accounts[code].frozen
        expect(usable, f"The account {code}, which takes postings, is not told as one that does.")
    expect(codes.no_account not in accounts, f"The account {codes.no_account}, which is not there, is told.")
    decimals = {currency.iso: currency.decimals for currency in found.currencies}
    for places, iso in codes.currencies.items():
        expect(decimals.get(iso) == places, f"The currency {iso} is told with {decimals.get(iso)} decimals.")
    expect(codes.no_currency not in decimals, f"The currency {codes.no_currency}, which is not there, is told.")
    days = (codes.day, codes.closing_day)
    held = [day for day in days if any(each.first_day <= day <= each.last_day for each in found.periods)]
    expect(held == list(days), "A fiscal period that is there is not told.")
    trial.site.freeze_account(codes.accounts[0])
    after = {account.code: account for account in (await company.references()).accounts}
    expect(after[codes.accounts[0]].frozen, f"The account {codes.accounts[0]} was frozen and is not told so.")
    return f"{len(accounts)} accounts, {len(found.periods)} periods, {len(decimals)} currencies"


RULES: Final = (
    Rule(
        "references",
        "Accounts, currencies with their decimals and fiscal periods are told as they are, those that are not there are not, and "
        "an account that takes no postings any more is told as frozen.",
        Of.COMPANY,
        frozenset({Touches.REFERENCES}),
        _references,
    ),
    Rule(
        "prepared_twice",
        "Preparing a company says what was found and done, and may be repeated.",
        Of.COMPANY,
        frozenset({Touches.ROUTES}),
        _prepared_twice,
    ),
    Rule(
        "signs_in",
        "It signs in, says whom it talks to, and has a route or a reason for every kind of document.",
        Of.COMPANY,
        frozenset({Touches.SIGN_IN}),
        _signs_in,
    ),
    Rule(
        "wrong_credentials",
        "Each field of the sign-in that is wrong ends the sign-in, in a sentence that names it.",
        Of.COMPANY,
        frozenset({Touches.SIGN_IN}),
        _wrong_credentials,
    ),
)
