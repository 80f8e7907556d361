"""Our reading of orders over a simulated Amazon: a store on disk, a clock, and processes that may die."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection

from ml_connector.amazon.connection import AmazonAccount
from ml_connector.domain.clock import Clock
from ml_connector.domain.sealed import Envelope, SecretId
from ml_connector.flows.order_states import ORDER
from ml_connector.flows.orders import OrderReader, Round, Shop
from ml_connector.store import records, versions
from ml_connector.store.door import Store
from ml_connector.store.records import Record

CONNECTION = "amazon"


def shop(
    store: Store,
    account: AmazonAccount,
    clock: Clock,
    *,
    connection: str = CONNECTION,
    seal: Callable[[SecretId, bytes], Envelope] | None = None,
) -> Shop:
    """A connection opened for reading; every bucket counts as full."""

    async def tokens() -> Mapping[str, float]:
        return {}

    def note(conn: Connection, event: str, subject: str, data: Mapping[str, Any]) -> None:
        """Nobody reads the audit trail here."""

    return Shop(store, connection, account.config, account.orders, clock, note, tokens, seal)


async def read_all(reader: OrderReader) -> Round:
    """Until everything is read."""
    done = await reader.read(lambda: False)
    assert done.done
    return done


async def every_record(store: Store, connection: str = CONNECTION) -> dict[str, Record]:
    found = await store.call(lambda conn: records.find(conn, connection=connection, kind=ORDER, limit=1_000_000))
    return {each.natural_id: each for each in found}


async def every_version(store: Store, order_id: str, connection: str = CONNECTION) -> list[versions.Version]:
    return await store.call(lambda conn: versions.of(conn, connection, ORDER, order_id))
