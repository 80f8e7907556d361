"""The orders flow of every Amazon connection: read, planned, shown, and buyers purged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Final, TypeVar

from sqlalchemy import Connection

from ml_connector.amazon import planner
from ml_connector.amazon.connection import AmazonAccount
from ml_connector.amazon.planner import Purpose, Way
from ml_connector.app.connections import Connections
from ml_connector.app.house import House
from ml_connector.app.reports import ForecastShown, HeldShown, OrdersPlanShown, OrdersReport, Purged
from ml_connector.app.showing import counted
from ml_connector.domain.errors import MlConnectorError, WrongUse
from ml_connector.domain.sealed import Envelope, SecretId
from ml_connector.engine.interface import SliceEnd, SliceState
from ml_connector.flows import coverage
from ml_connector.flows.books import Progress
from ml_connector.flows.coverage import Coverage
from ml_connector.flows.order_finding import FOUND_ORDER, OrderFinder
from ml_connector.flows.order_states import HELD, ORDER
from ml_connector.flows.orders import FIRST_BACK, OrderReader, Round, Shop
from ml_connector.store import buyers, records
from ml_connector.store.buckets import StoredBuckets
from ml_connector.store.versions import Kept
from ml_connector.vault import envelopes

T = TypeVar("T")

FLOW: Final = "orders"
FIND: Final = "find_orders"

#: A slice pauses after this long, between two pages, so that other work on the same connection gets its turn.
SLICE_S: Final = 600.0
_LOOK_S: Final = 0.5
_STOPPED: Final = "Stopped as asked; the next run goes on from here."
_HELD_MAX: Final = 1_000


@dataclass(slots=True)
class OrderFlow:
    """One reader for each connection, which lives as long as this process: what it holds between slices is only a page's
    place."""

    house: House
    connections: Connections
    _readers: dict[str, tuple[AmazonAccount, OrderReader]] = field(default_factory=dict)

    async def want(self, connection: str, since: date | None, by: str, *, only_find: bool) -> str:
        """Which flow does what a person wants: the orders since that day, or only to know which there are, by the quicker way.
        The wish is on record, whoever fulfils it. Raises :class:`WrongUse` where orders are to be found without a day."""
        if since is None:
            if only_find:
                raise WrongUse("Orders are found since a day: --only-find --since YYYY-MM-DD.")
            return FLOW
        start = _midnight(since)
        account, reader = await self._reader(connection)
        if only_find and (await reader.forecast(start, Purpose.FIND)).way is Way.REPORT:
            await self._finder(connection, account).want(start)
            return FIND

        def keep(conn: Connection) -> None:
            coverage.want(conn, connection, start, self.house.clock.now())
            self.house.note(conn, "orders_wanted", connection, {"by": by, "since": since.isoformat()})

        await self.house.store.call(keep)
        return FLOW

    async def run(
        self, link: str, connection: str, flow: str, slice_: Callable[[], Awaitable[SliceEnd]], *, wait: bool
    ) -> OrdersReport:
        """Slice after slice, until all that is wanted is read or one fails; without ``wait`` one slice."""
        ends = [await slice_()]
        while wait and ends[-1].counts.get("left"):
            ends.append(await slice_())
        return await self.report(link, connection, flow, ends)

    async def slice(self, connection: str, progress: Progress, stopping: Callable[[], bool]) -> SliceEnd:
        """Read for a while. The end counts what came, and ``left`` is 1 while there is more to read."""
        await self.purge_due()
        account, reader = await self._reader(connection)
        refused_before = account.client.quota_refusals.total()
        started = self.house.clock.monotonic()

        def enough() -> bool:
            return stopping() or self.house.clock.monotonic() - started >= SLICE_S

        def counts() -> dict[str, int]:
            refused = account.client.quota_refusals.total() - refused_before
            return _counts(reader.so_far) | {"quota_refusals": refused}

        try:
            done = await _unless_stopped(asyncio.ensure_future(reader.read(enough, progress)), stopping)
        except MlConnectorError as error:
            # What came before stays, and is told.
            failed = counts() | {"left": 0}
            return SliceEnd(SliceState.FAILED, failed, error.code, str(error), error.exit_code)
        if done is None:
            stopped = counts() | {"left": 0}
            return SliceEnd(SliceState.CANCELLED, stopped, code="stopped", words=_STOPPED, exit_code=1)
        return SliceEnd(SliceState.DONE, counts() | {"left": int(not done.done)})

    async def find_slice(self, connection: str, progress: Progress, stopping: Callable[[], bool]) -> SliceEnd:
        """Read order reports for a while."""
        account = await self.connections.amazon(connection)
        started = self.house.clock.monotonic()

        def enough() -> bool:
            return stopping() or self.house.clock.monotonic() - started >= SLICE_S

        finder = self._finder(connection, account)

        def counts(*, left: bool) -> dict[str, int]:
            found = finder.so_far
            return _kept(found.kept) | {"reports": found.reports, "left": int(left)}

        try:
            found = await _unless_stopped(asyncio.ensure_future(finder.find(enough, progress)), stopping)
        except MlConnectorError as error:
            return SliceEnd(SliceState.FAILED, counts(left=False), error.code, str(error), error.exit_code)
        if found is None:
            return SliceEnd(SliceState.CANCELLED, counts(left=False), code="stopped", words=_STOPPED, exit_code=1)
        return SliceEnd(SliceState.DONE, counts(left=not found.done))

    async def plan(self, link: str, connection: str, since: date | None) -> OrdersPlanShown:
        """What is left to be read and how long it will take. Amazon is not asked anything."""
        _, reader = await self._reader(connection)
        wanted = _midnight(since) if since is not None else None
        covered = await self._covered(connection)
        chosen = await reader.forecast(wanted)
        find = await reader.ask(wanted, Purpose.FIND)
        return OrdersPlanShown(
            link=link,
            flow=FLOW,
            connection=connection,
            read_since=covered.since,
            read_to=covered.to,
            wanted_since=covered.wanting(wanted, self.house.clock.now(), FIRST_BACK).wanted,
            chosen=_forecast(chosen),
            only_to_find=tuple(_forecast(each) for each in (planner.by_search(find), planner.by_report(find))),
        )

    async def report(self, link: str, connection: str, flow: str, ends: Sequence[SliceEnd]) -> OrdersReport:
        """What some slices did, and what is on record now."""
        kind = FOUND_ORDER if flow == FIND else ORDER
        _, reader = await self._reader(connection)
        left = await reader.forecast()
        covered = await self._covered(connection)

        def read(conn: Connection) -> tuple[dict[str, int], tuple[HeldShown, ...]]:
            return records.states(conn, connection, kind), _held(conn, connection, kind)

        states, held = await self.house.store.call(read)
        counts = counted(end.counts for end in ends)
        failed = next((end for end in ends if end.words), None)
        more = bool(ends and ends[-1].counts.get("left")) or failed is not None
        return OrdersReport(
            link=link,
            flow=flow,
            connection=connection,
            kind=kind,
            new=counts.get("new", 0),
            changed=counts.get("changed", 0),
            same=counts.get("same", 0),
            calls=counts.get("calls", 0),
            calls_again=counts.get("calls_again", 0),
            reports=counts.get("reports", 0),
            quota_refusals=counts.get("quota_refusals", 0),
            states=states,
            held=held,
            read_since=covered.since,
            read_to=covered.to,
            left=_forecast(left) if more and flow == FLOW else None,
            trouble=failed.words if failed is not None else "",
            exit_code=failed.exit_code if failed is not None else int(bool(held)),
        )

    async def purge_due(self) -> Purged:
        """Delete the buyers whose time is over; nobody has to ask for it."""

        def delete(conn: Connection) -> Purged:
            removed = buyers.purge(conn, self.house.store.now(conn))
            if removed:
                self.house.note(conn, "purged", "buyer_data", {"removed": removed})
            return Purged(removed, buyers.count(conn))

        return await self.house.store.call(delete)

    def _finder(self, connection: str, account: AmazonAccount) -> OrderFinder:
        scratch = self.house.scratch.folder
        return OrderFinder(self.house.store, connection, account, self.house.clock, self.house.note, scratch)

    async def _covered(self, connection: str) -> Coverage:
        return await self.house.store.call(lambda conn: coverage.get(conn, connection))

    async def _reader(self, connection: str) -> tuple[AmazonAccount, OrderReader]:
        """The connection's reader; a new one where its settings or secrets were changed."""
        account = await self.connections.amazon(connection)
        known = self._readers.get(connection)
        if known is None or known[0] is not account:
            known = self._readers[connection] = (account, OrderReader(self._shop(connection, account)))
        return known

    def _shop(self, connection: str, account: AmazonAccount) -> Shop:
        house = self.house

        def seal(secret: SecretId, content: bytes) -> Envelope:
            return envelopes.seal(house.ring.primary, secret, content)

        return Shop(
            store=house.store,
            connection=connection,
            config=account.config,
            orders=account.orders,
            clock=house.clock,
            note=house.note,
            tokens=lambda: StoredBuckets(house.store).held(account.config.account),
            seal=seal if account.config.buyer_data else None,
        )


