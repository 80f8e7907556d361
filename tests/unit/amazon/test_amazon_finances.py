"""Transactions, balances, summaries, event groups and payouts: exact, and nothing taken for something else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx2
import msgspec
import pytest

from ml_connector.amazon.event_groups import EventGroups
from ml_connector.amazon.finances import Finances, PostedWindow, RelatedTo, TransactionsPage
from ml_connector.amazon.payouts import Payouts
from ml_connector.domain.errors import BadAnswer, NotPermitted, SignInFailed, WrongUse
from ml_connector.domain.money import Money
from tests.support.amazon import Rig, answer, error, rig
from tests.support.clock import NOON

SINCE = NOON - timedelta(days=30)
WINDOW = PostedWindow(SINCE)


def sale(**changes: Any) -> dict[str, Any]:
    """A sale for 12.34, as Amazon writes it."""
    return {
        "transactionId": "T1",
        "transactionType": "Shipment",
        "transactionStatus": "RELEASED",
        "postedDate": "2026-11-01T04:11:09Z",
        "totalAmount": {"currencyCode": "USD", "currencyAmount": Decimal("12.34")},
        **changes,
    }


def numbers(body: object) -> httpx2.Response:
    """An answer whose decimals are JSON numbers, as Finances writes them."""
    return httpx2.Response(200, content=msgspec.json.Encoder(decimal_format="number").encode(body))


def transactions(
    *found: object, raw: bytes | None = None, wanted: PostedWindow | RelatedTo = WINDOW
) -> TransactionsPage:
    body = {"payload": {"transactions": found}}
    r = rig(lambda _request: numbers(body) if raw is None else httpx2.Response(200, content=raw))
    [page] = walk(r, wanted)
    return page


def walk(r: Rig, wanted: PostedWindow | RelatedTo = WINDOW, **options: Any) -> list[TransactionsPage]:
    async def all_pages() -> list[TransactionsPage]:
        return [page async for page in Finances(r.client, r.clock).transactions(wanted, **options)]

    return asyncio.run(all_pages())


# --- transactions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "exact"),
    [("12.34", "12.34"), ("0.1", "0.1"), ("1e2", "100"), ("-0.0", "0"), ("123456789012.3401", "123456789012.3401")],
)
def test_an_amount_is_the_number_that_was_written_to_the_last_decimal(number: str, exact: str) -> None:
    raw = b'{"payload":{"transactions":[{"transactionType":"Shipment","postedDate":"2026-11-01T04:11:09Z",'
    raw += b'"totalAmount":{"currencyCode":"USD","currencyAmount":' + number.encode() + b"}}]}}"

    [found] = transactions(raw=raw).transactions

    assert found.amount == Decimal(exact)


@pytest.mark.parametrize("status", ["RELEASED", "Released", "released"])
def test_a_status_is_the_same_in_any_case(status: str) -> None:
    assert transactions(sale(transactionStatus=status)).transactions[0].status == "RELEASED"


@pytest.mark.parametrize("nothing", [{"breakdowns": None}, {"breakdowns": []}, {}])
def test_a_tree_may_be_null_or_empty_or_absent(nothing: dict[str, Any]) -> None:
    leaf = {
        "breakdownType": "Principal",
        "breakdownAmount": {"currencyCode": "USD", "currencyAmount": 12.34},
        **nothing,
    }
    charges = {"breakdownType": "ProductCharges", "breakdowns": [leaf]}

    [bare, grown] = transactions(sale(**nothing), sale(breakdowns=[charges], items=None, contexts=None)).transactions

    assert not bare.breakdowns and not bare.unexplained
    assert [leaf.path for leaf in grown.leaves()] == [("ProductCharges", "Principal")]
    assert grown.unexplained == 0


def test_all_related_identifiers_are_kept_known_or_not() -> None:
    named = [
        {"relatedIdentifierName": name, "relatedIdentifierValue": f"v{number}"}
        for number, name in enumerate(["ORDER_ID", "INVOICE_ID", "DISBURSEMENT_ID", "SOMETHING_NEW"])
    ]

    [found] = transactions(sale(relatedIdentifiers=named)).transactions

    assert [identifier.name for identifier in found.identifiers] == [
        "ORDER_ID",
        "INVOICE_ID",
        "DISBURSEMENT_ID",
        "SOMETHING_NEW",
    ]
    assert found.related("DISBURSEMENT_ID") == "v2"


def test_a_deferral_says_why_and_until_when() -> None:
    context = {"contextType": "DeferredContext", "deferralReason": "DD7", "maturityDate": "2026-11-08T00:00:00Z"}

    [found] = transactions(sale(contexts=[{"contextType": "TimeRangeContext"}, context])).transactions

    assert found.deferral is not None
    assert (found.deferral.reason, found.deferral.matures) == ("DD7", datetime(2026, 11, 8, tzinfo=UTC))


DEEP: dict[str, Any] = {"breakdownType": "leaf", "breakdownAmount": {"currencyCode": "USD", "currencyAmount": 1}}
for _ in range(40):
    DEEP = {"breakdownType": "branch", "breakdowns": [DEEP]}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"postedDate": "2026-11-01"}, "no point in time"),
        ({"postedDate": "2026-11-01T04:11:09"}, "no time"),
        ({"postedDate": None}, "postedDate"),
        ({"totalAmount": None}, "totalAmount"),
        ({"totalAmount": {"currencyCode": "USD", "currencyAmount": "NaN"}}, "not an amount"),
        ({"totalAmount": {"currencyCode": "USD", "currencyAmount": Decimal("1.23456")}}, "not an amount"),
        ({"totalAmount": {"currencyCode": "usd", "currencyAmount": 1}}, "currencyCode"),
        ({"items": [{"totalAmount": {"currencyCode": "CAD", "currencyAmount": 1}}]}, "two currencies, USD and CAD"),
        ({"breakdowns": [{"breakdownType": "Principal"}]}, "'Principal' has no amount"),
        ({"breakdowns": [DEEP]}, "deeper than 32"),
        ({"breakdowns": 5}, "breakdowns"),
    ],
)
def test_a_transaction_that_cannot_be_read_is_told_with_its_place_and_the_others_go_on(
    changes: dict[str, Any], words: str
) -> None:
    page = transactions(sale(transactionId="T1"), sale(transactionId="T2", **changes), sale(transactionId="T3"))

    assert [found.transaction_id for found in page.transactions] == ["T1", "T3"]
    [held] = page.unreadable
    assert held.transaction_id == "T2"
    assert held.finding.holds
    assert words in held.finding.message


def test_empty_pages_with_a_token_are_followed_to_the_end() -> None:
    pages = {"": ([], "a+/="), "a+/=": ([sale(transactionId="T1")], "b"), "b": ([], "c"), "c": ([sale()], "")}

    def api(request: httpx2.Request) -> httpx2.Response:
        found, token = pages[request.url.params.get("nextToken", "")]
        return numbers({"payload": {"transactions": found, "nextToken": token}})

    r = rig(api)

    walked = walk(r, status="RELEASED", marketplace_id="ATVPDKIKX0DER")

    assert [len(page.transactions) for page in walked] == [0, 1, 0, 1]
    assert [page.last for page in walked] == [False, False, False, True]
    assert str(r.amazon.requests[1].url).partition("?")[2] == (
        "postedAfter=2026-10-22T12%3A00%3A00Z&marketplaceId=ATVPDKIKX0DER&transactionStatus=RELEASED&nextToken=a%2B%2F%3D"
    )


def test_a_payload_without_transactions_is_an_empty_page() -> None:
    assert transactions(raw=b'{"payload":{}}').last


def test_an_answer_without_a_payload_is_no_empty_page() -> None:
    with pytest.raises(BadAnswer, match="payload"):
        transactions(raw=b"{}")


@pytest.mark.parametrize(
    "window",
    [
        PostedWindow(NOON - timedelta(days=179, seconds=1)),
        PostedWindow(NOON - timedelta(days=400), NOON - timedelta(days=220) + timedelta(seconds=1)),
        PostedWindow(SINCE, SINCE - timedelta(seconds=1)),
    ],
)
def test_a_window_that_amazon_would_answer_with_nothing_is_refused_before_any_call(window: PostedWindow) -> None:
    r = rig(lambda _request: answer({}))

    with pytest.raises(WrongUse):
        walk(r, window)
    assert r.amazon.requests == []


@pytest.mark.parametrize(
    "window",
    [
        PostedWindow(NOON - timedelta(days=400), NOON - timedelta(days=220)),
        PostedWindow(NOON - timedelta(days=179)),
        PostedWindow(NOON + timedelta(minutes=5)),
    ],
    ids=["180 days", "179 days until now by our clock", "from Amazon's clock on, which is ahead of ours"],
)
def test_a_window_that_amazon_answers_is_asked_for(window: PostedWindow) -> None:
    assert transactions(wanted=window).transactions == ()


def test_transactions_are_asked_for_by_order_or_group_and_by_nothing_else() -> None:
    r = rig(lambda _request: numbers({"payload": {}}))

    walk(r, RelatedTo("FINANCIAL_EVENT_GROUP_ID", "G 1"))

    assert str(r.amazon.requests[0].url).partition("?")[2] == (
        "relatedIdentifierName=FINANCIAL_EVENT_GROUP_ID&relatedIdentifierValue=G%201"
    )
    with pytest.raises(WrongUse, match="SETTLEMENT_ID"):
        RelatedTo("SETTLEMENT_ID", "1")


# --- balances and summaries --------------------------------------------------------------------------------------------


def usd(amount: str) -> dict[str, Any]:
    return {"currencyCode": "USD", "currencyAmount": Decimal(amount)}


def test_a_balance_comes_with_its_parts() -> None:
    reserved = {
        "balanceType": "RESERVED",
        "amount": usd("45.01"),
        "balances": [{"balanceType": "DEFERRED", "amount": usd("45.01")}],
    }
    total = {"balanceType": "TOTAL", "amount": usd("120.5"), "balances": [reserved], "asOfDate": "2026-11-01"}
    r = rig(lambda _request: numbers({"balances": [total]}))

    [found] = asyncio.run(Finances(r.client, r.clock).balances(["A", "B"], kind="TOTAL", as_of=date(2026, 11, 1)))

    part = found.find("DEFERRED")
    assert part is not None
    assert part.amount == Money(Decimal("45.01"), "USD")
    assert found.as_of == date(2026, 11, 1)
    assert str(r.amazon.requests[0].url).partition("?")[2] == "marketplaceIds=A,B&balanceType=TOTAL&asOfDate=2026-11-01"


def test_a_summary_is_asked_for_by_settlement_id() -> None:
    said = {
        "netProceeds": usd("85.79"),
        "relatedIdentifiers": [{"relatedIdentifierName": "SETTLEMENT_ID", "relatedIdentifierValue": "90000000011"}],
        "periodStart": "2026-10-12T17:45:00Z",
        "breakdowns": None,
    }
    r = rig(lambda _request: numbers({"summaries": [said]}))

    [found] = asyncio.run(Finances(r.client, r.clock).summary("90000000011"))

    assert (found.proceeds, found.settlement_id) == (Money(Decimal("85.79"), "USD"), "90000000011")
    assert found.start == datetime(2026, 10, 12, 17, 45, tzinfo=UTC)


@pytest.mark.parametrize("body", [{"balances": None}, {}, {"balances": [], "nextToken": ""}])
def test_no_balances_are_none(body: dict[str, Any]) -> None:
    r = rig(lambda _request: answer(body))

    assert asyncio.run(Finances(r.client, r.clock).balances()) == ()


def test_a_balance_or_a_summary_that_cannot_be_read_names_itself() -> None:
    wrong = {
        "summaries": [{"netProceeds": usd("1.23456")}],
        "balances": [{"balanceType": "TOTAL", "amount": usd("1.23456")}],
    }
    r = rig(lambda _request: numbers(wrong))
    finances = Finances(r.client, r.clock)

    with pytest.raises(BadAnswer, match="summary of settlement 7 cannot be read"):
        asyncio.run(finances.summary("7"))
    with pytest.raises(BadAnswer, match="balances cannot be read"):
        asyncio.run(finances.balances())


# --- event groups ------------------------------------------------------------------------------------------------------


def group(name: str, **changes: Any) -> dict[str, Any]:
    return {"FinancialEventGroupId": name, "ProcessingStatus": "Closed", **changes}


def groups(pages: Sequence[Sequence[dict[str, Any]]]) -> Rig:
    def api(request: httpx2.Request) -> httpx2.Response:
        number = int(request.url.params.get("NextToken", "0"))
        more = {"NextToken": str(number + 1)} if number + 1 < len(pages) else {}
        return numbers({"payload": {"FinancialEventGroupList": pages[number], **more}})

    return rig(api)


def test_event_groups_show_what_was_converted_and_may_lack_totals() -> None:
    gbp, eur = (
        {"CurrencyCode": code, "CurrencyAmount": Decimal(amount)}
        for code, amount in (("GBP", "100.5"), ("EUR", "115.2"))
    )
    r = groups(
        [
            [group("1", OriginalTotal=gbp, ConvertedTotal=eur)],
            [],
            [group("2", FinancialEventGroupEnd="2026-11-01T00:00:00Z")],
        ]
    )

    first, second = asyncio.run(EventGroups(r.client, r.clock).started(SINCE))

    assert (first.total, first.converted) == (Money(Decimal("100.5"), "GBP"), Money(Decimal("115.2"), "EUR"))
    assert (second.total, second.end) == (None, datetime(2026, 11, 1, tzinfo=UTC))


def test_a_group_that_comes_on_two_pages_is_one_group() -> None:
    r = groups([[group("1")], [group("1")]])

    assert len(asyncio.run(EventGroups(r.client, r.clock).started(SINCE, NOON - timedelta(days=1)))) == 1


@pytest.mark.parametrize("before", [None, NOON - timedelta(seconds=1)])
def test_groups_of_more_days_than_amazon_answers_are_refused_before_any_call(before: datetime | None) -> None:
    r = groups([[]])

    with pytest.raises(WrongUse, match="Amazon would answer as if there were none"):
        asyncio.run(EventGroups(r.client, r.clock).started(NOON - timedelta(days=181), before))
    assert r.amazon.requests == []


def test_a_group_that_cannot_be_read_names_itself() -> None:
    r = groups([[group("G7", FinancialEventGroupStart="soon")]])

    with pytest.raises(BadAnswer, match="event group G7 cannot be read: 'soon' is no time"):
        asyncio.run(EventGroups(r.client, r.clock).started(SINCE))


# --- payouts -----------------------------------------------------------------------------------------------------------

PAID = {
    "id": "P1",
    "currentStatus": "FAILED",
    "statusHistory": [
        {"status": "STARTED", "lastUpdatedDate": "2026-11-08T01:00:00Z"},
        {"status": "FAILED", "lastUpdatedDate": "2026-11-10T09:00:00Z", "failureReason": "account closed"},
    ],
    "amount": usd("949.55"),
    "relatedIdentifiers": [{"relatedIdentifierName": "SETTLEMENT_ID", "relatedIdentifierValue": "90000000014"}],
}


def test_a_payout_names_its_settlement_and_why_it_failed() -> None:
    r = rig(lambda _request: numbers({"payouts": [PAID]}))

    told = asyncio.run(Payouts(r.client).created(SINCE))

    [found] = told.payouts
    assert told.available
    assert (found.settlement_id, found.status, found.steps[-1].failure) == ("90000000014", "FAILED", "account closed")
    assert found.amount == Money(Decimal("949.55"), "USD")


@pytest.mark.parametrize("refusal", [lambda: error(403, "Unauthorized"), lambda: error(400, "InvalidInput")])
def test_payouts_that_amazon_does_not_offer_here_are_no_failure_and_no_empty_list(
    refusal: Callable[[], httpx2.Response],
) -> None:
    r = rig(lambda _request: refusal())

    told = asyncio.run(Payouts(r.client).created(SINCE, marketplace_ids=["ATVPDKIKX0DER"]))

    assert (told.available, told.payouts) == (False, ())
    assert "listPayouts" in told.why


def test_a_revoked_authorisation_is_not_taken_for_payouts_that_are_not_offered() -> None:
    r = rig(lambda _request: error(403, "Unauthorized", details="The access token you provided is revoked."))

    with pytest.raises(SignInFailed):
        asyncio.run(Payouts(r.client).created(SINCE))


def test_transactions_that_amazon_does_not_allow_are_a_failure() -> None:
    r = rig(lambda request: answer({}) if "sellers" in request.url.path else error(403, "Unauthorized"))

    with pytest.raises(NotPermitted, match="role Finance and Accounting is missing"):
        walk(r)
