"""Promises about what the connector says of itself."""

import tomllib
from importlib.resources import files

from ml_connector.domain.target import Unsupported
from ml_connector.erp.sage_300.config import FORM
from tests.support.sage_company import Scene, play

FOLDER = files("ml_connector.erp.sage_300")
QUALITY = tomllib.loads(FOLDER.joinpath("quality.toml").read_text())


def offered(mode: str) -> dict[str, dict[str, str]]:
    """Kind, route, class."""

    async def act(scene: Scene) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for kind, routes in scene.target.capabilities().routes.items():
            if not isinstance(routes, Unsupported):
                found[kind.value] = {route.name: route.class_.value for route in routes}
        return found

    return play(act, settings={"invoice_mode": mode})


def test_the_declared_classes_are_those_of_the_routes_of_both_modes() -> None:
    together: dict[str, dict[str, str]] = {}
    for mode in ("OE", "AR"):
        for kind, routes in offered(mode).items():
            together.setdefault(kind, {}).update(routes)

    assert together == QUALITY["documents"]


def test_every_rule_is_done_or_says_why_not() -> None:
    for rule, state in QUALITY["rules"].items():
        word, _, reason = state.partition(": ")
        assert word in {"done", "exempt"}, rule
        assert word == "done" or reason, rule


def test_every_field_of_the_form_is_explained_in_the_readme() -> None:
    readme = FOLDER.joinpath("README.md").read_text()

    for field in FORM.fields:
        assert f"`{field.name}`" in readme
