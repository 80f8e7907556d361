"""Products of ours and Amazon's ASINs come together by what Amazon says of each item, and never by guessing."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from ml_connector.amazon.catalog import Catalog, CatalogItem, matches
from ml_connector.domain.errors import NotPermitted, WrongUse
from tests.support.amazon import Rig, answer, error, rig
from tests.support.amazon_story import Story

US = "ATVPDKIKX0DER"


def item(asin: str, *codes: str, store: str = US) -> dict[str, Any]:
    return {
        "asin": asin,
        "summaries": [
            {"marketplaceId": "other", "itemName": "No"},
            {"marketplaceId": store, "itemName": "Mug", "brand": "B"},
        ],
        "identifiers": [
            {"marketplaceId": store, "identifiers": [{"identifierType": "EAN", "identifier": code} for code in codes]}
        ],
    }


def finding(*pages: list[dict[str, Any]]) -> Rig:
    """An Amazon that has these pages for every search."""

    def api(request: httpx2.Request) -> httpx2.Response:
        number = int(request.url.params.get("pageToken", "0"))
        more = {"pagination": {"nextToken": str(number + 1)}} if number + 1 < len(pages) else {}
        return answer({"numberOfResults": 1, "items": pages[number], **more})

    return rig(api)


def known(asin: str, *codes: str) -> CatalogItem:
    return CatalogItem(asin, "", "", tuple(("EAN", code) for code in codes))


def test_barcodes_are_asked_for_twenty_at_a_time_and_each_once() -> None:
    r = finding([item("B1", "4000000000001")])
    codes = [f"40{number:011d}" for number in range(45)]

    asyncio.run(Catalog(r.client).by_barcode(US, "EAN", [*codes, codes[0]]))

    assert [len(request.url.params["identifiers"].split(",")) for request in r.amazon.requests] == [20, 20, 5]


def test_all_pages_are_read_and_an_item_that_comes_twice_is_one() -> None:
    r = finding([item("B1", "1")], [item("B1", "1"), item("B2", "2", store="elsewhere")])

    first, second = asyncio.run(Catalog(r.client).by_barcode(US, "EAN", ["1"]))

    assert (first.asin, first.name, first.brand, first.barcodes) == ("B1", "Mug", "B", (("EAN", "1"),))
    assert (second.asin, second.name, second.barcodes) == ("B2", "", ())


def test_nothing_else_is_searched_for_in_twenties() -> None:
    r = finding([])

    with pytest.raises(WrongUse, match="cannot be searched for SKU"):
        asyncio.run(Catalog(r.client).by_barcode(US, "SKU", ["A"]))
    assert r.amazon.requests == []


def test_a_sku_is_asked_for_alone_with_its_seller() -> None:
    r = finding([item("B1")])

    [found] = asyncio.run(Catalog(r.client).by_sku(US, "A1SELLER", "MUG 1/ü,2"))

    assert found.asin == "B1"
    assert "identifiers=MUG%201%2F%C3%BC%2C2&identifiersType=SKU" in str(r.amazon.requests[0].url)
    assert r.amazon.requests[0].url.params["sellerId"] == "A1SELLER"


def test_an_asin_is_there_or_not() -> None:
    there, gone, refused = (
        rig(lambda _request: answer(item("B1", "1"))),
        rig(lambda _request: error(404, "NOT_FOUND")),
        rig(lambda request: answer({}) if "sellers" in request.url.path else error(403, "Unauthorized")),
    )

    found = asyncio.run(Catalog(there.client).by_asin(US, "B1"))

    assert found is not None
    assert found.barcodes == (("EAN", "1"),)
    assert asyncio.run(Catalog(gone.client).by_asin(US, "B1")) is None
    with pytest.raises(NotPermitted, match="role Product Listing is missing"):
        asyncio.run(Catalog(refused.client).by_asin(US, "B1"))


def test_a_code_has_the_asins_that_carry_it_and_two_are_not_one() -> None:
    items = [known("B2", "4000000000001"), known("B1", "4000000000001", "0012345678905"), known("B3")]

    assert matches(["4000000000001", "012345678905", "9"], items) == {
        "4000000000001": ("B1", "B2"),
        "012345678905": ("B1",),
        "9": (),
    }


def test_the_sandbox_finds_by_sku_what_it_finds_by_barcode() -> None:
    story = Story({"stores": ["US"]})
    catalog, seller = story.account.catalog, story.account.config.seller_id

    async def tell() -> tuple[CatalogItem, tuple[CatalogItem, ...], CatalogItem | None]:
        [found] = await catalog.by_sku(US, seller, "LANTERN-S")
        codes = [code for _, code in found.barcodes]
        return found, await catalog.by_barcode(US, "EAN", codes), await catalog.by_asin(US, found.asin)

    found, by_barcode, by_asin = asyncio.run(tell())
    assert by_barcode == (found,)
    assert by_asin == found
    assert story.quota_refusals == {}
