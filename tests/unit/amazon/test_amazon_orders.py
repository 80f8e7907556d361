"""Orders are read page by page; one that cannot be read stops itself only; buyers come beside them, and only when asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from ml_connector.amazon.orders import By, Orders, OrdersPage, OrderWindow
from ml_connector.domain.errors import BadAnswer, RefusedByServer, WrongUse
from tests.support.amazon import Rig, answer, error, rig
from tests.support.logs import Logged
from tests.support.orders import usd, written

US = ("ATVPDKIKX0DER",)
SINCE = datetime(2026, 10, 14, tzinfo=UTC)
REACH = "2026-11-21T11:58:00.000Z"


def paged(pages: Sequence[dict[str, Any]]) -> Rig:
    """An Amazon with these pages; each but the last gets a token that leads to the next."""

    def api(request: httpx2.Request) -> httpx2.Response:
        number = int(request.url.params.get("paginationToken", "0"))
        more = {"pagination": {"nextToken": str(number + 1)}} if number + 1 < len(pages) else {}
        return answer({"lastUpdatedBefore": REACH, **pages[number], **more})

    return rig(api)


def search(
    r: Rig, window: OrderWindow | None = None, *, marketplaces: Sequence[str] = US, **options: Any
) -> list[OrdersPage]:
    async def walk() -> list[OrdersPage]:
        asked = window or OrderWindow(SINCE)
        return [page async for page in Orders(r.client).search(asked, marketplaces, **options)]

    return asyncio.run(walk())


def test_pages_come_in_amazons_sequence_and_the_last_one_says_so() -> None:
    r = paged([{"orders": [written("1"), written("2")]}, {"orders": []}, {"orders": [written("3")]}])

    pages = search(r)

    assert [[order.order_id for order in page.orders] for page in pages] == [["1", "2"], [], ["3"]]
    assert [page.last for page in pages] == [False, False, True]


def test_the_watermark_is_what_amazon_says_and_never_goes_forward_within_a_window() -> None:
    r = paged([{"orders": []}, {"orders": [], "lastUpdatedBefore": "2026-11-21T12:00:00Z"}])

    assert [page.before for page in search(r)] == [datetime(2026, 11, 21, 11, 58, tzinfo=UTC)] * 2


def test_a_watermark_earlier_than_asked_for_is_believed() -> None:
    before = datetime(2026, 11, 21, 11, 59, tzinfo=UTC)

    [page] = search(paged([{"orders": []}]), OrderWindow(SINCE, before))

    assert page.before == datetime(2026, 11, 21, 11, 58, tzinfo=UTC)


def test_a_window_with_an_end_reaches_there_when_amazon_is_silent() -> None:
    before = datetime(2026, 11, 1, tzinfo=UTC)
    said = before + timedelta(milliseconds=999)  # asked for in whole seconds, so that the rest was not read

    [page] = search(paged([{"orders": [], "lastUpdatedBefore": None}]), OrderWindow(SINCE, said))

    assert page.before == before


def test_a_list_of_which_nobody_says_how_far_it_reaches_is_not_relied_on() -> None:
    with pytest.raises(BadAnswer, match="how far"):
        search(paged([{"orders": [], "lastUpdatedBefore": None}]))


def test_a_window_by_creation_takes_the_other_family_of_parameters() -> None:
    r = paged([{"orders": [], "lastUpdatedBefore": None, "createdBefore": REACH}])

    [page] = search(r, OrderWindow(SINCE, by=By.CREATED))

    assert "createdAfter=2026-10-14T00%3A00%3A00Z" in str(r.amazon.requests[0].url)
    assert page.before == datetime(2026, 11, 21, 11, 58, tzinfo=UTC)


def test_a_request_names_everything_it_wants_and_no_buyer() -> None:
    r = paged([{"orders": []}])

    search(r, OrderWindow(SINCE, SINCE + timedelta(days=1)), statuses=["SHIPPED"], fulfilled_by=["AMAZON"], page_size=7)

    assert str(r.amazon.requests[0].url).partition("?")[2] == (
        "lastUpdatedAfter=2026-10-14T00%3A00%3A00Z&lastUpdatedBefore=2026-10-15T00%3A00%3A00Z"
        "&marketplaceIds=ATVPDKIKX0DER&fulfillmentStatuses=SHIPPED&fulfilledBy=AMAZON&maxResultsPerPage=7"
        "&includedData=PROCEEDS,EXPENSE,PROMOTION,CANCELLATION,FULFILLMENT,PACKAGES,TAX"
    )


def test_windows_that_make_no_sense_are_refused_before_any_call() -> None:
    r = paged([])

    with pytest.raises(WrongUse, match="before it begins"):
        OrderWindow(SINCE, SINCE - timedelta(seconds=1))
    with pytest.raises(WrongUse, match="1 to 50 marketplaces"):
        search(r, marketplaces=[])
    assert r.amazon.requests == []


def test_times_come_in_as_utc_whatever_zone_they_were_written_in() -> None:
    zoned = written(lastUpdatedTime="2026-10-15T05:41:30+09:00")

    [page] = search(paged([{"orders": [zoned]}]))

    assert page.orders[0].last_updated == datetime(2026, 10, 14, 20, 41, 30, tzinfo=UTC)
    assert page.orders[0].last_updated.tzinfo is UTC
    assert OrderWindow(SINCE.astimezone(timezone(timedelta(hours=9)))).after == SINCE


def broken(**changes: Any) -> dict[str, Any]:
    return {"orders": [written("1"), written("2", **changes), written("3")]}


LINE = written()["orderItems"][0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"createdTime": "yesterday"}, "createdTime"),
        ({"createdTime": "2026-10-14T20:11:02"}, "createdTime"),
        ({"orderItems": [{**LINE, "quantityOrdered": -1}]}, "quantityOrdered"),
        ({"orderItems": [{**LINE, "quantityOrdered": 1.5}]}, "quantityOrdered"),
        ({"orderItems": [LINE, LINE]}, "two of its lines"),
        ({"orderItems": None}, "orderItems"),
        ({"proceeds": {"grandTotal": usd("NaN")}}, "not an amount"),
        ({"proceeds": {"grandTotal": usd("1e5")}}, "not an amount"),
        ({"proceeds": {"grandTotal": usd("1,99")}}, "not an amount"),
        ({"proceeds": {"grandTotal": {"amount": 19.99, "currencyCode": "USD"}}}, "amount"),
        ({"proceeds": {"grandTotal": {"amount": "19.99", "currencyCode": "EUR"}}}, "two currencies, EUR and USD"),
        ({"proceeds": {"grandTotal": {"amount": "19.99", "currencyCode": "dollar"}}}, "currencyCode"),
        ({"salesChannel": {"channelName": "A\nB"}}, "channelName"),
    ],
)
def test_an_order_that_cannot_be_read_is_told_with_its_place_and_the_others_go_on(
    changes: dict[str, Any], words: str
) -> None:
    [page] = search(paged([broken(**changes)]))

    assert [order.order_id for order in page.orders] == ["1", "3"]
    [held] = page.unreadable
    assert held.order_id == "2"
    assert held.last_updated == datetime(2026, 10, 14, 20, 41, 30, tzinfo=UTC)
    assert held.finding.holds
    assert words in held.finding.message
    assert len(held.sha256) == 64


def test_an_order_with_an_id_that_is_none_is_told_without_one() -> None:
    [page] = search(paged([{"orders": [written("../1"), 5, written("3")]}]))

    assert [order.order_id for order in page.orders] == ["3"]
    assert [held.order_id for held in page.unreadable] == ["", ""]


def test_unknown_members_and_words_pass_and_null_is_as_good_as_absent() -> None:
    odd = written(
        fulfillment={"fulfillmentStatus": "INVOICE_UNCONFIRMED", "fulfilledBy": None},
        programs=["SOMETHING_NEW"],
        warranty={"kind": 1},
        proceeds=None,
        packages=None,
        orderItems=[{**LINE, "proceeds": {"breakdowns": None}, "tax": None, "expense": {"pointsCost": None}}],
    )

    [page] = search(paged([{"orders": [odd]}]))

    [order] = page.orders
    assert (order.status, order.programs, order.total) == ("INVOICE_UNCONFIRMED", ("SOMETHING_NEW",), None)
    assert not order.may_be_sale


def test_an_amount_stays_what_it_was_to_the_last_decimal() -> None:
    exact = written(proceeds={"grandTotal": usd("123456789012345.6789")}, orderItems=[])

    [page] = search(paged([{"orders": [exact]}]))

    assert page.orders[0].total == Decimal("123456789012345.6789")


def test_free_text_is_fit_to_be_kept_and_shown() -> None:
    product = {"asin": "B0TEST0003", "title": "Mug\x00\x1b[31m\u202e" + "x" * 3000, "sellerSku": "MUG 1/ü"}

    [page] = search(paged([{"orders": [written(orderItems=[{**LINE, "product": product}])]}]))

    item = page.orders[0].items[0]
    assert item.title.startswith("Mug\ufffd\ufffd[31m\ufffdx") and len(item.title) == 2000
    assert item.sku == "MUG 1/ü"


def test_a_page_token_that_amazon_refuses_begins_the_window_again_and_orders_come_twice() -> None:
    refused = [True]

    def api(request: httpx2.Request) -> httpx2.Response:
        if "paginationToken" not in request.url.params:
            return answer({"orders": [written("1")], "pagination": {"nextToken": "t"}, "lastUpdatedBefore": REACH})
        if refused and refused.pop():
            return error(400, "InvalidInput", message="Invalid paginationToken")
        return answer({"orders": [written("2")], "lastUpdatedBefore": REACH})

    pages = search(rig(api))

    assert [[order.order_id for order in page.orders] for page in pages] == [["1"], ["1"], ["2"]]
    assert [page.last for page in pages] == [False, False, True]


# --- buyers ------------------------------------------------------------------------------------------------------------

BUYER = {"buyerName": "Canary Person", "buyerEmail": "canary@marketplace.example", "buyerPurchaseOrderNumber": "PO-1"}
ADDRESS = {"name": "Canary Person", "addressLine1": "1 Canary Street", "city": "Canary Town", "countryCode": "GB"}
PERSONAL = {"buyer": BUYER, "recipient": {"deliveryAddress": ADDRESS}}


def test_buyers_come_beside_the_orders_when_they_are_asked_for() -> None:
    r = paged([{"orders": [written("1", **PERSONAL), written("2")]}])

    [page] = search(r, buyers=True)

    [buyer] = page.buyers
    assert (buyer.order_id, buyer.name, buyer.purchase_order) == ("1", "Canary Person", "PO-1")
    assert buyer.recipient is not None
    assert (buyer.recipient.lines, buyer.recipient.country) == (("1 Canary Street",), "GB")
    assert r.amazon.requests[0].url.params["includedData"].endswith("TAX,BUYER,RECIPIENT")


def test_nothing_of_a_buyer_stands_in_an_order_in_a_page_or_in_a_representation() -> None:
    [page] = search(paged([{"orders": [written("1", **PERSONAL)]}]), buyers=True)

    assert "Canary" not in repr(page)
    assert "anary" not in repr(page.buyers)
    assert "Canary" not in repr(page.orders)


def test_buyers_that_were_not_asked_for_are_dropped_where_they_come_anyway() -> None:
    [page] = search(paged([{"orders": [written("1", **PERSONAL)]}]))

    assert page.buyers == ()


def test_a_buyer_that_cannot_be_read_takes_nothing_from_the_order_and_is_told_without_a_word_of_it(
    logged: Logged,
) -> None:
    odd = {"buyerName": "Canary Person", "buyerEmail": 5}

    [page] = search(paged([{"orders": [written("1", buyer=odd)]}]), buyers=True)

    assert [order.order_id for order in page.orders] == ["1"]
    assert page.buyers == ()
    assert "amazon.buyer_unreadable" in logged.events
    assert "Canary" not in logged.text


# --- one order ---------------------------------------------------------------------------------------------------------


def test_one_order_is_read_by_its_id() -> None:
    r = rig(lambda _request: answer({"order": written("111-1000003-0000003")}))

    found = asyncio.run(Orders(r.client).get("111-1000003-0000003"))

    assert (found.order.total, found.buyer) == (Decimal("19.99"), None)
    assert r.amazon.requests[0].url.path == "/orders/2026-01-01/orders/111-1000003-0000003"


def test_an_order_of_nobody_is_refused_and_another_order_than_asked_for_is_not_taken() -> None:
    missing = rig(lambda _request: error(404, "NotFound"))
    other = rig(lambda _request: answer({"order": written("2")}))

    with pytest.raises(RefusedByServer, match="does not exist"):
        asyncio.run(Orders(missing.client).get("1"))
    with pytest.raises(BadAnswer, match="answered with 2"):
        asyncio.run(Orders(other.client).get("1"))


def test_an_unreadable_order_says_where_it_is() -> None:
    r = rig(lambda _request: answer({"order": written("1", createdTime="yesterday")}))

    with pytest.raises(BadAnswer, match="createdTime"):
        asyncio.run(Orders(r.client).get("1"))


def test_half_a_character_in_a_title_hides_no_order() -> None:
    body = json.dumps({"orders": [written("1", orderItems=[{**LINE, "product": {"title": "Mug \ud83d"}}])]}).encode()
    r = rig(lambda _request: httpx2.Response(200, content=body[:-1] + b',"lastUpdatedBefore":"2026-11-21T11:58:00Z"}'))

    [page] = search(r)

    assert [order.items[0].title for order in page.orders] == ["Mug \ufffd"]
