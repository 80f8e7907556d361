"""Promises about what the connector says of itself."""

import asyncio
import tomllib
from importlib.resources import files

from ml_connector.domain.documents import Kind
from ml_connector.domain.target import Unsupported, reliability_class
from ml_connector.erp.sap_business_one.config import FORM
from tests.support.entries import entry
from tests.support.sap import ScriptedServiceLayer, connected

FOLDER = files("ml_connector.erp.sap_business_one")
QUALITY = tomllib.loads(FOLDER.joinpath("quality.toml").read_text())


def test_the_declared_classes_are_those_of_the_steps() -> None:
    for claims in (True, False):
        steps = asyncio.run(connected(ScriptedServiceLayer(claims=claims))).steps(entry())
        assert not isinstance(steps, Unsupported)
        assert QUALITY["documents"]["JE"][steps[0].name] == reliability_class(steps).value
    target = asyncio.run(connected(ScriptedServiceLayer()))
    supported = {kind.value for kind in Kind if not target.capabilities().unsupported(kind)}
    assert set(QUALITY["documents"]) == supported


def test_every_rule_is_done_or_says_why_not() -> None:
    for rule, state in QUALITY["rules"].items():
        word, _, reason = state.partition(": ")
        assert word in {"done", "exempt"}, rule
        assert word == "done" or reason, rule


def test_every_field_of_the_form_is_explained_in_the_readme() -> None:
    readme = FOLDER.joinpath("README.md").read_text()

    for field in FORM.fields:
        assert f"`{field.name}`" in readme
