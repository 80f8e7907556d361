"""Following changes by date, page by page (Sage dossier, section 20).

Change stamps are dates, without a time. A sweep begins two days before the newest stamp of the one before it, so that what changed
later on the same day is read again rather than never, and goes through the rows in the order of their key. After each page the
mark names the key to go on after: a worker that dies there goes on in the next one. What carries no stamp is swept whole.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

from ml_connector.domain.errors import BadAnswer, LimitExceeded
from ml_connector.erp.sage_300.client import WebApi
from ml_connector.erp.sage_300.odata import any_of, equal, instant
from ml_connector.erp.sage_300.values import optional_day, text
from ml_connector.transport.odata import text as literal

STAMP: Final = "DateLastMaintained"
#: Whole days read again: the stamp's own, and one before it.
_LOOK_BACK: Final = timedelta(days=2)
_PAGES_MAX: Final = 100_000


@dataclass(frozen=True, slots=True)
class Mark:
    """Where to go on. ``since``: the newest stamp when the last sweep ended; ``newest``: that of this sweep so far; ``after``: the
    key of the last row that was handed out, () between two sweeps. All of them empty: the beginning."""

    since: date | None = None
    newest: date | None = None
    after: tuple[str, ...] = ()

    def text(self) -> str:
        """As it is kept: a date between sweeps, a list within one, "" for the beginning."""
        if not self.after:
            return self.since.isoformat() if self.since is not None else ""
        days = [day.isoformat() if day is not None else "" for day in (self.since, self.newest)]
        return json.dumps([*days, *self.after], ensure_ascii=False)


def mark_from(kept: str) -> Mark:
    """A mark as it was kept. What is none of ours begins at the beginning: rows are read twice rather than never."""
    try:
        if not kept.startswith("["):
            day = date.fromisoformat(kept) if kept else None
            return Mark(day, day)
        since, newest, *after = json.loads(kept)
        if not all(isinstance(each, str) for each in after):
            return Mark()
        return Mark(_day(since), _day(newest), tuple(after))
    except (ValueError, TypeError):
        return Mark()


@dataclass(frozen=True, slots=True)
class Source:
    """What is swept: a resource by its ``key``, and what is read of it. ``stamped``: its rows carry the date of their change."""

    what: str
    resource: str
    key: tuple[str, ...]
    fields: tuple[str, ...] = ()
    stamped: bool = False


async def sweep(api: WebApi, source: Source, kept: str, today: date) -> AsyncIterator[tuple[list[dict[str, Any]], str]]:
    """The rows that may have changed since the mark, page by page, each with the mark that covers it."""
    mark = mark_from(kept)
    for _ in range(_PAGES_MAX):
        rows, total = await api.page(
            source.what, source.resource, select=source.fields, condition=_condition(source, mark)
        )
        keys = [tuple(text(row.get(name)) for name in source.key) for row in rows]
        if keys != sorted(keys):
            # Not in the order of the key: nobody could go on after one.
            async for page in _unordered(api, source, mark, today):
                yield page
            return
        if keys and mark.after and keys[0] <= mark.after:
            raise BadAnswer(
                f"Sage 300's pages of {source.resource} do not go on: {keys[0][0]!r} comes after {mark.after[0]!r}."
            )
        mark = replace(mark, newest=_newest(source, mark, rows, today))
        if not rows or (total is not None and total <= len(rows)):
            yield rows, Mark(mark.newest, mark.newest).text()
            return
        mark = replace(mark, after=keys[-1])
        yield rows, mark.text()
    raise LimitExceeded(f"Sage 300 listed more than {_PAGES_MAX} pages of {source.resource}.")


async def _unordered(
    api: WebApi, source: Source, mark: Mark, today: date
) -> AsyncIterator[tuple[list[dict[str, Any]], str]]:
    """By counted pages; until the last one the mark stays where the sweep began."""
    begun = replace(mark, after=())
    waiting: list[dict[str, Any]] = []
    pages = api.pages(
        source.what, source.resource, key=source.key, select=source.fields, condition=_condition(source, begun)
    )
    async for rows in pages:
        if waiting:
            yield waiting, Mark(begun.since, begun.since).text()
        waiting = rows
        mark = replace(mark, newest=_newest(source, mark, rows, today))
    yield waiting, Mark(mark.newest, mark.newest).text()


def _condition(source: Source, mark: Mark) -> str:
    """Rows stamped since the mark, after its key. Only one of the two has alternatives, so that no parentheses are needed."""
    changed = f"{STAMP} gt {instant(mark.since - _LOOK_BACK)}" if source.stamped and mark.since is not None else ""
    later = []
    for place, value in enumerate(mark.after[: len(source.key)]):
        same = [equal(name, each) for name, each in zip(source.key[:place], mark.after, strict=False)]
        terms = [*same, f"{source.key[place]} gt {literal(value)}", *([changed] if changed else [])]
        later.append(" and ".join(terms))
    return any_of(later) if later else changed


def _newest(source: Source, mark: Mark, rows: Sequence[Mapping[str, Any]], today: date) -> date | None:
    """The newest stamp so far. One in the future would hide everything up to then."""
    if not source.stamped:
        return None
    stamps = [min(stamp, today) for row in rows if (stamp := optional_day(row.get(STAMP))) is not None]
    return max([*stamps, *([mark.newest] if mark.newest is not None else [])], default=None)


def _day(kept: str) -> date | None:
    return date.fromisoformat(kept) if kept else None
