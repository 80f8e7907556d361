"""What many histories have shown, added up, and as a table."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.simulation import sites
from tests.simulation.conditions import Conditions, Fate, Kind
from tests.simulation.network import APPLY, LineFault, Traffic
from tests.simulation.simulation import Simulation
from tests.simulation.world import Dress, Templates, Violated

#: How many seeds are played; ML_CONNECTOR_SIMULATION_SEEDS plays more (or fewer, to try something).
SEEDS: Final = int(os.environ.get("ML_CONNECTOR_SIMULATION_SEEDS", "500"))
CHUNK: Final = 25

_LINES_SHOWN: Final = 80


@dataclass(slots=True)
class Findings:
    """``broken`` are the histories in which a promise was broken, in words, with the way to play them again."""

    histories: int = 0
    steps: int = 0
    writes: int = 0
    virtual_s: float = 0.0
    replays: int = 0
    broken: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    sites: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    fates: Counter[str] = field(default_factory=Counter)
    strange: list[str] = field(default_factory=list)

    def take(self, simulation: Simulation) -> None:
        """Add what one history has shown."""
        loop = simulation.loop
        self.histories += 1
        self.steps += sum(loop.steps.values())
        self.writes += sum(simulation.sends.values())
        self.virtual_s += loop.time()
        self.replays += simulation.tells.replays
        self.kinds[simulation.conditions.kind] += 1
        counted, strange = sites.counted(loop.places)
        self.sites.update({str(site): count for site, count in counted.items()})
        self.strange += strange
        self.faults.update({_fault(*each): count for each, count in simulation.line.counts.items()})
        self.fates.update({str(fate): count for fate, count in simulation.tells.fates.items()})

    def play(self, simulation: Simulation, how_again: str) -> None:
        """Play one history to its end and take note of how it went."""
        try:
            simulation.play()
        except Exception as problem:  # noqa: BLE001 - whatever it is, it is reported with its seed
            tail = "\n".join(simulation.tells.said[-_LINES_SHOWN:])
            self.broken.append(f"{tail}\n{type(problem).__name__}: {problem}\nPlay it again: {how_again}")
        self.take(simulation)

    def plain(self) -> dict[str, Any]:
        """As plain data."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Findings:
        findings = cls()
        for name, value in data.items():
            setattr(findings, name, Counter(value) if isinstance(value, dict) else value)
        return findings

    def add(self, other: Findings) -> None:
        for name in ("histories", "steps", "writes", "virtual_s", "replays"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("kinds", "sites", "faults", "fates"):
            getattr(self, name).update(getattr(other, name))
        self.broken += other.broken
        self.strange += other.strange

    def never(self) -> list[str]:
        """Sites nobody was killed at, faults and fates that never happened."""
        wanted = [str(site) for site in sites.all_sites()]
        missing = [name for name in wanted if not self.sites[name]]
        missing += [name for name in all_faults() if not self.faults[name]]
        return missing + [str(fate) for fate in Fate if not self.fates[str(fate)]]

    def table(self) -> str:
        lines = [
            f"histories: {self.histories} ({', '.join(f'{name} {count}' for name, count in sorted(self.kinds.items()))})",
            f"virtual days: {self.virtual_s / 86_400:.0f}, steps: {self.steps}, writes sent: {self.writes}",
            f"replays by a person: {self.replays}, broken promises: {len(self.broken)}",
            "",
            *_column("killed at", {str(site): self.sites[str(site)] for site in sites.all_sites()}),
            "",
            *_column("what the line did", {name: self.faults[name] for name in all_faults()}),
            "",
            *_column("what befell processes", {str(fate): self.fates[str(fate)] for fate in Fate}),
        ]
        return "\n".join(lines)


def chunk(templates: Templates, number: int) -> Findings:
    """The histories of one portion of the seeds."""
    findings = Findings()
    for seed in range(number * CHUNK, min((number + 1) * CHUNK, SEEDS)):
        with Simulation(templates, seed, Conditions.of_seed(seed)) as simulation:
            findings.play(simulation, f"ML_CONNECTOR_SIMULATION_SEED={seed} pytest tests/simulation -k one_seed")
    return findings


def chunks() -> range:
    return range(-(-SEEDS // CHUNK))


#: More rough histories than it takes to stand at every await.
ROUGH_MAX: Final = 120


def hunt(templates: Templates) -> Findings:
    """Rough histories in which every process is killed at the first await at which nobody was killed before."""
    findings = Findings()
    wanted = set(sites.all_sites())
    for seed in range(ROUGH_MAX):
        if not wanted:
            break
        with Simulation(templates, seed, Conditions.rough(seed)) as simulation:
            simulation.hunt(wanted)
            findings.play(simulation, f"the hunt, seed {seed}")
    return findings


def first_broken(templates: Templates, dress: Dress, kind: str, *, judges_intents: bool = True) -> int | None:
    """The first seed at which a wrong target breaks the promise ``kind``; None if none of 500 does it."""
    for seed in range(500):
        with Simulation(templates, seed, Conditions.of_seed(seed, Kind.PLAIN), dress=dress) as simulation:
            simulation.judges_intents = judges_intents
            try:
                simulation.play()
            except Violated as violated:
                if violated.kind == kind:
                    return seed
    return None


def all_faults() -> list[str]:
    return [_fault(traffic, fault) for traffic in Traffic for fault in APPLY[traffic]]


def _fault(traffic: Traffic, fault: LineFault) -> str:
    return f"{traffic}: {fault}"


def _column(title: str, counts: Mapping[str, int]) -> Iterator[str]:
    yield title
    for name, count in counts.items():
        yield f"{count:8d}  {name}"
