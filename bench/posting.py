"""How fast documents are posted and proved to be there, beside a loop that only sends them (DESIGN 9).

    python bench/posting.py [--documents 1000] [--runs 5] [--history 200000] [--folder DIR] [--profile NAME]

The simulated ERP runs in this process; the real poster, connector and store do the work. The store is SQLite with WAL and
synchronous=FULL on the disk of ``--folder``. The contestants take turns, the median counts. The bounds: ours >= 200
documents a second, and on a database that already holds ``--history`` posted documents at most 1.2 x the time.

What one document takes: the intent is committed before its write, the outcome and the look that proves it after it, each with
an audit event. The naive loop sends the same bodies, one after the other, and keeps nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import itertools
import pstats
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

import httpx2  # noqa: E402
from sqlalchemy import Connection, text  # noqa: E402

from ml_connector.domain.catalog import Currency  # noqa: E402
from ml_connector.domain.documents import JournalEntry, JournalLine, State  # noqa: E402
from ml_connector.domain.keys import document_key  # noqa: E402
from ml_connector.domain.stored_documents import store_form  # noqa: E402
from ml_connector.engine.clock import SystemClock  # noqa: E402
from ml_connector.erp.registry import Tools  # noqa: E402
from ml_connector.erp.sap_business_one.company import Company  # noqa: E402
from ml_connector.erp.sap_business_one.connector import SapBusinessOne, connect  # noqa: E402
from ml_connector.erp.sap_business_one.documents import common as sap_documents  # noqa: E402
from ml_connector.erp.sap_business_one.documents import journal_entries  # noqa: E402
from ml_connector.erp.sap_business_one.odata import encode  # noqa: E402
from ml_connector.erp.sap_business_one.routes.batch import Request, content_type, encode_change_sets  # noqa: E402
from ml_connector.posting.loop import Poster  # noqa: E402
from ml_connector.sandbox.clock import RealClock  # noqa: E402
from ml_connector.sandbox.world import World  # noqa: E402
from ml_connector.store import audit, documents  # noqa: E402
from ml_connector.store.documents import NewDocument  # noqa: E402
from ml_connector.store.door import Store  # noqa: E402
from tests.support.nodes import NodeTransport  # noqa: E402

DAY = datetime.now(UTC).date() - timedelta(days=3)
AUDIT_KEY = bytes(32)
_numbers = itertools.count(1)


# --- the documents ------------------------------------------------------------------------------------------------------


def entries(count: int) -> list[JournalEntry]:
    """Journal entries of twelve lines, as a settlement gives them; never the same ones twice."""
    return [entry(next(_numbers)) for _ in range(count)]


def entry(number: int, day: date = DAY) -> JournalEntry:
    chance = Random(number)
    accounts = ("611000", "621000", "621100", "405000", "406000")
    debits = [(account, Decimal(chance.randrange(1_00, 90_000_00)) / 100) for account in accounts * 2]
    credit = sum((amount for _, amount in debits), Decimal(0))
    share = (credit / 3).quantize(Decimal("0.01"))
    lines = [
        journal_line(f"category_{place}", account, amount, Decimal(0)) for place, (account, amount) in enumerate(debits)
    ]
    lines += [
        journal_line("product_sales", "401000", Decimal(0), share),
        journal_line("shipping_income", "401100", Decimal(0), credit - share),
    ]
    settlement = str(20_000_000_000 + number)
    return JournalEntry(
        key=document_key("BENC", "JE", settlement, f"{day:%YP%m}"),
        company="",
        branch="",
        posting_date=day,
        document_date=day,
        period=f"{day:%YP%m}",
        currency="USD",
        reference=settlement,
        memo=f"Amazon settlement {settlement}",
        lines=tuple(lines),
    )


def journal_line(category: str, account: str, debit: Decimal, credit: Decimal) -> JournalLine:
    return JournalLine(category, "Amazon.com", account, debit, credit, f"{category} Amazon.com")


# --- the ERP ------------------------------------------------------------------------------------------------------------


@dataclass
class Erp:
    """A simulated company of its own, in memory, and a connector signed in to it."""

    node: NodeTransport
    form: dict[str, str]
    target: SapBusinessOne
    company: Company

    @classmethod
    async def open(cls, *, claims: bool) -> Erp:
        world = World(RealClock(), systems=("sap_business_one",), base_url="https://sandbox.test")
        node = NodeTransport(world.app)
        form = {name: str(value) for name, value in world.credentials()["sap_business_one"].items()}
        settings = {name: value for name, value in form.items() if name != "password"}
        target = await connect(settings, {"password": form["password"]}, Tools(SystemClock(), Random(1), node))
        if claims:
            await target.prepare()
        dollar = Currency("$", "USD", 2)
        return cls(
            node, form, target, Company(form["company_db"], dollar, (dollar,), (), key_field=claims, claims=claims)
        )


# --- the contestants ----------------------------------------------------------------------------------------------------


@dataclass
class Result:
    """``seconds`` for all documents. ``calls`` through the store's door and ``commits`` (each one an fsync of the log)."""

    seconds: float
    calls: int = 0
    commits: int = 0


