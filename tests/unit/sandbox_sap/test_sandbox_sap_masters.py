"""Items, prices, stock, partners, taxes: what they show, and what moves their UpdateDate (dossier, sections 5.3 to 5.5, 6)."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ml_connector.sandbox.ledger import Ledger
from tests.support.sap_client import Sap


def _item(sap: Sap, code: str = "STOOL-OAK-45") -> Any:
    return sap.send("GET", f"Items('{code}')").json


def _price(sap: Sap, number: int, code: str = "STOOL-OAK-45") -> Any:
    (price,) = [row["Price"] for row in _item(sap, code)["ItemPrices"] if row["PriceList"] == number]
    return price


def _place(sap: Sap, warehouse: str, code: str = "STOOL-OAK-45") -> dict[str, Any]:
    (place,) = [row for row in _item(sap, code)["ItemWarehouseInfoCollection"] if row["WarehouseCode"] == warehouse]
    return dict(place)


def _stamp(sap: Sap, code: str = "STOOL-OAK-45") -> tuple[str | None, str | None]:
    item = _item(sap, code)
    return item["UpdateDate"], item["UpdateTime"]


# --- items -------------------------------------------------------------------------------------------------------------


def test_an_item_has_a_price_on_each_list_and_a_place_in_each_warehouse() -> None:
    item = _item(Sap())

    assert item["@odata.etag"] == 'W/"356A192B7913B04C54574D18C28D46E6395428AB"'
    assert (item["QuantityOnStock"], item["SalesItem"], item["Valid"], item["Frozen"]) == (120, "tYES", "tYES", "tNO")
    assert [(row["PriceList"], row["Price"], row["Currency"]) for row in item["ItemPrices"]] == [
        (1, 48, "USD"),
        (2, 60, "USD"),
        (3, Decimal("59.99"), "EUR"),
        (4, 0, None),
    ]
    places = {row["WarehouseCode"]: row["InStock"] for row in item["ItemWarehouseInfoCollection"]}
    assert (len(places), places["FBA-US"], places["01"]) == (8, 120, 0)


def test_lists_of_items_hold_their_collections_and_may_not() -> None:
    full = Sap().get("Items", select="ItemCode,ItemPrices", top="1").rows[0]
    bare = Sap(switches={"bulk_items_without_collections": True})

    assert len(full["ItemPrices"]) == 4
    assert bare.get("Items", select="ItemCode,ItemPrices", top="1").rows[0]["ItemPrices"] == []
    assert len(_item(bare)["ItemPrices"]) == 4


def test_an_item_is_created_once_with_what_was_sent() -> None:
    sap = Sap()
    body = {"ItemCode": "MUG-1", "ItemName": "Mug", "ItemPrices": [{"PriceList": 1, "Price": 8}], "BarCode": "40012"}

    made = sap.send("POST", "Items", body)

    assert (made.status, made.json["BarCode"], _price(sap, 1, "MUG-1"), _price(sap, 2, "MUG-1")) == (
        201,
        "40012",
        8,
        10,
    )
    assert (made.json["CreateDate"], made.json["UpdateTime"]) == ("2026-11-21T00:00:00Z", "12:00:00")
    again = sap.send("POST", "Items", body)
    assert (again.error, "MUG-1" in again.words) == ((400, "-10"), True)
    assert _place(sap, "FBA-US", "MUG-1")["InStock"] == 0


def test_a_change_by_a_client_moves_the_stamp_and_the_version() -> None:
    sap = Sap()
    sap.clock.advance(65)

    assert sap.send("PATCH", "Items('STOOL-OAK-45')", {"ItemName": "Stool", "QuantityOnStock": 7}).status == 204

    item = _item(sap)
    assert (item["ItemName"], item["QuantityOnStock"], item["DataVersion"]) == ("Stool", 120, 2)
    assert _stamp(sap) == ("2026-11-21T00:00:00Z", "12:01:05")


def test_the_stamp_is_read_from_the_wall_clock_of_the_server() -> None:
    sap = Sap(switches={"server_utc_offset_minutes": 13 * 60})
    sap.send("PATCH", "Items('STOOL-OAK-45')", {"ItemName": "Stool"})

    assert _stamp(sap) == ("2026-11-22T00:00:00Z", "01:00:00")


def test_new_rows_may_lack_the_stamp() -> None:
    sap = Sap(switches={"new_rows_without_update_date": True})
    sap.send("POST", "Items", {"ItemCode": "MUG-1"})

    assert _stamp(sap, "MUG-1") == (None, None)
    assert sap.get("Items/$count", filter="UpdateDate ge '2026-11-21'").text == "0"
    assert sap.get("Items/$count", filter="CreateDate ge '2026-11-21'").text == "1"


# --- changed since -----------------------------------------------------------------------------------------------------


@pytest.fixture
def two_changes() -> Sap:
    """One item changed on 21 November at 12:00:00, another on the 22nd at 09:30:20."""
    sap = Sap()
    sap.send("PATCH", "Items('STOOL-OAK-45')", {"ItemName": "A"})
    sap.clock.advance(21.5 * 3600 + 20)
    sap.log_in()
    sap.send("PATCH", "Items('LANTERN-S')", {"ItemName": "B"})
    return sap


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "(UpdateDate gt '2026-11-21' or (UpdateDate eq '2026-11-21' and UpdateTime ge '12:00:00'))",
            ["STOOL-OAK-45", "LANTERN-S"],
        ),
        ("(UpdateDate gt '2026-11-21' or (UpdateDate eq '2026-11-21' and UpdateTime ge '12:01:00'))", ["LANTERN-S"]),
        # Date and time together miss what was changed in the morning of a later day.
        ("UpdateDate ge '2026-11-21' and UpdateTime ge '12:00:00'", ["STOOL-OAK-45"]),
        ("UpdateDate eq '20261122' and UpdateTime eq '09:30'", ["LANTERN-S"]),
        ("UpdateDate eq datetime'2026-11-22' and UpdateTime le '0930'", ["LANTERN-S"]),
        ("UpdateDate eq '2026-11-22' and UpdateTime gt '093000'", []),
    ],
)
def test_what_changed_since_is_found_by_date_and_minute(two_changes: Sap, text: str, found: list[str]) -> None:
    said = two_changes.get("Items", filter=text, orderby="UpdateDate,UpdateTime,ItemCode", select="ItemCode")

    assert [row["ItemCode"] for row in said.rows] == found


@pytest.mark.parametrize(("reading", "found"), [("minute", 0), ("literal", 1), ("second", 0)])
def test_times_may_compare_in_other_ways(reading: str, found: int) -> None:
    sap = Sap(switches={"time_filters": reading})
    sap.clock.advance(20)
    sap.send("PATCH", "Items('STOOL-OAK-45')", {"ItemName": "A"})

    assert sap.get("Items/$count", filter="UpdateDate eq '2026-11-21' and UpdateTime gt '12:00:20'").text == str(found)


def test_items_are_paged_by_key_without_a_gap() -> None:
    sap = Sap()
    seen: list[str] = []
    while True:
        after = f"ItemCode gt '{seen[-1]}'" if seen else "ItemCode ne ''"
        page = sap.get(
            "Items", filter=after, orderby="ItemCode", select="ItemCode", headers={"Prefer": "odata.maxpagesize=4"}
        )
        seen += [row["ItemCode"] for row in page.rows]
        if len(page.rows) < 4:
            break

    assert len(seen) == len(set(seen)) == 15
    assert seen == sorted(seen)


# --- stock and prices --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("touched", [False, True])
def test_stock_moves_without_touching_the_item(touched: bool) -> None:
    sap = Sap(switches={"stock_touches_items": touched})
    before = _stamp(sap)

    sap.control.move_stock("STOOL-OAK-45", "FBA-US", "-3")

    assert (_item(sap)["QuantityOnStock"], _place(sap, "FBA-US")["InStock"]) == (117, 117)
    assert (_stamp(sap) != before) == touched


@pytest.mark.parametrize("touched", [False, True])
def test_prices_change_without_touching_the_item(touched: bool) -> None:
    sap = Sap(switches={"price_touches_items": touched})
    before = _stamp(sap)

    sap.control.set_price("STOOL-OAK-45", 1, "50")

    assert (_price(sap, 1), _price(sap, 2), _price(sap, 3)) == (50, Decimal("62.5"), Decimal("59.99"))
    assert (_stamp(sap) != before) == touched


def test_a_price_list_with_another_factor_changes_its_prices() -> None:
    sap = Sap()
    assert sap.send("PATCH", "PriceLists(2)", {"Factor": 1.5}).status == 204

    assert _price(sap, 2) == 72


def test_a_client_may_change_a_price_by_itself_and_its_siblings_stay() -> None:
    sap = Sap()
    before = _stamp(sap)
    sap.send("PATCH", "Items('STOOL-OAK-45')", {"ItemPrices": [{"PriceList": 3, "Price": 66.5}]})

    assert (_price(sap, 1), _price(sap, 3)) == (48, Decimal("66.5"))
    assert _stamp(sap) == before


def test_a_new_warehouse_is_known_to_every_item() -> None:
    sap = Sap()
    sap.send("POST", "Warehouses", {"WarehouseCode": "W9", "WarehouseName": "New"})

    assert _place(sap, "W9")["InStock"] == 0


def test_stock_may_be_kept_from_falling_below_nothing() -> None:
    sap = Sap(switches={"block_negative_stock": True})

    act = sap.send("POST", "/_control/move_stock", {"item_code": "STOOL-OAK-45", "warehouse": "01", "by": "-1"})

    assert act.status == 400
    assert "negative inventory" in act.json["error"]
    assert sap.send("GET", "CompanyService_GetAdminInfo").json["BlockStockNegativeQuantity"] == "tYES"


def _effective(sap: Sap, **params: object) -> tuple[Any, str | None, Any]:
    price = sap.send("POST", "CompanyService_GetItemPrice", {"ItemPriceParams": params}).json
    return price["Price"], price["Currency"], price["Discount"]


def test_the_price_for_a_customer_is_that_of_the_price_list_unless_a_special_one_holds() -> None:
    sap = Sap()
    who = {"CardCode": "C-AMZ-US", "ItemCode": "STOOL-OAK-45"}
    assert _effective(sap, **who) == (60, "USD", 0)
    assert _effective(sap, CardCode="C-AMZ-DE", ItemCode="STOOL-OAK-45") == (Decimal("59.99"), "EUR", 0)
    assert _effective(sap, **who, PriceList=4) == (0, None, 0)

    assert sap.send("POST", "SpecialPrices", {**who, "DiscountPercent": 10, "PriceListNum": 2}).status == 201
    assert _effective(sap, **who) == (60, "USD", 10)
    period = {"DateFrom": "2026-11-01", "Dateto": "2026-11-30", "SpecialPrice": 41.5, "PriceCurrency": "USD"}
    assert (
        sap.send(
            "PATCH", "SpecialPrices(CardCode='C-AMZ-US',ItemCode='STOOL-OAK-45')", {"SpecialPriceDataAreas": [period]}
        ).status
        == 204
    )
    assert _effective(sap, **who) == (Decimal("41.5"), "USD", 0)
    assert _effective(sap, **who, Date="2026-12-01") == (60, "USD", 10)


def test_a_special_price_needs_an_item_and_a_customer() -> None:
    sap = Sap()
    body = {"CardCode": "C-AMZ-US", "ItemCode": "STOOL-OAK-45", "Price": 5}

    assert sap.send("POST", "SpecialPrices", {**body, "ItemCode": "NONE"}).error == (400, "-5002")
    assert sap.send("POST", "SpecialPrices", {**body, "CardCode": "NONE"}).error == (400, "-5002")
    assert sap.send("POST", "SpecialPrices", {**body, "CardCode": "*2"}).status == 201
    assert _effective(sap, CardCode="C-AMZ-US", ItemCode="STOOL-OAK-45") == (5, "USD", 0)
    assert sap.send("POST", "SpecialPrices", {**body, "CardCode": "*2"}).error == (400, "-2035")
    assert sap.send("DELETE", "SpecialPrices(CardCode='*2',ItemCode='STOOL-OAK-45')").status == 204


def test_a_special_price_for_a_whole_list_may_mean_nothing() -> None:
    sap = Sap(switches={"special_prices_of_lists": False})
    sap.send("POST", "SpecialPrices", {"CardCode": "*2", "ItemCode": "STOOL-OAK-45", "Price": 5})

    assert _effective(sap, CardCode="C-AMZ-US", ItemCode="STOOL-OAK-45") == (60, "USD", 0)


# --- partners, taxes, series -------------------------------------------------------------------------------------------


def test_there_is_a_customer_for_each_store() -> None:
    sap = Sap()

    rows = sap.get("BusinessPartners", filter="startswith(CardCode,'C-AMZ')", select="CardCode,Currency").rows

    assert [(row["CardCode"][6:], row["Currency"]) for row in rows] == [
        ("CA", "CAD"),
        ("DE", "EUR"),
        ("FR", "EUR"),
        ("JP", "JPY"),
        ("UK", "GBP"),
        ("US", "USD"),
    ]


def test_a_customer_is_created_once_and_addresses_are_merged() -> None:
    sap = Sap()
    body = {"CardCode": "C-NEW", "CardName": "New", "CardType": "C"}

    made = sap.send("POST", "BusinessPartners", body)

    assert (made.status, made.json["CardType"], made.json["DebitorAccount"]) == (201, "cCustomer", "113000")
    again = sap.send("POST", "BusinessPartners", body)
    assert (again.error, "1320000140" in again.words) == ((400, "-10"), True)
    for name in ("A", "B", "A"):
        sap.send(
            "PATCH",
            "BusinessPartners('C-NEW')",
            {"BPAddresses": [{"AddressName": name, "AddressType": "S", "City": name}]},
        )
    addresses = sap.send("GET", "BusinessPartners('C-NEW')").json["BPAddresses"]
    assert [(row["AddressName"], row["AddressType"], row["BPCode"]) for row in addresses] == [
        ("A", "bo_ShipTo", "C-NEW"),
        ("B", "bo_ShipTo", "C-NEW"),
    ]


def test_collections_are_replaced_where_the_header_asks_for_it() -> None:
    sap = Sap()
    sap.send(
        "PATCH",
        "BusinessPartners('C-AMZ-US')",
        {"BPAddresses": [{"AddressName": "Only"}]},
        headers={"B1S-ReplaceCollectionsOnPatch": "true"},
    )

    addresses = sap.send("GET", "BusinessPartners('C-AMZ-US')").json["BPAddresses"]
    assert [row["AddressName"] for row in addresses] == ["Only"]


def test_tax_codes_and_groups_show_their_rates() -> None:
    sap = Sap()

    codes = {row["Code"]: row["Rate"] for row in sap.get("SalesTaxCodes", filter="Inactive eq 'tNO'").rows}
    group = sap.send("GET", "VatGroups('O1')").json

    assert codes == {"EX": 0, "TX8": Decimal("8.25"), "CA7": Decimal("7.25")}
    assert [(row["Effectivefrom"][:4], row["Rate"]) for row in group["VatGroups_Lines"]] == [
        ("2007", 19),
        ("2020", 16),
        ("2021", 19),
    ]


@pytest.mark.parametrize(("version", "name"), [("v1", "Series"), ("v2", "SeriesProperty")])
def test_series_of_a_document_are_listed_in_the_words_of_each_version(version: str, name: str) -> None:
    sap = Sap(version=version)
    body = {"DocumentTypeParams": {"Document": "13", "DocumentSubType": "--"}}

    rows = sap.send("POST", "SeriesService_GetDocumentSeries", body).rows

    assert [(row[name], row["Name"], row["IsManual"]) for row in rows] == [
        (4, "Primary", "tNO"),
        (40, "AMZ", "tNO"),
        (41, "Manual", "tYES"),
    ]
    assert sap.send("POST", "SeriesService_GetDefaultSeries", body).json[name] == 4


def test_a_person_may_edit_master_data() -> None:
    sap = Sap()
    sap.control.edit("Items", {"ItemCode": "LANTERN-S"}, {"Frozen": "tYES"})

    assert sap.get("Items/$count", filter="Frozen eq 'tYES'").text == "2"


def test_the_company_survives_with_its_goods(tmp_path: Path) -> None:
    first = Sap(ledger=Ledger(tmp_path / "world.sqlite"))
    first.control.move_stock("STOOL-OAK-45", "FBA-US", "-20")

    assert _item(Sap(ledger=Ledger(tmp_path / "world.sqlite")))["QuantityOnStock"] == 100
