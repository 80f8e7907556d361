"""The interleavings of posting that people think of, told one by one (posting stages, *Interleavings to test*)."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from ml_connector.domain.documents import JournalEntry, State
from ml_connector.domain.errors import MlConnectorError
from ml_connector.posting import approvals
from ml_connector.posting.decide import Rules
from ml_connector.posting.loop import Tally
from ml_connector.store import documents
from tests.simulation import books, sites
from tests.simulation.conditions import Conditions, Kind
from tests.simulation.network import Exchange, LineFault
from tests.simulation.simulation import Simulation
from tests.simulation.world import Templates

HOUR_S = 3600.0

#: Where a process can be caught.
BEFORE_THE_PERMIT = ("LeasePermit.grant", "self._record(conn, moves)")
DECIDED_NOT_RECORDED = ("Poster._round", "self._record_decisions")
WRITE_ON_ITS_WAY = ("HttpClient.write", "self._exchange")
WAITS_FOR_A_SLOT = ("SapBusinessOne._send", "async with self._layer.slots")


class Stage(Simulation):
    """A world in which nothing happens but what is told."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.tallies: dict[str, Tally] = {}
        self.line.late_s = lambda _random, _content: self.late_s
        self.late_s = 0.0
        self.proxy_repeats = False
        self._gone: dict[str, asyncio.Event] = {}
        self._waiting: list[tuple[str, Callable[[], object]]] = []

    def say(self, words: str) -> None:
        super().say(words)
        for each in [each for each in self._waiting if words.startswith(each[0])]:
            self._waiting.remove(each)
            each[1]()

    def when(self, words: str, act: Callable[[], object]) -> None:
        """As soon as the history tells something that begins with ``words``."""
        self._waiting.append((words, act))

    def _handled(self, exchange: Exchange) -> None:
        if self.proxy_repeats and exchange.keys:
            self.proxy_repeats = False
            self.network.again(exchange, 0.0)
            return
        super()._handled(exchange)

    def begin(self, name: str) -> asyncio.Event:
        """A process that connects and drains once. The event says that it has ended, or was killed."""
        ended = self._gone[name] = asyncio.Event()
        self.loop.on_death = lambda process: self._gone[process].set()
        self.loop.start(name, self._drain(name)).add_done_callback(lambda _task: ended.set())
        return ended

    async def drained(self, name: str) -> Tally | None:
        """What the process ``name`` says when it is through; None where it was killed."""
        await self.begin(name).wait()
        return self.tallies.get(name)

    async def until_posted(self, name: str) -> None:
        """One process after the other, each when something is due, until nothing is."""
        for number in range(40):
            tally = await self.drained(f"{name}.{number}")
            if tally is not None and tally.next_look_at is None and not tally.busy:
                return
            due = None if tally is None or tally.next_look_at is None else tally.next_look_at - self.clock.now()
            await self.clock.sleep(300.0 if due is None else max(1.0, due.total_seconds()))
        raise AssertionError(f"it does not end: {self.states()}")

    async def _drain(self, name: str) -> None:
        try:
            target = await self.connected(name)
            self.tallies[name] = await self.poster(self.open_store(), target, name).drain()
            await target.close()
        except MlConnectorError as error:
            self.say(f"ended by {error}")

    def catch(self, name: str, place: tuple[str, str], act: Callable[[str], None]) -> None:
        """When the process ``name`` stands at ``place``, ``act``."""
        function, words = place
        (site,) = [each for each in sites.all_sites() if each.function == function and words in each.text]
        self.loop.at_place[name] = (site.covers, act)

    def replay(self, document: JournalEntry) -> None:
        with self.store.engine.connect() as conn, conn.begin():
            approvals.replay(conn, self.store, document.key, "accountant", self.note("accountant"))

    def drop(self, document: JournalEntry) -> None:
        with self.store.engine.connect() as conn, conn.begin():
            approvals.drop(conn, document.key, "accountant", self.note("accountant"))

    def state(self, document: JournalEntry) -> tuple[str, str]:
        return self.states()[document.key]

    def row_reason(self, document: JournalEntry) -> str:
        with self.store.engine.connect() as conn, conn.begin():
            row = documents.get(conn, document.key)
        assert row is not None
        return row.reason

    def number_of(self, document: JournalEntry) -> int:
        """The JdtNum of a document's only entry."""
        (number,) = [entry["JdtNum"] for entry in self.control.entries() if entry["Reference3"] == document.key]
        assert isinstance(number, int)
        return number

    def backup(self) -> sqlite3.Connection:
        """A copy of the database as it is."""
        copy = sqlite3.connect(":memory:")
        self._reader.backup(copy)
        return copy

    def restore(self, copy: sqlite3.Connection) -> None:
        """The database is that copy again."""
        with sqlite3.connect(self._path) as live:
            copy.backup(live)
        live.close()
        copy.close()

    def is_right(self) -> None:
        """Everything was posted once, as planned, and is told so."""
        assert {state for state, _ in self.states().values()} == {State.POSTED.value}
        assert books.differences(self.control, self.planned, self.planted) == []
        self.check_the_record()


