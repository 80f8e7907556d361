"""Rules about what is followed: whatever changes is read, whatever the hour, the pages and the interruptions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

from ml_connector.conformance.results import Of, Rule
from ml_connector.conformance.trial import Trial, expect
from ml_connector.conformance.world import Desk, Feed, Touches
from ml_connector.domain.source import Page

#: The field of a row that is its code here.
_CODE: Final = {
    Feed.ITEMS: "code",
    Feed.PRICES: "item",
    Feed.STOCK: "item",
    Feed.SHIPMENTS: "id",
    Feed.CUSTOMERS: "code",
}
#: From noon over two midnights, wherever the server's own lie.
_HALF_HOURS: Final = 76
_HALF_HOUR_S: Final = 1800.0

#: So many rows that no feed answers them in one page.
_MANY: Final = 130


async def _pages(trial: Trial, feed: Feed, mark: str = "") -> AsyncIterator[tuple[list[str], str]]:
    """The codes of each page, and its mark."""
    read: Callable[[str], AsyncIterator[Page[Any]]] = getattr(await trial.company(), feed.value)
    async for page in read(mark):
        yield [getattr(row, _CODE[feed]) for row in page.rows], page.mark


async def _read(trial: Trial, feed: Feed, mark: str = "") -> tuple[set[str], str]:
    """Every code of one sweep, and the mark at its end."""
    seen: set[str] = set()
    async for codes, after in _pages(trial, feed, mark):
        seen.update(codes)
        mark = after
    return seen, mark


async def _desk(trial: Trial) -> Desk:
    """People go to work in a company that was signed in to, and so prepared."""
    await trial.company()
    return trial.site.desk()


async def _everything(trial: Trial, feed: Feed) -> str:
    desk = await _desk(trial)
    for number in range(3):
        desk.add(feed, number)
    seen, _ = await _read(trial, feed)
    known = set(desk.known(feed))
    expect(seen == known, f"From the beginning it misses {sorted(known - seen)} and invents {sorted(seen - known)}.")
    return f"{len(seen)} rows"


async def _changes(trial: Trial, feed: Feed) -> str:
    desk = await _desk(trial)
    codes = [desk.add(feed, 0), desk.add(feed, 1)]
    _, mark = await _read(trial, feed)
    for half_hour in range(_HALF_HOURS):
        await trial.clock.sleep(_HALF_HOUR_S)
        code = codes[half_hour % 2]
        desk.change(feed, code)
        seen, mark = await _read(trial, feed, mark)
        expect(code in seen, f"A change of {code}, {(half_hour + 1) / 2:g} hours after noon UTC, is not read.")
    return f"{_HALF_HOURS} changes"


async def _pages_with_inserts(trial: Trial, feed: Feed) -> str:
    """What is there before is read whatever comes between the pages; what comes is read then, or the next time."""
    desk = await _desk(trial)
    before = {desk.add(feed, number) for number in range(100, 100 + _MANY)}
    await trial.clock.sleep(_HALF_HOUR_S)
    seen: set[str] = set()
    came: list[str] = []
    pages, mark = 0, ""
    async for codes, after in _pages(trial, feed):
        seen.update(codes)
        pages, mark = pages + 1, after
        await trial.clock.sleep(_HALF_HOUR_S)
        came += [desk.add(feed, pages), desk.add(feed, 1000 + pages)]
        desk.change(feed, min(before))
    expect(before <= seen, f"Rows that come between pages hide {sorted(before - seen)}.")
    later, _ = await _read(trial, feed, mark)
    missed = {*came, min(before)} - seen - later
    expect(not missed, f"What came or changed while pages were read is never read: {sorted(missed)}.")
    return f"{len(before)} rows, {pages} pages, {len(came)} inserts"


async def _cut_off(trial: Trial, feed: Feed) -> str:
    """After each page a worker dies, and the next one goes on from the mark of that page."""
    desk = await _desk(trial)
    before = {desk.add(feed, number) for number in range(_MANY)}
    seen: set[str] = set()
    workers, mark = 0, ""
    while not workers or mark:
        pages = _pages(trial, feed, mark)
        codes, mark = await anext(pages, ([], ""))
        await pages.aclose()  # type: ignore[attr-defined]
        workers += 1
        if before <= (seen := seen | set(codes)):
            break
        expect(workers < 10 * _MANY, f"After {workers} workers the sweep is not done: {sorted(before - seen)}.")
    expect(before <= seen, f"A sweep that is cut off after each page never reads {sorted(before - seen)}.")
    return f"{len(before)} rows, {workers} workers"


def _rules(name: str, says: str, check: Callable[[Trial, Feed], Awaitable[str]]) -> list[Rule]:
    def of(feed: Feed) -> Callable[[Trial], Awaitable[str]]:
        return lambda trial: check(trial, feed)

    return [
        Rule(f"{name}_{feed.value}", f"{feed.value}: {says}", Of.COMPANY, frozenset({Touches.FEEDS}), of(feed))
        for feed in Feed
    ]


RULES: Final = (
    *_rules("all_of", "from the beginning, everything is read and nothing else.", _everything),
    *_rules("changes_of", "a change is read whatever the hour, over midnights and zones.", _changes),
    *_rules("pages_of", "rows that come or change between pages hide nothing.", _pages_with_inserts),
    *_rules("cut_off", "a sweep that is cut off goes on from the mark of its last page.", _cut_off),
)
