"""Finances at the simulated Amazon: transactions that are the settlements' events, seen from the other side."""

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from tests.support.sandbox_amazon import (
    BALANCES,
    GROUPS,
    LONG_AGO,
    PAYOUTS,
    START,
    SUMMARY,
    TRANSACTIONS,
    File,
    Seller,
    amount,
)

US, UK, DE = "ATVPDKIKX0DER", "A1F83G8C2ARO7P", "A1PA6795UKMFR9"
STORES = ["US", "CA", "UK", "DE", "FR"]
LAG = 3 * 86_400
"""After so long everything that has happened shows."""


def numbers(answer: httpx2.Response) -> Any:
    """JSON with its numbers as they were written."""
    return json.loads(answer.content, parse_float=Decimal, parse_int=Decimal)


def every_transaction(seller: Seller, **params: str) -> list[dict[str, Any]]:
    """All of them, with their amounts as they were written."""
    asked = params if "relatedIdentifierName" in params else {"postedAfter": LONG_AGO, **params}
    payload = numbers(seller.get(TRANSACTIONS, **asked))["payload"]
    found: list[dict[str, Any]] = payload["transactions"]
    while token := payload.get("nextToken"):
        payload = numbers(seller.get(TRANSACTIONS, **asked, nextToken=token))["payload"]
        found += payload["transactions"]
    return found


def worth(transaction: dict[str, Any]) -> Decimal:
    total: Decimal = transaction["totalAmount"]["currencyAmount"]
    return total


def related(transaction: dict[str, Any]) -> dict[str, str]:
    return {each["relatedIdentifierName"]: each["relatedIdentifierValue"] for each in transaction["relatedIdentifiers"]}


def status(transaction: dict[str, Any]) -> str:
    return str(transaction["transactionStatus"]).upper()


def leaves(breakdowns: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Decimal]]:
    """Only leaves add up; ``breakdowns`` may be null, empty or absent below them."""
    for each in breakdowns or ():
        here = (*path, each["breakdownType"])
        if each.get("breakdowns"):
            yield from leaves(each["breakdowns"], here)
        else:
            yield here, each["breakdownAmount"]["currencyAmount"]


def settled(transactions: list[dict[str, Any]]) -> dict[str, Decimal]:
    """By settlement: what its transactions come to. The payout is the settlement itself, so it stays out."""
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for each in transactions:
        if each["transactionType"] != "Transfer" and "SETTLEMENT_ID" in related(each):
            totals[related(each)["SETTLEMENT_ID"]] += worth(each)
    return totals


@pytest.fixture(scope="module")
def world() -> Seller:
    marks = {"failed_payout": ["FR:1"], "a_to_z": ["US:2"], "unknown_triple": ["DE:2"], "duplicate_rows": ["CA:1"]}
    seller = Seller({"stores": STORES, "refund_rate": 0.3, **marks, "switches": {"other_stores_in_na": True}})
    seller.clock.advance(LAG)
    seller.sign_in()
    return seller


@pytest.fixture(scope="module")
def files(world: Seller) -> list[File]:
    return world.files()


@pytest.fixture(scope="module")
def transactions(world: Seller, files: list[File]) -> list[dict[str, Any]]:
    return every_transaction(world)


# One ledger


@pytest.mark.parametrize("switches", [{}, {"release_makes_a_twin": False}, {"released_twin_keeps_its_date": True}])
def test_the_transactions_of_every_settlement_come_to_its_total_as_soon_as_it_is_listed(
    switches: dict[str, object],
) -> None:
    seller = Seller({"stores": STORES, "negative": ["UK:2"], "failed_payout": ["FR:1"], "switches": switches})
    totals = {file.summary["settlement-id"]: file.total for file in seller.files()}
    assert len(totals) == 15
    assert settled(every_transaction(seller)) == totals


@pytest.mark.parametrize(
    ("path", "params"),
    [
        (GROUPS, {"FinancialEventGroupStartedBefore": "0001-01-01T00:00:00Z"}),
        (SUMMARY, {"periodEnd": "9999-12-31"}),
        (SUMMARY, {"periodStart": "0001-01-01"}),
        (TRANSACTIONS, {"postedAfter": "0001-01-01T00:00:00Z"}),
        (BALANCES, {"asOfDate": "0001-01-01"}),
    ],
)
def test_the_ends_of_time_are_refused(path: str, params: dict[str, str]) -> None:
    assert Seller({"stores": ["US"], "settlements": 1}).get(path, **params).status_code == 400


