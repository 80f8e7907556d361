"""The server's wall clock: dates and times of rows are its local ones, without a zone (dossier, section 5.3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from ml_connector.sandbox.clock import WorldClock


@dataclass(frozen=True, slots=True)
class Wall:
    """The world's clock as the server's people read it: ``offset_minutes`` away from UTC."""

    clock: WorldClock
    offset_minutes: int = 0

    def day(self) -> str:
        """Today, as an ISO date."""
        return self._read()[:10]

    def time(self) -> str:
        """The time of day, to the second."""
        return self._read()[11:19]

    def _read(self) -> str:
        return (self.clock.now() + timedelta(minutes=self.offset_minutes)).isoformat()
