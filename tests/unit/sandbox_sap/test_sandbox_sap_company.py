"""The company of a new world: user tables and fields, its chart against the shipped mapping, the door for tests."""

from __future__ import annotations

import csv
from decimal import Decimal
from importlib import resources
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ml_connector.domain.mapping import BALANCE_SHEET_ROLES, CATEGORIES
from ml_connector.sandbox.ledger import Ledger
from ml_connector.sandbox.sap_business_one import SWITCHES
from tests.support.sap_client import Sap

FIELD = {"TableName": "OJDT", "Name": "ML_KEY", "Type": "db_Alpha", "Size": 100, "Description": "ml-connector key"}
TABLE = {"TableName": "ML_LINK", "TableDescription": "ml-connector keys", "TableType": "bott_NoObject"}


def test_a_user_field_is_a_property_from_then_on() -> None:
    sap = Sap()
    assert sap.get("JournalEntries", select="JdtNum,U_ML_KEY").error == (400, "201")

    made = sap.send("POST", "UserFieldsMD", FIELD)

    assert (made.status, made.json["FieldID"], made.json["EditSize"]) == (201, 0, 100)
    assert sap.send("POST", "UserFieldsMD", FIELD).error == (400, "-2035")
    assert sap.post_entry(U_ML_KEY="AB12-JE-1").json["U_ML_KEY"] == "AB12-JE-1"
    assert sap.post_entry(U_ML_KEY="x" * 101).status == 400
    found = sap.get("JournalEntries", filter="U_ML_KEY eq 'AB12-JE-1'", select="JdtNum,U_ML_KEY").json["value"]
    assert found == [{"JdtNum": 98001, "U_ML_KEY": "AB12-JE-1"}]
    assert b'Name="U_ML_KEY"' in sap.send("GET", "$metadata").text.encode()
    assert sap.send("GET", "UserFieldsMD(TableName='OJDT',FieldID=0)").json["Name"] == "ML_KEY"


def test_a_user_field_on_lines_is_a_property_of_lines() -> None:
    sap = Sap()
    sap.send("POST", "UserFieldsMD", {**FIELD, "TableName": "JDT1", "Name": "ML_LINE"})
    lines = [
        {"AccountCode": "611000", "Debit": 1, "U_ML_LINE": "a"},
        {"AccountCode": "114100", "Credit": 1},
    ]

    shown = sap.post_entry(JournalEntryLines=lines).json["JournalEntryLines"]

    assert [line["U_ML_LINE"] for line in shown] == ["a", None]


def test_a_person_may_remove_the_field_with_what_it_held() -> None:
    sap = Sap()
    sap.send("POST", "UserFieldsMD", FIELD)
    sap.post_entry(U_ML_KEY="k")

    sap.control.drop_user_field("OJDT", "ML_KEY")

    assert sap.get("JournalEntries", filter="U_ML_KEY eq 'k'").error == (400, "201")
    assert len(sap.get("JournalEntries").json["value"]) == 1


def test_a_user_table_is_a_set_whose_code_is_taken_once() -> None:
    sap = Sap()
    assert sap.send("GET", "UserTablesMD('ML_LINK')").error == (404, "-2028")
    assert sap.send("POST", "UserTablesMD", TABLE).status == 201
    assert sap.send("POST", "UserTablesMD", TABLE).error == (400, "-2035")

    first = sap.send("POST", "U_ML_LINK", {"Code": "k1", "Name": "first"})
    again = sap.send("POST", "U_ML_LINK", {"Code": "k1", "Name": "again"})

    assert (first.status, again.error) == (201, (400, "-2035"))
    assert again.json["error"]["message"] == "This entry already exists in the following tables (ODBC -2035)"
    assert sap.send("GET", "U_ML_LINK('k1')").json["Name"] == "first"
    assert sap.send("POST", "U_ML_LINK", {"Name": "no code"}).status == 400
    assert sap.send("PATCH", "U_ML_LINK('k1')", {"Name": "other", "Code": "ignored"}).status == 204
    assert sap.send("DELETE", "U_ML_LINK('k1')").status == 204


@pytest.mark.parametrize(("length", "status"), [(50, 201), (20, 400)])
def test_how_long_a_code_may_be_is_an_open_question(length: int, status: int) -> None:
    sap = Sap(switches={"user_table_code_length": length})
    sap.send("POST", "UserTablesMD", TABLE)

    assert sap.send("POST", "U_ML_LINK", {"Code": "a" * 40, "Name": "x"}).status == status


def test_without_the_right_nothing_is_created() -> None:
    sap = Sap(switches={"user_may_create_tables": False})

    assert sap.send("POST", "UserTablesMD", TABLE).error == (403, "-6006")
    assert sap.send("POST", "UserFieldsMD", FIELD).error == (403, "-6006")
    assert sap.get("Users", filter="UserCode eq 'mlconnector'").json["value"][0]["Superuser"] == "tNO"


def test_new_fields_may_need_a_restart() -> None:
    sap = Sap(switches={"new_fields_need_restart": True})
    sap.send("POST", "UserFieldsMD", FIELD)
    assert sap.get("JournalEntries", select="U_ML_KEY").status == 400

    sap.control.restart()
    sap.log_in()

    assert sap.get("JournalEntries", select="U_ML_KEY").status == 200


