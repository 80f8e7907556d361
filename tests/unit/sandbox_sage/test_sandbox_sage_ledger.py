"""The simulated general ledger: journal batches, their life, their rules, and what posting leaves behind."""

from decimal import Decimal
from typing import Any

import pytest

from tests.support.sage_client import LINES, Sage

FIELD = (409, "FieldInvalid")


def entry(*lines: dict[str, Any], **members: object) -> dict[str, Any]:
    return {
        "SourceLedger": "GL",
        "SourceType": "JE",
        "DocumentDate": "2026-11-20",
        "JournalDetails": list(lines),
        **members,
    }


def line(account: str, value: object, **members: object) -> dict[str, Any]:
    return {"AccountNumber": account, "Amount": value, **members}


def status(sage: Sage, number: str) -> str:
    return str(sage.get(f"GL/GLJournalBatches('{number}')", select="Status").json["Status"])


def test_keys_are_the_companys_own_padded_with_zeros() -> None:
    batch = Sage().journal(BatchNumber="999999").json
    assert (batch["BatchNumber"], batch["Status"], batch["PostingSequence"]) == ("000003", "Open", 0)
    header = batch["JournalHeaders"][0]
    assert (header["BatchNumber"], header["EntryNumber"]) == ("000003", "00001")
    assert [row["TransactionNumber"] for row in header["JournalDetails"]] == ["0000000020", "0000000040"]


def test_the_answer_is_the_ledgers_not_an_echo() -> None:
    batch = Sage().journal().json
    header = batch["JournalHeaders"][0]
    assert (batch["Debits"], batch["Credits"], batch["NumberOfEntries"]) == (Decimal("310.5"), Decimal("310.5"), 1)
    assert (header["FiscalYear"], header["FiscalPeriod"], header["PostingDate"]) == (
        "2026",
        "11",
        "2026-11-20T00:00:00Z",
    )
    assert header["JournalDetails"][0]["AcctDescription"] == "Amazon referral fees"
    assert header["EnteredBy"] == "WEBAPI"


def test_nothing_asks_whether_a_batch_is_there_already_and_it_counts_twice() -> None:
    sage = Sage()
    for _ in range(2):
        number = sage.journal().json["BatchNumber"]
        sage.patch(f"GL/GLJournalBatches('{number}')", {"ReadyToPost": "Yes"})
        assert sage.post_journal(number).status == 204
    assert sage.balance("6105") == 621
    assert len(sage.get("GL/GLJournalBatches", filter="Description eq 'AMZ STL 1 US'").value) == 2


def test_a_batch_goes_from_open_to_ready_to_posted() -> None:
    sage = Sage()
    number = sage.journal().json["BatchNumber"]
    assert sage.post_journal(number).status == 204
    assert status(sage, number) == "Open"  # posting passes over what is not ready
    sage.patch(f"GL/GLJournalBatches('{number}')", {"ReadyToPost": "Yes"})
    assert status(sage, number) == "ReadyToPost"
    sage.patch(f"GL/GLJournalBatches('{number}')", {"ReadyToPost": "No"})
    assert status(sage, number) == "Open"
    sage.patch(f"GL/GLJournalBatches('{number}')", {"ReadyToPost": "Yes"})
    sage.post_journal(number)
    batch = sage.get(f"GL/GLJournalBatches('{number}')").json
    assert (batch["Status"], batch["PostingSequence"] > 0) == ("Posted", True)
    assert sage.patch(f"GL/GLJournalBatches('{number}')", {"Description": "X"}).error == (409, "General")
    assert sage.post_journal(number).status == 204
    assert sage.balance("6105") == Decimal("310.5")


@pytest.mark.parametrize(
    ("reading", "by_flag", "by_status"),
    [("ReadyToPost", "ReadyToPost", "Open"), ("Status", "Open", "ReadyToPost"), ("both", "ReadyToPost", "ReadyToPost")],
)
def test_which_property_marks_a_batch_ready_is_an_open_question(reading: str, by_flag: str, by_status: str) -> None:
    for body, wanted in (({"ReadyToPost": "Yes"}, by_flag), ({"Status": "ReadyToPost"}, by_status)):
        sage = Sage(switches={"gl_ready_by": reading})
        number = sage.journal().json["BatchNumber"]
        assert sage.patch(f"GL/GLJournalBatches('{number}')", body).status == 204
        assert status(sage, number) == wanted
        assert sage.journal(**body).json["Status"] == wanted


def test_a_batch_may_be_created_ready_in_later_versions_only() -> None:
    assert Sage().journal(ReadyToPost="Yes").json["Status"] == "ReadyToPost"
    assert Sage(switches={"ready_in_post": False}).journal(ReadyToPost="Yes").json["Status"] == "Open"


