"""How fast orders become durable records, beside the usual client, which stores nothing (DESIGN 9).

    python bench/orders.py [--orders 100000] [--runs 5] [--folder DIR] [--profile]

A server of its own process pages orders over loopback HTTP, 100 at a time, without limits of quota: the real client, flow and
store do the rest, on SQLite with WAL and synchronous=FULL on the disk of ``--folder``. Each run is a process of its own, the
contestants take turns, the median counts. The bound: ours >= 3,000 orders a second.

``ours`` checks every amount, writes every version with its hash and content, and moves its watermark window by window. ``ours,
again`` reads the same orders into a database that has them already. ``python-amazon-sp-api`` pages them as dicts and drops them.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import importlib
import importlib.util
import json
import logging
import pstats
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

import structlog  # noqa: E402

from ml_connector.amazon.config import read_config  # noqa: E402
from ml_connector.amazon.connection import AmazonAccount, Tools  # noqa: E402
from ml_connector.engine.clock import SystemClock  # noqa: E402
from ml_connector.flows.coverage import FORWARD  # noqa: E402
from ml_connector.flows.order_states import ORDER  # noqa: E402
from ml_connector.flows.orders import OrderReader  # noqa: E402
from ml_connector.store import records, watermarks  # noqa: E402
from ml_connector.store.door import Store  # noqa: E402
from tests.support.amazon import MemoryTokens  # noqa: E402
from tests.support.order_reading import CONNECTION, read_all, shop  # noqa: E402
from tests.support.thin_amazon import SELLER, ThinAmazon  # noqa: E402

US = "ATVPDKIKX0DER"
DAYS = 29
INCLUDED = ["PROCEEDS", "EXPENSE", "PROMOTION", "CANCELLATION", "FULFILLMENT", "PACKAGES", "TAX"]


# --- the server ---------------------------------------------------------------------------------------------------------


def serve(count: int) -> None:
    """Serve until standard input ends; say where, once it can be asked."""
    import httpx2
    import uvicorn

    clock = SystemClock()
    amazon = ThinAmazon(clock, limited=False, keep_served=False)
    start = clock.now() - timedelta(days=DAYS)
    step = timedelta(days=DAYS, hours=-2) / count
    for number in range(count):
        at = (start + number * step).replace(microsecond=0)
        order_id = f"113-{number // 10_000_000:07d}-{number % 10_000_000:07d}"
        amazon.change(order_id, at, order(number, order_id, at))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        url = f"http://127.0.0.1{scope['path']}?{scope['query_string'].decode()}"
        answer = amazon.answer(httpx2.Request(scope["method"], url, content=body))
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer.content)).encode())]
        headers.append((b"x-amzn-requestid", b"r"))
        await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": answer.content})

    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    print(json.dumps({"base_url": f"http://127.0.0.1:{listener.getsockname()[1]}/amazon"}), flush=True)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", access_log=False))
    asyncio.run(server.serve(sockets=[listener]))


def order(number: int, order_id: str, at: datetime) -> bytes:
    """A shipped order: one or two lines with shipping, tax and every third time a discount, as Amazon writes it."""
    lines = [line(number, place) for place in range(1 + number % 2)]
    totals = {kind: sum(cents[kind] for cents, _ in lines) for kind in ("ITEM", "SHIPPING", "TAX", "DISCOUNT") if lines}
    instant = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps(
        {
            "orderId": order_id,
            "createdTime": instant,
            "lastUpdatedTime": instant,
            "programs": ["PRIME"],
            "salesChannel": {"channelName": "AMAZON", "marketplaceId": US, "marketplaceName": "Amazon.com"},
            "proceeds": {"grandTotal": usd(sum(totals.values())), "breakdowns": breakdowns(totals)},
            "fulfillment": {
                "fulfillmentStatus": "SHIPPED",
                "fulfilledBy": "AMAZON",
                "fulfillmentServiceLevel": "SECOND_DAY",
            },
            "orderItems": [item for _, item in lines],
        }
    ).encode()


def line(number: int, place: int) -> tuple[dict[str, int], dict[str, object]]:
    price = 799 + (number * 37 + place * 11) % 9_000
    cents = {"ITEM": price, "SHIPPING": 599, "TAX": price * 8 // 100, "DISCOUNT": -599 if number % 3 == 0 else 0}
    details = {"TAX": [("ITEM", cents["TAX"])], "DISCOUNT": [("SHIPPING", cents["DISCOUNT"])]}
    parts = [
        {**part, "detailedBreakdowns": [{"subtype": subtype, "value": usd(value)} for subtype, value in found]}
        if (found := details.get(str(part["type"])))
        else part
        for part in breakdowns(cents)
    ]
    item = {
        "orderItemId": str(90_000_000_000_000 + number * 10 + place),
        "quantityOrdered": 1,
        "product": {
            "asin": f"B0TEST{number % 400:04d}",
            "title": f"Test chair, colour {number % 400}, with a title as long as titles are",
            "sellerSku": f"CHAIR-{number % 400:05d}",
            "price": {"unitPrice": usd(price)},
        },
        "proceeds": {"proceedsTotal": usd(sum(cents.values())), "breakdowns": parts},
        "fulfillment": {"quantityFulfilled": 1, "quantityUnfulfilled": 0},
        "tax": {"taxCollections": [{"model": "MARKETPLACE_FACILITATOR", "responsibleParty": "Amazon Services, Inc."}]},
    }
    return cents, item


def breakdowns(cents: Mapping[str, int]) -> list[dict[str, object]]:
    return [{"type": kind, "subtotal": usd(value)} for kind, value in cents.items() if value]


def usd(cents: int) -> dict[str, str]:
    return {"amount": f"{cents / 100:.2f}", "currencyCode": "USD"}


# --- the contestants ----------------------------------------------------------------------------------------------------


class EveryCall:
    """Buckets that are never empty: what is measured is our work, not Amazon's patience."""

    async def take(self, account: str, operation: str, rate_per_s: float, burst: int) -> float:
        return 0.0

    async def correct(self, account: str, operation: str, rate_per_s: float) -> None:
        """There is no rate."""

    async def drain(self, account: str, operation: str) -> None:
        """It refuses nothing."""


