"""Sealed secrets and tokens: kept sealed, bound to their row, and never sealed under a key that is forgotten."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from ml_connector.domain.errors import KeyProblem
from ml_connector.domain.sealed import Envelope, SecretId
from ml_connector.store import connections, sealed_rows, secrets, tokens
from ml_connector.store.door import Store
from ml_connector.store.tokens import SealedTokens
from ml_connector.transport.auth import Token
from ml_connector.vault import envelopes, rotation
from ml_connector.vault.keys import KeyRing, MasterKey
from tests.support.clock import NOON
from tests.support.databases import in_store, in_transaction, sqlite_database

CANARY = b"canary-7f3a-password"
OLD, NEW = MasterKey.of(b"o" * 32), MasterKey.of(b"n" * 32)


def keep(conn: Connection, connection: str, field: str, content: bytes, key: MasterKey = OLD) -> None:
    secrets.add_check(conn, key.check)
    secret = secrets.next_id(conn, connection, field)
    secrets.put(conn, secret, envelopes.seal(key, secret, content))


def read(conn: Connection, connection: str, field: str, ring: KeyRing) -> bytes:
    found = secrets.get(conn, connection, field)
    assert found is not None
    return envelopes.unseal(ring, *found)


def test_a_secret_comes_back_only_through_the_vault(where: str | Path) -> None:
    def story(conn: Connection) -> bytes:
        keep(conn, "sap", "password", CANARY)
        return read(conn, "sap", "password", KeyRing(OLD))

    assert in_transaction(where, story) == CANARY


def test_a_secret_is_nowhere_in_the_database_file(tmp_path: Path) -> None:
    path = sqlite_database(tmp_path)
    in_transaction(path, lambda conn: keep(conn, "sap", "password", CANARY))

    written = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    assert b"password" in written
    assert CANARY not in written


def test_a_new_value_gets_a_new_version_and_replaces_the_old(where: str | Path) -> None:
    def story(conn: Connection) -> tuple[list[int], bytes]:
        keep(conn, "sap", "password", b"first")
        keep(conn, "sap", "password", b"second")
        return [secret.version for secret, _ in secrets.of(conn, "sap")], read(conn, "sap", "password", KeyRing(OLD))

    assert in_transaction(where, story) == ([2], b"second")


def test_rows_that_were_exchanged_do_not_open(where: str | Path) -> None:
    def story(conn: Connection) -> None:
        keep(conn, "sap", "password", b"of sap")
        keep(conn, "sage", "password", b"of sage")
        for before, after in (("sap", "swap"), ("sage", "sap"), ("swap", "sage")):
            conn.execute(
                text("UPDATE secrets SET connection = :after WHERE connection = :before"),
                {"before": before, "after": after},
            )
        with pytest.raises(KeyProblem, match="does not open"):
            read(conn, "sap", "password", KeyRing(OLD))

    in_transaction(where, story)


def test_an_older_version_put_back_under_a_newer_number_does_not_open(where: str | Path) -> None:
    def story(conn: Connection) -> None:
        keep(conn, "sap", "password", b"leaked and replaced")
        found = secrets.get(conn, "sap", "password")
        assert found is not None
        keep(conn, "sap", "password", b"new")
        secrets.put(conn, SecretId("sap", "password", 2), found[1])
        with pytest.raises(KeyProblem, match="does not open"):
            read(conn, "sap", "password", KeyRing(OLD))

    in_transaction(where, story)


def test_nothing_is_kept_under_a_master_key_the_database_does_not_know(where: str | Path) -> None:
    secret = SecretId("sap", "password", 1)

    with pytest.raises(KeyProblem, match="not one of this database"):
        in_transaction(where, lambda conn: secrets.put(conn, secret, envelopes.seal(NEW, secret, CANARY)))


def test_after_a_rotation_everything_opens_with_the_new_key_alone(where: str | Path) -> None:
    async def story(store: Store) -> tuple[rotation.Rotated, list[bytes], list[str]]:
        for n in range(3):
            await store.call(lambda conn, n=n: keep(conn, f"erp-{n}", "password", b"%d" % n))  # type: ignore[misc]
        done = await rotation.rotate(KeyRing(NEW, (OLD,)), sealed_rows.SealedRows(store))
        contents = [
            await store.call(lambda conn, n=n: read(conn, f"erp-{n}", "password", KeyRing(NEW)))  # type: ignore[misc]
            for n in range(3)
        ]
        return done, contents, [check.kid for check in await store.call(secrets.checks)]

    done, contents, known = in_store(where, story)

    assert done == rotation.Rotated(NEW.kid, 3)
    assert contents == [b"0", b"1", b"2"]
    assert known == [NEW.kid]


def test_a_process_that_slept_through_a_rotation_cannot_seal_under_the_forgotten_key(where: str | Path) -> None:
    async def story(store: Store) -> None:
        await store.call(lambda conn: keep(conn, "sap", "password", CANARY))
        secret = SecretId("sap", "password", 2)
        late = envelopes.seal(OLD, secret, b"entered meanwhile")
        await rotation.rotate(KeyRing(NEW, (OLD,)), sealed_rows.SealedRows(store))
        with pytest.raises(KeyProblem):
            await store.call(lambda conn: secrets.put(conn, secret, late))

    in_store(where, story)


def test_a_secret_changed_during_the_rotation_keeps_its_new_value(where: str | Path) -> None:
    async def story(store: Store) -> bytes:
        await store.call(lambda conn: keep(conn, "sap", "password", b"before"))
        rows = sealed_rows.SealedRows(store)
        left = await rows.sealed_otherwise(NEW.kid, 10)
        await store.call(lambda conn: keep(conn, "sap", "password", b"meanwhile"))
        ring = KeyRing(NEW, (OLD,))
        await rows.rewrapped([(secret, before, envelopes.rewrap(ring, secret, before)) for secret, before in left])
        return await store.call(lambda conn: read(conn, "sap", "password", ring))

    assert in_store(where, story) == b"meanwhile"


def test_removing_a_connection_removes_its_secrets(where: str | Path) -> None:
    def story(conn: Connection) -> list[tuple[SecretId, Envelope]]:
        connections.add(conn, "sap", "sap_business_one", {"company_db": "SBODEMO"})
        keep(conn, "sap", "password", CANARY)
        connections.remove(conn, "sap")
        return secrets.of(conn, "sap")

    assert in_transaction(where, story) == []


# --- tokens -------------------------------------------------------------------------------------------------------------


def sealed_tokens(store: Store, key: MasterKey) -> SealedTokens:
    return SealedTokens(
        store,
        lambda secret, content: envelopes.seal(key, secret, content),
        lambda secret, envelope: envelopes.unseal(KeyRing(key), secret, envelope),
    )


TOKEN = Token("canary-token", NOON + timedelta(hours=1))


def test_a_token_is_there_for_the_next_process(where: str | Path) -> None:
    async def story(store: Store) -> tuple[Token | None, Token | None]:
        await sealed_tokens(store, OLD).save("amazon", Token("older", NOON))
        await sealed_tokens(store, OLD).save("amazon", TOKEN)
        return await sealed_tokens(store, OLD).load("amazon"), await sealed_tokens(store, OLD).load("other")

    assert in_store(where, story) == (TOKEN, None)


def test_a_token_that_cannot_be_opened_any_more_is_no_token(where: str | Path) -> None:
    async def story(store: Store) -> Token | None:
        await sealed_tokens(store, OLD).save("amazon", TOKEN)
        return await sealed_tokens(store, NEW).load("amazon")

    assert in_store(where, story) is None


def test_a_token_moved_to_another_account_is_no_token(where: str | Path) -> None:
    async def story(store: Store) -> Token | None:
        await sealed_tokens(store, OLD).save("amazon-us", TOKEN)
        await store.call(lambda conn: conn.execute(text("UPDATE tokens SET name = 'amazon-eu'")).close())
        return await sealed_tokens(store, OLD).load("amazon-eu")

    assert in_store(where, story) is None


def test_a_forgotten_token_is_gone(where: str | Path) -> None:
    async def story(store: Store) -> Token | None:
        await sealed_tokens(store, OLD).save("amazon", TOKEN)
        await store.call(lambda conn: tokens.forget(conn, "amazon"))
        return await sealed_tokens(store, OLD).load("amazon")

    assert in_store(where, story) is None
