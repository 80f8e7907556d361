"""Plans: what a run would post, kept until a person or a rule says yes or no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, select, update

from ml_connector.store import dialect
from ml_connector.store.reading import many, one
from ml_connector.store.tables import plans


class PlanState(StrEnum):
    """``superseded``: its inputs changed before anybody decided."""

    OPEN = "open"
    APPLIED = "applied"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class PlanRow:
    """``sha256`` is over ``inputs``: what the plan was made from. ``content`` is what it says."""

    id: str
    link: str
    flow: str
    sha256: str
    inputs: Mapping[str, Any]
    content: Mapping[str, Any]
    state: PlanState
    created_at: datetime
    decided_at: datetime | None
    decided_by: str


def add(
    conn: Connection,
    plan_id: str,
    *,
    link: str,
    flow: str,
    sha256: str,
    inputs: Mapping[str, Any],
    content: Mapping[str, Any],
) -> PlanRow:
    """Keep an open plan. Idempotent: a plan that is there stays as it is."""
    conn.execute(
        dialect.insert(conn, plans)
        .values(
            id=plan_id,
            link=link,
            flow=flow,
            sha256=sha256,
            inputs=dict(inputs),
            content=dict(content),
            state=PlanState.OPEN.value,
            created_at=dialect.now(conn),
            decided_by="",
        )
        .on_conflict_do_nothing(index_elements=["id"])
    )
    return _row(**conn.execute(select(plans).where(plans.c.id == plan_id)).mappings().one())


def get(conn: Connection, plan_id: str) -> PlanRow | None:
    return one(conn, select(plans).where(plans.c.id == plan_id), _row)


def find(
    conn: Connection, *, link: str | None = None, state: PlanState | None = None, limit: int = 100
) -> list[PlanRow]:
    """Newest first."""
    query = select(plans).order_by(plans.c.created_at.desc(), plans.c.id.desc()).limit(limit)
    if link is not None:
        query = query.where(plans.c.link == link)
    if state is not None:
        query = query.where(plans.c.state == state.value)
    return many(conn, query, _row)


def decide(conn: Connection, plan_id: str, state: PlanState, by: str) -> bool:
    """Close an open plan; False when it was decided already."""
    done = conn.execute(
        update(plans)
        .where(plans.c.id == plan_id, plans.c.state == PlanState.OPEN.value)
        .values(state=state.value, decided_at=dialect.now(conn), decided_by=by)
    )
    return done.rowcount == 1


def _row(**row: Any) -> PlanRow:
    return PlanRow(**{**row, "state": PlanState(row["state"])})
