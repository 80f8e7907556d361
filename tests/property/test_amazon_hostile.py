"""Whatever stands in an answer of Amazon's: what can be read is read, the rest is held with its place, and nothing raises."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx2
import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.amazon.finances import Finances, PostedWindow, TransactionsPage
from ml_connector.amazon.order_report import REQUIRED_COLUMNS, OrderReport
from ml_connector.amazon.orders import Orders, OrdersPage, OrderWindow
from ml_connector.domain.finances import once
from ml_connector.domain.order_amounts import amount_findings
from ml_connector.domain.order_form import SCHEMA, from_stored, store_form
from tests.support.amazon import Rig, rig
from tests.support.clock import NOON
from tests.support.orders import usd, written

SINCE = NOON - timedelta(days=30)

SCALARS = st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.text()
JUNK = st.recursive(
    SCALARS | st.sampled_from(["NaN", "1e400", "-0", "2026-11-01T00:00:00Z", "2026-11-01", "USD", "\u0000", "../x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)

ORDER = written(
    orderAliases=[{"aliasId": "SO-1", "aliasType": "SELLER_ORDER_ID"}],
    programs=["PRIME"],
    associatedOrders=[{"orderId": "1", "associationType": "EXCHANGE_ORIGINAL_ID"}],
    buyer={"buyerName": "Test Buyer"},
    packages=[{"packageReferenceId": "1", "packageStatus": {"status": "SHIPPED"}, "packageItems": []}],
)
ORDER["orderItems"][0] |= {
    "expense": {"pointsCost": {"pointsGranted": {"pointsNumber": 1, "pointsMonetaryValue": usd("1")}}},
    "cancellation": {"cancellationExecution": {"cancelledBy": "BUYER", "cancelReason": "x"}},
    "tax": {"taxCollections": [{"model": "MARKETPLACE_FACILITATOR"}]},
}
AMOUNT = {"currencyCode": "USD", "currencyAmount": 1}
TRANSACTION = {
    "transactionId": "T",
    "transactionType": "Shipment",
    "transactionStatus": "RELEASED",
    "postedDate": "2026-11-01T04:11:09Z",
    "totalAmount": AMOUNT,
    "relatedIdentifiers": [{"relatedIdentifierName": "ORDER_ID", "relatedIdentifierValue": "1"}],
    "contexts": [{"contextType": "DeferredContext", "deferralReason": "DD7", "maturityDate": "2026-11-08T00:00:00Z"}],
    "items": [
        {"totalAmount": AMOUNT, "breakdowns": [{"breakdownType": "A", "breakdownAmount": AMOUNT, "breakdowns": []}]}
    ],
}


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every member of a document."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way, *(place for name, member in inside for place in places(member, (*way, name)))]


def spoilt(document: Any) -> st.SearchStrategy[Any]:
    """The document with something else in one place, or without what was there."""

    def put(way: tuple[Any, ...], junk: Any, leave_out: bool) -> Any:
        if not way:
            return junk
        changed = copy.deepcopy(document)
        inside = changed
        for name in way[:-1]:
            inside = inside[name]
        if leave_out:
            del inside[way[-1]]
        else:
            inside[way[-1]] = junk
        return changed

    return st.builds(put, st.sampled_from(places(document)), JUNK, st.booleans())


def amazon(body: Callable[[], object]) -> Rig:
    content = msgspec.json.Encoder(decimal_format="number").encode(body())
    return rig(lambda _request: httpx2.Response(200, content=content))


@given(spoilt(ORDER))
def test_an_order_with_anything_in_it_is_read_or_held_and_its_neighbours_are_read(order: Any) -> None:
    found = [written("before"), order, written("after")]
    r = amazon(lambda: {"orders": found, "lastUpdatedBefore": "2026-11-21T11:58:00Z"})

    async def walk() -> list[OrdersPage]:
        return [page async for page in Orders(r.client).search(OrderWindow(SINCE), ["A"], buyers=True)]

    [page] = asyncio.run(walk())
    assert (page.orders[0].order_id, page.orders[-1].order_id) == ("before", "after")
    assert len(page.orders) + len(page.unreadable) == 3
    for read in page.orders:
        amount_findings(read)
        assert from_stored(SCHEMA, store_form(read).canonical) == read
    for held in page.unreadable:
        assert held.finding.holds and held.finding.message.isprintable()


@given(spoilt(TRANSACTION))
def test_a_transaction_with_anything_in_it_is_read_or_held_and_its_neighbours_are_read(transaction: Any) -> None:
    r = amazon(lambda: {"payload": {"transactions": [TRANSACTION, transaction, TRANSACTION]}})

    async def walk() -> list[TransactionsPage]:
        return [page async for page in Finances(r.client, r.clock).transactions(PostedWindow(SINCE))]

    [page] = asyncio.run(walk())
    assert (page.transactions[0].kind, page.transactions[-1].kind) == ("Shipment", "Shipment")
    assert len(page.transactions) + len(page.unreadable) == 3
    assert all(isinstance(each.unexplained, Decimal) for each in once(page.transactions))
    assert all(held.finding.holds and held.finding.message.isprintable() for held in page.unreadable)


@given(
    st.lists(st.lists(st.text(st.characters(blacklist_characters="\t\n\0", codec="utf-8"), max_size=12), max_size=12))
)
def test_an_order_report_with_anything_in_its_cells_is_read_or_told_line_by_line(rows: list[list[str]]) -> None:
    lines = ["\t".join(REQUIRED_COLUMNS), *("\t".join(row) for row in rows)]
    report = OrderReport.of("\n".join(lines).encode())

    assert report.findings == ()
    reading = report.read()
    read = [line.line for line in reading]
    assert not set(read) & {finding.line for finding in reading.findings}


@given(st.binary(max_size=400))
def test_any_bytes_for_an_order_report_are_told_or_read(content: bytes) -> None:
    report = OrderReport.of(content)

    assert report.findings