def test_the_range_to_post_goes_by_the_names_of_the_version() -> None:
    sage = Sage(switches={"gl_post_names": "PostBatchFrom PostBatchTo"})
    number = sage.journal(ReadyToPost="Yes").json["BatchNumber"]
    assert set(sage.post("GL/GLPostJournal('$template')", {}).json) >= {"PostBatchFrom", "PostBatchTo"}
    assert sage.post_journal(number).error == (400, "InvalidPayload")
    assert sage.act("GL/GLPostJournal", {"PostBatchFrom": number, "PostBatchTo": number}).status == 204
    assert status(sage, number) == "Posted"
    assert Sage().act("GL/GLPostJournal", {"FromBatchNumber": "9", "ToBatchNumber": "1"}).error == FIELD


def test_posting_writes_signed_lines_that_can_be_read_back_under_two_names() -> None:
    sage = Sage()
    number = sage.journal(ReadyToPost="Yes").json["BatchNumber"]
    sage.post_journal(number)
    found = sage.get(
        "GL/GLPostedTransactions", filter="AccountNumber eq '1150' and JournalDetailReference eq 'AMZ 123'"
    ).value
    assert [(row["JournalTransactionAmount"], row["BatchNumber"], row["JournalEntryNumber"]) for row in found] == [
        (Decimal("-310.5"), number, "00001")
    ]
    twins = sage.get("GL/GLPostingJournalDetails", filter=f"BatchNumber eq '{number}'").value
    assert [row["Journaltransactionamount"] for row in twins] == [Decimal("310.5"), Decimal("-310.5")]
    assert twins[0]["Journaldetailreference"] == "AMZ 123"
    newer = sage.get("GL/GLPostedTransactions", filter="PostingSequenceNumber gt 2").value
    assert {row["BatchNumber"] for row in newer} == {number}


@pytest.mark.parametrize(
    "lines",
    [
        [line("8888", 1), line("1150", -1)],
        [line("6900", 1), line("1150", -1)],
        [line("1100", 1), line("1150", -1)],
        [line("6105", 1, SourceCurrencyAmount=2), line("1150", -1)],
        [line("1300", 1, SourceCurrency="EUR"), line("1150", -1)],
        [line("6105", 1, SourceCurrency="XXX"), line("1150", -1)],
        [line("6105", 1, SourceCurrency="EUR", CurrencyRate=0), line("1150", -1)],
    ],
    ids=["unknown", "inactive", "control", "two amounts", "home only", "currency", "rate"],
)
def test_lines_that_the_rules_do_not_let_in(lines: list[dict[str, Any]]) -> None:
    assert Sage().journal(JournalHeaders=[entry(*lines)]).error == FIELD


@pytest.mark.parametrize(
    "members",
    [{"DocumentDate": "2018-12-31"}, {"DocumentDate": "2026-06-30"}, {"SourceType": "ZZ"}, {"SourceLedger": "AR"}],
    ids=["no calendar", "closed period", "source code", "other ledger"],
)
def test_entries_that_the_rules_do_not_let_in(members: dict[str, object]) -> None:
    assert Sage().journal(JournalHeaders=[entry(*LINES, **members)]).error == FIELD


def test_accounts_may_be_written_formatted_and_are_kept_unformatted() -> None:
    batch = Sage().journal(JournalHeaders=[entry(line("6000-100", 1), line("1150", -1))]).json
    assert batch["JournalHeaders"][0]["JournalDetails"][0]["AccountNumber"] == "6000100"
    assert Sage().get("GL/GLAccounts('6000100')").json["AccountNumber"] == "6000-100"


def test_control_accounts_may_take_lines_where_the_company_says_so() -> None:
    sage = Sage(switches={"control_accounts_refuse": False})
    assert sage.journal(JournalHeaders=[entry(line("1100", 1), line("1150", -1))]).status == 201


def test_a_new_source_code_makes_its_entries_possible() -> None:
    sage = Sage()
    assert (
        sage.post("GL/GLSourceCodes", {"SourceLedger": "GL", "SourceType": "AZ", "Description": "Amazon"}).status == 201
    )
    assert sage.journal(JournalHeaders=[entry(*LINES, SourceType="AZ")]).status == 201


