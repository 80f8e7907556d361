"""What the server computes: prices, discounts, tax, freight, rounding, currencies (dossier, sections 11 and 13)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.support.sap_client import Sap
from tests.support.sap_documents import STOOL, booked, line, post

D = Decimal


# --- totals ----------------------------------------------------------------------------------------------------------


def _totals(sap: Sap, lines: list[dict[str, object]], **members: Any) -> tuple[Any, Any]:
    invoice = post(sap, lines=lines, **members).json
    return invoice["DocTotal"], invoice["VatSum"]


def test_a_price_that_is_not_sent_is_that_of_the_price_list() -> None:
    sap = Sap()
    bare: dict[str, object] = {"ItemCode": "STOOL-OAK-45", "Quantity": 2, "WarehouseCode": "FBA-US"}

    assert _totals(sap, [bare]) == (120, 0)
    sap.send("POST", "SpecialPrices", {"CardCode": "C-AMZ-US", "ItemCode": "STOOL-OAK-45", "DiscountPercent": 10})
    assert _totals(sap, [bare]) == (108, 0)


@pytest.mark.parametrize(("applies", "total"), [(True, D("35.98")), (False, D("39.98"))])
def test_a_special_discount_may_change_a_price_that_was_sent_alone(applies: bool, total: Decimal) -> None:
    sap = Sap(switches={"special_discount_applies": applies})
    sap.send("POST", "SpecialPrices", {"CardCode": "C-AMZ-US", "ItemCode": "STOOL-OAK-45", "DiscountPercent": 10})

    assert _totals(sap, [STOOL])[0] == total
    assert _totals(sap, line(DiscountPercent=0))[0] == D("39.98")


def test_tax_is_computed_on_each_row_by_the_code_sent_or_the_items_own() -> None:
    sap = Sap()

    assert _totals(sap, line(TaxCode="TX8")) == (D("43.28"), D("3.3"))
    bowls: dict[str, object] = {"ItemCode": "BOWL-SET-6", "Quantity": 1, "UnitPrice": 10, "WarehouseCode": "FBA-US"}
    assert _totals(sap, [bowls]) == (D("10.83"), D("0.83"))
    freight = [{"ExpenseCode": 1, "LineTotal": 10, "TaxCode": "TX8"}]
    assert _totals(sap, [STOOL], DocumentAdditionalExpenses=freight) == (D("50.81"), D("0.83"))


@pytest.mark.parametrize(("reading", "tax"), [("row", D("0.26")), ("document", D("0.25"))])
def test_tax_may_be_rounded_by_row_or_by_document(reading: str, tax: Decimal) -> None:
    """8.25 % of 1.52 is 0.1254: 0.13 twice, and 0.2508 together."""
    sap = Sap(switches={"tax_rounding": reading})
    lines = [{**STOOL, "Quantity": 1, "UnitPrice": 1.52, "TaxCode": "TX8"}] * 2

    assert _totals(sap, lines)[1] == tax


def test_a_header_discount_lowers_rows_and_tax() -> None:
    sap = Sap()

    invoice = post(sap, lines=line(Quantity=1, UnitPrice=100, TaxCode="TX8"), DiscountPercent=10).json

    assert (invoice["TotalDiscount"], invoice["VatSum"], invoice["DocTotal"]) == (10, D("7.43"), D("97.43"))
    assert booked(sap, invoice["TransNum"])[("401000", "401000")] == -90


def test_a_customers_own_discount_applies_where_none_is_sent() -> None:
    sap = Sap()

    assert _totals(sap, line(UnitPrice=50), CardCode="C-SHOP")[0] == 95
    assert _totals(sap, line(UnitPrice=50), CardCode="C-SHOP", DiscountPercent=0)[0] == 100


def test_a_rows_total_is_kept_where_it_is_sent() -> None:
    line: dict[str, object] = {"ItemCode": "LANTERN-S", "Quantity": 3, "LineTotal": 10, "WarehouseCode": "FBA-US"}

    invoice = post(Sap(), lines=[line]).json

    assert (invoice["DocTotal"], invoice["DocumentLines"][0]["UnitPrice"]) == (10, D("3.33"))


@pytest.mark.parametrize(("reading", "total"), [("kept", D("10")), ("recomputed", D("9.99")), ("ignored", D("9.99"))])
def test_a_rows_total_beside_a_price_may_be_ignored(reading: str, total: Decimal) -> None:
    line = {**STOOL, "Quantity": 3, "UnitPrice": 3.33, "LineTotal": 10}

    assert _totals(Sap(switches={"sent_line_total": reading}), [line])[0] == total


@pytest.mark.parametrize(("reading", "total"), [("rounded", D("8.50")), ("exact", D("8.46"))])
def test_the_price_after_discount_may_be_rounded_before_it_multiplies(reading: str, total: Decimal) -> None:
    """0.89 less 5 % is 0.8455: ten times 0.85 or 8.455, which is 8.46."""
    sap = Sap(switches={"discounted_price": reading})

    assert _totals(sap, line(Quantity=10, UnitPrice=0.89, DiscountPercent=5))[0] == total


@pytest.mark.parametrize(
    ("reading", "total", "tax"), [("kept", D("59.97"), D("9.58")), ("net_first", D("59.98"), D("9.58"))]
)
def test_gross_prices_are_kept_to_the_cent_or_not(reading: str, total: Decimal, tax: Decimal) -> None:
    """Three at 19.99 with 19 % inside: 59.97, of which 50.39 net. Net first: 16.80 each, 50.40 and 9.58."""
    sap = Sap(switches={"gross_prices": reading, "tax_system": "vat"})
    line: dict[str, object] = {
        "ItemCode": "LANTERN-S",
        "Quantity": 3,
        "PriceAfterVAT": 19.99,
        "VatGroup": "O1",
        "WarehouseCode": "FBA-US",
    }

    assert _totals(sap, [line]) == (total, tax)


def test_vat_groups_are_dated_and_their_tax_has_its_account() -> None:
    sap = Sap(switches={"tax_system": "vat"})

    now = post(sap, CardCode="C-AMZ-DE", DocCurrency="USD", lines=line(UnitPrice=50, VatGroup="O1")).json

    assert (now["VatSum"], now["DocumentLines"][0]["TaxPercentagePerRow"]) == (19, 19)
    assert booked(sap, now["TransNum"])[("222000", "222000")] == -19
    assert post(sap, lines=line(TaxCode="EX")).status == 400
    assert post(sap, lines=line(VatGroup="I1")).status == 400
    assert post(sap, lines=line(VatGroup="OX")).status == 400
    assert post(sap, CardCode="C-AMZ-DE", lines=line()).json["DocumentLines"][0]["VatGroup"] == "O1"


def test_a_rounding_difference_is_added_and_booked() -> None:
    sap = Sap()

    invoice = post(sap, Rounding="tYES", RoundingDiffAmount=0.02).json

    assert (invoice["DocTotal"], invoice["RoundingDiffAmount"]) == (40, D("0.02"))
    assert booked(sap, invoice["TransNum"])[("689000", "689000")] == D("-0.02")


def test_a_foreign_invoice_shows_both_currencies_and_balances_in_both() -> None:
    sap = Sap()
    sap.control.set_rate("EUR", "2026-11-20", "1.1")

    invoice = post(sap, CardCode="C-AMZ-DE", lines=line(Quantity=3, UnitPrice=3.33)).json

    assert (invoice["DocCurrency"], invoice["DocRate"]) == ("EUR", D("1.1"))
    assert (invoice["DocTotalFc"], invoice["DocTotal"]) == (D("9.99"), D("10.99"))
    entry = sap.send("GET", f"JournalEntries({invoice['TransNum']})").json
    customer = entry["JournalEntryLines"][0]
    assert (customer["FCDebit"], customer["Debit"], customer["FCCurrency"]) == (D("9.99"), D("10.99"), "EUR")
    assert sum(line["FCDebit"] - line["FCCredit"] for line in entry["JournalEntryLines"]) == 0


def test_a_missing_rate_refuses_and_a_rate_that_is_sent_counts() -> None:
    sap = Sap()
    sap.control.set_rate("EUR", "2026-11-20", None)

    assert "exchange rate" in post(sap, CardCode="C-AMZ-DE").words
    sap.control.set_rate("EUR", "2026-11-20", "1.1")
    assert post(sap, CardCode="C-AMZ-DE", DocRate=2).json["DocTotal"] == D("79.96")


def test_yen_have_no_decimals() -> None:
    assert post(Sap(), CardCode="C-AMZ-JP", lines=line(Quantity=1, UnitPrice=1000.4)).json["DocTotalFc"] == 1000


@pytest.mark.parametrize(("reading", "total"), [("document", D("10")), ("local", D("5"))])
def test_a_rows_total_in_a_foreign_document_may_be_local(reading: str, total: Decimal) -> None:
    sap = Sap(switches={"foreign_line_total": reading})
    sap.control.set_rate("EUR", "2026-11-20", "2")
    lines: list[dict[str, object]] = [
        {"ItemCode": "LANTERN-S", "Quantity": 1, "LineTotal": 10, "WarehouseCode": "FBA-US"}
    ]

    assert post(sap, CardCode="C-AMZ-DE", lines=lines).json["DocTotalFc"] == total


def test_a_preview_computes_and_writes_nothing() -> None:
    sap = Sap()
    document = {"CardCode": "C-AMZ-US", "DocDueDate": "2026-11-30", "DocumentLines": [STOOL]}

    said = sap.send("POST", "OrdersService_Preview", {"Document": document})

    assert (said.status, said.json["DocTotal"], said.json["DocEntry"]) == (200, D("39.98"), None)
    assert sap.control.documents("Orders") == []
