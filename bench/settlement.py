"""How fast a settlement becomes a journal, beside the plainest loop that only adds up (DESIGN 9).

    python bench/settlement.py [--lines 1000000] [--runs 5] [--style us|eu]

Each run is a process of its own, the contestants take turns, the median counts. The bounds: ours <= 2.0 x baseline, peak
memory <= 64 MB at 1,000,000 lines and at most 25 MB per further million, 200 lines below 20 ms after import.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

COLUMNS = [
    "settlement-id",
    "settlement-start-date",
    "settlement-end-date",
    "deposit-date",
    "total-amount",
    "currency",
    "transaction-type",
    "order-id",
    "merchant-order-id",
    "adjustment-id",
    "shipment-id",
    "marketplace-name",
    "amount-type",
    "amount-description",
    "amount",
    "fulfillment-id",
    "posted-date",
    "posted-date-time",
    "order-item-code",
    "merchant-order-item-id",
    "merchant-adjustment-item-id",
    "sku",
    "quantity-purchased",
    "promotion-id",
]
SETTLEMENT = "90000000099"
START = datetime(2026, 9, 21, tzinfo=UTC)
DAYS = 14


# --- the contestants ----------------------------------------------------------------------------------------------------


def baseline(path: str) -> int:
    """The yardstick; never changed."""
    sums: dict[tuple[str, str, str], int] = {}
    with open(path, encoding="utf-8") as file:
        next(file)
        next(file)
        for line in file:
            cells = line.rstrip("\n").split("\t")
            key = (cells[6], cells[12], cells[13])
            cents = int(cells[14].replace(",", "").replace(".", ""))
            sums[key] = sums.get(key, 0) + cents
    return sum(sums.values())


def ours(path: str) -> int:
    """Checked, footed, grouped, journal, lineage: what a settlement flow does with a file."""
    from ml_connector.accounting import vocabulary
    from ml_connector.accounting.period_split import calendar_of
    from ml_connector.accounting.settlement_groups import Grouping, group_settlement
    from ml_connector.accounting.settlement_journal import plan_settlement
    from ml_connector.amazon.marketplaces import zone_of
    from ml_connector.amazon.settlement_file import SettlementFile
    from ml_connector.domain.mapping import StoreSettings
    from ml_connector.domain.settlement_rows import RefusedSettlement
    from tests.support import groups as books

    def run() -> int:
        store = "Amazon.de" if path.endswith("eu.txt") else "Amazon.com"
        policy = books.policy(stores={store: StoreSettings(zone=zone_of(store))})
        mapping, references = books.chart(), books.references()
        calendar = calendar_of(references.periods, policy, mapping)
        grouping = Grouping(vocabulary.shipped(), zone_of, calendar.bucket)
        groups = group_settlement(SettlementFile.at(Path(path)), grouping)
        assert not isinstance(groups, RefusedSettlement), groups.findings
        plan = plan_settlement(groups, policy=policy, mapping=mapping, references=references, prefix="TEST")
        assert plan.entries, plan.findings
        assert not plan.held, plan.findings
        assert sum(part.rows.count for line in plan.lineage.values() for part in line.parts) == groups.rows
        return int(groups.head.total * 100)

    return timed(run)


def csv_decimal(path: str) -> int:
    """The usual way: csv.DictReader and Decimal."""
    import csv
    from decimal import Decimal

    sums: dict[tuple[str, str, str], Decimal] = {}
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["transaction-type"]:
                key = (row["transaction-type"], row["amount-type"], row["amount-description"])
                sums[key] = sums.get(key, Decimal(0)) + Decimal(row["amount"].replace(",", "."))
    return int(sum(sums.values()) * 100)


def pandas_default(path: str) -> int:
    import pandas  # type: ignore[import-not-found,import-untyped,unused-ignore]

    def run() -> int:
        decimal = "," if path.endswith("eu.txt") else "."
        frame = pandas.read_csv(path, sep="\t", decimal=decimal)
        sums = frame.groupby(["transaction-type", "amount-type", "amount-description"])["amount"].sum()
        return round(float(sums.sum()) * 100)

    return timed(run)


def duckdb_default(path: str) -> int:
    import duckdb  # type: ignore[import-not-found,import-untyped,unused-ignore]

    def run() -> int:
        rows = duckdb.sql(
            f"select sum(cast(replace(amount, ',', '.') as decimal(18, 4))) from read_csv('{path}', delim='\t', quote='', "
            'all_varchar=true) where "transaction-type" is not null'
            ' group by "transaction-type", "amount-type", "amount-description"'
        ).fetchall()
        return int(sum(row[0] for row in rows) * 100)

    return timed(run)


CONTESTANTS: dict[str, tuple[Callable[[str], int], str | None]] = {
    "baseline": (baseline, None),
    "ours": (ours, None),
    "csv.DictReader + Decimal": (csv_decimal, None),
    "pandas": (pandas_default, "pandas"),
    "duckdb": (duckdb_default, "duckdb"),
}


# --- one run in its own process -----------------------------------------------------------------------------------------

_elapsed: list[float] = []


def timed(run: Callable[[], int]) -> int:
    """Time without imports."""
    started = time.perf_counter()
    result = run()
    _elapsed.append(time.perf_counter() - started)
    return result


def worker(name: str, path: str) -> None:
    contestant, _ = CONTESTANTS[name]
    started = time.perf_counter()
    cents = contestant(path)
    seconds = _elapsed[-1] if _elapsed else time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "rss_mb": peak_mb(), "cents": cents}))


def peak_mb() -> float:
    """Peak resident memory of this process, without what its parent had before the exec."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


