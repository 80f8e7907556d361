"""The quality scale (``docs/quality-scale.md``), held against the results of the run that has just ended.

A ``done`` names tests. What they are worth is decided by the reports of this session, which nobody can write by hand: a plugin
of pytest hears every one of them, also where several processes run the tests.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from _pytest.terminal import TerminalReporter

from tests.support.contract_gate import VARIABLE as CONTRACTS

ROOT: Final = Path(__file__).parents[2]
LEVELS: Final = ("bronze", "silver", "gold", "platinum")

#: Tests that need what is not at hand everywhere: published descriptions, clients that others wrote. The gate has everything, and
#: names the descriptions by the variable.
ELSEWHERE: Final = ("tests/contract/", "tests/interop/")

_RAN_TO_THE_END: Final = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)

_ROW: Final = re.compile(r"^\| (bronze|silver|gold|platinum) \| `([a-z_]+)` \|", re.MULTILINE)


def scale() -> dict[str, str]:
    """The level of every rule, by name."""
    page = (ROOT / "docs" / "quality-scale.md").read_text(encoding="utf-8")
    return {rule: level for level, rule in _ROW.findall(page)}


def declared() -> dict[str, Mapping[str, Any]]:
    """What each connector says of itself, by its name."""
    files = sorted((ROOT / "src" / "ml_connector" / "erp").glob("*/quality.toml"))
    return {file.parent.name: tomllib.loads(file.read_text(encoding="utf-8"))["scale"] for file in files}


def ill_formed(rules: Mapping[str, str], said: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a declaration before any test has run."""
    for rule in sorted({*rules} ^ ({*said} - {"level"})):
        yield f"{rule}: {'nothing is said' if rule in rules else 'there is no such rule'}"
    for rule in [rule for rule in rules if rule in said]:
        word = [*said[rule]]
        if word not in (["done"], ["exempt"], ["todo"]) or not said[rule][word[0]]:
            yield f"{rule}: one of done (tests), exempt (a reason) and todo (what)"
    if said.get("level", "") not in ("", *LEVELS):
        yield f"there is no level {said['level']!r}"


def reached(rules: Mapping[str, str], said: Mapping[str, Any]) -> str:
    """The highest level of which nothing, and nothing below, is still to do; "" for none."""
    level = ""
    for each in LEVELS:
        if any("todo" in said[rule] for rule, of in rules.items() if of == each):
            break
        level = each
    return level


@dataclass(frozen=True, slots=True)
class Run:
    """The tests that passed, and those that failed or are known gaps, by node id. ``bare``: what some tests need is not at hand."""

    passed: Collection[str]
    others: Collection[str]
    bare: bool = False


def unproved(said: Mapping[str, Any], run: Run) -> Iterator[str]:
    """Each ``done`` that this run has not shown."""
    for rule, state in said.items():
        for pattern in state.get("done", ()) if rule != "level" else ():
            named = re.compile(".*".join(re.escape(part) for part in pattern.split("*")))
            against = [name for name in run.others if named.fullmatch(name)]
            if against:
                yield f"{rule}: {against[0]} did not pass"
            elif not any(named.fullmatch(name) for name in run.passed) and not (
                run.bare and pattern.startswith(ELSEWHERE)
            ):
                yield f"{rule}: no test called {pattern} passed"


class QualityScale:
    """A plugin of pytest. A run of a part of the tests shows nothing about the rest, so only a whole one is judged, and only
    one that was not stopped before its end."""

    def __init__(self, config: pytest.Config) -> None:
        self._whole = _is_whole(config)
        self._passed: set[str] = set()
        self._others: set[str] = set()
        self._said: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed or hasattr(report, "wasxfail"):
            self._others.add(report.nodeid)
        elif report.when == "call" and report.passed:
            self._passed.add(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        stopped = session.shouldstop or session.shouldfail or exitstatus not in _RAN_TO_THE_END
        if not self._whole or stopped:
            return
        run = Run(self._passed - self._others, self._others, bare=not os.environ.get(CONTRACTS))
        for connector, said in declared().items():
            self._said += [f"quality.toml of {connector}: {words}" for words in unproved(said, run)]
        if self._said:
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        for words in self._said:
            terminalreporter.write_line(words)


def _is_whole(config: pytest.Config) -> bool:
    option = config.option
    from_settings = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    chosen = option.keyword or option.deselect or option.markexpr != "not install"
    left_out = option.ignore or option.ignore_glob
    not_run = option.collectonly or option.setuponly or option.setupplan
    return from_settings and not (chosen or left_out or not_run)
