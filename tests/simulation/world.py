"""What a history happens in: the shipped store, connector, transport and simulator, with simulated time and network.

It also watches: a write without its intent on record, or a document that counts twice, ends the history at that moment.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, Final, Self

import httpx2
from sqlalchemy import Connection

from ml_connector.conformance.clock import SimulationClock
from ml_connector.conformance.loop import SimulationLoop, current_process
from ml_connector.domain.clock import Clock
from ml_connector.domain.documents import JournalEntry, State
from ml_connector.domain.errors import MlConnectorError
from ml_connector.domain.target import Case, Target
from ml_connector.erp.registry import Tools
from ml_connector.erp.sap_business_one.connector import SapBusinessOne, connect
from ml_connector.posting import approvals
from ml_connector.posting.decide import Done, Rules, decide
from ml_connector.posting.loop import Note, Poster
from ml_connector.sandbox.ledger import Ledger
from ml_connector.sandbox.sap_business_one import Control
from ml_connector.sandbox.world import World as Sandbox
from ml_connector.store import attempts, audit, documents, posting_sets
from ml_connector.store.documents import NewDocument
from ml_connector.store.door import Counts, InlineDoor, Store
from tests.simulation import books
from tests.simulation.conditions import Conditions, Fate, Kind
from tests.simulation.network import Exchange, Line, Network, late_at_most, late_without_bound

CONNECTION: Final = "sap"
LINK: Final = "main"
SETTLE_S: Final = 600.0
AUDIT_KEY: Final = b"the audit key of a simulation...."
BASE_URL: Final = "https://sandbox.test"

_SESSION: Final = re.compile("B1SESSION=([^;]+)")
_NUMBERS: Final = itertools.count(1)


class Violated(AssertionError):
    """A promise was broken. ``kind`` says which."""

    def __init__(self, kind: str, words: str) -> None:
        super().__init__(f"{kind}: {words}")
        self.kind = kind


@dataclass(slots=True)
class Tells:
    """What a history has shown. ``said`` is the whole of it, line by line."""

    said: list[str] = field(default_factory=list)
    fates: Counter[Fate] = field(default_factory=Counter)
    replays: int = 0


class Templates:
    """What every history begins with a copy of: a migrated database, and companies with and without the tables of claims."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "template.db"
        self._companies: dict[tuple[Kind, bool], Ledger] = {}
        loop = SimulationLoop(0)
        Store.open(self.store, SimulationClock(loop), yield_point=_yield_point, fsync=False).engine.dispose()
        loop.bury()

    def company(self, conditions: Conditions) -> Ledger:
        """A company's ledger of its own; prepared where documents are posted by claim from the start."""
        wanted = (conditions.kind, conditions.branches)
        if wanted not in self._companies:
            self._companies[wanted] = self._found(*wanted)
        copy = Ledger()
        self._companies[wanted]._connection.backup(copy._connection)
        return copy

    def _found(self, kind: Kind, branches: bool) -> Ledger:
        ledger = Ledger()
        with World(self, 0, Conditions(kind, branches=branches), ledger=ledger) as world:
            if kind is Kind.CLAIM:
                world.run(world.prepare("founder"))
        return ledger


async def _yield_point() -> None:
    await asyncio.sleep(0)


#: Makes of a connected target what the workers are given: the mutants' way in.
Dress = Callable[[Target, Clock], Target]


