"""Promises about the quality scale: what a connector says of itself is whole, and only a test that passed proves it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.support.quality_scale import LEVELS, QualityScale, Run, declared, ill_formed, reached, scale, unproved

RULES = {"signs_in": "bronze", "races": "silver"}


@pytest.mark.parametrize("connector", declared())
def test_every_connector_speaks_to_every_rule(connector: str) -> None:
    assert list(ill_formed(scale(), declared()[connector])) == []


@pytest.mark.parametrize("connector", declared())
def test_the_level_is_the_one_that_is_reached(connector: str) -> None:
    said = declared()[connector]

    assert said["level"] == reached(scale(), said)


def test_the_scale_has_rules_of_every_level() -> None:
    assert [level for level in LEVELS if level not in scale().values()] == []


def test_a_rule_that_is_passed_over_or_made_up_is_named() -> None:
    assert list(ill_formed(RULES, {"level": "", "signs_in": {"todo": "all"}, "magic": {"todo": "x"}})) == [
        "magic: there is no such rule",
        "races: nothing is said",
    ]


@pytest.mark.parametrize("state", [{}, {"done": []}, {"exempt": ""}, {"done": ["a"], "exempt": "b"}, {"perhaps": "c"}])
def test_a_rule_is_done_with_tests_or_exempt_with_a_reason_or_to_do(state: dict[str, object]) -> None:
    said = {"level": "", "signs_in": {"todo": "all"}, "races": state}

    assert list(ill_formed(RULES, said)) == ["races: one of done (tests), exempt (a reason) and todo (what)"]


@pytest.mark.parametrize(
    ("signs_in", "races", "level"), [("todo", "done", ""), ("done", "todo", "bronze"), ("done", "exempt", "platinum")]
)
def test_a_level_needs_everything_below(signs_in: str, races: str, level: str) -> None:
    assert reached(RULES, {"signs_in": {signs_in: "x"}, "races": {races: "x"}}) == level


@pytest.mark.parametrize(
    ("passed", "others", "words"),
    [
        (["t.py::test_sap[race-JE]", "t.py::test_sap[race-INV]"], [], []),
        ([], [], ["races: no test called t.py::test_sap[race-*] passed"]),
        (["t.py::test_sap[race-JE]"], ["t.py::test_sap[race-INV]"], ["races: t.py::test_sap[race-INV] did not pass"]),
        (["t.py::test_sapXrace-JE]"], [], ["races: no test called t.py::test_sap[race-*] passed"]),
    ],
)
def test_only_what_passed_in_this_run_is_done(passed: list[str], others: list[str], words: list[str]) -> None:
    said = {"level": "silver", "races": {"done": ["t.py::test_sap[race-*]"]}, "signs_in": {"todo": "soon"}}

    assert list(unproved(said, Run(passed, others))) == words


@pytest.mark.parametrize(
    ("test", "words"),
    [
        ("tests/contract/test_x.py::test_y", []),
        ("tests/unit/test_x.py::test_y", ["races: no test called tests/unit/test_x.py::test_y passed"]),
    ],
)
def test_only_what_needs_something_that_is_not_at_hand_is_excused(test: str, words: list[str]) -> None:
    said = {"level": "", "races": {"done": [test]}}

    assert list(unproved(said, Run([], [], bare=True))) == words
    assert list(unproved(said, Run([], []))) == [f"races: no test called {test} passed"]


WHOLE = {
    "keyword": "",
    "deselect": None,
    "markexpr": "not install",
    "ignore": None,
    "ignore_glob": None,
    "collectonly": False,
    "setuponly": False,
    "setupplan": False,
}


def verdict(
    exitstatus: int = 0, shouldfail: object = False, where: str = "TESTPATHS", **options: object
) -> tuple[int, bool]:
    """How a run ends in which no test that a connector names has passed, and whether anything is said of it."""
    source = pytest.Config.ArgsSource[where]
    config = SimpleNamespace(args_source=source, option=SimpleNamespace(**WHOLE | options))
    session = SimpleNamespace(exitstatus=exitstatus, shouldstop=False, shouldfail=shouldfail)
    plugin = QualityScale(cast(pytest.Config, config))
    plugin.pytest_sessionfinish(cast(pytest.Session, session), exitstatus)
    return session.exitstatus, bool(plugin._said)


def test_a_whole_run_that_does_not_show_what_is_said_fails() -> None:
    assert verdict() == (pytest.ExitCode.TESTS_FAILED, True)


@pytest.mark.parametrize(
    "part",
    [
        {"where": "ARGS"},
        {"keyword": "sap"},
        {"markexpr": "not chaos"},
        {"ignore": ["tests/chaos"]},
        {"deselect": ["tests/e2e"]},
        {"collectonly": True},
        {"setupplan": True},
    ],
)
def test_a_run_of_a_part_of_the_tests_is_not_judged(part: dict[str, Any]) -> None:
    assert verdict(**part) == (pytest.ExitCode.OK, False)


@pytest.mark.parametrize(
    "stopped",
    [{"exitstatus": pytest.ExitCode.INTERRUPTED}, {"exitstatus": 1, "shouldfail": "stopping after 1 failures"}],
)
def test_a_run_that_was_stopped_says_nothing_about_what_it_did_not_run(stopped: dict[str, Any]) -> None:
    assert verdict(**stopped) == (stopped["exitstatus"], False)