def test_a_yen_is_whole_here_too() -> None:
    seller = Seller({"stores": ["JP"]})
    totals = {file.summary["settlement-id"]: file.total for file in seller.files("cp932")}
    assert settled(every_transaction(seller)) == totals


def test_every_order_comes_to_the_same_in_its_settlement_and_in_its_transactions(
    files: list[File], transactions: list[dict[str, Any]]
) -> None:
    seen: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for each in transactions:
        if {"ORDER_ID", "SETTLEMENT_ID"} <= set(related(each)):
            seen[related(each)["SETTLEMENT_ID"], related(each)["ORDER_ID"]] += worth(each)
    listed: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for file in files:
        for row in file.details:
            if row["transaction-type"] in ("Order", "Refund", "Order_Retrocharge", "A-to-z Guarantee Refund") or (
                row["amount-description"] == "Shipping label purchase" and row["order-id"]
            ):
                listed[file.summary["settlement-id"], row["order-id"]] += amount(row["amount"])
    assert len(listed) > 300
    assert seen == listed


def test_the_leaves_of_a_sale_are_the_rows_of_its_settlement(
    files: list[File], transactions: list[dict[str, Any]]
) -> None:
    """A fee has its base and its tax apart here, and together in the file."""
    labels = {
        ("ItemPrice", "Principal"): ("ProductCharges", "OurPricePrincipal"),
        ("ItemPrice", "Shipping"): ("Shipping", "ShippingPrincipal"),
        ("ItemPrice", "Tax"): ("Tax", "OurPriceTax"),
        ("Promotion", "Principal"): ("PromoRebates", "OurPriceDiscount"),
        ("ItemFees", "Commission"): ("AmazonFees", "Commission"),
        ("ItemFees", "RefundCommission"): ("AmazonFees", "RefundCommission"),
        ("ItemFees", "FBAPerUnitFulfillmentFee"): ("AmazonFees", "FBAPerUnitFulfillmentFee"),
        ("ItemWithheldTax", "MarketplaceFacilitatorTax-Principal"): ("MarketplaceFacilitatorTax-Principal",),
    }
    listed: dict[tuple[str, tuple[str, ...]], Decimal] = defaultdict(Decimal)
    for file in files:
        for row in file.details:
            path = labels.get((row["amount-type"], row["amount-description"]))
            if path and row["transaction-type"] in ("Order", "Refund", "A-to-z Guarantee Refund"):
                listed[file.summary["settlement-id"], path] += amount(row["amount"])
    seen: dict[tuple[str, tuple[str, ...]], Decimal] = defaultdict(Decimal)
    for each in transactions:
        if each["transactionType"] in ("Shipment", "Refund") and "SETTLEMENT_ID" in related(each):
            for item in each.get("items", ()):
                for path, worth_of_it in leaves(item["breakdowns"]):
                    if path[:2] in labels.values():
                        seen[related(each)["SETTLEMENT_ID"], path[:2]] += worth_of_it
    assert len(listed) > 60
    assert seen == listed


def test_every_tree_adds_up_to_its_amount_at_every_level(transactions: list[dict[str, Any]]) -> None:
    def check(breakdowns: Any) -> None:
        for each in breakdowns or ():
            if each.get("breakdowns"):
                below = [one["breakdownAmount"]["currencyAmount"] for one in each["breakdowns"]]
                assert sum(below) == each["breakdownAmount"]["currencyAmount"]
                check(each["breakdowns"])

    for each in transactions:
        for tree in (each, *each.get("items", ())):
            check(tree["breakdowns"])
            if tree["breakdowns"]:
                assert sum(value for _, value in leaves(tree["breakdowns"])) == worth(tree)
        if each.get("items"):
            assert sum(map(worth, each["items"])) == worth(each)


def test_trees_end_in_null_in_nothing_and_in_no_member_at_all(transactions: list[dict[str, Any]]) -> None:
    ends = set()

    def walk(breakdowns: Any) -> None:
        for each in breakdowns or ():
            ends.add("absent" if "breakdowns" not in each else repr(each["breakdowns"])[:4])
            walk(each.get("breakdowns"))

    for each in transactions:
        walk(each["breakdowns"])
    assert {"absent", "None", "[]"} <= ends
    assert any(each["breakdowns"] is None for each in transactions)
    assert any(value == 0 for each in transactions for _, value in leaves(each["breakdowns"]))