async def naive(erp: Erp, batch: list[JournalEntry], *, claims: bool) -> Result:
    """POST each, hope for the best."""
    base = erp.form["base_url"]
    async with httpx2.AsyncClient(transport=erp.node) as client:
        login = {
            "CompanyDB": erp.form["company_db"],
            "UserName": erp.form["username"],
            "Password": erp.form["password"],
        }
        session = (await client.post(f"{base}/Login", json=login)).json()["SessionId"]
        started = time.perf_counter()
        for document in batch:
            body, where, kind = (
                encode(journal_entries.payload(document, erp.company)),
                "JournalEntries",
                "application/json",
            )
            if claims:
                where, kind = "$batch", content_type("b")
                claim = Request("POST", "/b1s/v2/U_ML_LINK", encode(sap_documents.claim(document)))
                body = encode_change_sets([(claim, Request("POST", "/b1s/v2/JournalEntries", body))], "b")
            headers = {"Content-Type": kind, "Cookie": f"B1SESSION={session}"}
            answer = await client.post(f"{base}/{where}", content=body, headers=headers)
            assert answer.status_code in (201, 202, 200), answer.text
        return Result(time.perf_counter() - started)


async def ours(store: Store, erp: Erp, batch: list[JournalEntry]) -> Result:
    """The poster drains approved documents, each a posting set of its own, until all are posted."""
    await plan(store, erp, batch)

    def note(conn: Connection, event: str, subject: str, data: Any) -> None:
        audit.append(conn, AUDIT_KEY, actor="bench", event=event, subject=subject, data=data)

    poster = Poster(store, erp.target, "books", "bench", SystemClock(), Random(1), note)
    calls, commits = store.counts.calls, store.counts.transactions
    started = time.perf_counter()
    tally = await poster.drain()
    seconds = time.perf_counter() - started
    assert (tally.posted, tally.held, tally.trouble) == (len(batch), 0, None), tally
    return Result(seconds, store.counts.calls - calls, store.counts.transactions - commits)


async def plan(store: Store, erp: Erp, batch: list[JournalEntry]) -> None:
    for start in range(0, len(batch), 200):
        rows = [
            NewDocument(
                document, "books", "bench", erp.target.wire_key(document), document.reference, state=State.APPROVED
            )
            for document in batch[start : start + 200]
        ]
        await store.call(lambda conn, rows=rows: documents.add(conn, rows))  # type: ignore[misc]


# --- history ------------------------------------------------------------------------------------------------------------

_COLUMNS = [
    "key",
    "connection",
    "link",
    "kind",
    "wire_key",
    "set_id",
    "position",
    "schema",
    "canonical",
    "sha256",
    "goal",
    "state",
    "reason_code",
    "reason",
    "ids",
    "created_at",
    "updated_at",
    "first_intent_at",
    "posted_at",
]


async def fill(store: Store, count: int) -> None:
    """``count`` documents that were posted in former years, each with its attempt and the audit events of its posting."""
    template = store_form(entry(0))
    long_ago = datetime(2021, 1, 1, tzinfo=UTC)
    insert = text(
        f"INSERT INTO documents ({', '.join(_COLUMNS)}) VALUES ({', '.join(f':{name}' for name in _COLUMNS)})"
    )
    attempt = text(
        "INSERT INTO attempts (key, step, epoch, holder, sent_at, outcome, ids, words, closed_at) "
        "VALUES (:key, 'plain', 1, 'bench', :created_at, 'accepted', :ids, '', :created_at)"
    )

    def some(conn: Connection, numbers: range) -> None:
        rows = []
        for number in numbers:
            at = (long_ago + timedelta(minutes=number)).isoformat(timespec="microseconds")
            key = f"BENC-JE-{10_000_000_000 + number}-2021P01"
            rows.append(
                dict.fromkeys(_COLUMNS, "")
                | {"key": key, "wire_key": key, "set_id": str(number), "connection": "books", "link": "bench"}
                | {"kind": "JournalEntry", "position": 0, "schema": template.schema, "canonical": template.canonical}
                | {"sha256": template.sha256, "goal": "posted", "state": "posted", "ids": f'[["JdtNum","{number}"]]'}
                | dict.fromkeys(("created_at", "updated_at", "first_intent_at", "posted_at"), at)
            )
        conn.execute(insert, rows)
        conn.execute(attempt, rows)
        for row in rows:
            audit.append(conn, AUDIT_KEY, actor="bench", event="posted", subject=str(row["key"]), data={})

    for start in range(0, count, 2_000):
        await store.call(lambda conn, start=start: some(conn, range(start, min(start + 2_000, count))))  # type: ignore[misc]


