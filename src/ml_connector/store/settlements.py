"""Settlements: one row for each settlement of a selling account, with what the chain checks of others need."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Select, select, update

from ml_connector.domain import money
from ml_connector.domain.settlements import SettlementFacts
from ml_connector.store import dialect
from ml_connector.store.reading import many, one
from ml_connector.store.tables import settlements


@dataclass(frozen=True, slots=True)
class SettlementRow:
    """``account`` is the selling account; ``sha256`` of the file's bytes; ``total`` in ``currency``, positive: to the
    seller. ``ends_at`` is the next settlement's start. ``state`` and ``reason`` are the flow's words."""

    account: str
    settlement_id: str
    sha256: str
    link: str
    currency: str
    starts_at: datetime
    ends_at: datetime
    total: Decimal
    main_store: str | None
    facts: SettlementFacts
    state: str
    reason: str
    updated_at: datetime


def put(
    conn: Connection,
    account: str,
    link: str,
    sha256: str,
    facts: SettlementFacts,
    *,
    state: str,
    reason: str = "",
) -> SettlementRow:
    """Keep it, in place of what was known of this settlement."""
    row = SettlementRow(
        account=account,
        settlement_id=facts.settlement_id,
        sha256=sha256,
        link=link,
        currency=facts.currency,
        starts_at=facts.start,
        ends_at=facts.end,
        total=facts.total,
        main_store=facts.main_store,
        facts=facts,
        state=state,
        reason=reason,
        updated_at=dialect.now(conn),
    )
    values = {name: getattr(row, name) for name in row.__slots__ if name not in {"account", "settlement_id", "facts"}}
    values["facts"] = _to_data(facts)
    conn.execute(
        dialect.insert(conn, settlements)
        .values(account=account, settlement_id=row.settlement_id, **values)
        .on_conflict_do_update(index_elements=["account", "settlement_id"], set_=values)
    )
    return row


def get(conn: Connection, account: str, settlement_id: str) -> SettlementRow | None:
    return one(
        conn,
        select(settlements).where(settlements.c.account == account, settlements.c.settlement_id == settlement_id),
        _row,
    )


def find(
    conn: Connection,
    *,
    account: str | None = None,
    link: str | None = None,
    state: str | None = None,
    settlement_id: str | None = None,
) -> list[SettlementRow]:
    """By their start, then by id."""
    query: Select[Any] = select(settlements).order_by(settlements.c.starts_at, settlements.c.settlement_id)
    for column, value in (
        (settlements.c.account, account),
        (settlements.c.link, link),
        (settlements.c.state, state),
        (settlements.c.settlement_id, settlement_id),
    ):
        if value is not None:
            query = query.where(column == value)
    return many(conn, query, _row)


def set_state(conn: Connection, account: str, settlement_id: str, state: str, reason: str = "") -> None:
    conn.execute(
        update(settlements)
        .where(settlements.c.account == account, settlements.c.settlement_id == settlement_id)
        .values(state=state, reason=reason, updated_at=dialect.now(conn))
    )


def _row(**row: Any) -> SettlementRow:
    return SettlementRow(**{**row, "facts": _from_data(row["facts"])})


_AMOUNTS = ("total", "previous_reserve", "current_reserve", "payable", "charged")


def _to_data(facts: SettlementFacts) -> dict[str, Any]:
    return {
        **asdict(facts),
        "start": facts.start.isoformat(),
        "end": facts.end.isoformat(),
        **{name: money.text(getattr(facts, name), facts.currency) for name in _AMOUNTS},
        "failed_payouts": [money.text(value, facts.currency) for value in facts.failed_payouts],
    }


def _from_data(data: dict[str, Any]) -> SettlementFacts:
    return SettlementFacts(
        settlement_id=data["settlement_id"],
        currency=data["currency"],
        main_store=data["main_store"],
        start=datetime.fromisoformat(data["start"]),
        end=datetime.fromisoformat(data["end"]),
        failed_payouts=tuple(money.amount(value) for value in data["failed_payouts"]),
        **{name: money.amount(data[name]) for name in _AMOUNTS},
    )