Setting = Callable[..., Stage]


@pytest.fixture
def setting(templates: Templates) -> Iterator[Setting]:
    """Makes a stage with documents that are approved; one settlement of one entry unless others are given."""
    made: list[Stage] = []

    def make(kind: Kind = Kind.PLAIN, *sets: Sequence[JournalEntry], rules: Rules | None = None) -> Stage:
        stage = Stage(templates, 1, Conditions(kind, batch_size=1), sets=sets or ((DOCUMENT,),), rules=rules)
        made.append(stage)
        stage.__enter__()
        stage.plan()
        for entries in stage.sets:
            stage.approve(entries)
        return stage

    yield make
    for stage in made:
        stage.__exit__()


(DOCUMENT,) = books.settlement(90_000_000_001, Random(1))
FIRST, SECOND = books.settlement(90_000_000_002, Random(2), entries=2)
MANY = [books.settlement(90_000_000_010 + number, Random(number)) for number in range(9)]

BOTH = pytest.mark.parametrize("kind", [Kind.PLAIN, Kind.CLAIM])


# --- what is lost, late or killed ---------------------------------------------------------------------------------------


def test_a_commit_that_lands_after_an_absent_look_is_found_and_not_repeated(setting: Setting) -> None:
    stage = setting()
    stage.line.script, stage.late_s = [LineFault.LATE], 599.0

    stage.run(stage.until_posted("worker"))

    stage.is_right()
    assert stage.sends[DOCUMENT.key] == 1


def test_a_claim_that_lands_hours_after_the_second_one_is_refused_by_the_server(setting: Setting) -> None:
    stage = setting(Kind.CLAIM)
    stage.line.script, stage.late_s = [LineFault.LATE], 3 * HOUR_S

    async def story() -> None:
        await stage.until_posted("worker")
        assert stage.network.underway == 1
        await stage.clock.sleep(4 * HOUR_S)

    stage.run(story())

    stage.is_right()
    assert stage.sends[DOCUMENT.key] == 2


@BOTH
def test_a_crash_between_send_and_reply_is_settled_by_a_look(setting: Setting, kind: Kind) -> None:
    stage = setting(kind)
    stage.when("sends", lambda: stage.loop.kill("worker"))

    async def story() -> None:
        assert await stage.drained("worker") is None
        await stage.clock.sleep(301)
        await stage.until_posted("next")

    stage.run(story())

    stage.is_right()
    assert stage.sends[DOCUMENT.key] == 1


@BOTH
def test_a_crash_before_the_first_byte_costs_time_and_nothing_else(setting: Setting, kind: Kind) -> None:
    stage = setting(kind)
    stage.line.script = [LineFault.SLOW_CONNECT]
    stage.catch("worker", WRITE_ON_ITS_WAY, stage.loop.kill)

    async def story() -> None:
        await stage.drained("worker")
        await stage.until_posted("next")

    stage.run(story())

    stage.is_right()
    assert stage.sends[DOCUMENT.key] == 1


@BOTH
def test_a_proxy_that_gives_up_while_the_server_works_is_waited_for(setting: Setting, kind: Kind) -> None:
    stage = setting(kind)
    stage.line.script, stage.late_s = [LineFault.LATE_BEHIND_PROXY], 300.0

    stage.run(stage.until_posted("worker"))

    stage.is_right()


def test_a_write_that_a_proxy_repeats_is_refused_by_the_claim(setting: Setting) -> None:
    stage = setting(Kind.CLAIM)
    stage.proxy_repeats = True

    async def story() -> None:
        await stage.until_posted("worker")
        await stage.clock.sleep(60)

    stage.run(story())

    stage.is_right()


def test_without_a_claim_a_write_that_a_proxy_repeats_is_held_as_many(setting: Setting) -> None:
    stage = setting(Kind.PLAIN)
    stage.proxy_repeats, stage.watches_books = True, False
    stage.line.script = [LineFault.LOST_REPLY]

    stage.run(stage.until_posted("worker"))

    assert stage.state(DOCUMENT) == ("held", "many")
    assert stage.sends[DOCUMENT.key] == 1


# --- who sleeps ---------------------------------------------------------------------------------------------------------


