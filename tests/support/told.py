"""What a test has to tell when all is over: ``record_property(TOLD, text)``. Also where several processes run the tests."""

from __future__ import annotations

from typing import Final

import pytest
from _pytest.terminal import TerminalReporter

TOLD: Final = "told"


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Print it before pytest's closing line."""
    for reports in list(terminalreporter.stats.values()):
        for report in reports:
            if isinstance(report, pytest.TestReport) and report.when == "call":
                for name, text in report.user_properties:
                    if name == TOLD:
                        terminalreporter.write_line(f"\n{text}")