def test_metadata_is_xml_whatever_is_asked_for() -> None:
    said = Sap().send("GET", "$metadata", headers={"Accept": "application/json"})

    assert said.header("content-type").startswith("application/xml")
    sets = [
        each.get("Name")
        for each in ElementTree.fromstring(said.text).iter("{http://docs.oasis-open.org/odata/ns/edm}EntitySet")
    ]
    assert "JournalEntries" in sets


def test_the_company_survives_the_process(tmp_path: Path) -> None:
    before = Sap(ledger=Ledger(tmp_path / "world.sqlite"))
    before.send("POST", "UserFieldsMD", FIELD)
    before.post_entry(U_ML_KEY="kept")

    after = Sap(ledger=Ledger(tmp_path / "world.sqlite"), seed=7)

    assert after.credentials == before.credentials
    assert after.get("JournalEntries").json["value"][0]["U_ML_KEY"] == "kept"


# --- chart and mapping -------------------------------------------------------------------------------------------------


def test_the_mapping_places_every_category_on_an_account_that_takes_it() -> None:
    text = resources.files("ml_connector.sandbox.sap_business_one").joinpath("mapping.csv").read_text()
    rows = {row["category"]: row["account"] for row in csv.DictReader(text.splitlines())}
    sap = Sap()
    accounts = {
        row["Code"]: row for row in sap.get("ChartOfAccounts", headers={"Prefer": "odata.maxpagesize=0"}).json["value"]
    }

    assert set(rows) == CATEGORIES
    for category, code in rows.items():
        account = accounts[code]
        assert (account["ActiveAccount"], account["FrozenFor"], account["LockManualTransaction"]) == (
            "tYES",
            "tNO",
            "tNO",
        )
        assert (account["AccountType"] == "at_Other") == (category in BALANCE_SHEET_ROLES)


def test_every_mapped_account_takes_a_line_in_every_currency() -> None:
    text = resources.files("ml_connector.sandbox.sap_business_one").joinpath("mapping.csv").read_text()
    codes = sorted({row["account"] for row in csv.DictReader(text.splitlines())})
    sap = Sap()
    for currency in ("EUR", "GBP", "CAD", "JPY"):
        lines = [{"AccountCode": code, "FCDebit": 100, "FCCurrency": currency} for code in codes]
        lines.append({"AccountCode": "114500", "FCCredit": 100 * len(codes), "FCCurrency": currency})
        assert sap.post_entry(JournalEntryLines=lines).status == 201


def test_the_chart_has_accounts_that_refuse() -> None:
    sap = Sap()

    assert sap.send("GET", "ChartOfAccounts('600000')").json["ActiveAccount"] == "tNO"
    assert sap.send("GET", "ChartOfAccounts('690000')").json["FrozenFor"] == "tYES"
    assert sap.send("GET", "ChartOfAccounts('113000')").json["LockManualTransaction"] == "tYES"
    assert sap.send("GET", "ChartOfAccounts('691000')").json["LockManualTransaction"] == "tYES"


# --- the door for tests ------------------------------------------------------------------------------------------------


def test_the_control_path_does_what_people_do() -> None:
    sap = Sap()
    entry = {
        "ReferenceDate": "2026-11-20",
        "JournalEntryLines": [{"AccountCode": "611000", "Debit": 1.5}, {"AccountCode": "114100", "Credit": 1.5}],
    }

    planted = sap.send("POST", "/_control/plant_entry", {"entry": entry}).json["result"]
    assert sap.send("POST", "/_control/nudge_line", {"jdt_num": planted, "line_id": 0, "by": "0.01"}).json == {
        "result": None
    }

    balance = sap.send("POST", "/_control/trial_balance").json["result"]
    assert {row["account"]: row["balance"] for row in balance} == {
        "611000": Decimal("1.51"),
        "114100": Decimal("-1.5"),
    }
    assert sap.send("POST", "/_control/entries").json["result"][0]["JdtNum"] == planted
    assert set(sap.send("GET", "/_control").json["acts"]) == set(sap.control.acts())


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/_control/destroy", {}, 404),
        ("/_control/nudge_line", {"jdt_num": 1, "line_id": 0}, 400),
        ("/_control/nudge_line", {"wrong": 1}, 400),
        ("/_control/set_period", {"day": "2026-11-20", "status": "open"}, 400),
        ("/_control/freeze_account", [], 400),
    ],
)
def test_the_control_path_refuses_what_it_does_not_understand(path: str, body: object, status: int) -> None:
    assert Sap().send("POST", path, body).status == status


def test_people_act_on_users_sessions_and_passwords() -> None:
    sap = Sap()
    sap.control.end_sessions()
    assert sap.get("Currencies").status == 401
    sap.control.change_password("other")
    assert sap.log_in().status == 401
    assert sap.log_in(Password="other").status == 200
    sap.control.lock_user()
    assert sap.log_in(Password="other").error == (401, "100000055")
    sap.control.lock_user(locked=False)
    assert sap.log_in(Password="other").status == 200


def test_switches_are_declared_once_with_their_source() -> None:
    assert len({each.name for each in SWITCHES}) == len(SWITCHES)
    assert all(each.section.startswith("sap-business-one ") and each.meaning.endswith(".") for each in SWITCHES)
