"""The page of the simulated company says what is so: nothing that is served, or can be done to it, is left out."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import ml_connector.sandbox.sap_business_one
from ml_connector.sandbox.sap_business_one.entities import SHIPPED
from ml_connector.sandbox.sap_business_one.switches import SWITCHES
from tests.support.sap_client import Sap

PAGE = Path(ml_connector.sandbox.sap_business_one.__file__ or "").with_name("README.md").read_text(encoding="utf-8")


def test_every_set_and_every_act_is_named() -> None:
    named = set(re.findall(r"`(\w+)`", PAGE))

    assert set(SHIPPED.sets) <= named
    assert set(Sap(sign_in=False).control.acts()) <= named


def test_the_example_of_a_scenario_is_understood() -> None:
    (block,) = re.findall(r"```\n(\[sap_business_one\].*?)```", PAGE, re.DOTALL)
    told = tomllib.loads(block)["sap_business_one"]

    assert set(told["switches"]) <= {each.name for each in SWITCHES}
    assert set(told) == {"password", "version", "switches"}
