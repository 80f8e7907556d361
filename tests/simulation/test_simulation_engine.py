"""What the simulation puts in the place of the engine keeps the same promises."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import pytest

from ml_connector.conformance.clock import SimulationClock
from ml_connector.conformance.loop import SimulationLoop
from ml_connector.engine.interface import Work
from tests.simulation.engine import Board, LoopEngine, Schedule
from tests.support.engine_contract import Bench, EngineContract

T = TypeVar("T")


class LoopBench:
    """One board, engines on it one after the other."""

    def __init__(self, loop: SimulationLoop) -> None:
        self.clock = SimulationClock(loop)
        self._loop = loop
        self._board = Board()

    def engine(self, work: Work) -> LoopEngine:
        return LoopEngine(self._board, work, self.clock)

    async def schedule(self, link: str, flow: str, connection: str, every_s: int) -> None:
        self._board.schedules.append(Schedule(connection, link, flow, every_s, self.clock.now()))

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        return self._loop.run(story)


class TestLoopEngine(EngineContract):
    @pytest.fixture
    def bench(self) -> Iterator[Bench]:
        loop = SimulationLoop(1)
        yield LoopBench(loop)
        loop.bury()
