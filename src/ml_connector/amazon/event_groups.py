"""The event groups of Finances v0: what of v0 stays, and the only place that shows a payout in another currency (SP-API dossier,
section 16). Its event reads end on 2027-08-27 and are not built on.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from ml_connector.amazon import limits, windows
from ml_connector.amazon.client import AmazonClient, utc_text
from ml_connector.amazon.paging import FINANCES_V0, Query, pages
from ml_connector.amazon.wire import Currency, optional_instant, plain_text
from ml_connector.domain import money
from ml_connector.domain.clock import Clock
from ml_connector.domain.errors import BadAnswer
from ml_connector.domain.finances import EventGroup
from ml_connector.domain.money import Money

PAGE_SIZE: Final = 100


class _Wire(msgspec.Struct, frozen=True, rename="pascal"):
    """Finances v0 writes its members with capitals."""


class _Amount(_Wire, frozen=True):
    currency_code: Currency
    currency_amount: Decimal


class _Group(_Wire, frozen=True):
    financial_event_group_id: str
    processing_status: str = ""
    fund_transfer_status: str | None = None
    original_total: _Amount | None = None
    converted_total: _Amount | None = None
    fund_transfer_date: str | None = None
    trace_id: str | None = None
    account_tail: str | None = None
    beginning_balance: _Amount | None = None
    financial_event_group_start: str | None = None
    financial_event_group_end: str | None = None


class _Payload(_Wire, frozen=True):
    financial_event_group_list: tuple[_Group, ...] | None = None
    next_token: str | None = None


class _Answer(msgspec.Struct, frozen=True):
    payload: _Payload


class EventGroups:
    """The event groups of one selling account."""

    def __init__(self, client: AmazonClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def started(self, after: datetime, before: datetime | None = None) -> tuple[EventGroup, ...]:
        """Every group opened from ``after`` on (inclusive) until ``before`` (exclusive; None: two minutes ago), each once, in
        Amazon's sequence.

        Raises :class:`WrongUse` for more than 180 days (179 without an end), which Amazon would answer with nothing.
        """
        if before is None:
            windows.refuse_wrong_open(after, self._clock.now(), windows.FINANCES_MAX, "event groups")
        else:
            windows.refuse_wrong(after, before, windows.FINANCES_MAX, "event groups")
        query = {"MaxResultsPerPage": str(PAGE_SIZE), "FinancialEventGroupStartedAfter": utc_text(after)}
        if before is not None:
            query["FinancialEventGroupStartedBefore"] = utc_text(before)

        async def read(asked: Query) -> _Answer:
            return await self._client.read(limits.LIST_FINANCIAL_EVENT_GROUPS, _Answer, query=asked)

        found = [
            group
            async for page in pages(read, FINANCES_V0, query)
            for group in page.payload.financial_event_group_list or ()
        ]
        return tuple({group.financial_event_group_id: _group(group) for group in found}.values())


def _group(wire: _Group) -> EventGroup:
    group_id = plain_text(wire.financial_event_group_id)
    try:
        return EventGroup(
            id=group_id,
            status=plain_text(wire.processing_status),
            start=optional_instant(wire.financial_event_group_start),
            end=optional_instant(wire.financial_event_group_end),
            total=_money(wire.original_total),
            converted=_money(wire.converted_total),
            beginning=_money(wire.beginning_balance),
            transfer_status=plain_text(wire.fund_transfer_status),
            transferred=optional_instant(wire.fund_transfer_date),
            trace_id=plain_text(wire.trace_id),
            account_tail=plain_text(wire.account_tail),
        )
    except BadAnswer as error:
        raise BadAnswer(f"Amazon's event group {group_id} cannot be read: {error}", code=error.code) from error


def _money(wire: _Amount | None) -> Money | None:
    return None if wire is None else Money(money.amount_from_number(wire.currency_amount), wire.currency_code)
