"""The audit chain: nothing in it can be changed, removed, added or reordered unseen; the head finds what was cut off."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from ml_connector.domain.errors import Inconsistent
from ml_connector.store import audit, audit_head, dialect
from ml_connector.store.audit import GENESIS, Broken, Head, Verified
from ml_connector.store.audit_head import Standing
from ml_connector.store.door import Store
from tests.support.databases import in_store, in_transaction

KEY = b"k" * 32
EVENTS = 5


@pytest.fixture
def chain(where: str | Path) -> str | Path:
    """Five events."""
    in_transaction(where, write)
    return where


def write(conn: Connection, count: int = EVENTS) -> Head:
    for n in range(count):
        head = audit.append(conn, KEY, actor="ann", event="posted", subject=f"DOC-{n}", data={"total": "85.79", "n": n})
    return head


@contextmanager
def without_triggers(conn: Connection) -> Iterator[None]:
    """What somebody who owns the database file can do."""
    if dialect.is_postgresql(conn):
        conn.execute(text("SET LOCAL session_replication_role = replica"))
    else:
        for name in ("audit_no_update", "audit_no_delete", "audit_no_replace"):
            conn.execute(text(f"DROP TRIGGER {name}"))
    yield


def tampered(where: str | Path, *statements: str) -> Verified | Broken:
    def tamper_and_verify(conn: Connection) -> Verified | Broken:
        with without_triggers(conn):
            for statement in statements:
                conn.execute(text(statement))
        return audit.verify(conn, KEY)

    return in_transaction(where, tamper_and_verify)


def test_an_untouched_chain_verifies_up_to_its_head(chain: str | Path) -> None:
    head, verdict = in_transaction(chain, lambda conn: (audit.head(conn), audit.verify(conn, KEY)))

    assert verdict == Verified(head)
    assert head.seq == EVENTS


def test_an_empty_chain_verifies(where: str | Path) -> None:
    assert in_transaction(where, lambda conn: audit.verify(conn, KEY)) == Verified(Head(0, GENESIS))


def test_an_event_comes_back_as_it_was_written(chain: str | Path) -> None:
    newest = in_transaction(chain, lambda conn: audit.events(conn, subject="DOC-4"))

    assert [(event.actor, event.event, event.content) for event in newest] == [
        ("ann", "posted", {"total": "85.79", "n": 4})
    ]


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'bob'",
        "event = 'dropped'",
        "subject = 'DOC-9'",
        "data = '{}'",
        "mac = '{mac}'".format(mac="f" * 64),
        "previous_mac = '{mac}'".format(mac="f" * 64),
    ],
)
@pytest.mark.parametrize("seq", [1, 3, EVENTS])
def test_a_change_anywhere_is_found_where_it_is(chain: str | Path, change: str, seq: int) -> None:
    verdict = tampered(chain, f"UPDATE audit SET {change} WHERE seq = {seq}")

    assert isinstance(verdict, Broken)
    assert verdict.seq == seq


def test_a_changed_instant_is_found(chain: str | Path) -> None:
    verdict = tampered(chain, "UPDATE audit SET at = '2020-01-01T00:00:00.000000+00:00' WHERE seq = 3")

    assert isinstance(verdict, Broken)
    assert verdict.seq == 3


def test_a_removed_event_is_found(chain: str | Path) -> None:
    assert tampered(chain, "DELETE FROM audit WHERE seq = 3") == Broken(3, "it is missing")


def test_a_removed_beginning_is_found(chain: str | Path) -> None:
    verdict = tampered(chain, "DELETE FROM audit WHERE seq = 1", "UPDATE audit SET seq = seq - 1")

    assert isinstance(verdict, Broken)


def test_exchanged_events_are_found(chain: str | Path) -> None:
    verdict = tampered(
        chain,
        "UPDATE audit SET seq = 99 WHERE seq = 2",
        "UPDATE audit SET seq = 2 WHERE seq = 3",
        "UPDATE audit SET seq = 3 WHERE seq = 99",
    )

    assert isinstance(verdict, Broken)
    assert verdict.seq == 2


def test_an_added_event_is_found_where_the_writer_has_not_the_key(chain: str | Path) -> None:
    def add_and_verify(conn: Connection) -> Verified | Broken:
        audit.append(conn, b"x" * 32, actor="mallory", event="posted", subject="DOC-9")
        return audit.verify(conn, KEY)

    verdict = in_transaction(chain, add_and_verify)

    assert isinstance(verdict, Broken)
    assert verdict.seq == EVENTS + 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'bob' WHERE seq = 3",
        "DELETE FROM audit WHERE seq = 5",
        "DELETE FROM audit",
    ],
)
def test_the_database_refuses_to_change_or_delete_an_event(chain: str | Path, statement: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"):
        in_transaction(chain, lambda conn: conn.execute(text(statement)).close())


def test_the_databases_other_ways_to_delete_are_refused_too(chain: str | Path) -> None:
    def other_way(conn: Connection) -> None:
        if dialect.is_postgresql(conn):
            conn.execute(text("TRUNCATE audit"))
        else:
            conn.execute(text("INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE seq = 3"))

    with pytest.raises(DBAPIError, match="append-only"):
        in_transaction(chain, other_way)


def test_an_event_whose_transaction_fails_leaves_no_gap(chain: str | Path) -> None:
    def fail(conn: Connection) -> None:
        audit.append(conn, KEY, actor="ann", event="posted", subject="DOC-9")
        raise ConnectionResetError

    async def story(store: Store) -> Verified | Broken:
        with pytest.raises(ConnectionResetError):
            await store.call(fail)
        await store.call(lambda conn: write(conn, 1))
        return await store.call(lambda conn: audit.verify(conn, KEY))

    verdict = in_store(chain, story)

    assert isinstance(verdict, Verified)
    assert verdict.head.seq == EVENTS + 1


def test_many_that_append_at_once_make_one_chain(where: str | Path) -> None:
    async def together(store: Store) -> Verified | Broken:
        await asyncio.gather(*(store.call(lambda conn: write(conn, 1)) for _ in range(30)))
        return await store.call(lambda conn: audit.verify(conn, KEY))

    verdict = in_store(where, together)

    assert isinstance(verdict, Verified)
    assert verdict.head.seq == 30


def test_a_long_chain_is_verified_page_by_page(where: str | Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "_PAGE", 2)
    in_transaction(where, write)

    assert isinstance(in_transaction(where, lambda conn: audit.verify(conn, KEY)), Verified)
    assert tampered(where, "UPDATE audit SET actor = 'bob' WHERE seq = 5") == Broken(
        5, "it was changed, or written with another key"
    )


# --- the head beside the database ---------------------------------------------------------------------------------------


def standing(where: str | Path, on_file: Head) -> Standing:
    return in_transaction(where, lambda conn: audit_head.compare(conn, on_file))


def test_the_head_file_comes_back(tmp_path: Path) -> None:
    path = tmp_path / audit_head.NAME

    audit_head.write(path, Head(3, "a" * 64))
    audit_head.write(path, Head(4, "b" * 64))

    assert audit_head.read(path) == Head(4, "b" * 64)
    assert [each.name for each in tmp_path.iterdir()] == [audit_head.NAME]


def test_commands_that_end_at_the_same_moment_do_not_spoil_each_others_head_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / audit_head.NAME
    replace = os.replace

    def another_ends_first(partial: str, target: Path) -> None:
        monkeypatch.setattr(os, "replace", replace)
        audit_head.write(path, Head(4, "b" * 64))
        replace(partial, target)

    monkeypatch.setattr(os, "replace", another_ends_first)
    audit_head.write(path, Head(3, "a" * 64))

    assert audit_head.read(path) == Head(3, "a" * 64)
    assert [each.name for each in tmp_path.iterdir()] == [audit_head.NAME]


def test_a_head_that_cannot_be_written_leaves_no_partial_file(tmp_path: Path) -> None:
    path = tmp_path / audit_head.NAME
    path.mkdir()

    with pytest.raises(OSError, match="directory"):
        audit_head.write(path, Head(3, "a" * 64))

    assert [each.name for each in tmp_path.iterdir()] == [audit_head.NAME]


def test_no_head_file_is_none(tmp_path: Path) -> None:
    assert audit_head.read(tmp_path / audit_head.NAME) is None


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"seq": "x", "mac": "y"}', b"\xff\xfe", b'{"seq": 1}', b"[" * 100_000, b"\0" * 3_000_000],
)
def test_an_unreadable_head_file_is_told_from_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / audit_head.NAME
    path.write_bytes(content)

    with pytest.raises(Inconsistent):
        audit_head.read(path)


def test_a_database_at_or_after_the_head_is_current(chain: str | Path) -> None:
    head = in_transaction(chain, audit.head)
    in_transaction(chain, lambda conn: write(conn, 1))

    assert standing(chain, head) is Standing.CURRENT
    assert standing(chain, Head(0, GENESIS)) is Standing.CURRENT


def test_a_database_restored_from_a_copy_is_older_than_the_head(chain: str | Path) -> None:
    later = Head(EVENTS + 2, "a" * 64)

    assert standing(chain, later) is Standing.OLDER


def test_a_restored_database_that_went_on_is_forked(chain: str | Path) -> None:
    assert standing(chain, Head(3, "a" * 64)) is Standing.FORKED
