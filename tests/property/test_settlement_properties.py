"""What must hold for every settlement file, however its rows stand and wherever blocks end."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ml_connector.accounting.row_proof import RowProof, recompute_rows
from ml_connector.accounting.row_sums import RowSums
from ml_connector.amazon.settlement_amounts import Style, ticks_of
from ml_connector.amazon.settlement_bytes import Limits
from ml_connector.amazon.settlement_file import SettlementFile
from ml_connector.domain.settlements import Granularity, RowRanges, SettlementGroups, TaxTreatment
from tests.support.groupings import grouped
from tests.support.settlement_files import Cells, account_row, row, settlement

ORDERS = [f"113-1000001-000000{n}" for n in range(4)]
AMOUNTS = st.integers(-300, 300).map(lambda cents: f"{Decimal(cents) / 100:.2f}")
KINDS = st.sampled_from(
    [
        ("ItemPrice", "Principal"),
        ("ItemPrice", "Tax"),
        ("ItemPrice", "ShippingTax"),
        ("Promotion", "TaxDiscount"),
        ("ItemWithheldTax", "MarketplaceFacilitatorTax-Principal"),
        ("ItemFees", "Commission"),
        ("ItemFees", "NobodyKnowsFee"),
    ]
)


@st.composite
def detail_rows(draw: st.DrawFn) -> Cells:
    if draw(st.integers(0, 9)) == 0:
        return account_row(draw(AMOUNTS))
    what, description = draw(KINDS)
    return row(
        draw(AMOUNTS),
        draw(st.sampled_from(["Order", "Order", "Refund"])),
        what,
        description,
        order_id=draw(st.sampled_from(ORDERS)),
        order_item_code=draw(st.sampled_from(["1", "2"])),
        marketplace_name=draw(st.sampled_from(["Amazon.com", "Amazon.com", "Amazon.ca", ""])),
        posted_date_time=draw(st.sampled_from(["2026-10-13 04:11:09 UTC", "2026-09-30 23:59:59 UTC"])),
    )


FILES = st.lists(detail_rows(), max_size=25)
GRANULARITIES = st.sampled_from(Granularity)


def essence(groups: SettlementGroups) -> Counter[object]:
    """What may not depend on the order of rows: everything but which lines they are."""
    return Counter((g.key, g.category, g.positive, g.negative, g.rows.count) for g in groups.groups)


def spoken(groups: SettlementGroups) -> Counter[tuple[str, bool]]:
    return Counter((finding.code, finding.holds) for finding in groups.findings)


@given(rows=FILES, chunk_bytes=st.integers(1, 3000), granularity=GRANULARITIES)
def test_where_blocks_end_changes_nothing(rows: list[Cells], chunk_bytes: int, granularity: Granularity) -> None:
    content = settlement(rows)

    small = grouped(content, chunk_bytes, granularity=granularity)
    whole = grouped(content, granularity=granularity)

    assert small.groups == whole.groups
    assert small.findings == whole.findings


@given(rows=FILES, data=st.data(), granularity=GRANULARITIES)
def test_the_order_of_rows_changes_nothing_but_lines(
    rows: list[Cells], data: st.DataObject, granularity: Granularity
) -> None:
    shuffled = data.draw(st.permutations(rows))

    one, other = (grouped(settlement(r), granularity=granularity) for r in (rows, shuffled))

    assert essence(one) == essence(other)
    assert spoken(one) == spoken(other)
    assert one.main_store == other.main_store


@given(rows=FILES)
def test_tax_is_decided_as_the_plain_rule_says(rows: list[Cells]) -> None:
    found = grouped(settlement(rows))

    expected: Counter[TaxTreatment] = Counter()
    for cells in rows:
        if (treatment := plain_treatment(cells, rows)) is not None:
            expected[treatment] += 1
    counted: Counter[TaxTreatment] = Counter()
    for group in found.groups:
        if group.key.tax is not None:
            counted[group.key.tax] += group.rows.count
    assert counted == expected


def plain_treatment(cells: Cells, rows: list[Cells]) -> TaxTreatment | None:
    """ACCOUNTING 2, word by word, at the price of looking at every row for every row."""
    if "Tax" not in cells["amount-description"]:
        return None
    event = [other for other in rows if event_of(other) == event_of(cells)]
    if any(is_withheld(other) for other in event):
        return TaxTreatment.FACILITATED
    if cells["transaction-type"] != "Refund":
        return TaxTreatment.COLLECTED
    order = [
        other
        for other in rows
        if other["order-id"] == cells["order-id"]
        and other["transaction-type"] == "Order"
        and "Tax" in other["amount-description"]
    ]
    item = [other for other in order if other["order-item-code"] == cells["order-item-code"]]
    return TaxTreatment.FACILITATED if any(map(is_withheld, item or order)) else TaxTreatment.COLLECTED


def event_of(cells: Cells) -> tuple[str, str, str]:
    return cells["transaction-type"], cells["order-id"], cells["order-item-code"]


def is_withheld(cells: Cells) -> bool:
    return cells["amount-type"] == "ItemWithheldTax" and Decimal(cells["amount"]) != 0


@given(rows=FILES, granularity=GRANULARITIES)
def test_every_row_is_in_one_group_and_the_groups_sum_to_the_total(rows: list[Cells], granularity: Granularity) -> None:
    content = settlement(rows)

    found = grouped(content, granularity=granularity)

    assert found.foots
    assert sum((group.amount for group in found.groups), Decimal(0)) == found.head.total
    proof = recompute_rows(SettlementFile.of(content), [group.rows for group in found.groups])
    assert isinstance(proof, RowProof)
    assert (proof.left_out, proof.twice) == (None, None)
    assert [f.rows_sha256 for f in proof.found] == [group.rows_sha256 for group in found.groups]


@given(rows=st.lists(detail_rows(), min_size=1, max_size=25), data=st.data())
def test_one_cent_anywhere_is_seen(rows: list[Cells], data: st.DataObject) -> None:
    total = str(sum((Decimal(cells["amount"]) for cells in rows), Decimal(0)))
    place = data.draw(st.integers(0, len(rows) - 1))
    cent = data.draw(st.sampled_from(["0.01", "-0.01"]))
    changed = {**rows[place], "amount": str(Decimal(rows[place]["amount"]) + Decimal(cent))}

    found = grouped(settlement([*rows[:place], changed, *rows[place + 1 :]], total))

    assert not found.foots
    assert "sum_not_total" in {finding.code for finding in found.findings}


@given(cents=st.integers(-(10**12), 10**12))
def test_both_decimal_signs_mean_the_same(cents: int) -> None:
    point = f"{Decimal(cents) / 100:.2f}"
    grouping_comma = f"{Decimal(cents) / 100:,.2f}".translate(str.maketrans(",.", ".,"))

    assert ticks_of(point.encode(), Style.POINT) == cents * 100
    assert ticks_of(point.replace(".", ",").encode(), Style.COMMA) == cents * 100
    assert ticks_of(grouping_comma.encode(), Style.COMMA) == cents * 100


@given(content=st.binary(max_size=400), chunk_bytes=st.integers(1, 50))
def test_no_bytes_raise(content: bytes, chunk_bytes: int) -> None:
    file = SettlementFile.of(content, Limits(chunk_bytes=chunk_bytes))

    assert file.head is None
    assert file.findings


@given(data=st.data(), chunk_bytes=st.integers(1, 2000))
def test_no_damage_to_a_good_file_raises(data: st.DataObject, chunk_bytes: int) -> None:
    content = bytearray(settlement([row("10.00"), account_row("-1.00")]))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    file = SettlementFile.of(bytes(content), Limits(chunk_bytes=chunk_bytes))

    if file.head is not None:
        reading = file.read(lambda moment: moment)
        for block in reading.blocks():
            assert len(block.lines) == len(block.ticks) == len(block.when)
        assert reading.complete or reading.refused


@given(lines=st.sets(st.integers(3, 400)), cuts=st.sets(st.integers(3, 400)))
def test_row_ranges_do_not_depend_on_how_rows_arrive(lines: set[int], cuts: set[int]) -> None:
    sums = RowSums()
    edges = [3, *sorted(cuts), 401]
    for first, end in pairwise(edges):
        places = [number - first for number in sorted(lines) if first <= number < end]
        if places:
            sums.add(first, places, [b"x"] * (end - first), [1] * (end - first))

    assert sums.rows() == RowRanges.of(sorted(lines))
    assert sums.count == sums.rows().count == len(lines)