def test_statuses_are_written_in_more_than_one_way(transactions: list[dict[str, Any]]) -> None:
    assert {each["transactionStatus"] for each in transactions} >= {"RELEASED", "Released"}


def test_reimbursements_have_no_items_and_service_fees_no_order(transactions: list[dict[str, Any]]) -> None:
    for each in transactions:
        if each["transactionType"] == "FBAInventoryReimbursement":
            assert each["items"] == []
        if each["transactionType"] == "ServiceFee":
            assert "ORDER_ID" not in related(each)


def test_reserves_and_payouts_are_transactions_and_payouts_are_positive(transactions: list[dict[str, Any]]) -> None:
    kinds = {path[-1] for each in transactions for path, _ in leaves(each["breakdowns"])}
    assert {"ReserveCredit", "ReserveDebit", "FundTransfer"} <= kinds
    payouts = [each for each in transactions if each["transactionType"] == "Transfer"]
    assert len(payouts) == 14  # one settlement of the five stores is negative
    assert all(worth(each) > 0 for each in payouts)


def test_a_label_renamed_in_the_file_is_what_it_was_in_finances() -> None:
    seller = Seller({"stores": ["US"], "renamed_label": ["US:1"], "blank_store": ["US:2"]})
    seller.clock.advance(LAG)
    found = every_transaction(seller)
    assert any(each["transactionType"] == "ProductAdsPayment" for each in found)
    assert {each["marketplaceDetails"]["marketplaceName"] for each in found} == {"Amazon.com"}


# Time


def test_what_happened_shows_up_to_48_hours_later_and_not_in_the_order_in_which_it_happened() -> None:
    seller = Seller({"stores": ["US"], "orders_per_day": 8})
    since = "2026-11-20T00:00:00Z"
    shown: dict[str, float] = {}
    first = {each["transactionId"] for each in every_transaction(seller, postedAfter=since)}
    for _ in range(30):
        seller.clock.advance(7200)
        for each in every_transaction(seller, postedAfter=since):
            if each["transactionId"] not in first and each["transactionId"] not in shown:
                happened = datetime.fromisoformat(each["postedDate"])
                shown[each["transactionId"]] = (seller.clock.now() - happened).total_seconds() / 3600
    assert len(shown) > 20
    assert 24 < max(shown.values()) < 52
    assert min(shown.values()) < 8
    assert sorted(shown.values()) != list(shown.values())


def test_without_a_lag_everything_shows_at_once_but_for_two_minutes() -> None:
    seller = Seller({"stores": ["US"], "switches": {"transaction_lag_hours": 0}})
    before = len(every_transaction(seller))
    seller.clock.advance(86_400)
    after = every_transaction(seller)
    assert len(after) > before
    newest = max(datetime.fromisoformat(each["postedDate"]) for each in after)
    assert newest <= seller.clock.now() - timedelta(minutes=2)


# Deferred


def test_a_deferred_sale_is_released_as_a_twin_and_both_name_each_other() -> None:
    seller = Seller({"stores": ["US"], "deferred_rate": 1.0})
    waiting = [each for each in every_transaction(seller) if status(each) == "DEFERRED"]
    assert waiting
    for each in waiting:
        (context,) = each["contexts"]
        assert (context["contextType"], context["deferralReason"]) == ("DeferredContext", "DD7")
        assert "SETTLEMENT_ID" not in related(each)
    seller.clock.advance(14 * 86_400)
    found = {each["transactionId"]: each for each in every_transaction(seller)}
    for before in waiting:
        after = found[before["transactionId"]]
        twin = found[related(after)["RELEASE_TRANSACTION_ID"]]
        assert (status(after), status(twin)) == ("DEFERRED_RELEASED", "RELEASED")
        assert related(twin)["DEFERRED_TRANSACTION_ID"] == after["transactionId"]
        assert worth(twin) == worth(after) == worth(before)
        assert after["postedDate"] == before["postedDate"]
        assert twin["postedDate"] == before["contexts"][0]["maturityDate"] > before["postedDate"]


