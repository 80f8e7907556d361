"""One engine per data folder: an operating-system lock, which a dead process cannot keep."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

NAME: Final = "engine.lock"


class EngineLock:
    """The lock of one data folder. The file stays; only the lock on it counts. ``name`` makes it the lock of something else."""

    def __init__(self, data_folder: Path, name: str = NAME) -> None:
        self._path = data_folder / name
        self._descriptor: int | None = None

    def try_acquire(self) -> bool:
        """True when this process has it now; False when another one does."""
        if self._descriptor is not None:
            return True
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        if not _lock(descriptor):
            os.close(descriptor)
            return False
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Let it go; closing the file is what unlocks it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
