"""A raw Web API client for tests: it sends what it is told and shows what came back, nothing more."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import httpx2

from ml_connector.sandbox.clock import ManualClock
from ml_connector.sandbox.faults import FaultPlan
from ml_connector.sandbox.ledger import Ledger
from ml_connector.sandbox.sage_300 import Control
from ml_connector.sandbox.world import World

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LINES: list[dict[str, Any]] = [
    {"AccountNumber": "6105", "Amount": 310.5, "SourceCurrencyAmount": 310.5, "Reference": "AMZ 123"},
    {"AccountNumber": "1150", "Amount": -310.5, "SourceCurrencyAmount": -310.5, "Reference": "AMZ 123"},
]


@dataclass(frozen=True)
class Said:
    """One answer. ``headers`` in the order received, names in lower case."""

    status: int
    headers: list[tuple[str, str]]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text, parse_float=Decimal)

    @property
    def value(self) -> list[dict[str, Any]]:
        """The rows of a feed."""
        rows: list[dict[str, Any]] = self.json["value"]
        return rows

    def header(self, name: str) -> str:
        return dict(self.headers).get(name, "")

    @property
    def error(self) -> tuple[int, str]:
        """HTTP status and code of a refusal."""
        return self.status, self.json["error"]["code"]

    @property
    def words(self) -> str:
        """The words of a refusal."""
        return str(self.json["error"]["message"]["value"])


class Sage:
    """A world with the simulated company alone, its clock at noon of 2026-11-21, and a client with its credentials."""

    def __init__(
        self,
        *,
        switches: Mapping[str, object] | None = None,
        faults: list[dict[str, object]] | None = None,
        seed: int = 1,
        ledger: Ledger | None = None,
    ) -> None:
        self.clock = ManualClock(NOON, leaps=True)
        self.world = World(
            self.clock,
            seed=seed,
            state=ledger,
            faults=FaultPlan.of({"faults": faults or []}),
            scenario={"sage_300": {"switches": dict(switches or {})}},
            systems=["sage_300"],
        )
        control = self.world.systems["sage_300"].control
        assert isinstance(control, Control)
        self.control = control
        self.credentials = self.world.credentials()["sage_300"]
        self.headers = {"Content-Type": "application/json", **self.basic()}

    def basic(self, user: str = "", password: str = "") -> dict[str, str]:
        """The Authorization header for a user, the announced one when none is named."""
        words = f"{user or self.credentials['username']}:{password or self.credentials['password']}"
        return {"Authorization": f"Basic {base64.b64encode(words.encode()).decode()}"}

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Said:
        """One request; ``path`` is relative to the company (``AR/ARCustomers``), or to the system with a slash before it.

        ``body`` is JSON unless it is bytes. ``headers`` replace all the usual ones. Raises httpx2's own error where the
        connection breaks.
        """
        base = str(self.credentials["base_url"])
        company = f"{base}/v1.0/-/{self.credentials['company']}"
        url = base.removesuffix("/Sage300WebApi") + path if path.startswith("/") else f"{company}/{path}"
        if params:
            url += "?" + "&".join(f"{name}={quote(value)}" for name, value in params.items())
        content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        return asyncio.run(self._send(method, url, content, dict(self.headers if headers is None else headers)))

    async def _send(self, method: str, url: str, content: bytes | None, headers: dict[str, str]) -> Said:
        transport = httpx2.ASGITransport(app=self.world.app)
        async with httpx2.AsyncClient(transport=transport) as client:
            answer = await client.request(method, url, content=content, headers=headers)
            return Said(answer.status_code, list(answer.headers.multi_items()), answer.text)

    def get(self, path: str, **options: str) -> Said:
        """GET with query options named without their dollar sign."""
        return self.send("GET", path, params={f"${name}": value for name, value in options.items()})

    def post(self, path: str, body: object) -> Said:
        return self.send("POST", path, body)

    def patch(self, path: str, body: object) -> Said:
        return self.send("PATCH", path, body)

    def journal(self, **members: object) -> Said:
        """A GL batch with one balanced entry of 310.50, changed by ``members``."""
        entry = {"SourceLedger": "GL", "SourceType": "JE", "DocumentDate": "2026-11-20", "JournalDetails": LINES}
        return self.post("GL/GLJournalBatches", {"Description": "AMZ STL 1 US", "JournalHeaders": [entry], **members})

    def invoice(self, number: str = "114-1", batch: Mapping[str, object] | None = None, **members: object) -> Said:
        """An AR batch with one invoice of 59.98 and 5.99 to AMZUS, changed by ``members``."""
        lines = [
            {"DistributionCode": "AMZSAL", "ExtendedAmountWithTIP": 59.98},
            {"DistributionCode": "AMZSHP", "ExtendedAmountWithTIP": 5.99},
        ]
        entry = {
            "CustomerNumber": "AMZUS",
            "DocumentNumber": number,
            "DocumentDate": "2026-11-19",
            "PostingDate": "2026-11-19",
            "InvoiceDetails": lines,
            **members,
        }
        return self.post("AR/ARInvoiceBatches", {"Description": "AMZ ORD US", "Invoices": [entry], **(batch or {})})

    def order(self, number: str = "114-1", **members: object) -> Said:
        """An order of two stools at 29.99 with 5.99 shipping that ships and invoices itself, changed by ``members``."""
        body: dict[str, object] = {
            "CustomerNumber": "AMZUS",
            "OrderNumber": number,
            "OrderDate": "2026-11-19",
            "InvoiceWillBeProduced": True,
            "OrderDetails": [
                {
                    "LineType": "Item",
                    "Item": "STOOL45",
                    "Location": "FBA",
                    "QuantityOrdered": 2,
                    "QuantityShipped": 2,
                    "PriceOverride": True,
                    "PricingUnitPrice": 29.99,
                },
                {"LineType": "Miscellaneous", "MiscellaneousChargesCode": "AMZSHP", "ExtendedAmount": 5.99},
            ],
        }
        return self.post("OE/OEOrders", {**body, **members})

    def act(self, resource: str, body: object) -> Said:
        """Start a process."""
        return self.post(f"{resource}('$process')", body)

    def post_invoices(self, number: object) -> Said:
        body = {
            "PostAllBatches": "Donotpostallbatches",
            "PostBatchFrom": int(str(number)),
            "PostBatchTo": int(str(number)),
        }
        return self.act("AR/ARPostInvoices", body)

    def post_journal(self, number: str) -> Said:
        return self.act("GL/GLPostJournal", {"FromBatchNumber": number, "ToBatchNumber": number})

    def balance(self, account: str) -> Any:
        """Debit less credit of an account in the ledger, home currency: a Decimal."""
        found = [line for line in self.control.trial_balance() if line["account"] == account]
        return found[0]["balance"] if found else Decimal(0)
