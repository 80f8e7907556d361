"""Puts the checkout on the path, so that tests can share code from ``tests/support``, and closes the contract gate."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.support.contract_gate import (  # noqa: F401  hooks that pytest finds here
    pytest_make_collect_report,
    pytest_runtest_makereport,
)
