"""What Amazon tells about buyers: sealed, apart from everything else, and gone when its time is over.

Nothing here can open an envelope (``vault`` does), and no other table repeats a word of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, func, select, update

from ml_connector.domain.sealed import Envelope, SecretId
from ml_connector.store import dialect, secrets
from ml_connector.store.reading import portions
from ml_connector.store.tables import buyer_data

# A name that no field of a sign-in form has.
_FIELD: Final = "buyer of "
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class SealedBuyer:
    """One buyer, sealed under :func:`secret_id` of the order."""

    order_id: str
    envelope: Envelope
    delete_after: datetime


def secret_id(connection: str, order_id: str) -> SecretId:
    """Under which identity the buyer of an order is sealed: an envelope moved to another order does not open."""
    return SecretId(connection, f"{_FIELD}{order_id}", _VERSION)


def put(conn: Connection, connection: str, buyers: Sequence[SealedBuyer]) -> None:
    """Keep them in place of what was known before.

    Raises :class:`ml_connector.domain.errors.KeyProblem` when their master key is not one of this database any more.
    """
    if not buyers:
        return
    secrets.require_master_key(conn, {each.envelope.kid for each in buyers})
    rows = [
        {
            "connection": connection,
            "order_id": each.order_id,
            "kid": each.envelope.kid,
            "wrapped_key": each.envelope.wrapped_key,
            "ciphertext": each.envelope.ciphertext,
            "delete_after": each.delete_after,
        }
        for each in buyers
    ]
    statement = dialect.insert(conn, buyer_data)
    kept = ("kid", "wrapped_key", "ciphertext", "delete_after")
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=["connection", "order_id"], set_={name: statement.excluded[name] for name in kept}
        ),
        rows,
    )


def get(conn: Connection, connection: str, order_id: str) -> SealedBuyer | None:
    row = conn.execute(
        select(buyer_data).where(buyer_data.c.connection == connection, buyer_data.c.order_id == order_id)
    ).one_or_none()
    if row is None:
        return None
    return SealedBuyer(row.order_id, Envelope(row.kid, row.wrapped_key, row.ciphertext), row.delete_after)


def remove(conn: Connection, connection: str, order_ids: Sequence[str]) -> None:
    """They are not needed any more (their orders were cancelled)."""
    for ids in portions(order_ids):
        conn.execute(delete(buyer_data).where(buyer_data.c.connection == connection, buyer_data.c.order_id.in_(ids)))


def purge(conn: Connection, now: datetime) -> int:
    """Delete what is due; how many."""
    return int(conn.execute(delete(buyer_data).where(buyer_data.c.delete_after <= now)).rowcount)


def count(conn: Connection) -> int:
    return int(conn.execute(select(func.count()).select_from(buyer_data)).scalar_one())


def forget(conn: Connection, connection: str) -> None:
    """The connection is gone, and with it the reason to keep them."""
    conn.execute(delete(buyer_data).where(buyer_data.c.connection == connection))


def sealed_otherwise(conn: Connection, kid: str, limit: int) -> list[tuple[SecretId, Envelope]]:
    """Some that are not sealed under ``kid``."""
    query = (
        select(buyer_data)
        .where(buyer_data.c.kid != kid)
        .order_by(buyer_data.c.connection, buyer_data.c.order_id)
        .limit(limit)
    )
    return [
        (secret_id(row.connection, row.order_id), Envelope(row.kid, row.wrapped_key, row.ciphertext))
        for row in conn.execute(query)
    ]


def rewrapped(conn: Connection, secret: SecretId, before: Envelope, after: Envelope) -> bool:
    """Replace ``before`` unless it was changed meanwhile; False where ``secret`` is none of a buyer."""
    if not secret.field.startswith(_FIELD):
        return False
    conn.execute(
        update(buyer_data)
        .where(
            buyer_data.c.connection == secret.connection,
            buyer_data.c.order_id == secret.field.removeprefix(_FIELD),
            buyer_data.c.wrapped_key == before.wrapped_key,
        )
        .values(kid=after.kid, wrapped_key=after.wrapped_key)
    )
    return True
