"""Time is injected. Rooms that need it take a :class:`Clock`; only ``app`` makes a real one."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """What a room may know of time."""

    def now(self) -> datetime:
        """The present instant, timezone-aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        ...
