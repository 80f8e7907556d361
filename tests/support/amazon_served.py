"""A sandbox as an outside client meets it: a process of its own on a loopback port, started by the command line."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def served_amazon(scenario: Path, *, speed: float = 1.0) -> Iterator[dict[str, Any]]:
    """What the running sandbox announces about its Amazon, until the block ends."""
    command = [sys.executable, "-m", "ml_connector", "sandbox", "serve", "--json"]
    command += ["--scenario", str(scenario), "--speed", str(speed)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        announced: dict[str, Any] = json.loads(process.stdout.readline())["amazon"]
        yield announced
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
