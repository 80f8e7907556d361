"""Time for tests: it stands still until somebody sleeps."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class FakeClock:
    """A :class:`ml_connector.domain.clock.Clock` whose ``sleep`` advances it at once. ``slept`` lists every sleep, in seconds.

    A simulated world can live by it too: ``speed`` is what the sandbox asks of a clock.
    """

    speed = 1.0

    def __init__(self, start: datetime = NOON) -> None:
        self._start = start
        self._now = start
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - self._start).total_seconds()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass without anybody sleeping."""
        self._now += timedelta(seconds=seconds)
