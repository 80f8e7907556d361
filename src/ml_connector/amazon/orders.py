"""Orders 2026-01-01: searchOrders window by window, getOrder (SP-API dossier, sections 8, 10 and 12).

searchOrders costs three minutes a call once its burst is spent, so it brings everything that is needed of an order at once.
Buyers are not asked for unless somebody says so, and then come beside the orders, never in them.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import msgspec
import structlog

from ml_connector.amazon import limits
from ml_connector.amazon.buyer_wire import read_buyer
from ml_connector.amazon.client import AmazonClient, QueryValue, utc_text
from ml_connector.amazon.order_wire import Outline, read_order
from ml_connector.amazon.paging import ORDERS, PAGES_MAX, Query, pages
from ml_connector.amazon.wire import Instant, Wire
from ml_connector.domain.buyers import Buyer
from ml_connector.domain.errors import BadAnswer, Finding, WrongUse
from ml_connector.domain.orders import Order

_log = structlog.get_logger(__name__)

PAGE_SIZE: Final = 100
MARKETPLACES_MAX: Final = 50

#: What an order brings besides itself. No BUYER, no RECIPIENT (section 23).
INCLUDED: Final = ("PROCEEDS", "EXPENSE", "PROMOTION", "CANCELLATION", "FULFILLMENT", "PACKAGES", "TAX")
PERSONAL: Final = ("BUYER", "RECIPIENT")


class By(StrEnum):
    """Which instant of an order a window is about."""

    UPDATED = "lastUpdated"
    CREATED = "created"


@dataclass(frozen=True, slots=True)
class OrderWindow:
    """The orders created, or changed, from ``after`` on (inclusive) until ``before``; None: as far as Amazon shows them, which is
    two minutes ago. Whether ``before`` itself belongs to the window, Amazon's texts say both ways: let windows touch.

    Sent in whole seconds, both ends cut off, so that windows that touch still do.
    """

    after: datetime
    before: datetime | None = None
    by: By = By.UPDATED

    def __post_init__(self) -> None:
        if self.before is not None and self.before < self.after:
            raise WrongUse("A window of orders ends before it begins.")


@dataclass(frozen=True, slots=True)
class UnreadableOrder:
    """An order of a page that could not be understood: it is held, and the others go on.

    ``order_id`` is "" where even that is not to be read; ``sha256`` is of the bytes that came, which are not kept because they
    may tell of a person: getOrder brings them again.
    """

    order_id: str
    last_updated: datetime | None
    sha256: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class OrdersPage:
    """One page, orders in Amazon's sequence; it may be empty though more follow.

    ``before`` is how far the window reaches: Amazon's returned ``lastUpdatedBefore`` (or ``createdBefore``), never later than
    that of an earlier page of the window. When all pages are stored, and only then, it is the next watermark.
    ``last``: no page follows. ``buyers`` is empty unless they were asked for.
    """

    orders: tuple[Order, ...]
    unreadable: tuple[UnreadableOrder, ...]
    before: datetime
    last: bool
    buyers: tuple[Buyer, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class OrderAnswer:
    """One order as it is now. ``buyer`` is None unless it was asked for and Amazon tells of it."""

    order: Order
    buyer: Buyer | None = field(default=None, repr=False)


class _Pagination(Wire, frozen=True):
    next_token: str | None = None


class _SearchAnswer(Wire, frozen=True):
    orders: tuple[msgspec.Raw, ...]
    pagination: _Pagination | None = None
    last_updated_before: Instant | None = None
    created_before: Instant | None = None


class _GetAnswer(Wire, frozen=True):
    order: msgspec.Raw


class Orders:
    """The orders of one selling account."""

    def __init__(self, client: AmazonClient) -> None:
        self._client = client

    async def search(
        self,
        window: OrderWindow,
        marketplace_ids: Sequence[str],
        *,
        statuses: Sequence[str] = (),
        fulfilled_by: Sequence[str] = (),
        buyers: bool = False,
        page_size: int = PAGE_SIZE,
        pages_max: int = PAGES_MAX,
    ) -> AsyncIterator[OrdersPage]:
        """Every page of ``window``. When Amazon refuses a page token, the window begins again, once: orders come twice.

        Raises what :func:`ml_connector.amazon.paging.pages` does, and :class:`BadAnswer` when Amazon does not say how far the
        window reaches. An order that cannot be read is no error: it stands in ``unreadable``.
        """
        query = _query(window, marketplace_ids, statuses, fulfilled_by, buyers=buyers, page_size=page_size)

        async def read(asked: Query) -> _SearchAnswer:
            return await self._client.read(limits.SEARCH_ORDERS, _SearchAnswer, query=asked)

        # What was asked for, in whole seconds: nothing beyond it was read.
        reach = window.before.replace(microsecond=0) if window.before is not None else None
        async for answer in pages(read, ORDERS, query, pages_max=pages_max):
            page = _page(answer, window, reach, buyers=buyers)
            reach = page.before
            yield page

    async def get(self, order_id: str, *, buyers: bool = False) -> OrderAnswer:
        """One order. Raises :class:`RefusedByServer` when this account has none of that id, :class:`BadAnswer` when it cannot
        be read."""
        answer = await self._client.read(
            limits.GET_ORDER, _GetAnswer, path={"orderId": order_id}, query={"includedData": _included(buyers=buyers)}
        )
        try:
            order = read_order(answer.order)
        except BadAnswer as error:
            raise BadAnswer(f"Order {order_id} cannot be read: {error}", code=error.code) from error
        if order.order_id != order_id:
            raise BadAnswer(f"Asked for order {order_id}, Amazon answered with {order.order_id}.")
        return OrderAnswer(order, read_buyer(answer.order) if buyers else None)


def _included(*, buyers: bool) -> tuple[str, ...]:
    return (*INCLUDED, *PERSONAL) if buyers else INCLUDED


def _query(
    window: OrderWindow,
    marketplace_ids: Sequence[str],
    statuses: Sequence[str],
    fulfilled_by: Sequence[str],
    *,
    buyers: bool,
    page_size: int,
) -> Query:
    if not 1 <= len(marketplace_ids) <= MARKETPLACES_MAX:
        raise WrongUse(f"A search for orders needs 1 to {MARKETPLACES_MAX} marketplaces.")
    query: dict[str, QueryValue] = {f"{window.by}After": utc_text(window.after)}
    if window.before is not None:
        query[f"{window.by}Before"] = utc_text(window.before)
    query["marketplaceIds"] = tuple(marketplace_ids)
    if statuses:
        query["fulfillmentStatuses"] = tuple(statuses)
    if fulfilled_by:
        query["fulfilledBy"] = tuple(fulfilled_by)
    return {**query, "maxResultsPerPage": str(page_size), "includedData": _included(buyers=buyers)}


def _page(answer: _SearchAnswer, window: OrderWindow, reach: datetime | None, *, buyers: bool) -> OrdersPage:
    orders: list[Order] = []
    unreadable: list[UnreadableOrder] = []
    found: list[Buyer] = []
    for raw in answer.orders:
        try:
            orders.append(read_order(raw))
        except BadAnswer as error:
            unreadable.append(_unreadable(raw, error))
            continue
        if buyers and (buyer := _buyer(raw, orders[-1].order_id)) is not None:
            found.append(buyer)
    said = answer.last_updated_before if window.by is By.UPDATED else answer.created_before
    ends = [end.astimezone(UTC) for end in (said, reach) if end is not None]
    if not ends:
        raise BadAnswer("Amazon does not say how far its list of orders reaches, so nothing of it can be relied on.")
    return OrdersPage(tuple(orders), tuple(unreadable), min(ends), not ORDERS.token(answer), tuple(found))


def _buyer(raw: msgspec.Raw, order_id: str) -> Buyer | None:
    """None where Amazon tells of nobody, or in a way that cannot be read: the order stands without its buyer."""
    try:
        return read_buyer(raw)
    except BadAnswer:
        _log.warning("amazon.buyer_unreadable", order=order_id)
        return None


def _unreadable(raw: msgspec.Raw, error: BadAnswer) -> UnreadableOrder:
    try:
        outline: Outline | None = msgspec.json.decode(raw, type=Outline)
    except (ValueError, RecursionError):
        outline = None
    order_id = outline.order_id if outline else ""
    return UnreadableOrder(
        order_id=order_id,
        last_updated=outline.last_updated_time.astimezone(UTC) if outline and outline.last_updated_time else None,
        sha256=hashlib.sha256(bytes(raw)).hexdigest(),
        finding=Finding(
            error.code,
            f"Order {order_id or 'without an id'} cannot be read: {str(error).rstrip('.')}. It is held; the others go on.",
        ),
    )
