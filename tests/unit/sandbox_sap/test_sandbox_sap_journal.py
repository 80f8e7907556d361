"""Journal entries in the simulated company: what is let in, what the ledger then holds (dossier, section 6.5)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.support.sap_client import LINES, Sap


def _pair(amount: str | float, **both: object) -> list[dict[str, object]]:
    return [
        {"AccountCode": "611000", "Debit": amount, **both},
        {"AccountCode": "114100", "Credit": amount, **both},
    ]


def test_an_entry_is_answered_as_the_ledger_holds_it() -> None:
    said = Sap().post_entry(Memo="Amazon settlement", Reference="90000000011", Reference3="JE")

    entry = said.json
    assert said.status == 201
    assert said.header("location").endswith(f"/b1s/v2/JournalEntries({entry['JdtNum']})")
    assert said.header("etag") == ""
    assert entry["@odata.context"].endswith("/b1s/v2/$metadata#JournalEntries/$entity")
    assert (entry["JdtNum"], entry["Number"], entry["Original"]) == (98001, 4021, 98001)
    assert (entry["ReferenceDate"], entry["DueDate"], entry["TaxDate"]) == ("2026-11-20T00:00:00Z",) * 3
    assert (entry["Memo"], entry["Reference"], entry["Reference3"]) == ("Amazon settlement", "90000000011", "JE")
    assert entry["OriginalJournal"] == "ttJournalEntry"
    first = entry["JournalEntryLines"][0]
    assert (first["Line_ID"], first["AccountCode"], first["ShortName"]) == (0, "611000", "611000")
    assert (first["Debit"], first["Credit"], first["FCCurrency"]) == (Decimal("310.5"), Decimal("0.0"), None)
    assert (first["ContraAccount"], first["Reference1"]) == ("114100", "90000000011")
    assert '"Debit": 310.5' in said.text
    assert '"Credit": 0.0' in said.text


def test_document_numbers_run_apart_and_balances_follow() -> None:
    sap = Sap()

    first, second = sap.post_entry().json, sap.post_entry().json

    assert (second["JdtNum"] - first["JdtNum"], second["Number"] - first["Number"]) == (1, 1)
    assert first["JdtNum"] != first["Number"]
    assert sap.balance("611000") == Decimal("621.00")
    assert sap.balance("114100") == Decimal("-621.00")
    assert sum((row.balance for row in sap.control._context.journal.trial_balance()), Decimal(0)) == 0


def test_no_content_is_answered_where_preferred() -> None:
    said = Sap().send(
        "POST",
        "JournalEntries",
        {"JournalEntryLines": LINES},
        headers={"Prefer": "return-no-content"},
    )

    assert (said.status, said.text) == (204, "")
    assert said.header("location") == "/b1s/v2/JournalEntries(98001)"
    assert said.header("preference-applied") == "return-no-content"


def test_the_posting_date_defaults_to_the_day_of_the_world() -> None:
    entry = Sap().send("POST", "JournalEntries", {"JournalEntryLines": LINES}).json

    assert entry["ReferenceDate"] == "2026-11-21T00:00:00Z"


def test_amounts_and_enums_may_come_as_text_and_codes() -> None:
    entry = Sap().post_entry(JournalEntryLines=_pair("10.25"), ReportEU="Y").json

    assert entry["JournalEntryLines"][0]["Debit"] == Decimal("10.25")
    assert entry["ReportEU"] == "tYES"


def test_read_only_properties_are_ignored() -> None:
    entry = Sap().post_entry(JdtNum=5, Number=6, OriginalJournal="ttReceipt").json

    assert (entry["JdtNum"], entry["Number"], entry["OriginalJournal"]) == (98001, 4021, "ttJournalEntry")


def test_amounts_are_rounded_to_the_decimals_of_the_company() -> None:
    entry = Sap().post_entry(JournalEntryLines=_pair(10.005)).json

    assert entry["JournalEntryLines"][0]["Debit"] == Decimal("10.01")


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"NoSuchProperty": 1}, "201"),
        ({"U_ML_KEY": "not defined here"}, "201"),
        ({"Memo": "x" * 51}, "-5002"),
        ({"Reference": "x" * 101}, "-5002"),
        ({"Reference": "half a \ud83d"}, "-5002"),
        ({"ReferenceDate": "2026-13-01"}, "-5002"),
        ({"JournalEntryLines": [{"AccountCode": "611000", "Debit": 10**15}, LINES[1]]}, "-5002"),
        ({"ReportEU": "maybe"}, "-5002"),
        ({"JournalEntryLines": []}, "-5002"),
        ({"JournalEntryLines": LINES[:1]}, "-5002"),
        ({"JournalEntryLines": "none"}, "-1000"),
        ({"JournalEntryLines": [LINES[0], {"AccountCode": "114100", "Credit": 310.49}]}, "-10"),
        ({"JournalEntryLines": [LINES[0], {"AccountCode": "999999", "Credit": 310.5}]}, "-5002"),
        ({"JournalEntryLines": [LINES[0], {"AccountCode": "600000", "Credit": 310.5}]}, "-5002"),
        ({"JournalEntryLines": [LINES[0], {"AccountCode": "690000", "Credit": 310.5}]}, "-5002"),
        ({"JournalEntryLines": [LINES[0], {"AccountCode": "691000", "Credit": 310.5}]}, "-5002"),
        ({"JournalEntryLines": [LINES[0], {"AccountCode": "113000", "Credit": 310.5}]}, "-5002"),
        ({"JournalEntryLines": [LINES[0], {"AccountCode": "211000", "Credit": 310.5}]}, "-5002"),
        ({"JournalEntryLines": [LINES[0], {"AccountCode": "112100", "Credit": 310.5}]}, "-5002"),
        ({"JournalEntryLines": [LINES[0], {"ShortName": "C-NOBODY", "Credit": 310.5}]}, "-5002"),
        ({"JournalEntryLines": [LINES[0], {"AccountCode": "114100", "Debit": -310.5}]}, "-5002"),
        ({"JournalEntryLines": [LINES[0], {"AccountCode": "114100", "Credit": 310.5, "CostingCode": "NONE"}]}, "-5002"),
        ({"JournalEntryLines": [LINES[0], {"AccountCode": "114100", "Credit": 310.5, "BPLID": 1}]}, "-5002"),
        ({"JournalEntryLines": [LINES[0], {"AccountCode": "114100", "Credit": 310.5, "LineMemo": "x" * 51}]}, "-5002"),
        ({"ReferenceDate": "2026-06-15"}, "-5002"),
        ({"ReferenceDate": "2030-01-01"}, "-5002"),
        ({"ProjectCode": "NONE"}, "-5002"),
        ({"UseAutoStorno": "tYES", "StornoDate": "2026-12-01"}, "-5002"),
    ],
)
def test_what_breaks_a_rule_is_refused_and_leaves_nothing(members: dict[str, object], code: str) -> None:
    sap = Sap()

    said = sap.post_entry(**members)

    assert said.error == (400, code)
    assert sap.control.entries() == []
    assert sap.balance("611000") == 0


def test_text_of_any_script_comes_back_as_it_was_sent() -> None:
    memo = "Größe 'A' \"b\" \\ 東京 😀 \t"

    assert Sap().post_entry(Memo=memo).json["Memo"] == memo


def test_a_body_that_is_not_json_is_refused() -> None:
    assert Sap().send("POST", "JournalEntries", b"{").error == (400, "-1000")


def test_a_period_closed_later_refuses_and_opens_again() -> None:
    sap = Sap()
    sap.control.set_period("2026-11-20", "ltLocked")
    refused = sap.post_entry()
    sap.control.set_period("2026-11-20", "ltUnlockedExceptSales")

    assert (refused.error, sap.post_entry().status) == ((400, "-5002"), 201)


def test_an_account_frozen_later_refuses() -> None:
    sap = Sap()
    sap.control.freeze_account("611000")

    assert sap.post_entry().status == 400
    sap.control.freeze_account("611000", frozen=False)
    assert sap.post_entry().status == 201


def test_a_short_third_reference_is_another_reading_of_the_field() -> None:
    sap = Sap(switches={"reference3_length": 27})

    assert (sap.post_entry(Reference3="x" * 28).status, sap.post_entry(Reference3="x" * 27).status) == (400, 201)


# --- other currencies --------------------------------------------------------------------------------------------------


def _euro(*amounts: tuple[str, str, float]) -> list[dict[str, object]]:
    return [{"AccountCode": account, f"FC{side}": value, "FCCurrency": "EUR"} for account, side, value in amounts]


def test_foreign_lines_are_converted_by_the_rate_of_the_day() -> None:
    sap = Sap()
    sap.control.set_rate("EUR", "2026-11-20", "1.10")

    lines = sap.post_entry(JournalEntryLines=_euro(("611000", "Debit", 100.0), ("114100", "Credit", 100.0))).json[
        "JournalEntryLines"
    ]

    assert (lines[0]["FCDebit"], lines[0]["Debit"], lines[0]["FCCurrency"]) == (Decimal(100), Decimal(110), "EUR")
    assert (lines[1]["FCCredit"], lines[1]["Credit"]) == (Decimal(100), Decimal(110))


@pytest.mark.parametrize(
    "lines",
    [
        _euro(("611000", "Debit", 100.0), ("114100", "Credit", 99.99)),
        [{"AccountCode": "611000", "FCDebit": 1, "FCCurrency": "CHF"}, LINES[1]],
        [{"AccountCode": "611000", "FCDebit": 1, "FCCurrency": "USD"}, LINES[1]],
        [{"AccountCode": "611000", "FCDebit": 1}, LINES[1]],
    ],
)
def test_foreign_lines_must_balance_in_a_known_currency(lines: list[dict[str, object]]) -> None:
    assert Sap().post_entry(JournalEntryLines=lines).status == 400


def test_a_missing_rate_refuses() -> None:
    sap = Sap()
    sap.control.set_rate("EUR", "2026-11-20", None)

    said = sap.post_entry(JournalEntryLines=_euro(("611000", "Debit", 1.0), ("114100", "Credit", 1.0)))

    assert "exchange rate" in said.json["error"]["message"]


def test_yen_have_no_decimals() -> None:
    lines = [
        {"AccountCode": "611000", "FCDebit": 1000.4, "FCCurrency": "JPY"},
        {"AccountCode": "114100", "FCCredit": 1000.4, "FCCurrency": "JPY"},
    ]

    assert Sap().post_entry(JournalEntryLines=lines).json["JournalEntryLines"][0]["FCDebit"] == Decimal(1000)


_THIRDS = _euro(("611000", "Debit", 0.03), ("611100", "Debit", 0.03), ("114100", "Credit", 0.06))


def test_local_cents_of_rounding_are_absorbed_by_the_largest_line() -> None:
    """0.03 EUR at 1.2 is 0.036, twice 0.04; 0.06 EUR is 0.072: 0.07."""
    sap = Sap()
    sap.control.set_rate("EUR", "", "1.2")

    lines = sap.post_entry(JournalEntryLines=_THIRDS).json["JournalEntryLines"]

    assert [line["Debit"] - line["Credit"] for line in lines] == [Decimal("0.04"), Decimal("0.04"), Decimal("-0.08")]


def test_local_cents_of_rounding_may_be_a_line_of_their_own() -> None:
    sap = Sap(switches={"foreign_rounding": "line"})
    sap.control.set_rate("EUR", "", "1.2")

    lines = sap.post_entry(JournalEntryLines=_THIRDS).json["JournalEntryLines"]

    assert [line["AccountCode"] for line in lines] == ["611000", "611100", "114100", "689000"]
    assert (lines[3]["Credit"], lines[3]["FCCredit"], lines[3]["Line_ID"]) == (Decimal("0.01"), 0, 3)


def test_local_cents_of_rounding_may_be_refused() -> None:
    sap = Sap(switches={"foreign_rounding": "refuse"})
    sap.control.set_rate("EUR", "", "1.2")

    assert sap.post_entry(JournalEntryLines=_THIRDS).error == (400, "-10")


def test_a_company_may_want_local_amounts_beside_foreign_ones() -> None:
    sap = Sap(switches={"foreign_needs_local": True})
    bare = _euro(("611000", "Debit", 10.0), ("114100", "Credit", 10.0))
    both = [{**bare[0], "Debit": 11.0}, {**bare[1], "Credit": 11.0}]

    assert (sap.post_entry(JournalEntryLines=bare).status, sap.post_entry(JournalEntryLines=both).status) == (400, 201)


# --- branches, segmentation, control accounts --------------------------------------------------------------------------


def test_with_branches_every_line_names_one_and_the_entry_balances_for_each() -> None:
    sap = Sap(switches={"enable_branches": True})
    crossed = [{**LINES[0], "BPLID": 1}, {**LINES[1], "BPLID": 2}]
    closed = [{**line, "BPLID": 3} for line in LINES]

    assert sap.post_entry().status == 400
    assert sap.post_entry(JournalEntryLines=closed).status == 400
    assert sap.post_entry(JournalEntryLines=crossed).error == (400, "-10")
    posted = sap.post_entry(JournalEntryLines=[{**line, "BPLID": 2} for line in LINES])
    assert posted.json["JournalEntryLines"][0]["BPLName"] == "Europe"


def test_with_segmentation_codes_are_internal_and_people_see_the_format_code() -> None:
    sap = Sap(switches={"account_segmentation": True})

    (account,) = sap.get("ChartOfAccounts", filter="FormatCode eq '611000'").json["value"]

    assert account["Code"] == "_SYS00000611000"
    assert sap.post_entry().status == 400
    lines = [{**line, "AccountCode": f"_SYS00000{line['AccountCode']}"} for line in LINES]
    assert sap.post_entry(JournalEntryLines=lines).status == 201


def test_a_control_account_may_hide_what_it_is_but_never_takes_a_manual_line() -> None:
    sap = Sap(switches={"control_accounts_show_lock": False})

    assert sap.send("GET", "ChartOfAccounts('113000')").json["LockManualTransaction"] == "tNO"
    assert sap.post_entry(JournalEntryLines=[LINES[0], {"AccountCode": "113000", "Credit": 310.5}]).status == 400


# --- after posting -----------------------------------------------------------------------------------------------------


def test_an_entry_is_never_deleted_and_its_lines_never_change() -> None:
    sap = Sap()
    sap.post_entry()

    assert sap.send("DELETE", "JournalEntries(98001)").error == (400, "-5006")
    assert sap.send("PUT", "JournalEntries(98001)", {"Memo": "x"}).error == (400, "-5006")
    assert sap.send("PATCH", "JournalEntries(98001)", {"JournalEntryLines": LINES}).error == (400, "-5006")
    assert sap.send("PATCH", "JournalEntries(1)", {"Memo": "x"}).error == (404, "-2028")


def test_the_texts_of_a_header_may_change_and_its_date_may_not() -> None:
    sap = Sap()
    sap.post_entry()

    assert (
        sap.send("PATCH", "JournalEntries(98001)", {"Memo": "by a person", "ReferenceDate": "2026-11-01"}).status == 204
    )

    entry = sap.send("GET", "JournalEntries(98001)").json
    assert (entry["Memo"], entry["ReferenceDate"]) == ("by a person", "2026-11-20T00:00:00Z")


def test_cancelling_writes_the_opposite_entry_once() -> None:
    sap = Sap()
    sap.post_entry(Memo="Amazon", Reference="90000000011")

    assert sap.send("POST", "JournalEntries(98001)/Cancel").status == 204
    assert sap.send("POST", "JournalEntries(98001)/Cancel").status == 400
    assert sap.send("POST", "JournalEntries(98002)/Cancel").status == 400

    original, storno = sap.get("JournalEntries").json["value"]
    assert (original["Memo"], storno["Memo"], storno["Reference"]) == ("Amazon", "(Reversal) Amazon", "90000000011")
    assert storno["ReferenceDate"] == original["ReferenceDate"]
    assert [line["Credit"] for line in storno["JournalEntryLines"]] == [Decimal("310.5"), 0]
    assert sap.balance("611000") == 0


def test_a_cancelling_entry_may_look_otherwise() -> None:
    sap = Sap(
        switches={
            "storno_marking": "none",
            "storno_sign": "negative",
            "storno_copies_fields": False,
            "storno_date": "today",
        }
    )
    sap.post_entry(Memo="Amazon", Reference="90000000011")
    sap.control.cancel_entry(98001)

    storno = sap.send("GET", "JournalEntries(98002)").json
    assert (storno["Memo"], storno["Reference"]) == ("Amazon", None)
    assert storno["ReferenceDate"] == "2026-11-21T00:00:00Z"
    assert storno["JournalEntryLines"][0]["Debit"] == Decimal("-310.5")


def test_a_cent_changed_in_the_ledger_is_seen() -> None:
    sap = Sap()
    sap.post_entry()
    sap.control.nudge_line(98001, 0, "0.01")

    lines = sap.send("GET", "JournalEntries(98001)").json["JournalEntryLines"]

    assert lines[0]["Debit"] == Decimal("310.51")
    assert sap.balance("611000") == Decimal("310.51")


def test_a_person_may_plant_an_entry_and_a_restore_may_lose_one() -> None:
    sap = Sap()
    planted = sap.control.plant_entry(
        {"ReferenceDate": "2026-11-20", "Memo": "by hand", "JournalEntryLines": _pair("12.50")}
    )
    assert sap.send("GET", f"JournalEntries({planted})").json["Memo"] == "by hand"

    sap.control.lose_entry(planted)

    assert sap.send("GET", f"JournalEntries({planted})").error == (404, "-2028")
    assert sap.balance("611000") == 0


def test_people_are_quick_where_the_fault_plan_says_so() -> None:
    sap = Sap(
        faults=[
            {"operation": "JournalEntries.POST", "fault": "person_edits", "nth": 1},
            {"operation": "JournalEntries.POST", "fault": "person_cancels", "nth": 2},
            {"operation": "JournalEntries.POST", "fault": "closed_period", "nth": 3},
        ]
    )

    statuses = [sap.post_entry().status for _ in range(3)]

    entries = sap.get("JournalEntries").json["value"]
    assert statuses == [201, 201, 400]
    assert entries[0]["JournalEntryLines"][0]["Debit"] == Decimal("310.51")
    assert [entry["Memo"] for entry in entries] == [None, None, "(Reversal) 98002"]
