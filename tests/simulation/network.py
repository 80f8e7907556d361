"""The network between a simulated process and a simulated server, each a node of its own.

The server's work runs as the process ``server``: it goes on when the client times out, is killed or is frozen, and its answer
finds nobody. What the line does to a request is drawn from the loop's seed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import httpx2

from tests.simulation.loop import SimulationLoop

ASGIApp = Callable[
    [MutableMapping[str, Any], Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]
]

SERVER = "server"


class LineFault(StrEnum):
    """What the line does to one request."""

    NONE = "none"
    REFUSED = "connection refused"
    RESET = "reset before the server saw it"
    LOST_REPLY = "handled, reply lost"
    LATE = "handled after the client gave up"
    ERROR_PAGE = "HTML error page, not handled"
    BUSY = "429, not handled"
    UNKNOWN_500 = "handled, answered with 500"


@dataclass(slots=True)
class Line:
    """How bad the network is. ``late_s`` is the longest that an accepted request may lie before it is handled; ``rate`` the
    chance of a fault per request. ``counts`` says how often each fault was played."""

    rate: float
    late_s: float
    counts: Counter[LineFault] = field(default_factory=Counter)


class SimulatedNode(httpx2.AsyncBaseTransport):
    """The transport of a client in the simulation."""

    def __init__(self, loop: SimulationLoop, app: ASGIApp, line: Line) -> None:
        self._loop = loop
        self._app = app
        self._line = line

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        content = await request.aread()
        fault = self._draw()
        await asyncio.sleep(self._loop.random.uniform(0, 0.2))
        if fault is LineFault.REFUSED:
            raise httpx2.ConnectError("refused")
        trace = request.extensions.get("trace")
        if trace is not None:
            await trace("http11.send_request_headers.started", {})
        await asyncio.sleep(self._loop.random.uniform(0, 0.2))
        match fault:
            case LineFault.RESET:
                raise httpx2.ReadError("reset")
            case LineFault.ERROR_PAGE:
                return httpx2.Response(502, headers={"content-type": "text/html"}, content=b"<html>Proxy Error</html>")
            case LineFault.BUSY:
                return httpx2.Response(429, content=b"")
        wait_s = self._loop.random.uniform(0, self._line.late_s) if fault is LineFault.LATE else 0.0
        answer: asyncio.Future[httpx2.Response] = self._loop.create_future()
        self._loop.start(SERVER, self._serve(request, content, wait_s, answer))
        read_s = request.extensions.get("timeout", {}).get("read") or 120.0
        done, _ = await asyncio.wait({answer}, timeout=read_s)
        if not done:
            raise httpx2.ReadTimeout("no answer")
        if fault in {LineFault.LOST_REPLY, LineFault.LATE}:
            raise httpx2.RemoteProtocolError("the connection broke before the answer")
        if fault is LineFault.UNKNOWN_500:
            return httpx2.Response(500, content=b"")
        return answer.result()

    def _draw(self) -> LineFault:
        fault = LineFault.NONE
        if self._loop.random.random() < self._line.rate:
            fault = self._loop.random.choice([each for each in LineFault if each is not LineFault.NONE])
        self._line.counts[fault] += 1
        return fault

    async def _serve(
        self, request: httpx2.Request, content: bytes, wait_s: float, answer: asyncio.Future[httpx2.Response]
    ) -> None:
        """The server's side: nothing that happens to the client reaches it."""
        await asyncio.sleep(wait_s)
        body = bytearray()
        start: dict[str, Any] = {}

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                body.extend(message.get("body", b""))

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": request.url.path,
            "raw_path": request.url.raw_path.split(b"?")[0],
            "query_string": request.url.query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        await self._app(scope, receive, send)
        if not answer.done():
            answer.set_result(
                httpx2.Response(
                    start["status"],
                    headers=[(n.decode(), v.decode()) for n, v in start.get("headers", [])],
                    content=bytes(body),
                )
            )
