"""A scripted Service Layer for tests of the SAP connector: it answers what a test tells it to, and notes what it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx2

from ml_connector.domain.catalog import Currency
from ml_connector.domain.target import Accepted, Move, Pass, PassRefused
from ml_connector.erp.registry import Tools
from ml_connector.erp.sap_business_one.company import Company
from ml_connector.erp.sap_business_one.connector import SapBusinessOne, connect
from ml_connector.erp.sap_business_one.documents.journal_entries import Entry, EntryLine
from tests.support.clock import FakeClock

BASE_URL = "https://sap.test:50000/b1s/v2"
SETTINGS = {"base_url": BASE_URL, "company_db": "SBO_ACME", "username": "mlconnector"}
SECRETS = {"password": "correct horse battery"}

USD = Currency("$", "USD", 2)
EUR = Currency("EUR", "EUR", 2)
COMPANY = Company("SBO_ACME", USD, (USD, EUR), (), key_field=True, claims=True)

Handler = Callable[[httpx2.Request], httpx2.Response]

#: Sets that the small company has and keeps nothing in.
EMPTY = frozenset(
    [
        "Items",
        "PriceLists",
        "SpecialPrices",
        "Warehouses",
        "BusinessPartners",
        "VatGroups",
        "SalesTaxCodes",
        "Dimensions",
        "DistributionRules",
        "Projects",
        "Orders",
        "DeliveryNotes",
        "Invoices",
        "CreditNotes",
        "IncomingPayments",
        "Drafts",
        "PaymentDrafts",
        "ChartOfAccounts",
    ]
)


def answer(status: int, data: Any = None, *, headers: Sequence[tuple[str, str]] = ()) -> httpx2.Response:
    """A JSON answer (or an empty one)."""
    body = b"" if data is None else json.dumps(data).encode()
    return httpx2.Response(status, headers=[("Content-Type", "application/json"), *headers], content=body)


def error(status: int, code: str | int, words: str) -> httpx2.Response:
    """An error envelope in the form of the protocol's second version."""
    return answer(status, {"error": {"code": code, "message": words}})


def rows(*found: dict[str, Any]) -> httpx2.Response:
    return answer(200, {"@odata.context": "x", "value": list(found)})


def _nothing(_request: httpx2.Request) -> httpx2.Response:
    return rows()


def _no_queries(_request: httpx2.Request) -> httpx2.Response:
    return error(404, -2028, "Unrecognized resource path.")


