"""What people are told, made from what is on record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from ml_connector.app.house import House
from ml_connector.app.links import Links
from ml_connector.app.reports import (
    CheckShown,
    DocumentShown,
    HeldShown,
    LineShown,
    NoteShown,
    PlanShown,
    ProofShown,
    RunReport,
    WaitingShown,
)
from ml_connector.domain import money
from ml_connector.domain.documents import Document, InventoryIssue, JournalEntry, Payment, SalesDocument, State
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import Absent, Case, Present, Seen, Unsupported, reliability_class
from ml_connector.engine.interface import SliceEnd
from ml_connector.flows import discovery, states
from ml_connector.flows.books import Books
from ml_connector.flows.proving import Certificate
from ml_connector.posting import equality
from ml_connector.store import documents, plans, proofs, queue, records, settlements
from ml_connector.store.documents import DocumentRow
from ml_connector.store.plans import PlanRow, PlanState
from ml_connector.store.proofs import ProofRow
from ml_connector.store.settlements import SettlementRow


async def plan_shown(house: House, books: Books) -> PlanShown:
    """The link's open plan with every document and what the ERP shows for each now; an empty one where nothing is to be
    decided. And everything that is held."""

    def read(conn: Connection) -> tuple[PlanRow | None, list[DocumentRow], list[HeldShown], list[NoteShown]]:
        found = plans.find(conn, link=books.link.name, state=PlanState.OPEN)
        keys = found[0].content["documents"] if found else ()
        rows = [row for key in keys if (row := documents.get(conn, DocumentKey(key))) and row.state is State.PLANNED]
        planned = {row.document.reference for row in rows}
        notes = [note for note in _notes(conn, books.link.name) if note.settlement_id in planned]
        notes += _not_covered(conn, books.link.account)
        return (found[0] if found else None), rows, _held(conn, books.link.name, books.link.amazon), notes

    plan, rows, held, notes = await house.store.call(read)
    seen = await books.target.observe([Case(row.document, row.wire_key) for row in rows]) if rows else {}
    return PlanShown(
        id=plan.id if plan else "",
        link=books.link.name,
        flow=discovery.FLOW,
        state=plan.state.value if plan else "",
        hash=plan.sha256 if plan else "",
        inputs=plan.inputs if plan else {},
        documents=tuple(_document(books, row, seen.get(row.key)) for row in rows),
        held=tuple(held),
        notes=tuple(notes),
    )


def lines_shown(document: Document) -> tuple[LineShown, ...]:
    """The lines of a document of any kind: ``account`` is an item, or the document paid, where the kind has those."""
    match document:
        case JournalEntry():
            return tuple(
                LineShown(
                    line.account,
                    line.category,
                    line.store,
                    line.text,
                    line.debit,
                    line.credit,
                    line.rows,
                    posts=line.posts,
                )
                for line in document.lines
            )
        case SalesDocument():
            return tuple(
                LineShown(line.item, "", "", line.text, money.ZERO, line.amount + line.tax, 0, posts=True)
                for line in document.lines
            )
        case Payment():
            return tuple(
                LineShown(each.document, "", "", "", money.ZERO, each.amount, 0, posts=True)
                for each in document.applications
            )
        case InventoryIssue():
            return tuple(
                LineShown(line.item, "", "", line.text, money.ZERO, money.ZERO, 0, posts=True)
                for line in document.lines
            )


def proof_shown(certificate: Certificate) -> ProofShown:
    data = certificate.proof.to_data()
    return _proof(data, certificate.audit_head, certificate.made_at)


async def run_report(
    house: House, links: Links, link: str, flow: str, ends: Sequence[SliceEnd], started: datetime
) -> RunReport:
    """What a run did, from the ends of its slices and from what is on record now. What earlier runs had only asked for comes
    to its end with it, and counts with it."""
    row = await links.row(link)
    ready = await links.link(link)
    failed = next((end for end in ends if end.words), None)

    def read(
        conn: Connection,
    ) -> tuple[dict[str, int], list[HeldShown], list[NoteShown], list[WaitingShown], list[ProofShown], str | None]:
        return (
            counted(each.result.get("counts", {}) for each in queue.ended(conn, link, started)),
            _held(conn, link, row.amazon),
            _notes(conn, link, started) + _not_covered(conn, ready.account),
            _waiting(conn, link),
            _proofs_since(conn, link, ready.account, started),
            _awaiting(conn, link),
        )

    counts, held, notes, waiting, made, awaiting = await house.store.call(read)
    unproved = counts.get("unproved", 0)
    exit_code = failed.exit_code if failed is not None else int(bool(held or unproved or waiting))
    return RunReport(
        link=link,
        flow=flow,
        discovered=counts.get("discovered", 0),
        posted=counts.get("posted", 0),
        adopted=counts.get("adopted", 0),
        proved=counts.get("proved", 0),
        held=tuple(held),
        notes=tuple(notes),
        waiting=tuple(waiting),
        proofs=tuple(made),
        awaiting_approval=awaiting,
        trouble=failed.words if failed is not None else "",
        exit_code=exit_code,
    )


def counted(some: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """What several slices counted, together."""
    counts: dict[str, int] = {}
    for each in some:
        for name, value in each.items():
            counts[name] = counts.get(name, 0) + value
    return counts


def _document(books: Books, row: DocumentRow, seen: Seen | None) -> DocumentShown:
    document = row.document
    steps = books.target.steps(document)
    class_ = steps.why if isinstance(steps, Unsupported) else reliability_class(steps, State(row.goal)).value
    return DocumentShown(
        key=row.key,
        kind=row.kind,
        settlement_id=document.reference,
        posting_date=document.posting_date,
        currency=document.currency,
        total=document.total,
        class_=class_,
        references=dict(books.target.references_of(document)),
        lines=lines_shown(document),
        hash=row.sha256,
        target=_difference(books, document, seen),
    )


def _difference(books: Books, document: Document, seen: Seen | None) -> str:
    """What the ERP shows for a planned document, in words."""
    match seen:
        case Absent():
            return "absent"
        case Present(_, shown, ours):
            different = equality.differences(books.target.project(document, {}), shown)
            whose = "" if ours else "without our key, "
            return f"{whose}different: {'; '.join(different)}" if different else f"{whose}equal"
        case None:
            return "unclear"
        case _:
            return type(seen).__name__.lower()


def _held(conn: Connection, link: str, amazon: str) -> list[HeldShown]:
    out = [
        HeldShown(row.settlement_id, row.settlement_id, row.reason.partition(":")[0], row.reason)
        for row in settlements.find(conn, link=link, state=states.HELD)
    ]
    out += [
        HeldShown(row.natural_id, "", row.reason.partition(":")[0], row.reason)
        for row in records.find(conn, connection=amazon, kind=discovery.REPORT, state=discovery.REFUSED)
    ]
    out += [
        HeldShown(row.key, row.document.reference, row.reason_code, row.reason)
        for row in documents.find(conn, link=link, state=State.HELD)
    ]
    return out


def _notes(conn: Connection, link: str, since: datetime | None = None) -> list[NoteShown]:
    """What is to be known of planned settlements: of all, or of those that were planned ``since``."""
    return [
        NoteShown(row.settlement_id, row.reason)
        for row in settlements.find(conn, link=link)
        if row.state in {states.PLANNED, states.NOTHING} and row.reason and (since is None or row.updated_at >= since)
    ]


def _not_covered(conn: Connection, account: str) -> list[NoteShown]:
    """The stores of the selling account that no link covers, though they are settled."""
    by_store: dict[tuple[str, str], list[SettlementRow]] = {}
    for row in settlements.find(conn, account=account, state=states.ELSEWHERE):
        by_store.setdefault((row.main_store or "an unknown store", row.currency), []).append(row)
    out = []
    for (store, currency), rows in sorted(by_store.items()):
        last = rows[-1]
        many = f"{len(rows)} settlement{'' if len(rows) == 1 else 's'}"
        total = f"{money.text(last.total, currency)} {currency}"
        reason = (
            f"not_covered: {many} of {store} in {currency}, the last one of {total}, "
            f"{'is' if len(rows) == 1 else 'are'} in no link: nobody books it. Add the store to a link."
        )
        out.append(NoteShown(last.settlement_id, reason))
    return out


def _waiting(conn: Connection, link: str) -> list[WaitingShown]:
    on_its_way = (State.APPROVED, State.POSTING, State.ENTERED)
    return [
        WaitingShown(row.key, row.next_look_at, row.reason or "It is posted by the next run.")
        for row in documents.find(conn, link=link, state=on_its_way)
    ]


def _proofs_since(conn: Connection, link: str, account: str, since: datetime) -> list[ProofShown]:
    """The certificates that this run made."""
    newest = (proofs.latest(conn, account, row.settlement_id) for row in settlements.find(conn, link=link))
    return [_kept(row) for row in newest if row is not None and row.made_at >= since]


def _awaiting(conn: Connection, link: str) -> str | None:
    """The open plan, while something in it waits for a person."""
    found = plans.find(conn, link=link, state=PlanState.OPEN)
    rows = (documents.get(conn, DocumentKey(key)) for plan in found[:1] for key in plan.content["documents"])
    return found[0].id if any(row is not None and row.state is State.PLANNED for row in rows) else None


def _kept(row: ProofRow) -> ProofShown:
    return _proof(row.content, row.audit_head, row.made_at)


def _proof(data: object, audit_head: str, made_at: datetime) -> ProofShown:
    assert isinstance(data, dict)  # noqa: S101 - written by Proof.to_data
    return ProofShown(
        settlement_id=data["settlement_id"],
        currency=data["currency"],
        total=data["total"],
        sha256=data["sha256"],
        proved=data["proved"],
        entered=data["entered"],
        checks=tuple(CheckShown(**check) for check in data["checks"]),
        documents=tuple(data["documents"]),
        audit_head=audit_head,
        made_at=made_at,
    )
