"""What a plan was made from: hashed, compared in words, kept and read back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from ml_connector.accounting.lineage import Lineage, Part, Sign
from ml_connector.domain.catalog import FiscalPeriod, References
from ml_connector.domain.documents import State
from ml_connector.domain.errors import Finding
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.mapping import (
    AccountingPolicy,
    AccountRule,
    ClosedPeriod,
    Mapping,
    Placement,
    Policy,
    StoreSettings,
)
from ml_connector.domain.settlements import RowRanges
from ml_connector.flows import basis, states
from tests.support.entries import entry

OCTOBER = FiscalPeriod("2026-10", 2026, 10, date(2026, 10, 1), date(2026, 10, 31), open=True)
POLICY = AccountingPolicy(
    Policy.SETTLEMENT_SUMMARY, ClosedPeriod.HOLD, {"Amazon.com": StoreSettings(zone="America/Los_Angeles")}
)
MAPPING = Mapping(1, (AccountRule(Placement("401000"), category="product_sales"),))
ERP = References("SBO", "USD", (), (OCTOBER,), ())
BASIS = basis.Basis(
    sha256="ab" * 32,
    main_store="Amazon.com",
    zone="America/Los_Angeles",
    mapping_version=1,
    vocabulary_version=1,
    accounting_version=1,
    policy=POLICY,
    periods=(OCTOBER,),
    lineage="cd" * 32,
    unposted=basis.kept([entry("90000000011")]),
)


def inputs(**changed: object) -> dict[str, object]:
    given = {"settlements": {"1": "aa"}, "restatements": {}, "policy": POLICY, "mapping": MAPPING, "references": ERP}
    return basis.inputs(**{**given, **changed})  # type: ignore[arg-type]


def test_a_basis_is_read_back_as_it_was_kept() -> None:
    assert basis.from_data(BASIS.to_data()) == BASIS
    assert BASIS.entries_unposted() == (entry("90000000011"),)


def test_a_restatement_keeps_the_choices_of_the_first_plan() -> None:
    second = basis.restated(BASIS, sha256="ef" * 32, lineage="01" * 32, unposted=(), newer_mapping_version=3)
    assert second == replace(BASIS, sha256="ef" * 32, lineage="01" * 32, unposted=(), newer_mapping_version=3)


def test_the_same_inputs_have_the_same_hash_in_any_order() -> None:
    one = basis.sha256_of(inputs(settlements={"1": "aa", "2": "bb"}))
    assert one == basis.sha256_of(inputs(settlements={"2": "bb", "1": "aa"}))
    assert one != basis.sha256_of(inputs())


def test_what_changed_is_said_in_words() -> None:
    closed = replace(OCTOBER, open=False)
    assert basis.changed(inputs(), inputs()) == []
    assert basis.changed(inputs(), inputs(settlements={"1": "ab"})) == ["a settlement file"]
    assert basis.changed(inputs(), inputs(references=replace(ERP, periods=(closed,)))) == [
        "the ERP's accounts, periods or currencies"
    ]
    assert basis.changed(inputs(), inputs(mapping=Mapping(2, ()), policy=replace(POLICY, suspense=True))) == [
        "the mapping",
        "the link's settings",
    ]


def test_lineage_is_read_back_as_it_was_archived() -> None:
    part = Part("ab" * 32, RowRanges.of([3, 4, 9]), Sign.ALL)
    lineage = {
        (DocumentKey("ABCD-JE-1-2026P10"), 1): Lineage((part,)),
        (DocumentKey("ABCD-JE-1-2026P10"), 2): Lineage(),
    }
    assert basis.unpack_lineage(basis.pack_lineage(lineage)) == lineage


def test_findings_that_hold_come_as_sentences_and_the_rest_is_counted() -> None:
    holding = [Finding("closed_period", f"Sentence {n}.", line=n) for n in range(7)]
    said = states.words([Finding("note", "Does not hold.", holds=False), *holding])
    assert said.startswith("closed_period: Sentence 0. (line 0) | ")
    assert said.endswith("| and 2 more") and "Does not hold" not in said


def test_only_what_nobody_decided_is_planned_anew() -> None:
    class Row:
        def __init__(self, state: State, *, tried: bool = False) -> None:
            self.state, self.tried = state, tried

    undecided = [Row(State.PLANNED), Row(State.HELD)]
    assert not states.decided(undecided)  # type: ignore[arg-type]
    for row in (Row(State.APPROVED), Row(State.POSTED), Row(State.DROPPED), Row(State.HELD, tried=True)):
        assert states.decided([*undecided, row])  # type: ignore[list-item]
