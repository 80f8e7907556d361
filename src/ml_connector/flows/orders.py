"""The orders flow, up to durable records: what Amazon shows is read in windows, and every version of every order is kept.

Two stretches of time are read. **Forward** from the watermark, which is Amazon's own word for how far it has shown its orders
(never our clock: SP-API dossier, section 26.1), with a look back for what shows late. **Back**, window by window, from where
reading once began to where a person wants it to reach. An order is found by the instant of its last change, so one that
changes meanwhile leaves the past and is met going forward.

What covers what: a page is committed as it comes; watermark and window move in the transaction of their last page and not
before. A reading that dies is begun again at the start of its window, and finds there what it has kept already.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import Connection

from ml_connector.amazon import planner
from ml_connector.amazon.config import Config
from ml_connector.amazon.orders import Orders, OrdersPage, OrderWindow, UnreadableOrder
from ml_connector.amazon.planner import Ask, Forecast, Purpose, Way
from ml_connector.domain.clock import Clock
from ml_connector.domain.errors import BadAnswer
from ml_connector.domain.order_form import store_form
from ml_connector.domain.orders import Order
from ml_connector.domain.sealed import Envelope, SecretId
from ml_connector.flows import coverage
from ml_connector.flows.books import Note, Progress
from ml_connector.flows.coverage import BACK, FORWARD, Coverage
from ml_connector.flows.finishing import finished
from ml_connector.flows.order_states import HELD, ORDER, buyer_kept_until, standing
from ml_connector.store import buyers, versions, windows
from ml_connector.store.buyers import SealedBuyer
from ml_connector.store.door import Store
from ml_connector.store.versions import Kept, Seen
from ml_connector.store.windows import Window

#: Orders have been seen to show late: look back this far behind the watermark.
OVERLAP: Final = timedelta(minutes=5)
#: Where nobody has said how far back: the orders of a first settlement period, and some.
FIRST_BACK: Final = timedelta(days=30)
#: What is read first of all, to see how many orders there are.
FIRST_WINDOW: Final = timedelta(days=1)
#: While the past is read, new orders are looked for this often: each look costs a call.
LOOK_EVERY_S: Final = 3_600.0
#: An end is named only for a window that lies a day back by our clock: Amazon refuses one of its own future.
_SETTLED: Final = timedelta(days=1)

#: The schema of a version that could not be read: it was seen, and has no content.
UNREADABLE: Final = 0


@dataclass(frozen=True, slots=True)
class Shop:
    """One Amazon connection, opened for reading. ``seal`` is None while buyers are not asked for. ``tokens`` tells what the
    account's buckets hold, by operation."""

    store: Store
    connection: str
    config: Config
    orders: Orders
    clock: Clock
    note: Note
    tokens: Callable[[], Awaitable[Mapping[str, float]]]
    seal: Callable[[SecretId, bytes], Envelope] | None = None

    @property
    def scope(self) -> str:
        """Whose orders, of which stores: another account, or a store more, has been read by nobody yet."""
        return " ".join((self.config.account, *sorted(self.config.marketplace_ids)))


@dataclass(frozen=True, slots=True)
class Round:
    """What one call of :meth:`OrderReader.read` brought. ``done``: everything wanted is read. ``pages_again`` are those of
    windows that had been begun before."""

    done: bool = False
    kept: Kept = field(default_factory=Kept)
    pages: int = 0
    pages_again: int = 0


@dataclass(slots=True)
class _Reading:
    """A window that is being read. ``pages`` is held between slices: dropped, the window is read again.

    ``left`` is how much time was to be read when it was begun, at ``density`` orders a second; ``found`` counts those since.
    """

    window: Window
    pages: AsyncIterator[OrdersPage]
    left: timedelta
    density: float | None
    found: int = 0


