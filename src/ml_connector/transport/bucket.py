"""The token bucket: how often an outside system may be asked.

The arithmetic is pure; where the buckets are kept (on disk, shared by every process) is injected, because a bucket that
forgets a restart spends its burst twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

#: Clocks are corrected by less than this all the time.
_TREMBLE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Bucket:
    """``tokens`` at the instant ``updated_at``; refills at ``rate_per_s`` up to ``burst``."""

    tokens: float
    updated_at: datetime
    rate_per_s: float
    burst: int

    def refilled(self, now: datetime) -> Bucket:
        """The bucket at ``now``. A clock that went back adds nothing; one that went back far was set right, and counts from
        there: otherwise nothing would be refilled until it has caught up."""
        elapsed_s = (now - self.updated_at).total_seconds()
        return replace(
            self,
            tokens=min(float(self.burst), self.tokens + max(0.0, elapsed_s) * self.rate_per_s),
            updated_at=self.updated_at if -_TREMBLE_S <= elapsed_s < 0 else now,
        )

    def take(self, now: datetime) -> tuple[Bucket, float]:
        """Take one token: (the bucket afterwards, 0.0), or (the bucket as it is, seconds until there is one)."""
        full = self.refilled(now)
        # A bucket that was refilled by exactly the announced wait may miss its token by a rounding of the last bit.
        if full.tokens >= 1.0 - 1e-9:
            return replace(full, tokens=max(0.0, full.tokens - 1.0)), 0.0
        return full, (1.0 - full.tokens) / self.rate_per_s

    def drained(self, now: datetime) -> Bucket:
        """Empty: the server said that there was nothing left."""
        return replace(self.refilled(now), tokens=0.0)


class BucketStore(Protocol):
    """The buckets of one installation, by (account, operation). Each call is one short transaction."""

    async def take(self, account: str, operation: str, rate_per_s: float, burst: int) -> float:
        """Debit one token *before* the send. 0.0: go now. Otherwise nothing was debited: come back in so many seconds.

        ``rate_per_s`` and ``burst`` are the documented figures; a corrected rate that is on record wins over the first.
        """
        ...

    async def correct(self, account: str, operation: str, rate_per_s: float) -> None:
        """The server announced its rate."""
        ...

    async def drain(self, account: str, operation: str) -> None:
        """The server said 429: the bucket is empty from now."""
        ...
