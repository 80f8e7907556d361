"""The configuration file and its variables: what is wrong is named, and nothing is made by a look."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml_connector.app import settings
from ml_connector.app.settings import FILE, Settings
from ml_connector.domain.errors import WrongUse
from tests.support.installation import Installation


def test_a_variable_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('log_level = "debug"\ntest_settle_s = 2')

    found = settings.load(tmp_path, {"ML_CONNECTOR_LOG_LEVEL": "error", "ML_CONNECTOR_OTHER": "1"})

    assert found == Settings(log_level="error", test_settle_s=2)
    assert settings.load(tmp_path / "nowhere", {}) == Settings()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"log_level = ", "is not TOML"),
        (b"\xff\xfe", "is not TOML"),
        (b"a = " + b"[" * 100_000, "is not TOML"),
        (b"#" * (2**20 + 1), "more than 1,048,576 bytes"),
        (b'log_level = "loud"', "log_level"),
        (b"unknown = 1", "unknown"),
        (b"database = 7", "database"),
        (b"test_settle_s = -1", "test_settle_s"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / FILE).write_bytes(content)

    with pytest.raises(WrongUse, match=says):
        settings.load(tmp_path, {})


def test_a_configuration_that_is_no_file_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()

    with pytest.raises(IsADirectoryError):
        settings.load(tmp_path, {})


def test_a_mistyped_database_is_not_made(tmp_path: Path) -> None:
    Installation(tmp_path).ok("init")
    mistyped = tmp_path / "mistyped.db"

    message = Installation(tmp_path, ML_CONNECTOR_DATABASE=str(mistyped)).refused(2, "record", "list")

    assert message == f"There is no database at {mistyped}: run ml-connector init first."
    assert not mistyped.exists()
