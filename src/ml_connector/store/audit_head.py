"""The head of the audit chain in a small file beside the database: how a restored database is found out (DESIGN 5)."""

from __future__ import annotations

import json
import os
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from ml_connector.domain.errors import Inconsistent
from ml_connector.store import audit
from ml_connector.store.audit import Head

NAME: Final = "audit-head.json"


class Standing(StrEnum):
    """The database against the head in the file.

    ``older``: the chain ends before it, the database was restored from a copy: start in recovery. ``forked``: the chain has
    other events in that place, so a restored database went on without recovery. ``missing``: there are events, and no file:
    it was removed, or the database was restored without it. ``unreadable``: what is in its place is no head, which says as
    little.
    """

    CURRENT = "current"
    OLDER = "older"
    FORKED = "forked"
    MISSING = "missing"
    UNREADABLE = "unreadable"


#: A head takes a hundred.
_BYTES_MAX: Final = 4_096


def write(path: Path, head: Head) -> None:
    """Replace the file, atomically and durably, however many do so at once: each has a partial file of its own (mode 0600)."""
    partial = tempfile.NamedTemporaryFile(  # noqa: SIM115 - it is closed, renamed or removed below
        "w", encoding="ascii", dir=path.parent, prefix=f"{path.name}.", suffix=".partial", delete=False
    )
    try:
        with partial:
            json.dump({"seq": head.seq, "mac": head.mac}, partial)
            partial.flush()
            os.fsync(partial.fileno())
        os.replace(partial.name, path)
    except OSError:
        os.unlink(partial.name)
        raise
    _sync_folder(path.parent)


def read(path: Path) -> Head | None:
    """The head in the file; None where there is no file. Raises :class:`Inconsistent` for one that cannot be read."""
    try:
        with path.open("rb") as file:
            data = json.loads(file.read(_BYTES_MAX).decode("ascii"))
        return Head(int(data["seq"]), str(data["mac"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise Inconsistent(f"{path.name} cannot be read.") from error


def compare(conn: Connection, on_file: Head | None) -> Standing:
    """Where the database stands. It may be ahead: the file is written after the commit."""
    if on_file is None:
        return Standing.MISSING if audit.head(conn).seq else Standing.CURRENT
    if audit.head(conn).seq < on_file.seq:
        return Standing.OLDER
    return Standing.CURRENT if audit.head_at(conn, on_file.seq) == on_file else Standing.FORKED


def _sync_folder(folder: Path) -> None:
    """Make the new name itself durable, where the system can."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
