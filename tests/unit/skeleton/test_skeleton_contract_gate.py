"""Where the contracts are at hand, a skipped contract test fails; elsewhere it is skipped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.inner_tests import run_tests

SKIPPED_BY_ITSELF = "import pytest\n@pytest.mark.contract\ndef test_it(): pytest.skip('not today')\n"
SKIPPED_BY_MARK = (
    "import pytest\n@pytest.mark.contract\n@pytest.mark.skipif(True, reason='never')\ndef test_it(): pass\n"
)
SKIPPED_BY_REASON = "import pytest\ndef test_it(): pytest.skip('ML_CONNECTOR_CONTRACTS is not set')\n"
SKIPPED_MODULE = "import pytest\npytest.skip('ML_CONNECTOR_CONTRACTS is not set', allow_module_level=True)\n"
ANOTHER_SKIP = "import pytest\ndef test_it(): pytest.skip('no such wheel here')\n"


def closing_line(folder: Path, source: str, contracts: str | None) -> tuple[int, str]:
    environment = {name: value for name, value in os.environ.items() if name != "ML_CONNECTOR_CONTRACTS"}
    if contracts is not None:
        environment["ML_CONNECTOR_CONTRACTS"] = contracts
    done = run_tests(folder, source, "tests.support.contract_gate", environment)
    return done.returncode, done.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize("source", [SKIPPED_BY_ITSELF, SKIPPED_BY_MARK, SKIPPED_BY_REASON])
def test_a_skipped_contract_test_fails_where_the_contracts_are_at_hand(tmp_path: Path, source: str) -> None:
    code, line = closing_line(tmp_path, source, contracts=str(tmp_path))

    assert code == 1
    assert line.startswith(("1 failed", "1 error"))  # an error where the skip came before the test's body


def test_a_module_that_skips_itself_fails_where_the_contracts_are_at_hand(tmp_path: Path) -> None:
    code, line = closing_line(tmp_path, SKIPPED_MODULE, contracts=str(tmp_path))

    assert code == 2
    assert "1 error" in line


def test_a_skipped_contract_test_is_skipped_without_the_contracts(tmp_path: Path) -> None:
    code, line = closing_line(tmp_path, SKIPPED_BY_ITSELF, contracts=None)

    assert code == 0
    assert line.startswith("1 skipped")


def test_other_tests_may_be_skipped(tmp_path: Path) -> None:
    code, line = closing_line(tmp_path, ANOTHER_SKIP, contracts=str(tmp_path))

    assert code == 0
    assert line.startswith("1 skipped")
