"""Laws of every settlement journal, for any rows, settings and calendars (ACCOUNTING 1, 4, 5)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from ml_connector.accounting.journal_lines import CATEGORY_ORDER
from ml_connector.accounting.proof import prove
from ml_connector.accounting.settlement_journal import SettlementPlan, plan_settlement
from ml_connector.domain.documents import JournalEntry
from ml_connector.domain.mapping import AccountingPolicy, ClosedPeriod, Presentation
from ml_connector.domain.settlements import Granularity
from ml_connector.domain.stored_documents import from_stored, store_form
from tests.support.groups import Row, chart, month, policy, references, settlement
from tests.support.proofs import evidence

START = date(2026, 9, 20)
END = datetime(2026, 11, 10, 12, tzinfo=UTC)
ROW_CATEGORIES = [c for c in CATEGORY_ORDER if c not in {"payout", "carry_forward", "suspense"}]

ROWS = st.lists(
    st.builds(
        Row,
        category=st.sampled_from(ROW_CATEGORIES),
        amount=st.integers(-2_000_000, 2_000_000).map(lambda cents: str(Decimal(cents) / 100)),
        day=st.integers(0, 51).map(lambda days: START + timedelta(days=days)),
        store=st.sampled_from(["", "Amazon.com", "amazon.com", "Non-Amazon US"]),
        order=st.sampled_from(["", "113-1000001-0000001", "113-1000002-0000002"]),
        channel=st.sampled_from(["AFN", "MFN", ""]),
    ),
    max_size=25,
)
POLICIES = st.builds(
    policy,
    closed_period=st.just(ClosedPeriod.NEXT_OPEN_DAY),
    granularity=st.sampled_from(Granularity),
    presentation=st.sampled_from(Presentation),
    period_split=st.booleans(),
)
CLOSED = st.sets(st.sampled_from([9, 10, 11]))


def plan_of(rows: list[Row], books: AccountingPolicy, closed: Iterable[int]) -> SettlementPlan:
    periods = [month(2026, number, is_open=number not in set(closed)) for number in range(9, 13)]
    groups = settlement(rows, end=END, books=books, periods=periods)
    plan = plan_settlement(groups, policy=books, mapping=chart(), references=references(periods), prefix="AAAA")
    assert plan.findings == ()
    return plan


def net_per_account(entries: tuple[JournalEntry, ...]) -> dict[tuple[str, str], Decimal]:
    sums: dict[tuple[str, str], Decimal] = {}
    for entry in entries:
        for line in entry.lines:
            if line.posts:
                key = (entry.period, line.account)
                sums[key] = sums.get(key, Decimal(0)) + line.credit - line.debit
    return {key: amount for key, amount in sums.items() if amount}


@given(rows=ROWS, books=POLICIES, closed=CLOSED)
@settings(max_examples=120)
def test_every_plan_balances_sums_to_the_total_and_carries_forward_to_zero(
    rows: list[Row], books: AccountingPolicy, closed: set[int]
) -> None:
    plan = plan_of(rows, books, closed)
    total = sum((Decimal(row.amount) for row in rows), Decimal(0))

    carried = from_rows = last = Decimal(0)
    for entry in plan.entries:
        assert entry.imbalance() == 0
        for line in entry.lines:
            amount = line.credit - line.debit
            if line.category == "carry_forward":
                carried += amount
            elif line.rows:
                from_rows += amount
            else:
                last += amount
    assert carried == 0
    assert from_rows == total
    assert last == -total


@given(rows=ROWS, closed=CLOSED, split=st.booleans())
@settings(max_examples=60)
def test_granularity_and_presentation_change_lines_and_nothing_else(
    rows: list[Row], closed: set[int], *, split: bool
) -> None:
    plans = [
        plan_of(
            rows,
            policy(
                closed_period=ClosedPeriod.NEXT_OPEN_DAY,
                granularity=granularity,
                presentation=presentation,
                period_split=split,
            ),
            closed,
        )
        for granularity in Granularity
        for presentation in Presentation
    ]

    assert len({tuple(sorted(net_per_account(plan.entries).items())) for plan in plans}) == 1
    assert len({tuple((entry.key, entry.posting_date) for entry in plan.entries) for plan in plans}) == 1


@given(rows=ROWS, books=POLICIES, closed=CLOSED)
@settings(max_examples=60)
def test_what_is_planned_and_held_alike_is_proved_and_every_row_is_in_one_line(
    rows: list[Row], books: AccountingPolicy, closed: set[int]
) -> None:
    periods = [month(2026, number, is_open=number not in closed) for number in range(9, 13)]
    groups = settlement(rows, end=END, books=books, periods=periods)
    plan = plan_of(rows, books, closed)

    proof = prove(
        groups,
        recorded_sha256=groups.sha256,
        evidence=[evidence(entry, plan.lineage, groups.sha256) for entry in plan.entries],
    )
    assert [check.words for check in proof.checks if check.ok is False] == []


@given(rows=ROWS, books=POLICIES, data=st.data())
@settings(max_examples=60)
def test_one_cent_in_any_planned_line_is_never_proved(
    rows: list[Row], books: AccountingPolicy, data: st.DataObject
) -> None:
    groups = settlement(rows, end=END, books=books, periods=[month(2026, n) for n in range(9, 13)])
    plan = plan_of(rows, books, ())
    documents = [evidence(entry, plan.lineage, groups.sha256) for entry in plan.entries]
    lines = [(d, n) for d, each in enumerate(documents) for n in range(len(each.entry.lines))]
    if not lines:
        return
    at, number = data.draw(st.sampled_from(lines))
    entry = documents[at].entry
    line = entry.lines[number]
    changed = replace(line, credit=line.credit + Decimal("0.01"))
    documents[at] = replace(
        documents[at], entry=replace(entry, lines=(*entry.lines[:number], changed, *entry.lines[number + 1 :]))
    )

    assert not prove(groups, recorded_sha256=groups.sha256, evidence=documents).proved


@given(rows=ROWS, books=POLICIES)
@settings(max_examples=40)
def test_an_entry_survives_its_stored_form(rows: list[Row], books: AccountingPolicy) -> None:
    for entry in plan_of(rows, books, ()).entries:
        stored = store_form(entry)
        assert store_form(from_stored(stored.schema, stored.canonical)) == stored


@given(rows=ROWS, books=POLICIES)
@settings(max_examples=40)
def test_the_order_of_the_groups_does_not_matter(rows: list[Row], books: AccountingPolicy) -> None:
    periods = [month(2026, number) for number in range(9, 13)]
    groups = settlement(rows, end=END, books=books, periods=periods)
    backwards = replace(groups, groups=groups.groups[::-1])

    forwards, reversed_order = (
        plan_settlement(each, policy=books, mapping=chart(), references=references(periods), prefix="AAAA")
        for each in (groups, backwards)
    )

    assert forwards.entries == reversed_order.entries
