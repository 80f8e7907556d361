"""One case in progress: a company of its own, an office of our own that posts to it, and simulated time for both."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Final

from ml_connector.conformance.clock import SimulationClock
from ml_connector.conformance.loop import SimulationLoop, Stuck
from ml_connector.conformance.office import Office
from ml_connector.conformance.papers import Papers, papers
from ml_connector.conformance.results import (
    Beside,
    Broken,
    Case,
    Failed,
    NotApplicable,
    Outcome,
    Passed,
    Result,
    Rule,
)
from ml_connector.conformance.world import NotHere, Setting, Site, Surroundings, World
from ml_connector.domain.documents import Document, Kind, State
from ml_connector.domain.errors import MlConnectorError
from ml_connector.domain.target import Company, ReliabilityClass, Route, Step, Unsupported, reliability_class
from ml_connector.posting.decide import Rules
from ml_connector.store.documents import DocumentRow

_SERVER: Final = "server"

#: So many documents are made ready at a time, at most.
_AHEAD_MAX: Final = 16

#: Why a document that the company refuses, or takes as something else, is held: what these say comes from there.
_IN_WORDS: Final = ("refused", "unsupported", "differs")


def hold(world: World, case: Case, seed: int = 1) -> Result:
    """Hold the connector to one rule. A defect of the connector, any exception that is no :class:`MlConnectorError`, is
    raised as it is."""
    return Result(case, _outcome(world, case, seed))


def _outcome(world: World, case: Case, seed: int) -> Outcome:
    with _loop(seed) as loop:
        trial = Trial(world, case.kind, case.setting, loop)
        try:
            return Passed(loop.run(trial.held_to(case.rule)))
        except Broken as broken:
            return Failed(str(broken))
        except Stuck as stuck:
            return Failed(f"It does not come to an end: {stuck}")
        except MlConnectorError as error:
            return Failed(f"It raised {type(error).__name__}: {error}")
        except (Beside, NotHere) as beside:
            return NotApplicable(str(beside))
        finally:
            trial.close()


@contextmanager
def _loop(seed: int) -> Iterator[SimulationLoop]:
    """A loop for one case. Garbage is collected between cases and never within one: when a generator is finalised must not
    depend on what ran before."""
    loop = SimulationLoop(seed, steps_max=1_000_000)
    gc.disable()
    try:
        yield loop
    finally:
        loop.bury()
        gc.enable()


@dataclass
class Trial:
    """What a rule works with."""

    world: World
    kind: Kind | None
    setting: Setting
    loop: SimulationLoop
    clock: SimulationClock = field(init=False)
    site: Site = field(init=False)
    office: Office = field(init=False)
    _company: Company | None = None
    _offices: list[Office] = field(default_factory=list)
    _siblings: list[Trial] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _ready: list[Document] = field(default_factory=list)
    _ahead: int = 1

    def __post_init__(self) -> None:
        self.clock = SimulationClock(self.loop)
        chance = Random(repr(self.setting))  # noqa: S311 - spreads pauses
        surroundings = Surroundings(self.clock, chance, lambda work: self.loop.start(_SERVER, work))
        self.site = self.world.open(surroundings, self.setting.positions)
        self.office = self.open_office()

    def close(self) -> None:
        """Throw away what it has, and its siblings."""
        for trial in self._siblings:
            trial.close()
        for office in self._offices:
            office.close()

    def open_office(self) -> Office:
        """One more of our own side, which knows nothing of the others."""
        office = Office(self.clock)
        self._offices.append(office)
        return office

    def next_number(self) -> int:
        """For a document that is not the one before."""
        return next(self._numbers)

    def again(self) -> Trial:
        """The same once more from the beginning: another company, another office."""
        sibling = Trial(self.world, self.kind, self.setting, self.loop)
        self._siblings.append(sibling)
        return sibling

    async def held_to(self, rule: Rule) -> str:
        """The figure of ``rule``."""
        return await rule.check(self)

    # --- the connector under test --------------------------------------------------------------------------------------

    async def company(self) -> Company:
        """The connected company, signed in to once."""
        if self._company is None:
            self._company = await self.site.connect()
        return self._company

    async def papers(self, number: int = 1) -> Papers:
        """A document of the kind under test that this company takes. Raises :class:`Beside` where it takes none, in the words
        of the connector's own capabilities."""
        kind = self.must_have_kind()
        capabilities = (await self.company()).capabilities()
        why = capabilities.unsupported(kind)
        if why:
            raise Beside(why)
        made = papers(kind, self.site.codes, number, applications_max=capabilities.applications_max)
        for document in (*made.before, made.document):
            await self.must_take(document)
        return made

    async def must_take(self, document: Document) -> None:
        """What the capabilities offer, ``steps`` has to take."""
        steps = (await self.company()).steps(document)
        expect(
            not isinstance(steps, Unsupported),
            f"The capabilities offer {document.kind.value}, and steps() refuses a plain one: "
            f"{steps.why if isinstance(steps, Unsupported) else ''}",
        )

    async def class_of(self, document: Document) -> ReliabilityClass:
        """The class of the route that ``document`` takes, which must be what the capabilities say."""
        company = await self.company()
        steps = company.steps(document)
        if isinstance(steps, Unsupported):
            raise Broken(steps.why)
        class_ = reliability_class(steps)
        routes = company.capabilities().routes[document.kind]
        said = "none" if isinstance(routes, Unsupported) else _route_of(steps, routes).class_.value
        expect(
            said == class_.value, f"The steps of {document.kind.value} make it {class_.value}; its route says {said}."
        )
        return class_

    def must_have_kind(self) -> Kind:
        if self.kind is None:
            raise LookupError("a rule about the company has no kind")
        return self.kind

    # --- posting -------------------------------------------------------------------------------------------------------

    async def post(self, *documents: Document, goal: State = State.POSTED) -> None:
        """Plan ``documents`` as one set and work until nothing more happens."""
        company = await self.company()
        await self.office.plan(company, *documents, goal=goal)
        await self.work()

    async def work(self, rules: Rules | None = None) -> None:
        """Until nothing more happens."""
        await self.office.work(self.office.poster(await self.company(), rules=rules))

    async def posted(self, made: Papers) -> DocumentRow:
        """Post it with what it comes after, on a quiet day."""
        await self.post(await self.prepare(made))
        return await self.must_count_once(made.document)

    async def prepare(self, made: Papers) -> Document:
        """Post what it comes after; the document itself is still to be planned."""
        await self._post_before([made])
        return made.document

    async def next_document(self) -> Document:
        """One that is not the one before, still to be planned. What it comes after is posted: for more and more at a time, for
        who asks often goes on asking."""
        if not self._ready:
            self._ahead = min(2 * self._ahead, _AHEAD_MAX)
            made = [await self.papers(self.next_number()) for _ in range(self._ahead)]
            await self._post_before(made)
            self._ready = [each.document for each in reversed(made)]
        return self._ready.pop()

    async def _post_before(self, made: Sequence[Papers]) -> None:
        company = await self.company()
        before = [document for each in made for document in each.before]
        for document in before:
            await self.office.plan(company, document)
        if before:
            await self.work()
        for document in before:
            await self.must_count_once(document)

    async def posted_elsewhere(self, made: Papers, *, only_last: bool = False) -> DocumentRow:
        """How the document ends in an office that has lost its memory and is given the same to post. ``only_last``: what it comes
        after is called posted without being looked for."""
        elsewhere = self.open_office()
        company = await self.company()
        for document in (*made.before, made.document):
            if only_last and document is not made.document:
                await elsewhere.adopt(company, await self.office.row(document.key))
                continue
            await elsewhere.plan(company, document)
            await elsewhere.work(elsewhere.poster(company))
        return await elsewhere.row(made.document.key)

    # --- what must be so -----------------------------------------------------------------------------------------------

    async def must_count_once(self, document: Document, *, surplus: bool = False) -> DocumentRow:
        """We call it posted, and the ledger has it once, with nothing beside it that somebody could post: unless a ``surplus``
        cannot be helped."""
        row = await self.office.row(document.key)
        held = self.site.held(document)
        expect(
            row.state is State.POSTED,
            f"{document.key} ended {row.state.value} ({row.reason_code}: {row.reason}); the ledger has {held.count}.",
        )
        expect(held.count == 1, f"{document.key} is called posted and counts {held.count} times in the ledger.")
        expect(surplus or not held.waiting, f"{held.waiting} more of {document.key} wait in the system to be posted.")
        return row

    async def must_not_count(self, document: Document) -> DocumentRow:
        """Nothing counts, and a person is told why: we hold it, or it waits in the system for somebody there."""
        row = await self.office.row(document.key)
        held = self.site.held(document)
        expect(
            row.state is State.ENTERED or (row.state is State.HELD and row.reason_code in _IN_WORDS),
            f"{document.key} ended {row.state.value} ({row.reason_code}: {row.reason}) instead of held in the company's words.",
        )
        expect(bool(row.reason), f"{document.key} is {row.state.value} without a word to a person.")
        expect(held.count == 0, f"{document.key} counts {held.count} times in the ledger.")
        return row

    async def must_be_held(self, document: Document, *codes: str, count: int) -> DocumentRow:
        """We hold it with a reason for a person, and the ledger has it ``count`` times."""
        row = await self.office.row(document.key)
        held = self.site.held(document)
        expect(
            row.state is State.HELD and (not codes or row.reason_code in codes),
            f"{document.key} ended {row.state.value} ({row.reason_code}: {row.reason}) instead of held "
            f"({' or '.join(codes) or 'for any reason'}).",
        )
        expect(bool(row.reason), f"{document.key} is held without a word to a person.")
        expect(held.count == count, f"{document.key} counts {held.count} times in the ledger instead of {count}.")
        return row


def expect(holds: bool, words: str) -> None:  # noqa: FBT001 - reads as the assertion that it is
    """Raises :class:`Broken` with ``words`` where it does not hold."""
    if not holds:
        raise Broken(words)


def _route_of(steps: Sequence[Step], routes: Sequence[Route]) -> Route:
    """The route that begins with the same step: some documents of a kind go another way than most. Else the first."""
    return next((route for route in routes if steps and route.name == steps[0].name), routes[0])
