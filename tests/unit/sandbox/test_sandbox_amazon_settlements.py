"""The close engine: whatever it closes must hold together as real settlements do, and break only where it is told to."""

import gzip
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from ml_connector.sandbox.amazon.marketplaces import STORES
from ml_connector.sandbox.ledger import Ledger
from tests.support.sandbox_amazon import DOCUMENTS, START, File, Seller, amount, cut

PREVIOUS, CURRENT = "Previous Reserve Amount Balance", "Current Reserve Amount"


def chain(store: str, **amazon: object) -> list[File]:
    encoding = "cp932" if store == "JP" else "utf-8"
    return Seller({"stores": [store], **amazon}).files(encoding)


@pytest.fixture(scope="module")
def default_world() -> list[File]:
    return Seller().files()


def instant(text: str) -> datetime:
    day, time, _ = text.split(" ")
    pattern = {"-": "%Y-%m-%d", ".": "%d.%m.%Y", "/": "%Y/%m/%d"}[next(char for char in day if not char.isdigit())]
    return datetime.strptime(f"{day} {time} +0000", f"{pattern} %H:%M:%S %z")


def test_the_default_world_has_three_dollar_and_three_euro_settlements(default_world: list[File]) -> None:
    assert sorted(file.summary["currency"] for file in default_world) == ["EUR"] * 3 + ["USD"] * 3
    assert len({file.summary["settlement-id"] for file in default_world}) == 6
    assert all(50 < len(file.details) < 500 for file in default_world)
    assert all(file.total > 0 for file in default_world)


@pytest.mark.parametrize("day", range(0, 62, 7))
def test_whenever_the_world_begins_a_month_ends_inside_a_settlement_and_nothing_is_older_than_62_days(day: int) -> None:
    start = START + timedelta(days=day)
    crossing = []
    for file in Seller(start=start).files():
        days = [instant(row["posted-date-time"]) for row in file.details]
        assert start - timedelta(days=62) < min(days)
        assert instant(file.summary["settlement-end-date"]) < start - timedelta(days=1)
        in_period = {when.month for when in days if when >= instant(file.summary["settlement-start-date"])}
        crossing.append(len(in_period) == 2)
    assert any(crossing)


@pytest.mark.parametrize("store", list(STORES))
def test_the_rows_sum_to_the_total_in_every_store(store: str) -> None:
    files = chain(store)
    assert len(files) == 3
    for file in files:
        assert file.sum == file.total
        assert len(file.header) == 24
        assert {row["marketplace-name"] for row in file.details} == {STORES[store].name, ""}


@pytest.mark.parametrize("store", list(STORES))
def test_a_reserve_comes_in_where_it_went_out(store: str) -> None:
    files = chain(store, settlements=5)
    assert files[0].with_description(PREVIOUS) == []
    for before, after in pairwise(files):
        assert after.with_description(PREVIOUS) == [-held_back for held_back in before.with_description(CURRENT)]
        assert before.summary["settlement-end-date"] == after.summary["settlement-start-date"]
    assert any(file.with_description(CURRENT) for file in files)


def test_deferred_orders_come_late_with_their_old_date_and_nothing_comes_after_the_end(
    default_world: list[File],
) -> None:
    for file in default_world:
        start = instant(file.summary["settlement-start-date"])
        end = instant(file.summary["settlement-end-date"])
        posted = [instant(row["posted-date-time"]) for row in file.details]
        assert any(when < start for when in posted)
        assert max(posted) <= end


def test_no_order_row_is_in_two_settlements(default_world: list[File]) -> None:
    seen: dict[tuple[str, ...], str] = {}
    for file in default_world:
        for row in file.details:
            if row["transaction-type"] == "Order":
                key = (row["order-id"], row["order-item-code"], row["amount-type"], row["amount-description"])
                assert seen.setdefault(key, row["settlement-id"]) == row["settlement-id"]


