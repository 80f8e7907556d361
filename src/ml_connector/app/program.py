"""The program behind the command line: each public method is one thing that a person can ask for."""

from __future__ import annotations

import os
from calendar import monthrange
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from ml_connector.app import checkup, house, showing
from ml_connector.app.connections import Connections
from ml_connector.app.house import House
from ml_connector.app.links import Links, Mappings
from ml_connector.app.orders import OrderFlow
from ml_connector.app.records import Records
from ml_connector.app.reports import (
    AuditVerdict,
    DoctorCheck,
    Imported,
    Initialised,
    OrdersPlanShown,
    OrdersReport,
    PlanShown,
    ProofShown,
    Purged,
    Reconciled,
    Rotated,
    RunReport,
    Spotted,
)
from ml_connector.app.stopping import stopping_on_signals
from ml_connector.app.work import ORDERS, PLAN, POST, PROVE, REPLAN, SETTLEMENTS, Work, connection_of, slot_after
from ml_connector.domain.clock import Clock
from ml_connector.domain.documents import State
from ml_connector.domain.errors import MlConnectorError, Unavailable, WrongUse
from ml_connector.domain.keys import DocumentKey
from ml_connector.engine.embedded import EmbeddedEngine
from ml_connector.engine.interface import Order, Slice, SliceEnd, SliceState
from ml_connector.engine.lock import EngineLock
from ml_connector.flows import approving, discovery, inspect, planning, proving, reconcile, states
from ml_connector.flows.books import Progress
from ml_connector.flows.reconcile import Spot
from ml_connector.posting import approvals
from ml_connector.store import backup, documents, plans, queue, sealed_rows, settlements
from ml_connector.store.settlements import SettlementRow
from ml_connector.vault import keys, rotation

_FOLLOW_S: Final = 0.5
_CHAIN: Final = (SETTLEMENTS, POST, PROVE)
_STOPPED: Final = SliceEnd(
    SliceState.CANCELLED, code="stopped", words="Stopped as asked; the next run goes on from here.", exit_code=1
)