def test_a_released_twin_may_keep_the_date_of_the_sale() -> None:
    seller = Seller({"stores": ["US"], "switches": {"released_twin_keeps_its_date": True}})
    found = {each["transactionId"]: each for each in every_transaction(seller)}
    twins = [each for each in found.values() if "DEFERRED_TRANSACTION_ID" in related(each)]
    assert twins
    for twin in twins:
        assert twin["postedDate"] == found[related(twin)["DEFERRED_TRANSACTION_ID"]]["postedDate"]


def test_a_release_may_make_no_twin() -> None:
    seller = Seller({"stores": ["US"], "deferred_rate": 1.0, "switches": {"release_makes_a_twin": False}})
    seller.clock.advance(LAG)
    sales = [each for each in every_transaction(seller) if each["transactionType"] == "Shipment"]
    assert {status(each) for each in sales} == {"DEFERRED", "DEFERRED_RELEASED"}
    assert len({related(each)["ORDER_ID"] for each in sales}) == len(sales)
    assert any("SETTLEMENT_ID" in related(each) for each in sales)


# Parameters


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"postedBefore": "2026-11-01T00:00:00Z"},
        {"postedAfter": "2026-11-02T00:00:00Z", "postedBefore": "2026-11-01T00:00:00Z"},
        {"postedAfter": "2026-12-01T00:00:00Z"},
        {"postedAfter": LONG_AGO, "transactionStatus": "Released"},
        {"postedAfter": LONG_AGO, "marketplaceId": "A1VC38T7YXB528"},
        {"relatedIdentifierName": "SETTLEMENT_ID", "relatedIdentifierValue": "1"},
        {"relatedIdentifierName": "ORDER_ID"},
        {"postedAfter": LONG_AGO, "relatedIdentifierValue": "1"},
        {"postedAfter": LONG_AGO, "nextToken": "x"},
    ],
)
def test_transactions_that_cannot_be_asked_for_are_refused(params: dict[str, str]) -> None:
    refused = Seller().get(TRANSACTIONS, **params)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "InvalidInput")


def test_more_than_180_days_are_answered_with_nothing() -> None:
    seller = Seller({"stores": ["US"]})
    assert seller.get(TRANSACTIONS, postedAfter="2026-05-01T00:00:00Z").json() == {"payload": {"transactions": []}}
    assert seller.get(TRANSACTIONS, postedAfter="2026-06-01T00:00:00Z").json()["payload"]["transactions"]
    groups = seller.get(GROUPS, FinancialEventGroupStartedAfter="2026-05-01T00:00:00Z").json()
    assert groups == {"payload": {"FinancialEventGroupList": []}}


def test_the_window_takes_its_start_and_not_its_end() -> None:
    seller = Seller({"stores": ["US"]})
    found = every_transaction(seller)
    start, end = found[5]["postedDate"], found[15]["postedDate"]
    inside = every_transaction(seller, postedAfter=start, postedBefore=end)
    assert [each["transactionId"] for each in inside] == [
        each["transactionId"] for each in found if start <= each["postedDate"] < end
    ]


def test_pages_are_as_long_as_the_switch_says_and_some_are_empty() -> None:
    seller = Seller({"stores": ["US"], "switches": {"transactions_page_size": 20, "empty_page_every": 3}})
    sizes, token = [], ""
    for _ in range(7):
        asked = {"postedAfter": LONG_AGO, **({"nextToken": token} if token else {})}
        payload = seller.get(TRANSACTIONS, **asked).json()["payload"]
        sizes.append(len(payload["transactions"]))
        token = payload["nextToken"]
    assert sizes == [20, 20, 0, 20, 20, 0, 20]
    whole = Seller({"stores": ["US"], "switches": {"empty_page_every": 0}})
    assert len(whole.get(TRANSACTIONS, postedAfter=LONG_AGO).json()["payload"]["transactions"]) == 100


def test_a_token_wants_the_same_arguments_again() -> None:
    seller = Seller({"stores": ["US", "DE"]})
    token = seller.get(TRANSACTIONS, postedAfter=LONG_AGO).json()["payload"]["nextToken"]
    assert seller.get(TRANSACTIONS, postedAfter=LONG_AGO, nextToken=token).status_code == 200
    assert seller.get(TRANSACTIONS, postedAfter=LONG_AGO, marketplaceId=US, nextToken=token).status_code == 400


