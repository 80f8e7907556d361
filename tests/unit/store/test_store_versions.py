"""What a source changes in place: each version is kept once, in the source's order, and the record shows the newest."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from ml_connector.domain.errors import Inconsistent
from ml_connector.store import records, versions
from ml_connector.store.versions import Kept, Seen
from tests.support.clock import NOON
from tests.support.databases import in_transaction, sqlite_database


def seen(order: str, minute: int, content: str, state: str = "released") -> Seen:
    """``order`` as its source changed it at ``minute``."""
    kept = content.encode()
    return Seen(order, NOON + timedelta(minutes=minute), hashlib.sha256(kept).hexdigest(), 1, kept, state)


def contents(conn: Connection, order: str) -> list[str]:
    return [each.content.decode() for each in versions.of(conn, "amazon", "order", order)]


def shown(conn: Connection, order: str) -> tuple[str, str, datetime | None]:
    record, newest = records.get(conn, "amazon", "order", order), versions.newest(conn, "amazon", "order", order)
    assert record is not None and newest is not None
    return newest.content.decode(), record.state, record.changed_at


def test_every_version_is_kept_and_the_record_shows_the_newest(where: str | Path) -> None:
    def story(conn: Connection) -> None:
        first = versions.keep(conn, "amazon", "order", [seen("1", 0, "two", "pending"), seen("2", 0, "other")])
        second = versions.keep(conn, "amazon", "order", [seen("1", 5, "one")])

        assert (first, second) == (Kept(new=2), Kept(changed=1))
        assert contents(conn, "1") == ["two", "one"]
        assert shown(conn, "1") == ("one", "released", NOON + timedelta(minutes=5))
        assert contents(conn, "2") == ["other"]

    in_transaction(where, story)


def test_what_is_read_again_is_not_kept_again(where: str | Path) -> None:
    def story(conn: Connection) -> None:
        page = [seen("1", 0, "two"), seen("2", 0, "other")]
        versions.keep(conn, "amazon", "order", page)

        assert versions.keep(conn, "amazon", "order", page + page) == Kept(same=2)
        assert contents(conn, "1") == ["two"]

    in_transaction(where, story)


def test_a_version_that_is_seen_late_is_kept_in_its_place_and_is_not_the_newest(where: str | Path) -> None:
    def story(conn: Connection) -> None:
        versions.keep(conn, "amazon", "order", [seen("1", 5, "one")])
        late = versions.keep(conn, "amazon", "order", [seen("1", 0, "two", "pending")])

        assert late == Kept(same=1)
        assert contents(conn, "1") == ["two", "one"]
        assert shown(conn, "1") == ("one", "released", NOON + timedelta(minutes=5))

    in_transaction(where, story)


def test_two_versions_in_one_reading_are_both_kept(where: str | Path) -> None:
    def story(conn: Connection) -> None:
        assert versions.keep(conn, "amazon", "order", [seen("1", 0, "two"), seen("1", 5, "one")]) == Kept(new=1)
        assert contents(conn, "1") == ["two", "one"]
        assert shown(conn, "1")[0] == "one"

    in_transaction(where, story)


def test_other_content_of_the_same_instant_is_a_version_and_the_last_one_seen_is_shown(where: str | Path) -> None:
    def story(conn: Connection) -> None:
        for content in ("without tip", "with tip", "without tip"):
            versions.keep(conn, "amazon", "order", [seen("1", 0, content)])

        assert sorted(contents(conn, "1")) == ["with tip", "without tip"]
        assert shown(conn, "1")[0] == "without tip"

    in_transaction(where, story)


def test_connections_and_kinds_do_not_see_each_others_records(where: str | Path) -> None:
    def story(conn: Connection) -> None:
        for connection, kind in (("amazon", "order"), ("other", "order"), ("amazon", "listed")):
            assert versions.keep(conn, connection, kind, [seen("1", 0, "two")]) == Kept(new=1)
        assert contents(conn, "1") == ["two"]
        assert versions.newest(conn, "amazon", "order", "none") is None

    in_transaction(where, story)


def test_more_records_than_one_query_holds(where: str | Path) -> None:
    page = [seen(str(number), 0, f"order {number}") for number in range(1_200)]

    def story(conn: Connection) -> None:
        assert versions.keep(conn, "amazon", "order", page) == Kept(new=1_200)
        assert versions.keep(conn, "amazon", "order", page) == Kept(same=1_200)

    in_transaction(where, story)


def test_a_version_that_was_tampered_with_is_not_handed_out(tmp_path: Path) -> None:
    def story(conn: Connection) -> None:
        versions.keep(conn, "amazon", "order", [seen("1", 0, "two")])
        conn.execute(text("UPDATE record_versions SET content = x'28b52ffd'")).close()
        with pytest.raises(Inconsistent, match="damaged"):
            versions.of(conn, "amazon", "order", "1")

    in_transaction(sqlite_database(tmp_path), story)
