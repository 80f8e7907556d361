"""The folder and the templates of simulated histories."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulation.world import Templates

_MEMORY = Path("/dev/shm")


@pytest.fixture(scope="session")
def templates() -> Iterator[Templates]:
    """What histories begin with, in memory where the machine has a folder there."""
    folder = Path(tempfile.mkdtemp(prefix="simulation-", dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None))
    yield Templates(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the processes of one test run share."""
    root = tmp_path_factory.getbasetemp()
    folder = (root.parent if "PYTEST_XDIST_WORKER" in os.environ else root) / "simulation"
    folder.mkdir(exist_ok=True)
    return folder
