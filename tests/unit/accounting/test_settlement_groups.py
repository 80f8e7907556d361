"""From rows to groups: categories, tax per event, dates, main store, lineage (ACCOUNTING 2, 3, 5)."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.accounting.settlement_groups import group_settlement, main_store_of
from ml_connector.amazon.marketplaces import zone_of
from ml_connector.amazon.settlement_bytes import Limits
from ml_connector.amazon.settlement_file import SettlementFile
from ml_connector.domain.settlement_rows import RefusedSettlement
from ml_connector.domain.settlements import Granularity, RowRanges, TaxTreatment
from tests.support.groupings import by_category, grouped, grouping
from tests.support.settlement_files import Cells, account_row, line, row, settlement

A, B, C = "113-1000001-0000001", "113-1000002-0000002", "113-1000003-0000003"


def tax(amount: str, order: str = A, kind: str = "Order", description: str = "Tax", **more: str) -> Cells:
    return row(amount, kind, "ItemPrice", description, order_id=order, **more)


def discount(amount: str, order: str = A, **more: str) -> Cells:
    return row(amount, "Order", "Promotion", "TaxDiscount", order_id=order, **more)


def withheld(amount: str, order: str = A, kind: str = "Order", part: str = "Principal", **more: str) -> Cells:
    return row(amount, kind, "ItemWithheldTax", f"MarketplaceFacilitatorTax-{part}", order_id=order, **more)


def sale(amount: str, order: str = A, **more: str) -> Cells:
    return row(amount, order_id=order, **more)


class TestSums:
    def test_rows_of_one_kind_are_one_group_with_their_lines_and_hash(self) -> None:
        rows = [
            sale("10.00"),
            row("-1.00", what="ItemFees", description="Commission"),
            sale("2.50", B),
            sale("1.00", C),
        ]

        found = grouped(settlement(rows))

        sales = next(group for group in found.groups if group.category == "product_sales")
        assert (sales.positive, sales.negative, sales.rows.count) == (Decimal("13.50"), Decimal(0), 3)
        assert list(sales.rows) == [(3, 3), (5, 6)]
        assert sales.rows == RowRanges.of([3, 5, 6])
        text = "".join(line(cells) + "\n" for cells in (rows[0], rows[2], rows[3]))
        assert sales.rows_sha256 == hashlib.sha256(text.encode()).hexdigest()
        assert found.foots
        assert found.rows == 4

    def test_both_signs_are_kept_apart(self) -> None:
        reserve = [account_row("20.00", "Previous Reserve Amount Balance"), account_row("-5.00", "Adjustment")]

        found = grouped(settlement([*reserve, account_row("7.00", "Adjustment")]))

        adjustments = next(group for group in found.groups if group.category == "adjustments")
        assert (adjustments.positive, adjustments.negative) == (Decimal(7), Decimal(-5))
        assert adjustments.amount == 2

    def test_spellings_are_kept_and_two_spellings_are_two_groups(self) -> None:
        found = grouped(
            settlement([account_row("-1.00", "Subscription Fee"), account_row("-1.00", "subscription fee")])
        )

        assert [group.key.triple.amount_description for group in found.groups] == [
            "Subscription Fee",
            "subscription fee",
        ]
        assert {group.category for group in found.groups} == {"subscription"}

    def test_two_equal_rows_are_two_amounts(self) -> None:
        assert by_category(grouped(settlement([sale("10.00"), sale("10.00")]))) == {"product_sales": Decimal(20)}

    def test_a_sum_that_is_not_the_total_is_said_and_does_not_foot(self) -> None:
        found = grouped(settlement([sale("10.00")], "10.01"))

        assert not found.foots
        assert [(finding.code, finding.line) for finding in found.findings] == [("sum_not_total", 2)]

    def test_a_refused_file_still_says_what_is_known(self) -> None:
        found = group_settlement(SettlementFile.of(settlement([sale("x"), sale("1.00")], "1.00")), grouping())

        assert isinstance(found, RefusedSettlement)
        assert found.encoding == "utf-8"
        assert found.head is not None
        assert found.rows == 2
        assert [finding.code for finding in found.findings] == ["bad_amount"]

    def test_too_many_groups_refuse_the_file(self) -> None:
        rows = [account_row("1.00", f"Fee {number}") for number in range(6)]

        found = group_settlement(SettlementFile.of(settlement(rows)), grouping(groups_max=5))

        assert isinstance(found, RefusedSettlement)
        assert [finding.code for finding in found.findings] == ["too_many_groups"]


class TestGranularity:
    ROWS = (
        sale("1.00", A),
        sale("2.00", B, posted_date_time="2026-10-14 23:00:00 UTC"),
        sale("4.00", A, posted_date_time="2026-10-14 10:00:00 UTC"),
    )

    @pytest.mark.parametrize(
        ("granularity", "expected"),
        [
            (Granularity.SETTLEMENT, {"": 7}),
            (Granularity.DAY, {"2026-10-13": 1, "2026-10-14": 6}),
            (Granularity.ORDER, {A: 5, B: 2}),
        ],
    )
    def test_detail_is_what_one_line_sums(self, granularity: Granularity, expected: dict[str, int]) -> None:
        found = grouped(settlement(self.ROWS), granularity=granularity)

        assert {group.key.detail: group.amount for group in found.groups} == expected

    def test_item_groups_and_channels_tell_groups_apart(self) -> None:
        rows = [sale("1.00"), sale("2.00", sku="LAMP"), sale("4.00", fulfillment_id="MFN")]

        found = grouped(settlement(rows), item_groups={"CHAIR-BLK-01": "chairs"})

        keys = {(group.key.item_group, group.key.channel): group.amount for group in found.groups}
        assert keys == {("chairs", "AFN"): 1, ("", "AFN"): 2, ("chairs", "MFN"): 4}


class TestDates:
    EVENING = sale("1.00", posted_date_time="2026-10-01 03:00:00 UTC")

    def buckets(self, zone: str, *rows: Cells) -> set[object]:
        content = settlement(rows, settlement_start_date="2026-09-20 00:00:00 UTC")
        return {group.key.bucket for group in grouped(content, zone_of=lambda _: zone).groups}

    def test_the_accounting_date_is_taken_in_the_zone(self) -> None:
        assert self.buckets("UTC", self.EVENING) == {"2026-10"}
        assert self.buckets("America/Los_Angeles", self.EVENING) == {"2026-09"}

    def test_half_hour_zones_change_day_within_an_hour(self) -> None:
        before = sale("1.00", posted_date_time="2026-09-30 18:29:59 UTC")
        after = sale("1.00", posted_date_time="2026-09-30 18:30:00 UTC")

        assert self.buckets("Asia/Kolkata", before) == {"2026-09"}
        assert self.buckets("Asia/Kolkata", after) == {"2026-10"}
        assert self.buckets("Asia/Kolkata", before, after, before) == {"2026-09", "2026-10"}

    def test_a_day_without_time_is_a_local_date(self) -> None:
        assert self.buckets("America/Los_Angeles", sale("1.00", posted_date="2026-10-01", posted_date_time="")) == {
            "2026-10"
        }

    def test_the_zone_is_the_main_stores_even_where_the_file_begins_with_another(self) -> None:
        first = [sale("1.00", f"113-{n:07d}-0000001", marketplace_name="Amazon.ca") for n in range(3)]
        then = [sale("1.00", f"114-{n:07d}-0000001", posted_date_time="2026-10-01 05:00:00 UTC") for n in range(9)]
        content = settlement([*first, *then], settlement_start_date="2026-09-20 00:00:00 UTC")
        zones = {"Amazon.com": "America/Los_Angeles", "Amazon.ca": "America/Toronto", None: "UTC"}

        found = grouped(content, chunk_bytes=400, zone_of=zones.__getitem__)

        assert found.zone == "America/Los_Angeles"
        assert found.main_store == "Amazon.com"
        [group] = (group for group in found.groups if group.key.store == "Amazon.com")
        assert group.key.bucket == "2026-09"

    def test_several_days_may_belong_to_one_bucket(self) -> None:
        rows = [sale("1.00"), sale("2.00", posted_date_time="2026-10-14 10:00:00 UTC")]

        [group] = grouped(settlement(rows), bucket_of=lambda _: ("2026P10", 3)).groups

        assert group.key.bucket == ("2026P10", 3)


class TestMainStore:
    def test_the_most_frequent_folded_name_in_its_most_frequent_spelling(self) -> None:
        assert main_store_of({"amazon.de": 2, "Amazon.de": 3, "Amazon.fr": 4}) == "Amazon.de"

    def test_multi_channel_rows_are_no_store(self) -> None:
        assert main_store_of({"Non-Amazon US": 9, "Amazon.com": 1}) == "Amazon.com"

    @pytest.mark.parametrize("stores", [{}, {"Non-Amazon US": 5}, {"Amazon.de": 2, "Amazon.fr": 2}])
    def test_a_tie_or_none_is_undecided(self, stores: dict[str, int]) -> None:
        assert main_store_of(stores) is None

    def test_blank_rows_stay_blank_and_do_not_count(self) -> None:
        found = grouped(settlement([account_row("-1.00"), account_row("-1.00"), sale("5.00")]))

        assert found.main_store == "Amazon.com"
        assert found.stores == {"Amazon.com": 1}
        assert {group.key.store for group in found.groups} == {"", "Amazon.com"}

    def test_the_caller_may_decide(self) -> None:
        found = grouped(settlement([account_row("-1.00")]), main_store="Amazon.de", zone_of=zone_of)

        assert found.main_store == "Amazon.de"
        assert found.zone == "Europe/Berlin"


class TestTax:
    def treatments(self, *rows: Cells, **more: Any) -> dict[TaxTreatment | None, Decimal]:
        found = grouped(settlement(rows), **more)
        sums: dict[TaxTreatment | None, Decimal] = {}
        for group in found.groups:
            sums[group.key.tax] = sums.get(group.key.tax, Decimal(0)) + group.amount
        return sums

    def test_an_event_with_a_withheld_row_washes_out(self) -> None:
        found = grouped(settlement([sale("30.00"), tax("2.40"), withheld("-2.40")]))

        assert by_category(found) == {"product_sales": Decimal(30), "facilitator_tax_wash": Decimal(0)}
        assert found.findings == ()

    def test_an_event_without_one_is_the_sellers(self) -> None:
        found = grouped(settlement([tax("2.40"), tax("0.80", description="ShippingTax"), discount("-0.80")]))

        assert by_category(found) == {"sales_tax_payable": Decimal("2.40")}

    def test_a_withheld_row_of_zero_does_not_make_it_facilitated(self) -> None:
        assert self.treatments(tax("2.40"), withheld("0.00")) == {TaxTreatment.COLLECTED: Decimal("2.40")}

    def test_each_event_is_decided_for_itself(self) -> None:
        rows = (tax("2.40"), withheld("-2.40"), tax("1.00", B), tax("3.00", C), withheld("-3.00", C))

        assert self.treatments(*rows) == {TaxTreatment.FACILITATED: Decimal(0), TaxTreatment.COLLECTED: Decimal(1)}

    def test_two_items_of_one_order_are_two_events(self) -> None:
        rows = (tax("2.40"), withheld("-2.40"), tax("1.00", order_item_code="90000000000002"))

        assert self.treatments(*rows) == {TaxTreatment.FACILITATED: Decimal(0), TaxTreatment.COLLECTED: Decimal(1)}

    def test_rows_of_an_event_need_not_stand_together(self) -> None:
        rows = (tax("2.40"), tax("1.00", B), sale("9.00", C), withheld("-2.40"), tax("0.50", B))

        assert self.treatments(*rows) == {
            TaxTreatment.FACILITATED: Decimal(0),
            TaxTreatment.COLLECTED: Decimal("1.50"),
            None: Decimal(9),
        }

    def test_a_rest_that_does_not_wash_out_is_a_finding(self) -> None:
        found = grouped(settlement([sale("9.00", B), tax("2.40"), withheld("-2.39")]))

        assert [(f.code, f.line, f.holds) for f in found.findings] == [("tax_wash_broken", 4, True)]
        assert "0.01 USD" in found.findings[0].message

    def test_a_rest_that_comes_later_closes_it(self) -> None:
        assert grouped(settlement([tax("2.40"), withheld("-2.39"), sale("9.00", B), withheld("-0.01")])).findings == ()

    def test_a_tax_discount_is_never_a_promotion(self) -> None:
        rows = [
            tax("2.40"),
            discount("-0.40"),
            withheld("-2.00"),
            row("-1.00", what="Promotion", description="Shipping"),
        ]

        found = grouped(settlement(rows))

        assert by_category(found) == {"facilitator_tax_wash": Decimal(0), "promotions": Decimal(-1)}
        assert found.findings == ()

    def test_a_retrocharge_nets_to_zero(self) -> None:
        rows = [tax("3.10", kind="Order_Retrocharge"), withheld("-3.10", kind="Order_Retrocharge")]

        assert by_category(grouped(settlement(rows))) == {"facilitator_tax_wash": Decimal(0)}

    def test_a_refund_without_a_withheld_row_follows_its_order(self) -> None:
        order = (tax("2.40"), withheld("-2.40"))
        refund = tax("-2.40", kind="Refund", adjustment_id="amzn1:crow:1")

        found = grouped(settlement([*order, refund]))

        assert by_category(found) == {"facilitator_tax_wash": Decimal("-2.40")}
        assert [(f.code, f.line) for f in found.findings] == [("withheld_tax_missing", 5)]

    def test_a_refund_of_an_order_that_the_seller_taxed_is_the_sellers(self) -> None:
        rows = (tax("2.40"), tax("-2.40", kind="Refund"), tax("1.00", B), withheld("-1.00", B))

        assert self.treatments(*rows) == {TaxTreatment.COLLECTED: Decimal(0), TaxTreatment.FACILITATED: Decimal(0)}

    def test_a_refund_follows_an_order_known_from_elsewhere(self) -> None:
        known = {A: TaxTreatment.FACILITATED, B: TaxTreatment.COLLECTED}
        rows = (tax("-2.40", kind="Refund"), tax("-1.00", B, kind="Refund"), tax("-0.50", C, kind="Refund"))

        assert self.treatments(*rows, known_order=known.get) == {
            TaxTreatment.FACILITATED: Decimal("-2.40"),
            TaxTreatment.COLLECTED: Decimal("-1.50"),
        }

    def test_in_a_store_that_is_always_facilitated_a_missing_withheld_row_is_the_finding(self) -> None:
        rows = [tax("2.40"), tax("1.00", B, marketplace_name="Amazon.ca"), sale("1.00", C)]

        found = grouped(settlement(rows), always_facilitated=lambda store: store == "Amazon.com")

        assert by_category(found) == {
            "facilitator_tax_wash": Decimal("2.40"),
            "sales_tax_payable": Decimal(1),
            "product_sales": Decimal(1),
        }
        assert [(f.code, f.line) for f in found.findings] == [("withheld_tax_missing", 3)]

    def test_blank_rows_are_of_the_main_store_in_that_too(self) -> None:
        rows = [tax("2.40", marketplace_name=""), sale("1.00", B)]

        found = grouped(settlement(rows), always_facilitated=lambda store: store == "Amazon.com")

        assert by_category(found)["facilitator_tax_wash"] == Decimal("2.40")

    def test_tax_collected_in_india_is_the_sellers_beside_tcs(self) -> None:
        rows = [tax("18.00"), row("-1.00", what="ItemWithheldTax", description="TCS-IGST")]

        assert by_category(grouped(settlement(rows))) == {"sales_tax_payable": Decimal(18), "gst_tcs": Decimal(-1)}

    @pytest.mark.parametrize("chunk_bytes", [50, 200, 450, 1000])
    def test_where_a_block_ends_decides_nothing(self, chunk_bytes: int) -> None:
        rows = [tax("2.40"), withheld("-2.40"), tax("1.00", B), tax("-2.40", kind="Refund"), withheld("-2.39", C)]

        small, whole = grouped(settlement(rows), chunk_bytes), grouped(settlement(rows))

        assert small.groups == whole.groups
        assert small.findings == whole.findings


class TestCategories:
    def test_vat_on_fees_follows_the_fee_where_it_is_not_deductible(self) -> None:
        rows = [
            account_row("-6.31", "Base fee", transaction_type="FBAFees", amount_type="FBA Inventory Storage Fee"),
            account_row("-0.82", "Tax on fee", transaction_type="FBAFees", amount_type="FBA Inventory Storage Fee"),
            sale("10.00", marketplace_name="Amazon.ca"),
        ]

        deductible = grouped(settlement(rows))
        not_there = grouped(settlement(rows), vat_on_fees_deductible=lambda store: store != "Amazon.ca")

        assert by_category(deductible)["vat_on_fees"] == Decimal("-0.82")
        assert by_category(not_there)["storage_fees"] == Decimal("-7.13")

    def test_an_unknown_triple_names_lines_amount_and_nearest_rules(self) -> None:
        rows = [sale("10.00"), *(row("-0.37", what="ItemFees", description="SomeFutureFee") for _ in range(7))]

        found = grouped(settlement(rows))

        [finding] = found.findings
        assert (finding.code, finding.line, finding.holds) == ("unknown_triple", 4, True)
        assert "line 4, 5, 6, 7, 8 ..." in finding.message
        assert "-2.59 USD" in finding.message
        assert "Order | ItemFees | SalesTaxServiceFee -> other_selling_fees" in finding.message
        assert by_category(found)[None] == Decimal("-2.59")

    def test_unknown_spellings_in_two_channels_are_one_finding(self) -> None:
        rows = [
            row("-1.00", what="ItemFees", description="NewFee"),
            row("-2.00", what="ItemFees", description="NewFee", fulfillment_id="MFN"),
        ]

        [finding] = grouped(settlement(rows)).findings

        assert "2 row(s) on line 3, 4, -3.00 USD" in finding.message


def test_limits_of_the_file_refuse_it_here_too() -> None:
    found = group_settlement(SettlementFile.of(settlement([sale("1.00")]), Limits(bytes_max=10)), grouping())

    assert isinstance(found, RefusedSettlement)
    assert found.head is None
    assert [finding.code for finding in found.findings] == ["file_too_large"]
