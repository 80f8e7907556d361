"""One seed, one history: worker processes race for the documents of one connection while everything goes wrong.

The shipped posting code, store, connector, transport and simulator run as they are; replaced are the clock, the network and the
engine, nothing else. A supervisor kills, freezes, stops and restarts the workers while the network misbehaves (the storm). Then
everything calms down, and the books must be right.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from ml_connector.conformance.loop import Place
from ml_connector.domain.documents import State
from ml_connector.domain.errors import MlConnectorError, SignInFailed
from ml_connector.domain.keys import DocumentKey
from ml_connector.engine.interface import Order, Slice, SliceEnd, SliceState
from ml_connector.erp.sap_business_one.connector import SapBusinessOne
from ml_connector.posting import approvals
from ml_connector.store import documents
from tests.simulation import books, sites
from tests.simulation.conditions import Fate, Kind
from tests.simulation.engine import Board, LoopEngine
from tests.simulation.world import CONNECTION, LINK, Violated, World

#: The calm after the storm lasts at most so long (virtual seconds).
_CALM_MAX_S: Final = 12 * 3600.0


class Simulation(World):
    """One history, from the first approval to the last look."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """What :class:`World` takes."""
        super().__init__(*arguments, **named)
        self.over = False
        self._boards: dict[str, Board] = {}
        self._ended: dict[str, asyncio.Future[None]] = {}
        self._fates_left = 0
        self._storm = False
        self._hunted: tuple[Callable[[Place], bool], Callable[[str], None]] | None = None
        self.loop.on_death = self._died

    # --- the history ---------------------------------------------------------------------------------------------------

    def play(self) -> None:
        """The whole history. Raises :class:`Violated`, or whatever defect came up."""
        self.plan()
        self.loop.run(self._history())
        self._check_the_end()

    async def _history(self) -> None:
        await self.storm()
        await self.calm()
        self.over = True
        for name, ended in list(self._ended.items()):
            self.told_to_stop.add(name)
            await ended

    async def storm(self) -> None:
        """Workers run, sets are approved one after the other, and everything goes wrong for a while."""
        conditions = self.conditions
        for number, entries in enumerate(self.sets):
            share = self.loop.random.choice((0.0, self.loop.random.uniform(0, 0.8)))
            at_once = conditions.at_once or not number
            self.loop.call_at(0.0 if at_once else share * conditions.storm_s, self.approve, entries)
        for number in range(1, conditions.workers + 1):
            self.loop.start("supervisor", self._watch(f"worker-{number}"))
        if conditions.storm_s:
            await self._rage()

    async def _rage(self) -> None:
        conditions = self.conditions
        self._storm = True
        self._fates_left = conditions.fates
        self.line.rate, self.line.write_rate = conditions.rate, conditions.write_rate
        self.loop.start("supervisor", self._haunt())
        self.loop.start("person", self._mend())
        at = self.loop.random.uniform(0, 0.5) * conditions.storm_s
        self.loop.call_at(at, self.plant, books.unrelated(self.sets[0][0], branch=conditions.branches))
        if conditions.kind is not Kind.CLAIM:
            self.loop.start("supervisor", self._prepare_midway())
        await self.clock.sleep(conditions.storm_s)
        self._storm = False
        self.line.rate = self.line.write_rate = 0.0
        self.loop.before_step.clear()
        self.loop.at_place.clear()
        self.loop.thaw_all()
        self.say("the storm is over")

    async def calm(self) -> None:
        """Until every document has its end, everything sent has landed, and a last look found all of it."""
        deadline = self.loop.time() + _CALM_MAX_S
        while not self._settled():
            if self.loop.time() > deadline:
                raise Violated("does not end", str(self.states()))
            self._replay_what_a_person_would()
            await self.clock.sleep(60)
        await self.last_look()

    async def _prepare_midway(self) -> None:
        """A person runs ``connection prepare`` until it ends by itself: it adds the key field, and the table of claims unless
        claims are switched off. It may be killed like any process."""
        await self.clock.sleep(self.loop.random.uniform(0, self.conditions.storm_s))
        number = 0
        prepared = False
        while not prepared:
            number += 1
            name = f"person.{number}"
            self._fates_left += self.conditions.fates > 0
            self._tempt(name, steps=150)
            ended = self._ended[name] = self.loop.create_future()
            task = self.loop.start(name, self.prepare(name))
            task.add_done_callback(lambda _task, name=name: self._died(name))  # type: ignore[misc]
            await ended
            prepared = task.done()
        # As the command's own words say: what runs is stopped, so that it connects anew.
        self.told_to_stop.update(name for name, ended in self._ended.items() if not ended.done())

    def _settled(self) -> bool:
        ends = {State.POSTED.value, State.HELD.value, State.DROPPED.value}
        waits = self._replayable()
        return not self.network.underway and not waits and all(state in ends for state, _ in self.states().values())

    def _replayable(self) -> list[DocumentKey]:
        """What waits for a person although nothing is wrong with it: the target was unwell for too long."""
        codes = {"too_many_attempts"}
        if self.conditions.kind is Kind.PREPARED:
            codes.add("unclear")
        return [DocumentKey(key) for key, (state, code) in self.states().items() if state == "held" and code in codes]

    async def _mend(self) -> None:
        """A person comes by now and then, in the middle of everything."""
        while self._storm:
            await self.clock.sleep(self.loop.random.expovariate(1 / 400))
            self._replay_what_a_person_would()

    def _replay_what_a_person_would(self) -> None:
        for key in self._replayable():
            with self.store.engine.connect() as conn, conn.begin():
                row = documents.get(conn, key)
                if row is not None and row.state is State.HELD:
                    approvals.replay(conn, self.store, key, "accountant", self.note("accountant"))
                    self.tells.replays += 1

    def _check_the_end(self) -> None:
        for key, (state, code) in self.states().items():
            if state != State.POSTED:
                reason = self.query("SELECT reason FROM documents WHERE key = ?", key)
                raise Violated("lost", f"{key} is {state} ({code}): {reason[0][0]}")
        wrong = books.differences(self.control, self.planned, self.planted)
        if wrong:
            raise Violated("books", "; ".join(wrong))
        self.check_the_record()

    # --- processes -----------------------------------------------------------------------------------------------------

    async def worker(self, slot: str, name: str) -> None:
        """One process: connects, posts what is due, sleeps, until it is told to stop."""
        store = self.open_store()
        targets: list[SapBusinessOne] = []

        async def post(_slice: Slice) -> SliceEnd:
            try:
                if not targets:
                    self._tempt(name, steps=80)
                    targets.append(await self._signed_in(name))
                self._tempt(name, steps=250)
                tally = await self.poster(store, targets[0], name).drain()
            except SignInFailed:
                targets.clear()
                raise
            except MlConnectorError:
                raise
            except Exception as defect:
                self.loop.halt(defect)
                raise
            self.say(f"drained: {tally}")
            due = tally.next_look_at
            wait_s = 300.0 if due is None else (due - self.clock.now()).total_seconds()
            return SliceEnd(SliceState.DONE, {"wait_s": int(min(max(wait_s, 1.0), 300.0))})

        engine = LoopEngine(self._boards.setdefault(slot, Board()), post, self.clock, lambda: name in self.told_to_stop)
        await engine.recover()
        while not self.over and name not in self.told_to_stop:
            wanted = await engine.enqueue(Order(CONNECTION, "post", LINK, f"{name} {self.clock.now().isoformat()}"))
            await engine.drain()
            end = await engine.end_of(wanted)
            if end is not None and end.words:
                self.say(f"slice failed: {end.words}")
            wait_s = 30.0 if end is None else float(end.counts.get("wait_s", 30))
            await self.clock.sleep(wait_s + self.loop.random.uniform(0, 5))
        self._tempt(name, steps=12)
        for target in targets:
            await target.close()
        await store.close()

    async def _signed_in(self, name: str) -> SapBusinessOne:
        """Connects, and now and then does what other commands do on the same connection."""
        target = await self.connected(name)
        chores = [target.ping, target.references]
        if self.conditions.kind is Kind.CLAIM:
            chores.append(target.prepare)
        for chore in chores:
            if self.loop.random.random() < self.conditions.chores:
                await chore()
        return target

    async def _watch(self, slot: str) -> None:
        """Keeps one worker running, and lets fate have its way with it."""
        number = 0
        while not self.over:
            number += 1
            name = f"{slot}.{number}"
            ended = self._ended[name] = self.loop.create_future()
            task = self.loop.start(name, self.worker(slot, name))
            task.add_done_callback(lambda _task, name=name: self._died(name))  # type: ignore[misc]
            await ended
            self.say(f"{name} is gone")
            await self.clock.sleep(self.loop.random.choice((0.0, 5.0, 60.0, 400.0)) if self._storm else 1.0)

    def hunt(self, wanted: set[sites.Site]) -> None:
        """Whichever process stands at one of ``wanted`` is killed there; what it stood at is taken from ``wanted``."""

        def is_wanted(place: Place) -> bool:
            return not wanted.isdisjoint(sites.covering(place))

        def kill(process: str) -> None:
            before = Counter(self.loop.places)
            self.befall(process, Fate.KILL)
            wanted.difference_update(
                site for site, count in sites.counted(self.loop.places - before)[0].items() if count
            )

        self._hunted = (is_wanted, kill)

    def _tempt(self, name: str, *, steps: int) -> None:
        """A phase of so many steps begins in a process: something may happen to it before one of them, or as soon as it stands
        at some await, of which each has the same chance."""
        random = self.loop.random
        if self._hunted is not None and self._storm:
            self.loop.at_place[name] = self._hunted
        if not self._storm or self._fates_left <= 0 or random.random() < 0.3:
            return
        self._fates_left -= 1
        fate = random.choice((Fate.KILL, Fate.KILL, Fate.KILL, *Fate))

        def befall(process: str) -> None:
            self.befall(process, fate)

        if random.random() < 0.5:
            self.loop.before_step.setdefault(name, {})[self.loop.steps[name] + random.randint(1, steps)] = befall
        else:
            self.loop.at_place[name] = (random.choice(sites.all_sites()).covers, befall)

    async def _haunt(self) -> None:
        """What happens at some moment rather than before some step: processes that sleep are hit too."""
        while self._storm:
            await self.clock.sleep(self.loop.random.expovariate(1 / 500))
            living = [name for name, ended in self._ended.items() if not ended.done()]
            if self._storm and living and self._fates_left > 0:
                self._fates_left -= 1
                self.befall(self.loop.random.choice(living), self.loop.random.choice(list(Fate)))

    def befall(self, process: str, fate: Fate) -> None:
        random = self.loop.random
        self.tells.fates[fate] += 1
        self.say(f"{process} is {fate}")
        match fate:
            case Fate.KILL:
                self.loop.kill(process)
            case Fate.STOP:
                self.told_to_stop.add(process)
            case Fate.FREEZE_SHORT:
                self.loop.freeze(process, random.uniform(1, 280))
            case Fate.FREEZE_LEASE:
                self.loop.freeze(process, random.uniform(301, 590))
            case Fate.FREEZE_LONG:
                self.loop.freeze(process, random.uniform(640, 4000))

    def _died(self, process: str) -> None:
        ended = self._ended.get(process)
        if ended is not None and not ended.done():
            ended.set_result(None)
