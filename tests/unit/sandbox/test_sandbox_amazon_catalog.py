"""The simulated Amazon's catalog: SKUs are matched with ASINs, and no more."""

from typing import Any

import pytest

from tests.support.sandbox_amazon import CATALOG, Seller

US, DE = "ATVPDKIKX0DER", "A1PA6795UKMFR9"


def found(seller: Seller, **params: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = seller.get(CATALOG, **params).json()["items"]
    return items


def test_skus_of_the_seller_are_matched_with_asins_and_with_the_same_ones_in_every_store() -> None:
    seller = Seller()
    own = {"identifiersType": "SKU", "sellerId": seller.credentials["seller_id"]}
    american = found(seller, marketplaceIds=US, identifiers="STOOL-OAK-45,LANTERN-S,NOBODY", **own)
    assert [each["asin"] for each in american] == ["B0GHSTL045", "B0GHLNT001"]
    german = found(seller, marketplaceIds=DE, identifiers="HOCKER-EICHE-45", **own)
    assert [each["asin"] for each in german] == ["B0GHSTL045"]
    assert german[0]["summaries"][0]["itemName"] == "Hocker, Eiche, 45 cm"
    assert (
        found(seller, marketplaceIds=US, identifiers="STOOL-OAK-45", identifiersType="SKU", sellerId="A0SOMEBODY") == []
    )


def test_what_an_order_calls_a_product_the_catalog_knows() -> None:
    seller = Seller()
    products = {item["product"]["asin"] for order in seller.orders() for item in order["orderItems"]}
    for asin in products:
        assert seller.get(f"{CATALOG}/{asin}", marketplaceIds=f"{US},{DE}").json()["asin"] == asin


def test_an_ean_leads_to_the_product_it_stands_on() -> None:
    seller = Seller()
    shown = seller.get(f"{CATALOG}/B0GHSTL045", marketplaceIds=US, includedData="identifiers").json()
    (ean,) = shown["identifiers"][0]["identifiers"]
    assert (ean["identifierType"], len(ean["identifier"])) == ("EAN", 13)
    digits = [int(digit) for digit in ean["identifier"]]
    assert (sum(digits[::2]) + 3 * sum(digits[1::2])) % 10 == 0
    by_ean = found(seller, marketplaceIds=US, identifiers=ean["identifier"], identifiersType="EAN")
    assert [each["asin"] for each in by_ean] == ["B0GHSTL045"]


def test_keywords_find_and_refine_and_come_in_pages() -> None:
    seller = Seller()
    page = seller.get(CATALOG, marketplaceIds=US, keywords="s", pageSize="2").json()
    assert page["numberOfResults"] == 4
    assert page["refinements"]["brands"] == [{"numberOfResults": 4, "brandName": "Garden & Hearth"}]
    rest = found(seller, marketplaceIds=US, keywords="s", pageSize="2", pageToken=page["pagination"]["nextToken"])
    assert len({each["asin"] for each in (*page["items"], *rest)}) == 4


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"marketplaceIds": US},
        {"marketplaceIds": US, "identifiers": "B0GHSTL045"},
        {"marketplaceIds": US, "identifiers": "B0GHSTL045", "identifiersType": "ASIN", "keywords": "oak"},
        {"marketplaceIds": US, "identifiers": "STOOL-OAK-45", "identifiersType": "SKU"},
        {"marketplaceIds": f"{US},{DE}", "keywords": "oak"},
        {"marketplaceIds": "A1VC38T7YXB528", "keywords": "oak"},
        {"marketplaceIds": US, "keywords": "oak", "pageSize": "21"},
        {"marketplaceIds": US, "keywords": "oak", "includedData": "prices"},
    ],
)
def test_a_search_that_is_not_understood_is_refused(params: dict[str, str]) -> None:
    assert Seller().get(CATALOG, **params).status_code == 400


def test_an_unknown_product_is_not_found() -> None:
    assert Seller().get(f"{CATALOG}/B000000000", marketplaceIds=US).status_code == 404
