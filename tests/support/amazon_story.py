"""One selling account of ours and the simulated Amazon behind a line of its own, in virtual time."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import timedelta
from io import BytesIO
from random import Random
from typing import Any, Generic, Protocol, TypeVar, cast

from ml_connector.amazon.config import read_config
from ml_connector.amazon.connection import AmazonAccount, Tools
from ml_connector.amazon.documents import FileSink
from ml_connector.conformance.clock import SimulationClock
from ml_connector.conformance.loop import SimulationLoop
from ml_connector.domain.clock import Clock
from ml_connector.sandbox.amazon import Doors
from ml_connector.sandbox.faults import Fault, FaultPlan
from ml_connector.sandbox.world import World
from tests.support.amazon import MemoryBuckets, MemoryTokens
from tests.support.clock import FakeClock
from tests.support.nodes import NodeTransport

T = TypeVar("T")


class WorldTime(Clock, Protocol):
    """A clock by which a simulated world can live too."""

    @property
    def speed(self) -> float: ...


C = TypeVar("C", bound=WorldTime)


class Scene(Generic[C]):
    """A world with an Amazon, and one selling account signed up to it from what the world announces."""

    def __init__(self, clock: C, scenario: Mapping[str, object] | None, faults: Sequence[Fault]) -> None:
        self.clock = clock
        self.world = World(
            self.clock,
            faults=FaultPlan(faults),
            scenario={"amazon": dict(scenario or {})},
            systems=("amazon",),
            base_url="https://sandbox.test",
        )
        self.doors = cast(Doors, self.world.systems["amazon"].control)
        self.new_refresh_tokens: list[str] = []
        self.buckets = MemoryBuckets(self.clock)
        self.account = self.sign_up()

    def sign_up(self, **replaced: str) -> AmazonAccount:
        """An account with what the world announces; ``replaced`` are secrets that are others by now."""
        announced = self.world.credentials()["amazon"]
        fields = {name: ",".join(value) if isinstance(value, list) else str(value) for name, value in announced.items()}
        secrets = {name: fields.pop(name) for name in ("client_secret", "refresh_token")} | replaced

        async def on_new(token: str) -> None:
            self.new_refresh_tokens.append(token)

        transport = NodeTransport(self.world.app)
        tools = Tools(self.clock, Random(1), MemoryTokens(), self.buckets, on_new, transport)
        return AmazonAccount(read_config(fields, secrets), tools)

    async def download(self, document_id: str) -> bytes:
        kept = BytesIO()
        await self.account.download(document_id, FileSink(kept))
        body = kept.getvalue()
        return gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body

    async def first_document(self) -> str:
        found = await self.account.discover_settlements(self.clock.now() - timedelta(days=90))
        return str(found[0].report_document_id)

    @property
    def quota_refusals(self) -> Mapping[str, int]:
        return self.account.client.quota_refusals


class Story(Scene[FakeClock]):
    """A scene in which time passes only when somebody sleeps."""

    def __init__(self, scenario: Mapping[str, object] | None = None, faults: Sequence[Fault] = ()) -> None:
        super().__init__(FakeClock(), scenario, faults)


def in_virtual_time(
    tell: Callable[[Scene[SimulationClock]], Coroutine[Any, Any, T]],
    *,
    faults: Sequence[Fault] = (),
    scenario: Mapping[str, object] | None = None,
) -> T:
    """What ``tell`` tells of a scene in which time-outs are real, and time is not."""
    loop = SimulationLoop(1)
    scene = Scene(SimulationClock(loop), scenario, faults)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(tell(scene))
