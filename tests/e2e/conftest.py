"""A simulated outside world and an installation for each test, over real loopback HTTP."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.elsewhen import SetClock
from tests.support.installation import Installation
from tests.support.sandbox_server import SandboxServer

#: Little trade, so that a test reads as a story and takes a second.
SMALL = {"stores": ["US"], "settlements": 2, "period_days": 7, "orders_per_day": 1}

#: When every story begins, by the clocks of all who act in it. What closed in the two weeks before lies in one month, with all
#: that it holds: a settlement is one document, whatever the day on which the tests run.
AT = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)

Serve = Callable[..., SandboxServer]


@pytest.fixture
def clock() -> SetClock:
    """What the time is in this story."""
    return SetClock(AT)


@pytest.fixture
def serve(clock: SetClock) -> Iterator[Serve]:
    """Start a world of little trade. Keywords without a name of their own are the scenario's ``[amazon]`` table."""
    running: list[SandboxServer] = []

    def start(
        *,
        sap: dict[str, object] | None = None,
        faults: tuple[dict[str, object], ...] = (),
        **amazon: object,
    ) -> SandboxServer:
        scenario = {"amazon": {**SMALL, **amazon}, "sap_business_one": sap or {}}
        server = SandboxServer(scenario, faults=faults, start=clock.now())
        running.append(server)
        return server

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def shop(tmp_path: Path, clock: SetClock) -> Installation:
    """An installation that knows nothing yet."""
    return Installation(tmp_path, clock)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that any library would write at the level of debugging."""
    text, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(text), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)
