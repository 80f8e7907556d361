"""A world: every simulated system on one clock, one seed, one ledger and one plan of faults.

Each system is a package beside this file that offers ``build(world) -> System``. It is reached under a path of its own
name (``/amazon/...``, ``/sap_business_one/...``) and sees the rest of the path only.
"""

from __future__ import annotations

import importlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Protocol, cast

from ml_connector.sandbox.clock import SkewedClock, WorldClock
from ml_connector.sandbox.faults import (
    ASGIApp,
    FaultPlan,
    Message,
    Receive,
    Refusal,
    Scope,
    Send,
    SystemFaults,
    faulty,
    plain_refusal,
    read_toml,
)
from ml_connector.sandbox.ledger import Book, Ledger

SYSTEMS = ("amazon", "sap_business_one", "sage_300")
"""Every simulated system, named as its folder."""


def method_and_path(method: str, path: str) -> str:
    """The default name of an operation in a fault plan: ``POST /b1s/v2/JournalEntries``."""
    return f"{method} {path}"


@dataclass(frozen=True, slots=True)
class System:
    """One simulated system.

    ``credentials(base_url)`` gives what the system's sign-in form asks for; ``base_url`` is the world's own address without
    a trailing slash. ``operation(method, path)`` names a request for the fault plan, with the path as the system sees it.
    ``refusal(status)`` words a 429, 500 or 503 as the system does, ``refusals`` where an operation does it in its own way.
    ``control`` is the system's own door for tests.
    """

    name: str
    app: ASGIApp
    credentials: Callable[[str], dict[str, object]]
    operation: Callable[[str, str], str] = method_and_path
    refusal: Callable[[int], Refusal] = plain_refusal
    refusals: Mapping[str, Callable[[int], Refusal]] = field(default_factory=dict)
    control: object = None


class _Package(Protocol):
    def build(self, world: World) -> System: ...


class World:
    """Everything outside of the connector.

    ``state`` None keeps the world in memory. A world read again from its ledger keeps the seed and the instant ``born`` it
    was made for, where its past was made to end; the scenario (parsed TOML, one table per system) is to be given again.
    """

    def __init__(
        self,
        clock: WorldClock,
        *,
        seed: int = 1,
        state: Ledger | None = None,
        faults: FaultPlan | None = None,
        scenario: Mapping[str, object] | None = None,
        systems: Sequence[str] = SYSTEMS,
        base_url: str = "http://sandbox.test",
    ) -> None:
        self.clock = clock
        self.faults = FaultPlan() if faults is None else faults
        self.base_url = base_url
        self._scenario = {} if scenario is None else dict(scenario)
        self._ledger = Ledger() if state is None else state
        self.seed, self.born = self._remembered(seed)
        self.systems = {name: _package(name).build(self) for name in systems}
        self._apps = {name: self._behind_faults(system) for name, system in self.systems.items()}

    @property
    def app(self) -> ASGIApp:
        """All systems as one ASGI app."""
        return self._dispatch

    def credentials(self) -> dict[str, dict[str, object]]:
        """A member per system, holding what its sign-in form asks for, at this world's present address."""
        return {name: system.credentials(self.base_url) for name, system in self.systems.items()}

    def scenario_of(self, system: str) -> Mapping[str, object]:
        """The scenario's table for one system, empty where it has none. Raises ValueError where it is not a table."""
        table = self._scenario.get(system, {})
        if not isinstance(table, Mapping):
            raise ValueError(f"[{system}] in the scenario must be a table")
        return table

    def book(self, system: str) -> Book:
        """The ledger tables of one system."""
        return self._ledger.book(system)

    def random(self, name: str) -> random.Random:
        """A source of chance of its own for each name, the same for the same seed."""
        return random.Random(f"{self.seed}:{name}")  # noqa: S311 - a game, not a secret

    def clock_of(self, system: str) -> WorldClock:
        """The clock as one system reads it: wrong where the fault plan says so."""
        skew_s = self.faults.skew_s(system)
        return SkewedClock(self.clock, skew_s) if skew_s else self.clock

    def faults_of(self, system: str) -> SystemFaults:
        """What a system asks about its own inside."""
        return self.faults.of_system(system)

    def keep(self) -> None:
        """Note the present virtual instant, so that time does not run backwards when the world is opened again."""
        self._ledger.book("world").execute("UPDATE {world} SET kept = ?", (self.clock.now().isoformat(),))

    def _remembered(self, seed: int) -> tuple[int, datetime]:
        book = self._ledger.book("world")
        book.create("world", "seed INTEGER NOT NULL, born TEXT NOT NULL, kept TEXT NOT NULL")
        found = book.row("SELECT seed, born FROM {world}")
        if found is not None:
            return int(found["seed"]), datetime.fromisoformat(found["born"])
        now = self.clock.now()
        book.execute("INSERT INTO {world} VALUES (?, ?, ?)", (seed, now.isoformat(), now.isoformat()))
        return seed, now

    def _behind_faults(self, system: System) -> ASGIApp:
        return faulty(
            system.app,
            self.faults_of(system.name),
            self.clock,
            operation=system.operation,
            refusal=system.refusal,
            refusals=system.refusals,
        )

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"the sandbox speaks HTTP, not {scope['type']}")
        name, _, rest = scope["path"].removeprefix("/").partition("/")
        app = self._apps.get(name)
        if app is None:
            await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
            return
        raw_path = scope.get("raw_path") or scope["path"].encode()
        inner = {**scope, "path": f"/{rest}", "raw_path": raw_path[len(name) + 1 :] or b"/"}
        await app(inner, receive, _dated(send, self.clock_of(name)))


def _dated(send: Send, clock: WorldClock) -> Send:
    """Answers carry the Date of the system's own clock, which runs fast or is wrong where the world says so."""

    async def dated(message: Message) -> None:
        if message["type"] == "http.response.start":
            date = format_datetime(clock.now(), usegmt=True).encode()
            message = {**message, "headers": [*message.get("headers", []), (b"date", date)]}
        await send(message)

    return dated


def kept_instant(ledger: Ledger) -> datetime | None:
    """The last virtual instant noted in a ledger, None in a new one: time goes on from there."""
    book = ledger.book("world")
    book.create("world", "seed INTEGER NOT NULL, born TEXT NOT NULL, kept TEXT NOT NULL")
    found = book.row("SELECT kept FROM {world}")
    return None if found is None else datetime.fromisoformat(found["kept"])


def load_scenario(path: Path) -> dict[str, object]:
    """Read a scenario file: TOML with an optional ``seed`` and one table per system.

    Raises ValueError where it names a system that there is not.
    """
    scenario = read_toml(path)
    unknown = set(scenario) - set(SYSTEMS) - {"seed"}
    if unknown:
        raise ValueError(f"the scenario names {', '.join(sorted(unknown))}; there are: seed, {', '.join(SYSTEMS)}")
    return scenario


def _package(name: str) -> _Package:
    if name not in SYSTEMS:
        raise ValueError(f"no simulated system named {name!r}; there are: {', '.join(SYSTEMS)}")
    return cast(_Package, importlib.import_module(f"ml_connector.sandbox.{name}"))
