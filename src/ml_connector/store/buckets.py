"""Token buckets on disk, shared by every process of the installation. The arithmetic is ``transport.bucket``'s."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from ml_connector.store import dialect
from ml_connector.store.door import Store
from ml_connector.store.tables import buckets
from ml_connector.transport.bucket import Bucket


@dataclass(frozen=True, slots=True)
class StoredBuckets:
    """A :class:`ml_connector.transport.bucket.BucketStore`. Each call is one transaction on the database's clock."""

    store: Store

    async def take(self, account: str, operation: str, rate_per_s: float, burst: int) -> float:
        def debit(conn: Connection) -> float:
            now = dialect.now(conn)
            kept = _read(conn, account, operation)
            if kept is None:
                bucket, corrected = Bucket(float(burst), now, rate_per_s, burst), False
            else:
                bucket, corrected = kept
                bucket = replace(bucket, burst=burst)
                if not corrected:
                    bucket = replace(bucket.refilled(now), rate_per_s=rate_per_s)
            after, wait_s = bucket.take(now)
            _write(conn, account, operation, after, corrected=corrected)
            return wait_s

        return await self.store.call(debit)

    async def held(self, account: str) -> dict[str, float]:
        """What the account's buckets hold now, by operation. A bucket that was never used is not named: it is full."""

        def read(conn: Connection) -> dict[str, float]:
            now = dialect.now(conn)
            rows = conn.execute(select(buckets).where(buckets.c.account == account))
            return {
                row.operation: Bucket(row.tokens, row.updated_at, row.rate, row.burst).refilled(now).tokens
                for row in rows
            }

        return await self.store.call(read)

    async def correct(self, account: str, operation: str, rate_per_s: float) -> None:
        """From now the announced rate counts. An operation never asked before starts empty: its burst is not known."""

        def change(bucket: Bucket, now: datetime) -> Bucket:
            return replace(bucket.refilled(now), rate_per_s=rate_per_s)

        await self._change(account, operation, rate_per_s, change, corrected=True)

    async def drain(self, account: str, operation: str) -> None:
        await self._change(account, operation, 1.0, Bucket.drained, corrected=False)

    async def _change(
        self,
        account: str,
        operation: str,
        rate_per_s: float,
        change: Callable[[Bucket, datetime], Bucket],
        *,
        corrected: bool,
    ) -> None:
        def write(conn: Connection) -> None:
            now = dialect.now(conn)
            bucket, was_corrected = _read(conn, account, operation) or (Bucket(0.0, now, rate_per_s, 1), False)
            _write(conn, account, operation, change(bucket, now), corrected=corrected or was_corrected)

        await self.store.call(write)


def _read(conn: Connection, account: str, operation: str) -> tuple[Bucket, bool] | None:
    """The bucket, and whether its rate was announced by the server."""
    dialect.lock(conn, f"bucket {account} {operation}")
    row = conn.execute(
        select(buckets).where(buckets.c.account == account, buckets.c.operation == operation)
    ).one_or_none()
    return None if row is None else (Bucket(row.tokens, row.updated_at, row.rate, row.burst), row.corrected)


def _write(conn: Connection, account: str, operation: str, bucket: Bucket, *, corrected: bool) -> None:
    values = {
        "tokens": bucket.tokens,
        "updated_at": bucket.updated_at,
        "rate": bucket.rate_per_s,
        "burst": bucket.burst,
        "corrected": corrected,
    }
    done = conn.execute(
        update(buckets).where(buckets.c.account == account, buckets.c.operation == operation).values(values)
    )
    if done.rowcount == 0:
        conn.execute(insert(buckets).values(account=account, operation=operation, **values))
