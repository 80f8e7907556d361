"""What was read and what became of it: settlements, refused reports, documents."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from ml_connector.app.house import House
from ml_connector.app.reports import AttemptShown, EventShown, RecordDetail, RecordShown, VersionShown
from ml_connector.app.showing import lines_shown
from ml_connector.domain.documents import Kind, State
from ml_connector.domain.errors import WrongUse
from ml_connector.domain.keys import DocumentKey
from ml_connector.flows import discovery, restating, states
from ml_connector.flows.order_finding import FOUND_ORDER
from ml_connector.flows.order_states import HELD, ORDER
from ml_connector.flows.orders import UNREADABLE
from ml_connector.posting import approvals
from ml_connector.store import attempts, audit, documents, links, records, settlements, versions
from ml_connector.store.documents import DocumentRow
from ml_connector.store.records import Record
from ml_connector.store.settlements import SettlementRow

_SHOWN_MAX = 10_000
#: Orders as they are, and orders of which only a report has told.
_ORDERS = (ORDER, FOUND_ORDER)

SETTLEMENT = "settlement"

#: From the slowest to the last.
_PROGRESS = (State.PLANNED, State.APPROVED, State.POSTING, State.ENTERED, State.POSTED, State.DROPPED)


@dataclass(slots=True)
class Records:
    """Reads only, but for ``drop``."""

    house: House

    async def all(self, link: str | None, state: str | None, kind: str | None = None) -> list[RecordShown]:
        """Settlements, reports that were refused or wait, documents, and the orders that are held, oldest first of each.
        The other orders are told only where ``kind`` is theirs: there are too many of them. Raises :class:`WrongUse` for a
        kind or a link that there is not."""
        kind = _kind(kind) if kind is not None else None

        def read(conn: Connection) -> list[RecordShown]:
            if link is not None and links.known(conn, link) is None:
                raise WrongUse(f"There is no link {link!r}: see ml-connector link list.")
            if kind in _ORDERS:
                return _orders(conn, link, kind, state)
            rows = documents.find(conn, link=link, limit=_SHOWN_MAX)
            by_settlement: dict[tuple[str, str], list[DocumentRow]] = {}
            for row in rows:
                by_settlement.setdefault((row.link, row.document.reference), []).append(row)
            found = [
                _settlement(row, by_settlement.get((row.link, row.settlement_id), []))
                for row in settlements.find(conn, link=link)
                if row.state != states.ELSEWHERE
            ]
            found += [_report(each) for each in _reports(conn, link)]
            found += [_document(row) for row in rows]
            found += [each for orders in _ORDERS for each in _orders(conn, link, orders, HELD)]
            return [each for each in found if state in {None, each.state} and kind in {None, each.kind}]

        return await self.house.store.call(read)

    async def show(self, key: str) -> RecordDetail:
        """One settlement or document with its whole history. Raises :class:`WrongUse` for an unknown key."""
        found = await self.settlement(key)

        def read(conn: Connection) -> RecordDetail:
            row = documents.get(conn, self.key(key))
            history = tuple(
                EventShown(each.at, each.actor, each.event, each.content)
                for each in reversed(audit.events(conn, subject=row.key if row else key, limit=1000))
            )
            if found is not None:
                rows = documents.of_settlement(conn, found.link, found.settlement_id)
                return _detail(_settlement(found, rows), found.sha256, history)
            report = next((each for each in _reports(conn, None) if each.natural_id == key), None)
            if report is not None:
                return _detail(_report(report), report.sha256, history)
            order = next((each for orders in _ORDERS for each in records.named(conn, orders, key)), None)
            if order is not None:
                return _order_detail(conn, order, history)
            if row is None:
                raise WrongUse(f"No record {key!r} is known here: see ml-connector record list.")
            tried = attempts.trails(conn, [row.key])[row.key]
            return RecordDetail(
                key=row.key,
                kind=row.kind,
                link=row.link,
                state=row.state.value,
                reason_code=row.reason_code,
                reason=row.reason,
                ids=dict(row.ids),
                sha256=row.sha256,
                lines=lines_shown(row.document),
                attempts=tuple(
                    AttemptShown(each.step, each.sent_at, each.outcome.value, dict(each.ids), each.words)
                    for each in tried
                ),
                history=history,
            )

        return await self.house.store.call(read)

    async def settlement(self, key: str) -> SettlementRow | None:
        """The settlement with this id that belongs to a link."""
        found = await self.house.store.call(lambda conn: settlements.find(conn, settlement_id=key))
        return next((row for row in found if row.link), None)

    async def drop(self, key: str, by: str) -> None:
        """Never post a held settlement or document, leave a posted settlement as it is although Amazon sent another file, or
        forget about a report that was refused."""
        self.house.actor = by
        settlement = await self.settlement(key)

        def forget(conn: Connection) -> None:
            report = next((each for each in _reports(conn, None) if each.natural_id == key), None)
            if settlement is not None:
                self._drop_settlement(conn, settlement, by)
            elif report is None:
                approvals.drop(conn, self.key(key), by, self.house.note)
            elif report.state == discovery.REFUSED:
                records.set_state(conn, report.connection, report.kind, key, discovery.DROPPED, report.reason)
                self.house.note(conn, "dropped", key, {"by": by, "sha256": report.sha256})
            else:
                raise WrongUse(f"Report {key} is {report.state}: only a refused one can be dropped.")

        await self.house.store.call(forget)

    def _drop_settlement(self, conn: Connection, row: SettlementRow, by: str) -> None:
        rows = documents.of_settlement(conn, row.link, row.settlement_id)
        reason = f"Dropped by {by}. {row.reason}"
        if files := restating.dismiss(conn, row, reason):
            data = {"by": by, "reason": row.reason, "files": [each.sha256 for each in files]}
            self.house.note(conn, "restatement_dropped", row.settlement_id, data)
            return
        if row.state != states.HELD or states.decided(rows):
            raise WrongUse(
                f"Settlement {row.settlement_id} cannot be dropped: only one that is held, and of which nothing was sent. "
                "Drop its documents one by one."
            )
        settlements.set_state(conn, row.account, row.settlement_id, states.DROPPED, reason)
        self.house.note(conn, "dropped", row.settlement_id, {"by": by, "reason": row.reason})

    @staticmethod
    def key(text: str) -> DocumentKey:
        return DocumentKey(text.strip().upper())


def _kind(text: str) -> str:
    """A kind by its short or its long name: JE, JournalEntry."""
    short: dict[str, str] = {each.name.replace("_", "").casefold(): each.value for each in Kind} | {
        each.casefold(): each for each in (SETTLEMENT, discovery.REPORT, *_ORDERS, *Kind)
    }
    if text.casefold() not in short:
        there = ", ".join(dict.fromkeys(short.values()))
        raise WrongUse(f"There is no kind {text!r}; there are: {there}.")
    return short[text.casefold()]


def _reports(conn: Connection, link: str | None) -> list[Record]:
    """Reports of which nothing has become a settlement (yet)."""
    row = links.get(conn, link) if link is not None else None
    found = records.find(conn, connection=row.amazon if row else None, kind=discovery.REPORT, limit=_SHOWN_MAX)
    return [each for each in found if each.state in {discovery.REFUSED, discovery.ARCHIVED}]


def _orders(conn: Connection, link: str | None, kind: str, state: str | None) -> list[RecordShown]:
    """Orders of the link's selling account."""
    row = links.get(conn, link) if link is not None else None
    found = records.find(conn, connection=row.amazon if row else None, kind=kind, state=state, limit=_SHOWN_MAX)
    return [_order(each) for each in found]