def sign_in(base_url: str) -> dict[str, str]:
    return {
        "base_url": base_url,
        "token_url": f"{base_url}/auth/o2/token",
        "client_id": "amzn1.application-oa2-client.bench",
        "seller_id": SELLER,
        "marketplace_ids": US,
    }


def ours(base_url: str, database: Path, wrap: Callable[[Callable[[], Any]], Any] = lambda run: run()) -> int:
    """Everything that Amazon shows, into records."""

    async def run() -> int:
        clock = SystemClock()
        store = Store.open(database, clock)

        async def on_new(token: str) -> None:
            """It gives no other one."""

        secrets = {"client_secret": "amzn1.oa2-cs.v1.bench", "refresh_token": "Atzr|bench"}
        tools = Tools(clock, Random(1), MemoryTokens(), EveryCall(), on_new)
        account = AmazonAccount(read_config(sign_in(base_url), secrets), tools)
        await read_all(OrderReader(shop(store, account, clock)))
        stored = await store.call(lambda conn: records.states(conn, CONNECTION, ORDER))
        await account.aclose()
        await store.close()
        return sum(stored.values())

    return int(wrap(lambda: asyncio.run(run())))


def empty(folder: Path) -> None:
    """A new database with its tables: making them is not what is measured."""
    for file in folder.glob("bench.db*"):
        file.unlink()

    async def run() -> None:
        await Store.open(folder / "bench.db", SystemClock()).close()

    asyncio.run(run())


def forget(database: Path) -> None:
    """As if nothing had been read yet, though everything is there."""

    async def run() -> None:
        store = Store.open(database, SystemClock())
        for flow in (FORWARD, "orders since"):
            await store.call(lambda conn, flow=flow: watermarks.remove(conn, CONNECTION, flow))  # type: ignore[misc]
        await store.close()

    asyncio.run(run())


