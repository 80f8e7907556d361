"""What was read and what became of it: settlements, refused reports, documents."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from ml_connector.app.house import House
from ml_connector.app.reports import AttemptShown, EventShown, RecordDetail, RecordShown
from ml_connector.app.showing import lines_shown
from ml_connector.domain.documents import State
from ml_connector.domain.errors import WrongUse
from ml_connector.domain.keys import DocumentKey
from ml_connector.flows import discovery, states
from ml_connector.posting import approvals
from ml_connector.store import attempts, audit, documents, records, settlements
from ml_connector.store.documents import DocumentRow
from ml_connector.store.settlements import SettlementRow

_SHOWN_MAX = 10_000


@dataclass(slots=True)
class Records:
    """Reads only, but for ``drop``."""

    house: House

    async def all(self, link: str | None, state: str | None) -> list[RecordShown]:
        """Settlements, refused reports and documents, oldest first of each."""

        def read(conn: Connection) -> list[RecordShown]:
            found = [_settlement(row) for row in settlements.find(conn, link=link) if row.state != states.ELSEWHERE]
            if link is None:
                found += [
                    RecordShown(r.natural_id, "settlement_report", "", "held", _code(r.reason), r.reason, {})
                    for r in records.find(conn, kind=discovery.REPORT, state=discovery.REFUSED, limit=_SHOWN_MAX)
                ]
            found += [_document(row) for row in documents.find(conn, link=link, limit=_SHOWN_MAX)]
            return [each for each in found if state in {None, each.state}]

        return await self.house.store.call(read)

    async def show(self, key: str) -> RecordDetail:
        """One settlement or document with its whole history. Raises :class:`WrongUse` for an unknown key."""
        found = await self.settlement(key)

        def read(conn: Connection) -> RecordDetail:
            history = tuple(
                EventShown(each.at, each.actor, each.event, each.content)
                for each in reversed(audit.events(conn, subject=key, limit=1000))
            )
            if found is not None:
                shown = _settlement(found)
                return RecordDetail(
                    shown.key, shown.kind, shown.link, shown.state, shown.reason_code, shown.reason, {}, found.sha256,
                    (), (), history,
                )  # fmt: skip
            row = documents.get(conn, self.key(key))
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
        """Never post a held document."""
        self.house.actor = by
        await self.house.store.call(lambda conn: approvals.drop(conn, self.key(key), by, self.house.note))

    @staticmethod
    def key(text: str) -> DocumentKey:
        return DocumentKey(text.strip().upper())


def _settlement(row: SettlementRow) -> RecordShown:
    held = row.state == states.HELD
    return RecordShown(
        row.settlement_id, "settlement", row.link, row.state, _code(row.reason) if held else "", row.reason, {}
    )


def _document(row: DocumentRow) -> RecordShown:
    held = row.state in {State.HELD, State.DROPPED}
    return RecordShown(
        row.key, row.kind, row.link, row.state.value, row.reason_code if held else "", row.reason, dict(row.ids)
    )


def _code(reason: str) -> str:
    return reason.partition(":")[0]
