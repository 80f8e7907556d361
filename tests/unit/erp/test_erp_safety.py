"""What a hostile Service Layer, or a slip at the keyboard, cannot make of the SAP connector."""

import asyncio
import gzip
import json

import httpx2
import pytest

from ml_connector.domain.errors import SignInFailed, WrongUse
from ml_connector.erp.sap_business_one.config import FORM
from ml_connector.erp.sap_business_one.errors import parse_error
from tests.support.sap import SECRETS, ScriptedServiceLayer, connected, error

SIGN_IN = {"base_url": "https://erp.example:50000/b1s/v2", "company_db": "C", "username": "u"}


@pytest.mark.parametrize(
    "address",
    [
        "https://:canary-pw@erp.example/b1s/v2",
        "https://user:canary-pw@erp.example/b1s/v2",
        "https://[canary-pw/b1s/v2",
        "https://erp.example:99999/b1s/v2",
        "https://erp example/b1s/v2",
        "https://erp.example/b1s/v2?p=canary-pw",
    ],
)
def test_an_address_that_cannot_be_one_or_carries_credentials_is_refused_unrepeated(address: str) -> None:
    with pytest.raises(WrongUse) as refused:
        FORM.clean({**SIGN_IN, "base_url": address}, {"password": "p"})

    assert "canary-pw" not in str(refused.value)


def test_words_of_sap_hold_nothing_that_no_database_takes() -> None:
    body = rb'{"error":{"code":-5002,"message":{"value":"bad \u0000 \ud83d words"}}}'

    found = parse_error(400, body)

    assert found is not None
    assert found.words == "bad \ufffd \ufffd words"


@pytest.mark.parametrize(
    "body", [b'{"error":' * 100_000, b"[" * 100_000, b"1" * 10_000, b'{"error":{"code":1,"message":NaN}}']
)
def test_an_error_body_that_is_none_is_no_envelope(body: bytes) -> None:
    assert parse_error(400, body) is None


def test_words_of_sap_show_no_session() -> None:
    body = json.dumps({"error": {"code": 301, "message": "Unknown session B1SESSION=canary-5e55; try again"}}).encode()

    found = parse_error(401, body)

    assert found is not None
    assert "canary-5e55" not in found.words


def test_a_server_that_repeats_the_password_in_its_refusal_does_not_spread_it() -> None:
    class Echo(ScriptedServiceLayer):
        def post_login(self, request: httpx2.Request) -> httpx2.Response:
            return error(401, 100000027, f"Fail to login: {json.loads(request.content)['Password']}")

    with pytest.raises(SignInFailed, match="Fail to login") as refused:
        asyncio.run(connected(Echo()))

    assert SECRETS["password"] not in str(refused.value)


def test_a_short_error_that_unpacks_to_much_is_not_unpacked_by_the_sign_in_flow() -> None:
    # given: two layers of gzip, 64 MiB in some hundred bytes, announced as a short error
    bomb = gzip.compress(gzip.compress(bytes(64 << 20)))

    class Bomb(ScriptedServiceLayer):
        def get_currencies(self, _request: httpx2.Request) -> httpx2.Response:
            headers = {"content-encoding": "gzip, gzip", "content-length": str(len(bomb))}
            return httpx2.Response(400, headers=headers, stream=httpx2.ByteStream(bomb))

    # when, then
    with pytest.raises(Exception, match="cannot be unpacked"):
        asyncio.run(connected(Bomb()))
