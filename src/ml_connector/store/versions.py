"""Versions: what a source changes in place (an order) is kept as it stood each time it was seen.

A version is named by the source's own instant of change and the hash of its content. Each is stored once; a record's row in
``records`` shows the newest. A version that is seen late is kept in its place and does not become the newest again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import zstandard
from sqlalchemy import Connection, bindparam, insert, select, update

from ml_connector.domain.errors import Inconsistent
from ml_connector.store import dialect, records
from ml_connector.store.reading import portions
from ml_connector.store.tables import record_versions
from ml_connector.store.tables import records as heads

#: The largest content of one version, unpacked.
CONTENT_MAX: Final = 16 << 20
_LEVEL: Final = 3


@dataclass(frozen=True, slots=True)
class Seen:
    """One version as it was just read. ``content`` is its canonical form and ``sha256`` the hash of that; ``state`` and
    ``reason`` are what it means for its record while it is the newest."""

    natural_id: str
    changed_at: datetime
    sha256: str
    schema: int
    content: bytes
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """A version on record. ``seen_at`` is our instant, ``changed_at`` the source's."""

    changed_at: datetime
    sha256: str
    schema: int
    content: bytes
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """What a reading brought: ``new`` records, ``changed`` ones, and those that were the ``same``."""

    new: int = 0
    changed: int = 0
    same: int = 0

    def __add__(self, other: Kept) -> Kept:
        return Kept(self.new + other.new, self.changed + other.changed, self.same + other.same)


_Head = tuple[datetime | None, str]
_Name = tuple[str, datetime, str]


def keep(conn: Connection, connection: str, kind: str, seen: Sequence[Seen]) -> Kept:
    """Store every version in ``seen`` that is not on record, and bring the records' rows up to date."""
    dialect.lock(conn, f"records {connection} {kind}")
    before = _heads(conn, connection, kind, seen)
    known = _known(conn, connection, kind, [each for each in seen if _differs(each, before)])
    after, fresh = dict(before), list[Seen]()
    newest: dict[str, Seen] = {}
    for each in seen:
        name = (each.natural_id, each.changed_at, each.sha256)
        changed_at, sha256 = after.get(each.natural_id, (None, ""))
        if (changed_at, sha256) == (each.changed_at, each.sha256):
            continue
        if name not in known:
            known.add(name)
            fresh.append(each)
        if changed_at is None or each.changed_at >= changed_at:
            after[each.natural_id] = (each.changed_at, each.sha256)
            newest[each.natural_id] = each
    now = dialect.now(conn)
    _store(conn, connection, kind, fresh, now)
    added = [each for each in newest.values() if each.natural_id not in before]
    moved = [each for each in newest.values() if each.natural_id in before]
    _add(conn, connection, kind, added, now)
    _move(conn, connection, kind, moved, now)
    same = list(dict.fromkeys(each.natural_id for each in seen if each.natural_id not in newest))
    records.touch(conn, connection, kind, same, now)
    return Kept(len(added), len(moved), len(same))


def of(conn: Connection, connection: str, kind: str, natural_id: str) -> list[Version]:
    """Every version of a record, in the order in which its source made them."""
    query = (
        select(record_versions)
        .where(
            record_versions.c.connection == connection,
            record_versions.c.kind == kind,
            record_versions.c.natural_id == natural_id,
        )
        .order_by(record_versions.c.changed_at, record_versions.c.seen_at)
    )
    return [
        Version(row.changed_at, row.sha256, row.schema, _unpacked(row.content), row.seen_at)
        for row in conn.execute(query)
    ]


def newest(conn: Connection, connection: str, kind: str, natural_id: str) -> Version | None:
    """The version that the record's row shows; None for an unknown record."""
    head = records.get(conn, connection, kind, natural_id)
    if head is None:
        return None
    found = of(conn, connection, kind, natural_id)
    return next((each for each in found if (each.changed_at, each.sha256) == (head.changed_at, head.sha256)), None)


def _differs(each: Seen, before: dict[str, _Head]) -> bool:
    return each.natural_id in before and before[each.natural_id] != (each.changed_at, each.sha256)


def _heads(conn: Connection, connection: str, kind: str, seen: Sequence[Seen]) -> dict[str, _Head]:
    found: dict[str, _Head] = {}
    for ids in portions(list({each.natural_id for each in seen})):
        query = select(heads.c.natural_id, heads.c.changed_at, heads.c.sha256).where(
            heads.c.connection == connection, heads.c.kind == kind, heads.c.natural_id.in_(ids)
        )
        found.update((row.natural_id, (row.changed_at, row.sha256)) for row in conn.execute(query))
    return found


def _known(conn: Connection, connection: str, kind: str, seen: Sequence[Seen]) -> set[_Name]:
    """The names of all versions on record of these records."""
    found: set[_Name] = set()
    for ids in portions(list({each.natural_id for each in seen})):
        query = select(record_versions.c.natural_id, record_versions.c.changed_at, record_versions.c.sha256).where(
            record_versions.c.connection == connection,
            record_versions.c.kind == kind,
            record_versions.c.natural_id.in_(ids),
        )
        found.update((row.natural_id, row.changed_at, row.sha256) for row in conn.execute(query))
    return found


def _store(conn: Connection, connection: str, kind: str, fresh: Sequence[Seen], now: datetime) -> None:
    if not fresh:
        return
    pack = zstandard.ZstdCompressor(level=_LEVEL, write_content_size=True).compress
    conn.execute(
        insert(record_versions),
        [
            {
                "connection": connection,
                "kind": kind,
                "natural_id": each.natural_id,
                "changed_at": each.changed_at,
                "sha256": each.sha256,
                "schema": each.schema,
                "content": pack(each.content),
                "seen_at": now,
            }
            for each in fresh
        ],
    )


def _add(conn: Connection, connection: str, kind: str, added: Sequence[Seen], now: datetime) -> None:
    if added:
        conn.execute(
            insert(heads),
            [
                {"connection": connection, "kind": kind, "natural_id": each.natural_id, "first_seen_at": now}
                | {"raw_sha256": None, "last_seen_at": now}
                | _shown(each)
                for each in added
            ],
        )


def _move(conn: Connection, connection: str, kind: str, moved: Sequence[Seen], now: datetime) -> None:
    if moved:
        conn.execute(
            update(heads)
            .where(heads.c.connection == connection, heads.c.kind == kind, heads.c.natural_id == bindparam("which"))
            .values(last_seen_at=now),
            [{"which": each.natural_id} | _shown(each) for each in moved],
        )


def _shown(each: Seen) -> dict[str, object]:
    """What a record's row shows of its newest version."""
    return {"sha256": each.sha256, "changed_at": each.changed_at, "state": each.state, "reason": each.reason}


def _unpacked(content: bytes) -> bytes:
    try:
        if zstandard.frame_content_size(content) > CONTENT_MAX:
            raise Inconsistent("A version on record is larger than any that was kept.")
        return zstandard.ZstdDecompressor().decompress(content)
    except zstandard.ZstdError as error:
        raise Inconsistent("A version on record is damaged: restore the database from a backup.") from error
