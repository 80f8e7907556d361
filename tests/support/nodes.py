"""A simulated system as a node of its own: between it and the client there is a network, not a call.

The web framework's plain in-process transport cancels the server together with the client and ignores time-outs. Here the
server's work is a task of its own: a client that times out, is cancelled or dies leaves it running, as a real one would.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, Protocol

import httpx2

from ml_connector.sandbox.faults import ASGIApp, ConnectionBroken, Message, Scope

Within = Callable[["asyncio.Future[Any]", float | None], Awaitable[None]]
"""Wait until a future is done, at most so many seconds (None: for ever), then raise TimeoutError. Never cancels it."""


class Sleeper(Protocol):
    async def sleep(self, seconds: float) -> None: ...


async def loop_within(future: asyncio.Future[Any], seconds: float | None) -> None:
    """Time-outs on the event loop's own time (virtual, where the loop is)."""
    done, _ = await asyncio.wait([future], timeout=seconds)
    if not done:
        raise TimeoutError


def clock_within(clock: Sleeper) -> Within:
    """Time-outs on an injected clock."""

    async def within(future: asyncio.Future[Any], seconds: float | None) -> None:
        if seconds is None:
            await asyncio.wait([future])
            return
        alarm = asyncio.ensure_future(clock.sleep(seconds))
        await asyncio.wait([future, alarm], return_when=asyncio.FIRST_COMPLETED)
        alarm.cancel()
        if not future.done():
            raise TimeoutError

    return within


class NodeTransport(httpx2.AsyncBaseTransport):
    """Mounts an ASGI app as a node.

    ``within`` measures the request's time-outs (httpx2's ``read`` value, for headers and for each piece of the body).
    ``spawn`` starts the server's work; ``work`` holds what has not ended. Before anything reaches the node, the request's
    ``trace`` extension is awaited with ``http11.send_request_headers.started``, exactly where the real transport does.
    A defect of the app (any exception but ConnectionBroken) reaches the client as it is, so that tests fail loudly.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        within: Within = loop_within,
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]] = asyncio.create_task,
    ) -> None:
        self._app = app
        self._within = within
        self._spawn = spawn
        self.work: set[asyncio.Task[None]] = set()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        content = await request.aread()
        trace = request.extensions.get("trace")
        if trace is not None:
            await trace("http11.send_request_headers.started", {"request": request})
        exchange = _Exchange(content)
        task = self._spawn(exchange.run(self._app, _scope(request)))
        self.work.add(task)
        task.add_done_callback(self.work.discard)
        read_s = request.extensions.get("timeout", {}).get("read")
        await _wait(self._within, exchange.started, read_s, request)
        start = exchange.started.result()
        return httpx2.Response(
            start["status"],
            headers=start.get("headers", []),
            stream=_Body(exchange, self._within, read_s, request),
            extensions={"http_version": b"HTTP/1.1"},
        )

    async def settle(self) -> None:
        """Wait until the node has finished everything it was asked."""
        while self.work:
            await asyncio.gather(*self.work)


class _Exchange:
    """One request on its way through the app; what the app sends is kept for whoever still listens."""

    def __init__(self, content: bytes) -> None:
        loop = asyncio.get_running_loop()
        self.started: asyncio.Future[Message] = loop.create_future()
        self._pieces: deque[bytes | Exception | None] = deque()
        self._wanted: asyncio.Future[None] | None = None
        self._incoming: list[Message] = [{"type": "http.request", "body": content, "more_body": False}]

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        try:
            await app(scope, self._receive, self._send)
        except Exception as broken:  # noqa: BLE001 - every end of the app travels to the client
            self._fail(broken)
        else:
            self._fail(ConnectionBroken("the app ended without an answer"))

    async def _receive(self) -> Message:
        if self._incoming:
            return self._incoming.pop()
        nothing_more: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        return await nothing_more

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started.set_result(message)
        elif message["type"] == "http.response.body":
            if message.get("body"):
                self._arrived(message["body"])
            if not message.get("more_body", False):
                self._arrived(None)

    def _fail(self, broken: Exception) -> None:
        """Only the first end counts: after a whole answer this is never read."""
        if not self.started.done():
            self.started.set_exception(broken)
            self.started.exception()  # looked at: a client that has gone leaves no warning behind
        self._arrived(broken)

    def _arrived(self, piece: bytes | Exception | None) -> None:
        self._pieces.append(piece)
        if self._wanted is not None and not self._wanted.done():
            self._wanted.set_result(None)

    async def next_piece(self, wait: Callable[[asyncio.Future[Any]], Awaitable[None]]) -> bytes | Exception | None:
        """A piece of the body, None at its end, or what broke the line."""
        if not self._pieces:
            self._wanted = asyncio.get_running_loop().create_future()
            await wait(self._wanted)
        return self._pieces.popleft()


class _Body(httpx2.AsyncByteStream):
    def __init__(self, exchange: _Exchange, within: Within, read_s: float | None, request: httpx2.Request) -> None:
        self._exchange = exchange
        self._within = within
        self._read_s = read_s
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            piece = await self._exchange.next_piece(self._wait)
            if piece is None:
                return
            if isinstance(piece, Exception):
                raise _as_seen(piece, self._request)
            yield piece

    async def _wait(self, future: asyncio.Future[Any]) -> None:
        await _wait(self._within, future, self._read_s, self._request)


async def _wait(within: Within, future: asyncio.Future[Any], seconds: float | None, request: httpx2.Request) -> None:
    try:
        await within(future, seconds)
    except TimeoutError:
        raise httpx2.ReadTimeout("the node did not answer in time", request=request) from None
    failed = future.exception()
    if failed is not None:
        raise _as_seen(failed, request)


def _as_seen(failed: BaseException, request: httpx2.Request) -> BaseException:
    """What the client sees of the node's end: a broken line, or the defect itself."""
    if isinstance(failed, ConnectionBroken):
        return httpx2.RemoteProtocolError("the node broke the connection", request=request)
    return failed


def _scope(request: httpx2.Request) -> Scope:
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
        "client": ("127.0.0.1", 50000),
        "server": (request.url.host, request.url.port),
    }
