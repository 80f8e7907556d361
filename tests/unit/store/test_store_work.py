"""What is configured and what is to be done: installation, connections, links, schedules, slices, runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Connection

from ml_connector.domain.errors import WrongUse
from ml_connector.store import connections, installation, links, queue, runs
from ml_connector.store.door import Store
from ml_connector.store.links import OpeningSheet
from ml_connector.store.queue import Schedule
from tests.support.clock import NOON
from tests.support.databases import in_store, in_transaction

T = TypeVar("T")


def given(where: str | Path, fn: Callable[[Connection], T]) -> T:
    return in_transaction(where, fn)


def test_a_data_folder_that_was_copied_to_another_host_is_refused_until_it_is_moved(where: str | Path) -> None:
    def story(conn: Connection) -> str:
        installation.create(conn, "inst-1", "server-a")
        with pytest.raises(WrongUse, match="init --moved"):
            installation.require_host(conn, "server-b")
        installation.move(conn, "server-b")
        return installation.require_host(conn, "server-b").id

    assert given(where, story) == "inst-1"


def test_a_data_folder_is_initialised_once(where: str | Path) -> None:
    def twice(conn: Connection) -> None:
        with pytest.raises(WrongUse, match="run init first"):
            installation.require_host(conn, "server-a")
        installation.create(conn, "inst-1", "server-a")
        with pytest.raises(WrongUse, match="already"):
            installation.create(conn, "inst-2", "server-a")

    given(where, twice)


def test_a_connection_keeps_its_settings_and_its_name_is_taken_once(where: str | Path) -> None:
    def story(conn: Connection) -> list[tuple[str, object]]:
        connections.add(conn, "sap", "sap_business_one", {"company_db": "A"})
        connections.add(conn, "amazon", "amazon", {"region": "eu"})
        with pytest.raises(WrongUse, match="exists already"):
            connections.add(conn, "sap", "sap_business_one", {})
        connections.change(conn, "sap", {"company_db": "B"})
        with pytest.raises(WrongUse):
            connections.change(conn, "nobody", {})
        return [(each.name, each.settings) for each in connections.all_of(conn)]

    assert given(where, story) == [("amazon", {"region": "eu"}), ("sap", {"company_db": "B"})]
    assert [each.name for each in given(where, lambda conn: connections.all_of(conn, "amazon"))] == ["amazon"]


def test_a_connection_that_a_link_uses_is_not_removed(where: str | Path) -> None:
    def story(conn: Connection) -> connections.ConnectionRow | None:
        connections.add(conn, "sap", "sap_business_one", {})
        links.add(conn, "us", "amazon", "sap", {})
        with pytest.raises(WrongUse, match="used by the link 'us'"):
            connections.remove(conn, "sap")
        links.remove(conn, "us")
        connections.remove(conn, "sap")
        return connections.get(conn, "sap")

    assert given(where, story) is None


def test_a_mapping_gets_a_new_version_only_when_it_changed(where: str | Path) -> None:
    def story(conn: Connection) -> tuple[list[int], object]:
        links.add(conn, "us", "amazon", "sap", {"stores": ["Amazon.com"]})
        versions = [
            links.add_mapping(conn, "us", [{"account": account}], account).version for account in ("1", "1", "2", "1")
        ]
        second = links.mapping(conn, "us", 2)
        assert second is not None
        return versions, second.content

    assert given(where, story) == ([1, 1, 2, 3], [{"account": "2"}])


def test_an_opening_sheet_is_replaced_for_its_store_group(where: str | Path) -> None:
    def story(conn: Connection) -> list[OpeningSheet]:
        links.add(conn, "us", "amazon", "sap", {})
        links.put_opening_sheet(conn, OpeningSheet("us", "Amazon.com", {"reserve": "1.00"}, None))
        links.put_opening_sheet(conn, OpeningSheet("us", "Amazon.com", {"reserve": "2.00"}, NOON))
        return links.opening_sheets_of(conn, "us")

    assert given(where, story) == [OpeningSheet("us", "Amazon.com", {"reserve": "2.00"}, NOON)]


def test_a_removed_link_keeps_what_proofs_are_made_from(where: str | Path) -> None:
    def story(conn: Connection) -> None:
        links.add(conn, "us", "amazon", "sap", {"stores": ["US"]})
        links.add_mapping(conn, "us", [{"account": "1"}], "aa")
        links.put_opening_sheet(conn, OpeningSheet("us", "Amazon.com", {"reserve": "1.00"}, None))
        links.remove(conn, "us")

        assert (links.get(conn, "us"), links.all_of(conn)) == (None, [])
        past, kept = links.known(conn, "us"), links.mapping(conn, "us", 1)
        assert past is not None and kept is not None
        assert (past.settings, past.removed_at is None) == ({"stores": ["US"]}, False)
        assert kept.content == [{"account": "1"}]
        assert len(links.opening_sheets_of(conn, "us")) == 1

    given(where, story)


def test_a_link_that_comes_back_goes_on_with_its_mapping(where: str | Path) -> None:
    """Versions never start again: a proof asks for the one by which was posted."""

    def story(conn: Connection) -> None:
        links.add(conn, "us", "amazon", "sap", {"stores": ["US"]})
        links.add_mapping(conn, "us", [{"account": "1"}], "aa")
        links.remove(conn, "us")
        with pytest.raises(WrongUse, match="joined amazon and sap before it was removed"):
            links.add(conn, "us", "amazon", "another", {})
        links.add(conn, "us", "amazon", "sap", {"stores": ["CA"]})

        found = links.get(conn, "us")
        assert found is not None and found.settings == {"stores": ["CA"]}
        assert links.add_mapping(conn, "us", [{"account": "2"}], "bb").version == 2

    given(where, story)


# --- schedules and slices -----------------------------------------------------------------------------------------------


def ask(conn: Connection, link: str, slot: str, connection: str = "sap") -> queue.SliceRow:
    return queue.enqueue(conn, connection=connection, flow="settlements", link=link, slot=slot)


def test_the_same_slot_is_one_slice_however_often_it_is_asked_for(where: str | Path) -> None:
    def story(conn: Connection) -> tuple[bool, str]:
        first = ask(conn, "us", "06:00")
        taken = queue.take(conn)
        again = ask(conn, "us", "06:00")
        return taken is not None and first.id == taken.id == again.id, again.state

    assert given(where, story) == (True, queue.RUNNING)


def test_two_slices_of_one_connection_never_run_together(where: str | Path) -> None:
    def story(conn: Connection) -> list[str | None]:
        for link, connection in (("us", "sap"), ("ca", "sap"), ("de", "sage")):
            ask(conn, link, "06:00", connection)
        out: list[str | None] = []
        for _ in range(3):
            found = queue.take(conn)
            out.append(found.connection if found else None)
        queue.end(conn, queue.slice_id("us", "settlements", "06:00"), queue.DONE, {"counts": {"posted": 1}})
        queue.end(conn, queue.slice_id("ca", "settlements", "06:00"), queue.DONE, {})
        found = queue.take(conn)
        return [*out, found.connection if found else None]

    *first_three, fourth = given(where, story)

    assert sorted(str(each) for each in first_three) == ["None", "sage", "sap"]
    assert fourth == "sap"


def test_of_many_that_take_at_once_each_slice_goes_to_one(where: str | Path) -> None:
    async def race(store: Store) -> list[str]:
        for n in range(4):
            await store.call(lambda conn, n=n: ask(conn, f"link-{n}", "06:00", f"erp-{n}"))  # type: ignore[misc]
        taken = await asyncio.gather(*(store.call(queue.take) for _ in range(8)))
        return sorted(each.link for each in taken if each is not None)

    assert in_store(where, race) == [f"link-{n}" for n in range(4)]


def test_how_a_slice_ended_is_written_once(where: str | Path) -> None:
    def story(conn: Connection) -> tuple[list[bool], object]:
        wanted = ask(conn, "us", "06:00").id
        queue.take(conn)
        ends = [queue.end(conn, wanted, state, {"code": state}) for state in (queue.FAILED, queue.DONE)]
        row = queue.get(conn, wanted)
        assert row is not None
        return ends, row.result

    assert given(where, story) == ([True, False], {"code": "failed"})


def test_what_ran_when_the_process_died_is_queued_again(where: str | Path) -> None:
    def story(conn: Connection) -> tuple[int, bool]:
        ask(conn, "us", "06:00")
        queue.take(conn)
        return queue.requeue_running(conn), queue.take(conn) is not None

    assert given(where, story) == (1, True)


def test_cancelling_stops_what_is_queued_and_asks_what_runs(where: str | Path) -> None:
    def story(conn: Connection) -> list[tuple[str, bool]]:
        running = ask(conn, "us", "06:00").id
        queue.take(conn)
        queued = ask(conn, "us", "12:00").id
        for each in (running, queued):
            queue.cancel(conn, each)
        return [(row.state, row.cancel_requested) for row in (queue.get(conn, running), queue.get(conn, queued)) if row]

    assert given(where, story) == [(queue.RUNNING, True), (queue.CANCELLED, False)]


def test_a_schedule_is_due_until_it_is_moved_and_only_one_mover_wins(where: str | Path) -> None:
    soon = NOON + timedelta(hours=6)

    def story(conn: Connection) -> tuple[list[str], list[bool], list[str]]:
        queue.put_schedule(conn, Schedule("us", "settlements", 21600, NOON, enabled=True))
        queue.put_schedule(conn, Schedule("us", "reconcile", 86400, soon, enabled=True))
        queue.put_schedule(conn, Schedule("ca", "settlements", 21600, NOON, enabled=False))
        due = [each.flow for each in queue.due_schedules(conn, NOON)]
        moves = [queue.move_schedule(conn, "us", "settlements", NOON, soon) for _ in range(2)]
        return due, moves, [each.flow for each in queue.due_schedules(conn, NOON)]

    assert given(where, story) == (["settlements"], [True, False], [])


def test_a_run_shows_its_progress_and_its_end(where: str | Path) -> None:
    def story(conn: Connection) -> tuple[list[tuple[str, int, int | None]], bool]:
        first, second = runs.start(conn, "us", "settlements"), runs.start(conn, "us", "reconcile")
        runs.progress(conn, first, 3, 10)
        runs.end(conn, second, "failed", "unavailable", "SAP does not answer.")
        row = runs.get(conn, second)
        return [(each.state, each.done, each.total) for each in runs.newest(conn, "us")], row is not None and bool(
            row.ended_at
        )

    assert given(where, story) == ([("failed", 0, None), ("running", 3, 10)], True)
