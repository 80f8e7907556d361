"""Last step of the settlements flow: the certificate, from the archived bytes to what the ERP holds now (ACCOUNTING 8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from ml_connector.accounting.lineage import Lineage, LineageOf
from ml_connector.accounting.proof import Evidence, Proof, prove
from ml_connector.domain.documents import State
from ml_connector.domain.errors import Inconsistent, MlConnectorError, WrongUse
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.money import ZERO
from ml_connector.domain.settlements import SettlementGroups
from ml_connector.domain.target import Case, Present, Seen
from ml_connector.flows import basis as bases
from ml_connector.flows import translation
from ml_connector.flows.basis import Basis
from ml_connector.flows.books import Books
from ml_connector.flows.planning import context_findings, facts_of_account
from ml_connector.flows.states import HELD, set_id_for
from ml_connector.store import archive, attempts, audit, documents, posting_sets, proofs, settlements
from ml_connector.store.documents import DocumentRow
from ml_connector.store.settlements import SettlementRow


class NotProved(MlConnectorError):
    """There is no certificate, because there is nothing yet that one could be about."""

    code = "not_proved"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A proof as it is kept, with the head of the audit chain at that moment."""

    proof: Proof
    audit_head: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class _Source:
    """A file that the books of a settlement follow: its own, or that of a restatement."""

    basis: Basis
    groups: SettlementGroups
    lineage: LineageOf


async def certify(books: Books, settlement_id: str) -> Certificate:
    """Recompute and keep the certificate of a settlement that was planned.

    It is about the newest file: of a restated settlement, about what was posted first and the difference together.
    Raises :class:`WrongUse` for an unknown settlement, :class:`NotProved` for one of which there is nothing to prove yet.
    """
    row = await books.store.call(lambda conn: settlements.get(conn, books.link.account, settlement_id))
    if row is None:
        raise WrongUse(f"Settlement {settlement_id} is not known here: see ml-connector record list.")
    rows = await books.store.call(lambda conn: documents.of_settlement(conn, books.link.name, settlement_id))
    rows = [each for each in rows if each.state is not State.DROPPED]
    sources = await _sources(books, row)
    if not sources or (row.state == HELD and not any(each.tried or each.state is State.POSTED for each in rows)):
        raise NotProved(
            f"Settlement {settlement_id} is {row.state}, there is nothing to prove yet. {row.reason}".strip()
        )
    newest = list(sources.values())[-1]
    seen = await _look(books, rows)
    facts = await facts_of_account(books)
    proof = prove(
        newest.groups,
        recorded_sha256=newest.basis.sha256,
        evidence=_evidence(sources, rows, seen),
        chain_findings=context_findings(books, settlement_id, facts),
        amazon_total=await _amazon_total(books, row),
    )
    return await books.store.call(lambda conn: _keep(books, conn, row, proof))


async def _amazon_total(books: Books, row: SettlementRow) -> Decimal | None:
    """What Amazon's summaries of the settlement come to; None where it has none, is not to be reached, or may not be asked: a
    second opinion is not worth the proof."""
    try:
        summaries = await books.summaries(row.settlement_id)
    except MlConnectorError as error:
        code = error.code
        await books.store.call(lambda conn: books.note(conn, "no_second_opinion", row.settlement_id, {"code": code}))
        return None
    proceeds = [each.proceeds for each in summaries]
    if not proceeds or any(money.currency != row.currency for money in proceeds):
        return None
    return sum((money.amount for money in proceeds), ZERO)


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
                and row.updated_at <= newest.made_at
                and all(each.posted_at is not None and each.posted_at <= newest.made_at for each in rows)
            )
            if done and not fresh:
                out.append(row.settlement_id)
        return out

    return await books.store.call(find)


async def _sources(books: Books, row: SettlementRow) -> dict[str, _Source]:
    """Every file that entries of the settlement were planned from, by posting set, the newest last."""
    sets = await books.store.call(lambda conn: posting_sets.of_settlement(conn, books.link.name, row.settlement_id))
    return {each.id: await _source(books, bases.from_data(each.basis)) for each in sets if each.basis is not None}


async def _source(books: Books, basis: Basis) -> _Source:
    mappings = [await books.mapping_version(basis.mapping_version)]
    if basis.newer_mapping_version is not None:
        mappings.append(await books.mapping_version(basis.newer_mapping_version))
    translated = await translation.as_planned(books, basis, basis.calendar(*mappings))
    if translated.groups is None:
        raise Inconsistent(f"The archived file {basis.sha256} cannot be read any more.")
    packed = b"".join([piece async for piece in archive.stream(books.store, basis.lineage)])
    return _Source(basis, translated.groups, bases.unpack_lineage(packed))


async def _look(books: Books, rows: Sequence[DocumentRow]) -> Mapping[DocumentKey, Seen]:
    """What the ERP shows now, also of what was never sent: a person may have entered it."""
    if not rows:
        return {}
    trails = await books.store.call(lambda conn: attempts.trails(conn, [row.key for row in rows]))
    ids = {row.key: row.ids for row in rows}
    cases = [
        Case(
            row.document,
            row.wire_key,
            trails.get(row.key, ()),
            row.ids,
            linked={key: ids.get(key, ()) for key in row.document.depends_on},
        )
        for row in rows
    ]
    return await books.target.observe(cases)


def _evidence(
    sources: Mapping[str, _Source], rows: Sequence[DocumentRow], seen: Mapping[DocumentKey, Seen]
) -> list[Evidence]:
    """Every planned entry of the settlement, those of zero lines only included."""
    out = []
    for set_id, source in sources.items():
        sha256, lineage = source.basis.sha256, source.lineage
        out += [Evidence(entry, sha256, _of(lineage, entry.key)) for entry in source.basis.entries_unposted()]
        for row in rows:
            if row.set_id == set_id:
                sight = seen.get(row.key)
                out.append(Evidence(row.entry, sha256, _of(lineage, row.key), sight, adopted=_adopted(row, sight)))
    return out


def _adopted(row: DocumentRow, sight: Seen | None) -> bool:
    """Whether somebody else's document was taken for this one. What we sent ourselves carries our key and labels."""
    return row.state is State.POSTED and not row.tried and isinstance(sight, Present)


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