@dataclass(slots=True)
class OrderReader:
    """Reads one connection. Lives as long as its process; everything that counts is in the database. ``so_far`` is what the
    present call of ``read``, or the last one, has brought: also one that was stopped or failed."""

    shop: Shop
    _reading: _Reading | None = None
    _looked_at_s: float | None = None
    _caught_up: bool = False
    so_far: Round = field(default_factory=Round)

    async def read(self, enough: Callable[[], bool], progress: Progress = lambda _done, _total, _words: None) -> Round:
        """Read until everything wanted is read, or until ``enough`` says to pause, asked after each page.

        Raises what :meth:`ml_connector.amazon.orders.Orders.search` does; what was read by then is kept.
        """
        self._caught_up, self.so_far = False, Round()
        while True:
            reading = self._reading = self._reading or await self._next()
            if reading is None:
                return replace(self.so_far, done=True)
            try:
                await self._page(reading)
            except BaseException:
                self._reading = None
                raise
            await self._tell(reading, progress)
            if enough() and (self._reading is not None or await self._more()):
                return self.so_far

    async def forecast(self, wanted: datetime | None = None, purpose: Purpose = Purpose.BOOKS) -> Forecast:
        """What is left to be read, since ``wanted`` where nobody has wanted more, and how long it will take."""
        return planner.choose(await self.ask(wanted, purpose))

    async def ask(self, wanted: datetime | None, purpose: Purpose) -> Ask:
        """What :meth:`forecast` is about."""
        now = self.shop.clock.now()
        held = await self.shop.tokens()
        covered, density = await self.shop.store.call(
            lambda conn: (coverage.get(conn, self.shop.connection), coverage.density(conn, self.shop.connection))
        )
        span = covered.wanting(wanted, now, FIRST_BACK).left(now)
        orders = round(density * span.total_seconds()) if density is not None else None
        return Ask(purpose, span, orders, held)

    # --- windows -------------------------------------------------------------------------------------------------------

    async def _next(self) -> _Reading | None:
        """The window to read now, on record before anything of it is asked for; None when all is read."""
        now = self.shop.clock.now()

        def begin(conn: Connection) -> tuple[Window | None, timedelta, float | None]:
            covered = coverage.settled(conn, self.shop.connection, self.shop.scope, now, FIRST_BACK)
            due = self._look_is_due(covered)
            window = self._forward(conn, covered, now) if due else self._back(conn, covered)
            return window, covered.left(now), coverage.density(conn, self.shop.connection)

        window, left, density = await self.shop.store.call(begin)
        return None if window is None else _Reading(window, self._search(window), left, density)

    def _look_is_due(self, covered: Coverage) -> bool:
        """Whether it is time to look for new orders: once in each reading, but not so often while there is a past to read."""
        if self._caught_up:
            return False
        if self._looked_at_s is None or not covered.past:
            return True
        return self.shop.clock.monotonic() - self._looked_at_s >= LOOK_EVERY_S

    def _forward(self, conn: Connection, covered: Coverage, now: datetime) -> Window:
        start = now - FIRST_WINDOW if covered.to is None else covered.to - OVERLAP
        span_end = start + self._span(conn)
        end = span_end if span_end < now - _SETTLED else None
        begun = windows.open_one(conn, self.shop.connection, FORWARD)
        if begun is not None and not (begun.ends_at is None and end is not None):
            return windows.begin_again(conn, begun)
        # What was begun without an end has become too long meanwhile.
        windows.give_up(conn, self.shop.connection, FORWARD)
        return windows.begin(conn, self.shop.connection, FORWARD, Way.SEARCH, start, end)

    def _back(self, conn: Connection, covered: Coverage) -> Window | None:
        begun = windows.open_one(conn, self.shop.connection, BACK)
        if begun is not None:
            return windows.begin_again(conn, begun)
        if covered.since is None or covered.wanted is None or not covered.past:
            return None
        start = max(covered.wanted, covered.since - self._span(conn))
        return windows.begin(conn, self.shop.connection, BACK, Way.SEARCH, start, covered.since)

    def _span(self, conn: Connection) -> timedelta:
        return coverage.next_span(conn, self.shop.connection)

    async def _more(self) -> bool:
        """Whether something is left to be read."""
        covered = await self.shop.store.call(lambda conn: coverage.get(conn, self.shop.connection))
        return not self._caught_up or bool(covered.past)

    # --- pages ---------------------------------------------------------------------------------------------------------

    def _search(self, window: Window) -> AsyncIterator[OrdersPage]:
        return self.shop.orders.search(
            OrderWindow(window.starts_at, window.ends_at),
            self.shop.config.marketplace_ids,
            buyers=self.shop.seal is not None,
        )

    async def _page(self, reading: _Reading) -> None:
        """One page: kept, and with the last one the window. Who is asked to stop does so while Amazon is asked, not between
        keeping a page and counting it."""
        page = await anext(reading.pages)
        await finished(self._keep(reading, page))

    async def _keep(self, reading: _Reading, page: OrdersPage) -> None:
        seen = [_seen(order) for order in page.orders] + [_unread(each, page.before) for each in page.unreadable]
        sealed, unwanted = self._sealed(page)
        connection, window = self.shop.connection, reading.window

        def keep(conn: Connection) -> Kept:
            kept = versions.keep(conn, connection, ORDER, seen)
            buyers.put(conn, connection, sealed)
            buyers.remove(conn, connection, unwanted)
            windows.page(conn, window.id, len(seen))
            if page.last:
                self._finish(conn, window, page.before)
            return kept

        kept = await self.shop.store.call(keep)
        reading.found += len(seen)
        self.so_far = Round(
            kept=self.so_far.kept + kept,
            pages=self.so_far.pages + 1,
            pages_again=self.so_far.pages_again + (window.again > 0),
        )
        if page.last:
            self._reading = None
            if window.flow == FORWARD and window.ends_at is None and window.again == 0:
                self._caught_up, self._looked_at_s = True, self.shop.clock.monotonic()

    def _finish(self, conn: Connection, window: Window, reads_to: datetime) -> None:
        """The window is read: what it covers, in the transaction of its last page."""
        if window.flow == BACK and window.ends_at is not None and reads_to < window.ends_at.replace(microsecond=0):
            raise BadAnswer(
                f"Amazon shows its orders only until {reads_to:%Y-%m-%d %H:%M:%S}, though it was asked for those until "
                f"{window.ends_at:%Y-%m-%d %H:%M:%S}: the time between would be missing. Try again later."
            )
        windows.finish(conn, window, reads_to)
        if window.flow == FORWARD:
            coverage.advance(conn, self.shop.connection, window.starts_at, reads_to)
        else:
            coverage.reach_back(conn, self.shop.connection, window.starts_at)
            # A look for new orders is no event, there are hundreds a day; a stretch of the past is one.
            stretch = {"from": window.starts_at.isoformat(), "to": reads_to.isoformat()}
            self.shop.note(conn, "orders_read", self.shop.connection, stretch)

    def _sealed(self, page: OrdersPage) -> tuple[list[SealedBuyer], list[str]]:
        """The buyers of a page, sealed; and the orders whose buyers are not to be kept any longer."""
        if self.shop.seal is None:
            return [], []
        now = self.shop.clock.now()
        until = {order.order_id: buyer_kept_until(order, now) for order in page.orders}
        sealed = []
        for buyer in page.buyers:
            delete_after = until.get(buyer.order_id)
            if delete_after is not None:
                secret = buyers.secret_id(self.shop.connection, buyer.order_id)
                envelope = self.shop.seal(secret, msgspec.json.encode(buyer))
                sealed.append(SealedBuyer(buyer.order_id, envelope, delete_after))
        return sealed, [order_id for order_id, delete_after in until.items() if delete_after is None]

    async def _tell(self, reading: _Reading, progress: Progress) -> None:
        """How far it is, by what was known when the window was begun."""
        words, left = f"reading orders from {reading.window.starts_at:%Y-%m-%d} on", 0
        if reading.density is not None:
            orders = max(0, round(reading.density * reading.left.total_seconds()) - reading.found)
            forecast = planner.by_search(Ask(Purpose.BOOKS, reading.left, orders, await self.shop.tokens()))
            left = sum(forecast.calls.values()) if orders else 0
            if forecast.seconds and orders:
                words += f", {planner.lasting(forecast.seconds)} left"
        progress(self.so_far.pages, self.so_far.pages + left, words)


def _seen(order: Order) -> Seen:
    form = store_form(order)
    state, reason = standing(order)
    return Seen(order.order_id, order.last_updated, form.sha256, form.schema, form.canonical, state, reason)


def _unread(each: UnreadableOrder, before: datetime) -> Seen:
    """An order that cannot be read is on record as well: held, without content."""
    return Seen(
        natural_id=each.order_id or f"unreadable-{each.sha256[:16]}",
        changed_at=each.last_updated or before,
        sha256=each.sha256,
        schema=UNREADABLE,
        content=b"",
        state=HELD,
        reason=f"{each.finding.code}: {each.finding.message}",
    )
