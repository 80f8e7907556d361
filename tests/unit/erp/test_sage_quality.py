"""Promises about what the connector says of itself."""

import tomllib
from importlib.resources import files

import pytest

from ml_connector.domain.documents import Kind
from ml_connector.domain.target import Unsupported
from ml_connector.erp.sage_300.config import FORM
from tests.support.sage_company import Scene, play

FOLDER = files("ml_connector.erp.sage_300")
QUALITY = tomllib.loads(FOLDER.joinpath("quality.toml").read_text())


@pytest.mark.parametrize("mode", ["OE", "AR"])
def test_the_declared_classes_are_those_of_the_routes(mode: str) -> None:
    async def act(scene: Scene) -> dict[str, dict[str, str]]:
        routes = scene.target.capabilities().routes
        return {
            kind.value: {route.name: route.class_.value for route in routes[kind]}  # type: ignore[union-attr]
            for kind in Kind
            if not isinstance(routes[kind], Unsupported)
        }

    offered = play(act, settings={"invoice_mode": mode})

    assert set(offered) == set(QUALITY["documents"])
    for kind, routes in offered.items():
        for name, class_ in routes.items():
            assert QUALITY["documents"][kind][name] == class_


def test_every_rule_is_done_or_says_why_not() -> None:
    for rule, state in QUALITY["rules"].items():
        word, _, reason = state.partition(": ")
        assert word in {"done", "exempt"}, rule
        assert word == "done" or reason, rule


def test_every_field_of_the_form_is_explained_in_the_readme() -> None:
    readme = FOLDER.joinpath("README.md").read_text()

    for field in FORM.fields:
        assert f"`{field.name}`" in readme