def test_filters_keep_what_they_name(world: Seller, transactions: list[dict[str, Any]]) -> None:
    order_id = next(related(each)["ORDER_ID"] for each in transactions if each["transactionType"] == "Refund")
    about = every_transaction(world, relatedIdentifierName="ORDER_ID", relatedIdentifierValue=order_id)
    assert {each["transactionType"] for each in about} >= {"Shipment", "Refund"}
    assert {related(each)["ORDER_ID"] for each in about} == {order_id}
    group = related(transactions[-1])["FINANCIAL_EVENT_GROUP_ID"]
    grouped = every_transaction(world, relatedIdentifierName="FINANCIAL_EVENT_GROUP_ID", relatedIdentifierValue=group)
    assert {related(each)["FINANCIAL_EVENT_GROUP_ID"] for each in grouped} == {group}
    assert len(grouped) == [related(each).get("FINANCIAL_EVENT_GROUP_ID") for each in transactions].count(group)
    assert every_transaction(world, relatedIdentifierName="FINANCIAL_EVENT_GROUP_ID", relatedIdentifierValue="x") == []
    deferred = every_transaction(world, transactionStatus="DEFERRED")
    assert {status(each) for each in deferred} == {"DEFERRED"}


def test_asked_for_the_american_store_shipments_of_the_sellers_own_are_left_out(
    world: Seller, transactions: list[dict[str, Any]]
) -> None:
    def own(found: list[dict[str, Any]], marketplace_id: str) -> int:
        contexts = [
            context
            for each in found
            if each["transactionType"] == "Shipment" and each["marketplaceDetails"]["marketplaceId"] == marketplace_id
            for item in each.get("items", ())
            for context in item["contexts"]
        ]
        return sum(context["fulfillmentNetwork"] == "MFN" for context in contexts)

    assert own(transactions, US) > 0
    assert own(every_transaction(world, marketplaceId=US), US) == 0
    assert own(every_transaction(world, marketplaceId=DE), DE) == own(transactions, DE) > 0


def test_another_seller_sees_nothing_of_it() -> None:
    seller = Seller()
    seller.token = seller.exchange(refresh_token=seller.account.other_refresh_token).json()["access_token"]
    asked = {"postedAfter": LONG_AGO}
    assert seller.call("GET", TRANSACTIONS, params=asked).json() == {"payload": {"transactions": []}}
    assert seller.call("GET", SUMMARY).json() == {"summaries": []}
    assert seller.call("GET", BALANCES).json() == {"balances": []}
    assert seller.call("GET", GROUPS).json() == {"payload": {"FinancialEventGroupList": []}}
    assert seller.call("GET", PAYOUTS).json() == {"payouts": []}


# Summaries and balances


def test_a_summary_is_found_by_its_settlement_and_is_the_files_total(world: Seller, files: list[File]) -> None:
    for file in files[:4]:
        settlement_id = file.summary["settlement-id"]
        asked = {"relatedIdentifierName": "SETTLEMENT_ID", "relatedIdentifierValue": settlement_id}
        (summary,) = numbers(world.get(SUMMARY, **asked))["summaries"]
        assert summary["netProceeds"]["currencyAmount"] == file.total
        assert sum(value for _, value in leaves(summary["breakdowns"])) == file.total
        assert related(summary) == {"SETTLEMENT_ID": settlement_id}
    nothing = {"relatedIdentifierName": "SETTLEMENT_ID", "relatedIdentifierValue": "1"}
    assert world.get(SUMMARY, **nothing).json() == {"summaries": []}
    assert world.get(SUMMARY, relatedIdentifierName="SETTLEMENT_ID").status_code == 400


def test_summaries_of_a_period_lie_within_it(world: Seller) -> None:
    found = world.get(SUMMARY, periodStart="2026-10-20", periodEnd="2026-11-10", marketplaceIds=US).json()["summaries"]
    assert [(each["periodStart"][:10], each["periodEnd"][:10]) for each in found] == [("2026-10-22", "2026-11-05")]


def test_balances_are_sums_of_each_other_and_of_the_ledger(world: Seller) -> None:
    balances = numbers(world.get(BALANCES))["balances"]
    assert [each["amount"]["currencyCode"] for each in balances] == ["USD", "CAD", "GBP", "EUR", "EUR"]
    for total in balances:
        available, reserved = total["balances"]
        deferred, held_back = reserved["balances"]
        assert [each["balanceType"] for each in (total, available, reserved, deferred, held_back)] == [
            "TOTAL", "AVAILABLE", "RESERVED", "DEFERRED", "ACCOUNT_LEVEL_RESERVE",
        ]  # fmt: skip
        worth_of = [each["amount"]["currencyAmount"] for each in (total, available, reserved, deferred, held_back)]
        assert worth_of[2] == worth_of[3] + worth_of[4]
        assert worth_of[0] == worth_of[1] + worth_of[2]


