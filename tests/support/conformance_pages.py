"""What the conformance suite found, kept in ``docs/connectors/``: written by ``make conformance``, checked whenever every rule
was held against a connector.

The results of one run are its source, so a page cannot say more than the run has shown.
"""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import Final

import pytest
from _pytest.terminal import TerminalReporter

from ml_connector.conformance import report as conformance_report
from ml_connector.conformance.report import Line, Part
from ml_connector.conformance.testing import PROPERTY

#: Set by ``make conformance``: write the pages instead of checking them.
WRITE: Final = "ML_CONNECTOR_CONFORMANCE_WRITE"

_FOLDER: Final = Path(__file__).parents[2] / "docs" / "connectors"
_PAGES: Final = {"tally": "writing-an-erp-connector.md"}
#: What a longer run shows besides, each in a section of its own.
_BEYOND: Final = (
    (Part.FLIPPED, conformance_report.SWITCHES, conformance_report.switches),
    (Part.PAIRS, conformance_report.PAIRS, conformance_report.pairs),
)


class ConformancePages:
    """A plugin of pytest. Several processes tell the first one, so this works in it alone."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, str], list[Line]] = defaultdict(list)
        self._failed: set[tuple[str, str]] = set()
        self._said: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            for name, text in report.user_properties:
                if name == PROPERTY:
                    line = Line.from_json(str(text))
                    self._lines[line.world, line.label].append(line)
                    if report.failed:
                        self._failed.add((line.world, line.label))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        for (world, label), lines in sorted(self._lines.items()):
            if conformance_report.is_whole(lines) and (world, label) not in self._failed:
                self._keep_or_check(session, world, label, lines)

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        for words in self._said:
            terminalreporter.write_line(words)

    def _keep_or_check(self, session: pytest.Session, world: str, label: str, lines: list[Line]) -> None:
        page = _FOLDER / _PAGES.get(world, f"{world.replace('_', '-')}.md")
        before = page.read_text(encoding="utf-8")
        after = conformance_report.replaced(before, label, conformance_report.section(lines))
        parts = {line.part for line in lines}
        for part, about, told in _BEYOND:
            if part in parts:
                after = conformance_report.replaced(after, f"{label}{about}", told(lines))
        passed = sum(line.outcome == "passed" for line in lines)
        if after == before:
            self._said.append(f"conformance of {label}: {passed} cases passed, as {page.name} says")
        elif os.environ.get(WRITE):
            page.write_text(after, encoding="utf-8")
            self._said.append(f"conformance of {label}: {passed} cases passed; {page.name} was brought up to date")
        else:
            self._said.append(f"conformance of {label}: {page.name} says something else. Run make conformance.")
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