def _held(conn: Connection, connection: str, kind: str) -> tuple[HeldShown, ...]:
    """The orders that a person has to know about."""
    found = records.find(conn, connection=connection, kind=kind, state=HELD, limit=_HELD_MAX)
    return tuple(HeldShown(each.natural_id, "", each.reason.partition(":")[0], each.reason) for each in found)


async def _unless_stopped(reading: asyncio.Task[T], stopping: Callable[[], bool]) -> T | None:
    """What a reading brought; None when somebody asked us to stop. A call may wait minutes for its quota, so it is left in
    the middle, as a crash would leave it: what was read is on record."""
    while not reading.done():
        await asyncio.wait({reading}, timeout=_LOOK_S)
        if stopping() and not reading.done():
            reading.cancel()
            await asyncio.wait({reading})
            if reading.cancelled():
                return None
    return reading.result()


def _counts(done: Round) -> dict[str, int]:
    calls = {"calls": done.pages, "calls_again": done.pages_again}
    return _kept(done.kept) | calls


def _kept(kept: Kept) -> dict[str, int]:
    return {"new": kept.new, "changed": kept.changed, "same": kept.same}


def _forecast(forecast: planner.Forecast) -> ForecastShown:
    return ForecastShown(
        forecast.way.value, forecast.orders, forecast.calls, forecast.floor_s, forecast.seconds, forecast.words
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
