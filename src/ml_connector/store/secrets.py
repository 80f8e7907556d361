"""Sealed secrets and the key checks. Nothing here can open one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, delete, func, select, update

from ml_connector.domain.errors import KeyProblem
from ml_connector.domain.sealed import Envelope, KeyCheck, SecretId
from ml_connector.store import dialect
from ml_connector.store.door import Store
from ml_connector.store.tables import key_checks, secrets, tokens

#: Sealing and forgetting a master key wait for each other.
_MASTER_KEY: Final = "master key"


def next_id(conn: Connection, connection: str, field: str) -> SecretId:
    """Under which identity the next value of this field must be sealed: a version higher than the one on record."""
    version = conn.execute(
        select(secrets.c.version).where(secrets.c.connection == connection, secrets.c.field == field)
    ).scalar()
    return SecretId(connection, field, (version or 0) + 1)


def put(conn: Connection, secret: SecretId, envelope: Envelope) -> None:
    """Keep it in place of any older version.

    Raises :class:`KeyProblem` when its master key is not, or no longer, one of this database: after a rotation nothing could
    open it.
    """
    dialect.lock(conn, _MASTER_KEY)
    if conn.execute(select(key_checks.c.kid).where(key_checks.c.kid == envelope.kid)).scalar() is None:
        raise KeyProblem(
            f"The master key {envelope.kid} is not one of this database. If it was changed just now, start again."
        )
    values = {
        "version": secret.version,
        "kid": envelope.kid,
        "wrapped_key": envelope.wrapped_key,
        "ciphertext": envelope.ciphertext,
    }
    conn.execute(
        dialect.insert(conn, secrets)
        .values(connection=secret.connection, field=secret.field, **values)
        .on_conflict_do_update(index_elements=["connection", "field"], set_=values)
    )


def get(conn: Connection, connection: str, field: str) -> tuple[SecretId, Envelope] | None:
    found = of(conn, connection, field)
    return found[0] if found else None


def of(conn: Connection, connection: str, field: str | None = None) -> list[tuple[SecretId, Envelope]]:
    """All secrets of a connection, by field."""
    query = select(secrets).where(secrets.c.connection == connection).order_by(secrets.c.field)
    if field is not None:
        query = query.where(secrets.c.field == field)
    return [
        (SecretId(row.connection, row.field, row.version), Envelope(row.kid, row.wrapped_key, row.ciphertext))
        for row in conn.execute(query)
    ]


def checks(conn: Connection) -> list[KeyCheck]:
    """The master keys this database knows, oldest first. None means that nothing was ever sealed here."""
    query = select(key_checks).order_by(key_checks.c.created_at, key_checks.c.kid)
    return [KeyCheck(row.kid, row.check_value) for row in conn.execute(query)]


def add_check(conn: Connection, check: KeyCheck) -> None:
    """Idempotent."""
    conn.execute(
        dialect.insert(conn, key_checks)
        .values(kid=check.kid, check_value=check.value, created_at=dialect.now(conn))
        .on_conflict_do_nothing(index_elements=["kid"])
    )


@dataclass(frozen=True, slots=True)
class SealedRows:
    """All that a change of the master key has to touch (``vault.rotation``). Each call is one transaction."""

    store: Store

    async def checks(self) -> Sequence[KeyCheck]:
        return await self.store.call(checks)

    async def add_check(self, check: KeyCheck) -> None:
        await self.store.call(lambda conn: add_check(conn, check))

    async def sealed_otherwise(self, kid: str, limit: int) -> Sequence[tuple[SecretId, Envelope]]:
        """Some secrets whose data key another master key wraps; none when all are done."""

        def read(conn: Connection) -> list[tuple[SecretId, Envelope]]:
            query = select(secrets).where(secrets.c.kid != kid).order_by(secrets.c.connection, secrets.c.field)
            return [
                (SecretId(row.connection, row.field, row.version), Envelope(row.kid, row.wrapped_key, row.ciphertext))
                for row in conn.execute(query.limit(limit))
            ]

        return await self.store.call(read)

    async def rewrapped(self, rows: Sequence[tuple[SecretId, Envelope, Envelope]]) -> None:
        """Write (which, before, after), unless somebody changed it meanwhile: that one is met again."""

        def write(conn: Connection) -> None:
            for secret, before, after in rows:
                conn.execute(
                    update(secrets)
                    .where(
                        secrets.c.connection == secret.connection,
                        secrets.c.field == secret.field,
                        secrets.c.version == secret.version,
                        secrets.c.wrapped_key == before.wrapped_key,
                    )
                    .values(kid=after.kid, wrapped_key=after.wrapped_key)
                )

        await self.store.call(write)

    async def forget_others(self, kid: str) -> bool:
        """Drop the checks of all other keys and the tokens they sealed (worth minutes: one more sign-in).
        False, and nothing is dropped, while a secret is still sealed under one of them."""

        def forget(conn: Connection) -> bool:
            dialect.lock(conn, _MASTER_KEY)
            left = conn.execute(select(func.count()).select_from(secrets).where(secrets.c.kid != kid)).scalar_one()
            if left:
                return False
            conn.execute(delete(tokens).where(tokens.c.kid != kid))
            conn.execute(delete(key_checks).where(key_checks.c.kid != kid))
            return True

        return await self.store.call(forget)