def test_foreign_lines_are_converted_at_the_days_rate() -> None:
    sage = Sage()
    lines = [
        {"AccountNumber": "6105", "SourceCurrencyAmount": 100, "SourceCurrency": "EUR"},
        {
            "AccountNumber": "1150",
            "SourceCurrencyAmount": -100,
            "SourceCurrency": "EUR",
            "CurrencyRate": 1.1,
            "Amount": -108.34,
        },
    ]
    rows = sage.journal(JournalHeaders=[entry(*lines)], ReadyToPost="Yes").json["JournalHeaders"][0]["JournalDetails"]
    assert [(row["Amount"], row["CurrencyRate"]) for row in rows] == [
        (Decimal("108.34"), Decimal("1.0834")),
        (Decimal("-108.34"), Decimal("1.1")),
    ]
    sage.control.set_rate("EUR", "2026-11-20", None)
    assert sage.journal(JournalHeaders=[entry(*lines[:1])]).error == FIELD
    assert (
        Sage()
        .journal(JournalHeaders=[entry(line("6105", 100, SourceCurrency="JPY"))])
        .json["JournalHeaders"][0]["JournalDetails"][0]["SourceCurrencyAmount"]
        == 14899
    )


def test_an_entry_out_of_balance_waits_open_and_moves_to_an_error_batch_when_posted() -> None:
    sage = Sage()
    crooked = entry(line("6105", 5), line("1150", -4))
    batch = sage.journal(JournalHeaders=[entry(*LINES), crooked], ReadyToPost="Yes").json
    assert batch["JournalHeaders"][1]["OutOfBalanceBy"] == 1
    sage.post_journal(batch["BatchNumber"])
    posted = sage.get(f"GL/GLJournalBatches('{batch['BatchNumber']}')").json
    assert (posted["Status"], posted["NumberOfErrors"]) == ("Posted", 1)
    assert [(row["ErrorBatch"], row["ErrorEntry"]) for row in posted["JournalHeaders"]] == [(0, 0), (4, 1)]
    assert (status(sage, "000004"), sage.balance("6105")) == ("Open", Decimal("310.5"))


@pytest.mark.parametrize("act", ["set_period", "inactivate_account"])
def test_a_period_locked_or_an_account_inactivated_before_posting_stops_the_entry(act: str) -> None:
    sage = Sage()
    number = sage.journal(ReadyToPost="Yes").json["BatchNumber"]
    sage.control.acts()[act]("2026-11-20" if act == "set_period" else "6105")
    sage.post_journal(number)
    assert sage.get(f"GL/GLJournalBatches('{number}')").json["NumberOfErrors"] == 1
    assert sage.balance("6105") == 0


def test_an_inactive_account_may_be_found_at_posting_only() -> None:
    sage = Sage(switches={"inactive_account": "posting"})
    said = sage.journal(JournalHeaders=[entry(line("6900", 1), line("1150", -1))], ReadyToPost="Yes")
    assert said.status == 201
    sage.post_journal(said.json["BatchNumber"])
    assert sage.get("GL/GLJournalBatches('000003')").json["NumberOfErrors"] == 1


def test_a_closed_period_fault_closes_for_one_request() -> None:
    sage = Sage(faults=[{"operation": "GLJournalBatches.POST", "fault": "closed_period", "nth": 1}])
    assert sage.journal().error == FIELD
    assert sage.journal().status == 201


@pytest.mark.parametrize(("reading", "left"), [("rolled_back", []), ("part_filled", [1])])
def test_a_batch_whose_second_entry_fails_is_gone_or_half_there(reading: str, left: list[int]) -> None:
    sage = Sage(switches={"failed_batch": reading})
    assert sage.journal(JournalHeaders=[entry(*LINES), entry(line("8888", 1))]).error == FIELD
    found = sage.get("GL/GLJournalBatches", filter="Description eq 'AMZ STL 1 US'").value
    assert [batch["NumberOfEntries"] for batch in found] == left


def test_a_partial_batch_fault_fails_in_the_middle() -> None:
    faults: list[dict[str, object]] = [{"operation": "GLJournalBatches.POST", "fault": "partial_batch", "nth": 1}]
    sage = Sage(switches={"failed_batch": "part_filled"}, faults=faults)
    assert sage.journal(JournalHeaders=[entry(*LINES)] * 4).error == (409, "General")
    assert sage.get("GL/GLJournalBatches('000003')").json["NumberOfEntries"] == 2


