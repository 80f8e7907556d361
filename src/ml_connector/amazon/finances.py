"""Finances 2024-06-19: transactions, balances, summaries (SP-API dossier, section 15).

Reads only. Events may take 48 hours to show, and pages may be empty though more follow.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import msgspec

from ml_connector.amazon import limits, windows
from ml_connector.amazon.client import AmazonClient, QueryValue, utc_text
from ml_connector.amazon.finance_wire import BalanceWire, SummaryWire, balance, read_transaction, summary
from ml_connector.amazon.paging import PAGES_MAX, PLAIN, TRANSACTIONS, Query, pages
from ml_connector.amazon.wire import Wire, plain_text
from ml_connector.domain.clock import Clock
from ml_connector.domain.errors import BadAnswer, Finding, WrongUse
from ml_connector.domain.finances import (
    FINANCIAL_EVENT_GROUP_ID,
    ORDER_ID,
    SETTLEMENT_ID,
    Balance,
    Summary,
    Transaction,
)

#: The only identifiers by which transactions can be asked for; a settlement id is none of them.
ASKABLE: Final = (ORDER_ID, FINANCIAL_EVENT_GROUP_ID)


@dataclass(frozen=True, slots=True)
class PostedWindow:
    """Transactions posted from ``after`` on (inclusive) until ``before`` (exclusive; None: two minutes ago), sent in whole seconds.
    At most 180 days long, 179 without an end."""

    after: datetime
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class RelatedTo:
    """Transactions of one order (``ORDER_ID``) or of one event group (``FINANCIAL_EVENT_GROUP_ID``), whenever posted."""

    name: str
    value: str

    def __post_init__(self) -> None:
        if self.name not in ASKABLE:
            raise WrongUse(f"Amazon's transactions cannot be asked for by {self.name}, only by {' or '.join(ASKABLE)}.")


@dataclass(frozen=True, slots=True)
class UnreadableTransaction:
    """A transaction of a page that could not be understood: what needs it is held, the others go on. ``transaction_id`` is ""
    where it cannot be read; ``sha256`` is of the bytes that came."""

    transaction_id: str
    sha256: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class TransactionsPage:
    """One page, in Amazon's sequence; it may be empty though more follow. ``last``: no page follows."""

    transactions: tuple[Transaction, ...]
    unreadable: tuple[UnreadableTransaction, ...]
    last: bool


class _Payload(Wire, frozen=True):
    transactions: tuple[msgspec.Raw, ...] | None = None
    next_token: str | None = None


class _Transactions(Wire, frozen=True):
    payload: _Payload


class _Balances(Wire, frozen=True):
    balances: tuple[BalanceWire, ...] | None = None
    next_token: str | None = None


class _Summaries(Wire, frozen=True):
    summaries: tuple[SummaryWire, ...] | None = None
    next_token: str | None = None


class _Name(Wire, frozen=True):
    transaction_id: str = ""


class Finances:
    """The finances of one selling account."""

    def __init__(self, client: AmazonClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def transactions(
        self,
        wanted: PostedWindow | RelatedTo,
        *,
        marketplace_id: str = "",
        status: str = "",
        pages_max: int = PAGES_MAX,
    ) -> AsyncIterator[TransactionsPage]:
        """Every page of what is ``wanted``, of every status unless one is named. ``marketplace_id`` leaves out the US store's
        merchant-fulfilled orders, so say nothing where all are meant.

        When Amazon refuses a page token the listing begins again, once: transactions come twice (see
        :func:`ml_connector.domain.finances.once`). Raises what :func:`ml_connector.amazon.paging.pages` does, and
        :class:`WrongUse` for a window that Amazon would answer with nothing.
        """
        query = _asked(wanted, self._clock.now())
        if marketplace_id:
            query["marketplaceId"] = marketplace_id
        if status:
            query["transactionStatus"] = status

        async def read(asked: Query) -> _Transactions:
            return await self._client.read(limits.LIST_TRANSACTIONS, _Transactions, query=asked)

        async for answer in pages(read, TRANSACTIONS, query, pages_max=pages_max):
            yield _page(answer)

    async def balances(
        self,
        marketplace_ids: Sequence[str] = (),
        *,
        kind: str = "",
        account_type: str = "",
        as_of: date | None = None,
    ) -> tuple[Balance, ...]:
        """The balances now, or at the end of a past day: of all stores and kinds unless some are named."""
        query: dict[str, QueryValue] = {"marketplaceIds": tuple(marketplace_ids)} if marketplace_ids else {}
        query |= {"balanceType": kind} if kind else {}
        query |= {"accountType": account_type} if account_type else {}
        query |= {"asOfDate": as_of.isoformat()} if as_of else {}

        async def read(asked: Query) -> _Balances:
            return await self._client.read(limits.LIST_BALANCES, _Balances, query=asked)

        with _told("The balances"):
            return tuple([balance(each) async for page in pages(read, PLAIN, query) for each in page.balances or ()])

    async def summary(self, settlement_id: str) -> tuple[Summary, ...]:
        """What Amazon says came of a settlement; empty where it says nothing. The only question it answers by settlement id."""
        query = {"relatedIdentifierName": SETTLEMENT_ID, "relatedIdentifierValue": settlement_id}

        async def read(asked: Query) -> _Summaries:
            return await self._client.read(limits.LIST_SUMMARY, _Summaries, query=asked)

        with _told(f"The summary of settlement {settlement_id}"):
            return tuple([summary(each) async for page in pages(read, PLAIN, query) for each in page.summaries or ()])


@contextmanager
def _told(what: str) -> Iterator[None]:
    """What cannot be read, in the sentence that says why."""
    try:
        yield
    except BadAnswer as error:
        raise BadAnswer(f"{what} cannot be read: {error}", code=error.code) from error


def _asked(wanted: PostedWindow | RelatedTo, now: datetime) -> dict[str, QueryValue]:
    if isinstance(wanted, RelatedTo):
        return {"relatedIdentifierName": wanted.name, "relatedIdentifierValue": wanted.value}
    query: dict[str, QueryValue] = {"postedAfter": utc_text(wanted.after)}
    if wanted.before is None:
        windows.refuse_wrong_open(wanted.after, now, windows.FINANCES_MAX, "transactions")
        return query
    windows.refuse_wrong(wanted.after, wanted.before, windows.FINANCES_MAX, "transactions")
    return {**query, "postedBefore": utc_text(wanted.before)}


def _page(answer: _Transactions) -> TransactionsPage:
    transactions: list[Transaction] = []
    unreadable: list[UnreadableTransaction] = []
    for raw in answer.payload.transactions or ():
        try:
            transactions.append(read_transaction(raw))
        except BadAnswer as error:
            unreadable.append(_unreadable(raw, error))
    return TransactionsPage(tuple(transactions), tuple(unreadable), not TRANSACTIONS.token(answer))


def _unreadable(raw: msgspec.Raw, error: BadAnswer) -> UnreadableTransaction:
    try:
        name = plain_text(msgspec.json.decode(raw, type=_Name).transaction_id)
    except (ValueError, RecursionError):
        name = ""
    return UnreadableTransaction(
        transaction_id=name,
        sha256=hashlib.sha256(bytes(raw)).hexdigest(),
        finding=Finding(
            error.code, f"Transaction {name or 'without an id'} cannot be read: {str(error).rstrip('.')}. It is held."
        ),
    )
