"""Last step of the settlements flow: the certificate, from the archived bytes to what the ERP holds now (ACCOUNTING 8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from ml_connector.accounting.lineage import Lineage, LineageOf
from ml_connector.accounting.proof import Evidence, Proof, prove
from ml_connector.accounting.settlement_journal import plan_settlement
from ml_connector.domain.catalog import References
from ml_connector.domain.documents import State
from ml_connector.domain.errors import Inconsistent, WrongUse
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.settlements import SettlementGroups
from ml_connector.domain.target import Case, Present, Seen
from ml_connector.flows import basis as bases
from ml_connector.flows import translation
from ml_connector.flows.basis import Basis
from ml_connector.flows.books import Books
from ml_connector.flows.planning import context_findings, facts_of_account
from ml_connector.flows.states import set_id_for
from ml_connector.store import archive, attempts, audit, documents, posting_sets, proofs, settlements
from ml_connector.store.documents import DocumentRow
from ml_connector.store.settlements import SettlementRow


@dataclass(frozen=True, slots=True)
class Certificate:
    """A proof as it is kept, with the head of the audit chain at that moment."""

    proof: Proof
    audit_head: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class _Source:
    """One file of a settlement: its own, or that of a restatement."""

    basis: Basis
    groups: SettlementGroups
    lineage: LineageOf


async def certify(books: Books, settlement_id: str) -> Certificate:
    """Recompute and keep the certificate of a settlement that was planned. Raises :class:`WrongUse` for any other."""
    row = await books.store.call(lambda conn: settlements.get(conn, books.link.account, settlement_id))
    if row is None:
        raise WrongUse(f"Settlement {settlement_id} is not known here.")
    own = await _source(books, set_id_for(row.account, settlement_id))
    if own is None:
        raise WrongUse(
            f"Settlement {settlement_id} is {row.state}, there is nothing to prove yet. {row.reason}".strip()
        )
    rows = await books.store.call(lambda conn: documents.of_settlement(conn, books.link.name, settlement_id))
    seen = await _look(books, rows)
    evidence = await _evidence(books, row, own, rows, seen)
    facts = await facts_of_account(books)
    proof = prove(
        own.groups,
        recorded_sha256=own.basis.sha256,
        evidence=evidence,
        chain_findings=context_findings(books, settlement_id, facts),
    )
    return await books.store.call(lambda conn: _keep(books, conn, row, proof))


async def unproved(books: Books) -> list[str]:
    """Settlements whose documents are all posted, and that have no certificate that says so."""

    def find(conn: Connection) -> list[str]:
        out = []
        for row in settlements.find(conn, link=books.link.name):
            if posting_sets.basis(conn, set_id_for(row.account, row.settlement_id)) is None:
                continue
            rows = documents.of_settlement(conn, books.link.name, row.settlement_id)
            newest = proofs.latest(conn, row.account, row.settlement_id)
            done = all(each.state is State.POSTED for each in rows)
            fresh = (
                newest is not None
                and newest.proved
                and all(each.posted_at is not None and each.posted_at <= newest.made_at for each in rows)
            )
            if done and not fresh:
                out.append(row.settlement_id)
        return out

    return await books.store.call(find)


async def _source(books: Books, set_id: str) -> _Source | None:
    data = await books.store.call(lambda conn: posting_sets.basis(conn, set_id))
    if data is None:
        return None
    basis = bases.from_data(data)
    mapping = await books.mapping_version(basis.mapping_version)
    translated = await translation.as_planned(books, basis, basis.calendar(mapping))
    if translated.groups is None:
        raise Inconsistent(f"The archived file {basis.sha256} cannot be read any more.")
    packed = b"".join([piece async for piece in archive.stream(books.store, basis.lineage)])
    return _Source(basis, translated.groups, bases.unpack_lineage(packed))


async def _look(books: Books, rows: Sequence[DocumentRow]) -> Mapping[DocumentKey, Seen]:
    """What the ERP shows now. A document that was never sent is not looked for: there is nothing to find."""
    tried = [row for row in rows if row.state is State.POSTED or row.tried]
    if not tried:
        return {}
    trails = await books.store.call(lambda conn: attempts.trails(conn, [row.key for row in tried]))
    ids = {row.key: row.ids for row in rows}
    cases = [
        Case(
            row.document,
            row.wire_key,
            trails.get(row.key, ()),
            row.ids,
            linked={key: ids.get(key, ()) for key in row.document.depends_on},
        )
        for row in tried
    ]
    return await books.target.observe(cases)


async def _evidence(
    books: Books,
    row: SettlementRow,
    own: _Source,
    rows: Sequence[DocumentRow],
    seen: Mapping[DocumentKey, Seen],
) -> list[Evidence]:
    sources = {set_id_for(row.account, row.settlement_id): own}
    out = []
    for each in rows:
        if each.state is State.DROPPED:
            continue
        if each.set_id not in sources:
            found = await _source(books, each.set_id)
            if found is None:
                raise Inconsistent(f"What {each.key} was planned from is not on record.")
            sources[each.set_id] = found
        source = sources[each.set_id]
        sight = seen.get(each.key)
        out.append(
            Evidence(
                each.document,
                source.basis.sha256,
                _of(source.lineage, each.key),
                sight,
                adopted=isinstance(sight, Present) and not sight.ours,
            )
        )
    return [*await _unposted(books, own, {each.key for each in rows}), *out]


async def _unposted(books: Books, own: _Source, posted: set[DocumentKey]) -> list[Evidence]:
    """Entries of zero lines only: planned, proved, never sent. They are made again rather than kept."""
    mapping = await books.mapping_version(own.basis.mapping_version)
    plan = plan_settlement(
        own.groups,
        policy=own.basis.policy,
        mapping=mapping,
        references=References("", "", (), own.basis.periods, ()),
        prefix=books.link.prefix,
        main_store=own.basis.main_store or None,
    )
    return [
        Evidence(entry, own.basis.sha256, _of(plan.lineage, entry.key))
        for entry in plan.entries
        if entry not in plan.posting and entry.key not in posted
    ]


def _of(lineage: LineageOf, key: DocumentKey) -> dict[int, Lineage]:
    return {line: each for (document, line), each in lineage.items() if document == key}


def _keep(books: Books, conn: Connection, row: SettlementRow, proof: Proof) -> Certificate:
    data: dict[str, Any] = proof.to_data()
    failed = [check.number for check in proof.checks if check.ok is False]
    books.note(conn, "proved" if proof.proved else "not_proved", row.settlement_id, {"failed": failed})
    head = str(audit.head(conn))
    now = books.store.now(conn)
    proofs.add(conn, row.account, row.settlement_id, proved=proof.proved, content=data, audit_head=head)
    return Certificate(proof, head, now)
