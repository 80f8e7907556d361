"""The network between a simulated process and a simulated server, each a node of its own.

The server's work runs as the process ``server``: it goes on when the client times out, is killed or is frozen, and its answer
finds nobody. What the line does to a request is drawn from the loop's seed.

Between ``last_look`` and the first byte there is no await here, as there is none in the real transport: what was let through
is on its way. From then on it belongs to the network, which may take as long as ``Line.late_s`` says.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any, Final

import httpx2

from ml_connector.conformance.loop import SimulationLoop, current_process
from ml_connector.sandbox.faults import ASGIApp

SERVER: Final = "server"

_FIRST_BYTE: Final = "http11.send_request_headers.started"
_KEY: Final = re.compile(rb'"Reference3":"([A-Z0-9-]+)"')


#: What a POST to is a write that may count, or enters what may count later.
_WRITTEN: Final = frozenset(
    {
        "JournalEntries",
        "$batch",
        "Drafts",
        "PaymentDrafts",
        "DraftsService_SaveDraftToDocument",
        "SaveDraftToDocument",
    }
)


class Traffic(StrEnum):
    """What a request is for."""

    SIGN_IN = "sign-in"
    READ = "read"
    WRITE = "write"


class LineFault(StrEnum):
    """What happens to one request."""

    REFUSED = "connection refused"
    SLOW_CONNECT = "no connection in time"
    RESET = "reset before the server saw it"
    ERROR_PAGE = "HTML error page, not handled"
    BUSY = "429, not handled"
    LOST_REPLY = "handled, reply lost"
    NO_REPLY = "handled, then silence"
    ERROR_AFTER_COMMIT = "handled, answered with 500"
    CUT_BODY = "handled, answer breaks off in its body"
    SLOW_BODY = "handled, answer in slow pieces"
    LATE = "line breaks, handled later"
    LATE_BETWEEN = "line breaks, handled between two later requests"
    LATE_BEHIND_PROXY = "a proxy gives up with 504, handled later"
    REFUSED_LONG = "refused, the address is too long"
    STRANGE_PAGE = "HTML page with 200, not handled"
    ENDLESS_BODY = "handled, answer without an end"
    SESSION_ENDED = "the session ends before it"


#: A sign-in needs no session, and only a look has an address that could be too long.
APPLY: Final[Mapping[Traffic, tuple[LineFault, ...]]] = {
    Traffic.SIGN_IN: tuple(
        fault for fault in LineFault if fault not in {LineFault.SESSION_ENDED, LineFault.REFUSED_LONG}
    ),
    Traffic.READ: tuple(LineFault),
    Traffic.WRITE: tuple(fault for fault in LineFault if fault is not LineFault.REFUSED_LONG),
}

#: Looks for so many documents may have too long an address (SAP dossier, section 9: the server's limit is not verified).
_MANY: Final = 3

_TURNED_AWAY: Final = frozenset(
    {LineFault.RESET, LineFault.ERROR_PAGE, LineFault.STRANGE_PAGE, LineFault.BUSY, LineFault.REFUSED_LONG}
)
_REFUSED_LONG: Final = b'{"error":{"code":"-1","message":"The request URI is too long."}}'
#: What a client has taken in when it gives up costs time to take in: little of it comes first, and then more than anybody takes.
_ENDLESS: Final = (b" " * 2**20, b" " * 2**26)
_HTML: Final = b"<html><body><h1>Proxy Error</h1></body></html>"


def late_at_most(settle_s: float) -> Callable[[Random, bytes], float]:
    """The server finishes within the settle window: soon, in its middle or at its very end."""

    def draw(random: Random, _content: bytes) -> float:
        first, last = random.choice(((0.0, 5.0), (5.0, settle_s / 2), (settle_s - 5.0, settle_s)))
        return random.uniform(first, last)

    return draw


def late_without_bound(settle_s: float) -> Callable[[Random, bytes], float]:
    """A change set with a claim may land hours later; anything else within the settle window."""
    within = late_at_most(settle_s)

    def draw(random: Random, content: bytes) -> float:
        if b"U_ML_LINK" in content and random.random() < 0.5:
            return random.uniform(settle_s, 20 * settle_s)
        return within(random, content)

    return draw


@dataclass(slots=True)
class Line:
    """How bad the network is. ``rate`` is the chance of a fault per read or sign-in, ``write_rate`` per write; ``kinds`` those that may happen; ``script``
    says what happens to coming writes before chance does. ``counts`` tells how often each was played."""

    rate: float = 0.0
    write_rate: float = 0.0
    late_s: Callable[[Random, bytes], float] = field(default_factory=lambda: late_at_most(600.0))
    kinds: Mapping[Traffic, tuple[LineFault, ...]] = field(default_factory=lambda: APPLY)
    script: list[LineFault | None] = field(default_factory=list)
    counts: Counter[tuple[Traffic, LineFault]] = field(default_factory=Counter)

    def draw(self, random: Random, traffic: Traffic, looked_for: int) -> LineFault | None:
        fault: LineFault | None = None
        rate = self.write_rate if traffic is Traffic.WRITE else self.rate
        if traffic is Traffic.WRITE and self.script:
            fault = self.script.pop(0)
        elif rate and random.random() < rate:
            fault = random.choice(self.kinds[traffic])
            if fault is LineFault.REFUSED_LONG and looked_for < _MANY:
                fault = None
        if fault is not None:
            self.counts[traffic, fault] += 1
        return fault


@dataclass(slots=True)
class Exchange:
    """One request that is on its way to the server."""

    request: httpx2.Request
    content: bytes
    traffic: Traffic
    answer: asyncio.Future[httpx2.Response]

    @property
    def keys(self) -> list[str]:
        """The document keys of a write."""
        return [key.decode() for key in _KEY.findall(self.content)] if self.traffic is Traffic.WRITE else []


@dataclass(slots=True, eq=False)
class _Waiting:
    """A request that the server has not handled. ``requests_left``: how many others come before it, 0 for any number."""

    exchange: Exchange
    requests_left: int
    admission: AbstractContextManager[None]
    finished: bool = False


@dataclass(slots=True)
class Network:
    """Everything between the processes and ``app``.

    ``sent`` is told of each request at its first byte, ``handled`` after the server has handled it; ``end_sessions`` is the
    server's own switch. ``admit`` lets a request in at its arrival: within what it returns, it is handled although its session
    may have ended since, for a server that is slow has checked the session first. ``chunked``: answers come without their length; ``bare_lists``: lists of entries without their lines.
    ``underway`` counts what was sent and not yet handled.
    """

    loop: SimulationLoop
    app: ASGIApp
    line: Line
    end_sessions: Callable[[], None]
    admit: Callable[[httpx2.Request], AbstractContextManager[None]]
    sent: Callable[[Exchange], None]
    handled: Callable[[Exchange], None]
    note: Callable[[str], None]
    chunked: bool = False
    bare_lists: bool = False
    underway: int = 0
    _waiting: list[_Waiting] = field(default_factory=list)

    def transport(self) -> SimulatedNode:
        """The transport of one client."""
        return SimulatedNode(self)

    def launch(self, exchange: Exchange, wait_s: float, *, before_request: int = 0) -> None:
        """From here on nothing that happens to the client reaches the request. It is handled after ``wait_s``, or just before
        that many other requests were handled."""
        self.underway += 1
        self.sent(exchange)
        waiting = _Waiting(exchange, before_request, self.admit(exchange.request))
        if before_request:
            self._waiting.append(waiting)
        self.loop.start(SERVER, self._serve(waiting, wait_s))

    def again(self, exchange: Exchange, wait_s: float) -> None:
        """Something in between sends a request once more, which the client knows nothing of."""
        self.underway += 1
        self.loop.start(SERVER, self._serve(_Waiting(exchange, 0, self.admit(exchange.request)), wait_s))

    async def _serve(self, waiting: _Waiting, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        for other in list(self._waiting):
            other.requests_left -= 1
            if other is not waiting and other.requests_left == 0:
                await self._finish(other)
        await self._finish(waiting)

    async def _finish(self, waiting: _Waiting) -> None:
        if waiting.finished:
            return
        waiting.finished = True
        if waiting in self._waiting:
            self._waiting.remove(waiting)
        exchange = waiting.exchange
        with waiting.admission:
            response = await self._handle(exchange.request, exchange.content)
        self.underway -= 1
        self.note(f"handled {exchange.traffic} {exchange.keys or exchange.request.url.path}: {response.status_code}")
        self.handled(exchange)
        if not exchange.answer.done():
            exchange.answer.set_result(response)

    async def _handle(self, request: httpx2.Request, content: bytes) -> httpx2.Response:
        body = bytearray()
        start: dict[str, Any] = {}

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                body.extend(message.get("body", b""))

        await self.app(_scope(request), receive, send)
        headers = [each for each in start.get("headers", []) if each[0] != b"content-length" or not self.chunked]
        whole = bytes(body)
        if self.bare_lists and request.method == "GET" and request.url.path.endswith("/JournalEntries") and whole:
            whole = _without_lines(whole)
            headers = [each for each in headers if each[0] != b"content-length"]
        return httpx2.Response(start["status"], headers=headers, stream=Body([whole]))


class SimulatedNode(httpx2.AsyncBaseTransport):
    """One client's way into the network."""

    def __init__(self, network: Network) -> None:
        self._network = network

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        network, random = self._network, self._network.loop.random
        content = await request.aread()
        traffic = _traffic(request)
        fault = network.line.draw(random, traffic, request.url.query.count(b"Reference3%20eq"))
        network.note(f"asks {traffic} {request.method} {request.url.path[-60:]}{f' ({fault})' if fault else ''}")
        await asyncio.sleep(random.uniform(0, 0.1))
        if fault is LineFault.REFUSED:
            raise httpx2.ConnectError("refused")
        if fault is LineFault.SLOW_CONNECT:
            await asyncio.sleep(request.extensions["timeout"]["connect"])
            raise httpx2.ConnectTimeout("no connection")
        trace = request.extensions.get("trace")
        if trace is not None:
            await trace(_FIRST_BYTE, {"request": request})
        return await self._exchange(Exchange(request, content, traffic, network.loop.create_future()), fault)

    async def aclose(self) -> None:
        await asyncio.sleep(0)

    async def _exchange(self, exchange: Exchange, fault: LineFault | None) -> httpx2.Response:
        """After the first byte. Nothing is awaited before the request is the network's."""
        network, random = self._network, self._network.loop.random
        read_s = float(exchange.request.extensions["timeout"]["read"])
        if fault in _TURNED_AWAY:
            network.sent(exchange)
            await asyncio.sleep(random.uniform(0, 0.2))
            return _turned_away(fault)
        if fault is LineFault.SESSION_ENDED:
            network.end_sessions()
        late = fault in {LineFault.LATE, LineFault.LATE_BETWEEN, LineFault.LATE_BEHIND_PROXY}
        wait_s = network.line.late_s(random, exchange.content) if late else random.uniform(0, 0.2)
        network.launch(exchange, wait_s, before_request=random.randint(1, 4) if fault is LineFault.LATE_BETWEEN else 0)
        if late:
            # The line breaks when it likes, and at the latest when the client gives up.
            await asyncio.sleep(random.choice((random.uniform(0, 2), random.uniform(2, read_s), read_s)))
            if fault is LineFault.LATE_BEHIND_PROXY:
                return httpx2.Response(504, headers={"content-type": "text/html"}, stream=Body([_HTML]))
            raise httpx2.ReadTimeout("no answer")
        done, _ = await asyncio.wait({exchange.answer}, timeout=read_s)
        if not done:
            raise httpx2.ReadTimeout("no answer")
        return await self._answered(exchange.answer.result(), fault, read_s)

    async def _answered(self, response: httpx2.Response, fault: LineFault | None, read_s: float) -> httpx2.Response:
        """The server has done its work; this is what the client learns of it."""
        random = self._network.loop.random
        body = response.stream
        assert isinstance(body, Body)
        match fault:
            case LineFault.LOST_REPLY:
                raise httpx2.RemoteProtocolError("the connection broke before the answer")
            case LineFault.NO_REPLY:
                await asyncio.sleep(read_s)
                raise httpx2.ReadTimeout("no answer")
            case LineFault.ERROR_AFTER_COMMIT:
                return httpx2.Response(500, stream=Body([b""]))
            case LineFault.CUT_BODY:
                body.pieces = [body.pieces[0][: len(body.pieces[0]) // 2]]
                body.breaks = True
            case LineFault.ENDLESS_BODY:
                body.pieces = [*_ENDLESS]
                response.headers.pop("content-length", None)  # what has no end has no length
            case LineFault.SLOW_BODY:
                half = len(body.pieces[0]) // 2
                body.pieces = [body.pieces[0][:half], body.pieces[0][half:]]
                body.pause_s = random.uniform(1, read_s / 2)
        return response


class Body(httpx2.AsyncByteStream):
    """An answer's body as it comes over the line."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces
        self.pause_s = 0.0
        self.breaks = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            await asyncio.sleep(self.pause_s)
            yield piece
        if self.breaks:
            raise httpx2.RemoteProtocolError("the connection broke in the body")

    async def aclose(self) -> None:
        await asyncio.sleep(0)


def _without_lines(body: bytes) -> bytes:
    data = json.loads(body)
    for entry in data.get("value", ()):
        if "JournalEntryLines" in entry:
            entry["JournalEntryLines"] = []
    return json.dumps(data).encode()


def _turned_away(fault: LineFault) -> httpx2.Response:
    """The server never saw it."""
    match fault:
        case LineFault.ERROR_PAGE:
            return httpx2.Response(502, headers={"content-type": "text/html"}, stream=Body([_HTML]))
        case LineFault.BUSY:
            return httpx2.Response(429, headers={"retry-after": "3"}, stream=Body([b""]))
        case LineFault.STRANGE_PAGE:
            return httpx2.Response(200, headers={"content-type": "text/html"}, stream=Body([_HTML]))
        case LineFault.REFUSED_LONG:
            return httpx2.Response(414, headers={"content-type": "application/json"}, stream=Body([_REFUSED_LONG]))
        case _:
            raise httpx2.ReadError("reset")


def _traffic(request: httpx2.Request) -> Traffic:
    resource = request.url.path.rpartition("/")[2]
    if resource == "Login":
        return Traffic.SIGN_IN
    return Traffic.WRITE if request.method == "POST" and resource in _WRITTEN else Traffic.READ


def _scope(request: httpx2.Request) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": request.url.raw_path.split(b"?")[0],
        "query_string": request.url.query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": ("127.0.0.1", 1),
        "server": (request.url.host, request.url.port),
    }


__all__ = ["APPLY", "SERVER", "Exchange", "Line", "LineFault", "Network", "SimulatedNode", "Traffic", "current_process"]
