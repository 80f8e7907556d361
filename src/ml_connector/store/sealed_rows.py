"""Everything that is sealed, for a change of the master key: sign-ins and buyers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from ml_connector.domain.sealed import Envelope, KeyCheck, SecretId
from ml_connector.store import buyers, secrets
from ml_connector.store.door import Store


@dataclass(frozen=True, slots=True)
class SealedRows:
    """All that a change of the master key has to touch (``vault.rotation``). Each call is one transaction."""

    store: Store

    async def checks(self) -> Sequence[KeyCheck]:
        return await self.store.call(secrets.checks)

    async def add_check(self, check: KeyCheck) -> None:
        await self.store.call(lambda conn: secrets.add_check(conn, check))

    async def sealed_otherwise(self, kid: str, limit: int) -> Sequence[tuple[SecretId, Envelope]]:
        """Some rows whose data key another master key wraps; none when all are done."""
        return await self.store.call(lambda conn: _sealed_otherwise(conn, kid, limit))

    async def rewrapped(self, rows: Sequence[tuple[SecretId, Envelope, Envelope]]) -> None:
        """Write (which, before, after), unless somebody changed it meanwhile: that one is met again."""

        def write(conn: Connection) -> None:
            for secret, before, after in rows:
                if not buyers.rewrapped(conn, secret, before, after):
                    secrets.rewrapped(conn, secret, before, after)

        await self.store.call(write)

    async def forget_others(self, kid: str) -> bool:
        """Drop all other keys, and the tokens they sealed. False, and nothing is dropped, while a row is still sealed under
        one of them."""

        def forget(conn: Connection) -> bool:
            secrets.lock_master_keys(conn)
            if _sealed_otherwise(conn, kid, 1):
                return False
            secrets.forget_master_keys(conn, kid)
            return True

        return await self.store.call(forget)


def _sealed_otherwise(conn: Connection, kid: str, limit: int) -> list[tuple[SecretId, Envelope]]:
    return secrets.sealed_otherwise(conn, kid, limit) or buyers.sealed_otherwise(conn, kid, limit)
