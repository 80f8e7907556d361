"""The page of the simulated company says what is so: nothing that is served, or can be done to it, is left out."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import ml_connector.sandbox.sage_300
from ml_connector.sandbox.sage_300.schema import shipped
from ml_connector.sandbox.sage_300.security import USERNAME
from ml_connector.sandbox.sage_300.switches import SWITCHES
from tests.support.sage_client import Sage

PAGE = Path(ml_connector.sandbox.sage_300.__file__ or "").with_name("README.md").read_text(encoding="utf-8")


def test_every_resource_with_content_and_every_act_is_named() -> None:
    named = set(re.findall(r"`(\w+)`", PAGE))

    assert {name for name, resource in shipped().resources.items() if resource.model} <= named
    assert set(Sage().control.acts()) <= named


def test_the_example_of_a_scenario_is_understood_and_names_the_user() -> None:
    (block,) = re.findall(r"```\n(\[sage_300\].*?)```", PAGE, re.DOTALL)
    told = tomllib.loads(block)["sage_300"]

    assert set(told["switches"]) <= {each.name for each in SWITCHES}
    assert set(told) == {"password", "switches"}
    assert f"the user {USERNAME};" in block
