"""Buyers: sealed, bound to their order, gone when their time is over, and rewrapped with everything else."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from ml_connector.domain.errors import KeyProblem
from ml_connector.store import buyers, connections, secrets
from ml_connector.store.buyers import SealedBuyer
from ml_connector.store.door import Store
from ml_connector.store.sealed_rows import SealedRows
from ml_connector.vault import envelopes, rotation
from ml_connector.vault.keys import KeyRing, MasterKey
from tests.support.clock import NOON
from tests.support.databases import in_store, in_transaction, sqlite_database

CANARY = b"Canary Quillfeather, 7 Hidden Lane"
OLD, NEW = MasterKey.of(b"o" * 32), MasterKey.of(b"n" * 32)
SOON, LATER = NOON + timedelta(days=1), NOON + timedelta(days=30)


def sealed(order: str, content: bytes = CANARY, until: datetime = LATER, key: MasterKey = OLD) -> SealedBuyer:
    return SealedBuyer(order, envelopes.seal(key, buyers.secret_id("amazon", order), content), until)


def keep(conn: Connection, *given: SealedBuyer) -> None:
    secrets.add_check(conn, OLD.check)
    buyers.put(conn, "amazon", given)


def opened(conn: Connection, order: str, ring: KeyRing | None = None) -> bytes | None:
    found = buyers.get(conn, "amazon", order)
    if found is None:
        return None
    return envelopes.unseal(ring or KeyRing(OLD), buyers.secret_id("amazon", order), found.envelope)


def test_a_buyer_comes_back_only_through_the_vault_and_as_last_told(where: str | Path) -> None:
    def story(conn: Connection) -> None:
        keep(conn, sealed("1"), sealed("2", b"somebody else"))
        keep(conn, sealed("1", b"moved", SOON))

        assert (opened(conn, "1"), opened(conn, "2"), opened(conn, "3")) == (b"moved", b"somebody else", None)
        found = buyers.get(conn, "amazon", "1")
        assert found is not None and found.delete_after == SOON

    in_transaction(where, story)


def test_a_buyer_is_nowhere_in_the_database_file(tmp_path: Path) -> None:
    path = sqlite_database(tmp_path)
    in_transaction(path, lambda conn: keep(conn, sealed("1")))

    written = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    assert b"buyer_data" in written
    assert b"Quillfeather" not in written


def test_an_envelope_moved_to_another_order_does_not_open(where: str | Path) -> None:
    def story(conn: Connection) -> None:
        keep(conn, SealedBuyer("2", sealed("1").envelope, LATER))
        with pytest.raises(KeyProblem):
            opened(conn, "2")

    in_transaction(where, story)


def test_purging_deletes_what_is_due_and_nothing_else(where: str | Path) -> None:
    def story(conn: Connection) -> None:
        keep(conn, sealed("due", until=NOON), sealed("soon", until=SOON), sealed("later"))

        assert buyers.purge(conn, NOON) == 1
        assert (buyers.count(conn), opened(conn, "due")) == (2, None)
        assert buyers.purge(conn, LATER) == 2

    in_transaction(where, story)


def test_the_buyer_of_a_cancelled_order_is_removed(where: str | Path) -> None:
    def story(conn: Connection) -> None:
        keep(conn, sealed("1"), sealed("2"))
        buyers.remove(conn, "amazon", ["2", "none"])

        assert (opened(conn, "1"), opened(conn, "2")) == (CANARY, None)

    in_transaction(where, story)


def test_removing_a_connection_removes_its_buyers(where: str | Path) -> None:
    def story(conn: Connection) -> None:
        connections.add(conn, "amazon", "amazon", {})
        keep(conn, sealed("1"))
        connections.remove(conn, "amazon")

        assert buyers.count(conn) == 0

    in_transaction(where, story)


def test_a_new_master_key_opens_buyers_too_and_the_old_one_is_kept_until_it_does(where: str | Path) -> None:
    async def story(store: Store) -> None:
        await store.call(lambda conn: keep(conn, sealed("1"), sealed("2", b"somebody else")))
        await store.call(lambda conn: secrets.add_check(conn, NEW.check))
        assert not await SealedRows(store).forget_others(NEW.kid)

        done = await rotation.rotate(KeyRing(NEW, (OLD,)), SealedRows(store))

        assert done == rotation.Rotated(NEW.kid, 2)
        assert await store.call(lambda conn: opened(conn, "1", KeyRing(NEW))) == CANARY
        assert await store.call(lambda conn: opened(conn, "2", KeyRing(NEW))) == b"somebody else"

    in_store(where, story)


def test_nobody_is_kept_under_a_master_key_the_database_does_not_know(where: str | Path) -> None:
    with pytest.raises(KeyProblem, match="not one of this database"):
        in_transaction(where, lambda conn: keep(conn, sealed("1", key=NEW)))