@dataclass
class ScriptedServiceLayer(httpx2.AsyncBaseTransport):
    """Signs in, shows a small company, and answers everything else from ``script``, by ``METHOD /Resource``."""

    claims: bool = True
    key_field: bool = True
    timeout_min: int = 30
    script: dict[str, Handler] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    requests: list[httpx2.Request] = field(default_factory=list)
    cookies: list[str] = field(default_factory=list)
    logins: int = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        trace = request.extensions.get("trace")
        if trace is not None:
            await trace("http11.send_request_headers.started", {})
        await request.aread()
        where = urlsplit(str(request.url))
        self.asked.append(f"{request.method} {unquote(where.path.removeprefix('/b1s/v2'))}?{unquote(where.query)}")
        self.requests.append(request)
        self.cookies.append(request.headers.get("Cookie", ""))
        name = f"{request.method} {unquote(where.path.removeprefix('/b1s/v2'))}"
        handler = self.script.get(name) or getattr(self, self._standard(name), None)
        if handler is None and name.partition("GET /")[2] in EMPTY:
            handler = _nothing
        if handler is None and "/SQLQueries" in name:
            handler = _no_queries
        assert handler is not None, f"nobody told the scripted server about {name}"
        response: httpx2.Response = handler(request)
        return response

    @staticmethod
    def _standard(name: str) -> str:
        return name.lower().replace(" /", "_")

    def names(self) -> list[str]:
        """What was asked, without the queries."""
        return [line.partition("?")[0] for line in self.asked]

    # --- what every connection asks for -----------------------------------------------------------------------------

    def post_login(self, _request: httpx2.Request) -> httpx2.Response:
        self.logins += 1
        cookies = [("Set-Cookie", f"B1SESSION=s{self.logins};HttpOnly;"), ("Set-Cookie", "ROUTEID=.node1; path=/b1s")]
        data = {"SessionId": f"s{self.logins}", "Version": "1000280", "SessionTimeout": self.timeout_min}
        return answer(200, data, headers=cookies)

    def post_logout(self, _request: httpx2.Request) -> httpx2.Response:
        return answer(204)

    def get_companyservice_getadmininfo(self, _request: httpx2.Request) -> httpx2.Response:
        return answer(200, {"LocalCurrency": "$", "TotalsAccuracy": 2, "EnableBranches": "tNO"})

    def get_companyservice_getcompanyinfo(self, _request: httpx2.Request) -> httpx2.Response:
        return answer(200, {"CompanyName": "Acme", "Version": 1000280, "Localization": "US"})

    def get_currencies(self, _request: httpx2.Request) -> httpx2.Response:
        return rows(
            {"Code": "$", "Name": "US Dollar", "DocumentsCode": "USD", "Decimals": "cd2Digits"},
            {"Code": "EUR", "Name": "Euro", "DocumentsCode": "EUR", "Decimals": "cdDefault"},
        )

    def get_journalentries(self, request: httpx2.Request) -> httpx2.Response:
        if "U_ML_KEY" in str(request.url) and not self.key_field:
            return error(400, 201, "Invalid query option: U_ML_KEY is an invalid property.")
        return rows()

    def get_vatgroups(self, _request: httpx2.Request) -> httpx2.Response:
        return rows({"Code": "O1"})

    def _trade(self, request: httpx2.Request) -> httpx2.Response:
        """An empty set of documents, which may be read and has the key field where journal entries have it."""
        return self.get_journalentries(request)

    get_invoices = get_creditnotes = get_orders = get_drafts = _trade
    get_incomingpayments = get_vendorpayments = get_paymentdrafts = get_inventorygenexits = _trade

    def get_u_ml_link(self, _request: httpx2.Request) -> httpx2.Response:
        return rows() if self.claims else error(404, -2028, "Unrecognized resource path.")


@dataclass
class OnePass:
    """A pass for one send."""

    used: bool = False

    def last_look(self) -> None:
        if self.used:
            raise PassRefused("the pass was used")
        self.used = True


@dataclass
class OpenPermit:
    """Grants everything, or refuses with a sentence; notes what was granted."""

    refuses: str = ""
    granted: list[tuple[Move, ...]] = field(default_factory=list)

    async def grant(self, moves: Sequence[Move]) -> Pass:
        if self.refuses:
            raise PassRefused(self.refuses)
        self.granted.append(tuple(moves))
        return OnePass()

    async def follow(self, move: Move, accepted: Accepted) -> Pass:
        return await self.grant((move,))


async def connected(
    server: httpx2.AsyncBaseTransport, clock: FakeClock | None = None, settings: Mapping[str, str] | None = None
) -> SapBusinessOne:
    """A target on ``server``."""
    tools = Tools(clock or FakeClock(), Random(1), server)
    return await connect({**SETTINGS, **(settings or {})}, SECRETS, tools)


def sap_line(account: str, debit: str = "0", credit: str = "0", memo: str = "") -> EntryLine:
    zero = Decimal(0)
    return EntryLine(account, Decimal(debit), Decimal(credit), "", zero, zero, memo)


def sap_entry(
    jdt_num: int,
    *lines: EntryLine,
    reference: str = "90000000011",
    reference3: str = "",
    key: str = "",
    day: date = date(2026, 10, 26),
    memo: str = "Amazon settlement",
) -> Entry:
    """An entry as Business One shows it; two lines over 85.79 unless others are given."""
    standard = (
        sap_line("1120", debit="85.79", memo="payout Amazon.com"),
        sap_line("4000", credit="85.79", memo="product_sales Amazon.com"),
    )
    return Entry(jdt_num, str(jdt_num - 90_000), day, day, reference, reference3, key, memo, lines or standard)
