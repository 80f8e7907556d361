"""Promises about what the connector says of itself."""

import asyncio
import tomllib
from importlib.resources import files

from ml_connector.domain.target import Unsupported
from ml_connector.erp.sap_business_one.config import FORM
from tests.support.sap import ScriptedServiceLayer, connected

FOLDER = files("ml_connector.erp.sap_business_one")
QUALITY = tomllib.loads(FOLDER.joinpath("quality.toml").read_text())


def offered(*, claims: bool, drafts: str) -> dict[str, dict[str, str]]:
    """Classes by kind and route, of a company where everything is proven."""
    settings = {"drafts": drafts, "credit_note_sign": "positive"}
    target = asyncio.run(connected(ScriptedServiceLayer(claims=claims), settings=settings))
    routes = target.capabilities().routes
    return {
        kind.value: {route.name: route.class_.value for route in found}
        for kind, found in routes.items()
        if not isinstance(found, Unsupported)
    }


def test_the_declared_classes_are_those_of_the_routes() -> None:
    found: dict[str, dict[str, str]] = {}
    for claims in (True, False):
        for drafts in ("auto", "off"):
            for kind, routes in offered(claims=claims, drafts=drafts).items():
                found.setdefault(kind, {}).update(routes)

    assert QUALITY["documents"] == found


def test_every_rule_is_done_or_says_why_not() -> None:
    for rule, state in QUALITY["rules"].items():
        word, _, reason = state.partition(": ")
        assert word in {"done", "exempt"}, rule
        assert word == "done" or reason, rule


def test_every_field_of_the_form_is_explained_in_the_readme() -> None:
    readme = FOLDER.joinpath("README.md").read_text()

    for field in FORM.fields:
        assert f"`{field.name}`" in readme
