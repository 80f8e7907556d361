"""What a slow line to the ERP costs: several documents in one request, beside one request for each (DESIGN 9).

    python bench/erp.py [--documents 1000] [--lines 1000] [--latency-ms 50] [--runs 3]

The simulated Business One runs in this process behind a line on which every answer takes ``--latency-ms`` longer. The real poster,
connector and store do the work: looks, claims, permits, writes, and the looks that prove them. *batch* sends up to twenty documents
in one request, each in a change set of its own; *single* sends every document alone, four requests at a time. Both post invoices of
two lines; both post one journal entry of ``--lines`` lines. The contestants take turns, the median counts.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

import httpx2  # noqa: E402
from sqlalchemy import Connection  # noqa: E402

from ml_connector.domain.documents import (  # noqa: E402
    Document,
    JournalEntry,
    JournalLine,
    SalesDocument,
    SalesLine,
    State,
)
from ml_connector.domain.keys import document_key  # noqa: E402
from ml_connector.engine.clock import SystemClock  # noqa: E402
from ml_connector.erp.registry import Tools  # noqa: E402
from ml_connector.erp.sap_business_one.connector import SapBusinessOne, connect  # noqa: E402
from ml_connector.posting.loop import Poster  # noqa: E402
from ml_connector.sandbox.clock import RealClock  # noqa: E402
from ml_connector.sandbox.world import World  # noqa: E402
from ml_connector.store import audit, documents  # noqa: E402
from ml_connector.store.documents import NewDocument  # noqa: E402
from ml_connector.store.door import Store  # noqa: E402
from tests.support.nodes import NodeTransport  # noqa: E402
from tests.support.trade import invoice as sold_by  # noqa: E402

DAY: Final = datetime.now(UTC).date() - timedelta(days=3)
AUDIT_KEY: Final = bytes(32)
BATCHES: Final = {"single": "1", "batch": "20"}


class SlowLine(httpx2.AsyncBaseTransport):
    """The way to the server, on which every exchange takes a while longer. ``exchanges`` counts them."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, latency_s: float) -> None:
        self._inner = inner
        self._latency_s = latency_s
        self.exchanges = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.exchanges += 1
        await asyncio.sleep(self._latency_s)
        return await self._inner.handle_async_request(request)


def invoices(count: int) -> list[Document]:
    """Invoices of two lines: one of goods and the shipping."""
    return [invoice(number) for number in range(count)]


def invoice(number: int, day: date = DAY) -> SalesDocument:
    order = f"113-{number:07d}-0000001"
    amount = Decimal(Random(number).randrange(1_00, 900_00)) / 100
    lines = (
        SalesLine("STOOL-OAK-45", "goods", Decimal(1), amount, tax_code="EX", warehouse="FBA-US"),
        SalesLine("SHIPPING", "Shipping", Decimal(1), Decimal("4.99"), tax_code="EX"),
    )
    sold = sold_by(order, lines=lines)
    key = document_key("BENC", "INV", order)
    return replace(sold, key=key, posting_date=day, document_date=day, customer="C-AMZ-US")


def journal(lines: int, day: date = DAY) -> list[Document]:
    """One balanced entry of so many lines."""
    chance = Random(lines)
    debits = [Decimal(chance.randrange(1_00, 900_00)) / 100 for _ in range(lines - 1)]
    rows = [_line(f"category_{place}", "611000", debit=amount) for place, amount in enumerate(debits)]
    rows.append(_line("payout", "114100", credit=sum(debits, Decimal(0))))
    entry = JournalEntry(
        document_key("BENC", "JE", "20000000001", f"{day:%YP%m}"),
        company="",
        branch="",
        posting_date=day,
        document_date=day,
        period=f"{day:%YP%m}",
        currency="USD",
        reference="20000000001",
        memo="Amazon settlement 20000000001",
        lines=tuple(rows),
    )
    return [entry]


def _line(category: str, account: str, *, debit: Decimal = Decimal(0), credit: Decimal = Decimal(0)) -> JournalLine:
    return JournalLine(category, "Amazon.com", account, debit, credit, f"{category} Amazon.com")


async def company(batch_size: str, latency_s: float) -> tuple[SapBusinessOne, SlowLine]:
    """A prepared company of its own, and the line to it."""
    world = World(RealClock(), systems=("sap_business_one",), base_url="https://sandbox.test")
    line = SlowLine(NodeTransport(world.app), latency_s)
    form = {name: str(value) for name, value in world.credentials()["sap_business_one"].items()}
    secrets = {"password": form.pop("password")}
    target = await connect(form | {"batch_size": batch_size}, secrets, Tools(SystemClock(), Random(1), line))
    await target.prepare()
    return target, line


async def posted(planned: Sequence[Document], batch_size: str, latency_s: float, folder: Path) -> tuple[float, int]:
    """Seconds and exchanges until all of ``planned``, each a posting set of its own, are posted."""
    target, line = await company(batch_size, latency_s)
    store = Store.open(folder / f"{next(_NUMBERS)}.db", SystemClock())

    def keep(conn: Connection) -> None:
        rows = [
            NewDocument(each, "books", "bench", target.wire_key(each), each.reference, state=State.APPROVED)
            for each in planned
        ]
        documents.add(conn, rows)

    def note(conn: Connection, event: str, subject: str, data: Any) -> None:
        audit.append(conn, AUDIT_KEY, actor="bench", event=event, subject=subject, data=data)

    await store.call(keep)
    before = line.exchanges
    started = time.perf_counter()
    tally = await Poster(store, target, "books", "bench", SystemClock(), Random(1), note).drain()
    seconds = time.perf_counter() - started
    assert (tally.posted, tally.held, tally.trouble) == (len(planned), 0, None), tally
    await store.close()
    return seconds, line.exchanges - before


_NUMBERS = itertools.count(1)


def compare(what: str, planned: Sequence[Document], runs: int, latency_s: float, folder: Path) -> None:
    results: dict[str, list[tuple[float, int]]] = {name: [] for name in BATCHES}
    for _ in range(runs):
        for name, size in BATCHES.items():
            results[name].append(asyncio.run(posted(planned, size, latency_s, folder)))
    print(f"\n{what}, {latency_s * 1000:.0f} ms a request, median of {runs}")
    print(f"{'':10}{'seconds':>9}{'requests':>10}{'documents/s':>13}")
    medians = {name: statistics.median(seconds for seconds, _ in measured) for name, measured in results.items()}
    for name, measured in results.items():
        requests = statistics.median(count for _, count in measured)
        print(f"{name:10}{medians[name]:9.2f}{requests:10.0f}{len(planned) / medians[name]:13.1f}")
    print(f"single / batch: {medians['single'] / medians['batch']:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--documents", type=int, default=1_000)
    parser.add_argument("--lines", type=int, default=1_000)
    parser.add_argument("--latency-ms", type=float, default=50.0)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    latency_s = arguments.latency_ms / 1000
    with tempfile.TemporaryDirectory() as folder:
        each = (
            (f"{arguments.documents:,} invoices", invoices(arguments.documents)),
            (f"a journal entry of {arguments.lines:,} lines", journal(arguments.lines)),
        )
        for what, planned in each:
            compare(what, planned, arguments.runs, latency_s, Path(folder))


if __name__ == "__main__":
    main()
