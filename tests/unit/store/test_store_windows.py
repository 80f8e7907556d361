"""Windows: what was begun is known after a crash, what is done is not begun again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection

from ml_connector.store import connections, windows
from tests.support.clock import NOON
from tests.support.databases import in_transaction

START, END = NOON - timedelta(days=2), NOON - timedelta(days=1)


def test_a_window_that_was_begun_is_found_again_and_begins_anew(where: str | Path) -> None:
    def story(conn: Connection) -> None:
        begun = windows.begin(conn, "amazon", "orders", "search", START, END)
        windows.page(conn, begun.id, 100)
        windows.ordered(conn, begun.id, "R1")

        found = windows.open_one(conn, "amazon", "orders")
        assert found is not None
        assert (found.starts_at, found.ends_at, found.pages, found.found, found.report_id) == (START, END, 1, 100, "R1")

        anew = windows.begin_again(conn, found)
        assert (anew.id, anew.pages, anew.found, anew.again, anew.report_id) == (begun.id, 0, 0, 1, "R1")
        assert windows.open_one(conn, "amazon", "orders back") is None
        assert windows.open_one(conn, "other", "orders") is None

    in_transaction(where, story)


def test_a_window_that_is_done_says_how_far_it_reached(where: str | Path) -> None:
    def story(conn: Connection) -> None:
        begun = windows.begin(conn, "amazon", "orders", "search", START, None)
        windows.page(conn, begun.id, 7)
        windows.finish(conn, begun, END)

        assert windows.open_one(conn, "amazon", "orders") is None
        (done,) = windows.newest(conn, "amazon", "orders")
        assert (done.state, done.reads_to, done.found) == ("done", END, 7)
        assert done.done_at is not None

    in_transaction(where, story)


def test_only_the_newest_hundred_are_remembered(where: str | Path) -> None:
    def story(conn: Connection) -> None:
        for hour in range(103):
            start = START + timedelta(hours=hour)
            windows.finish(conn, windows.begin(conn, "amazon", "orders", "search", start, None), start)
        kept = windows.newest(conn, "amazon", "orders", limit=1_000)

        assert len(kept) == 100
        assert kept[0].starts_at == START + timedelta(hours=102)

    in_transaction(where, story)


def test_a_window_that_asks_for_the_wrong_thing_is_forgotten(where: str | Path) -> None:
    def story(conn: Connection) -> None:
        windows.finish(conn, windows.begin(conn, "amazon", "orders", "search", START, None), END)
        windows.begin(conn, "amazon", "orders", "search", END, None)
        windows.give_up(conn, "amazon", "orders")

        assert windows.open_one(conn, "amazon", "orders") is None
        assert len(windows.newest(conn, "amazon", "orders")) == 1

    in_transaction(where, story)


def test_removing_a_connection_removes_its_windows(where: str | Path) -> None:
    def story(conn: Connection) -> None:
        connections.add(conn, "amazon", "amazon", {})
        windows.begin(conn, "amazon", "orders", "search", START, None)
        connections.remove(conn, "amazon")

        assert windows.open_one(conn, "amazon", "orders") is None

    in_transaction(where, story)
