"""One selling account of ours and the simulated Amazon behind a line of its own, in virtual time."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from datetime import timedelta
from io import BytesIO
from random import Random
from typing import cast

from ml_connector.amazon.config import read_config
from ml_connector.amazon.connection import AmazonAccount, Tools
from ml_connector.amazon.documents import FileSink
from ml_connector.sandbox.amazon import Doors
from ml_connector.sandbox.faults import Fault, FaultPlan
from ml_connector.sandbox.world import World
from tests.support.amazon import MemoryBuckets, MemoryTokens
from tests.support.clock import FakeClock
from tests.support.nodes import NodeTransport


class Story:
    """A world with an Amazon, and one selling account signed up to it from what the world announces."""

    def __init__(self, scenario: Mapping[str, object] | None = None, faults: Sequence[Fault] = ()) -> None:
        self.clock = FakeClock()
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

    def sign_up(self) -> AmazonAccount:
        announced = self.world.credentials()["amazon"]
        fields = {name: ",".join(value) if isinstance(value, list) else str(value) for name, value in announced.items()}
        secrets = {name: fields.pop(name) for name in ("client_secret", "refresh_token")}

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