def theirs(base_url: str, _database: Path) -> int:
    """python-amazon-sp-api, page after page; what came is counted and dropped."""
    module: Callable[[str], Any] = importlib.import_module
    scheme, _, rest = base_url.partition("://")
    host, _, path = rest.partition("/")
    tokens = module("sp_api.auth").AccessTokenClient
    client = module("sp_api.api").Orders(
        marketplace=module("sp_api.base").Marketplaces.US,
        credentials={"refresh_token": "Atzr|bench", "lwa_app_id": "bench", "lwa_client_secret": "bench"},
        auth_token_client_class=type(
            "Tokens", (tokens,), {"scheme": f"{scheme}://", "host": host, "path": f"/{path}/auth/o2/token"}
        ),
        version="2026-01-01",
    )
    client.endpoint = base_url
    since = (datetime.now(UTC) - timedelta(days=DAYS + 1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    load_all_pages = module("sp_api.util").load_all_pages
    paged = load_all_pages(throttle_by_seconds=0, next_token_param="paginationToken")(client.search_orders)
    return sum(
        len(page.payload["orders"])
        for page in paged(lastUpdatedAfter=since, marketplaceIds=[US], includedData=INCLUDED)
    )


#: Name: (what it does, the package it needs, whether the database is filled beforehand).
CONTESTANTS: Mapping[str, tuple[Callable[[str, Path], int], str | None, bool]] = {
    "ours": (ours, None, False),
    "ours, again": (ours, None, True),
    "python-amazon-sp-api": (theirs, "sp_api", False),
}


# --- the table ----------------------------------------------------------------------------------------------------------


@dataclass
class Result:
    """``seconds`` on the clock, ``cpu_s`` of a processor: on a busy machine only the second says something."""

    seconds: float
    cpu_s: float
    orders: int
    rss_mb: float
    database_mb: float


def worker(name: str, base_url: str, database: str) -> None:
    """One run, in this process; its result on standard output."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    before = resource.getrusage(resource.RUSAGE_SELF)
    started = time.perf_counter()
    orders = CONTESTANTS[name][0](base_url, Path(database))
    seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"seconds": seconds, "cpu_s": cpu_s, "orders": orders, "rss_mb": used.ru_maxrss / 1024}))


def measure(name: str, base_url: str, folder: Path) -> Result:
    database = folder / "bench.db"
    again = CONTESTANTS[name][2]
    if again:
        forget(database)
    else:
        empty(folder)
    done = subprocess.run(
        [sys.executable, __file__, "--worker", name, base_url, str(database)],
        check=True,
        capture_output=True,
        text=True,
    )
    size = database.stat().st_size / 1e6 if database.exists() else 0.0
    return Result(**json.loads(done.stdout), database_mb=size)


@contextmanager
def served(count: int) -> Iterator[str]:
    command = [sys.executable, __file__, "--serve", str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield str(json.loads(server.stdout.readline())["base_url"])
        finally:
            server.terminate()


def compare(folder: Path, count: int, runs: int) -> None:
    there = {
        name: package is None or importlib.util.find_spec(package) is not None
        for name, (_, package, _) in CONTESTANTS.items()
    }
    results: dict[str, list[Result]] = {name: [] for name, installed in there.items() if installed}
    with served(count) as base_url:
        for _ in range(runs):
            for name, measured in results.items():
                measured.append(measure(name, base_url, folder))
                assert measured[-1].orders == count, (name, measured[-1].orders)
    print(f"\n{count:,} orders in pages of 100 over loopback HTTP, median of {runs}")
    print(f"{'':24}{'orders/s':>10}{'seconds':>9}{'ratio':>8}{'orders/CPU s':>14}{'peak MB':>9}{'database MB':>13}")
    yardstick = statistics.median(run.seconds for run in results["ours"])
    for name, installed in there.items():
        if not installed:
            print(f"{name:24}{'not installed':>19}")
            continue
        seconds = statistics.median(run.seconds for run in results[name])
        cpu_s = statistics.median(run.cpu_s for run in results[name])
        rss_mb = max(run.rss_mb for run in results[name])
        stored = f"{results[name][-1].database_mb:13.1f}" if name.startswith("ours") else f"{'nothing':>13}"
        print(f"{name:24}{count / seconds:10.0f}{seconds:9.2f}{seconds / yardstick:8.2f}", end="")
        print(f"{count / cpu_s:14.0f}{rss_mb:9.1f}{stored}")
    print(f"ours: {count / yardstick:.0f} orders/s (at least 3,000)")


def profile(folder: Path, count: int) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    profiler = cProfile.Profile()
    empty(folder)
    with served(count) as base_url:
        ours(base_url, folder / "bench.db", profiler.runcall)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(45)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="on the disk to measure; a temporary folder unless given")
    parser.add_argument("--profile", action="store_true", help="profile one run of ours instead")
    parser.add_argument("--worker", nargs=3, metavar=("NAME", "URL", "FILE"), help=argparse.SUPPRESS)
    parser.add_argument("--serve", type=int, metavar="ORDERS", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve)
        return
    if arguments.worker:
        worker(*arguments.worker)
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        if arguments.profile:
            profile(Path(folder), arguments.orders)
        else:
            compare(Path(folder), arguments.orders, arguments.runs)


if __name__ == "__main__":
    main()
