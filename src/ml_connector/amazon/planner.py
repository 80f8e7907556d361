"""Before anything is read: by which way, with how many calls, and how long Amazon's limits will make it last. Pure.

Amazon's limits are the bottleneck (SP-API dossier, section 7): what a bucket holds goes at once, the rest at its rate. The
floor of a piece of work is the sum over its operations of ``max(0, calls - burst) / rate``; nobody can be faster.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final

from ml_connector.amazon.limits import (
    CREATE_REPORT,
    GET_REPORT,
    GET_REPORT_DOCUMENT,
    OPERATIONS,
    SEARCH_ORDERS,
    Operation,
)
from ml_connector.amazon.windows import ORDER_REPORT_MAX

#: Orders on a page of searchOrders, its largest (dossier, section 10.1).
PAGE_SIZE: Final = 100
#: How far back searchOrders reads; JP, AU and SG reach further, which nobody has needed (section 10.1).
HISTORY: Final = timedelta(days=730)
#: Of the burst of getReportDocument so many stay for settlements, which are more urgent and share its bucket.
DOCUMENTS_KEPT: Final = 5
#: How long Amazon makes a report, and how often it is asked for meanwhile. No source; only a prediction rests on it.
REPORT_MAKING_S: Final = 120.0
REPORT_LOOKS: Final = 4

#: A window is to be so many pages: few enough to be read again after an accident, so many that the half-empty page at
#: the end of each costs no more than one call in a hundred.
WINDOW_PAGES: Final = 50
WINDOW_MAX: Final = timedelta(days=30)
WINDOW_MIN: Final = timedelta(hours=1)

_BY_NAME: Final[Mapping[str, Operation]] = {operation.name: operation for operation in OPERATIONS}
_MINUTE_S: Final = 60
_HOUR_S: Final = 3_600
_DAY_S: Final = 86_400


class Purpose(StrEnum):
    """What the orders are for. BOOKS needs every line with its id and who collects its tax; FIND only needs to know which
    orders there are."""

    BOOKS = "books"
    FIND = "find"


class Way(StrEnum):
    """How orders are read. A report has no order-item ids and does not say who collects the tax (issue text of the order
    report; dossier, section 14.2), so the books cannot be made from it."""

    SEARCH = "search"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Ask:
    """What is to be read: ``span`` of time holding about ``orders`` (None: not known). ``tokens`` is what the buckets hold
    now, by operation; a bucket that is not named is full."""

    purpose: Purpose
    span: timedelta
    orders: int | None
    tokens: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Forecast:
    """``calls`` by operation. ``floor_s`` is what the limits alone cost, ``seconds`` what is expected; both None where the
    number of orders is not known and everything depends on it. ``words`` say it to a person."""

    way: Way
    orders: int | None
    calls: Mapping[str, int]
    floor_s: float | None
    seconds: float | None
    words: str


def floor_s(calls: Mapping[str, int], tokens: Mapping[str, float] | None = None) -> float:
    """The least time, in seconds, in which ``calls`` (by operation) can be made, from buckets that hold ``tokens``."""
    held = tokens or {}
    return sum(
        max(0.0, count - min(_BY_NAME[name].burst, held.get(name, _BY_NAME[name].burst))) / _BY_NAME[name].rate_per_s
        for name, count in calls.items()
    )


def choose(ask: Ask) -> Forecast:
    """The way to read, and what it costs.

    The books need searchOrders. To find orders the quicker way is taken; where their number is not known, the report as
    soon as there is more than one window of it, for its cost is bounded.
    """
    search = by_search(ask)
    if ask.purpose is Purpose.BOOKS:
        return search
    report = by_report(ask)
    if search.seconds is None or report.seconds is None:
        return report if ask.span > ORDER_REPORT_MAX else search
    return report if report.seconds < search.seconds else search


def by_search(ask: Ask) -> Forecast:
    """With searchOrders, 100 orders a call, the last page of each window half empty."""
    if ask.orders is None:
        return Forecast(Way.SEARCH, None, {}, None, None, _unknown())
    windows = max(1, math.ceil(ask.orders / (WINDOW_PAGES * PAGE_SIZE)), math.ceil(ask.span / WINDOW_MAX))
    pages = max(windows, math.ceil(ask.orders / PAGE_SIZE + windows / 2))
    calls = {SEARCH_ORDERS.name: pages}
    floor = floor_s(calls, ask.tokens)
    words = f"About {ask.orders:,} orders: {pages:,} calls of searchOrders, {_pace(SEARCH_ORDERS)}: {lasting(floor)}."
    return Forecast(Way.SEARCH, ask.orders, calls, floor, floor, words)


def by_report(ask: Ask) -> Forecast:
    """With one order report for each 30 days. Documents share their bucket with settlements, of which some stay."""
    windows = max(1, math.ceil(ask.span / ORDER_REPORT_MAX))
    calls = {CREATE_REPORT.name: windows, GET_REPORT.name: windows * REPORT_LOOKS, GET_REPORT_DOCUMENT.name: windows}
    held = {GET_REPORT_DOCUMENT.name: float(GET_REPORT_DOCUMENT.burst), **ask.tokens}
    held[GET_REPORT_DOCUMENT.name] = max(0.0, held[GET_REPORT_DOCUMENT.name] - DOCUMENTS_KEPT)
    floor = floor_s(calls, held)
    seconds = max(floor, windows * REPORT_MAKING_S)
    words = (
        f"{windows} order {'report' if windows == 1 else 'reports'} of {ORDER_REPORT_MAX.days} days, {_pace(GET_REPORT_DOCUMENT)}, "
        f"{DOCUMENTS_KEPT} of them left for settlements: {lasting(seconds)} if Amazon makes a report in "
        f"{REPORT_MAKING_S / _MINUTE_S:.0f} minutes."
    )
    return Forecast(Way.REPORT, ask.orders, calls, floor, seconds, words)


def window_span(items: int, seconds: float) -> timedelta:
    """How long the next window should be, where ``items`` orders were found in ``seconds`` of the source's time."""
    if items == 0:
        return WINDOW_MAX
    wanted = timedelta(seconds=min(WINDOW_MAX.total_seconds(), WINDOW_PAGES * PAGE_SIZE * seconds / items))
    return max(WINDOW_MIN, wanted)


def lasting(seconds: float) -> str:
    """A duration for people, to two places: ``2 d 1 h``, ``3 h 20 min``, ``4 min``, ``at once``."""
    if seconds < 1:
        return "at once"
    if seconds < _MINUTE_S:
        return f"{seconds:.0f} s"
    whole = round(seconds / _MINUTE_S) * _MINUTE_S
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min"
    if whole < _DAY_S:
        return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S} min"
    hours = round(seconds / _HOUR_S)
    return f"{hours // 24} d {hours % 24} h"


def _pace(operation: Operation) -> str:
    return f"{operation.burst} at once and then one every {1 / operation.rate_per_s:.0f} s"


def _unknown() -> str:
    """Where nobody knows yet how many orders there are: what each number of them would take."""
    examples = (
        f"{count:,} {lasting(floor_s({SEARCH_ORDERS.name: count // PAGE_SIZE}))}" for count in (1_000, 10_000, 100_000)
    )
    return f"How many orders there are is known once a first window is read. What so many take: {', '.join(examples)}."
