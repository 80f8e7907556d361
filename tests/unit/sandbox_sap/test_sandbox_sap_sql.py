"""Stored queries: what they may read, how they are answered, and that nothing else gets through (dossier, section 5.6)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import quote, unquote

import pytest

from tests.support.sap_client import Said, Sap
from tests.support.sap_documents import post

STOCK = (
    "select T0.ItemCode, T1.WhsCode, T1.OnHand, T1.IsCommited, T1.OnOrder from OITM T0 "
    "inner join OITW T1 on T0.ItemCode = T1.ItemCode where T0.SellItem = 'Y' order by T0.ItemCode, T1.WhsCode"
)
PRICES = (
    "SELECT T0.ItemCode, T1.PriceList, T1.Price, T1.Currency FROM OITM T0 JOIN ITM1 T1 ON T0.ItemCode = T1.ItemCode "
    "WHERE T1.PriceList = :list AND T1.Price > 0 ORDER BY T0.ItemCode"
)


def _store(sap: Sap, text: str, code: str = "Q1") -> Said:
    return sap.send("POST", "SQLQueries", {"SqlCode": code, "SqlName": code, "SqlText": text})


def _run(sap: Sap, text: str, parameters: str = "") -> list[dict[str, Any]]:
    assert _store(sap, text).status == 201
    said = sap.send("GET", f"SQLQueries('Q1')/List?{parameters}", headers={"Prefer": "odata.maxpagesize=500"})
    assert said.status == 200, said.text
    return said.rows


def test_stock_is_swept_by_warehouse_under_the_names_of_the_database() -> None:
    sap = Sap()
    post(sap, "Orders")

    rows = _run(sap, STOCK)

    assert len(rows) == 15 * 8
    (place,) = [row for row in rows if (row["ItemCode"], row["WhsCode"]) == ("STOOL-OAK-45", "FBA-US")]
    assert place == {"ItemCode": "STOOL-OAK-45", "WhsCode": "FBA-US", "OnHand": 120, "IsCommited": 2, "OnOrder": 0}


def test_prices_are_swept_by_list_with_a_parameter() -> None:
    sap = Sap()

    rows = _run(sap, PRICES, "list=3")

    assert {"ItemCode": "STOOL-OAK-45", "PriceList": 3, "Price": Decimal("59.99"), "Currency": "EUR"} in rows
    assert len(rows) == 14
    assert sap.send("GET", "SQLQueries('Q1')").json["ParamList"] == "list"
    posted = sap.send(
        "POST", "SQLQueries('Q1')/List", {"ParamList": "list=3"}, headers={"Prefer": "odata.maxpagesize=500"}
    )
    assert posted.rows == rows


def test_pages_follow_each_other_by_a_relative_link() -> None:
    sap = Sap()
    _store(sap, STOCK)

    first = sap.send("GET", "SQLQueries('Q1')/List", headers={"Prefer": "odata.maxpagesize=50"})
    second = sap.send("GET", unquote(first.json["@odata.nextLink"]), headers={"Prefer": "odata.maxpagesize=50"})
    unlimited = sap.send("GET", "SQLQueries('Q1')/List", headers={"Prefer": "odata.maxpagesize=0"})

    assert first.json["@odata.nextLink"] == "SQLQueries('Q1')/List?&$skip=50"
    assert (len(first.rows), len(second.rows), len(unlimited.rows)) == (50, 50, 20)
    assert first.json["SqlText"] == STOCK
    keys = [(row["ItemCode"], row["WhsCode"]) for row in (*first.rows, *second.rows)]
    assert keys == sorted(keys)
    assert len(set(keys)) == 100


def test_without_an_order_pages_do_not_fit_together() -> None:
    sap = Sap()
    _store(sap, "select ItemCode, WhsCode from OITW")

    seen = []
    for skip in range(0, 120, 20):
        seen += [tuple(row.values()) for row in sap.send("GET", f"SQLQueries('Q1')/List?$skip={skip}").rows]

    assert len(seen) == 120
    assert len(set(seen)) < 120


def test_the_older_protocol_has_its_own_annotations() -> None:
    sap = Sap(version="v1")
    _store(sap, STOCK)

    said = sap.send("GET", "SQLQueries('Q1')/List")

    assert said.json["odata.nextLink"] == "SQLQueries('Q1')/List?&$skip=20"
    assert said.json["odata.metadata"].endswith("/b1s/v1/$metadata#SAPB1.SQLQueryResult")


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("select count(*) as N from OITM", [{"N": 15}]),
        ("select T0.frozenFor, count(T0.ItemCode) as N from OITM T0 group by T0.frozenFor order by T0.frozenFor", [{"frozenFor": "N", "N": 14}, {"frozenFor": "Y", "N": 1}]),
        ("select sum(OnHand) as Total from OITW where ItemCode = 'STOOL-OAK-45'", [{"Total": 120}]),
        ("select CardCode from OCRD where CardCode like 'C-AMZ-%' and Currency in ('EUR') order by CardCode desc", [{"CardCode": "C-AMZ-FR"}, {"CardCode": "C-AMZ-DE"}]),
        ("select distinct T0.Currency from ITM1 T0 where T0.Currency is not null order by T0.Currency", [{"Currency": "EUR"}, {"Currency": "USD"}]),
        ("select UpdateTS from OITM where ItemCode = 'LANTERN-S'", [{"UpdateTS": 90000}]),
        ("select ItemCode from OITM where ItemName = 'a''b{c}'", []),
        ('select "T0"."ItemCode" from [OITM] "T0" where T0.OnHand between 120 and 120.5', [{"ItemCode": "STOOL-OAK-45"}]),
    ],
)  # fmt: skip
def test_what_a_query_may_say(text: str, rows: list[dict[str, object]]) -> None:
    assert _run(Sap(), text) == rows


def test_documents_are_read_with_their_lines_and_user_fields() -> None:
    sap = Sap()
    sap.send("POST", "UserFieldsMD", {"TableName": "OINV", "Name": "ML_KEY", "Type": "db_Alpha", "Size": 100})
    post(sap, U_ML_KEY="K1")
    sap.control.cancel_document("Invoices", 4711)

    rows = _run(
        sap,
        "select T0.DocEntry, T0.DocTotal, T0.CANCELED, T0.U_ML_KEY, T1.Quantity, T1.BaseEntry from OINV T0 "
        "join INV1 T1 on T0.DocEntry = T1.DocEntry order by T0.DocEntry",
    )

    assert [(row["DocEntry"], row["DocTotal"], row["CANCELED"], row["U_ML_KEY"], row["BaseEntry"]) for row in rows] == [
        (4711, Decimal("39.98"), "Y", "K1", None),
        (4712, Decimal("39.98"), "C", "K1", 4711),
    ]


def test_a_users_own_table_may_be_read() -> None:
    sap = Sap()
    sap.send("POST", "UserTablesMD", {"TableName": "ML_LINK", "TableType": "bott_NoObject"})
    sap.send("POST", "U_ML_LINK", {"Code": "k1", "Name": "n"})

    assert _run(sap, 'select Code from "@ML_LINK"') == [{"Code": "k1"}]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("delete from OITM", "701"),
        ("select * from OITM", "701"),
        ("select T0.* from OITM T0", "701"),
        ("select ItemCode from OITM; drop table OITM", "701"),
        ("select ItemCode from OITM -- x", "703"),
        ("select ItemCode from (select ItemCode from OITM) T0", "702"),
        ("select T0.ItemCode from OITM T0 where T0.ItemCode in (select T1.ItemCode from OITW T1)", "701"),
        ("select 1", "701"),
        ("select T0.ItemCode from OITM T0 join OITW T0 on 1 = 1", "701"),
        ("select TransId from OJDT", "702"),
        ("select WhsCode from OWHS", "702"),
        ("select Password from passwords", "702"),
        ("select T9.ItemCode from OITM T0", "702"),
        ("select T0.NoSuch from OITM T0", "703"),
        ("select QuantityOnStock from OITM", "703"),
        ("select ItemCode from OITM T0 join OITW T1 on T0.ItemCode = T1.ItemCode", "703"),
        ("select load_extension('x') from OITM", "703"),
    ],
)
def test_what_a_query_may_not_say(text: str, code: str) -> None:
    sap = Sap()

    assert _store(sap, text).error == (400, code)
    assert sap.get("SQLQueries").rows == []


@pytest.mark.parametrize("parameters", ["", "other=1", "list=1&more=2", "list=3; x", "list='a"])
def test_parameters_must_be_those_of_the_text(parameters: str) -> None:
    sap = Sap()
    _store(sap, PRICES)

    assert sap.send("GET", f"SQLQueries('Q1')/List?{quote(parameters, safe='=&')}").error == (400, "704")


def test_a_query_is_stored_once_changed_and_removed() -> None:
    sap = Sap()
    assert (_store(sap, STOCK).status, _store(sap, STOCK).error) == (201, (400, "-2035"))

    assert sap.send("PATCH", "SQLQueries('Q1')", {"SqlText": "select count(*) as N from OITM"}).status == 204
    assert sap.send("GET", "SQLQueries('Q1')/List").rows == [{"N": 15}]
    assert sap.send("PATCH", "SQLQueries('Q1')", {"SqlText": "select * from OITM"}).error == (400, "701")
    assert sap.send("DELETE", "SQLQueries('Q1')").status == 204
    assert sap.send("GET", "SQLQueries('Q1')/List").error == (404, "-2028")
    assert _store(sap, "").status == 400


def test_a_user_may_lack_the_right_and_an_older_build_the_queries() -> None:
    forbidden, missing = Sap(switches={"sql_queries": "forbidden"}), Sap(switches={"sql_queries": "missing"})

    assert _store(forbidden, STOCK).error == (403, "-6006")
    assert _store(missing, STOCK).status == 404
