"""The company that a new world begins with: its mapping fits its chart, its calendars hold the world's past."""

import csv
from decimal import Decimal
from importlib import resources

import ml_connector.sandbox.sage_300
from ml_connector.domain.mapping import BALANCE_SHEET_ROLES, CATEGORIES
from ml_connector.sandbox.sage_300.company import lines_of
from ml_connector.sandbox.sage_300.switches import SWITCHES
from tests.support.sage_client import Sage


def mapping() -> dict[str, str]:
    text = resources.files(ml_connector.sandbox.sage_300).joinpath("mapping.csv").read_text(encoding="utf-8")
    return {row["category"]: row["account"] for row in csv.DictReader(text.splitlines())}


def test_every_category_has_an_account_that_takes_its_lines() -> None:
    assert set(mapping()) == CATEGORIES
    sage = Sage()
    for category, code in mapping().items():
        account = sage.get(f"GL/GLAccounts('{code}')").json
        assert (account["Status"], account["ControlAccount"], account["Multicurrency"]) == ("Active", "No", "Yes")
        expected = "BalanceSheet" if category in BALANCE_SHEET_ROLES else "IncomeStatement"
        assert account["AccountType"] == expected, category


def test_there_are_accounts_that_must_refuse() -> None:
    sage = Sage()
    assert [row["UnformattedAccount"] for row in sage.get("GL/GLAccounts", filter="Status eq 'Inactive'").value] == [
        "6900"
    ]
    control = sage.get("GL/GLAccounts", filter="ControlAccount eq 'Yes'").value
    assert [row["UnformattedAccount"] for row in control] == ["1100", "2000"]


def test_one_month_is_closed_and_it_is_older_than_the_worlds_past() -> None:
    sage = Sage()
    lines = [{"AccountNumber": "6105", "Amount": 0}]
    taken = {}
    for day in ("2026-05-31", "2026-06-30", "2026-07-01", "2020-01-05", "2027-12-31", "2028-01-01"):
        entry = {"SourceLedger": "GL", "SourceType": "JE", "DocumentDate": day, "JournalDetails": lines}
        taken[day] = sage.journal(JournalHeaders=[entry]).status
    assert taken == {
        "2026-05-31": 201, "2026-06-30": 409, "2026-07-01": 201, "2020-01-05": 201, "2027-12-31": 201, "2028-01-01": 409,
    }  # fmt: skip
    sage.control.set_period("2026-06-30", locked=False)
    entry = {"SourceLedger": "GL", "SourceType": "JE", "DocumentDate": "2026-06-30", "JournalDetails": lines}
    assert sage.journal(JournalHeaders=[entry]).status == 201


def test_every_article_has_an_item_with_stock_and_a_price() -> None:
    sage = Sage()
    for line in lines_of("items.csv"):
        item = sage.get(f"IC/ICItems('{line['item']}')").json
        assert (item["ItemNumber"], item["StockItem"], item["QuantityAvailable"] > 0) == (line["formatted"], True, True)
        price = sage.get(
            f"IC/ICItemPricing(CurrencyCode='USD',UnformattedItemNumber='{line['item']}',PriceListCode='AMZ')"
        )
        assert price.json["ItemPricingDetails"][0]["UnitPrice"] > 0


def test_every_store_has_a_customer_in_its_currency() -> None:
    rows = Sage().get("AR/ARCustomers", filter="startswith(CustomerNumber,'AMZ')").value
    found = {row["CustomerNumber"]: row["CurrencyCode"] for row in rows}
    assert found == {"AMZUS": "USD", "AMZCA": "CAD", "AMZUK": "GBP", "AMZDE": "EUR", "AMZFR": "EUR", "AMZJP": "JPY"}


def test_the_books_balance_from_the_start() -> None:
    assert sum(Decimal(str(line["balance"])) for line in Sage().control.trial_balance()) == 0


def test_every_switch_says_where_the_question_stands() -> None:
    assert len({switch.name for switch in SWITCHES}) == len(SWITCHES)
    assert all(switch.section.startswith("sage-300 ") and switch.meaning.endswith(".") for switch in SWITCHES)
