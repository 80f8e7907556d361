"""A settlement that comes a second time with other bytes (ACCOUNTING 7).

What was not begun is replaced. What is posted stays, and the difference becomes documents of its own. While anything of the
first file is on its way, the second waits.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

from ml_connector.accounting.restatement import Restatement, Verdict, restate
from ml_connector.accounting.settlement_journal import plan_settlement
from ml_connector.domain.documents import JournalEntry, State
from ml_connector.domain.errors import Inconsistent
from ml_connector.flows import basis as bases
from ml_connector.flows import translation
from ml_connector.flows.basis import Basis
from ml_connector.flows.books import Books
from ml_connector.flows.discovery import REPORT, TRANSLATED
from ml_connector.flows.states import READ, RESTATED, set_id_for, words
from ml_connector.flows.translation import Translated
from ml_connector.store import archive, documents, posting_sets, records, settlements
from ml_connector.store.documents import DocumentRow, NewDocument
from ml_connector.store.records import Record
from ml_connector.store.settlements import SettlementRow

_BEGUN: Final = frozenset({State.APPROVED, State.POSTING, State.ENTERED})


async def take(books: Books, record: Record, known: SettlementRow, translated: Translated) -> bool:
    """Deal with the second file. True when the settlement is to be planned from it, in place of the first."""
    rows = await books.store.call(lambda conn: documents.of_settlement(conn, books.link.name, known.settlement_id))
    if any(row.state in _BEGUN or (row.state is State.HELD and row.tried) for row in rows):
        return False  # the record stays archived: the next run asks again
    posted = [row for row in rows if row.state is State.POSTED]
    if not posted:
        await books.store.call(lambda conn: _replace(books, conn, record, known, translated))
        return True
    await _delta(books, record, known, translated, posted)
    return False


def _replace(books: Books, conn: Connection, record: Record, known: SettlementRow, translated: Translated) -> None:
    facts = translated.facts
    assert facts is not None  # noqa: S101 - an unreadable file never comes here
    records.set_state(conn, record.connection, REPORT, record.natural_id, TRANSLATED, facts.settlement_id)
    settlements.put(conn, known.account, known.link, translated.sha256, facts, state=READ)
    books.note(conn, "replaced", facts.settlement_id, {"before": known.sha256, "now": translated.sha256})


async def _delta(
    books: Books, record: Record, known: SettlementRow, translated: Translated, posted: list[DocumentRow]
) -> None:
    found = await books.store.call(
        lambda conn: posting_sets.basis(conn, set_id_for(known.account, known.settlement_id))
    )
    if found is None:
        raise Inconsistent(
            f"Settlement {known.settlement_id} is posted, and what it was planned from is not on record."
        )
    basis = bases.from_data(found)
    calendar = basis.calendar(books.mapping)
    old = await translation.as_planned(books, basis, calendar)
    new = await translation.as_planned(books, basis, calendar, translated.sha256)
    if old.groups is None or new.groups is None:
        raise Inconsistent(f"The archived files of settlement {known.settlement_id} cannot be read any more.")
    references = await books.target.references()
    original = await books.mapping_version(basis.mapping_version)
    plan = plan_settlement(
        new.groups,
        policy=basis.policy,
        mapping=original,
        references=bases.with_periods(references, basis.periods),
        prefix=books.link.prefix,
        main_store=basis.main_store,
        newer_mapping=books.mapping,
    )
    result = restate(
        old.groups,
        new.groups,
        posted=[row.document for row in posted],
        plan=plan,
        calendar=bases.today(references, basis.policy, books.mapping),
    )
    await _keep(books, record, known, translated, basis, result)


async def _keep(
    books: Books, record: Record, known: SettlementRow, translated: Translated, basis: Basis, result: Restatement
) -> None:
    packed = bases.pack_lineage(result.lineage or {})
    raw = await archive.write(books.store, bases.sha256_of_bytes(packed), [packed])
    set_id = f"{set_id_for(known.account, known.settlement_id)}/{translated.sha256[:8]}"
    reason = words(result.findings)

    def keep(conn: Connection) -> None:
        records.set_state(conn, record.connection, REPORT, record.natural_id, TRANSLATED, known.settlement_id)
        books.note(
            conn, "restated", known.settlement_id, {"sha256": translated.sha256, "verdict": result.verdict.value}
        )
        if result.verdict is Verdict.UNCHANGED:
            return
        settlements.set_state(conn, known.account, known.settlement_id, RESTATED, reason)
        if result.verdict is not Verdict.DELTA:
            return
        posting_sets.add(
            conn, set_id, link=books.link.name, connection=books.link.erp, settlement_id=known.settlement_id
        )
        posting_sets.set_basis(
            conn, set_id, bases.replaced(basis, sha256=translated.sha256, lineage=raw.sha256).to_data()
        )
        documents.add(conn, [_new(books, entry, set_id, at, result) for at, entry in enumerate(result.posting)])

    await books.store.call(keep)


def _new(books: Books, entry: JournalEntry, set_id: str, position: int, result: Restatement) -> NewDocument:
    lineage = result.lineage or {}
    ranges = [lineage[entry.key, n].ranges() for n in range(1, len(entry.lines) + 1) if (entry.key, n) in lineage]
    return NewDocument(
        document=entry,
        connection=books.link.erp,
        link=books.link.name,
        wire_key=books.target.wire_key(entry),
        set_id=set_id,
        position=position,
        ranges=ranges if len(ranges) == len(entry.lines) else (),
    )
