"""Work that several test processes need once: whoever comes first does it, the others read what came out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def once(folder: Path, name: str, work: Callable[[], Any]) -> Any:
    """What ``work`` gives, as plain data. Waits while another process is at it."""
    with _alone(folder / f"{name}.lock"):
        done = folder / f"{name}.json"
        if not done.exists():
            result = json.dumps(work())
            partial = done.with_suffix(".partial")
            partial.write_text(result, encoding="utf-8")
            partial.replace(done)
        return json.loads(done.read_text(encoding="utf-8"))


if sys.platform == "win32":

    @contextmanager
    def _alone(_path: Path) -> Iterator[None]:
        """Test processes there do everything themselves: a folder is not shared."""
        yield

else:
    import fcntl

    @contextmanager
    def _alone(path: Path) -> Iterator[None]:
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
