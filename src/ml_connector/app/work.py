"""The work of a slice: one flow of one link. What the engine runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from sqlalchemy import Connection

from ml_connector.app import orders
from ml_connector.app.connections import Connections
from ml_connector.app.house import RECOVERY, House, recovering
from ml_connector.app.links import Links, Mappings
from ml_connector.app.orders import OrderFlow
from ml_connector.domain.errors import WrongUse
from ml_connector.domain.finances import Summary
from ml_connector.engine.interface import Order, Slice, SliceEnd, SliceState
from ml_connector.flows import approving, discovery, planning, proving, reconcile
from ml_connector.flows.books import Books, Progress, Summaries
from ml_connector.posting.decide import Decision, Rules
from ml_connector.posting.loop import Poster, Tally
from ml_connector.store import links
from ml_connector.store.documents import DocumentRow

SETTLEMENTS: Final = "settlements"
PLAN: Final = "plan"
REPLAN: Final = "replan"
POST: Final = "post"
PROVE: Final = "prove"
RECONCILE: Final = "reconcile"
ORDERS: Final = orders.FLOW

#: How far back reconcile looks again (DESIGN 5).
RECONCILE_DAYS: Final = 90

_PIECE_S: Final = 1.0
_AFTER: Final = "after "
#: A lost reply can no longer land after this long: the longest settle window of any connector, and a pass's own life.
_WAIT_MAX_S: Final = RECOVERY.total_seconds() + 60


def _nothing(_done: int, _total: int, _words: str) -> None:
    """Nobody watches."""


@dataclass(slots=True)
class Work:
    """Does slices. ``since`` and ``wait`` are the wishes of whoever runs here and now; a schedule has none."""

    house: House
    connections: Connections
    links: Links
    mappings: Mappings
    orders: OrderFlow
    progress: Progress = _nothing
    since: date | None = None
    wait: bool = False
    stopping: Callable[[], bool] = lambda: False
    unapproved: list[str] = field(default_factory=list)

    async def __call__(self, slice_: Slice) -> SliceEnd:
        match slice_.flow:
            case "settlements":
                return await self._settlements(slice_)
            case "plan":
                return await self._plan(slice_, discover=True)
            case "replan":
                return await self._plan(slice_, discover=False)
            case "post":
                return await self._post(slice_)
            case "prove":
                return await self._prove(slice_)
            case "reconcile":
                return await self._reconcile(slice_)
            case "orders":
                return await self.orders.slice(slice_.connection, self.progress, self.stopping)
            case "find_orders":
                return await self.orders.find_slice(slice_.connection, self.progress, self.stopping)
            case _:
                raise WrongUse(f"There is no flow {slice_.flow!r}; there are: {SETTLEMENTS}, {ORDERS}.")

    async def books(self, link: str, progress: Progress | None = None, *, removed: bool = False) -> Books:
        """A link, opened on both sides; with ``removed`` also one that is out of use."""
        ready = await self.links.link(link, removed=removed)
        return Books(
            store=self.house.store,
            target=await self.connections.target(ready.erp),
            link=ready,
            mapping=await self.mappings.newest(link),
            mapping_version=lambda version: self.mappings.version(link, version),
            sheets=await self.links.sheets(link),
            clock=self.house.clock,
            note=self.house.note,
            scratch=self.house.scratch.folder,
            progress=progress or self.progress,
            summaries=self._summaries(ready.amazon),
        )

    def _summaries(self, amazon: str) -> Summaries:
        """Amazon's second opinion, asked for when a proof wants it: books are opened without signing in there."""

        async def of(settlement_id: str) -> Sequence[Summary]:
            account = await self.connections.amazon(amazon)
            return await account.finances.summary(settlement_id)

        return of

    async def _settlements(self, slice_: Slice) -> SliceEnd:
        """Read and plan; approve where the link lets a rule decide."""
        books = await self.books(slice_.link)
        discovered = await discovery.discover(books, await self.connections.amazon(books.link.amazon), self.since)
        planned = await planning.plan(books)
        approved = 0
        if planned.plan is not None and books.link.approval_automatic:
            approved = await approving.approve(books, planned.plan, approving.AUTOMATIC)
        counts = {"discovered": discovered, "approved": approved, "held": len(planned.held)}
        return SliceEnd(SliceState.DONE, counts, then=(self._order(slice_, books.link.erp, POST),))

    async def _plan(self, slice_: Slice, *, discover: bool) -> SliceEnd:
        """Plan, and leave it to a person to decide: a plan to be looked at, or a settlement that is to be tried again."""
        books = await self.books(slice_.link)
        if discover:
            await discovery.discover(books, await self.connections.amazon(books.link.amazon), self.since)
        planned = await planning.plan(books)
        return SliceEnd(SliceState.DONE, {"planned": len(planned.documents), "held": len(planned.held)})

    async def _post(self, slice_: Slice) -> SliceEnd:
        """Drain the documents of the link's ERP connection; wait for lost replies to settle where somebody waits."""
        books = await self.books(slice_.link)
        until = await self.house.recovering_until()
        if until is not None:
            return SliceEnd(
                SliceState.FAILED,
                code="recovering",
                words=recovering(until),
                exit_code=3,
            )
        poster = self._poster(books, await self.links.rules_on(books.link.erp))
        total = Tally()
        waited_s = 0.0
        while True:
            tally = await poster.drain()
            total.posted += tally.posted
            total.adopted += tally.adopted
            total.held += tally.held
            total.trouble = tally.trouble
            if tally.posted or tally.adopted or tally.held:
                waited_s = 0.0
            if not self.wait or self.stopping() or tally.next_look_at is None or tally.trouble is not None:
                break
            pause_s = max(0.05, (tally.next_look_at - self.house.clock.now()).total_seconds())
            waited_s += pause_s
            if waited_s > _WAIT_MAX_S:
                break  # it waits for something else than a lost reply: the next run looks again
            self.progress(total.posted, total.posted + 1, f"waiting {round(pause_s)} s for a lost reply to settle")
            await self._pause(pause_s)
        counts = {"posted": total.posted, "adopted": total.adopted, "held": total.held}
        then = (self._order(slice_, books.link.erp, PROVE),)
        if total.trouble is not None:
            return SliceEnd(SliceState.FAILED, counts, total.trouble.code, str(total.trouble), 3, then)
        return SliceEnd(SliceState.DONE, counts, then=then)

    async def _pause(self, seconds: float) -> None:
        """Let time pass, in small pieces: whoever asks us to stop does not wait for the rest."""
        clock = self.house.clock
        end = clock.monotonic() + seconds
        while not self.stopping() and (left_s := end - clock.monotonic()) > 0:
            await clock.sleep(min(left_s, _PIECE_S))

    async def _prove(self, slice_: Slice) -> SliceEnd:
        books = await self.books(slice_.link)
        proved = unproved = 0
        for settlement_id in await proving.unproved(books):
            certificate = await proving.certify(books, settlement_id)
            proved += certificate.proof.proved
            unproved += not certificate.proof.proved
        return SliceEnd(SliceState.DONE, {"proved": proved, "unproved": unproved})

    async def _reconcile(self, slice_: Slice) -> SliceEnd:
        await self.orders.purge_due()
        books = await self.books(slice_.link)
        today = self.house.clock.now().date()
        looked_at, spots = await reconcile.reconcile(books, today - timedelta(days=RECONCILE_DAYS), today)
        return SliceEnd(SliceState.DONE, {"looked_at": looked_at, "found": len(spots)})

    def _poster(self, books: Books, rules_of: Mapping[str, Rules]) -> Poster:
        done = 0

        def progress(row: DocumentRow, _decision: Decision) -> None:
            nonlocal done
            done += 1
            self.progress(done, done, f"posting {row.key}")

        return Poster(
            store=self.house.store,
            target=books.target,
            connection=books.link.erp,
            # One embedded engine per data folder: whoever holds its lock inherits the leases of the one that died.
            holder=f"engine:{self.house.installation.id}",
            clock=self.house.clock,
            random=self.house.random,
            note=self.house.note,
            rules_of=rules_of,
            cancelled=self.stopping,
            on_progress=progress,
        )

    def _order(self, slice_: Slice, connection: str, flow: str) -> Order:
        return Order(connection, flow, slice_.link, slot_after(slice_.slot), by=slice_.flow)


def slot_after(slot: str) -> str:
    """The slot of everything that follows from a slice: never one of a schedule, which may have done its own before."""
    return slot if slot.startswith(_AFTER) else f"{_AFTER}{slot}"


def connection_of(conn: Connection, link: str, flow: str) -> str | None:
    """On which connection a scheduled flow runs; None when the link is gone."""
    row = links.get(conn, link)
    if row is None:
        return None
    return row.amazon if flow in {SETTLEMENTS, ORDERS, PLAN, REPLAN} else row.erp