# --- the file -----------------------------------------------------------------------------------------------------------


def write_file(path: Path, lines: int, style: str, seed: int = 7) -> None:
    """A settlement of ``lines`` detail rows: orders, refunds, account rows, as a large seller's file has them."""
    chance = random.Random(seed)
    body = path.with_suffix(".body")
    total = 0
    with body.open("w", encoding="utf-8", newline="\n") as file:
        for _, cells in zip(range(lines), _rows(chance, style), strict=False):
            total += int(cells["amount"])
            cells["amount"] = _amount(int(cells["amount"]), style)
            file.write("\t".join([SETTLEMENT, *(cells.get(name, "") for name in COLUMNS[1:])]) + "\n")
    summary = {
        "settlement-start-date": _time(START, style),
        "settlement-end-date": _time(START + timedelta(days=DAYS), style),
        "deposit-date": _time(START + timedelta(days=DAYS + 2), style),
        "total-amount": _amount(total, style),
        "currency": "EUR" if style == "eu" else "USD",
    }
    with path.open("w", encoding="utf-8", newline="\n") as file, body.open(encoding="utf-8") as rows:
        file.write("\t".join(COLUMNS) + "\n")
        file.write("\t".join([SETTLEMENT, *(summary.get(name, "") for name in COLUMNS[1:])]) + "\n")
        file.writelines(rows)
    body.unlink()


def _rows(chance: random.Random, style: str) -> Iterator[dict[str, str]]:
    number = 0
    while True:
        number += 1
        draw = chance.random()
        if draw < 0.06:
            yield from _account_row(chance, style)
        elif draw < 0.14:
            yield from _item_rows(chance, style, number, refund=True)
        else:
            yield from _item_rows(chance, style, number, refund=False)


