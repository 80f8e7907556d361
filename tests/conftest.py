"""Puts the checkout on the path, so that tests can share code from ``tests/support``, closes the contract gate, keeps the log
of each test its own, and prints what tests have to tell."""

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.support.conformance_pages import ConformancePages
from tests.support.contract_gate import (  # noqa: F401  hooks that pytest finds here
    pytest_make_collect_report,
    pytest_runtest_makereport,
)
from tests.support.logs import logged, pytest_runtest_protocol  # noqa: F401
from tests.support.quality_scale import QualityScale
from tests.support.told import pytest_terminal_summary  # noqa: F401


def pytest_configure(config: pytest.Config) -> None:
    """Where several processes run the tests, the first one hears of all of them."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(ConformancePages())
        config.pluginmanager.register(QualityScale(config))


# A law is not less true on a busy machine: neither examples nor what makes them have a deadline. The gate tries the same ones
# each time, so that what fails is the change; --hypothesis-profile search looks for others.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("search", _PATIENT)
settings.register_profile("laws", _PATIENT, derandomize=True)
settings.load_profile("laws")
