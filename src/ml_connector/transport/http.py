"""The HTTP client of every connector.

A connector says whether a request is a *read* (safe to repeat) or a *write* (may count): the HTTP method does not tell, since
some systems read by POST and add by GET. Reads are repeated here, with full-jitter back-off. Writes are sent once, never
follow a redirect, and end as an :class:`Answer`, :class:`NotSent` or :class:`Unknown` (DESIGN 5, "HTTP writes").
"""

from __future__ import annotations

import asyncio
import json as jsonlib
import logging
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from random import Random
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx2

from ml_connector.domain.clock import Clock
from ml_connector.domain.errors import BadAnswer, LimitExceeded, RateLimited, Unavailable, WrongUse
from ml_connector.domain.target import NotSent, Pass, PassRefused, Unknown

E = TypeVar("E", bound=BaseException)

#: The moment between "connected" and "first byte", as httpcore2 names it to a ``trace`` extension.
FIRST_BYTE: Final = "send_request_headers.started"

_BACKOFF_FIRST_S: Final = 0.5
_BACKOFF_MAX_S: Final = 30.0
_RETRY_AFTER_MAX_S: Final = 120.0
#: How an answer may be packed: once. Packed twice, a small answer unpacks to gigabytes before anybody can count.
_ENCODINGS: Final = frozenset({"", "identity", "gzip", "deflate"})
#: Escapes for what no database and no terminal takes: NUL, and halves of characters.
_UNSTORABLE_ESCAPES: Final = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")
#: Why there is no connection, where the machine says so.
_NO_CONNECTION: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (ssl.SSLCertVerificationError, "its certificate is not trusted"),
    (socket.gaierror, "its name is not known"),
    (ConnectionRefusedError, "connection refused"),
)
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})

