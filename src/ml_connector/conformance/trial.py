"""One case in progress: a company of its own, an office of our own that posts to it, and simulated time for both."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Iterator
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
from ml_connector.domain.target import Company, Unsupported
from ml_connector.posting.decide import Rules
from ml_connector.store.documents import DocumentRow

_SERVER: Final = "server"


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
    loop = SimulationLoop(seed, steps_max=4_000_000)
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
    _siblings: list[Trial] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.clock = SimulationClock(self.loop)
        chance = Random(repr(self.setting))  # noqa: S311 - spreads pauses
        surroundings = Surroundings(self.clock, chance, lambda work: self.loop.start(_SERVER, work))
        self.site = self.world.open(surroundings, self.setting.positions)
        self.office = Office(self.clock)

    def close(self) -> None:
        for trial in (*self._siblings, self):
            trial.office.close()

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
        if self.kind is None:
            raise LookupError("a rule about the company has no kind")
        company = await self.company()
        why = company.capabilities().unsupported(self.kind)
        if why:
            raise Beside(why)
        made = papers(self.kind, self.site.codes, number)
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

    # --- posting -------------------------------------------------------------------------------------------------------

    async def post(self, *documents: Document, rules: Rules | None = None, holder: str = "one") -> None:
        """Plan ``documents`` as one set and work until nothing more happens."""
        company = await self.company()
        await self.office.plan(company, *documents)
        await self.work(rules=rules, holder=holder)

    async def work(self, *, rules: Rules | None = None, holder: str = "one") -> None:
        await self.office.work(self.office.poster(await self.company(), holder, rules))

    async def posted(self, made: Papers) -> DocumentRow:
        """Post it with what it comes after, on a quiet day."""
        for document in (*made.before, made.document):
            await self.post(document)
        return await self.must_count_once(made.document)

    async def prepare(self, made: Papers) -> Document:
        """Post what it comes after; the document itself is still to be planned."""
        for document in made.before:
            await self.post(document)
            await self.must_count_once(document)
        return made.document

    async def posted_elsewhere(self, made: Papers) -> DocumentRow:
        """How the document ends in an office that has lost its memory and is given the same to post."""
        elsewhere = Office(self.clock)
        try:
            company = await self.company()
            for document in (*made.before, made.document):
                await elsewhere.plan(company, document)
                await elsewhere.work(elsewhere.poster(company))
            return await elsewhere.row(made.document.key)
        finally:
            elsewhere.close()

    # --- what must be so -----------------------------------------------------------------------------------------------

    async def must_count_once(self, document: Document) -> DocumentRow:
        """We call it posted, and the ledger has it once."""
        row = await self.office.row(document.key)
        held = self.site.held(document)
        expect(
            row.state is State.POSTED,
            f"{document.key} ended {row.state.value} ({row.reason_code}: {row.reason}); the ledger has {held.count}.",
        )
        expect(held.count == 1, f"{document.key} is called posted and counts {held.count} times in the ledger.")
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
