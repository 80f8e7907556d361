"""Schedules, and the slices of work that they and people ask for. Ids, counts and codes only; never a secret or a body."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, exists, select, update

from ml_connector.store import dialect
from ml_connector.store.reading import many, one
from ml_connector.store.tables import schedules, slices

QUEUED, RUNNING, DONE, FAILED, CANCELLED = "queued", "running", "done", "failed", "cancelled"


@dataclass(frozen=True, slots=True)
class Schedule:
    """``flow`` of ``link`` runs every ``every_s`` seconds, next at ``next_at``."""

    link: str
    flow: str
    every_s: int
    next_at: datetime
    enabled: bool


@dataclass(frozen=True, slots=True)
class SliceRow:
    """One piece of work on one connection. (link, flow, slot) names it; ``result`` says how it ended."""

    id: str
    connection: str
    flow: str
    link: str
    slot: str
    state: str
    cancel_requested: bool
    requested_by: str
    result: Mapping[str, Any]
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


# --- schedules ----------------------------------------------------------------------------------------------------------


def put_schedule(conn: Connection, schedule: Schedule) -> None:
    values = {"every_s": schedule.every_s, "next_at": schedule.next_at, "enabled": schedule.enabled}
    conn.execute(
        dialect.insert(conn, schedules)
        .values(link=schedule.link, flow=schedule.flow, **values)
        .on_conflict_do_update(index_elements=["link", "flow"], set_=values)
    )


def all_schedules(conn: Connection) -> list[Schedule]:
    """By link and flow."""
    return many(conn, select(schedules).order_by(schedules.c.link, schedules.c.flow), Schedule)


def due_schedules(conn: Connection, now: datetime) -> list[Schedule]:
    """What should have started by ``now``, longest overdue first."""
    query = (
        select(schedules)
        .where(schedules.c.enabled, schedules.c.next_at <= now)
        .order_by(schedules.c.next_at, schedules.c.link, schedules.c.flow)
    )
    return many(conn, query, Schedule)


def move_schedule(conn: Connection, link: str, flow: str, was: datetime, next_at: datetime) -> bool:
    """Set the next time, if nobody else has moved it from ``was``."""
    done = conn.execute(
        update(schedules)
        .where(schedules.c.link == link, schedules.c.flow == flow, schedules.c.next_at == was)
        .values(next_at=next_at)
    )
    return done.rowcount == 1


def remove_schedule(conn: Connection, link: str, flow: str) -> None:
    conn.execute(delete(schedules).where(schedules.c.link == link, schedules.c.flow == flow))


def remove_schedules(conn: Connection, link: str) -> None:
    conn.execute(delete(schedules).where(schedules.c.link == link))


# --- slices -------------------------------------------------------------------------------------------------------------


def slice_id(link: str, flow: str, slot: str) -> str:
    """Derived from what it is, so that whoever asks for the same work asks for the same slice."""
    return hashlib.sha256("\n".join((link, flow, slot)).encode()).hexdigest()[:24]


def enqueue(
    conn: Connection, *, connection: str, flow: str, link: str, slot: str, requested_by: str = "schedule"
) -> SliceRow:
    """Ask for work; the slice, as it is, where it was asked for already."""
    wanted = slice_id(link, flow, slot)
    conn.execute(
        dialect.insert(conn, slices)
        .values(
            id=wanted,
            connection=connection,
            flow=flow,
            link=link,
            slot=slot,
            state=QUEUED,
            cancel_requested=False,
            requested_by=requested_by,
            result={},
            created_at=dialect.now(conn),
        )
        .on_conflict_do_nothing(index_elements=["link", "flow", "slot"])
    )
    return SliceRow(**conn.execute(select(slices).where(slices.c.id == wanted)).mappings().one())


def get(conn: Connection, wanted: str) -> SliceRow | None:
    return one(conn, select(slices).where(slices.c.id == wanted), SliceRow)


def find(conn: Connection, *, link: str | None = None, state: str | None = None, limit: int = 100) -> list[SliceRow]:
    """Newest first."""
    query = select(slices).order_by(slices.c.created_at.desc(), slices.c.id).limit(limit)
    if link is not None:
        query = query.where(slices.c.link == link)
    if state is not None:
        query = query.where(slices.c.state == state)
    return many(conn, query, SliceRow)


def ended(conn: Connection, link: str, since: datetime) -> list[SliceRow]:
    """The slices of a link that have ended ``since``."""
    query = select(slices).where(slices.c.link == link, slices.c.ended_at >= since).order_by(slices.c.ended_at)
    return many(conn, query, SliceRow)


def take(conn: Connection) -> SliceRow | None:
    """Start the oldest queued slice whose connection has none running; None when there is none."""
    dialect.lock(conn, "queue")
    busy = slices.alias("busy")
    query = (
        select(slices.c.id)
        .where(
            slices.c.state == QUEUED,
            ~exists().where(busy.c.connection == slices.c.connection, busy.c.state == RUNNING),
        )
        .order_by(slices.c.created_at, slices.c.id)
        .limit(1)
    )
    wanted = conn.execute(query).scalar()
    if wanted is None:
        return None
    conn.execute(update(slices).where(slices.c.id == wanted).values(state=RUNNING, started_at=dialect.now(conn)))
    return get(conn, wanted)


def end(conn: Connection, wanted: str, state: str, result: Mapping[str, Any]) -> bool:
    """How a running slice ended; False when it was not running."""
    done = conn.execute(
        update(slices)
        .where(slices.c.id == wanted, slices.c.state == RUNNING)
        .values(state=state, result=dict(result), ended_at=dialect.now(conn))
    )
    return done.rowcount == 1


def cancel(conn: Connection, wanted: str) -> None:
    """What is queued never starts; what runs is asked to stop at its next permit."""
    conn.execute(
        update(slices)
        .where(slices.c.id == wanted, slices.c.state == QUEUED)
        .values(state=CANCELLED, ended_at=dialect.now(conn))
    )
    conn.execute(update(slices).where(slices.c.id == wanted, slices.c.state == RUNNING).values(cancel_requested=True))


def requeue_running(conn: Connection) -> int:
    """What ran when its process died runs again; how many. Only for who holds the engine lock."""
    done = conn.execute(update(slices).where(slices.c.state == RUNNING).values(state=QUEUED, started_at=None))
    return int(done.rowcount)