def test_the_deferred_balance_is_what_finances_shows_as_deferred() -> None:
    seller = Seller({"stores": ["US"], "switches": {"transaction_lag_hours": 0}})
    waiting = [worth(each) for each in every_transaction(seller, transactionStatus="DEFERRED")]
    (balance,) = numbers(seller.get(BALANCES, balanceType="DEFERRED"))["balances"]
    assert balance["amount"]["currencyAmount"] == sum(waiting)


def test_a_balance_can_be_that_of_a_day_gone_by() -> None:
    seller = Seller({"stores": ["US"]})
    past = seller.get(BALANCES, asOfDate="2026-11-10").json()["balances"]
    assert past[0]["asOfDate"].startswith("2026-11-10")
    assert "lastUpdatedTime" not in past[0]
    assert past[0]["amount"] != seller.get(BALANCES).json()["balances"][0]["amount"]
    assert seller.get(BALANCES, asOfDate="2027-01-01").status_code == 400
    assert seller.get(BALANCES, asOfDate="2026-11-10T00:00:00Z").status_code == 400


# Groups


def test_a_group_matches_its_settlement_by_time_and_total_and_not_by_its_id(world: Seller, files: list[File]) -> None:
    listed = numbers(world.get(GROUPS, MaxResultsPerPage="100"))["payload"]["FinancialEventGroupList"]
    closed = [each for each in listed if each["ProcessingStatus"] == "Closed"]
    assert len(closed) == len(files)
    begins = [each["FinancialEventGroupStart"] for each in listed]
    assert begins == sorted(begins, reverse=True)
    for file in files:
        (group,) = [each for each in closed if each["OriginalTotal"]["CurrencyAmount"] == file.total]
        assert group["FinancialEventGroupId"] != file.summary["settlement-id"]
        assert group["OriginalTotal"]["CurrencyCode"] == file.summary["currency"]
        text = file.summary["settlement-end-date"].removesuffix(" UTC")
        form = "%Y-%m-%d %H:%M:%S" if text[4] == "-" else "%d.%m.%Y %H:%M:%S"
        end = datetime.strptime(f"{text}+0000", f"{form}%z")
        assert abs(datetime.fromisoformat(group["FinancialEventGroupEnd"]) - end) < timedelta(minutes=1)


def test_there_is_an_open_group_for_each_store_with_what_is_in_it_so_far() -> None:
    seller = Seller({"stores": ["US"]})
    listed = numbers(seller.get(GROUPS))["payload"]["FinancialEventGroupList"]
    (group,) = [each for each in listed if each["ProcessingStatus"] == "Open"]
    (balance,) = numbers(seller.get(BALANCES))["balances"]
    deferred, _ = balance["balances"][1]["balances"]
    total = balance["amount"]["currencyAmount"] - deferred["amount"]["currencyAmount"]
    assert group["OriginalTotal"]["CurrencyAmount"] == total
    assert "FundTransferDate" not in group
    assert "FinancialEventGroupEnd" not in group


def test_groups_come_in_pages_of_ten_with_all_of_them_in_the_end(world: Seller) -> None:
    whole = world.get(GROUPS, MaxResultsPerPage="100").json()["payload"]["FinancialEventGroupList"]
    payload = world.get(GROUPS).json()["payload"]
    found = payload["FinancialEventGroupList"]
    assert len(found) == 10
    while token := payload.get("NextToken"):
        payload = world.get(GROUPS, NextToken=token).json()["payload"]
        found += payload["FinancialEventGroupList"]
    assert [each["FinancialEventGroupId"] for each in found] == [each["FinancialEventGroupId"] for each in whole]


