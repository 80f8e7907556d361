"""One selling account, whole: the ping is cached, says what it found, and everything is wired from one sign-in form."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from io import BytesIO
from random import Random
from typing import Any

import httpx2
import pytest

from ml_connector.amazon.config import read_config
from ml_connector.amazon.connection import AmazonAccount, Tools
from ml_connector.amazon.documents import FileSink
from ml_connector.amazon.reports import SETTLEMENT_REPORT
from ml_connector.domain.errors import SignInFailed
from tests.support.amazon import CREDENTIALS, Amazon, Handler, MemoryBuckets, MemoryTokens, answer
from tests.support.clock import FakeClock

SETTINGS = {
    "region": "NA",
    "client_id": "amzn1.application-oa2-client.abc",
    "seller_id": "A1SELLER",
    "marketplace_ids": "ATVPDKIKX0DER,A2EUQ1WTGCTBG2",
}
SECRETS = {"client_secret": CREDENTIALS.client_secret, "refresh_token": CREDENTIALS.refresh_token}


def store(marketplace_id: str, name: str, currency: str, *, selling: bool = True, suspended: bool = False) -> Any:
    return {
        "marketplace": {
            "id": marketplace_id,
            "countryCode": "US",
            "name": name,
            "defaultCurrencyCode": currency,
            "defaultLanguageCode": "en_US",
            "domainName": f"www.{name.lower()}",
        },
        "storeName": "Example Store",
        "participation": {"isParticipating": selling, "hasSuspendedListings": suspended},
    }


STORES = [
    store("ATVPDKIKX0DER", "Amazon.com", "USD"),
    store("A2ZV50J4W1RKNI", "Non-Amazon US", "USD"),
    store("A1AM78C64UM0Y8", "Amazon.com.mx", "MXN"),
]


def account(api: Handler, **amazon_settings: Any) -> tuple[AmazonAccount, Amazon, FakeClock]:
    clock = FakeClock()
    amazon = Amazon(api, clock, **amazon_settings)

    async def on_new(_token: str) -> None:
        raise AssertionError("no new refresh token in this story")

    tools = Tools(clock, Random(1), MemoryTokens(), MemoryBuckets(clock), on_new, amazon.transport())
    return AmazonAccount(read_config(SETTINGS, SECRETS), tools), amazon, clock


def test_the_ping_names_the_account_and_the_state_of_each_of_its_stores() -> None:
    amazon_account, _, _ = account(lambda _request: answer({"payload": STORES}))

    identity = asyncio.run(amazon_account.ping())

    assert identity.name == "Example Store"
    assert identity.details == (
        ("seller id", "A1SELLER"),
        ("region", "NA"),
        ("ATVPDKIKX0DER", "Amazon.com, USD"),
        ("A2EUQ1WTGCTBG2", "not a store of this account"),
        ("other stores", "A1AM78C64UM0Y8"),
    )


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ({"selling": False}, "Amazon.com: not selling there"),
        ({"suspended": True}, "Amazon.com, USD, listings suspended"),
    ],
)
def test_the_ping_says_when_a_store_is_closed_or_suspended(state: dict[str, bool], says: str) -> None:
    stores = [store("ATVPDKIKX0DER", "Amazon.com", "USD", **state)]
    amazon_account, _, _ = account(lambda _request: answer({"payload": stores}))

    assert ("ATVPDKIKX0DER", says) in asyncio.run(amazon_account.ping()).details


def test_the_ping_is_asked_once_an_hour_and_again_when_told() -> None:
    amazon_account, amazon, clock = account(lambda _request: answer({"payload": STORES}))

    async def story() -> list[int]:
        counts = []
        for wait_s, fresh in ((0, False), (3599, False), (1, False), (0, True)):
            clock.advance(wait_s)
            await amazon_account.ping(fresh=fresh)
            counts.append(len(amazon.requests))
        return counts

    assert asyncio.run(story()) == [1, 1, 2, 3]


def test_pseudo_marketplaces_are_known_for_what_they_are() -> None:
    amazon_account, _, _ = account(lambda _request: answer({"payload": STORES}))

    found = asyncio.run(amazon_account.sellers.participations())

    assert [(store.marketplace_id, store.pseudo) for store in found] == [
        ("ATVPDKIKX0DER", False),
        ("A2ZV50J4W1RKNI", True),
        ("A1AM78C64UM0Y8", False),
    ]


def test_a_marketplace_of_tomorrow_is_a_store() -> None:
    amazon_account, _, _ = account(lambda _request: answer({"payload": [store("ANEWSTOREID00", "Amazon.xx", "XXX")]}))

    [found] = asyncio.run(amazon_account.sellers.participations())
    assert not found.pseudo


def test_a_sign_in_that_fails_is_what_the_ping_says() -> None:
    amazon_account, _, _ = account(
        lambda _request: answer({}), login_answer=lambda _n: answer({"error": "invalid_client"}, 401)
    )

    with pytest.raises(SignInFailed, match="client secret"):
        asyncio.run(amazon_account.ping())


def test_settlements_are_discovered_and_downloaded_through_one_sign_in() -> None:
    report = {
        "reportId": "1",
        "reportType": SETTLEMENT_REPORT,
        "processingStatus": "DONE",
        "createdTime": "2026-11-10T00:00:00Z",
        "reportDocumentId": "doc-1",
    }

    def api(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/reports/2021-06-30/reports":
            return answer({"reports": [report]})
        if request.url.path == "/reports/2021-06-30/documents/doc-1":
            return answer({"reportDocumentId": "doc-1", "url": "https://documents.example/d"})
        return httpx2.Response(200, stream=httpx2.ByteStream(b"settlement-id\n"))

    amazon_account, amazon, _ = account(api)
    kept = BytesIO()

    async def story() -> None:
        [found] = await amazon_account.discover_settlements(datetime(2026, 11, 1, tzinfo=UTC))
        assert found.report_document_id == "doc-1"
        await amazon_account.download("doc-1", FileSink(kept))
        await amazon_account.aclose()

    asyncio.run(story())
    assert kept.getvalue() == b"settlement-id\n"
    assert len(amazon.exchanges) == 1
