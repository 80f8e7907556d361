"""Where the contracts are at hand, a contract test that is skipped counts as failed.

``ML_CONNECTOR_CONTRACTS`` names the folder. Without it contract tests may be skipped; with it a skip would mean that a
gate is open without anybody noticing.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

VARIABLE = "ML_CONNECTOR_CONTRACTS"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the skip of a contract test, at whatever point it was skipped, into a failure."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get(VARIABLE):
        why = _reason(report)
        if item.get_closest_marker("contract") or VARIABLE in why:
            report.outcome = "failed"
            report.longrepr = f"{VARIABLE} is set, so a contract test may not be skipped: {why}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole module that skips itself."""
    report = yield
    if report.skipped and os.environ.get(VARIABLE):
        why = _reason(report)
        if "contract" in collector.nodeid.split("/") or VARIABLE in why:
            report.outcome = "failed"
            report.longrepr = f"{VARIABLE} is set, so contract tests may not be skipped: {why}"
    return report


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    skip = report.longrepr
    return str(skip[2]) if isinstance(skip, tuple) else str(skip)
