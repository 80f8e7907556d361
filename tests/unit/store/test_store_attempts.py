"""The trail: what was about to be sent, and what became of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from ml_connector.domain.errors import Inconsistent
from ml_connector.domain.target import Attempt, Outcome, Trail
from ml_connector.store import attempts, documents
from ml_connector.store.documents import NewDocument
from tests.support.clock import NOON
from tests.support.databases import in_transaction
from tests.support.entries import entry

ONE, TWO = entry("111"), entry("222")
LATER = NOON + timedelta(minutes=1)


@pytest.fixture
def with_documents(where: str | Path) -> str | Path:
    new = [NewDocument(each, "sap", "us", each.key, each.reference) for each in (ONE, TWO)]
    in_transaction(where, lambda conn: documents.add(conn, new))
    return where


def test_an_intent_is_on_record_before_anybody_knows_how_it_ended(with_documents: str | Path) -> None:
    in_transaction(
        with_documents,
        lambda conn: attempts.open_intents(conn, [(ONE.key, "add", ()), (TWO.key, "add", ())], "worker-1", 7, NOON),
    )

    trails = in_transaction(with_documents, lambda conn: attempts.trails(conn, [ONE.key, TWO.key]))

    assert trails == {each.key: (Attempt("add", NOON, Outcome.INTENT),) for each in (ONE, TWO)}


def test_a_trail_is_in_the_order_in_which_things_happened(with_documents: str | Path) -> None:
    def story(conn: Connection) -> Trail:
        first, second = attempts.open_intents(conn, [(ONE.key, "add", ()), (TWO.key, "add", ())], "w", 1, NOON)
        attempts.close(conn, second, Outcome.ACCEPTED, (("JdtNum", "12"),), "", LATER)
        attempts.close(conn, first, Outcome.UNKNOWN, (), "no answer", LATER)
        attempts.mark(conn, ONE.key, Outcome.REPLAYED, "asked by Ann", LATER)
        (third,) = attempts.open_intents(conn, [(ONE.key, "add", ())], "w", 2, LATER)
        attempts.close(conn, third, Outcome.ACCEPTED, (("JdtNum", "13"),), "", LATER)
        return attempts.trails(conn, [ONE.key])[ONE.key]

    assert in_transaction(with_documents, story) == (
        Attempt("add", NOON, Outcome.UNKNOWN, (), "no answer"),
        Attempt("", LATER, Outcome.REPLAYED, (), "asked by Ann"),
        Attempt("add", LATER, Outcome.ACCEPTED, (("JdtNum", "13"),)),
    )


def test_an_attempt_is_closed_once(with_documents: str | Path) -> None:
    def close_twice(conn: Connection) -> None:
        (attempt,) = attempts.open_intents(conn, [(ONE.key, "add", ())], "w", 1, NOON)
        attempts.close(conn, attempt, Outcome.UNKNOWN, (), "no answer", LATER)
        attempts.close(conn, attempt, Outcome.NOT_SENT, (), "", LATER)

    with pytest.raises(Inconsistent, match="closed already"):
        in_transaction(with_documents, close_twice)


def test_a_document_that_was_never_tried_has_an_empty_trail(with_documents: str | Path) -> None:
    assert in_transaction(with_documents, lambda conn: attempts.trails(conn, [ONE.key])) == {ONE.key: ()}
