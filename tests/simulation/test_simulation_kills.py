"""One document, and a process that is killed before each of its steps, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulation.conditions import Conditions, Fate, Kind
from tests.simulation.findings import Findings
from tests.simulation.network import LineFault
from tests.simulation.simulation import Simulation
from tests.simulation.world import Templates

WORKER = "worker-1.1"


def alone(templates: Templates, kind: Kind, reply: LineFault | None) -> Simulation:
    """One worker, one document, and what happens to its first write."""
    conditions = Conditions(kind, workers=1, sets=1, entries=1)
    simulation = Simulation(templates, 1, conditions)
    simulation.line.script.append(reply)
    return simulation


def steps(templates: Templates, kind: Kind, reply: LineFault | None) -> int:
    """How many steps the worker takes until everything is posted, if nobody kills it."""
    with alone(templates, kind, reply) as simulation:
        simulation.play()
        return simulation.loop.steps[WORKER]


def killed(templates: Templates, kind: Kind, reply: LineFault | None) -> Iterator[tuple[int, Simulation]]:
    for step in range(1, steps(templates, kind, reply) + 1):
        with alone(templates, kind, reply) as simulation:
            simulation.loop.before_step[WORKER] = {step: lambda process: simulation.befall(process, Fate.KILL)}
            yield step, simulation


@pytest.mark.parametrize("reply", [None, LineFault.LOST_REPLY, LineFault.LATE])
@pytest.mark.parametrize("kind", [Kind.PLAIN, Kind.CLAIM])
def test_a_kill_before_any_step_posts_the_document_once(
    templates: Templates, kind: Kind, reply: LineFault | None
) -> None:
    findings = Findings()
    for step, simulation in killed(templates, kind, reply):
        findings.play(simulation, f"{kind}, {reply}, killed before step {step}")

    assert not findings.broken, "\n\n".join(findings.broken)
    assert findings.fates[str(Fate.KILL)] == findings.histories