@dataclass(slots=True)
class App:
    """One opened installation. ``notice`` is what whoever opened it has to be told; mostly nothing."""

    house: House
    connections: Connections
    links: Links
    mappings: Mappings
    records: Records
    orders: OrderFlow
    lock: EngineLock
    notice: str = ""
    _stop: bool = False

    @staticmethod
    async def init(folder: Path, *, moved: bool, clock: Clock | None = None) -> Initialised:
        """Make the data folder and the master key, or move an existing installation to this host. Here and below, without a
        ``clock`` the machine's is taken."""
        key_from, created = await house.create(folder, moved=moved, clock=clock)
        return Initialised(str(folder), key_from, created)

    @staticmethod
    async def doctor(folder: Path, clock: Clock | None = None) -> list[DoctorCheck]:
        """Look at everything that posting needs, and say what is wrong."""
        return await checkup.doctor(folder, clock)

    @classmethod
    async def open(cls, folder: Path, *, look_only: bool = False, clock: Clock | None = None) -> App:
        """Open an installation. ``look_only`` leaves a restored database as it is: who looks must see it."""
        opened = await house.open_house(folder, clock)
        until = None if look_only else await opened.recover()
        connections = Connections(opened)
        links = Links(opened, connections)
        mappings = Mappings(opened, links)
        notice = house.recovering(until) if until is not None else ""
        orders = OrderFlow(opened, connections)
        return cls(opened, connections, links, mappings, Records(opened), orders, EngineLock(folder), notice)

    async def close(self) -> None:
        await self.connections.close()
        await self.house.close()
        self.lock.release()

    # --- the work ------------------------------------------------------------------------------------------------------

    async def plan(self, link: str, flow: str, since: date | None, by: str, progress: Progress) -> PlanShown:
        """Read and plan; show what would be posted. Nothing is approved and nothing is written to the ERP."""
        _known_flow(flow)
        self.house.actor = by
        row = await self.links.row(link)
        work = self._work(progress, since=since)
        await self._plan(work, Order(row.amazon, PLAN, link, self._slot(), by))
        return await showing.plan_shown(self.house, await work.books(link))

    async def apply(self, plan_id: str, by: str, progress: Progress) -> RunReport:
        """Approve an unchanged plan and post it."""
        self.house.actor = by
        plan = await self.house.store.call(lambda conn: plans.get(conn, plan_id))
        if plan is None:
            raise WrongUse(f"There is no plan {plan_id!r}: make one with ml-connector plan LINK.")
        books = await self._work(progress).books(plan.link)
        await planning.check_unchanged(books, plan)
        # Needs no engine: one transaction approves exactly the documents that the plan showed, or none.
        await approving.approve(books, plan, by)
        return await self._through_engine(plan.link, Order(books.link.erp, POST, plan.link, self._slot(), by), progress)

    async def run(
        self, link: str, flow: str, since: date | None, by: str, progress: Progress, *, wait: bool = True
    ) -> RunReport:
        """Read, plan, post and prove, going on where the last run ended."""
        _known_flow(flow)
        self.house.actor = by
        row = await self.links.row(link)
        await self.mappings.newest(link)
        order = Order(row.amazon, flow, link, self._slot(), by)
        return await self._through_engine(link, order, progress, since=since, wait=wait)

    async def plan_orders(self, link: str, since: date | None) -> OrdersPlanShown:
        """What is left to be read of the orders, and how long Amazon's limits will make it last."""
        row = await self.links.row(link)
        return await self.orders.plan(link, row.amazon, since)

    async def run_orders(
        self,
        link: str,
        since: date | None,
        by: str,
        progress: Progress,
        *,
        wait: bool = True,
        only_find: bool = False,
    ) -> OrdersReport:
        """Read orders, slice by slice, until all that is wanted is read; without ``wait`` for one slice."""
        self.house.actor = by
        row = await self.links.row(link)
        flow = await self.orders.want(row.amazon, since, by, only_find=only_find)
        engine = self._engine(self._work(progress))

        async def one() -> SliceEnd:
            order = Order(row.amazon, flow, link, self._slot(), by)
            return await self._end_of(engine, await engine.enqueue(order))

        with stopping_on_signals(self.stop):
            return await self.orders.run(link, row.amazon, flow, one, wait=wait)

    async def replay(self, key: str, by: str, progress: Progress) -> RunReport:
        """Try a held settlement or document again: the settlement is planned anew, and what the person asked for is posted,
        whoever approves the link's plans."""
        self.house.actor = by
        settlement = await self.records.settlement(key)
        link = await (
            self._replay_settlement(settlement, by, progress) if settlement else self._replay_document(key, by)
        )
        row = await self.links.row(link)
        return await self._through_engine(link, Order(row.erp, POST, link, self._slot(), by), progress)

    async def _replay_settlement(self, settlement: SettlementRow, by: str, progress: Progress) -> str:
        link, settlement_id = settlement.link, settlement.settlement_id
        row = await self.links.row(link)
        rows = await self.house.store.call(lambda conn: documents.of_settlement(conn, link, settlement_id))
        held = [each.key for each in rows if each.state is State.HELD]
        if settlement.state not in {states.HELD, states.DROPPED} and not held:
            raise WrongUse(f"Settlement {settlement_id} is not held: there is nothing to replay.")
        work = self._work(progress)
        if settlement.state == states.DROPPED:
            await self.house.store.call(
                lambda conn: settlements.set_state(conn, settlement.account, settlement_id, states.READ)
            )
        if settlement.state != states.PLANNED:
            await self._plan(work, Order(row.amazon, REPLAN, link, self._slot(), by))
            await approving.approve_settlement(await work.books(link), settlement_id, by)
        await self.house.store.call(lambda conn: self._release(conn, held, by))
        return link

    async def _replay_document(self, key: str, by: str) -> str:
        released = await self.house.store.call(
            lambda conn: approvals.replay(conn, self.house.store, self.records.key(key), by, self.house.note)
        )
        return released[0].link

    def _release(self, conn: Connection, held: Sequence[DocumentKey], by: str) -> None:
        """Replay those that are still held: replaying one releases what had only stopped with it."""
        for key in held:
            row = documents.get(conn, key)
            if row is not None and row.state is State.HELD:
                approvals.replay(conn, self.house.store, key, by, self.house.note)

    async def import_settlement(self, link: str | None, file: Path, by: str) -> Imported:
        """Archive a file as if it had been discovered, for ``link`` or the one that covers its store. One that cannot be used
        is not kept."""
        self.house.actor = by
        found = inspect.inspect_file(file)
        if not found["foots"]:
            finding = found["findings"][0]
            where = f" (line {finding['line']})" if finding["line"] is not None else ""
            words = f"The file is refused, and nothing was kept. {finding['message']}{where}"
            return Imported(found["settlement_id"], "", found["sha256"], refused=True, words=words)
        store = inspect.main_store(found)
        chosen = link or await self.links.covering(store, found["currency"])
        books = await self._work(lambda _done, _total, _words: None).books(chosen)
        sha256, new = await discovery.import_file(books, file, by)
        words = f"Settlement {found['settlement_id']} is {'archived' if new else 'here already'}."
        if not books.link.takes(store, found["currency"]):
            chosen, words = (
                "",
                f"{words} Link {chosen} does not cover {store or found['currency']}: it waits until a link does.",
            )
        return Imported(found["settlement_id"], chosen, sha256, refused=False, words=words)

    async def prove(self, settlement_id: str, by: str) -> ProofShown:
        """Recompute the certificate of one settlement, against what the ERP holds now."""
        self.house.actor = by
        found = await self.house.store.call(lambda conn: settlements.find(conn, settlement_id=settlement_id))
        row = next((each for each in found if each.link), None)
        if row is None:
            raise WrongUse(f"Settlement {settlement_id} is not known here: see ml-connector record list.")
        books = await self._work(lambda _done, _total, _words: None).books(row.link, removed=True)
        return showing.proof_shown(await proving.certify(books, settlement_id))

    async def reconcile(self, link: str, period: str, by: str) -> Reconciled:
        """Look again at everything dated in a month."""
        self.house.actor = by
        first, last = _month(period)
        books = await self._work(lambda _done, _total, _words: None).books(link)
        looked_at, spots = await reconcile.reconcile(books, first, last)
        of = {
            what: tuple(_spotted(spot) for spot in spots if spot.what == what)
            for what in ("missing", "changed", "surplus", "not_counted")
        }
        equal = looked_at - len(of["missing"]) - len(of["changed"])
        return Reconciled(link, period, looked_at, equal, **of)

    async def serve(self, begun: Callable[[], None]) -> None:
        """Run all links on their schedules until SIGINT or SIGTERM; what is being written is finished first. ``begun`` is
        called when nobody else can."""
        if not self.lock.try_acquire():
            raise WrongUse("Another ml-connector already serves this data folder.")
        with stopping_on_signals(self.stop):
            begun()
            await self._engine(self._work(lambda _done, _total, _words: None)).serve()

    def stop(self) -> None:
        """Ask everything to come to an end."""
        self._stop = True

    # --- keeping -------------------------------------------------------------------------------------------------------

    async def rotate_secrets(self, by: str) -> Rotated:
        """A new master key for every secret."""
        self.house.actor = by
        if not self.lock.try_acquire():
            # Whoever works there has the old key only.
            raise Unavailable("Another ml-connector works on this data folder: stop it, then rotate.", code="busy")
        if self.house.ring.source == keys.VARIABLE:
            done = await self._rotate_in_environment()
        else:
            done = await self._rotate_in_file(house.places(self.house.folder, os.environ).file)
        await self.house.store.call(lambda conn: self.house.note(conn, "secrets_rotated", done.kid, {"by": by}))
        return Rotated(done.rewrapped, self.house.ring.source, tuple(str(file) for file in done.kept))

    async def _rotate_in_environment(self) -> rotation.Rotated:
        if not self.house.ring.others:
            raise WrongUse(
                f"The master key comes from {keys.VARIABLE}: put the new key before the old one there, separated by a comma, "
                "then run secrets rotate; drop the old one afterwards."
            )
        return await rotation.rotate(self.house.ring, sealed_rows.SealedRows(self.house.store))

    async def _rotate_in_file(self, file: Path) -> rotation.Rotated:
        lock = EngineLock(file.parent, f"{file.name}.lock")
        if not lock.try_acquire():
            # Two would each write a key file without the other's key in it.
            raise WrongUse("Another ml-connector is changing this master key: try again when it is done.")
        try:
            return await rotation.rotate_file(file, sealed_rows.SealedRows(self.house.store))
        finally:
            lock.release()

    async def verify_audit(self) -> AuditVerdict:
        """Recompute the whole chain, and hold its head against the file beside the database."""
        return await checkup.verify_audit(self.house)

    async def purge(self, by: str) -> Purged:
        """Delete what may be kept no longer: buyers."""
        self.house.actor = by
        return await self.orders.purge_due()

    async def backup(self, target: Path, by: str) -> None:
        """A consistent copy of the database."""
        self.house.actor = by
        backup.backup(self.house.store.engine, target)
        await self.house.store.call(lambda conn: self.house.note(conn, "backup", target.name, {"by": by}))

    # --- through the engine --------------------------------------------------------------------------------------------

    async def _through_engine(
        self, link: str, order: Order, progress: Progress, *, since: date | None = None, wait: bool = True
    ) -> RunReport:
        """Run an order and what follows from it here, or hand it to whoever holds the engine, and follow."""
        started = await self.house.store.call(self.house.store.now)
        engine = self._engine(self._work(progress, since=since, wait=wait))
        with stopping_on_signals(self.stop):
            slice_id = await engine.enqueue(order)
            ends = await self._follow(engine, order, slice_id)
        return await showing.run_report(self.house, self.links, link, order.flow, ends, started)

    async def _follow(self, engine: EmbeddedEngine, order: Order, slice_id: str) -> list[SliceEnd]:
        """How ``order`` ended, and what followed it: the flows of one chain share their slot."""
        ends: list[SliceEnd] = []
        following: str | None = slice_id
        for flow in (*_CHAIN[_CHAIN.index(order.flow) + 1 :], None):
            if following is None:
                break
            ends.append(await self._end_of(engine, following))
            following = await self._slice(order, flow) if flow is not None else None
        return ends

    async def _end_of(self, engine: EmbeddedEngine, slice_id: str) -> SliceEnd:
        """Run the engine until the slice has ended, or wait for whoever runs it: until he is done with it, or gone."""
        while (end := await engine.end_of(slice_id)) is None:
            if self._stop:
                return _STOPPED
            if self.lock.try_acquire():
                await engine.recover()
                await engine.drain()
            else:
                await self.house.clock.sleep(_FOLLOW_S)
        return end

    async def _slice(self, order: Order, flow: str) -> str | None:
        wanted = queue.slice_id(order.link, flow, slot_after(order.slot))
        row = await self.house.store.call(lambda conn: queue.get(conn, wanted))
        return row.id if row is not None else None

    async def _plan(self, work: Work, order: Order) -> None:
        """Plan here, alone, or have whoever holds the engine do it. Only this: what else is queued writes to the ERP."""
        if self.lock.try_acquire():
            await work(Slice(order.slot, order.connection, order.flow, order.link, order.slot))
            return
        engine = self._engine(work)
        with stopping_on_signals(self.stop):
            end = await self._end_of(engine, await engine.enqueue(order))
        if end.state is not SliceState.DONE:
            error = {2: WrongUse, 3: Unavailable}.get(end.exit_code, MlConnectorError)
            raise error(end.words, code=end.code)

    def _work(self, progress: Progress, *, since: date | None = None, wait: bool = False) -> Work:
        return Work(
            self.house,
            self.connections,
            self.links,
            self.mappings,
            self.orders,
            progress=progress,
            since=since,
            wait=wait,
            stopping=lambda: self._stop,
        )

    def _engine(self, work: Work) -> EmbeddedEngine:
        return EmbeddedEngine(self.house.store, work, self.house.clock, connection_of, stopping=lambda: self._stop)

    def _slot(self) -> str:
        """A request of its own: never the same as a scheduled slot or another request."""
        return f"asked {self.house.clock.now().isoformat()} {self.house.random.getrandbits(32):08x}"


def _known_flow(flow: str) -> None:
    if flow != SETTLEMENTS:
        raise WrongUse(f"There is no flow {flow!r}; there are: {SETTLEMENTS}, {ORDERS}.")


def _month(period: str) -> tuple[date, date]:
    try:
        first = date.fromisoformat(f"{period}-01")
    except ValueError as error:
        raise WrongUse(f"--period takes a month as YYYY-MM, not {period!r}.") from error
    return first, first.replace(day=monthrange(first.year, first.month)[1])


def _spotted(spot: Spot) -> Spotted:
    return Spotted(spot.what, spot.key, spot.words, dict(spot.ids))
