"""One simulated Business One company with a connector signed in to it, under one clock, for tests that play scenes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random
from typing import TypeVar

import httpx2

from ml_connector.domain.documents import Document
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import (
    Absent,
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
    Unsupported,
)
from ml_connector.erp.registry import Tools
from ml_connector.erp.sap_business_one.connector import SapBusinessOne, connect
from ml_connector.posting.decide import Decision, Go, Rules, Wait, decide
from ml_connector.sandbox.clock import ManualClock
from ml_connector.sandbox.faults import FaultPlan
from ml_connector.sandbox.sap_business_one import Control
from ml_connector.sandbox.world import World
from tests.support.nodes import NodeTransport
from tests.support.sap import OpenPermit

T = TypeVar("T")

START = datetime(2026, 11, 21, 12, tzinfo=UTC)

#: The version of the protocol that the company's address names while a test runs: see the fixture ``both_versions``.
SPOKEN: ContextVar[str] = ContextVar("spoken", default="v2")


class OneClock(ManualClock):
    """The world's time and the connector's at once; sleeping moves it."""

    def __init__(self) -> None:
        super().__init__(START, leaps=True)

    def monotonic(self) -> float:
        return (self.now() - START).total_seconds()


@dataclass
class Overheard(httpx2.AsyncBaseTransport):
    """A line to a node; what goes over it is kept."""

    node: NodeTransport
    heard: list[httpx2.Request]

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.heard.append(request)
        return await self.node.handle_async_request(request)


@dataclass
class Scene:
    """One world with a Business One company in it, and a connector signed in to it."""

    control: Control
    clock: OneClock
    target: SapBusinessOne
    reconnect: Callable[[], Awaitable[SapBusinessOne]]
    trail: list[Attempt] = field(default_factory=list)
    linked: dict[DocumentKey, Ids] = field(default_factory=dict)

    def case(self, document: Document) -> Case:
        return Case(document, self.target.wire_key(document), linked=self.linked)

    async def post(self, *documents: Document) -> list[Receipt]:
        moves = []
        for document in documents:
            steps = self.target.steps(document)
            assert not isinstance(steps, Unsupported), steps
            moves.append(Move(self.case(document), Absent("a look of the test"), steps[0]))
        receipts = await self.target.advance(moves, OpenPermit())
        return [receipts[move.key] for move in moves]

    async def seen(self, document: Document) -> Seen:
        return (await self.target.observe([self.case(document)]))[document.key]

    async def carried(self, document: Document, rules: Rules | None = None, *, writes: int = 10) -> Decision:
        """Look, decide and write as posting does, at most so many ``writes``; the decision after which nothing is left to do
        now. What was written is in :attr:`trail`, and the document's numbers in :attr:`linked`."""
        case = self.case(document)
        while True:
            steps = self.target.steps(document, case.trail)
            assert not isinstance(steps, Unsupported), steps
            seen = (await self.target.observe([case]))[document.key]
            expected = self.target.project(document, self.linked)
            decision = decide(case, steps, seen, expected, self.clock.now(), rules or Rules())
            if not isinstance(decision, Go) or not writes:
                if not isinstance(decision, (Go, Wait)):
                    self.linked[document.key] = getattr(decision, "ids", ())
                return decision
            writes -= 1
            move = Move(case, decision.on or seen, decision.step)
            receipt = (await self.target.advance([move], OpenPermit()))[document.key]
            self.trail.append(_attempt(move, receipt, self.clock.now()))
            case = replace(case, trail=(*case.trail, self.trail[-1]))


def _attempt(move: Move, receipt: Receipt, now: datetime) -> Attempt:
    match receipt:
        case Accepted(ids):
            return Attempt(move.step.name, now, Outcome.ACCEPTED, ids)
        case Refused(code, words, _):
            return Attempt(move.step.name, now, Outcome.REFUSED, (), f"{code}: {words}")
        case NotSent(why):
            return Attempt(move.step.name, now, Outcome.NOT_SENT, (), why)
        case _:
            return Attempt(move.step.name, now, Outcome.UNKNOWN)


def play(
    act: Callable[[Scene], Awaitable[T]],
    *,
    switches: Mapping[str, object] | None = None,
    faults: list[dict[str, object]] | None = None,
    prepare: bool = True,
    settings: Mapping[str, str] | None = None,
    heard: list[httpx2.Request] | None = None,
) -> T:
    """Make a world, sign in, prepare the company unless told otherwise, and play ``act``. ``settings`` change the connection's;
    every request of the connector is added to ``heard``."""

    async def play_it() -> T:
        clock = OneClock()
        plan = FaultPlan.of({"faults": [{"system": "sap_business_one", **fault} for fault in faults or []]})
        scenario = {"sap_business_one": {"switches": dict(switches or {}), "version": SPOKEN.get()}}
        world = World(
            clock, faults=plan, scenario=scenario, systems=("sap_business_one",), base_url="https://sandbox.test"
        )
        node = NodeTransport(world.app)
        line = Overheard(node, [] if heard is None else heard)
        form = {name: str(value) for name, value in world.credentials()["sap_business_one"].items()}
        secrets = {"password": form.pop("password")}
        form |= settings or {}

        async def reconnect() -> SapBusinessOne:
            return await connect(form, secrets, Tools(clock, Random(1), line))

        control = world.systems["sap_business_one"].control
        assert isinstance(control, Control)
        scene = Scene(control, clock, await reconnect(), reconnect)
        if prepare:
            await scene.target.prepare()
        result = await act(scene)
        await scene.target.close()
        await node.settle()
        return result

    return asyncio.run(play_it())
