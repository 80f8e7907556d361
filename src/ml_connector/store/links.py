"""Links, the versions of their mapping, and their opening sheets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from ml_connector.domain.errors import WrongUse
from ml_connector.store import dialect
from ml_connector.store.reading import many, one
from ml_connector.store.tables import links, mappings, opening_sheets


@dataclass(frozen=True, slots=True)
class LinkRow:
    """One Amazon connection joined to one ERP connection. ``removed_at`` is None for a link in use."""

    name: str
    amazon: str
    erp: str
    settings: Mapping[str, Any]
    started_at: datetime
    removed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MappingRow:
    """One version of a link's mapping. ``content`` is the rules as plain data (``domain.mapping.rules_to_data``)."""

    link: str
    version: int
    content: Any
    sha256: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OpeningSheet:
    """What stood open when the link was started. ``confirmed_at`` is None until it was confirmed against the ERP."""

    link: str
    store_group: str
    content: Any
    confirmed_at: datetime | None


def add(conn: Connection, name: str, amazon: str, erp: str, settings: Mapping[str, Any]) -> LinkRow:
    """A new link, or a removed one in use again: what it posted goes by its name, so it goes on with its mapping.

    Raises :class:`WrongUse` when the name is taken, also by a removed link between other connections.
    """
    before = known(conn, name)
    if before is not None and before.removed_at is None:
        raise WrongUse(f"A link {name!r} exists already.")
    row = LinkRow(name, amazon, erp, dict(settings), dialect.now(conn))
    if before is None:
        conn.execute(
            insert(links).values(name=name, amazon=amazon, erp=erp, settings=dict(settings), started_at=row.started_at)
        )
    elif (before.amazon, before.erp) == (amazon, erp):
        again = {"settings": dict(settings), "started_at": row.started_at, "removed_at": None}
        conn.execute(links.update().where(links.c.name == name).values(**again))
    else:
        raise WrongUse(
            f"Link {name} joined {before.amazon} and {before.erp} before it was removed, and what it posted goes by its name: "
            "choose another name."
        )
    return row


def get(conn: Connection, name: str) -> LinkRow | None:
    """A link in use."""
    row = known(conn, name)
    return row if row is not None and row.removed_at is None else None


def known(conn: Connection, name: str) -> LinkRow | None:
    """Also a removed one."""
    return one(conn, select(links).where(links.c.name == name), LinkRow)


def all_of(conn: Connection) -> list[LinkRow]:
    """Those in use, by name."""
    return many(conn, select(links).where(links.c.removed_at.is_(None)).order_by(links.c.name), LinkRow)


def change(conn: Connection, name: str, settings: Mapping[str, Any]) -> None:
    """Replace the settings. Raises :class:`WrongUse` for an unknown name."""
    done = conn.execute(links.update().where(links.c.name == name).values(settings=dict(settings)))
    if done.rowcount == 0:
        raise WrongUse(f"No link {name!r} is known here.")


def remove(conn: Connection, name: str) -> None:
    """Out of use. Documents and settlements stay, they happened; and with them what their proofs are made from: the link's
    settings, mappings and opening sheets."""
    conn.execute(links.update().where(links.c.name == name).values(removed_at=dialect.now(conn)))


def add_mapping(conn: Connection, link: str, content: Any, sha256: str) -> MappingRow:
    """The next version, or the newest one where it has this content already."""
    dialect.lock(conn, f"mapping of {link}")
    newest = mapping(conn, link)
    if newest is not None and newest.sha256 == sha256:
        return newest
    row = MappingRow(link, newest.version + 1 if newest else 1, content, sha256, dialect.now(conn))
    conn.execute(
        insert(mappings).values(
            link=link, version=row.version, content=content, sha256=sha256, created_at=row.created_at
        )
    )
    return row


def mapping(conn: Connection, link: str, version: int | None = None) -> MappingRow | None:
    """That version, or the newest."""
    query = select(mappings).where(mappings.c.link == link).order_by(mappings.c.version.desc()).limit(1)
    if version is not None:
        query = query.where(mappings.c.version == version)
    return one(conn, query, MappingRow)


def put_opening_sheet(conn: Connection, sheet: OpeningSheet) -> None:
    """Replace the sheet of its store group."""
    values = {"content": sheet.content, "confirmed_at": sheet.confirmed_at}
    conn.execute(
        dialect.insert(conn, opening_sheets)
        .values(link=sheet.link, store_group=sheet.store_group, **values)
        .on_conflict_do_update(index_elements=["link", "store_group"], set_=values)
    )


def opening_sheets_of(conn: Connection, link: str) -> list[OpeningSheet]:
    """By store group."""
    query = select(opening_sheets).where(opening_sheets.c.link == link).order_by(opening_sheets.c.store_group)
    return many(conn, query, OpeningSheet)
