"""The sandbox's own time. Quotas, expiries and delays run on it, so a world can run faster than the real one.

The sandbox knows nothing of ``domain.clock``; a world under simulation gets an object of the caller's with these members.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class WorldClock(Protocol):
    """What a simulated system may know of time."""

    @property
    def speed(self) -> float:
        """Virtual seconds that pass in one second of the caller's; announced rates are multiplied by it."""
        ...

    def now(self) -> datetime:
        """The present virtual instant, timezone-aware, UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let ``seconds`` virtual seconds pass."""
        ...


class RealClock:
    """Virtual time that starts at ``start`` (the present by default) and runs ``speed`` times faster than real time."""

    def __init__(self, speed: float = 1.0, start: datetime | None = None) -> None:
        if speed <= 0:
            raise ValueError("speed must be above zero")
        self._speed = speed
        self._start = present() if start is None else start
        self._origin_s = time.monotonic()  # noqa: TID251 - the one place where the sandbox reads real time

    @property
    def speed(self) -> float:
        return self._speed

    def now(self) -> datetime:
        elapsed_s = time.monotonic() - self._origin_s  # noqa: TID251
        return self._start + timedelta(seconds=elapsed_s * self._speed)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds, 0.0) / self._speed)  # noqa: TID251


class ManualClock:
    """Time that moves only when told. A sleeper wakes when :meth:`advance` reaches its instant.

    With ``leaps`` a sleep moves the clock itself and returns at once, for tests that have one actor.
    """

    def __init__(self, start: datetime, *, leaps: bool = False) -> None:
        self._now = start
        self._leaps = leaps
        self._order = itertools.count()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []

    @property
    def speed(self) -> float:
        return 1.0

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        if self._leaps or seconds <= 0:
            self.advance(max(seconds, 0.0))
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + timedelta(seconds=seconds), next(self._order), woken))
        await woken

    def advance(self, seconds: float) -> None:
        """Move time forward and wake whoever slept until then, in the order of their instants."""
        self._now += timedelta(seconds=seconds)
        while self._sleepers and self._sleepers[0][0] <= self._now:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)


class SkewedClock:
    """Another clock, wrong by a number of seconds: the fault ``clock_skew``."""

    def __init__(self, clock: WorldClock, skew_s: float) -> None:
        self._clock = clock
        self._skew = timedelta(seconds=skew_s)

    @property
    def speed(self) -> float:
        return self._clock.speed

    def now(self) -> datetime:
        return self._clock.now() + self._skew

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)


def present() -> datetime:
    """The real present instant, UTC: where a new world begins when nobody says otherwise."""
    return datetime.now(UTC)  # noqa: TID251 - the one place where the sandbox reads real time
