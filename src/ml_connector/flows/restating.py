"""A settlement that comes a second time with other bytes (ACCOUNTING 7).

What was not begun is replaced. What is posted stays, and the difference becomes documents of its own: planned, shown and
approved like any other. While anything of the first file is on its way, the second waits: its record stays as it arrived,
and the next run asks again. So it does where the difference cannot be posted; then the settlement is held and says why.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from ml_connector.accounting.mapping_check import preflight
from ml_connector.accounting.period_split import calendar_of
from ml_connector.accounting.restatement import Restatement, Verdict, restate
from ml_connector.accounting.settlement_journal import plan_settlement
from ml_connector.domain.catalog import References
from ml_connector.domain.documents import JournalEntry, State
from ml_connector.domain.errors import Finding, Inconsistent
from ml_connector.flows import basis as bases
from ml_connector.flows import translation
from ml_connector.flows.basis import Basis
from ml_connector.flows.books import Books
from ml_connector.flows.discovery import ARCHIVED, DROPPED, REPORT, TRANSLATED
from ml_connector.flows.states import HELD, NEEDS_PERSON, READ, RESTATED, decided, set_id_for, words
from ml_connector.flows.translation import Translated
from ml_connector.store import archive, documents, links, posting_sets, records, settlements
from ml_connector.store.documents import DocumentRow, NewDocument
from ml_connector.store.records import Record
from ml_connector.store.settlements import SettlementRow


@dataclass(frozen=True, slots=True)
class _Second:
    """The second file: its record, what is known of the settlement, and what was read. ``basis`` is the first plan's,
    ``before`` the newest file that the books follow."""

    record: Record
    known: SettlementRow
    translated: Translated

    @property
    def set_id(self) -> str:
        return f"{set_id_for(self.known.account, self.known.settlement_id)}/{self.translated.sha256[:8]}"


async def take(
    books: Books, record: Record, known: SettlementRow, translated: Translated, references: References
) -> bool:
    """Deal with the second file. True when the settlement is to be planned from it, in place of the first."""
    second = _Second(record, known, translated)
    if await books.store.call(lambda conn: _replaced(books, conn, second)):
        return True
    posted = await books.store.call(lambda conn: _posted(books, conn, second))
    if posted:
        await _difference(books, second, posted, references)
    return False


def _replaced(books: Books, conn: Connection, second: _Second) -> bool:
    """Put the second file in the place of the first, of which nothing was decided."""
    known, facts = second.known, second.translated.facts
    assert facts is not None  # noqa: S101 - an unreadable file never comes here
    rows = documents.of_settlement(conn, books.link.name, known.settlement_id)
    if decided(rows) or known.state == RESTATED:
        return False
    _translated(conn, second)
    settlements.put(conn, known.account, known.link, second.translated.sha256, facts, state=READ)
    books.note(conn, "replaced", facts.settlement_id, {"before": known.sha256, "now": second.translated.sha256})
    return True


def _posted(books: Books, conn: Connection, second: _Second) -> list[DocumentRow]:
    """What the difference is taken against; empty when there is nothing to do, or nothing to do yet."""
    if posting_sets.basis(conn, second.set_id) is not None:
        _translated(conn, second)  # the same bytes under another report id
        return []
    rows = documents.of_settlement(conn, books.link.name, second.known.settlement_id)
    # A difference that was only planned gives way to this one; anything else that is not at its end is waited for.
    rows = [row for row in rows if not _superseded(second, row)]
    if all(row.state is State.DROPPED for row in rows):
        _translated(conn, second)  # a person took care of this settlement, and of what becomes of it
        return []
    return [row for row in rows if row.state is State.POSTED] if all(_ended(row) for row in rows) else []


def _superseded(second: _Second, row: DocumentRow) -> bool:
    own = set_id_for(second.known.account, second.known.settlement_id)
    return row.set_id != own and not decided([row])


def _ended(row: DocumentRow) -> bool:
    return row.state in {State.POSTED, State.DROPPED}


async def _difference(books: Books, second: _Second, posted: list[DocumentRow], references: References) -> None:
    known, sha256 = second.known, second.translated.sha256
    first, before = await books.store.call(lambda conn: _bases(books, conn, second))
    original = await books.mapping_version(first.mapping_version)
    # Rows that only the new file has may need rules of today: both files are grouped by the days on which either changes.
    calendar = first.calendar(original, books.mapping)
    old = await translation.as_planned(books, first, calendar, before.sha256)
    new = await translation.as_planned(books, first, calendar, sha256)
    if old.groups is None or new.groups is None:
        raise Inconsistent(f"The archived files of settlement {known.settlement_id} cannot be read any more.")
    result = restate(
        old.groups,
        new.groups,
        posted=[row.entry for row in posted],
        plan=plan_settlement(
            new.groups,
            policy=first.policy,
            mapping=original,
            references=bases.with_periods(references, first.periods),
            prefix=books.link.prefix,
            main_store=first.main_store or None,
            newer_mapping=books.mapping,
        ),
        calendar=calendar_of(references.periods, first.policy, books.mapping),
    )
    findings = (*result.findings, *preflight(result.posting, references))
    if result.verdict is Verdict.UNCHANGED:
        await books.store.call(lambda conn: _translated(conn, second))
    elif result.verdict is Verdict.DELTA and not any(finding.holds for finding in findings):
        await _keep(books, second, first, result)
    else:
        await books.store.call(lambda conn: _hold(books, conn, second, findings))


def _bases(books: Books, conn: Connection, second: _Second) -> tuple[Basis, Basis]:
    """What the first file was planned from, and the newest restatement that is in the books (the first without one)."""
    known = second.known
    found = posting_sets.basis(conn, set_id_for(known.account, known.settlement_id))
    if found is None:
        raise Inconsistent(
            f"Settlement {known.settlement_id} is posted, and what it was planned from is not on record."
        )
    newest = found
    for each in posting_sets.of_settlement(conn, books.link.name, known.settlement_id):
        rows = documents.of_set(conn, each.id)
        if each.basis is not None and all(row.state is State.POSTED for row in rows):
            newest = each.basis
    return bases.from_data(found), bases.from_data(newest)


async def _keep(books: Books, second: _Second, first: Basis, result: Restatement) -> None:
    packed = bases.pack_lineage(result.lineage or {})
    raw = await archive.write(books.store, bases.sha256_of_bytes(packed), [packed])
    basis = bases.restated(
        first,
        sha256=second.translated.sha256,
        lineage=raw.sha256,
        unposted=(entry for entry in result.entries if entry not in result.posting),
        newer_mapping_version=books.mapping.version,
    )
    set_id, known = second.set_id, second.known
    reason = words(result.findings)

    def keep(conn: Connection) -> None:
        _translated(conn, second)
        _withdraw_others(books, conn, second)
        settlements.set_state(conn, known.account, known.settlement_id, RESTATED, reason)
        posting_sets.add(
            conn, set_id, link=books.link.name, connection=books.link.erp, settlement_id=known.settlement_id
        )
        posting_sets.set_basis(conn, set_id, basis.to_data())
        documents.add(conn, [_new(books, entry, set_id, at, result) for at, entry in enumerate(result.posting)])
        if result.needs_approval:
            for entry in result.posting:
                documents.set_state(conn, entry.key, State.PLANNED, reason_code=NEEDS_PERSON, reason=reason)
        books.note(
            conn,
            "restated",
            known.settlement_id,
            {"sha256": second.translated.sha256, "documents": [entry.key for entry in result.posting]},
        )

    await books.store.call(keep)


def _withdraw_others(books: Books, conn: Connection, second: _Second) -> None:
    """Earlier differences of which nothing was decided: this one is taken against what is posted, so it covers them."""
    own = set_id_for(second.known.account, second.known.settlement_id)
    for each in posting_sets.of_settlement(conn, books.link.name, second.known.settlement_id):
        rows = documents.of_set(conn, each.id)
        if each.id != own and rows and not decided(rows):
            documents.withdraw(conn, each.id, keep=[])
            posting_sets.set_basis(conn, each.id, None)


def _hold(books: Books, conn: Connection, second: _Second, findings: tuple[Finding, ...]) -> None:
    """The record stays as it arrived, and now says of which settlement it is: what holds it may be mended, or a person may
    drop it."""
    known, reason, record = second.known, words(findings), second.record
    records.set_state(conn, record.connection, REPORT, record.natural_id, ARCHIVED, known.settlement_id)
    if (known.state, known.reason) != (HELD, reason):
        settlements.set_state(conn, known.account, known.settlement_id, HELD, reason)
        books.note(conn, "held", known.settlement_id, {"reason": reason, "sha256": second.translated.sha256})


def dismiss(conn: Connection, known: SettlementRow, reason: str) -> list[Record]:
    """A person settles what the second file says otherwise: the books stay as posted. The files that held the settlement;
    none where nothing of the kind holds it."""
    link = links.known(conn, known.link)
    arrived = records.find(conn, connection=link.amazon, kind=REPORT, state=ARCHIVED) if link is not None else []
    waiting = [each for each in arrived if each.reason == known.settlement_id]
    rows = documents.of_settlement(conn, known.link, known.settlement_id)
    if known.state != HELD or not all(_ended(row) for row in rows):
        return []
    for each in waiting:
        records.set_state(conn, each.connection, REPORT, each.natural_id, DROPPED, reason)
    if waiting:
        settlements.set_state(conn, known.account, known.settlement_id, RESTATED, reason)
    return waiting


def _translated(conn: Connection, second: _Second) -> None:
    record = second.record
    records.set_state(conn, record.connection, REPORT, record.natural_id, TRANSLATED, second.known.settlement_id)


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
        goal=books.link.goal(entry.kind).value,
        ranges=ranges if len(ranges) == len(entry.lines) else (),
    )
