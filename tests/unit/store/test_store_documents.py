"""Documents: kept once, frozen when something of them was sent, found when they are due."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Connection, text

from ml_connector.domain.documents import JournalEntry, State
from ml_connector.domain.errors import Inconsistent
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.settlements import RowRanges
from ml_connector.domain.target import Outcome
from ml_connector.store import attempts, documents, posting_sets
from ml_connector.store.documents import NewDocument
from tests.support.clock import NOON, FakeClock
from tests.support.databases import in_transaction, sqlite_database
from tests.support.entries import entry

T = TypeVar("T")
LATER = NOON + timedelta(hours=1)


def new(document: JournalEntry, set_id: str = "set-1", position: int = 0, state: State = State.APPROVED) -> NewDocument:
    return NewDocument(document, "sap", "us", document.key, set_id, position, state=state)


def other_content(document: JournalEntry) -> JournalEntry:
    return replace(document, memo=f"{document.memo}, again")


def given(where: str | Path, fn: Callable[[Connection], T]) -> T:
    return in_transaction(where, fn)


def test_a_document_comes_back_as_it_was_planned(where: str | Path) -> None:
    given(where, lambda conn: documents.add(conn, [new(entry())]))

    row = given(where, lambda conn: documents.get(conn, entry().key))

    assert row is not None
    assert row.document == entry()
    assert (row.state, row.goal, row.tried, row.ids) == (State.APPROVED, "posted", False, ())


def test_an_unknown_key_is_none(where: str | Path) -> None:
    assert given(where, lambda conn: documents.get(conn, DocumentKey("NOBODY"))) is None


def test_adding_the_same_document_again_changes_nothing(where: str | Path) -> None:
    def again(conn: Connection) -> documents.DocumentRow | None:
        documents.add(conn, [new(entry())])
        documents.set_state(conn, entry().key, State.HELD, reason_code="refused", reason="No such account.")
        documents.add(conn, [new(entry())])
        return documents.get(conn, entry().key)

    row = given(where, again)

    assert row is not None
    assert (row.state, row.reason) == (State.HELD, "No such account.")


def test_a_document_that_was_not_sent_takes_its_new_content_and_loses_its_approval(where: str | Path) -> None:
    def again(conn: Connection) -> documents.DocumentRow | None:
        documents.add(conn, [new(entry())])
        documents.add(conn, [new(other_content(entry()), state=State.PLANNED)])
        return documents.get(conn, entry().key)

    row = given(where, again)

    assert row is not None
    assert (row.document, row.state) == (other_content(entry()), State.PLANNED)


def test_a_frozen_document_never_takes_another_content(where: str | Path) -> None:
    def freeze_then_change(conn: Connection) -> None:
        documents.add(conn, [new(entry())])
        documents.set_state(conn, entry().key, State.POSTING, frozen_at=NOON)
        documents.add(conn, [new(entry())])
        documents.add(conn, [new(other_content(entry()))])

    with pytest.raises(Inconsistent, match="begun with another content"):
        given(where, freeze_then_change)


def test_a_document_found_in_the_target_never_takes_another_content(where: str | Path) -> None:
    def adopt_then_change(conn: Connection) -> None:
        documents.add(conn, [new(entry())])
        documents.set_state(conn, entry().key, State.POSTED, posted_at=NOON)
        documents.add(conn, [new(other_content(entry()))])

    with pytest.raises(Inconsistent):
        given(where, adopt_then_change)


def test_what_a_person_dropped_stays_dropped_whatever_is_planned(where: str | Path) -> None:
    def drop_then_plan(conn: Connection) -> documents.DocumentRow | None:
        documents.add(conn, [new(entry())])
        documents.set_state(conn, entry().key, State.DROPPED, reason_code="dropped", reason="Dropped by Ann.")
        documents.withdraw(conn, "set-1", keep=[])
        documents.add(conn, [new(other_content(entry()))])
        return documents.get(conn, entry().key)

    row = given(where, drop_then_plan)

    assert row is not None
    assert (row.state, row.reason) == (State.DROPPED, "Dropped by Ann.")


def test_an_entry_that_does_not_balance_is_never_kept(where: str | Path) -> None:
    first, second = entry().lines
    crooked = entry(lines=(replace(first, debit=first.debit + Decimal("0.01")), second))

    with pytest.raises(Inconsistent, match="does not balance"):
        given(where, lambda conn: documents.add(conn, [new(crooked)]))


def test_a_wire_key_is_used_once_on_a_connection(where: str | Path) -> None:
    def two(conn: Connection) -> None:
        first, second = new(entry()), new(entry(period="2026P11"))
        documents.add(conn, [first, replace(second, wire_key=first.wire_key)])

    with pytest.raises(Inconsistent, match="wire key"):
        given(where, two)


def test_the_same_wire_key_on_another_connection_is_another_document(where: str | Path) -> None:
    def two(conn: Connection) -> int:
        first, second = new(entry()), new(entry(period="2026P11"))
        documents.add(conn, [first, replace(second, wire_key=first.wire_key, connection="sage")])
        return len(documents.find(conn, link="us"))

    assert given(where, two) == 2


def test_a_kept_form_that_was_changed_on_disk_is_not_read(where: str | Path) -> None:
    given(where, lambda conn: documents.add(conn, [new(entry())]))
    given(
        where,
        lambda conn: conn.execute(text("UPDATE documents SET canonical = :bytes"), {"bytes": b'{"kind":"JE"}'}).close(),
    )

    row = given(where, lambda conn: documents.get(conn, entry().key))

    assert row is not None
    with pytest.raises(Inconsistent, match="damaged"):
        _ = row.document


def test_the_lineage_of_each_line_comes_back(where: str | Path) -> None:
    ranges = (RowRanges.of(()), RowRanges.of((2, 3, 4, 9)))
    given(where, lambda conn: documents.add(conn, [replace(new(entry()), ranges=ranges)]))

    lines = given(where, lambda conn: documents.lines(conn, entry().key))

    assert [(line.line, line.category, line.rows) for line in lines] == [(1, "payout", 0), (2, "product_sales", 4)]
    assert list(lines[1].row_ranges) == [(2, 4), (9, 9)]


def test_due_is_what_waits_now_with_its_whole_set_oldest_set_first(where: str | Path) -> None:
    october, november = entry("111", "2026P10"), entry("111", "2026P11")
    later, planned, posted, foreign = entry("222"), entry("333"), entry("444"), entry("555")

    def due(conn: Connection) -> list[list[str]]:
        documents.add(conn, [new(november, "a", 1), new(october, "a", 0), new(later, "b")])
        documents.add(conn, [new(planned, "c", state=State.PLANNED), new(posted, "d")])
        documents.add(conn, [replace(new(foreign, "e"), connection="sage")])
        documents.set_state(conn, later.key, State.POSTING, next_look_at=LATER)
        documents.set_state(conn, posted.key, State.POSTED)
        return [[row.key for row in documents.due(conn, "sap", at, limit)] for at, limit in ((NOON, 1), (LATER, 9))]

    now, in_an_hour = given(where, due)

    assert now == [october.key, november.key]
    assert in_an_hour == [october.key, november.key, later.key]


def test_a_set_is_never_cut_however_many_documents_it_has(where: str | Path) -> None:
    many = [entry("111", f"2026P{place:02d}") for place in range(1, 21)]

    def due(conn: Connection) -> list[str]:
        documents.add(conn, [new(each, "a", place) for place, each in enumerate(many)])
        documents.add(conn, [new(entry("222"), "b")])
        return [row.key for row in documents.due(conn, "sap", NOON, 1)]

    assert given(where, due) == [each.key for each in many]


def test_what_is_due_is_read_off_an_index_in_its_order(tmp_path: Path) -> None:
    def plan(conn: Connection) -> list[str]:
        query = documents._WAITING.params(of_connection="sap", of_state="posting", by=NOON, most=8)
        text_of_it = query.compile(conn, compile_kwargs={"literal_binds": True})
        return [row.detail for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {text_of_it}")]

    (step,) = given(sqlite_database(tmp_path), plan)

    assert "USING COVERING INDEX ix_documents_connection_state_created_at_set_id_next_look_at" in step


def test_the_next_look_is_the_earliest_that_is_planned_and_now_for_what_waits(where: str | Path) -> None:
    def look(conn: Connection) -> list[object]:
        out: list[object] = [documents.next_look_at(conn, "sap")]
        documents.add(conn, [new(entry("111"), "a"), new(entry("222"), "b")])
        documents.set_state(conn, entry("111").key, State.POSTING, next_look_at=LATER)
        documents.set_state(conn, entry("222").key, State.ENTERED, next_look_at=LATER + timedelta(days=1))
        out.append(documents.next_look_at(conn, "sap"))
        documents.set_state(conn, entry("222").key, State.POSTED)
        documents.set_state(conn, entry("111").key, State.HELD)
        return [*out, documents.next_look_at(conn, "sap")]

    assert in_transaction(where, look, FakeClock(NOON)) == [None, LATER, None]


def test_a_state_keeps_ids_and_posting_instant_and_replaces_reason_and_next_look(where: str | Path) -> None:
    ids = (("JdtNum", "4711"),)

    def states(conn: Connection) -> documents.DocumentRow | None:
        documents.add(conn, [new(entry())])
        documents.set_state(
            conn, entry().key, State.POSTING, reason="Waits.", ids=ids, next_look_at=LATER, posted_at=NOON
        )
        documents.set_state(conn, entry().key, State.POSTED)
        return documents.get(conn, entry().key)

    row = given(where, states)

    assert row is not None
    assert (row.ids, row.posted_at, row.reason, row.next_look_at) == (ids, NOON, "", None)


def test_a_state_of_an_unknown_document_is_an_error(where: str | Path) -> None:
    with pytest.raises(Inconsistent):
        given(where, lambda conn: documents.set_state(conn, DocumentKey("NOBODY"), State.POSTED))


def test_the_first_intent_stands(where: str | Path) -> None:
    def twice(conn: Connection) -> documents.DocumentRow | None:
        documents.add(conn, [new(entry())])
        documents.set_state(conn, entry().key, State.POSTING, frozen_at=NOON)
        documents.set_state(conn, entry().key, State.POSTING, frozen_at=LATER)
        return documents.get(conn, entry().key)

    row = given(where, twice)

    assert row is not None
    assert (row.first_intent_at, row.tried) == (NOON, True)


def test_withdrawing_takes_back_only_what_was_never_sent(where: str | Path) -> None:
    wanted, obsolete, sent, posted, marked = (entry("111", f"2026P{n:02}") for n in range(1, 6))

    def withdraw(conn: Connection) -> tuple[list[DocumentKey], list[DocumentKey]]:
        documents.add(conn, [new(each, position=n) for n, each in enumerate((wanted, obsolete, sent, posted, marked))])
        documents.set_state(conn, sent.key, State.POSTING, frozen_at=NOON)
        documents.set_state(conn, posted.key, State.POSTED)
        documents.set_state(conn, marked.key, State.HELD)
        attempts.mark(conn, marked.key, Outcome.REPLAYED, "asked by Ann", NOON)
        gone = documents.withdraw(conn, "set-1", keep=[wanted.key])
        return gone, [row.key for row in documents.of_set(conn, "set-1")]

    gone, left = given(where, withdraw)

    assert gone == [obsolete.key, marked.key]
    assert left == [wanted.key, sent.key, posted.key]


def test_the_documents_of_a_settlement_are_those_of_all_its_sets(where: str | Path) -> None:
    def of_settlement(conn: Connection) -> list[str]:
        posting_sets.add(conn, "a", link="us", connection="sap", settlement_id="111")
        posting_sets.add(conn, "a-delta", link="us", connection="sap", settlement_id="111")
        posting_sets.add(conn, "b", link="us", connection="sap", settlement_id="222")
        documents.add(conn, [new(entry("111"), "a"), new(entry("222"), "b")])
        documents.add(conn, [new(entry("111", "2026P11"), "a-delta")])
        return [row.set_id for row in documents.of_settlement(conn, "us", "111")]

    assert given(where, of_settlement) == ["a", "a-delta"]


def test_documents_are_found_and_counted_by_state(where: str | Path) -> None:
    def find(conn: Connection) -> tuple[list[str], list[str], dict[State, int]]:
        documents.add(conn, [new(entry(str(n)), str(n)) for n in range(4)])
        documents.set_state(conn, entry("1").key, State.POSTED, posted_at=NOON - timedelta(days=100))
        documents.set_state(conn, entry("2").key, State.POSTED, posted_at=NOON)
        recent = documents.find(conn, state=(State.POSTED, State.ENTERED), posted_since=NOON - timedelta(days=90))
        approved = documents.find(conn, link="us", state=State.APPROVED)
        return [row.key for row in recent], [row.key for row in approved], documents.count(conn, "us")

    recent, approved, counted = given(where, find)

    assert recent == [entry("2").key]
    assert approved == [entry("0").key, entry("3").key]
    assert counted == {State.APPROVED: 2, State.POSTED: 2}


def test_what_a_set_was_planned_from_is_kept_beside_it(where: str | Path) -> None:
    def basis(conn: Connection) -> tuple[object, object]:
        posting_sets.add(conn, "a", link="us", connection="sap", settlement_id="111")
        before = posting_sets.basis(conn, "a")
        posting_sets.set_basis(conn, "a", {"mapping": 3})
        posting_sets.add(conn, "a", link="us", connection="sap", settlement_id="111")
        return before, posting_sets.basis(conn, "a")

    assert given(where, basis) == (None, {"mapping": 3})
