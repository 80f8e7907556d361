"""The certificate: everything agrees, or one cent anywhere makes it fail (ACCOUNTING 8)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from ml_connector.accounting.lineage import Lineage
from ml_connector.accounting.proof import Evidence, Proof, prove
from ml_connector.accounting.settlement_journal import plan_settlement
from ml_connector.domain.documents import JournalEntry
from ml_connector.domain.errors import Finding
from ml_connector.domain.mapping import Presentation
from ml_connector.domain.settlements import SettlementGroups
from ml_connector.domain.target import Absent, Ended, Many, Partial, Present, Seen, Shown, ShownLine, Unclear, Working
from tests.support.groups import Row, account_of, chart, policy, references, settlement
from tests.support.proofs import evidence, shown

CENT = Decimal("0.01")
OCTOBER, NOVEMBER = date(2026, 10, 30), date(2026, 11, 2)
ROWS = (
    Row("product_sales", "100.00", OCTOBER),
    Row("product_sales", "-4.00", OCTOBER),
    Row("referral_fees", "-15.00", OCTOBER),
    Row("facilitator_tax_wash", "8.00", OCTOBER),
    Row("facilitator_tax_wash", "-8.00", OCTOBER),
    Row("product_sales", "50.00", NOVEMBER),
    Row("reserve", "5.00", NOVEMBER, store=""),
    Row("reserve", "-20.00", NOVEMBER, store=""),
)


def planned(presentation: Presentation = Presentation.NET) -> tuple[SettlementGroups, list[Evidence]]:
    """A settlement across two periods, posted exactly as planned."""
    books = policy(presentation=presentation)
    groups = settlement(ROWS, end=datetime(2026, 11, 3, tzinfo=UTC), books=books)
    plan = plan_settlement(groups, policy=books, mapping=chart(), references=references(), prefix="AAAA")
    return groups, [evidence(entry, plan.lineage, groups.sha256) for entry in plan.entries]


def certificate(groups: SettlementGroups, documents: list[Evidence], *chain: Finding) -> Proof:
    return prove(groups, recorded_sha256=groups.sha256, evidence=documents, chain_findings=chain)


def failed(proof: Proof) -> set[int]:
    return {check.number for check in proof.checks if check.ok is False}


@pytest.mark.parametrize("presentation", list(Presentation))
def test_what_was_posted_as_planned_is_proved(presentation: Presentation) -> None:
    proof = certificate(*planned(presentation))

    assert proof.proved
    assert [check.number for check in proof.checks] == [1, 2, 3, 4, 5, 6, 7]
    assert [check.ok for check in proof.checks] == [True] * 6 + [None]
    assert [document.posting_date for document in proof.documents] == ["2026-10-31", "2026-11-03"]


def test_the_certificate_is_plain_json_data() -> None:
    data = certificate(*planned()).to_data()

    assert json.loads(json.dumps(data)) == data
    assert data["proved"] is True
    assert data["total"] == "116.00"
    assert data["documents"][1]["ids"] == {"JdtNum": "1"}


def test_other_bytes_fail() -> None:
    groups, documents = planned()

    assert failed(prove(groups, recorded_sha256="0" * 64, evidence=documents)) == {1}


@pytest.mark.parametrize("document", [0, 1])
@pytest.mark.parametrize("line", [0, 1, 2])
def test_a_cent_in_any_line_of_the_erp_fails(document: int, line: int) -> None:
    groups, documents = planned()
    truth = shown(documents[document].entry)
    lines = list(truth.lines)
    side = "debit" if lines[line].debit else "credit"
    lines[line] = replace(lines[line], **{side: getattr(lines[line], side) + CENT})
    documents[document] = replace(documents[document], seen=Present((), replace(truth, lines=tuple(lines))))

    assert failed(certificate(groups, documents)) == {5}


@pytest.mark.parametrize("document", [0, 1])
def test_a_cent_moved_within_a_planned_entry_fails_even_when_the_erp_agrees(document: int) -> None:
    groups, documents = planned()
    for index in range(len(documents[document].entry.lines)):
        for other in range(len(documents[document].entry.lines)):
            entry = moved(documents[document].entry, index, other)
            if entry is None:
                continue
            changed = list(documents)
            changed[document] = replace(documents[document], entry=entry, seen=Present((), shown(entry)))

            assert failed(certificate(groups, changed)) >= {4}, (index, other)


def moved(entry: JournalEntry, line: int, other: int) -> JournalEntry | None:
    """One cent taken from a line and given to another on the same side: the entry still balances."""
    a, b = entry.lines[line], entry.lines[other]
    if line == other or not a.posts or bool(a.debit) != bool(b.debit) or not b.posts:
        return None
    side = "debit" if a.debit else "credit"
    lines = list(entry.lines)
    lines[line] = replace(a, **{side: getattr(a, side) - CENT})
    lines[other] = replace(b, **{side: getattr(b, side) + CENT})
    return replace(entry, lines=tuple(lines))


def test_a_cent_added_to_both_sides_of_the_plan_fails() -> None:
    groups, documents = planned(Presentation.GROSS)
    entry = documents[0].entry
    lines = list(entry.lines)
    credit = next(i for i, line in enumerate(lines) if line.credit)
    debit = next(i for i, line in enumerate(lines) if line.debit and line.category == "product_sales")
    lines[credit] = replace(lines[credit], credit=lines[credit].credit + CENT)
    lines[debit] = replace(lines[debit], debit=lines[debit].debit + CENT)
    changed = replace(entry, lines=tuple(lines))
    documents[0] = replace(documents[0], entry=changed, seen=Present((), shown(changed)))

    assert failed(certificate(groups, documents)) == {4}


def test_a_cent_in_the_file_fails() -> None:
    groups, documents = planned()
    first = groups.groups[0]
    altered = replace(groups, groups=(replace(first, positive=first.positive + CENT), *groups.groups[1:]))

    assert failed(certificate(altered, documents)) == {2, 4}


def test_a_summary_of_amazon_that_agrees_is_said_and_one_that_differs_blocks() -> None:
    groups, documents = planned()

    def with_opinion(total: Decimal | None) -> Proof:
        return prove(groups, recorded_sha256=groups.sha256, evidence=documents, amazon_total=total)

    agrees, differs, silent = (with_opinion(total) for total in (groups.head.total, groups.head.total + CENT, None))
    assert [(proof.proved, proof.checks[6].ok) for proof in (agrees, differs, silent)] == [
        (True, True),
        (False, False),
        (True, None),
    ]
    assert differs.checks[6].words == "Amazon's summary says 116.01 USD, the file 116.00 USD"


Change = Callable[[Shown], Shown]
CHANGES: dict[str, Change] = {
    "posting date": lambda s: replace(s, posting_date=date(2026, 10, 30)),
    "document date": lambda s: replace(s, document_date=date(2026, 10, 30)),
    "currency": lambda s: replace(s, currency="EUR"),
    "total": lambda s: replace(s, total=s.total + CENT),
    "a line less": lambda s: replace(s, lines=s.lines[1:]),
    "a line more": lambda s: replace(s, lines=(*s.lines, ShownLine("9", Decimal(0), Decimal(0), ""))),
    "another account": lambda s: replace(s, lines=(replace(s.lines[0], what="9"), *s.lines[1:])),
    "another label": lambda s: replace(s, lines=(replace(s.lines[0], label="coupons Amazon.com"), *s.lines[1:])),
    "no label": lambda s: replace(s, lines=(replace(s.lines[0], label=""), *s.lines[1:])),
}


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_differs_in_the_erp_fails(what: str) -> None:
    groups, documents = planned()
    documents[0] = replace(documents[0], seen=Present((), CHANGES[what](shown(documents[0].entry))))

    assert failed(certificate(groups, documents)) == {5}


def test_lines_in_another_order_are_the_same_document() -> None:
    groups, documents = planned()
    truth = shown(documents[1].entry)
    documents[1] = replace(documents[1], seen=Present((), replace(truth, lines=truth.lines[::-1])))

    assert certificate(groups, documents).proved


def test_lines_that_the_erp_added_by_rule_are_listed_and_do_not_fail() -> None:
    groups, documents = planned()
    rounding = ShownLine("9", CENT, Decimal(0))
    documents[0] = replace(documents[0], seen=Present((), replace(shown(documents[0].entry), added=(rounding,))))

    proof = certificate(groups, documents)
    assert proof.proved
    assert proof.documents[0].added == (("9", CENT, Decimal(0)),)


@pytest.mark.parametrize(
    ("seen", "entered"),
    [
        (None, False),
        (Absent("JournalEntries"), False),
        (Partial((("BatchNbr", "7"),), "release"), True),
        (Working((("BatchNbr", "7"),), "waits for posting", by_person=True), True),
        (Ended((("JdtNum", "1"),), "cancelled"), False),
        (Many((Partial((("JdtNum", "1"),), "add"), Partial((("JdtNum", "2"),), "add"))), False),
        (Unclear("no right"), False),
    ],
)
def test_what_is_not_in_the_ledger_is_not_proved(seen: Seen | None, entered: bool) -> None:
    groups, documents = planned()
    documents[0] = replace(documents[0], seen=seen)

    proof = certificate(groups, documents)
    assert failed(proof) == {5}
    assert proof.entered is entered


def test_a_document_found_without_our_key_counts_only_where_the_link_adopted_it() -> None:
    groups, documents = planned()
    truth = shown(documents[0].entry)
    by_hand = replace(truth, lines=tuple(replace(line, label="") for line in truth.lines))
    foreign = replace(documents[0], seen=Present((), by_hand, ours=False))

    assert failed(certificate(groups, [foreign, documents[1]])) == {5}
    assert certificate(groups, [replace(foreign, adopted=True), documents[1]]).proved


def test_a_line_that_lost_its_rows_fails() -> None:
    groups, documents = planned()
    documents[0] = replace(documents[0], lineage={**documents[0].lineage, 1: Lineage()})

    assert failed(certificate(groups, documents)) >= {3}


def test_rows_in_two_lines_fail() -> None:
    groups, documents = planned()
    doubled = Lineage((*documents[0].lineage[1].parts, *documents[0].lineage[2].parts))
    documents[0] = replace(documents[0], lineage={**documents[0].lineage, 1: doubled})

    assert 3 in failed(certificate(groups, documents))


def test_a_missing_document_fails() -> None:
    groups, documents = planned()

    assert failed(certificate(groups, documents[1:])) == {3, 4}
    assert failed(certificate(groups, documents[:1])) == {3, 4}


def test_a_broken_chain_fails_and_a_note_does_not() -> None:
    groups, documents = planned()

    assert failed(certificate(groups, documents, Finding("reserve_chain_break", "b", holds=False))) == {6}
    assert certificate(groups, documents, Finding("failed_payout", "note", holds=False)).proved


def test_a_plan_of_zero_lines_only_is_proved_without_a_document() -> None:
    groups = settlement([Row("storage_fees", "-44.13", OCTOBER), Row("storage_fees", "44.13", OCTOBER)])
    plan = plan_settlement(groups, policy=policy(), mapping=chart(), references=references(), prefix="AAAA")

    proof = certificate(groups, [evidence(entry, plan.lineage, groups.sha256) for entry in plan.entries])
    assert proof.proved
    assert proof.documents[0].posts is False


def test_a_pair_of_lines_that_no_row_stands_behind_fails() -> None:
    groups, documents = planned()
    entry = documents[1].entry
    payout = entry.lines[-1]
    extra = (
        replace(payout, debit=Decimal(1), text="payout Amazon.com | tip"),
        replace(payout, debit=Decimal(0), credit=Decimal(1), category="suspense", account=account_of("suspense")),
    )
    changed = replace(entry, lines=(*entry.lines, *extra))
    documents[1] = replace(documents[1], entry=changed, seen=Present((), shown(changed)))

    assert failed(certificate(groups, documents)) == {4}