# --- the table ----------------------------------------------------------------------------------------------------------

Contestant = Callable[[list[JournalEntry]], Result]


def contestants(folder: Path, history: int) -> Iterator[tuple[str, Contestant]]:
    """Each run has a company of its own; ours has a new database, or the one with a history."""
    numbers = itertools.count()

    def sending(claims: bool) -> Contestant:
        async def run(batch: list[JournalEntry]) -> Result:
            return await naive(await Erp.open(claims=claims), batch, claims=claims)

        return lambda batch: asyncio.run(run(batch))

    def posting(claims: bool, database: Path | None = None) -> Contestant:
        async def run(batch: list[JournalEntry]) -> Result:
            path = database or folder / f"{next(numbers)}.db"
            store = Store.open(path, SystemClock())
            try:
                return await ours(store, await Erp.open(claims=claims), batch)
            finally:
                await store.close()
                if database is None:
                    path.unlink()

        return lambda batch: asyncio.run(run(batch))

    yield "naive, plain", sending(claims=False)
    yield "ours, plain", posting(claims=False)
    yield "naive, claim", sending(claims=True)
    yield "ours, claim", posting(claims=True)
    if history:
        yield "ours, claim, with history", posting(claims=True, database=filled(folder, history))


def filled(folder: Path, history: int) -> Path:
    path = folder / "history.db"

    async def run() -> None:
        store = Store.open(path, SystemClock(), fsync=False)
        await fill(store, history)
        await store.close()

    asyncio.run(run())
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--documents", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--history", type=int, default=200_000)
    parser.add_argument("--folder", type=Path, help="on the disk to measure; a temporary folder unless given")
    parser.add_argument("--profile", metavar="NAME", help="profile one run of a contestant instead")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        if arguments.profile:
            profile(dict(contestants(Path(folder), 0))[arguments.profile], arguments.documents)
        else:
            compare(Path(folder), arguments.documents, arguments.runs, arguments.history)


def compare(folder: Path, count: int, runs: int, history: int) -> None:
    taking_part = dict(contestants(folder, history))
    results: dict[str, list[Result]] = {name: [] for name in taking_part}
    for _ in range(runs):
        for name, contestant in taking_part.items():
            results[name].append(contestant(entries(count)))
    print(f"\n{count:,} journal entries of 12 lines, median of {runs}; history: {history:,} posted documents")
    print(f"{'':28}{'documents/s':>12}{'x naive':>9}{'calls':>8}{'commits':>9}{'documents/commit':>18}")
    medians = {name: statistics.median(run.seconds for run in measured) for name, measured in results.items()}
    for name, measured in results.items():
        yardstick = medians["naive, claim" if "claim" in name else "naive, plain"]
        calls, commits = (statistics.median(getattr(run, what) for run in measured) for what in ("calls", "commits"))
        counted = f"{calls:8.0f}{commits:9.0f}{count / commits:18.1f}" if commits else ""
        print(f"{name:28}{count / medians[name]:12.0f}{medians[name] / yardstick:9.2f}{counted}")
    if history:
        ratio = medians["ours, claim, with history"] / medians["ours, claim"]
        print(f"time with history / without: {ratio:.2f} (at most 1.20)")
    slowest = min(count / medians[name] for name in medians if name.startswith("ours"))
    print(f"slowest of ours: {slowest:.0f} documents/s (at least 200)")


def profile(contestant: Contestant, count: int) -> None:
    batch = entries(count)
    profiler = cProfile.Profile()
    profiler.runcall(contestant, batch)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(45)


if __name__ == "__main__":
    main()