def test_payouts_into_a_bank_of_another_currency_are_converted_and_no_others() -> None:
    seller = Seller({"stores": ["US", "DE", "JP"], "bank_currency": "EUR"})
    for group in numbers(seller.get(GROUPS, MaxResultsPerPage="100"))["payload"]["FinancialEventGroupList"]:
        is_converted = group["ProcessingStatus"] == "Closed" and group["OriginalTotal"]["CurrencyCode"] != "EUR"
        assert ("ConvertedTotal" in group) == is_converted
        if is_converted:
            rate = group["ConvertedTotal"]["CurrencyAmount"] / group["OriginalTotal"]["CurrencyAmount"]
            expected = {"USD": Decimal("0.9228"), "JPY": Decimal("0.00616")}[group["OriginalTotal"]["CurrencyCode"]]
            assert abs(rate / expected - 1) < Decimal("0.012")
    plain = Seller({"stores": ["US"]}).get(GROUPS).json()["payload"]["FinancialEventGroupList"]
    assert all("ConvertedTotal" not in each for each in plain)


def test_closed_groups_may_lack_their_totals() -> None:
    seller = Seller({"stores": ["US"], "settlements": 4, "switches": {"groups_may_lack_totals": True}})
    listed = seller.get(GROUPS).json()["payload"]["FinancialEventGroupList"]
    assert ["OriginalTotal" in each for each in listed] == [True, True, False, True, True]


# Payouts


def payouts(seller: Seller, **params: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = numbers(seller.get(PAYOUTS, **params))["payouts"]
    return found


def test_a_payout_ties_a_settlement_to_what_reaches_the_bank(world: Seller, files: list[File]) -> None:
    by_settlement = {related(each)["SETTLEMENT_ID"]: each for each in payouts(world)}
    european = [file for file in files if file.summary["currency"] == "EUR"]
    assert set(by_settlement) == {file.summary["settlement-id"] for file in european}
    for file in european:
        payout = by_settlement[file.summary["settlement-id"]]
        assert payout["amount"] == {"currencyCode": "EUR", "currencyAmount": file.total}
        assert payout["currentStatus"] == payout["statusHistory"][-1]["status"]


def test_a_payout_is_on_its_way_before_it_is_paid_or_fails() -> None:
    seller = Seller({"stores": ["DE"], "failed_payout": ["DE:2"]})
    assert [each["currentStatus"] for each in payouts(seller)] == ["IN_TRANSIT", "FAILED", "PAID"]
    failed = payouts(seller)[1]["statusHistory"][-1]
    assert failed["failureReason"]
    seller.clock.advance(3 * 86_400)
    assert payouts(seller)[0]["currentStatus"] == "PAID"
    groups = seller.get(GROUPS).json()["payload"]["FinancialEventGroupList"]
    assert [each.get("FundTransferStatus") for each in groups] == [None, "Succeeded", "Failed", "Succeeded"]


def test_a_settlement_that_owes_has_no_payout() -> None:
    seller = Seller({"stores": ["UK"], "switches": {"payouts_outside_eu": True}})
    none, *_ = [each for each in payouts(seller) if each["currentStatus"] == "NO_PAYOUT"]
    assert "amount" not in none
    assert "type" not in none


def test_payouts_are_there_for_some_stores_only_and_the_uk_is_not_one_of_them() -> None:
    seller = Seller({"stores": ["US", "UK", "DE"]})
    assert {each["partnerMetadata"]["marketplaceId"] for each in payouts(seller)} == {DE}
    assert seller.get(PAYOUTS, marketplaceIds=US).status_code == 403
    assert seller.get(PAYOUTS, marketplaceIds=f"{UK},{DE}").status_code == 403
    assert Seller({"stores": ["US"]}).get(PAYOUTS).status_code == 403
    otherwise = Seller({"stores": ["US"], "switches": {"payouts_refusal_status": 400}})
    assert otherwise.get(PAYOUTS).status_code == 400
    everywhere = Seller({"stores": ["US", "UK", "DE"], "switches": {"payouts_outside_eu": True}})
    assert {each["partnerMetadata"]["marketplaceId"] for each in payouts(everywhere)} == {US, UK, DE}


def test_payouts_are_found_by_their_id_and_by_when_they_were_made() -> None:
    seller = Seller({"stores": ["DE"]})
    first, second, third = payouts(seller)
    assert payouts(seller, payoutId=second["id"]) == [second]
    assert payouts(seller, createdAfter=second["creationDate"], createdBefore=first["creationDate"]) == [second]
    assert payouts(seller, createdBefore=second["creationDate"]) == [third]
    assert payouts(seller, accountType="Invoiced Orders") == []
    assert START.isoformat() > first["creationDate"]
