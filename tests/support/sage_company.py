"""The Sage connector against the simulated Web API, one company per scene, driven by what posting decides."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random
from typing import Any, TypeVar

import httpx2

from ml_connector.domain.documents import (
    Application,
    Document,
    JournalEntry,
    Kind,
    Payment,
    SalesDocument,
    SalesLine,
)
from ml_connector.domain.keys import DocumentKey, document_key
from ml_connector.domain.target import (
    Accepted,
    Attempt,
    Case,
    Ids,
    Move,
    NotSent,
    Outcome,
    Receipt,
    Refused,
    Seen,
    Step,
    Unsupported,
)
from ml_connector.erp.registry import Tools
from ml_connector.erp.sage_300.connector import Sage300, connect
from ml_connector.posting.decide import Decision, Go, Hold, Rules, Wait, decide
from ml_connector.sandbox.faults import FaultPlan
from ml_connector.sandbox.sage_300 import Control
from ml_connector.sandbox.world import World
from tests.support.clock import FakeClock
from tests.support.entries import entry, line
from tests.support.nodes import NodeTransport
from tests.support.sap import OpenPermit

T = TypeVar("T")

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = date(2026, 10, 26)
_ROUNDS_MAX = 60


@dataclass
class Scene:
    """A connected company. ``trails`` and ``ids`` are what our store would hold."""

    target: Sage300
    control: Control
    clock: FakeClock
    world: World
    trails: dict[DocumentKey, list[Attempt]] = field(default_factory=dict)
    ids: dict[DocumentKey, Ids] = field(default_factory=dict)
    linked: dict[DocumentKey, Ids] = field(default_factory=dict)

    def case(self, document: Document) -> Case:
        return Case(
            document,
            self.target.wire_key(document),
            tuple(self.trails.get(document.key, ())),
            self.ids.get(document.key, ()),
            linked={key: self.ids.get(key, ()) for key in document.depends_on},
        )

    def steps(self, document: Document) -> tuple[Step, ...]:
        steps = self.target.steps(document)
        assert not isinstance(steps, Unsupported), steps.why
        return steps

    async def seen(self, document: Document) -> Seen:
        return (await self.target.observe([self.case(document)]))[document.key]

    async def do(self, document: Document, seen: Seen, name: str) -> Receipt:
        """One write, noted in the trail."""
        step = next(step for step in self.steps(document) if step.name == name)
        receipts = await self.target.advance([Move(self.case(document), seen, step)], OpenPermit())
        receipt = receipts[document.key]
        said = f"{receipt.code}: {receipt.words}" if isinstance(receipt, Refused) else ""
        attempt = Attempt(name, self.clock.now(), _outcome(receipt), _ids(receipt), said)
        self.trails.setdefault(document.key, []).append(attempt)
        if _ids(receipt):
            self.ids[document.key] = _ids(receipt)
        return receipt

    async def post(self, document: Document, rules: Rules | None = None) -> Decision:
        """Look, decide, write, until it is done, held, or waits for a person."""
        for _ in range(_ROUNDS_MAX):
            case, steps = self.case(document), self.steps(document)
            looked_at = self.clock.now()
            seen = await self.seen(document)
            expected = self.target.project(document, case.linked or {})
            decision = decide(case, steps, seen, expected, looked_at, rules or Rules())
            if isinstance(decision, Go):
                receipt = await self.do(document, seen, decision.step.name)
                if isinstance(receipt, Refused) and receipt.code != "duplicate":
                    return Hold("refused", receipt.words)
            elif isinstance(decision, Wait) and not decision.entered:
                self.clock.advance((decision.until - looked_at).total_seconds())
            else:
                self.ids[document.key] = getattr(decision, "ids", ()) or self.ids.get(document.key, ())
                return decision
        raise AssertionError("no end")


@dataclass
class Listening(httpx2.AsyncBaseTransport):
    """Somebody who hears every request on its way."""

    inner: httpx2.AsyncBaseTransport
    heard: list[httpx2.Request]

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.heard.append(request)
        return await self.inner.handle_async_request(request)


def play(
    act: Callable[[Scene], Awaitable[T]],
    *,
    switches: Mapping[str, object] | None = None,
    faults: Sequence[Mapping[str, object]] = (),
    settings: Mapping[str, str] | None = None,
    heard: list[httpx2.Request] | None = None,
    between: Callable[[httpx2.AsyncBaseTransport], httpx2.AsyncBaseTransport] = lambda line: line,
    seed: int = 1,
) -> T:
    """Run ``act`` on a company of its own. ``heard`` takes every request; ``between`` puts something before the server; the
    connector's chances are those of ``seed``."""

    async def run() -> T:
        clock = FakeClock(START)
        world = World(
            clock,
            faults=FaultPlan.of({"faults": [{"system": "sage_300", **fault} for fault in faults]}),
            scenario={"sage_300": {"switches": dict(switches or {})}},
            systems=["sage_300"],
            base_url="https://sandbox.test",
        )
        control = world.systems["sage_300"].control
        assert isinstance(control, Control)
        given = {name: str(value) for name, value in world.credentials()["sage_300"].items()}
        secrets = {"password": given.pop("password")}
        line = Listening(NodeTransport(world.app), heard if heard is not None else [])
        tools = Tools(clock, Random(seed), between(line))
        target = await connect({**given, **(settings or {})}, secrets, tools)
        try:
            return await act(Scene(target, control, clock, world))
        finally:
            await target.close()

    return asyncio.run(run())