def _order(record: Record) -> RecordShown:
    held = record.state == HELD
    return RecordShown(
        record.natural_id, record.kind, "", record.state, _code(record.reason) if held else "", record.reason, {}
    )


def _order_detail(conn: Connection, record: Record, history: tuple[EventShown, ...]) -> RecordDetail:
    """An order with all its versions; the newest one's content, which holds nothing of its buyer."""
    found = versions.of(conn, record.connection, record.kind, record.natural_id)
    newest = versions.newest(conn, record.connection, record.kind, record.natural_id)
    return replace(
        _detail(_order(record), record.sha256, history),
        versions=tuple(VersionShown(each.changed_at, each.seen_at, each.sha256) for each in found),
        content=json.loads(newest.content) if newest is not None and newest.schema != UNREADABLE else {},
    )


def _report(record: Record) -> RecordShown:
    refused = record.state == discovery.REFUSED
    return RecordShown(
        record.natural_id,
        record.kind,
        "",
        "held" if refused else record.state,
        _code(record.reason) if refused else "",
        record.reason if refused or not record.reason else f"Another file of settlement {record.reason}.",
        {},
    )


def _settlement(row: SettlementRow, rows: Sequence[DocumentRow]) -> RecordShown:
    """A settlement with what became of it: where its own state says nothing more, the documents' slowest decides."""
    state, code, reason = row.state, "", row.reason
    if row.state == states.HELD:
        code = _code(row.reason)
    elif stuck := [each for each in rows if each.state is State.HELD]:
        state, code, reason = "held", stuck[0].reason_code, f"{stuck[0].key}: {stuck[0].reason}"
    elif rows:
        state = min((each.state for each in rows), key=_PROGRESS.index).value
        if row.state == states.PLANNED and state != State.PLANNED.value:
            reason = ""  # a note on what was planned: from here on the proof says what still holds
    return RecordShown(row.settlement_id, SETTLEMENT, row.link, state, code, reason, {})


def _detail(shown: RecordShown, sha256: str, history: tuple[EventShown, ...]) -> RecordDetail:
    return RecordDetail(
        key=shown.key,
        kind=shown.kind,
        link=shown.link,
        state=shown.state,
        reason_code=shown.reason_code,
        reason=shown.reason,
        ids=shown.ids,
        sha256=sha256,
        lines=(),
        attempts=(),
        history=history,
    )


def _document(row: DocumentRow) -> RecordShown:
    held = row.state in {State.HELD, State.DROPPED}
    return RecordShown(
        row.key, row.kind, row.link, row.state.value, row.reason_code if held else "", row.reason, dict(row.ids)
    )


def _code(reason: str) -> str:
    return reason.partition(":")[0]
