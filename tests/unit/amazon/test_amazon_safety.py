"""What an Amazon that is not Amazon, or one that went mad, cannot make of us."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from io import BytesIO

import httpx2
import pytest

from ml_connector.amazon.auth import LoginWithAmazon
from ml_connector.amazon.documents import FileSink
from ml_connector.domain.errors import BadAnswer, MlConnectorError, RefusedByServer
from tests.support.amazon import answer, rig

SINCE = datetime(2026, 11, 1, tzinfo=UTC)
REPORT = {
    "reportId": "1",
    "reportType": "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2",
    "processingStatus": "DONE",
    "createdTime": "2026-11-10T02:00:00+00:00",
    "reportDocumentId": "amzn1.spdoc.1.4.na.00000000-0000-4000-8000-000000000011.T0000000000001.2651",
}


@pytest.mark.parametrize("member", ["reportId", "reportDocumentId"])
@pytest.mark.parametrize("name", ["../../etc/x", "a/b", "a\0b", "", "..", "a\\b", "x" * 300, "\u202e1", "1\n2"])
def test_an_id_that_is_none_goes_into_no_name_and_no_record(member: str, name: str) -> None:
    r = rig(lambda _request: answer({"reports": [{**REPORT, member: name}]}))

    with pytest.raises(BadAnswer):
        asyncio.run(r.reports.discover_settlements(SINCE))


@pytest.mark.parametrize(
    "body",
    [
        b'{"x":' + b"[" * 200_000 + b"]" * 200_000 + b',"reports":[]}',
        b'{"reports":[],"nextToken":"\xff\xfe"}',
        b'{"reports":[],"nextToken":"\\ud800"}',
        b'{"reports":[{}]}',
        b"",
    ],
)
def test_json_that_is_none_is_a_bad_answer(body: bytes) -> None:
    r = rig(lambda _request: httpx2.Response(200, content=body))

    with pytest.raises(BadAnswer):
        asyncio.run(r.reports.discover_settlements(SINCE))


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("body", [b'{"x":' + b"[" * 200_000, b'{"access_token":"\xff"}', b'{"error":"\xff"}'])
def test_a_sign_in_answered_with_noise_ends_in_an_error_of_ours(status: int, body: bytes) -> None:
    r = rig(lambda _request: answer({}), login_answer=lambda _n: httpx2.Response(status, content=body))
    login: LoginWithAmazon = r.login

    with pytest.raises(MlConnectorError):
        asyncio.run(login.access_token())


def test_words_of_amazon_are_one_line_without_characters_that_no_database_takes() -> None:
    body = {"errors": [{"code": "Invalid\0\x1bInput", "message": "bad\0 \n proved: 9 of 9", "details": "\r\n x"}]}
    r = rig(lambda _request: httpx2.Response(400, content=json.dumps(body).encode()))

    with pytest.raises(RefusedByServer) as refused:
        asyncio.run(r.reports.get_report("1"))

    assert refused.value.words == "bad\ufffd proved: 9 of 9; x"
    assert refused.value.server_code == "InvalidInput"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/d",
        "https://127.0.0.1/d",
        "https://localhost/d",
        "https://10.0.0.7/d",
        "https://169.254.169.254/latest",
        "https://[::1]/d",
        "https://[fd00::1]/d",
        "https://0x7f.1/d",
        "https://2130706433/d",
        "https://intranet/d",
        "https://metadata.google.internal/d",
        "https://user:pw@documents.example/d",
    ],
)
def test_an_address_of_the_inner_network_is_not_fetched(url: str) -> None:
    fetched: list[str] = []

    def api(request: httpx2.Request) -> httpx2.Response:
        if "/documents/" in request.url.path:
            return answer({"reportDocumentId": "1", "url": url})
        fetched.append(str(request.url))
        return httpx2.Response(200, content=b"x")

    with pytest.raises(BadAnswer) as refused:
        asyncio.run(rig(api).documents.download("1", FileSink(BytesIO())))

    assert fetched == []
    assert url not in str(refused.value)


def test_a_rate_that_would_stop_us_for_ever_is_not_put_on_record() -> None:
    r = rig(lambda _request: answer({"reports": []}, headers={"x-amzn-ratelimit-limit": "0.0000000001"}))

    asyncio.run(r.reports.discover_settlements(SINCE))

    assert r.buckets.corrected == {}