def journal(settlement: str = "90000000011", currency: str = "USD", day: date = DAY) -> JournalEntry:
    """A settlement's entry of four lines over 309.92."""
    lines = (
        line("product_sales", "4010", credit="309.92"),
        line("referral_fees", "6105", debit="48.38"),
        line("reserve", "1151", debit="175.75"),
        line("payout", "1150", debit="85.79"),
    )
    return entry(settlement, lines=lines, currency=currency, day=day)


def _outcome(receipt: Receipt) -> Outcome:
    match receipt:
        case Accepted():
            return Outcome.ACCEPTED
        case Refused():
            return Outcome.REFUSED
        case NotSent():
            return Outcome.NOT_SENT
        case _:
            return Outcome.UNKNOWN


def _ids(receipt: Receipt) -> Ids:
    return receipt.ids if isinstance(receipt, Accepted) else ()


ORDER = "113-0000001-0000001"


def sale(
    kind: Kind = Kind.INVOICE,
    order: str = ORDER,
    *lines: SalesLine,
    customer: str = "AMZUS",
    currency: str = "USD",
    **change: Any,
) -> SalesDocument:
    """Two stools for 59.98 less 5.00 and 5.99 shipping, as distribution codes: 60.97 in all. Other ``lines`` replace them."""
    standard = (
        SalesLine("AMZSAL", "2 stools", Decimal(2), Decimal("59.98"), Decimal("5.00"), tax_code="AMZNTX"),
        SalesLine("AMZSHP", "Shipping", Decimal(1), Decimal("5.99"), tax_code="AMZNTX"),
    )
    document = SalesDocument(
        key=document_key("ABCD", kind.value, order),
        kind=kind,
        company="",
        branch="",
        posting_date=DAY,
        document_date=DAY,
        currency=currency,
        customer=customer,
        reference=order,
        memo=f"Amazon order {order}",
        lines=lines or standard,
    )
    return replace(document, **change)


def receipt(*paid: tuple[SalesDocument, str], on_account: str = "0", settlement: str = "90000000011") -> Payment:
    """A receipt of a settlement that pays ``paid``, each with an amount."""
    return Payment(
        key=document_key("ABCD", "RC", settlement),
        kind=Kind.RECEIPT,
        company="",
        branch="",
        posting_date=DAY,
        document_date=DAY,
        currency="USD",
        customer="AMZUS",
        account="SEATAC",
        reference=settlement,
        memo=f"Amazon settlement {settlement}",
        applications=tuple(Application(document.key, Decimal(amount)) for document, amount in paid),
        on_account=Decimal(on_account),
    )