@BOTH
def test_a_worker_that_wakes_in_the_middle_of_a_batch_sends_nothing_more(setting: Setting, kind: Kind) -> None:
    stage = setting(kind, *MANY)
    stage.catch("sleeper", WAITS_FOR_A_SLOT, lambda process: stage.loop.freeze(process, 2000))

    async def story() -> None:
        sleeper = stage.begin("sleeper")
        await stage.clock.sleep(310)
        await stage.until_posted("other")
        await sleeper.wait()

    stage.run(story())

    stage.is_right()
    assert set(stage.sends.values()) == {1}
    assert stage.tallies["sleeper"].busy


@BOTH
def test_a_look_is_not_judged_by_a_newer_trail(setting: Setting, kind: Kind) -> None:
    stage = setting(kind)
    stage.catch("sleeper", BEFORE_THE_PERMIT, lambda process: stage.loop.freeze(process, 400))

    async def story() -> None:
        sleeper = stage.begin("sleeper")
        await stage.clock.sleep(310)
        await stage.until_posted("other")
        await sleeper.wait()

    stage.run(story())

    stage.is_right()
    assert stage.sends[DOCUMENT.key] == 1


def test_an_old_look_permits_nothing_although_the_lease_is_still_ours(setting: Setting) -> None:
    stage = setting()
    stage.catch("sleeper", DECIDED_NOT_RECORDED, lambda process: stage.loop.freeze(process, 400))

    async def story() -> None:
        sleeper = stage.begin("sleeper")
        await stage.clock.sleep(100)
        stage.plant(books.body(DOCUMENT, with_key=False))
        await sleeper.wait()

    stage.run(story())

    assert stage.state(DOCUMENT) == ("held", "foreign")
    assert stage.sends[DOCUMENT.key] == 0


def test_a_pass_that_has_run_out_sends_no_byte(setting: Setting) -> None:
    stage = setting()
    stage.catch("worker", WRITE_ON_ITS_WAY, lambda process: stage.loop.freeze(process, 40))

    async def story() -> None:
        await stage.drained("worker")
        assert stage.query("SELECT outcome, words FROM attempts LIMIT 1") == [
            ("not_sent", "too late: the permit has run out")
        ]

    stage.run(story())

    stage.is_right()
    assert stage.sends[DOCUMENT.key] == 1


# --- people -------------------------------------------------------------------------------------------------------------


@BOTH
def test_what_a_person_reversed_before_we_looked_stays_reversed(setting: Setting, kind: Kind) -> None:
    stage = setting(kind)
    stage.when("sends", lambda: stage.loop.kill("worker"))

    async def story() -> None:
        await stage.drained("worker")
        await stage.clock.sleep(301)
        stage.control.cancel_entry(stage.number_of(DOCUMENT))
        await stage.until_posted("next")
        stage.drop(DOCUMENT)
        await stage.drained("last")

    stage.run(story())

    assert stage.state(DOCUMENT) == ("dropped", "dropped")
    assert stage.sends[DOCUMENT.key] == 1


def test_an_entry_that_a_person_typed_and_reversed_again_stands_for_nothing(setting: Setting) -> None:
    stage = setting()
    stage.plant(books.body(DOCUMENT, with_key=False))
    stage.planted.append(stage.control.cancel_entry(stage.planted[0]))

    stage.run(stage.until_posted("worker"))

    stage.is_right()


@BOTH
def test_nothing_is_posted_beside_what_a_person_already_typed(setting: Setting, kind: Kind) -> None:
    stage = setting(kind)
    stage.plant(books.body(DOCUMENT, with_key=False))

    stage.run(stage.until_posted("worker"))

    assert stage.state(DOCUMENT) == ("held", "foreign")
    assert "equal to the planned one" in stage.row_reason(DOCUMENT)
    assert stage.sends[DOCUMENT.key] == 0


@BOTH
def test_a_link_may_adopt_what_a_person_typed_when_it_is_equal(setting: Setting, kind: Kind) -> None:
    stage = setting(kind, rules=Rules(adopt_foreign=True))
    stage.plant(books.body(DOCUMENT, with_key=False))

    stage.run(stage.until_posted("worker"))

    assert stage.state(DOCUMENT)[0] == State.POSTED.value
    assert stage.sends[DOCUMENT.key] == 0
    stage.check_the_record()


def test_what_a_person_typed_otherwise_is_never_adopted(setting: Setting) -> None:
    stage = setting(Kind.PLAIN, rules=Rules(adopt_foreign=True))
    stage.plant(books.body(_dearer(DOCUMENT), with_key=False))

    stage.run(stage.until_posted("worker"))

    assert stage.state(DOCUMENT) == ("held", "foreign")
    assert stage.sends[DOCUMENT.key] == 0


