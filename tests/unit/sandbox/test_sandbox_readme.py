"""The sandbox's own page says what is so: its examples are understood, and nothing that can be said is left out."""

import re
import tomllib
from pathlib import Path

import ml_connector.sandbox
from ml_connector.sandbox.amazon.gateway import ROUTES
from ml_connector.sandbox.amazon.scenario import MARKS, Scenario, read_scenario
from ml_connector.sandbox.faults import FaultPlan

PAGE = Path(ml_connector.sandbox.__file__ or "").with_name("README.md").read_text(encoding="utf-8")
SCENARIO, PLAN = (tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL))


def test_the_example_of_a_scenario_is_understood_and_shows_the_defaults() -> None:
    shown, switches = read_scenario(SCENARIO["amazon"])
    assert switches.text("compression") == "plain"
    defaults = Scenario()
    entries = set(SCENARIO["amazon"]) - set(MARKS) - {"switches"}
    assert {name: getattr(shown, name) for name in entries} == {name: getattr(defaults, name) for name in entries}
    assert entries == set(Scenario.__dataclass_fields__) - {"marks"}


def test_every_mark_is_named() -> None:
    assert [mark for mark in MARKS if f"`{mark}`" not in PAGE] == []


def test_every_operation_is_named_or_belongs_to_an_api_that_is_served_whole() -> None:
    whole = ("/reports/2021-06-30/", "/feeds/2021-06-30/")
    named = [operation for _, path, operation in ROUTES if not path.startswith(whole)]
    assert [operation for operation in named if operation not in PAGE] == []


def test_the_example_of_a_fault_plan_is_understood() -> None:
    asked = FaultPlan.of(PLAN).of_system("amazon")
    assert [asked.ask("getReports", "lost_reply") is not None for _ in range(3)] == [True, True, False]
