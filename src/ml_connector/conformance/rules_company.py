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


RULES: Final = (
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
