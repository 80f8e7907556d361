"""A caller of the simulated Amazon, as bare as can be: it knows HTTP and the flat file's tabs, and nothing of our connector."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import httpx2

from ml_connector.sandbox.amazon import Doors
from ml_connector.sandbox.clock import ManualClock
from ml_connector.sandbox.faults import FaultPlan
from ml_connector.sandbox.ledger import Ledger
from ml_connector.sandbox.world import World
from tests.support.nodes import NodeTransport

START = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
V2 = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"
REPORTS = "/reports/2021-06-30/reports"
DOCUMENTS = "/reports/2021-06-30/documents"
ORDERS = "/orders/2026-01-01/orders"
TRANSACTIONS = "/finances/2024-06-19/transactions"
SUMMARY = "/finances/2024-06-19/summary"
BALANCES = "/finances/2024-06-19/balances"
GROUPS = "/finances/v0/financialEventGroups"
PAYOUTS = "/finances/transfers/2024-06-01/payouts"
CATALOG = "/catalog/2022-04-01/items"
LISTINGS = "/listings/2021-08-01/items"
FEEDS = "/feeds/2021-06-30/feeds"
FEED_DOCUMENTS = "/feeds/2021-06-30/documents"
INVENTORY = "/fba/inventory/v1/summaries"
LONG_AGO = "2026-08-01T00:00:00Z"
"""Before anything that happens in a world that begins at START."""
EVERYTHING = "PROCEEDS,PROMOTION,CANCELLATION,FULFILLMENT,EXPENSE,TAX,PACKAGES,PAYMENT,BUYER,RECIPIENT"

EVERYTHING_LISTED = "summaries,attributes,issues,offers,fulfillmentAvailability,procurement,relationships,productTypes"


@dataclass(frozen=True)
class File:
    """A settlement file, cut at its tabs: no more is understood of it here."""

    header: list[str]
    summary: dict[str, str]
    details: list[dict[str, str]]

    @property
    def total(self) -> Decimal:
        return amount(self.summary["total-amount"])

    @property
    def sum(self) -> Decimal:
        return sum((amount(row["amount"]) for row in self.details), Decimal(0))

    def with_description(self, description: str) -> list[Decimal]:
        return [amount(row["amount"]) for row in self.details if row["amount-description"] == description]

    @property
    def triples(self) -> set[tuple[str, str, str]]:
        return {(row["transaction-type"], row["amount-type"], row["amount-description"]) for row in self.details}


def amount(text: str) -> Decimal:
    """Point or comma; the files of these tests do not group thousands unless they say so."""
    return Decimal(text.replace(".", "").replace(",", ".") if "," in text else text)


def cut(content: bytes, encoding: str = "utf-8-sig") -> File:
    lines = [line.split("\t") for line in content.decode(encoding).splitlines()]
    header = lines[0]
    rows = [dict(zip(header, line + [""] * (len(header) - len(line)), strict=True)) for line in lines[1:]]
    return File(header, rows[0], rows[1:])


class Seller:
    """A world with Amazon only, on a clock that leaps over every sleep, and somebody who calls it."""

    def __init__(
        self,
        amazon: Mapping[str, object] | None = None,
        *,
        faults: Sequence[Mapping[str, object]] = (),
        start: datetime = START,
        seed: int = 1,
        state: Ledger | None = None,
    ) -> None:
        self.clock = ManualClock(start, leaps=True)
        self.world = World(
            self.clock,
            seed=seed,
            state=state,
            faults=FaultPlan.of({"faults": [{"system": "amazon", **fault} for fault in faults]}),
            scenario={"amazon": amazon or {}},
            systems=("amazon",),
        )
        doors = self.world.systems["amazon"].control
        assert isinstance(doors, Doors)
        self.account = doors.account
        self.credentials: dict[str, Any] = self.world.credentials()["amazon"]
        self.token = ""

    def raw(self, method: str, url: str, **request: Any) -> httpx2.Response:
        async def talk() -> httpx2.Response:
            async with httpx2.AsyncClient(transport=NodeTransport(self.world.app)) as client:
                return await client.request(method, url, **request)

        return asyncio.run(talk())

    def exchange(self, **changes: str) -> httpx2.Response:
        form = {name: self.credentials[name] for name in ("client_id", "client_secret", "refresh_token")}
        asked = {"grant_type": "refresh_token", **form, **changes}
        return self.raw("POST", self.credentials["token_url"], data={k: v for k, v in asked.items() if v})

    def sign_in(self) -> None:
        self.token = self.exchange().json()["access_token"]

    def call(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **request: Any
    ) -> httpx2.Response:
        if not self.token:
            self.sign_in()
        sent = {"x-amz-access-token": self.token, "user-agent": "test/1 (Language=Python)", **(headers or {})}
        return self.raw(method, self.credentials["base_url"] + path, headers=sent, **request)

    def listed(self, **params: str) -> list[dict[str, Any]]:
        """Every settlement report, the oldest first."""
        asked = {"reportTypes": V2, "pageSize": "100", **params}
        reports: list[dict[str, Any]] = self.call("GET", REPORTS, params=asked).json()["reports"]
        return reports[::-1]

    def get(self, path: str, **params: str) -> httpx2.Response:
        """One GET, with the buckets refilled."""
        self.clock.advance(200)
        self.sign_in()
        return self.call("GET", path, params=params)

    def orders(self, **params: str) -> list[dict[str, Any]]:
        """Every order that the parameters find (by default all, with every dataset), page after page."""
        asked = {"includedData": EVERYTHING, **params}
        if not any(name.endswith("After") for name in params):
            asked["createdAfter"] = LONG_AGO
        found: list[dict[str, Any]] = []
        page = self.get(ORDERS, **asked).json()
        while True:
            found.extend(page["orders"])
            if "pagination" not in page:
                return found
            page = self.get(ORDERS, **asked, paginationToken=page["pagination"]["nextToken"]).json()

    def listing(self, sku: str, **params: str) -> httpx2.Response:
        """One listing with everything about it, in the US store unless said otherwise."""
        asked = {"marketplaceIds": "ATVPDKIKX0DER", "includedData": EVERYTHING_LISTED, **params}
        return self.get(self.listing_path(sku), **asked)

    def patch(self, sku: str, *patches: Mapping[str, object], **params: str) -> httpx2.Response:
        """One submission, in the US store unless said otherwise."""
        asked = {"marketplaceIds": "ATVPDKIKX0DER", **params}
        body = {"productType": "PRODUCT", "patches": list(patches)}
        return self.call("PATCH", self.listing_path(sku), params=asked, json=body)

    def listing_path(self, sku: str) -> str:
        return f"{LISTINGS}/{self.credentials['seller_id']}/{quote(sku, safe='')}"

    def transactions(self, **params: str) -> list[dict[str, Any]]:
        """Every transaction that the parameters find, by default all, page after page."""
        asked = params if "relatedIdentifierName" in params else {"postedAfter": LONG_AGO, **params}
        found: list[dict[str, Any]] = []
        page = self.get(TRANSACTIONS, **asked).json()["payload"]
        while True:
            found.extend(page["transactions"])
            if not page.get("nextToken"):
                return found
            page = self.get(TRANSACTIONS, **asked, nextToken=page["nextToken"]).json()["payload"]

    def content(self, document_id: str) -> bytes:
        """A document's bytes, unzipped where they look zipped. The buckets are refilled before."""
        self.clock.advance(120)
        self.sign_in()
        minted = self.call("GET", f"{DOCUMENTS}/{document_id}").json()
        content = self.raw("GET", minted["url"]).content
        return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content

    def files(self, encoding: str = "utf-8-sig") -> list[File]:
        """Every settlement file, in the order in which their reports were created."""
        return [cut(self.content(report["reportDocumentId"]), encoding) for report in self.listed()]