# The library logs whole addresses (presigned ones are secrets) at INFO, and heads with their cookies at DEBUG.
for _library in ("httpx2", "httpcore2"):
    logging.getLogger(_library).setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. ``read_s`` is the longest silence, ``total_s`` bounds one whole exchange (a slow body included)."""

    connect_s: float = 10.0
    read_s: float = 120.0
    total_s: float = 300.0

    def extension(self) -> dict[str, float]:
        """For the ``timeout`` extension of a request that an auth flow makes itself (it inherits none)."""
        return {"connect": self.connect_s, "read": self.read_s, "write": self.read_s, "pool": self.total_s}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. Header names are lower-case; ``set_cookies`` keeps every Set-Cookie line as it came."""

    status: int
    # Bodies, cookies and addresses in headers may be secrets: a representation must be fit for any log.
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    set_cookies: tuple[str, ...] = field(default=(), repr=False)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON, fractions as Decimal. Raises :class:`BadAnswer` for anything else, NaN included."""
        try:
            return _storable(jsonlib.loads(self.body, parse_float=Decimal, parse_constant=_no_constant), self.body)
        except (ValueError, RecursionError) as error:
            raise BadAnswer(f"The answer (HTTP {self.status}) is not JSON.") from error


def _storable(value: Any, source: bytes) -> Any:
    """``value`` with U+FFFD for characters that no database takes; most answers hold none and are not walked through."""
    return _replaced(value) if _UNSTORABLE_ESCAPES.search(source) else value


def _replaced(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_replaced(name): _replaced(item) for name, item in value.items()}
    return [_replaced(item) for item in value] if isinstance(value, list) else value


def _no_constant(name: str) -> Any:
    raise ValueError(name)


@dataclass(slots=True)
class HttpClient:
    """One outside system. ``name`` is what error sentences call it.

    ``transport`` is the seam at which tests mount a simulator; ``ssl_context`` carries a connection's own CA. Redirects are
    never followed: a system that moved says so in its configuration.
    """

    name: str
    base_url: str
    clock: Clock
    random: Random
    transport: httpx2.AsyncBaseTransport | None = None
    ssl_context: ssl.SSLContext | None = None
    timeouts: Timeouts = field(default_factory=Timeouts)
    max_body_bytes: int = 64 * 1024 * 1024
    #: By how many seconds the server's clock was ahead of ours at its newest answer; None where it never said.
    clock_ahead_s: float | None = field(init=False, default=None)
    _client: httpx2.AsyncClient = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._client = httpx2.AsyncClient(
            transport=self.transport,
            verify=self.ssl_context if self.ssl_context is not None else True,
            timeout=httpx2.Timeout(
                connect=self.timeouts.connect_s,
                read=self.timeouts.read_s,
                write=self.timeouts.read_s,
                pool=self.timeouts.total_s,
            ),
            follow_redirects=False,
            # Sessions are each connector's own business: a jar would decide by rules of its own what travels with what.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            # A proxy of the environment must not swallow a system on this very machine.
            trust_env=urlsplit(self.base_url).hostname not in _LOOPBACK,
        )

    async def read(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        auth: httpx2.Auth | None = None,
        attempts: int = 4,
        patience_s: float = 0.0,
    ) -> Answer:
        """A request that is safe to repeat.

        Resets, time-outs, 5xx and 429 are tried again, ``attempts`` times in all, and for ``patience_s`` at least, in which a
        server may start; then :class:`Unavailable` or :class:`RateLimited`. Every other answer is returned: what a 4xx means is
        the connector's to say. A certificate that is not trusted is :class:`Unavailable` at once: a person has to do something
        first.
        """
        request = self._request(method, path, params, headers, content)
        ends = self.clock.monotonic() + patience_s
        attempt = 0
        while True:
            problem: Unavailable
            try:
                answer = await self._exchange(request, auth)
            except (httpx2.RequestError, TimeoutError) as error:
                if (doubt := _cause(error, ssl.SSLCertVerificationError)) is not None:
                    raise self._not_trusted(doubt) from error
                problem = Unavailable(f"{self.name} did not answer ({_what(error)}). Try again later.")
            else:
                if answer.status == 429:
                    problem = RateLimited(
                        f"{self.name} says that it is asked too often.", retry_after_s=self._retry_after_s(answer)
                    )
                elif answer.status >= 500:
                    problem = Unavailable(f"{self.name} is in trouble (HTTP {answer.status}). Try again later.")
                else:
                    return answer
            attempt += 1
            if attempt >= attempts and self.clock.monotonic() >= ends:
                raise problem
            await self.clock.sleep(self._backoff_s(attempt, problem))

    async def write(
        self,
        pass_: Pass,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        auth: httpx2.Auth | None = None,
    ) -> Answer | NotSent | Unknown:
        """A request that may count: sent once, after ``pass_.last_look()``, between connecting and the first byte.

        The answers 2xx to 4xx are returned, but 429: nothing was done (NotSent). A 5xx, a reset or a time-out after the first
        byte is Unknown. An auth flow may sign in beforehand; if it tries to send this request a second time, the pass
        refuses.
        """
        request = self._request(method, path, params, headers, content)
        sent = False

        async def trace(event: str, _info: object) -> None:
            nonlocal sent
            if event.endswith(FIRST_BYTE):
                pass_.last_look()
                sent = True

        request.extensions["trace"] = trace
        try:
            answer = await self._exchange(request, auth)
        except PassRefused as refused:
            return Unknown(f"sent once, then: {refused}") if sent else NotSent(str(refused))
        except (httpx2.RequestError, TimeoutError) as error:
            return Unknown(_what(error)) if sent else NotSent(_what(error))
        except LimitExceeded as error:
            return Unknown(str(error))
        if answer.status == 429:
            return NotSent("HTTP 429")
        if answer.status >= 500:
            return Unknown(f"HTTP {answer.status}")
        return answer

    async def stream(
        self,
        method: str,
        url: str,
        *,
        sink: Callable[[bytes], None],
        headers: Mapping[str, str] | None = None,
        max_bytes: int,
    ) -> Answer:
        """One try of a large download, raw bytes into ``sink`` as they come; ``url`` may be absolute; no sign-in is sent.

        Only a 2xx body goes to the sink; any other body is in the answer. Raises :class:`Unavailable` on a cut (the sink
        holds the beginning then) and :class:`LimitExceeded` beyond ``max_bytes``.
        """
        request = self._request(method, url, None, {"accept-encoding": "identity", **(headers or {})}, None)
        try:
            async with asyncio.timeout(self.timeouts.total_s * 4):
                response = await self._client.send(request, stream=True)
                try:
                    if not response.is_success:
                        return _answer(response, await self._body(response))
                    received = 0
                    async for piece in response.aiter_raw():
                        received += len(piece)
                        if received > max_bytes:
                            raise LimitExceeded(f"{self.name} sent more than {max_bytes} bytes in one download.")
                        sink(piece)
                    return _answer(response, b"")
                finally:
                    await response.aclose()
        except (httpx2.RequestError, TimeoutError) as error:
            raise Unavailable(f"A download from {self.name} was cut ({_what(error)}).") from error

    async def aclose(self) -> None:
        """Let go of every connection."""
        await self._client.aclose()

    def _request(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        content: bytes | None,
    ) -> httpx2.Request:
        url = path if "://" in path else self.base_url.rstrip("/") + path
        try:
            return self._client.build_request(method, url, params=params, headers=headers, content=content)
        except httpx2.InvalidURL:
            # Without its cause, which may repeat the address.
            raise WrongUse(f"The address of {self.name} cannot be used: check the connection.") from None

    def _not_trusted(self, doubt: ssl.SSLCertVerificationError) -> Unavailable:
        return Unavailable(
            f"The certificate of {self.name} is not trusted here ({doubt.verify_message}): check the address, and give the "
            "connection the authority that signed it (ca_pem).",
            code="not_trusted",
        )

    async def _exchange(self, request: httpx2.Request, auth: httpx2.Auth | None) -> Answer:
        async with asyncio.timeout(self.timeouts.total_s):
            response = await self._client.send(request, auth=auth, stream=True)
            try:
                answer = _answer(response, await self._body(response))
            finally:
                await response.aclose()
        said = _instant(answer.headers.get("date", ""))
        if said is not None:
            self.clock_ahead_s = (said - self.clock.now()).total_seconds()
        return answer

    async def _body(self, response: httpx2.Response) -> bytes:
        if response.headers.get("content-encoding", "identity").strip().lower() not in _ENCODINGS:
            raise httpx2.DecodingError("packed in a way that was not asked for", request=response.request)
        pieces = bytearray()
        async for piece in response.aiter_bytes():
            if len(pieces) + len(piece) > self.max_body_bytes:
                raise LimitExceeded(
                    f"{self.name} sent an answer of more than {self.max_body_bytes:,} bytes: none of its answers is that "
                    "large. See what stands at that address."
                )
            pieces += piece
        return bytes(pieces)

    def _backoff_s(self, attempt: int, problem: Unavailable) -> float:
        if isinstance(problem, RateLimited) and problem.retry_after_s is not None:
            return min(problem.retry_after_s, _RETRY_AFTER_MAX_S)
        ceiling: float = min(_BACKOFF_MAX_S, _BACKOFF_FIRST_S * 2**attempt)
        return self.random.uniform(0, ceiling)

    def _retry_after_s(self, answer: Answer) -> float | None:
        """Retry-After as seconds: a number, or an HTTP date against our clock."""
        value = answer.headers.get("retry-after", "").strip()
        if value.isascii() and value.isdigit() and len(value) <= 6:
            return float(value)
        until = _instant(value)
        return None if until is None else max(0.0, (until - self.clock.now()).total_seconds())


def _answer(response: httpx2.Response, body: bytes) -> Answer:
    return Answer(
        status=response.status_code,
        headers={name.lower(): value for name, value in response.headers.items()},
        body=body,
        set_cookies=tuple(response.headers.get_list("set-cookie")),
    )


def _instant(text: str) -> datetime | None:
    """An HTTP date; None for anything else."""
    try:
        instant = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return instant if instant.tzinfo is not None else None


def _cause(error: BaseException | None, kind: type[E]) -> E | None:
    """What the library wrapped, if it is of this kind."""
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error


def _what(error: BaseException) -> str:
    """The kind of transport trouble, in words, without addresses or bodies."""
    if isinstance(error, (TimeoutError, httpx2.TimeoutException)):
        return "time-out" if not isinstance(error, httpx2.ConnectTimeout) else "no connection in time"
    if isinstance(error, httpx2.ConnectError):
        return next((words for kind, words in _NO_CONNECTION if _cause(error, kind) is not None), "no connection")
    if isinstance(error, httpx2.DecodingError):
        return "its answer cannot be unpacked"
    return "connection broken"
