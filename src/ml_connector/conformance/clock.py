"""Simulated time, as our code and as the simulated systems see it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

from ml_connector.conformance.loop import SimulationLoop

#: When every history begins.
BORN: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)


class SimulationClock:
    """The loop's time as a :class:`ml_connector.domain.clock.Clock` and as a clock of the sandbox."""

    speed = 1.0

    def __init__(self, loop: SimulationLoop) -> None:
        self._loop = loop

    def now(self) -> datetime:
        return BORN + timedelta(seconds=self._loop.time())

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))  # noqa: TID251 - on the loop's own time, which is simulated
