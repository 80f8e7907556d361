"""Between plan and posting: claim the orders, then let the documents go (ACCOUNTING 1, "never the same sale twice").

A claim is written before the first document of its settlement may be sent; an order that somebody else has claimed in the
meantime stops its settlement here.
"""

from __future__ import annotations

from sqlalchemy import Connection

from ml_connector.domain.documents import State
from ml_connector.domain.errors import Finding
from ml_connector.flows import basis as bases
from ml_connector.flows import translation
from ml_connector.flows.books import Books
from ml_connector.flows.states import HELD, set_id_for, words
from ml_connector.store import documents, plans, posting_sets, settlements
from ml_connector.store.plans import PlanRow, PlanState


async def approve(books: Books, plan: PlanRow, by: str) -> int:
    """Approve every document of an unchanged, open plan; how many."""
    count = 0
    for settlement_id in plan.content["settlements"]:
        set_id = set_id_for(books.link.account, settlement_id)
        data = await books.store.call(lambda conn, set_id=set_id: posting_sets.basis(conn, set_id))  # type: ignore[misc]
        if data is None:
            continue
        findings = await translation.claim(books, bases.from_data(data).sha256, settlement_id)
        count += await books.store.call(
            lambda conn, s=settlement_id, f=findings: _release(books, conn, s, f, by)  # type: ignore[misc]
        )
    await books.store.call(lambda conn: plans.decide(conn, plan.id, PlanState.APPLIED, by))
    return count


async def approve_restatements(books: Books, by: str) -> int:
    """Deltas of restated settlements have no plan of their own: approve what is planned and needs no person."""
    return await books.store.call(lambda conn: _release_deltas(books, conn, by))


def _release(books: Books, conn: Connection, settlement_id: str, findings: tuple[Finding, ...], by: str) -> int:
    if findings:
        settlements.set_state(conn, books.link.account, settlement_id, HELD, words(findings))
        books.note(conn, "held", settlement_id, {"reason": words(findings)})
        return 0
    return _approve_planned(books, conn, set_id_for(books.link.account, settlement_id), by)


def _release_deltas(books: Books, conn: Connection, by: str) -> int:
    planned = documents.find(conn, link=books.link.name, state=State.PLANNED)
    sets = {row.set_id for row in planned if row.set_id.count("/") > set_id_for(books.link.account, "").count("/")}
    return sum(_approve_planned(books, conn, set_id, by) for set_id in sorted(sets))


def _approve_planned(books: Books, conn: Connection, set_id: str, by: str) -> int:
    count = 0
    for row in documents.of_set(conn, set_id):
        if row.state is State.PLANNED:
            documents.set_state(conn, row.key, State.APPROVED)
            books.note(conn, "approved", row.key, {"by": by, "sha256": row.sha256})
            count += 1
    return count
