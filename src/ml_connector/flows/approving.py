"""Between plan and posting: claim the orders, then let the documents go (ACCOUNTING 1, "never the same sale twice").

A claim is written before the first document of its settlement may be sent; an order that somebody else has claimed in the
meantime stops its settlement here. What is approved is exactly what the plan showed: by key and hash, in one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from ml_connector.domain.documents import State
from ml_connector.domain.errors import Finding, WrongUse
from ml_connector.domain.keys import DocumentKey
from ml_connector.flows import basis as bases
from ml_connector.flows import translation
from ml_connector.flows.books import Books
from ml_connector.flows.states import HELD, NEEDS_PERSON, set_id_for, words
from ml_connector.store import documents, plans, posting_sets, settlements
from ml_connector.store.documents import DocumentRow
from ml_connector.store.plans import PlanRow, PlanState

#: Who approves where the link lets a rule decide.
AUTOMATIC = "automatic"


async def approve(books: Books, plan: PlanRow, by: str) -> int:
    """Approve every document of an open plan; how many. Raises :class:`WrongUse` when one is not as the plan has it.

    ``by`` :data:`AUTOMATIC` leaves what needs a person, and the plan open for it.
    """
    stopped = await _claim(books, [DocumentKey(key) for key in plan.content["documents"]])
    return await books.store.call(lambda conn: _release(books, conn, plan, stopped, by))


async def approve_settlement(books: Books, settlement_id: str, by: str) -> int:
    """Approve what is planned of one settlement, whatever else the plan holds; how many documents."""
    set_id = set_id_for(books.link.account, settlement_id)
    rows = await books.store.call(lambda conn: documents.of_set(conn, set_id))
    stopped = await _claim(books, [row.key for row in rows if row.state is State.PLANNED])

    def release(conn: Connection) -> int:
        if _hold_stopped(books, conn, stopped):
            return 0
        return sum(_approve(books, conn, row, by) for row in documents.of_set(conn, set_id))

    return await books.store.call(release)


async def _claim(books: Books, keys: list[DocumentKey]) -> dict[str, tuple[Finding, ...]]:
    """Claim the orders behind these documents; findings by the settlement that cannot have all of its orders."""

    def files(conn: Connection) -> dict[tuple[str, str], None]:
        rows = [row for key in keys if (row := documents.get(conn, key)) is not None]
        sets = dict.fromkeys((row.set_id, row.document.reference) for row in rows)
        return dict.fromkeys(
            (settlement_id, bases.from_data(posting_sets.basis(conn, set_id)).sha256) for set_id, settlement_id in sets
        )

    stopped: dict[str, tuple[Finding, ...]] = {}
    for settlement_id, sha256 in await books.store.call(files):
        findings = await translation.claim(books, sha256, settlement_id)
        if findings:
            stopped[settlement_id] = findings
    return stopped


def _release(books: Books, conn: Connection, plan: PlanRow, stopped: Mapping[str, tuple[Finding, ...]], by: str) -> int:
    rows = []
    for key, sha256 in plan.content["documents"].items():
        row = documents.get(conn, DocumentKey(key))
        if row is None or row.sha256 != sha256:
            raise WrongUse(
                f"Plan {plan.id} no longer fits: {key} was planned anew. Make a new one with ml-connector plan {plan.link}."
            )
        rows.append(row)
    _hold_stopped(books, conn, stopped)
    going = [row for row in rows if row.document.reference not in stopped]
    left = [row for row in going if by == AUTOMATIC and row.reason_code == NEEDS_PERSON]
    if not left and not plans.decide(conn, plan.id, PlanState.APPLIED, by):
        raise WrongUse(f"Plan {plan.id} was decided meanwhile: make a new one with ml-connector plan {plan.link}.")
    return sum(_approve(books, conn, row, by) for row in going if row not in left)


def _hold_stopped(books: Books, conn: Connection, stopped: Mapping[str, tuple[Finding, ...]]) -> bool:
    """Hold the settlements whose orders belong to somebody else; True where there are any."""
    for settlement_id, findings in stopped.items():
        reason = words(findings)
        settlements.set_state(conn, books.link.account, settlement_id, HELD, reason)
        books.note(conn, "held", settlement_id, {"reason": reason})
    return bool(stopped)


def _approve(books: Books, conn: Connection, row: DocumentRow, by: str) -> int:
    """1 where the document was still planned. What a replay approved before its plan was applied stays as it is."""
    if row.state is not State.PLANNED:
        return 0
    documents.set_state(conn, row.key, State.APPROVED)
    books.note(conn, "approved", row.key, {"by": by, "sha256": row.sha256})
    return 1
