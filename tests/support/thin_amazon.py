"""An Amazon that serves orders and little else, fast enough for a hundred thousand of them, in virtual time.

It is the sandbox's in what counts here: the same buckets (``sandbox.amazon.limits``), windows with both ends, two minutes of
delay, an echoed end, tokens bound to their window. What an order holds is the caller's.
"""

from __future__ import annotations

import asyncio
import json
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import httpx2

from ml_connector.amazon.config import read_config
from ml_connector.amazon.connection import AmazonAccount, Tools
from ml_connector.domain.clock import Clock
from ml_connector.sandbox.amazon.limits import Buckets, announced
from ml_connector.transport.bucket import BucketStore
from tests.support.amazon import MemoryTokens
from tests.support.orders import usd

DELAY = timedelta(minutes=2)
ORDERS = "/orders/2026-01-01/orders"
SELLER = "A1SELLERTHIN"

Handler = Callable[[httpx2.Request], dict[str, Any]]
"""What another operation answers."""


@dataclass(frozen=True, order=True)
class Version:
    """One order as it is from ``updated`` on. ``shows_at``: when it can be seen."""

    updated: datetime
    order_id: str
    body: bytes = field(compare=False)
    shows_at: datetime = field(compare=False)


@dataclass
class ThinAmazon:
    """``clock`` is Amazon's. ``limited`` False: it never answers 429. ``page_max`` orders come at once, whatever is asked for.

    ``calls`` counts what was asked, by operation, ``refused`` the 429s. ``served`` lists every version in every answer.
    ``falls_short``: it says that a window reached less far. ``broken_after`` so many calls of an operation it answers 500. ``meanwhile`` is called after each page. ``others`` are further operations by path, ``files`` what a document's address holds.
    """

    clock: Clock
    limited: bool = True
    page_max: int = 100
    calls: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    served: list[Version] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None
    others: dict[str, tuple[str, Handler]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    keep_served: bool = True
    broken_after: int | None = None
    falls_short: timedelta = timedelta(0)
    _shown: list[Version] = field(default_factory=list)
    _heads: dict[str, Version] = field(default_factory=dict)
    _coming: list[tuple[datetime, int, Version]] = field(default_factory=list)
    _count: int = 0
    _buckets: Buckets = field(default_factory=Buckets)

    def change(self, order_id: str, at: datetime, body: bytes, late: timedelta = timedelta(0)) -> Version:
        """The order is so from ``at`` on. It shows two minutes later, or more."""
        version = Version(at, order_id, body, at + DELAY + late)
        self._count += 1
        insort(self._coming, (version.shows_at, self._count, version))
        return version

    def transport(self) -> httpx2.MockTransport:
        async def handle(request: httpx2.Request) -> httpx2.Response:
            await asyncio.sleep(0)  # here a request can be lost,
            answer = self.answer(request)
            await asyncio.sleep(0)  # and here its answer
            return answer

        return httpx2.MockTransport(handle)

    def account(
        self, clock: Clock, buckets: BucketStore, *, marketplaces: str = "ATVPDKIKX0DER", transport: Any = None
    ) -> AmazonAccount:
        """A connection to this Amazon, on a clock of its own."""
        settings = {
            "base_url": "https://thin.test/amazon",
            "token_url": "https://thin.test/amazon/auth/o2/token",
            "client_id": "amzn1.application-oa2-client.thin",
            "seller_id": SELLER,
            "marketplace_ids": marketplaces,
        }
        secrets = {"client_secret": "amzn1.oa2-cs.v1.thin", "refresh_token": "Atzr|thin"}

        async def on_new(token: str) -> None:
            """It gives no other one."""

        lent = Tools(clock, Random(1), MemoryTokens(), buckets, on_new, transport or self.transport())
        return AmazonAccount(read_config(settings, secrets), lent)

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path.removeprefix("/amazon")
        if path == "/auth/o2/token":
            return _json({"access_token": "Atza|thin", "refresh_token": "Atzr|thin", "expires_in": 3600})
        if path in self.files:
            return httpx2.Response(200, content=_piece(self.files[path]))
        operation, handler = ("searchOrders", self._search) if path == ORDERS else self.others[path]
        self.calls[operation] += 1
        if self.broken_after is not None and self.calls[operation] > self.broken_after:
            return _json({"errors": [{"code": "InternalFailure", "message": "", "details": ""}]}, 500)
        if self.limited and not self._buckets.take(SELLER, "thin", operation, self.clock.now()):
            self.refused[operation] += 1
            return _json({"errors": [{"code": "QuotaExceeded", "message": "", "details": ""}]}, 429)
        answer = handler(request)
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        return httpx2.Response(
            200, content=content, headers={"x-amzn-RateLimit-Limit": announced(operation, 1.0), "x-amzn-requestid": "r"}
        )

    def _search(self, request: httpx2.Request) -> Any:
        self._settle()
        asked = request.url.params
        after = _instant(asked["lastUpdatedAfter"])
        now = self.clock.now()
        token = asked.get("paginationToken")
        before = _instant(asked["lastUpdatedBefore"]) if "lastUpdatedBefore" in asked else now - DELAY
        start = Version(after, "", b"", after)
        if token is not None:
            said, updated, order_id = token.split("|")
            before, start = datetime.fromisoformat(said), Version(datetime.fromisoformat(updated), order_id, b"", now)
        begin = bisect_left(self._shown, start) + (token is not None)
        page: list[Version] = []
        while begin < len(self._shown) and len(page) <= self.page_max and self._shown[begin].updated <= before:
            page.append(self._shown[begin])
            begin += 1
        more = len(page) > self.page_max
        page = page[: self.page_max]
        if self.keep_served:
            self.served += page
        self.meanwhile()
        follows = f"{before.isoformat()}|{page[-1].updated.isoformat()}|{page[-1].order_id}" if more else ""
        rest = json.dumps(
            {
                "pagination": {"nextToken": follows} if more else None,
                "lastUpdatedBefore": _text(before - self.falls_short),
            }
        )
        return b'{"orders":[' + b",".join(each.body for each in page) + b"]," + rest[1:].encode()

    def _settle(self) -> None:
        """What can be seen by now takes the place of what was there before."""
        now = self.clock.now()
        due = bisect_left(self._coming, True, key=lambda each: each[0] > now)
        for _, _, version in self._coming[:due]:
            before = self._heads.get(version.order_id)
            if before is not None and before.updated > version.updated:
                continue
            if before is not None:
                del self._shown[bisect_left(self._shown, before)]
            self._heads[version.order_id] = version
            insort(self._shown, version)
        del self._coming[:due]


def order_body(order_id: str, updated: datetime, units: int = 1, status: str = "SHIPPED") -> bytes:
    """An order of some mugs at 20.00, as Amazon writes it; ``units`` and ``status`` tell its versions apart."""
    amount = usd(f"{20 * units}.00")
    breakdowns = [{"type": "ITEM", "subtotal": amount}]
    return json.dumps(
        {
            "orderId": order_id,
            "createdTime": "2024-12-01T08:00:00Z",
            "lastUpdatedTime": _text(updated),
            "salesChannel": {
                "channelName": "AMAZON",
                "marketplaceId": "ATVPDKIKX0DER",
                "marketplaceName": "Amazon.com",
            },
            "proceeds": {"grandTotal": amount, "breakdowns": breakdowns},
            "fulfillment": {"fulfillmentStatus": status, "fulfilledBy": "AMAZON"},
            "orderItems": [
                {
                    "orderItemId": "90000000000001",
                    "quantityOrdered": units,
                    "product": {"asin": "B0TEST0001", "title": "Test mug", "sellerSku": "MUG-1"},
                    "proceeds": {"proceedsTotal": amount, "breakdowns": breakdowns},
                }
            ],
        }
    ).encode()


def fill(amazon: ThinAmazon, count: int, start: datetime, end: datetime, name: str = "113") -> None:
    """``count`` shipped orders whose last changes are spread evenly over the time from ``start`` to ``end``."""
    step = (end - start) / count
    for number in range(count):
        at = (start + number * step).replace(microsecond=0)
        order_id = f"{name}-{number // 10_000_000:07d}-{number % 10_000_000:07d}"
        amazon.change(order_id, at, order_body(order_id, at))


def _json(body: Any, status: int = 200) -> httpx2.Response:
    return httpx2.Response(status, content=json.dumps(body).encode(), headers={"x-amzn-requestid": "r"})


async def _piece(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
