"""The simulated Tally: a ledger with drafts, as its documentation would describe it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

COMPANY: dict[str, Any] = {
    "name": "Tally Trading",
    "version": "1",
    "local": "USD",
    "currencies": {"USD": 2, "JPY": 0, "KWD": 3},
}


@dataclass
class TallyServer:
    """One company. ``vouchers`` is its ledger; a draft counts for nothing."""

    password: str = "correct horse"
    vouchers: list[dict[str, Any]] = field(default_factory=list)
    accounts: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {
            code: {"name": name, "frozen": False} for code, name in (("1140", "In transit"), ("4010", "Sales"))
        }
    )
    closed: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    may_read: bool = True

    @property
    def app(self) -> Starlette:
        routes = [
            Route("/login", self._login, methods=["POST"]),
            Route("/company", self._company, methods=["GET"]),
            Route("/vouchers", self._list, methods=["GET"]),
            Route("/vouchers", self._enter, methods=["POST"]),
            Route("/vouchers/{number:int}/post", self._post, methods=["POST"]),
        ]
        return Starlette(routes=routes)

    async def _login(self, request: Request) -> JSONResponse:
        given = await request.json()
        if given != {"user": "ml", "password": self.password}:
            return _no(401, "login", "Unknown user or wrong password.")
        token = f"t{len(self.tokens) + 1}"
        self.tokens.add(token)
        return JSONResponse({"token": token})

    async def _company(self, request: Request) -> JSONResponse:
        if not self._signed_in(request):
            return _no(401, "session", "Sign in.")
        periods = [
            {
                "key": f"2026-{month:02}",
                "year": 2026,
                "month": month,
                "first": f"2026-{month:02}-01",
                "last": f"2026-{month:02}-{31 - month % 2}",
                "open": f"2026-{month:02}" not in self.closed,
            }
            for month in (9, 10)
        ]
        return JSONResponse({**COMPANY, "accounts": self.accounts, "periods": periods})

    async def _list(self, request: Request) -> JSONResponse:
        if not self._signed_in(request):
            return _no(401, "session", "Sign in.")
        if not self.may_read:
            return _no(403, "right", "No right to read vouchers.")
        wanted = request.query_params
        return JSONResponse(
            [
                each
                for each in self.vouchers
                if each["key"] == wanted.get("key", each["key"])
                and each["reference"] == wanted.get("reference", each["reference"])
                and each["key"].startswith(wanted.get("prefix", ""))
                and wanted.get("first", "") <= each["date"] <= wanted.get("last", "9")
            ]
        )

    async def _enter(self, request: Request) -> JSONResponse:
        if not self._signed_in(request):
            return _no(401, "session", "Sign in.")
        given = json.loads(await request.body())
        for place, line in enumerate(given["lines"], start=1):
            account = self.accounts.get(line["account"])
            if account is None or account["frozen"]:
                return _no(422, "account", f"Account {line['account']} takes no postings.", place)
        return JSONResponse(self.write({**given, "status": "draft"}), status_code=201)

    async def _post(self, request: Request) -> JSONResponse:
        if not self._signed_in(request):
            return _no(401, "session", "Sign in.")
        voucher = next((each for each in self.vouchers if each["number"] == request.path_params["number"]), None)
        if voucher is None or voucher["status"] != "draft":
            return _no(409, "duplicate", "There is no such draft.")
        if voucher["date"][:7] in self.closed:
            return _no(422, "period", f"The period {voucher['date'][:7]} is closed.")
        voucher["status"] = "posted"
        return JSONResponse(voucher)

    def write(self, voucher: dict[str, Any]) -> dict[str, Any]:
        """Keep a voucher under the next number."""
        kept = {"number": len(self.vouchers) + 1, **voucher}
        kept["lines"] = [{**line, "text": " ".join(line["text"].split())[:50]} for line in kept["lines"]]
        self.vouchers.append(kept)
        return kept

    def nudge(self, voucher: dict[str, Any]) -> None:
        """One cent more on both sides."""
        for line in voucher["lines"]:
            side = "debit" if Decimal(line["debit"]) else "credit"
            line[side] = str(Decimal(line[side]) + Decimal("0.01"))

    def _signed_in(self, request: Request) -> bool:
        return request.headers.get("authorization", "").removeprefix("Bearer ") in self.tokens


def _no(status: int, code: str, words: str, line: int | None = None) -> JSONResponse:
    return JSONResponse({"code": code, "words": words, "line": line}, status_code=status)