def test_entries_and_lines_can_be_added_changed_and_taken_out_while_the_batch_is_open() -> None:
    sage = Sage()
    path = f"GL/GLJournalBatches('{sage.journal().json['BatchNumber']}')"
    assert sage.patch(path, {"JournalHeaders": [{**entry(*LINES), "UpdateOperation": "Insert"}]}).status == 204
    changed = {
        "TransactionNumber": "0000000020",
        "Amount": 300,
        "SourceCurrencyAmount": 300,
        "UpdateOperation": "Update",
    }
    body = {"JournalHeaders": [{"EntryNumber": "00002", "UpdateOperation": "Update", "JournalDetails": [changed]}]}
    assert sage.patch(path, body).status == 204
    batch = sage.get(path).json
    assert [header["OutOfBalanceBy"] for header in batch["JournalHeaders"]] == [0, Decimal("-10.5")]
    gone = {"JournalHeaders": [{"EntryNumber": "00002", "UpdateOperation": "Delete"}]}
    assert sage.patch(path, gone).status == 204
    assert sage.get(path).json["NumberOfEntries"] == 1
    assert sage.patch(path, gone).error == FIELD
    sage.patch(path, {"ReadyToPost": "Yes"})
    assert sage.patch(path, {"Description": "X"}).error == (409, "General")


def test_people_post_delete_edit_lock_purge_and_reverse_batches() -> None:
    sage = Sage()
    numbers = [sage.journal().json["BatchNumber"] for _ in range(4)]
    sage.control.post_batch("GL", numbers[0])
    sage.control.delete_batch("GL", numbers[1])
    sage.control.edit_batch("GL", numbers[2], by="0.02")
    sage.control.lock_batch("GL", numbers[3])
    assert [status(sage, number) for number in numbers] == ["Posted", "Deleted", "Open", "Open"]
    assert sage.get(f"GL/GLJournalBatches('{numbers[2]}')").json["Debits"] == Decimal("310.52")
    assert sage.patch(f"GL/GLJournalBatches('{numbers[1]}')", {"ReadyToPost": "Yes"}).error == (409, "General")
    assert sage.patch(f"GL/GLJournalBatches('{numbers[3]}')", {"ReadyToPost": "Yes"}).error == (409, "General")
    sage.control.lock_batch("GL", numbers[3], locked=False)
    assert sage.patch(f"GL/GLJournalBatches('{numbers[3]}')", {"ReadyToPost": "Yes"}).status == 204

    sage.control.reverse_batch(numbers[0])
    assert sage.balance("6105") == 0
    sage.control.purge_batch(numbers[0])
    assert sage.get(f"GL/GLJournalBatches('{numbers[0]}')").status == 404
    assert len(sage.get("GL/GLPostedTransactions", filter=f"BatchNumber eq '{numbers[0]}'").value) == 2
    sage.control.describe_batch("GL", numbers[2], "SOMETHING ELSE")
    assert len(sage.get("GL/GLJournalBatches", filter="Description eq 'AMZ STL 1 US'").value) == 3


def test_accidents_change_the_ledger_behind_everybodys_back() -> None:
    sage = Sage()
    number = sage.journal().json["BatchNumber"]
    sage.control.post_batch("GL", number)
    sage.control.nudge_line(number, 0, "0.01")
    assert sage.balance("6105") == Decimal("310.51")
    sage.control.lose_batch("GL", number)
    assert (sage.balance("6105"), sage.get(f"GL/GLJournalBatches('{number}')").status) == (0, 404)


def test_a_person_may_be_quick() -> None:
    kinds = ("person_edits", "person_cancels")
    edited, cancelled = (Sage(faults=[{"operation": "GLJournalBatches.POST", "fault": kind}]) for kind in kinds)
    assert edited.journal().json["Debits"] == Decimal("310.5")  # the answer does not know it yet
    assert edited.get("GL/GLJournalBatches('000003')").json["Debits"] == Decimal("310.51")
    cancelled.journal()
    assert status(cancelled, "000003") == "Deleted"


def test_posting_may_take_its_time_and_may_need_a_listing() -> None:
    slow = Sage(switches={"posting_s": 90})
    number = slow.journal(ReadyToPost="Yes").json["BatchNumber"]
    slow.post_journal(number)
    assert status(slow, number) == "PostInProgress"
    assert slow.patch(f"GL/GLJournalBatches('{number}')", {"Description": "X"}).status == 409
    slow.clock.advance(91)
    assert status(slow, number) == "Posted"

    printed = Sage(switches={"print_before_posting": True})
    number = printed.journal(ReadyToPost="Yes").json["BatchNumber"]
    assert printed.post_journal(number).error == (409, "General")
    printed.control.print_batch("GL", number)
    assert printed.post_journal(number).status == 204


def test_a_planted_batch_is_a_persons_own() -> None:
    sage = Sage()
    number = sage.control.plant_batch(
        "GL", {"Description": "BY HAND", "JournalHeaders": [entry(line("6105", 1), line("1150", -1))]}
    )
    assert sage.get(f"GL/GLJournalBatches('{number}')").json["Description"] == "BY HAND"
