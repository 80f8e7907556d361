"""The connector against the simulated Service Layer, which was written from the same facts by somebody else."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.domain.documents import JournalEntry, Kind
from ml_connector.domain.errors import SignInFailed
from ml_connector.domain.keys import document_key
from ml_connector.domain.target import (
    Absent,
    Accepted,
    Attempt,
    Ended,
    Found,
    Many,
    NotSent,
    Outcome,
    Present,
    Receipt,
    Refused,
    Seen,
    Unclear,
    Unknown,
    Unsupported,
)
from ml_connector.erp.sap_business_one.documents.journal_entries import payload
from tests.support.entries import entry, line
from tests.support.sap_scene import START, Scene, play

pytestmark = pytest.mark.usefixtures("both_versions")

DAY = date(2026, 10, 26)


def document(settlement: str = "90000000011", currency: str = "USD", **change: Any) -> JournalEntry:
    lines = (
        line("product_sales", "401000", credit="309.92"),
        line("referral_fees", "611000", debit="48.38"),
        line("reserve", "114000", debit="175.75"),
        line("payout", "114100", debit="85.79"),
    )
    return replace(entry(settlement, lines=lines, currency=currency, day=DAY), **change)


def typed_lines() -> list[dict[str, object]]:
    """What a person types by hand."""
    return [
        {"AccountCode": "401000", "Credit": Decimal("1.00")},
        {"AccountCode": "114100", "Debit": Decimal("1.00")},
    ]


CLAIM = {"operation": "$batch"}
PLAIN = {"operation": "JournalEntries.POST"}


# --- posting and reading back ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prepare", [True, False])
@pytest.mark.parametrize("currency", ["USD", "EUR", "JPY"])
def test_what_is_posted_is_shown_as_it_was_projected(prepare: bool, currency: str) -> None:
    if currency == "JPY":
        lines = (line("product_sales", "401000", credit="30992"), line("payout", "114100", debit="30992"))
        wanted = document(currency="JPY", lines=lines)
    else:
        wanted = document(currency=currency)

    async def act(scene: Scene) -> tuple[Seen, Receipt, Seen, object]:
        before = await scene.seen(wanted)
        (receipt,) = await scene.post(wanted)
        return before, receipt, await scene.seen(wanted), scene.target.project(wanted, {})

    before, receipt, seen, projected = play(act, prepare=prepare)

    assert isinstance(before, Absent)
    assert isinstance(receipt, Accepted)
    assert seen == Present(receipt.ids, projected)  # type: ignore[arg-type]


def test_preparing_makes_claims_possible_and_is_repeatable() -> None:
    async def act(scene: Scene) -> tuple[str, tuple[str, ...], tuple[str, ...], str]:
        def step() -> str:
            steps = scene.target.steps(document())
            assert not isinstance(steps, Unsupported)
            return steps[0].name

        before = step()
        return before, await scene.target.prepare(), await scene.target.prepare(), step()

    before, first, second, after = play(act, prepare=False)

    assert (before, after) == ("plain", "claim")
    assert "was created" in first[0]
    assert "was created" in first[1]
    assert "is there" in second[0]
    assert "is there" in second[1]


@pytest.mark.parametrize(
    ("switches", "words"),
    [({"user_may_create_tables": False}, "superuser"), ({"new_fields_need_restart": True}, "restart")],
)
def test_where_preparing_does_not_help_posting_goes_on_plainly(switches: dict[str, object], words: str) -> None:
    async def act(scene: Scene) -> tuple[str, Receipt, Seen]:
        said = " ".join(await scene.target.prepare())
        (receipt,) = await scene.post(document())
        return said, receipt, await scene.seen(document())

    said, receipt, seen = play(act, switches=switches, prepare=False)

    assert words in said
    assert isinstance(receipt, Accepted)
    assert isinstance(seen, Present)


def test_many_documents_are_posted_and_looked_for_together() -> None:
    documents = [document(f"9000000{n:04}") for n in range(30)]

    async def act(scene: Scene) -> tuple[list[Receipt], list[Seen], int]:
        receipts = await scene.post(*documents)
        seen = await scene.target.observe([scene.case(each) for each in documents])
        return receipts, [seen[each.key] for each in documents], len(scene.control.entries())

    receipts, seen, entries = play(act)

    assert all(isinstance(receipt, Accepted) for receipt in receipts)
    assert [each.ids for each in seen if isinstance(each, Present)] == [
        r.ids for r in receipts if isinstance(r, Accepted)
    ]
    assert entries == 30


def test_local_cents_that_sap_adds_are_listed_apart() -> None:
    lines = (
        line("product_sales", "401000", credit="0.03"),
        line("referral_fees", "611000", debit="0.01"),
        line("reserve", "114000", debit="0.01"),
        line("payout", "114100", debit="0.01"),
    )
    wanted = document(currency="CAD", lines=lines)

    async def act(scene: Scene) -> tuple[Seen, object]:
        scene.control.set_rate("CAD", DAY.isoformat(), "0.65")
        assert isinstance((await scene.post(wanted))[0], Accepted)
        return await scene.seen(wanted), scene.target.project(wanted, {})

    seen, projected = play(act, switches={"foreign_rounding": "line"})

    assert isinstance(seen, Present)
    assert replace(seen.shown, added=()) == projected
    assert [added.what for added in seen.shown.added] == ["689000"]


@pytest.mark.parametrize("switch", ["enable_branches", "account_segmentation", "company_info_wrapped"])
def test_companies_differ_and_are_posted_to_alike(switch: str) -> None:
    async def act(scene: Scene) -> tuple[Seen, object, str]:
        found = await scene.target.references()
        codes = {account.name: account.code for account in found.accounts}
        lines = (
            line("product_sales", codes["Amazon product sales"], credit="1.00"),
            line("payout", codes["Amazon payouts in transit"], debit="1.00"),
        )
        wanted = document(lines=lines, branch=found.branches[0] if found.branches else "")
        (receipt,) = await scene.post(wanted)
        assert isinstance(receipt, Accepted), receipt
        return await scene.seen(wanted), scene.target.project(wanted, {}), (await scene.target.ping()).name

    seen, projected, name = play(act, switches={switch: True})

    assert isinstance(seen, Present)
    assert seen.shown == projected
    assert name == "Sandbox Trading Inc."


# --- what goes wrong ---------------------------------------------------------------------------------------------------


def test_a_second_claim_is_refused_by_the_server_itself() -> None:
    async def act(scene: Scene) -> tuple[Receipt, Receipt, int]:
        (first,) = await scene.post(document())
        (second,) = await scene.post(document())
        return first, second, len(scene.control.entries())

    first, second, entries = play(act)

    assert isinstance(first, Accepted)
    assert isinstance(second, Refused)
    assert second.code == "duplicate"
    assert entries == 1


@pytest.mark.parametrize("prepare", [True, False])
@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("lost_reply", Present),
        ("error_after_commit", Present),
        ("truncated_body", Present),
        ("reset", Absent),
        ("html_error", Absent),
    ],
)
def test_a_lost_answer_is_unknown_and_the_look_knows(prepare: bool, fault: str, found: type[Seen]) -> None:
    where = CLAIM if prepare else PLAIN

    async def act(scene: Scene) -> tuple[Receipt, Seen]:
        (receipt,) = await scene.post(document())
        return receipt, await scene.seen(document())

    receipt, seen = play(act, faults=[{**where, "fault": fault, "nth": 1}], prepare=prepare)

    assert isinstance(receipt, Unknown)
    assert isinstance(seen, found)


def test_a_server_that_is_too_busy_was_not_sent_anything() -> None:
    async def act(scene: Scene) -> Receipt:
        return (await scene.post(document()))[0]

    assert isinstance(play(act, faults=[{**CLAIM, "fault": "http_429", "nth": 1}]), NotSent)


@pytest.mark.parametrize(
    "switches", [{}, {"expiry_as_5002": True}, {"expiry_body": "v1"}, {"session_timeout_minutes": 5}]
)
def test_an_ended_session_costs_a_write_one_round_and_a_look_nothing(switches: dict[str, object]) -> None:
    async def act(scene: Scene) -> tuple[Receipt, Seen, Receipt, Seen]:
        scene.control.end_sessions()
        (first,) = await scene.post(document())
        scene.control.end_sessions()
        absent = await scene.seen(document())
        (second,) = await scene.post(document())
        scene.clock.advance(7200)
        return first, absent, second, await scene.seen(document())

    first, absent, second, present = play(act, switches=switches)

    assert isinstance(first, NotSent)
    assert isinstance(absent, Absent)
    assert isinstance(second, Accepted)
    assert isinstance(present, Present)


@pytest.mark.parametrize(("code", "words"), [("100000027", "Check"), ("-304", "Check")])
def test_a_changed_password_is_said_and_does_not_lock_the_user(code: str, words: str) -> None:
    async def act(scene: Scene) -> str:
        scene.control.change_password("another one")
        scene.control.end_sessions()
        for _ in range(8):
            with pytest.raises(SignInFailed) as failed:
                await scene.seen(document())
        return str(failed.value)

    said = play(act, switches={"wrong_password_code": code, "lock_after": 3})

    assert words in said
    assert "locked the user" not in said


@pytest.mark.parametrize("prepare", [True, False])
def test_what_the_company_refuses_leaves_nothing_behind(prepare: bool) -> None:
    async def act(scene: Scene) -> tuple[list[Receipt], list[Seen], int]:
        frozen, closed, unknown = (document(f"9000000001{n}") for n in range(3))
        closed = replace(closed, posting_date=date(2026, 9, 15))
        unknown = replace(
            unknown, lines=(line("payout", "999999", debit="1.00"), line("reserve", "114000", credit="1.00"))
        )
        scene.control.set_period("2026-09-15")
        receipts = [*await scene.post(closed), *await scene.post(unknown)]
        scene.control.freeze_account("401000")
        receipts += await scene.post(frozen)
        seen = await scene.target.observe([scene.case(each) for each in (closed, unknown, frozen)])
        scene.control.freeze_account("401000", frozen=False)
        (again,) = await scene.post(frozen)
        assert isinstance(again, Accepted), again
        return receipts, list(seen.values()), len(scene.control.entries())

    receipts, seen, entries = play(act, prepare=prepare)

    assert all(isinstance(receipt, Refused) and receipt.words for receipt in receipts), receipts
    assert all(isinstance(each, Absent) for each in seen)
    assert entries == 1


def test_a_server_that_takes_no_claims_with_documents_refuses_and_claims_can_be_switched_off() -> None:
    async def act(scene: Scene) -> tuple[Receipt, int]:
        (receipt,) = await scene.post(document())
        return receipt, len(scene.control.entries())

    receipt, entries = play(act, switches={"claim_change_set": False})

    assert isinstance(receipt, Refused)
    assert receipt.code != "duplicate"
    assert entries == 0


# --- what people do ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign", ["opposite", "negative"])
@pytest.mark.parametrize(("marking", "copies"), [("memo", True), ("memo", False), ("none", True)])
@pytest.mark.parametrize("dated", ["original", "today"])
def test_a_person_who_reverses_an_entry_ends_it(sign: str, marking: str, copies: bool, dated: str) -> None:
    switches = {
        "storno_sign": sign,
        "storno_marking": marking,
        "storno_copies_fields": copies,
        "storno_date": dated,
    }

    async def act(scene: Scene) -> tuple[Receipt, Seen]:
        (receipt,) = await scene.post(document())
        assert isinstance(receipt, Accepted)
        scene.control.cancel_entry(int(dict(receipt.ids)["JdtNum"]))
        return receipt, await scene.seen(document())

    receipt, seen = play(act, switches=switches)

    assert isinstance(receipt, Accepted)
    assert isinstance(seen, Ended)
    assert seen.ids == receipt.ids


@pytest.mark.parametrize("prepare", [True, False])
def test_an_entry_typed_by_hand_is_a_persons_and_can_be_compared(prepare: bool) -> None:
    wanted = document()

    async def act(scene: Scene) -> tuple[Seen, object]:
        body = payload(wanted, scene.target._company)
        for name in ("Reference3", "U_ML_KEY"):
            body.pop(name, None)
        scene.control.plant_entry(body)
        return await scene.seen(wanted), scene.target.project(wanted, {})

    seen, projected = play(act, prepare=prepare)

    assert isinstance(seen, Present)
    assert not seen.ours
    assert seen.shown == projected


def test_one_cent_changed_in_the_ledger_is_shown() -> None:
    wanted = document()

    async def act(scene: Scene) -> tuple[Seen, object]:
        (receipt,) = await scene.post(wanted)
        assert isinstance(receipt, Accepted)
        scene.control.nudge_line(int(dict(receipt.ids)["JdtNum"]), 1)
        return await scene.seen(wanted), scene.target.project(wanted, {})

    seen, projected = play(act)

    assert isinstance(seen, Present)
    assert seen.shown != projected
    assert Decimal("48.39") in {row.debit for row in seen.shown.lines}


def test_a_copy_of_our_entry_makes_two_of_them() -> None:
    wanted = document()

    async def act(scene: Scene) -> Seen:
        await scene.post(wanted)
        scene.control.plant_entry(payload(wanted, scene.target._company))
        return await scene.seen(wanted)

    assert isinstance(play(act), Many)


def test_an_entry_that_vanished_with_its_claim_left_behind_is_unclear() -> None:
    async def act(scene: Scene) -> Seen:
        (receipt,) = await scene.post(document())
        assert isinstance(receipt, Accepted)
        scene.control.lose_entry(int(dict(receipt.ids)["JdtNum"]), rows_too=False)
        return await scene.seen(document())

    assert isinstance(play(act), Unclear)


def test_a_dropped_key_field_is_unclear_until_it_is_known_and_then_reference_3_decides() -> None:
    async def act(scene: Scene) -> tuple[Seen, Seen]:
        (receipt,) = await scene.post(document())
        assert isinstance(receipt, Accepted)
        scene.control.drop_user_field("OJDT", "ML_KEY")
        before = await scene.seen(document())
        again = await scene.reconnect()
        return before, (await again.observe([scene.case(document())]))[document().key]

    before, after = play(act)

    assert isinstance(before, Unclear)
    assert isinstance(after, Present)
    assert after.ours


def test_what_was_claimed_stays_unclear_when_claims_are_switched_off() -> None:
    wanted = document()

    async def act(scene: Scene) -> Seen:
        scene.target._company = replace(scene.target._company, claims=False)
        trail = (Attempt("claim", START, Outcome.UNKNOWN),)
        return (await scene.target.observe([replace(scene.case(wanted), trail=trail)]))[wanted.key]

    assert isinstance(play(act), Unclear)


@pytest.mark.parametrize("prepare", [True, False])
def test_the_census_finds_every_entry_with_a_key_of_the_account_and_no_other(prepare: bool) -> None:
    other = replace(document("90000000013"), key=document_key("WXYZ", "JE", "90000000013"))
    later = replace(document("90000000018"), posting_date=date(2026, 11, 2))

    async def act(scene: Scene) -> list[Found]:
        await scene.post(document(), other, later)
        scene.control.plant_entry({"Reference": "rent", "JournalEntryLines": typed_lines()})
        found = await scene.target.census("ABCD-", date(2026, 10, 1), date(2026, 10, 31))
        assert not isinstance(found, Unclear)
        return list(found)

    assert [(found.kind, found.wire_key, found.counts) for found in play(act, prepare=prepare)] == [
        (Kind.JOURNAL_ENTRY, document().key, True)
    ]


# --- reference data ----------------------------------------------------------------------------------------------------


def test_the_references_tell_what_a_journal_can_use() -> None:
    async def act(scene: Scene) -> Any:
        scene.control.set_period("2026-09-15", "ltPeriodClosing")
        return await scene.target.references()

    found = play(act, switches={"enable_branches": True})

    accounts = {account.name: account for account in found.accounts}
    assert found.local_currency == "USD"
    assert found.company == "SBO_SANDBOX_US"
    assert found.branches == ("1", "2"), "the closed one is left out"
    assert not accounts["Assets"].postable
    assert accounts["Bank account EUR only"].currency == "EUR"
    assert accounts["Amazon product sales"].profit_and_loss is True
    assert accounts["Amazon reserve"].profit_and_loss is False
    assert accounts["Accounts receivable (control account)"].manual_locked
    assert [account.name for account in found.accounts if account.frozen], "the chart has a frozen one"
    assert {currency.iso: currency.decimals for currency in found.currencies}["JPY"] == 0
    by_key = {period.key: period for period in found.periods}
    assert by_key["2026P10"].first_day == date(2026, 10, 1)
    assert by_key["2026P10"].open
    assert not by_key["2026P09"].open
