"""Sealed secrets and the key checks. Nothing here can open one."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import Connection, delete, select, update

from ml_connector.domain.errors import KeyProblem
from ml_connector.domain.sealed import Envelope, KeyCheck, SecretId
from ml_connector.store import dialect
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
    require_master_key(conn, {envelope.kid})
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


def require_master_key(conn: Connection, kids: Collection[str]) -> None:
    """Raises :class:`KeyProblem` when one of these is not, or no longer, a master key of this database. Until the transaction
    ends none is forgotten."""
    dialect.lock(conn, _MASTER_KEY)
    known = set(conn.execute(select(key_checks.c.kid)).scalars())
    for kid in sorted(set(kids) - known):
        raise KeyProblem(f"The master key {kid} is not one of this database. If it was changed just now, start again.")


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


def sealed_otherwise(conn: Connection, kid: str, limit: int) -> list[tuple[SecretId, Envelope]]:
    """Some secrets whose data key another master key wraps."""
    query = select(secrets).where(secrets.c.kid != kid).order_by(secrets.c.connection, secrets.c.field)
    return [
        (SecretId(row.connection, row.field, row.version), Envelope(row.kid, row.wrapped_key, row.ciphertext))
        for row in conn.execute(query.limit(limit))
    ]


def rewrapped(conn: Connection, secret: SecretId, before: Envelope, after: Envelope) -> None:
    """Replace ``before``, unless somebody changed it meanwhile: that one is met again."""
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


def forget_master_keys(conn: Connection, kid: str) -> None:
    """Only ``kid`` is known from now. The tokens that others sealed are worth minutes: one more sign-in."""
    conn.execute(delete(tokens).where(tokens.c.kid != kid))
    conn.execute(delete(key_checks).where(key_checks.c.kid != kid))


def lock_master_keys(conn: Connection) -> None:
    """Whoever seals something waits until this transaction ends."""
    dialect.lock(conn, _MASTER_KEY)
