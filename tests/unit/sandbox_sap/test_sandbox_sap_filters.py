"""The filter language: what is understood, what it finds, and that a parser does not lose anything on the way."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.sandbox.sap_business_one.errors import ServiceLayerError
from ml_connector.sandbox.sap_business_one.filters import (
    DEPTH_MAX,
    OPERATORS,
    And,
    Call,
    Comparison,
    Expression,
    Not,
    Or,
    iso_date,
    parse,
)
from tests.support.sap_client import Sap

_NAMES = st.sampled_from(["JdtNum", "Memo", "U_ML_KEY", "notes", "order", "eqName"])
_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
_LITERALS = st.one_of(
    st.none(), _TEXTS, st.decimals(-1_000_000, 1_000_000, places=2), st.integers(-(10**9), 10**9).map(Decimal)
)
_COMPARISONS = st.builds(Comparison, _NAMES, st.sampled_from(sorted(OPERATORS)), _LITERALS)
_CALLS = st.builds(Call, st.sampled_from(["startswith", "endswith", "contains"]), _NAMES, _TEXTS)
_TREES = st.recursive(
    st.one_of(_COMPARISONS, _CALLS),
    lambda inner: st.one_of(st.builds(And, inner, inner), st.builds(Or, inner, inner), st.builds(Not, inner)),
    max_leaves=8,
)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _written(tree: Expression) -> str:
    """A tree as a client would write it, every group in parentheses."""
    match tree:
        case Comparison(name, operator, literal):
            shown = "null" if literal is None else _text(literal) if isinstance(literal, str) else f"{literal:f}"
            return f"{name} {operator} {shown}"
        case Call(function, name, text):
            return f"{function}({name},{_text(text)})"
        case Not(operand):
            return f"not ({_written(operand)})"
        case And(left, right):
            return f"({_written(left)}) and ({_written(right)})"
        case Or(left, right):
            return f"({_written(left)}) or ({_written(right)})"


@given(_TREES)
def test_what_is_written_is_read_again(tree: Expression) -> None:
    assert parse(_written(tree)) == tree


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_400(text: str) -> None:
    assert _outcome(text) in (200, 400)


def _outcome(text: str) -> int:
    try:
        parse(text)
    except ServiceLayerError as refusal:
        return refusal.status
    return 200


def test_and_binds_closer_than_or_and_not_closer_than_both() -> None:
    a, b, c = Comparison("a", "eq", "1"), Comparison("b", "eq", "2"), Comparison("c", "eq", "3")

    assert parse("a eq '1' or b eq '2' and c eq '3'") == Or(a, And(b, c))
    assert parse("not a eq '1' and b eq '2'") == And(Not(a), b)


def test_a_literal_may_stand_first_and_substringof_is_contains() -> None:
    assert parse("5 lt JdtNum") == Comparison("JdtNum", "gt", Decimal(5))
    assert parse("substringof('x', Memo)") == Call("contains", "Memo", "x")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Memo",
        "Memo eq",
        "Memo equals 'x'",
        "Memo eq 'x",
        "(Memo eq 'x'",
        "Memo eq 'x')",
        "Memo in ('x')",
        "Memo eq 'x' and",
        "contains(Memo,5)",
        "length(Memo) gt 5",
        "JdtNum add 1 eq 5",
        "ReferenceDate ge 2026-11-20",
        "JournalEntryLines/any(l: l/Debit gt 5)",
        "(" * (DEPTH_MAX + 1) + "Memo eq 'x'" + ")" * (DEPTH_MAX + 1),
        "Memo eq '" + "x" * 20_000 + "'",
    ],
)
def test_what_the_language_does_not_have_is_refused(text: str) -> None:
    with pytest.raises(ServiceLayerError) as refused:
        parse(text)
    assert refused.value.code == "201"


@pytest.mark.parametrize(
    "text",
    ["2026-11-20", "20261120", "2026-11-20T12:21:21", "20261120000000", "2026-11-20T00:00:00Z", "2026-11-20 23:59"],
)
def test_every_documented_date_is_understood_and_its_time_ignored(text: str) -> None:
    assert iso_date(text) == "2026-11-20"


@pytest.mark.parametrize("text", ["2026-1-2", "2026-02-30", "20-11-2026", "2026-1120", "today", ""])
def test_anything_else_is_not_a_date(text: str) -> None:
    assert iso_date(text) is None


# --- against the ledger ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sap() -> Sap:
    """Three entries: of 18, 19 and 20 November, references R1 to R3, the last without a memo."""
    sap = Sap()
    for number, (day, memo) in enumerate([("18", "Fees A"), ("19", "fees 'b'"), ("20", None)], start=1):
        assert sap.post_entry(ReferenceDate=f"2026-11-{day}", Memo=memo, Reference=f"R{number}").status == 201
    return sap


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("JdtNum gt 98001", [98002, 98003]),
        ("JdtNum eq '98002'", [98002]),
        ("Reference eq 'R1' or Reference eq 'R3'", [98001, 98003]),
        ("not (Reference eq 'R1')", [98002, 98003]),
        ("ReferenceDate ge '2026-11-19'", [98002, 98003]),
        ("ReferenceDate eq datetime'2026-11-19T23:00:00'", [98002]),
        ("ReferenceDate ge '20261119' and ReferenceDate lt '2026-11-20'", [98002]),
        ("Memo eq null", [98003]),
        ("Memo ne null", [98001, 98002]),
        ("Memo ne 'Fees A'", [98002]),
        ("Memo eq 'fees ''b'''", [98002]),
        ("startswith(Memo,'Fees')", [98001]),
        ("endswith(Memo,'''b''')", [98002]),
        ("endswith(Memo,'')", [98001, 98002]),
        ("contains(Memo,'ees')", [98001, 98002]),
        ("substringof('A',Memo)", [98001]),
        ("AutoVAT eq 'tNO'", [98001, 98002, 98003]),
        ("AutoVAT eq 'Y'", []),
        ("OriginalJournal eq '30' and Number ge 4022", [98002, 98003]),
        ("Reference eq 'r1'", []),
    ],
)
def test_a_filter_finds_what_it_says(sap: Sap, text: str, found: list[int]) -> None:
    said = sap.get("JournalEntries", filter=text, select="JdtNum")

    assert [row["JdtNum"] for row in said.json["value"]] == found
    assert sap.get("JournalEntries/$count", filter=text).text == str(len(found))


@pytest.mark.parametrize(
    "text",
    [
        "NoSuch eq 1",
        "U_ML_KEY eq 'x'",
        "JournalEntryLines eq 'x'",
        "memo eq 'x'",
        "JdtNum eq 1.5",
        "JdtNum eq 'many'",
        "Memo eq 5",
        "Memo gt null",
        "AutoVAT eq 'perhaps'",
        "ReferenceDate ge 'soon'",
        "contains(JdtNum,'9')",
    ],
)
def test_a_filter_that_does_not_fit_the_entity_is_refused(sap: Sap, text: str) -> None:
    assert sap.get("JournalEntries", filter=text).error == (400, "201")


def test_text_may_compare_without_case(sap: Sap) -> None:
    said = sap.get("JournalEntries", headers={"B1S-CaseInsensitive": "true"}, filter="Reference eq 'r1'")

    assert len(said.json["value"]) == 1


def test_amounts_compare_exactly() -> None:
    sap = Sap()
    sap.post_entry()

    assert sap.get("ChartOfAccounts/$count", filter="Balance eq 310.5").text == "1"
    assert sap.get("ChartOfAccounts/$count", filter="Balance gt 310.500001").text == "0"
