"""What the Amazon room is lent by its caller, in memory, and an Amazon that answers from a list."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any
from urllib.parse import parse_qs

import httpx2
import msgspec

from ml_connector.amazon.auth import Credentials, LoginWithAmazon
from ml_connector.amazon.client import AmazonClient, user_agent
from ml_connector.amazon.documents import Documents
from ml_connector.amazon.reports import Reports
from ml_connector.domain.clock import Clock
from ml_connector.transport.auth import Token
from ml_connector.transport.bucket import Bucket
from ml_connector.transport.http import HttpClient
from tests.support.clock import FakeClock

API = "https://sellingpartnerapi-na.amazon.com"
TOKEN_URL = "https://api.amazon.com/auth/o2/token"
CREDENTIALS = Credentials("amzn1.application-oa2-client.test", "amzn1.oa2-cs.v1.canary", "Atzr|canary-refresh")
ACCOUNT = "A1SELLER@na"


class MemoryTokens:
    """A token store that forgets at the end of the test."""

    def __init__(self) -> None:
        self.kept: dict[str, Token] = {}

    async def load(self, name: str) -> Token | None:
        return self.kept.get(name)

    async def save(self, name: str, token: Token) -> None:
        self.kept[name] = token


class MemoryBuckets:
    """Buckets with the real arithmetic. ``journal`` lists what happened to them, in order."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.buckets: dict[tuple[str, str], Bucket] = {}
        self.corrected: dict[tuple[str, str], float] = {}
        self.journal: list[str] = []

    async def take(self, account: str, operation: str, rate_per_s: float, burst: int) -> float:
        key = (account, operation)
        rate = self.corrected.get(key, rate_per_s)
        bucket = self.buckets.get(key) or Bucket(float(burst), self._clock.now(), rate, burst)
        self.buckets[key], wait_s = bucket.take(self._clock.now())
        if wait_s == 0:
            self.journal.append(f"debit {operation}")
        return wait_s

    async def correct(self, account: str, operation: str, rate_per_s: float) -> None:
        key = (account, operation)
        self.corrected[key] = rate_per_s
        now = self._clock.now()
        self.buckets[key] = replace(self.buckets[key].refilled(now), rate_per_s=rate_per_s)
        self.journal.append(f"correct {operation} {rate_per_s}")

    async def drain(self, account: str, operation: str) -> None:
        key = (account, operation)
        self.buckets[key] = self.buckets[key].drained(self._clock.now())
        self.journal.append(f"drain {operation}")


Handler = Callable[[httpx2.Request], httpx2.Response]


@dataclass
class Amazon:
    """An Amazon whose token endpoint issues ``Atza|1``, ``Atza|2``, ... and whose API does what ``api`` says."""

    api: Handler
    clock: FakeClock
    login_answer: Callable[[int], httpx2.Response] | None = None
    token_life_s: int = 3600
    exchanges: list[dict[str, str]] = field(default_factory=list)
    requests: list[httpx2.Request] = field(default_factory=list)
    journal: list[str] = field(default_factory=list)

    def transport(self) -> httpx2.MockTransport:
        async def handle(request: httpx2.Request) -> httpx2.Response:
            await asyncio.sleep(0)  # a network lets others run meanwhile
            if str(request.url) == TOKEN_URL:
                return self._login(request)
            if (trace := request.extensions.get("trace")) is not None:
                await trace("http11.send_request_headers.started", {})
            self.requests.append(request)
            self.journal.append(f"send {request.url.path}")
            return self.api(request)

        return httpx2.MockTransport(handle)

    def _login(self, request: httpx2.Request) -> httpx2.Response:
        self.exchanges.append({name: values[0] for name, values in parse_qs(request.content.decode()).items()})
        number = len(self.exchanges)
        if self.login_answer is not None:
            return self.login_answer(number)
        return answer(
            {
                "access_token": f"Atza|{number}",
                "refresh_token": CREDENTIALS.refresh_token,
                "expires_in": self.token_life_s,
            }
        )


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> httpx2.Response:
    """An answer of the API."""
    return httpx2.Response(
        status, headers={"x-amzn-requestid": "req-1", **(headers or {})}, content=msgspec.json.encode(body)
    )


def error(status: int, code: str, details: str = "", message: str = "words") -> httpx2.Response:
    """A refusal of the API."""
    return answer({"errors": [{"code": code, "message": message, "details": details}]}, status)


@dataclass
class Rig:
    """One selling account wired to an :class:`Amazon`."""

    amazon: Amazon
    clock: FakeClock
    tokens: MemoryTokens
    buckets: MemoryBuckets
    new_refresh_tokens: list[str]
    login: LoginWithAmazon
    client: AmazonClient
    downloads: HttpClient

    @property
    def documents(self) -> Documents:
        return Documents(self.client, self.downloads, self.clock, Random(3))

    @property
    def reports(self) -> Reports:
        return Reports(self.client, self.documents, self.clock)


def rig(api: Handler, **amazon_settings: Any) -> Rig:
    """A client over a mock of Amazon, with time that stands still."""
    clock = FakeClock()
    amazon = Amazon(api, clock, **amazon_settings)
    transport = amazon.transport()
    tokens, buckets = MemoryTokens(), MemoryBuckets(clock)
    buckets.journal = amazon.journal
    new_refresh_tokens: list[str] = []

    async def on_new(token: str) -> None:
        new_refresh_tokens.append(token)

    def http(name: str, url: str) -> HttpClient:
        return HttpClient(name, url, clock, Random(1), transport=transport)

    agent = user_agent("1.2.3")
    login = LoginWithAmazon(
        http("Login with Amazon", TOKEN_URL), CREDENTIALS, tokens, clock, user_agent=agent, on_new_refresh_token=on_new
    )
    client = AmazonClient(http("Amazon", API), login, buckets, ACCOUNT, clock, Random(2), agent)
    return Rig(amazon, clock, tokens, buckets, new_refresh_tokens, login, client, http("Amazon's document store", API))