def _item_rows(chance: random.Random, style: str, number: int, *, refund: bool) -> Iterator[dict[str, str]]:
    posted = START + timedelta(seconds=chance.randrange(DAYS * 86_400))
    order = f"{113 if style == 'us' else 302}-{number:07d}-{chance.randrange(10**7):07d}"
    sku = chance.randrange(400)
    price = 799 + sku * 37
    tax = price * 8 // 100 if style == "us" else price * 19 // 100
    sign = -1 if refund else 1
    shared = {
        "transaction-type": "Refund" if refund else "Order",
        "order-id": order,
        "merchant-order-id": order,
        "adjustment-id": f"amzn1:crow:{number:012d}" if refund else "",
        "shipment-id": "" if refund else f"D{number:08d}",
        "marketplace-name": "Amazon.com" if style == "us" else "Amazon.de",
        "fulfillment-id": "AFN" if chance.random() < 0.85 else "MFN",
        "posted-date": _time(posted, style)[:10],
        "posted-date-time": _time(posted, style),
        "order-item-code": str(90_000_000_000_000 + number),
        "sku": f"SKU-{sku:05d}",
        "quantity-purchased": "" if refund else "1",
    }
    parts = [("ItemPrice", "Principal", price * sign), ("ItemPrice", "Tax", tax * sign)]
    if refund:
        parts += [("ItemFees", "Commission", price * 15 // 100), ("ItemFees", "RefundCommission", -(price * 3 // 100))]
    else:
        parts += [
            ("ItemFees", "FBAPerUnitFulfillmentFee", -(322 + sku % 50 * 11)),
            ("ItemFees", "Commission", -(price * 15 // 100)),
        ]
        if chance.random() < 0.12:
            parts += [("ItemPrice", "Shipping", 599), ("ItemFees", "ShippingChargeback", -599)]
        if chance.random() < 0.06:
            parts.append(("Promotion", "Principal", -(price // 10)))
    if style == "us":
        parts.append(("ItemWithheldTax", "MarketplaceFacilitatorTax-Principal", -tax * sign))
    for kind, description, cents in parts:
        yield {**shared, "amount-type": kind, "amount-description": description, "amount": str(cents)}


def _account_row(chance: random.Random, style: str) -> Iterator[dict[str, str]]:
    posted = START + timedelta(seconds=chance.randrange(DAYS * 86_400))
    kind, amount_type, description = chance.choice(
        (
            ("ServiceFee", "Cost of Advertising", "TransactionTotalAmount"),
            ("other-transaction", "other-transaction", "Shipping label purchase"),
            ("other-transaction", "FBA Inventory Reimbursement", "WAREHOUSE_DAMAGE"),
            ("FBAFees", "FBA Inventory Storage Fee", "Base fee"),
            ("AmazonFees", "Coupon Performance Based Fee", "Base fee"),
        )
    )
    yield {
        "transaction-type": kind,
        "amount-type": amount_type,
        "amount-description": description,
        "amount": str(-chance.randrange(1, 20_000)),
        "posted-date": _time(posted, style)[:10],
        "posted-date-time": _time(posted, style),
    }


def _time(instant: datetime, style: str) -> str:
    return instant.strftime("%d.%m.%Y %H:%M:%S UTC" if style == "eu" else "%Y-%m-%d %H:%M:%S UTC")


def _amount(cents: int, style: str) -> str:
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole}{',' if style == 'eu' else '.'}{rest:02d}"


# --- the table ----------------------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--style", choices=("us", "eu"), action="append")
    parser.add_argument("--only", action="append", help="contestants beside the baseline")
    parser.add_argument("--worker", nargs=2, metavar=("NAME", "FILE"), help=argparse.SUPPRESS)
    parser.add_argument("--write", nargs=3, metavar=("FILE", "LINES", "STYLE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        worker(*arguments.worker)
        return
    if arguments.write:
        path, lines, style = arguments.write
        write_file(Path(path), int(lines), style)
        return
    with tempfile.TemporaryDirectory() as folder:
        for style in arguments.style or ("us", "eu"):
            compare(Path(folder), arguments.lines, arguments.runs, style, arguments.only)
        for lines in (200, 2 * arguments.lines):
            alone(Path(folder), lines)


def compare(folder: Path, lines: int, runs: int, style: str, only: list[str] | None) -> None:
    path = made(folder, lines, style)
    installed = {
        name: package is None or importlib.util.find_spec(package) is not None
        for name, (_, package) in CONTESTANTS.items()
        if only is None or name == "baseline" or name in only
    }
    results: dict[str, list[dict[str, float]]] = {name: [] for name, there in installed.items() if there}
    for _ in range(runs):
        for name, measured in results.items():
            measured.append(measure(name, path))
    assert len({run["cents"] for measured in results.values() for run in measured}) == 1, "the sums differ"
    yardstick = statistics.median(run["seconds"] for run in results["baseline"])
    print(f"\n{lines:,} lines, {style} style, {path.stat().st_size / 1e6:.0f} MB, median of {runs}")
    print(f"{'':26}{'seconds':>9}{'ratio':>8}{'peak MB':>9}")
    for name, there in installed.items():
        if not there:
            print(f"{name:26}{'not installed':>26}")
            continue
        seconds = statistics.median(run["seconds"] for run in results[name])
        rss = max(run["rss_mb"] for run in results[name])
        print(f"{name:26}{seconds:9.3f}{seconds / yardstick:8.2f}{rss:9.1f}")
    path.unlink()


def alone(folder: Path, lines: int) -> None:
    path = made(folder, lines, "us")
    runs = [measure("ours", path) for _ in range(3)]
    seconds = statistics.median(run["seconds"] for run in runs)
    print(f"\nours, {lines:,} lines: {seconds * 1000:.1f} ms, peak {max(run['rss_mb'] for run in runs):.1f} MB")
    path.unlink()


def made(folder: Path, lines: int, style: str) -> Path:
    path = folder / f"{lines}_{style}.txt"
    subprocess.run([sys.executable, __file__, "--write", str(path), str(lines), style], check=True)
    return path


def measure(name: str, path: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, __file__, "--worker", name, str(path)], check=True, capture_output=True, text=True
    )
    result: dict[str, float] = json.loads(done.stdout)
    return result


if __name__ == "__main__":
    main()