def tax_by_event(files: list[File]) -> dict[tuple[str, ...], tuple[Decimal, Decimal]]:
    """Per event: the tax in the buyer's price and the tax that Amazon keeps."""
    events: dict[tuple[str, ...], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for file in files:
        for row in file.details:
            key = (row["transaction-type"], row["order-id"], row["order-item-code"], row["adjustment-id"])
            if row["amount-type"] == "ItemPrice" and row["amount-description"].endswith("Tax"):
                events[key][0] += amount(row["amount"])
            if row["amount-type"] == "ItemWithheldTax":
                events[key][1] += amount(row["amount"])
    return {key: (taxed, withheld) for key, (taxed, withheld) in events.items()}


@pytest.mark.parametrize("store", list(STORES))
def test_tax_that_amazon_keeps_is_kept_whole_and_the_rest_is_the_sellers(store: str) -> None:
    events = tax_by_event(chain(store, orders_per_day=6))
    facilitated = [taxed for taxed, withheld in events.values() if withheld]
    collected = [taxed for taxed, withheld in events.values() if not withheld and taxed]
    assert all(taxed + withheld == 0 for taxed, withheld in events.values() if withheld)
    assert bool(facilitated) == (store in ("US", "CA", "UK", "FR"))
    assert bool(collected) == (store in ("CA", "UK", "DE", "FR"))


def test_a_refund_mirrors_its_order_except_for_the_fee_for_refunding() -> None:
    files = chain("US", refund_rate=1.0)
    refunds = [row for file in files for row in file.details if row["transaction-type"] == "Refund"]
    assert refunds
    for row in refunds:
        negative = row["amount-type"] == "ItemPrice" or row["amount-description"] == "RefundCommission"
        assert (amount(row["amount"]) < 0) == negative


def test_the_same_fee_comes_in_the_old_layout_and_in_the_new_one(default_world: list[File]) -> None:
    triples = set().union(*(file.triples for file in default_world))
    assert ("other-transaction", "other-transaction", "Storage Fee") in triples
    assert ("FBAFees", "FBA Inventory Storage Fee", "Base fee") in triples
    assert ("FBAFees", "FBA Inventory Storage Fee", "Tax on fee") in triples
    assert {kind for kind, _, _ in triples} >= {"Order", "Refund", "ServiceFee", "AmazonFees", "CouponRedemptionFee"}


def test_a_debt_is_shown_and_charged_in_the_file_after_it() -> None:
    before, negative, after = chain("UK")
    assert before.total > 0
    assert negative.total == Decimal("-34.49")
    assert negative.with_description(CURRENT) == []
    assert after.with_description("Payable to Amazon") == [Decimal("-34.49")]
    assert after.with_description("Successful charge") == [Decimal("34.49")]


def test_a_debt_may_skip_a_file_where_the_switch_says_so() -> None:
    files = chain("UK", settlements=4, switches={"debt_skips_a_settlement": True})
    assert [file.with_description("Payable to Amazon") for file in files] == [[], [], [], [Decimal("-34.49")]]


def test_a_payout_that_failed_comes_back_in_the_file_after_it() -> None:
    first, second, _ = chain("US", failed_payout=["US:1"])
    came_back = [
        row for row in second.details if row["amount-description"].startswith("Transfer of funds unsuccessful:")
    ]
    assert [amount(row["amount"]) for row in came_back] == [first.total]


def test_each_store_writes_dates_and_numbers_in_its_own_way() -> None:
    last = {store: chain(store)[-1].summary for store in STORES}
    said = {store: (summary["settlement-end-date"], summary["total-amount"]) for store, summary in last.items()}
    assert said["US"][0] == "2026-11-19 17:45:00 UTC"
    assert said["UK"][0] == "19.11.2026 20:31:07 UTC"
    assert said["DE"][0] == "19.11.2026 21:13:05 UTC"
    assert said["JP"][0] == "2026/11/18 08:03:13 UTC"
    assert ["," in said[store][1] for store in ("US", "CA", "UK", "DE", "FR", "JP")] == [False] * 3 + [True] * 2 + [
        False
    ]
    assert said["JP"][1].isdigit()


def test_a_japanese_file_is_written_in_cp932_and_a_german_one_in_utf_8() -> None:
    japanese = Seller({"stores": ["JP"]})
    content = japanese.content(japanese.listed()[0]["reportDocumentId"])
    assert "スツール-45" in content.decode("cp932")
    with pytest.raises(UnicodeDecodeError):
        content.decode("utf-8")
    assert any("Ü" in row["sku"] for file in chain("DE") for row in file.details)


def test_the_same_seed_gives_the_same_world_and_another_seed_another() -> None:
    assert Seller(seed=7).files() == Seller(seed=7).files()
    assert Seller(seed=7).credentials == Seller(seed=7).credentials
    assert Seller(seed=7).files() != Seller(seed=8).files()


def test_amounts_do_not_depend_on_the_day_on_which_the_world_begins() -> None:
    def amounts(start: datetime) -> list[list[str]]:
        return [[row["amount"] for row in file.details] for file in Seller({"stores": ["US"]}, start=start).files()]

    assert amounts(START) == amounts(datetime(2027, 3, 2, 4, 0, tzinfo=UTC))


def test_time_goes_on_and_the_next_settlement_closes() -> None:
    seller = Seller({"stores": ["US"]})
    before = seller.files()
    seller.clock.advance(15 * 86_400)
    seller.sign_in()
    after = seller.files()
    assert after[:3] == before
    assert len(after) == 4
    assert after[3].sum == after[3].total
    assert after[3].summary["settlement-start-date"] == before[2].summary["settlement-end-date"]


def test_a_world_goes_on_from_its_file(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "state")
    first = Seller(state=ledger, seed=5)
    reports, files = first.listed(), first.files()
    ledger.close()

    reopened = Ledger(tmp_path / "state")
    again = Seller(state=reopened, start=START + timedelta(hours=3))
    assert again.listed() == reports
    assert again.files() == files
    assert again.credentials == first.credentials
    reopened.close()


def test_what_stands_in_the_ledger_is_what_the_file_says() -> None:
    seller = Seller({"stores": ["US"], "settlements": 1})
    (before,) = seller.files()
    book = seller.world.book("amazon")
    book.execute("UPDATE {rows} SET amount = '0.01' WHERE position = 1")
    (after,) = seller.files()
    assert after.details[0]["amount"] == "0.01"
    assert after.details[1:] == before.details[1:]
    assert after.sum != after.total


def test_daily_settlements_are_short_and_still_add_up() -> None:
    files = chain("US", period_days=1, settlements=9, orders_per_day=0)
    assert len(files) == 9
    assert all(file.sum == file.total and len(file.details) < 12 for file in files)


# Marks of a scenario: what each does to the second US settlement.


def marked(mark: str, **amazon: object) -> tuple[list[File], list[File]]:
    plain = chain("US", **amazon)
    return plain, chain("US", **{mark: ["US:2"]}, **amazon)


def test_an_unknown_triple_is_in_the_file_and_in_its_total() -> None:
    plain, spoiled = marked("unknown_triple")
    assert spoiled[1].triples - plain[1].triples == {("AmazonFees", "Garden Showcase Programme Fee", "Base fee")}
    assert spoiled[1].sum == spoiled[1].total
    assert spoiled[0] == plain[0]


def test_a_renamed_label_takes_the_place_of_the_known_one() -> None:
    plain, spoiled = marked("renamed_label")
    assert ("ServiceFee", "Sponsored Campaigns", "TransactionTotalAmount") in spoiled[1].triples
    assert ("ServiceFee", "Cost of Advertising", "TransactionTotalAmount") not in spoiled[1].triples
    assert spoiled[1].total == plain[1].total


def test_a_label_may_have_a_new_name_from_a_day_on() -> None:
    since = date(2026, 10, 25)
    names: dict[bool, set[str]] = {True: set(), False: set()}
    for file in chain("US", labels_renamed_from=since.isoformat()):
        for row in file.details:
            if row["transaction-type"] == "ServiceFee" and row["amount-type"] != "Refund for Advertiser":
                names[instant(row["posted-date-time"]).date() >= since].add(row["amount-type"])
    assert names == {False: {"Cost of Advertising"}, True: {"Sponsored Campaigns"}}


def test_reserves_are_held_back_at_the_rates_of_the_scenario() -> None:
    assert all(not file.with_description(CURRENT) for file in chain("US", reserve_rates=[0.0]))
    for file in chain("US", reserve_rates=[0.5]):
        (held_back,) = file.with_description(CURRENT)
        assert abs(file.total + held_back) <= Decimal("0.01")  # one half is paid, one half is kept


def test_rows_that_are_alike_count_twice() -> None:
    _, spoiled = marked("duplicate_rows")
    twins = [row for row in spoiled[1].details if row["amount"] == "-4.15"]
    assert len(twins) == 2
    assert twins[0] == twins[1]
    assert spoiled[1].sum == spoiled[1].total


def test_a_blank_store_stands_in_no_row() -> None:
    _, spoiled = marked("blank_store")
    assert {row["marketplace-name"] for row in spoiled[1].details} == {""}


def test_a_sum_off_by_a_cent_is_off_by_a_cent_and_the_chain_goes_on_unharmed() -> None:
    plain, spoiled = marked("sum_off_by_a_cent")
    assert spoiled[1].total - spoiled[1].sum == Decimal("0.01")
    assert spoiled[2] == plain[2]


def test_a_truncated_document_is_truncated_for_good() -> None:
    seller = Seller({"stores": ["US"], "truncated_gzip": ["US:2"]})
    document_id = seller.listed()[1]["reportDocumentId"]
    for _ in range(2):
        minted = seller.call("GET", f"{DOCUMENTS}/{document_id}").json()
        assert minted["compressionAlgorithm"] == "GZIP"
        with pytest.raises(EOFError):
            gzip.decompress(seller.raw("GET", minted["url"]).content)


def test_one_settlement_under_two_report_ids_has_the_same_bytes_twice() -> None:
    _, spoiled = marked("two_report_ids")
    assert len(spoiled) == 4
    assert spoiled[1] == spoiled[2]


def test_one_settlement_under_two_report_ids_may_have_its_rows_in_another_order() -> None:
    _, spoiled = marked("two_report_ids", switches={"downloads_are_stable": False})
    one, other = spoiled[1], spoiled[2]
    assert one.details != other.details
    assert sorted(map(str, one.details)) == sorted(map(str, other.details))


def test_a_retired_layout_has_36_columns() -> None:
    _, spoiled = marked("v1_by_mistake")
    assert len(spoiled[1].header) == 36
    assert len(spoiled[0].header) == 24


def test_a_settlement_that_is_never_listed_leaves_a_gap_in_the_chain() -> None:
    plain, spoiled = marked("missing_settlement")
    assert spoiled == [plain[0], plain[2]]


def test_a_restated_settlement_comes_again_with_other_rows_and_the_same_total() -> None:
    plain, spoiled = marked("restated_settlement")
    assert len(spoiled) == 4
    again = spoiled[2]
    assert again.summary == plain[1].summary
    assert len(again.details) == len(plain[1].details) + 2
    assert again.sum == again.total


def test_an_a_to_z_claim_is_a_refund_under_its_own_name() -> None:
    _, spoiled = marked("a_to_z")
    assert any(kind == "A-to-z Guarantee Refund" for kind, _, _ in spoiled[1].triples)
    assert spoiled[1].sum == spoiled[1].total


# Switches of the file's form.


def first_content(store: str, **switches: object) -> bytes:
    seller = Seller({"stores": [store], "switches": switches})
    return seller.content(seller.listed()[0]["reportDocumentId"])


def test_line_ends_byte_order_mark_and_trimmed_cells() -> None:
    plain = first_content("US")
    spoiled = first_content("US", newline="crlf", byte_order_mark=True, trailing_cells=False)
    assert spoiled.startswith(b"\xef\xbb\xbfsettlement-id\t")
    assert spoiled.count(b"\r\n") == plain.count(b"\n")
    assert b"\t\r\n" not in spoiled
    assert cut(spoiled) == cut(plain)


def test_details_may_lack_the_settlement_id_or_repeat_the_currency() -> None:
    file = cut(first_content("US", settlement_id_on_details=False, currency_on_details=True))
    assert {(row["settlement-id"], row["currency"]) for row in file.details} == {("", "USD")}
    assert file.summary["settlement-id"]


def test_a_german_file_may_be_cp1252_with_grouped_thousands() -> None:
    text = first_content("DE", eu_encoding="cp1252", thousands_are_grouped=True).decode("cp1252")
    assert "\t1.099,00\t" in text


def test_a_british_file_may_have_commas_and_a_japanese_one_iso_dates() -> None:
    assert "," in cut(first_content("UK", gbp_decimals="comma")).summary["total-amount"]
    japanese = cut(first_content("JP", jp_dates="iso", jp_encoding="utf-8"))
    assert japanese.summary["settlement-end-date"].startswith("2026-")


def test_an_american_file_may_hold_orders_of_other_shops() -> None:
    file = cut(first_content("US", other_stores_in_na=True))
    assert ("Order", "Shipment-Fees", "FBATransportationFee") in file.triples
    assert "Non-Amazon US" in {row["marketplace-name"] for row in file.details}


@pytest.mark.parametrize(
    "amazon",
    [
        {"stores": []},
        {"stores": ["XX"]},
        {"stores": ["US", "US"]},
        {"settlements": -1},
        {"period_days": 0},
        {"refund_rate": 2},
        {"reserve_rates": []},
        {"reserve_rates": [1.5]},
        {"labels_renamed_from": "soon"},
        {"bank_currency": "XXX"},
        {"revoked": "yes"},
        {"two_report_ids": ["US"]},
        {"two_report_ids": "US:1"},
        {"colour": "green"},
        {"switches": {"colour": True}},
    ],
)
def test_a_scenario_that_is_not_understood_is_refused(amazon: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\[amazon\]|switch"):
        Seller(amazon)
