"""Store tests run on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.databases import POSTGRESQL, SQLITE, database


@pytest.fixture(params=[SQLITE, pytest.param(POSTGRESQL, marks=pytest.mark.postgres)])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
    """A migrated, empty database."""
    return database(request.param, tmp_path)
