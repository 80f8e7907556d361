"""What the simulation itself promises: a kill is a kill, a seed is a history, and time is its own."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ml_connector.conformance.loop import SimulationLoop, Stuck
from tests.simulation import sites
from tests.simulation.conditions import Conditions
from tests.simulation.simulation import Simulation
from tests.simulation.world import Templates

ROOT = Path(__file__).parents[2]


def test_a_killed_process_runs_no_finally_and_no_except() -> None:
    loop = SimulationLoop(1)
    told: list[str] = []

    async def victim() -> None:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            told.append("cancelled")
        finally:
            told.append("finally")

    async def story() -> None:
        loop.start("victim", victim())
        await asyncio.sleep(1)
        loop.kill("victim")
        await asyncio.sleep(100)

    loop.run(story())
    assert told == []
    loop.bury()


def test_a_killed_process_takes_its_tasks_and_its_timers_with_it() -> None:
    loop = SimulationLoop(1)
    told: list[str] = []

    async def child() -> None:
        await asyncio.sleep(5)
        told.append("child")

    async def victim() -> None:
        asyncio.get_running_loop().call_later(5, told.append, "timer")
        await asyncio.gather(child(), child())

    async def story() -> None:
        loop.start("victim", victim())
        await asyncio.sleep(1)
        loop.kill("victim")
        await asyncio.sleep(100)

    loop.run(story())
    assert told == []
    loop.bury()


def test_a_frozen_process_goes_on_later_and_its_time_outs_have_passed() -> None:
    loop = SimulationLoop(1)
    told: list[tuple[str, float]] = []

    async def sleeper() -> None:
        try:
            async with asyncio.timeout(5):
                await asyncio.sleep(50)
        except TimeoutError:
            told.append(("timed out", loop.time()))

    async def story() -> None:
        task = loop.start("sleeper", sleeper())
        await asyncio.sleep(1)
        loop.freeze("sleeper", 30)
        await task

    loop.run(story())
    assert told == [("timed out", 31.0)]
    loop.bury()


def test_what_cannot_go_on_is_said_and_not_waited_for() -> None:
    loop = SimulationLoop(1)

    async def story() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Stuck, match="nothing can run"):
        loop.run(story())
    loop.bury()


def test_what_goes_round_in_circles_is_said() -> None:
    loop = SimulationLoop(1, steps_max=1000)

    async def story() -> None:
        while True:  # noqa: ASYNC110 - it is what the test is about
            await asyncio.sleep(0)

    with pytest.raises(Stuck, match="too many steps"):
        loop.run(story())
    loop.bury()


def test_a_defect_in_any_process_ends_the_history() -> None:
    loop = SimulationLoop(1)

    def defect() -> None:
        raise ZeroDivisionError

    async def story() -> None:
        loop.call_later(1, defect)
        await asyncio.sleep(10)

    with pytest.raises(ZeroDivisionError):
        loop.run(story())
    loop.bury()


def test_every_function_named_as_out_of_reach_is_there() -> None:
    functions = {(site.file, site.function) for file in sites.FILES for site in sites._of_file(file)}
    for place in sites.ELSEWHERE:
        file, _, pattern = place.partition(" ")
        assert any(file == known and sites._covers(pattern, function) for known, function in functions), place


def told(templates: Templates, seed: int) -> str:
    """The whole history of a seed, as one number."""
    with Simulation(templates, seed, Conditions.of_seed(seed)) as simulation:
        simulation.play()
        return hashlib.sha256("\n".join(simulation.tells.said).encode()).hexdigest()


@pytest.mark.parametrize("seed", [3, 8, 21])
def test_one_seed_is_one_history(templates: Templates, seed: int) -> None:
    assert told(templates, seed) == told(templates, seed)


def test_one_seed_is_one_history_in_every_process(templates: Templates, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from tests.simulation.world import Templates; "
        "from tests.simulation.test_simulation_loop import told; "
        "print([told(Templates(Path(sys.argv[1])), seed) for seed in (5, 17)])"
    )

    def elsewhere(hash_seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path)], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    assert elsewhere("1") == elsewhere("2") == str([told(templates, seed) for seed in (5, 17)])
