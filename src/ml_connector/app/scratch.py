"""Where files lie while they are read: settlement files, which are nobody else's business. In the data folder, with its rights
and its room; what a killed process left behind goes with the next one."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ml_connector.engine.lock import EngineLock

_PREFIX: Final = "scratch-"
_IN_USE: Final = "in-use"


@dataclass(frozen=True, slots=True)
class Scratch:
    """A folder of one process. Its lock says that the process lives."""

    folder: Path
    lock: EngineLock

    @classmethod
    def make(cls, data_folder: Path) -> Scratch:
        """A new one, after what dead processes left is gone."""
        for left in data_folder.glob(f"{_PREFIX}*"):
            _remove(left)
        while True:
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=data_folder))
            lock = EngineLock(folder, _IN_USE)
            try:
                if lock.try_acquire():
                    return cls(folder, lock)
            except FileNotFoundError:
                pass  # another one, just starting, took it for left behind

    def cleanup(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.lock.release()


def _remove(left: Path) -> None:
    lock = EngineLock(left, _IN_USE)
    try:
        if lock.try_acquire():
            shutil.rmtree(left, ignore_errors=True)
            lock.release()
    except OSError:
        pass  # it went meanwhile, or is not ours to remove
