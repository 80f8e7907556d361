"""A raw Service Layer client for tests: it sends what it is told and shows what came back, nothing more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx2

from ml_connector.sandbox.clock import ManualClock
from ml_connector.sandbox.faults import FaultPlan
from ml_connector.sandbox.ledger import Ledger
from ml_connector.sandbox.sap_business_one import Control
from ml_connector.sandbox.world import World

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LINES = [
    {"AccountCode": "611000", "Debit": 310.5, "LineMemo": "referral_fees US"},
    {"AccountCode": "114100", "Credit": 310.5, "LineMemo": "payout US"},
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

    def header(self, name: str) -> str:
        return dict(self.headers).get(name, "")

    @property
    def error(self) -> tuple[int, str]:
        """HTTP status and code of a refusal; the code as text, as v2 words it."""
        return self.status, str(self.json["error"]["code"])

    @property
    def words(self) -> str:
        """The message of a refusal, of either version."""
        message = self.json["error"]["message"]
        return str(message["value"] if isinstance(message, dict) else message)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of a collection."""
        rows: list[dict[str, Any]] = self.json["value"]
        return rows


class Sap:
    """A world with the simulated company alone, its clock at noon of 2026-11-21, and a client that may be signed in."""

    def __init__(
        self,
        *,
        switches: Mapping[str, object] | None = None,
        faults: list[dict[str, object]] | None = None,
        seed: int = 1,
        ledger: Ledger | None = None,
        sign_in: bool = True,
        version: str = "v2",
    ) -> None:
        self.clock = ManualClock(NOON, leaps=True)
        self.world = World(
            self.clock,
            seed=seed,
            state=ledger,
            faults=FaultPlan.of({"faults": faults or []}),
            scenario={"sap_business_one": {"switches": dict(switches or {})}},
            systems=["sap_business_one"],
        )
        control = self.world.systems["sap_business_one"].control
        assert isinstance(control, Control)
        self.control = control
        self.credentials = self.world.credentials()["sap_business_one"]
        self.version = version
        self.cookie = ""
        if sign_in:
            self.log_in()

    def log_in(self, **changes: object) -> Said:
        body = {
            "CompanyDB": self.credentials["company_db"],
            "UserName": self.credentials["username"],
            "Password": self.credentials["password"],
            "Language": "3",
            **changes,
        }
        said = self.send("POST", "Login", body)
        if said.status == 200:
            self.cookie = f"B1SESSION={said.json['SessionId']}"
        return said

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Said:
        """One request; ``path`` is relative to the service root, or to the system when it begins with a slash.

        ``body`` is JSON unless it is bytes. Raises httpx2's own error where the connection breaks.
        """
        base = str(self.credentials["base_url"]).removesuffix("/b1s/v2")
        url = base + path if path.startswith("/") else f"{base}/b1s/{self.version}/{path}"
        content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        cookie = {"Cookie": self.cookie} if self.cookie else {}
        return asyncio.run(self._send(method, url, content, {**cookie, **(headers or {})}, params))

    async def _send(
        self, method: str, url: str, content: bytes | None, headers: dict[str, str], params: Mapping[str, str] | None
    ) -> Said:
        transport = httpx2.ASGITransport(app=self.world.app)
        async with httpx2.AsyncClient(transport=transport) as client:
            answer = await client.request(method, url, content=content, headers=headers, params=params)
            return Said(answer.status_code, list(answer.headers.multi_items()), answer.text)

    def get(self, path: str, headers: Mapping[str, str] | None = None, **options: str) -> Said:
        """GET with query options named without their dollar sign."""
        return self.send("GET", path, headers=headers, params={f"${name}": value for name, value in options.items()})

    def post_entry(self, **members: object) -> Said:
        """A balanced journal entry of 310.50, changed by ``members``."""
        return self.send(
            "POST", "JournalEntries", {"ReferenceDate": "2026-11-20", "JournalEntryLines": LINES, **members}
        )

    def balance(self, account: str) -> Decimal:
        value = self.send("GET", f"ChartOfAccounts('{account}')").json["Balance"]
        assert isinstance(value, Decimal)
        return value
