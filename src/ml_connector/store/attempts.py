"""The trail: every write that was about to start, and what became of it. Rows are added and closed once, never removed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, insert, select, update

from ml_connector.domain.errors import Inconsistent
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import Attempt, Ids, Outcome, Trail
from ml_connector.store.reading import portions
from ml_connector.store.tables import attempts

# Made once: building a statement takes longer than running it.
_TRAILS: Final = select(attempts).where(attempts.c.key.in_(bindparam("keys", expanding=True))).order_by(attempts.c.id)
_ADD: Final = insert(attempts).returning(attempts.c.id)
_CLOSE: Final = update(attempts).where(
    attempts.c.id == bindparam("attempt"), attempts.c.outcome == Outcome.INTENT.value
)


def trails(conn: Connection, keys: Sequence[DocumentKey]) -> dict[DocumentKey, Trail]:
    """The attempts of each document, oldest first; an empty trail where nothing was tried."""
    found: dict[DocumentKey, list[Attempt]] = {key: [] for key in keys}
    for some in portions(keys):
        for row in conn.execute(_TRAILS, {"keys": list(some)}):
            found[DocumentKey(row.key)].append(Attempt(row.step, row.sent_at, Outcome(row.outcome), row.ids, row.words))
    return {key: tuple(trail) for key, trail in found.items()}


def open_intents(
    conn: Connection, writes: Sequence[tuple[DocumentKey, str, Ids]], holder: str, epoch: int, at: datetime
) -> list[int]:
    """Put on record that these steps are about to be sent, and what each names in the target; the ids of the attempts, in the
    same order."""
    return [_add(conn, key, step, holder, epoch, at, Outcome.INTENT, "", ids) for key, step, ids in writes]


def close(conn: Connection, attempt_id: int, outcome: Outcome, ids: Ids, words: str, at: datetime) -> None:
    """What became of it; without ``ids`` what the write named stays. Raises :class:`Inconsistent` when that was written down
    already."""
    values: dict[str, Any] = {"outcome": outcome.value, "words": words, "closed_at": at}
    done = conn.execute(_CLOSE, {"attempt": attempt_id, **values, **({"ids": ids} if ids else {})})
    if done.rowcount != 1:
        raise Inconsistent(f"The attempt {attempt_id} was closed already.")


def mark(conn: Connection, key: DocumentKey, outcome: Outcome, words: str, at: datetime, ids: Ids = ()) -> int:
    """Something in the trail that is no write: a person's word, or a container (``ids``) that was given up."""
    return _add(conn, key, "", "", 0, at, outcome, words, ids)


def _add(
    conn: Connection,
    key: DocumentKey,
    step: str,
    holder: str,
    epoch: int,
    at: datetime,
    outcome: Outcome,
    words: str,
    ids: Ids,
) -> int:
    values = {
        "key": key,
        "step": step,
        "epoch": epoch,
        "holder": holder,
        "sent_at": at,
        "outcome": outcome.value,
        "ids": ids,
        "words": words,
        "closed_at": None if outcome is Outcome.INTENT else at,
    }
    return int(conn.execute(_ADD, values).scalar_one())
