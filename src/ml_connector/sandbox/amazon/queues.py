"""How reports and feeds are listed, in one dialect: the newest first, and a token that comes alone and remembers what was asked.

Source: SP-API dossier, section 8, and the two models' parameter rules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ml_connector.sandbox.amazon.messages import Refused, read_time
from ml_connector.sandbox.amazon.paging import Items, Page, Pager, Position, Question
from ml_connector.sandbox.amazon.parameters import instant, listed, whole
from ml_connector.sandbox.amazon.rows import stamp

RETENTION = timedelta(days=90)
STATUSES = ("CANCELLED", "DONE", "FATAL", "IN_PROGRESS", "IN_QUEUE")
_PAGE_SIZE_DEFAULT = 10

Wanted = Mapping[str, Any]
"""What a caller asks for, as a token can hold it: ``types``, ``statuses``, ``marketplaces``, ``size``, ``since``, ``until``."""


def page_of(
    pager: Pager,
    question: Question,
    query: Mapping[str, str],
    now: datetime,
    found: Callable[[Wanted], Sequence[dict[str, object]]],
) -> Page:
    """One page of what ``found`` finds. ``question`` names the operation and the seller."""
    if question.token is not None and len(query) > 1:
        raise Refused.input("nextToken must be the only parameter")
    start = [None if question.token is not None else _wanted(question.operation, query, now), 0]

    def fetch(position: Position) -> tuple[Items, Position | None]:
        wanted, offset = position
        upto = offset + wanted["size"]
        everything = found(wanted)
        return everything[offset:upto], [wanted, upto] if upto < len(everything) else None

    return pager.page(question, start, fetch)


def is_wanted(wanted: Wanted, now: datetime, *, kind: str, created: datetime, status: str, marketplaces: str) -> bool:
    """Does a report or feed meet what is asked? ``marketplaces`` are its ids, with commas between them."""
    return (
        kind in wanted["types"]
        and max(read_time(wanted["since"]), now - RETENTION) <= created <= min(read_time(wanted["until"]), now)
        and (not wanted["statuses"] or status in wanted["statuses"])
        and (not wanted["marketplaces"] or not set(wanted["marketplaces"]).isdisjoint(marketplaces.split(",")))
    )


def _wanted(operation: str, query: Mapping[str, str], now: datetime) -> Wanted:
    types_name = "reportTypes" if operation == "getReports" else "feedTypes"
    types = listed(query, types_name, most=10)
    if not types:
        raise Refused.input(f"Missing required parameter: {types_name} or nextToken")
    return {
        "types": types,
        "statuses": listed(query, "processingStatuses", most=len(STATUSES), allowed=STATUSES),
        "marketplaces": listed(query, "marketplaceIds", most=10),
        "size": whole(query, "pageSize", default=_PAGE_SIZE_DEFAULT, most=100),
        "since": stamp(instant(query, "createdSince") or now - RETENTION),
        "until": stamp(instant(query, "createdUntil") or now),
    }
