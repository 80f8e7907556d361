"""What was read and decided: records, settlements, claims, plans, proofs, watermarks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from ml_connector.domain.settlements import SettlementFacts
from ml_connector.store import claims, plans, proofs, records, settlements, watermarks
from ml_connector.store.plans import PlanState
from ml_connector.store.records import Reading, Sighting
from tests.support.databases import in_transaction

T = TypeVar("T")
START = datetime(2026, 10, 1, tzinfo=UTC)


def given(where: str | Path, fn: Callable[[Connection], T]) -> T:
    return in_transaction(where, fn)


# --- records ------------------------------------------------------------------------------------------------------------


def test_a_record_is_new_once_and_changed_when_its_content_is(where: str | Path) -> None:
    def look(conn: Connection) -> list[dict[str, Sighting]]:
        return [
            records.see(conn, "amazon", "order", readings)
            for readings in (
                [Reading("1", "aa"), Reading("2", "bb")],
                [Reading("2", "bb"), Reading("3", "cc")],
                [Reading("1", "ab", "raw-1")],
            )
        ]

    assert given(where, look) == [
        {"1": Sighting.NEW, "2": Sighting.NEW},
        {"2": Sighting.SAME, "3": Sighting.NEW},
        {"1": Sighting.CHANGED},
    ]
    changed = given(where, lambda conn: records.get(conn, "amazon", "order", "1"))
    assert changed is not None
    assert (changed.sha256, changed.raw_sha256) == ("ab", "raw-1")


def test_a_thing_read_twice_in_one_page_is_one_record_with_the_later_content(where: str | Path) -> None:
    def look(conn: Connection) -> dict[str, Sighting]:
        return records.see(conn, "amazon", "order", [Reading("1", "aa"), Reading("1", "ab")])

    assert given(where, look) == {"1": Sighting.NEW}
    assert [each.sha256 for each in given(where, lambda conn: records.find(conn, kind="order"))] == ["ab"]


def test_a_record_that_is_the_same_keeps_its_state_and_a_changed_one_starts_again(where: str | Path) -> None:
    def look(conn: Connection) -> list[str]:
        records.see(conn, "amazon", "order", [Reading("1", "aa"), Reading("2", "bb")])
        for natural_id in ("1", "2"):
            records.set_state(conn, "amazon", "order", natural_id, "held", "Its parts do not add up.")
        records.see(conn, "amazon", "order", [Reading("1", "aa"), Reading("2", "bc")])
        return [f"{each.natural_id} {each.state} {each.reason}".strip() for each in records.find(conn)]

    assert given(where, look) == ["1 held Its parts do not add up.", "2 new"]


def test_a_page_of_thousands_is_one_call(where: str | Path) -> None:
    page = [Reading(f"{n:05}", "aa") for n in range(2000)]

    def look(conn: Connection) -> int:
        records.see(conn, "amazon", "order", page)
        again = records.see(conn, "amazon", "order", page)
        return sum(what is Sighting.SAME for what in again.values())

    assert given(where, look) == 2000


# --- settlements --------------------------------------------------------------------------------------------------------


def facts(settlement_id: str = "111", start: datetime = START) -> SettlementFacts:
    return SettlementFacts(
        settlement_id=settlement_id,
        currency="USD",
        main_store="Amazon.com",
        start=start,
        end=start + timedelta(days=14),
        total=Decimal("85.79"),
        previous_reserve=Decimal("0"),
        current_reserve=Decimal("-12.3456"),
        payable=Decimal("-1.5"),
        charged=Decimal("0"),
        failed_payouts=(Decimal("3"), Decimal("4.01")),
    )


def test_a_settlement_comes_back_to_the_cent(where: str | Path) -> None:
    given(where, lambda conn: settlements.put(conn, "ABCD", "us", "sha", facts(), state="planned"))

    row = given(where, lambda conn: settlements.get(conn, "ABCD", "111"))

    assert row is not None
    assert row.facts == facts()
    assert (row.total, row.currency, row.starts_at, row.main_store) == (Decimal("85.79"), "USD", START, "Amazon.com")


def test_a_settlement_is_one_row_however_often_it_is_read(where: str | Path) -> None:
    def twice(conn: Connection) -> list[tuple[str, str, str]]:
        settlements.put(conn, "ABCD", "us", "first", facts(), state="held", reason="Unknown triple.")
        settlements.put(conn, "ABCD", "us", "second", facts(), state="planned")
        return [(row.sha256, row.state, row.reason) for row in settlements.find(conn, link="us")]

    assert given(where, twice) == [("second", "planned", "")]


def test_settlements_are_found_in_their_order_by_account_and_state(where: str | Path) -> None:
    def find(conn: Connection) -> list[str]:
        settlements.put(conn, "ABCD", "us", "x", facts("222", START + timedelta(days=14)), state="planned")
        settlements.put(conn, "ABCD", "us", "x", facts("111"), state="planned")
        settlements.put(conn, "ABCD", "us", "x", facts("333"), state="planned")
        settlements.put(conn, "WXYZ", "uk", "x", facts("111"), state="planned")
        settlements.set_state(conn, "ABCD", "333", "held", "A reason.")
        return [row.settlement_id for row in settlements.find(conn, account="ABCD", state="planned")]

    assert given(where, find) == ["111", "222"]


# --- claims, plans, proofs, watermarks ----------------------------------------------------------------------------------


def test_the_first_claim_on_an_order_stands(where: str | Path) -> None:
    def claim(conn: Connection) -> list[tuple[str, str]]:
        claims.claim(conn, "ABCD", ["o-1", "o-2"], policy="settlement_summary", link="us", settlement_id="111")
        others = claims.claim(conn, "ABCD", ["o-2", "o-3"], policy="order_invoice", link="us", settlement_id="222")
        return [(each.order_id, each.settlement_id) for each in others]

    assert given(where, claim) == [("o-2", "111")]


def test_claiming_again_under_the_same_policy_is_no_conflict(where: str | Path) -> None:
    def claim(conn: Connection) -> tuple[list[claims.OrderClaim], list[str]]:
        claims.claim(conn, "ABCD", ["o-1"], policy="settlement_summary", link="us", settlement_id="111")
        again = claims.claim(conn, "ABCD", ["o-1"], policy="settlement_summary", link="us", settlement_id="222")
        elsewhere = claims.claim(conn, "WXYZ", ["o-1"], policy="order_invoice", link="uk", settlement_id="333")
        return again + elsewhere, [each.settlement_id for each in claims.of(conn, "ABCD", ["o-1"])]

    assert given(where, claim) == ([], ["111"])


def test_a_plan_is_decided_once(where: str | Path) -> None:
    def decide(conn: Connection) -> tuple[list[bool], str, int]:
        for _ in range(2):
            plans.add(conn, "p-1", link="us", flow="settlements", sha256="aa", inputs={"mapping": 3}, content={})
        decided = [plans.decide(conn, "p-1", state, "ann") for state in (PlanState.APPLIED, PlanState.REJECTED)]
        plan = plans.get(conn, "p-1")
        assert plan is not None
        return decided, f"{plan.state} by {plan.decided_by}", len(plans.find(conn, link="us"))

    assert given(where, decide) == ([True, False], "applied by ann", 1)


def test_the_latest_proof_of_a_settlement_is_found_and_older_ones_stay(where: str | Path) -> None:
    def prove(conn: Connection) -> tuple[list[bool], bool, bool]:
        proofs.add(conn, "ABCD", "111", proved=False, content={"total": "85.79"}, audit_head="1:aa")
        proofs.add(conn, "ABCD", "111", proved=True, content={"total": "85.79"}, audit_head="2:bb")
        latest = proofs.latest(conn, "ABCD", "111")
        assert latest is not None
        return (
            [each.proved for each in proofs.of(conn, "ABCD", "111")],
            latest.proved,
            proofs.latest(conn, "ABCD", "222") is None,
        )

    assert given(where, prove) == ([True, False], True, True)


def test_a_watermark_is_what_was_last_put(where: str | Path) -> None:
    def put(conn: Connection) -> tuple[str | None, str | None]:
        before = watermarks.get(conn, "amazon", "orders")
        watermarks.put(conn, "amazon", "orders", "2026-10-01")
        watermarks.put(conn, "amazon", "orders", "2026-10-02")
        return before, watermarks.get(conn, "amazon", "orders")

    assert given(where, put) == (None, "2026-10-02")
