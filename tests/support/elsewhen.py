"""The program at another time than the machine's: what a story tells must not depend on the day on which the tests run.

``python -m tests.support.elsewhen CLOCK COMMAND...`` is ``ml-connector`` in a process of its own, by a clock that another
process has set.
"""

from __future__ import annotations

import sys
import time
from datetime import datetime, timedelta

from ml_connector.cli.main import main
from ml_connector.engine.clock import SystemClock


class SetClock(SystemClock):
    """A clock that was set to ``now`` and goes on from there, as fast as the machine's.

    ``set_at`` is the reading of the machine's monotonic clock at that moment: the processes of a machine share it.
    """

    def __init__(self, now: datetime, set_at: float | None = None) -> None:
        self._start = now
        self._set_at = time.monotonic() if set_at is None else set_at

    def now(self) -> datetime:
        return self._start + timedelta(seconds=time.monotonic() - self._set_at)

    @classmethod
    def of(cls, text: str) -> SetClock:
        """The clock that another process calls by this text."""
        start, _, set_at = text.partition("@")
        return cls(datetime.fromisoformat(start), float(set_at))

    def __str__(self) -> str:
        return f"{self._start.isoformat()}@{self._set_at!r}"


if __name__ == "__main__":
    main(sys.argv[2:], SetClock.of(sys.argv[1]))