@BOTH
def test_the_same_key_with_another_content_is_a_conflict(setting: Setting, kind: Kind) -> None:
    stage = setting(kind)
    stage.plant(books.body(_dearer(DOCUMENT), with_key=True))

    stage.run(stage.until_posted("worker"))

    assert stage.state(DOCUMENT) == ("held", "conflict")
    assert stage.sends[DOCUMENT.key] == 0


def test_a_person_who_asks_again_too_early_does_not_shorten_the_wait(setting: Setting) -> None:
    stage = setting()
    stage.line.script, stage.late_s = [LineFault.LATE], 599.0

    async def story() -> None:
        await stage.drained("worker")
        with stage.store.engine.connect() as conn, conn.begin():
            documents.set_state(conn, DOCUMENT.key, State.HELD, reason_code="impatience", reason="")
        stage.replay(DOCUMENT)
        await stage.until_posted("next")

    stage.run(story())

    stage.is_right()
    assert stage.sends[DOCUMENT.key] == 1


# --- sets ---------------------------------------------------------------------------------------------------------------


@BOTH
def test_one_refusal_stops_the_set_before_anything_counts_and_a_replay_posts_all(setting: Setting, kind: Kind) -> None:
    stage = setting(kind, (FIRST, SECOND), (DOCUMENT,))
    stage.control.freeze_account("611000")

    async def refused() -> None:
        await stage.until_posted("worker")

    stage.run(refused())

    assert stage.state(FIRST) == ("held", "refused")
    assert stage.state(SECOND) == ("held", "set_stopped")
    assert "frozen" in stage.row_reason(FIRST)
    assert stage.control.entries() == []

    stage.control.freeze_account("611000", frozen=False)
    stage.replay(FIRST)
    stage.replay(DOCUMENT)
    stage.run(stage.until_posted("later"))

    stage.is_right()


def test_a_closed_period_holds_its_settlement_and_no_other(setting: Setting) -> None:
    other = replace(MANY[0][0], posting_date=SECOND.posting_date, document_date=SECOND.document_date)
    stage = setting(Kind.PLAIN, (DOCUMENT,), (other,))
    stage.control.set_period(DOCUMENT.posting_date.isoformat())

    stage.run(stage.until_posted("worker"))

    assert stage.state(DOCUMENT) == ("held", "refused")
    assert stage.state(other)[0] == State.POSTED.value


# --- copies -------------------------------------------------------------------------------------------------------------


@BOTH
def test_our_database_restored_from_an_older_copy_adopts_what_is_there(setting: Setting, kind: Kind) -> None:
    stage = setting(kind, (FIRST, SECOND), (DOCUMENT,))
    before = stage.backup()
    stage.run(stage.until_posted("worker"))

    stage.restore(before)
    stage.sends.clear()
    stage.run(stage.until_posted("restored"))

    stage.is_right()
    assert not stage.sends


def test_a_claim_outlives_a_database_that_has_forgotten_its_own_write(setting: Setting) -> None:
    stage = setting(Kind.CLAIM)
    before = stage.backup()
    stage.line.script, stage.late_s = [LineFault.LATE], 2 * HOUR_S

    async def story() -> None:
        await stage.drained("worker")
        stage.restore(before)
        stage.sends.clear()
        await stage.until_posted("restored")
        await stage.clock.sleep(3 * HOUR_S)

    stage.run(story())

    stage.is_right()


def test_what_sap_has_forgotten_although_it_said_yes_is_asked_of_a_person(setting: Setting) -> None:
    stage = setting()
    stage.when("notes attempt", lambda: stage.control.lose_entry(stage.number_of(DOCUMENT)))

    async def story() -> None:
        await stage.until_posted("worker")
        assert stage.state(DOCUMENT) == ("held", "accepted_but_absent")
        stage.replay(DOCUMENT)
        await stage.until_posted("later")

    stage.run(story())

    stage.is_right()
    assert stage.sends[DOCUMENT.key] == 2


@BOTH
def test_an_entry_that_stands_twice_is_held_and_nothing_is_added(setting: Setting, kind: Kind) -> None:
    stage = setting(kind)
    for _ in range(2):
        stage.plant(books.body(DOCUMENT, with_key=True))

    stage.run(stage.until_posted("worker"))

    assert stage.state(DOCUMENT) == ("held", "many")
    assert stage.sends[DOCUMENT.key] == 0


def _dearer(document: JournalEntry) -> JournalEntry:
    """Another amount under the same name."""
    cent = Decimal("0.01")
    debit, fees, credit, rest = document.lines
    lines = (replace(debit, debit=debit.debit + cent), fees, replace(credit, credit=credit.credit + cent), rest)
    return replace(document, lines=lines)
