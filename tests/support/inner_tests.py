"""Tests of what pytest itself does here: a file of tests in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).resolve().parents[2]


def run_tests(
    folder: Path, source: str, plugin: str, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run the tests in ``source`` with nothing of this checkout's configuration but ``plugin``."""
    (folder / "test_sample.py").write_text(source, encoding="utf-8")
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", str(folder)),
            *("-p", "no:cacheprovider", "-p", plugin, "-W", "ignore", "test_sample.py"),
        ],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(_ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
