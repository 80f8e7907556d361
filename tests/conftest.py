"""Puts the checkout on the path, so that tests can share code from ``tests/support``, closes the contract gate, keeps the log
of each test its own, and prints what tests have to tell."""

import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.support.contract_gate import (  # noqa: F401  hooks that pytest finds here
    pytest_make_collect_report,
    pytest_runtest_makereport,
)
from tests.support.logs import logged, pytest_runtest_protocol  # noqa: F401
from tests.support.told import pytest_terminal_summary  # noqa: F401

# A law is not less true on a busy machine: examples have no deadline.
settings.register_profile("laws", deadline=None)
settings.load_profile("laws")