class World:
    """What a history happens in. Use as a context manager: leaving it throws everything away."""

    def __init__(
        self,
        templates: Templates,
        seed: int,
        conditions: Conditions,
        *,
        ledger: Ledger | None = None,
        dress: Dress = lambda target, _clock: target,
        sets: Sequence[Sequence[JournalEntry]] | None = None,
        rules: Rules | None = None,
        settle_s: float | None = None,
    ) -> None:
        self.seed = seed
        self.conditions = conditions
        self.loop = SimulationLoop(seed)
        self.clock = SimulationClock(self.loop)
        self.tells = Tells()
        self.judges_intents = True
        self.watches_books = True
        self.rules = rules or Rules()
        self._dress = dress
        self._settle_s = settle_s
        self._path = templates.folder / f"history-{next(_NUMBERS)}.db"
        _remove(self._path)
        shutil.copyfile(templates.store, self._path)
        self.store = Store.open(self._path, self.clock, yield_point=_yield_point, fsync=False)
        self._reader = sqlite3.connect(self._path, isolation_level=None)
        self.sandbox = Sandbox(
            self.clock,
            state=ledger if ledger is not None else templates.company(conditions),
            systems=("sap_business_one",),
            base_url=BASE_URL,
            scenario={
                "sap_business_one": {
                    "switches": {
                        "enable_branches": conditions.branches,
                        "session_timeout_minutes": conditions.session_min,
                    }
                }
            },
        )
        control = self.sandbox.systems["sap_business_one"].control
        assert isinstance(control, Control)
        self.control = control
        late = late_without_bound if conditions.kind is not Kind.PLAIN else late_at_most
        self.line = Line(late_s=late(SETTLE_S), kinds=conditions.kinds)
        self.network = Network(
            loop=self.loop,
            app=self.sandbox.app,
            line=self.line,
            end_sessions=control.end_sessions,
            admit=self._admitted,
            sent=self._sent,
            handled=self._handled,
            note=self.say,
        )
        self.network.chunked, self.network.bare_lists = conditions.chunked, conditions.bare_lists
        self.sets = [
            list(each)
            for each in (
                sets
                or books.settlements(
                    conditions.sets,
                    Random(f"books {seed}"),
                    entries=conditions.entries,
                    branch="1" if conditions.branches else "",
                )
            )
        ]
        self.sends: Counter[str] = Counter()
        self.planted: list[int] = []
        self.told_to_stop: set[str] = set()
        self._stores: list[Store] = []

    def __enter__(self) -> Self:
        # Collected between histories and never within one: when a generator is finalised must not depend on what ran before.
        gc.disable()
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.bury()
        for store in self._stores:
            door = store._door
            assert isinstance(door, InlineDoor)
            door._connection.close()
        self.store.engine.dispose()
        self._reader.close()
        _remove(self._path)
        gc.enable()

    # --- the pieces ----------------------------------------------------------------------------------------------------

    @property
    def planned(self) -> list[JournalEntry]:
        return [document for entries in self.sets for document in entries]

    def say(self, words: str) -> None:
        """A line of the history."""
        self.tells.said.append(f"{self.loop.time():11.3f} {current_process() or '-'}: {words}")

    def run(self, work: Awaitable[Any]) -> Any:
        async def whole() -> Any:
            return await work

        return self.loop.run(whole())

    def open_store(self) -> Store:
        """The door of one process: a connection of its own."""
        counts = Counts()
        store = Store(self.store.engine, InlineDoor(self.store.engine, self.clock, counts, _yield_point), counts)
        self._stores.append(store)
        return store

    def plan(self) -> None:
        """The documents are planned, before any process runs."""
        with self.store.engine.connect() as conn, conn.begin():
            for entries in self.sets:
                set_id = f"set-{entries[0].reference}"
                posting_sets.add(conn, set_id, link=LINK, connection=CONNECTION, settlement_id=entries[0].reference)
                documents.add(
                    conn,
                    [
                        NewDocument(entry, CONNECTION, LINK, entry.key, set_id, position)
                        for position, entry in enumerate(entries)
                    ],
                )

    def approve(self, entries: Sequence[JournalEntry]) -> None:
        with self.store.engine.connect() as conn, conn.begin():
            approvals.approve(conn, [entry.key for entry in entries], "accountant", self.note("accountant"))

    def note(self, actor: str) -> Note:
        """Writes audit events in the name of ``actor``."""

        def write(conn: Connection, event: str, subject: str, data: Mapping[str, Any]) -> None:
            audit.append(conn, AUDIT_KEY, actor=actor, event=event, subject=subject, data=data)
            self.say(f"notes {event} {subject} {dict(data)}")

        return write

    async def connected(self, name: str) -> SapBusinessOne:
        """A connection of the process ``name``. Raises what a sign-in raises."""
        credentials = {field: str(value) for field, value in self.sandbox.credentials()["sap_business_one"].items()}
        secrets = {"password": credentials.pop("password")}
        settings = {
            "claims": "off" if self.conditions.kind is Kind.PLAIN else "auto",
            "batch_size": str(self.conditions.batch_size),
        }
        tools = Tools(self.clock, Random(f"{self.seed} {name}"), self.network.transport(), self._settle_s)
        return await connect(credentials | settings, secrets, tools)

    def poster(self, store: Store, target: Target, name: str) -> Poster:
        return Poster(
            store=store,
            target=self._dress(target, self.clock),
            connection=CONNECTION,
            holder="engine" if self.conditions.one_holder else name,
            clock=self.clock,
            random=Random(f"{self.seed} poster {name}"),
            note=self.note(name),
            rules=self.rules,
            cancelled=lambda: name in self.told_to_stop,
        )

    async def prepare(self, name: str) -> None:
        """A person runs ``connection prepare`` until it works."""
        while True:
            try:
                target = await self.connected(name)
                said = await target.prepare()
                await target.close()
            except MlConnectorError as error:
                self.say(f"cannot prepare: {error}")
                await self.clock.sleep(60)
            else:
                self.say(f"prepared: {' '.join(said)}")
                return

    def plant(self, entry: Mapping[str, object]) -> None:
        """A person types an entry by hand."""
        number = self.control.plant_entry(entry)
        self.planted.append(number)
        self.say(f"a person types {number}: {entry['Memo']}")

    def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Read the database as it is on disk."""
        return self._reader.execute(statement, values).fetchall()

    def states(self) -> dict[str, tuple[str, str]]:
        """State and reason of every document."""
        return {key: (state, code) for key, state, code in self.query("SELECT key, state, reason_code FROM documents")}

    # --- what must hold at every moment --------------------------------------------------------------------------------

    def _admitted(self, request: httpx2.Request) -> AbstractContextManager[None]:
        """The session of a request as it is when the request arrives, to be found again when it is handled."""
        sessions = self.control._sessions
        name = next(iter(_SESSION.findall(request.headers.get("Cookie", ""))), "")
        session = sessions._open.get(name)
        if session is None or self.clock.now() - session.last_used > timedelta(minutes=sessions.timeout_minutes):
            return nullcontext()

        @contextmanager
        def handled() -> Iterator[None]:
            # A session that ended meanwhile is there for this request only.
            gone = name not in sessions._open
            sessions._open[name] = session
            session.last_used = self.clock.now()
            yield
            if gone:
                sessions.end(name)

        return handled()

    def _sent(self, exchange: Exchange) -> None:
        """A write is at its first byte: its intent must be on record, and one intent is good for one write."""
        for key in exchange.keys:
            self.sends[key] += 1
            self.say(f"sends {key}")
            intents = self.query(
                "SELECT count(*), count(CASE WHEN outcome = 'intent' THEN 1 END) FROM attempts "
                "WHERE key = ? AND outcome <> 'replayed'",
                key,
            )
            recorded, open_ = intents[0]
            if self.judges_intents and (not open_ or self.sends[key] > recorded):
                self._violated("no intent", f"{key} is sent, with {open_} open intents of {recorded}")

    def _handled(self, exchange: Exchange) -> None:
        """The server did something: no document may count twice by it."""
        for key in exchange.keys:
            rows = self.sandbox.book("sap_business_one").rows(
                'SELECT "JdtNum" FROM {OJDT} WHERE "Reference3" = ?', (key,)
            )
            if len(rows) > 1 and self.watches_books:
                self._violated("counts twice", f"{key} stands as {[row[0] for row in rows]} in the ledger")

    def _violated(self, kind: str, words: str) -> None:
        self.say(f"VIOLATED {kind}: {words}")
        self.loop.halt(Violated(kind, words))

    # --- what must hold in the end -------------------------------------------------------------------------------------

    async def last_look(self) -> None:
        """Everything that is posted is seen once more, by a fresh connection."""
        target = await self.connected("auditor")
        trails = {}
        with self.store.engine.connect() as conn, conn.begin():
            rows = [row for row in documents.find(conn, connection=CONNECTION) if row.state is State.POSTED]
            trails = attempts.trails(conn, [row.key for row in rows])
        cases = [Case(row.document, row.wire_key, trails[row.key], row.ids) for row in rows]
        seen = await target.observe(cases)
        for case in cases:
            steps = target.steps(case.document, case.trail)
            assert isinstance(steps, tuple)
            expected = target.project(case.document, {})
            decision = decide(case, steps, seen[case.key], expected, self.clock.now(), self.rules)
            if not isinstance(decision, Done):
                raise Violated("posted and not seen", f"{case.key}: {decision}")
        await target.close()

    def check_the_record(self) -> None:
        """The audit chain is whole, and tells of each document's end once."""
        with self.store.engine.connect() as conn, conn.begin():
            verified = audit.verify(conn, AUDIT_KEY)
        if isinstance(verified, audit.Broken):
            raise Violated("audit", str(verified))
        ends = Counter(
            subject for (subject,) in self.query("SELECT subject FROM audit WHERE event IN ('posted', 'adopted')")
        )
        twice = [key for key, count in ends.items() if count > 1]
        if twice:
            raise Violated("ends twice", ", ".join(twice))


def _remove(path: Path) -> None:
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)
