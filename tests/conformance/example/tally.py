"""The connector of the guide: Tally, a ledger that keeps journals. A voucher is entered as a draft, then posted by its number."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from ml_connector.domain import keys, money
from ml_connector.domain.catalog import Account, Currency, FiscalPeriod, Identity, References
from ml_connector.domain.documents import Document, Kind, label, label_of
from ml_connector.domain.errors import BadAnswer, NotPermitted, SignInFailed
from ml_connector.domain.forms import Field, Form
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.source import LedgerOnly
from ml_connector.domain.stored_documents import entry_of
from ml_connector.domain.target import (
    Absent,
    Accepted,
    Capabilities,
    Case,
    Ended,
    Found,
    Ids,
    Many,
    Move,
    NotSent,
    Partial,
    PassRefused,
    Permit,
    Present,
    Receipt,
    Refused,
    ReliabilityClass,
    Route,
    Seen,
    Shown,
    ShownLine,
    Step,
    Trail,
    Unclear,
    Unsupported,
)
from ml_connector.erp.registry import Connector, Tools
from ml_connector.transport.http import Answer, HttpClient

KEY_MAX, REFERENCE_MAX = 60, 30
ENTER = Step("enter", counts=False, refuses_twice=False, settle_s=600)
POST = Step("post", counts=True, refuses_twice=True, settle_s=600)
FORM = Form(
    (
        Field("base_url", "Address", "Of Tally."),
        Field("user", "User", "Of ours."),
        Field("password", "Password", "His.", secret=True),
    )
)


class Tally(LedgerOnly):
    def __init__(self, http: HttpClient, settings: Mapping[str, str]) -> None:
        self._http, self._settings, self._token, self._company = http, settings, "", {}  # type: ignore[var-annotated]

    # --- who we are talking to ----------------------------------------------------------------------------------------

    async def sign_in(self) -> None:
        body = json.dumps({"user": self._settings["user"], "password": self._settings["password"]}).encode()
        answer = await self._http.read("POST", "/login", content=body)
        if not answer.ok:
            raise SignInFailed(f"Tally refuses the sign-in of {self._settings['user']!r}: check user and password.")
        self._token = answer.json()["token"]

    async def _get(self, path: str, **params: str) -> Any:
        for _ in range(2):
            headers = {"Authorization": f"Bearer {self._token}"}
            answer = await self._http.read("GET", path, params=params, headers=headers)
            if answer.status != 401:
                break
            await self.sign_in()
        if answer.status == 403:
            raise NotPermitted(f"The user of Tally may not read {path}: give him that right.")
        if not answer.ok:
            raise BadAnswer(f"Tally answers {path} with HTTP {answer.status}.")
        return answer.json()

    async def ping(self) -> Identity:
        await self.sign_in()
        self._company = await self._get("/company")
        return Identity(self._company["name"], self._company["version"])

    async def references(self) -> References:
        found = self._company = await self._get("/company")
        accounts = [
            Account(code, code, each["name"], True, each["frozen"], False, None, "", None)
            for code, each in found["accounts"].items()
        ]
        periods = [
            FiscalPeriod(
                each["key"],
                each["year"],
                each["month"],
                date.fromisoformat(each["first"]),
                date.fromisoformat(each["last"]),
                each["open"],
            )
            for each in found["periods"]
        ]
        currencies = [Currency(iso, iso, decimals) for iso, decimals in found["currencies"].items()]
        return References(found["name"], found["local"], tuple(accounts), tuple(periods), tuple(currencies))

    async def prepare(self) -> tuple[str, ...]:
        return ("Tally needs nothing prepared.",)

    async def close(self) -> None:
        await self._http.aclose()

    # --- pure ---------------------------------------------------------------------------------------------------------

    def steps(self, document: Document, trail: Trail = ()) -> tuple[Step, ...] | Unsupported:
        if document.kind is not Kind.JOURNAL_ENTRY:
            return Unsupported("Tally keeps journals and nothing else.")
        if document.currency not in self._company["currencies"]:
            return Unsupported(f"Tally has no currency {document.currency}: add it there.")
        if len(document.reference) > REFERENCE_MAX:
            return Unsupported(f"The reference is longer than the {REFERENCE_MAX} characters that Tally keeps.")
        return (ENTER, POST)

    def project(self, document: Document, linked: Mapping[DocumentKey, Ids]) -> Shown:
        entry = entry_of(document)
        lines = (
            ShownLine(each.account, each.debit, each.credit, label(each.category, each.store))
            for each in entry.lines
            if each.posts
        )
        return Shown(entry.posting_date, entry.document_date, entry.currency, entry.total, tuple(lines))

    def wire_key(self, document: Document) -> str:
        return keys.wire_key(document.key, KEY_MAX)

    def references_of(self, document: Document) -> tuple[tuple[str, str], ...]:
        return (("key", self.wire_key(document)), ("reference", document.reference))

    def capabilities(self) -> Capabilities:
        route = Route("draft", ReliabilityClass.TWO_ACTS, relieves_stock=False, requests=Decimal(4))
        no = Unsupported("Tally keeps journals and nothing else.")
        routes = {kind: (route,) if kind is Kind.JOURNAL_ENTRY else no for kind in Kind}
        return Capabilities(routes, parallel=1, lines_max=5_000, applications_max=0, batch_max=1, stock_is="")

    # --- looking ------------------------------------------------------------------------------------------------------

    async def observe(self, cases: Sequence[Case]) -> Mapping[DocumentKey, Seen]:
        return {case.key: await self._look(case) for case in cases}

    async def _look(self, case: Case) -> Seen:
        try:
            ours = await self._get("/vouchers", key=case.wire_key)
            typed = [
                each for each in await self._get("/vouchers", reference=case.document.reference) if not each["key"]
            ]
        except (NotPermitted, BadAnswer) as error:
            return Unclear(str(error))
        found = [_seen(each) for each in ours]
        going = [each for each in found if not isinstance(each, Ended)]
        if len(going) > 1:
            return Many(tuple(going))
        if found:
            return going[0] if going else found[0]
        return (
            Present(_ids(typed[0]), _shown(typed[0]), ours=False)
            if typed
            else Absent("vouchers, by key and by reference")
        )

    async def census(self, prefix: str, first: date, last: date) -> Sequence[Found] | Unclear:
        rows = await self._get("/vouchers", prefix=prefix, first=first.isoformat(), last=last.isoformat())
        return [Found(Kind.JOURNAL_ENTRY, row["key"], _ids(row), row["status"] == "posted") for row in rows]

    # --- writing ------------------------------------------------------------------------------------------------------

    async def advance(self, moves: Sequence[Move], permit: Permit) -> Mapping[DocumentKey, Receipt]:
        return {move.key: await self._write(move, permit) for move in moves}

    async def _write(self, move: Move, permit: Permit) -> Receipt:
        try:
            pass_ = await permit.grant((move,))
        except PassRefused as refused:
            return NotSent(str(refused))
        seen = move.seen.found[0] if isinstance(move.seen, Many) else move.seen
        ids = dict(seen.ids) if isinstance(seen, Partial) else {}
        path = "/vouchers" if move.step.name == ENTER.name else f"/vouchers/{ids['number']}/post"
        content = _body(move.case) if move.step.name == ENTER.name else b"{}"
        answer = await self._http.write(
            pass_, "POST", path, content=content, headers={"Authorization": f"Bearer {self._token}"}
        )
        if not isinstance(answer, Answer):
            return answer
        if answer.status == 401:
            self._token = ""
            return NotSent("The session had ended.")
        said = answer.json()
        return Accepted(_ids(said)) if answer.ok else Refused(said["code"], said["words"], said.get("line"))


def _body(case: Case) -> bytes:
    entry = entry_of(case.document)
    lines = [
        {
            "account": each.account,
            "debit": money.text(each.debit, entry.currency),
            "credit": money.text(each.credit, entry.currency),
            "text": each.text,
        }
        for each in entry.lines
        if each.posts
    ]
    head = {
        "key": case.wire_key,
        "reference": entry.reference,
        "memo": entry.memo,
        "date": entry.posting_date.isoformat(),
    }
    return json.dumps({**head, "currency": entry.currency, "lines": lines}).encode()


def _ids(voucher: Mapping[str, Any]) -> Ids:
    return (("number", str(voucher["number"])),)


def _shown(voucher: Mapping[str, Any]) -> Shown:
    lines = tuple(
        ShownLine(each["account"], money.amount(each["debit"]), money.amount(each["credit"]), label_of(each["text"]))
        for each in voucher["lines"]
    )
    day = date.fromisoformat(voucher["date"])
    return Shown(day, day, voucher["currency"], sum((line.debit for line in lines), money.ZERO), lines)


def _seen(voucher: Mapping[str, Any]) -> Partial | Present | Ended:
    match voucher["status"]:
        case "draft":
            return Partial(_ids(voucher), POST.name, _shown(voucher))
        case "posted":
            return Present(_ids(voucher), _shown(voucher))
        case status:
            return Ended(_ids(voucher), status)


async def connect(settings: Mapping[str, str], secrets: Mapping[str, str], tools: Tools) -> Tally:
    values = FORM.clean(settings, secrets)
    tally = Tally(HttpClient("Tally", values["base_url"], tools.clock, tools.random, transport=tools.transport), values)
    await tally.ping()
    return tally


CONNECTOR = Connector("tally", "Tally", FORM, connect)
