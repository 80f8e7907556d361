"""What can go wrong, and when: fault kinds, the plan that says when, and the wrapper that breaks the line.

A plan is data (a TOML list) and deterministic: occasions are counted, chances are drawn from the fault's own seed. Faults
of the line are played by :func:`faulty`, around any system; faults of a system's inside are asked for by that system.
"""

from __future__ import annotations

import asyncio
import random
import tomllib
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ml_connector.sandbox.clock import WorldClock

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

LINE_FAULTS: Mapping[str, str] = {
    "lost_reply": "The request is handled completely, then the connection breaks before the answer.",
    "late": "The request lies in the network for `seconds` (default 300) and is handled after the client has given up.",
    "held_reply": "The request is handled at once, its answer is held back for `seconds` (default 1).",
    "reset": "The connection breaks before the request is handled.",
    "http_429": "The request is refused with 429 and not handled.",
    "http_500": "The request is refused with 500 and not handled.",
    "http_503": "The request is refused with 503 and not handled.",
    "error_after_commit": "The request is handled, but the answer is a 500.",
    "html_error": "Something in front of the system answers with an HTML page (`status`, default 502); not handled.",
    "slow_body": "The answer's body comes in pieces over `seconds` (default 60).",
    "truncated_body": "The answer's body breaks off in the middle.",
}
SYSTEM_FAULTS: Mapping[str, str] = {
    "expired_session": "The session or access token in use ends now, although its time is not over.",
    "revoked_token": "The permission behind the credentials is withdrawn.",
    "partial_batch": "Of a batch, only the parts before the failing one take effect, or none, as the system's rules say.",
    "closed_period": "The accounting period of the document is closed at this moment.",
    "person_edits": "A person changes the document that was just written.",
    "person_cancels": "A person cancels or reverses the document that was just written.",
    "clock_skew": "The system's clock is wrong by `seconds` (may be negative), from start to end.",
    "expired_address": "The address of a document is over before its time, and the storage refuses it.",
    "truncated_gzip": "A compressed document is cut in the middle, in an answer that looks complete.",
    "rotated_secret": "The client secret is replaced at this moment, and the old one refused from now on.",
    "empty_page": "A page of a list holds nothing, and a token for the next one.",
    "repeated_token": "A page's token is the one that led to it: whoever follows it goes in a circle.",
}


class ConnectionBroken(Exception):
    """Raised out of an ASGI app: the connection ends here, with whatever was sent so far. A fault, not a defect."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of a plan.

    ``operation`` is a pattern with ``*``. ``nth`` counts matching occasions from 1; ``probability`` draws at each of them;
    with neither it always happens. Once it happens it goes on for ``count`` matching occasions in a row.
    ``seconds`` is virtual time; ``status`` an HTTP status; 0 means the kind's default.
    """

    system: str
    operation: str
    kind: str
    nth: int | None = None
    probability: float | None = None
    count: int = 1
    seed: int = 0
    seconds: float = 0.0
    status: int = 0


class FaultPlan:
    """The faults of a world, with their counters."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._entries = [_Entry(fault, index) for index, fault in enumerate(faults)]

    @classmethod
    def load(cls, path: Path) -> FaultPlan:
        """Read a TOML file of ``[[faults]]`` tables. Raises ValueError with a sentence about the entry that is wrong."""
        return cls.of(read_toml(path))

    @classmethod
    def of(cls, document: Mapping[str, object]) -> FaultPlan:
        """From parsed TOML: ``{"faults": [{system, operation, fault, nth | probability, ...}, ...]}``."""
        unknown = set(document) - {"faults"}
        if unknown:
            raise ValueError(
                f"a fault plan is a list of [[faults]] tables, and this one has {', '.join(sorted(unknown))}"
            )
        entries = document.get("faults", [])
        if not isinstance(entries, list):
            raise ValueError("a fault plan is a list of [[faults]] tables")
        return cls([_fault(number, entry) for number, entry in enumerate(entries, start=1)])

    def of_system(self, system: str) -> SystemFaults:
        """What one system may ask."""
        return SystemFaults(self._entries, system)

    def skew_s(self, system: str) -> float:
        """By how many seconds the system's clock is wrong (fault ``clock_skew``)."""
        return sum(
            entry.fault.seconds
            for entry in self._entries
            if entry.fault.kind == "clock_skew" and fnmatchcase(system, entry.fault.system)
        )


class SystemFaults:
    """The plan as one system sees it."""

    def __init__(self, entries: Sequence[_Entry], system: str) -> None:
        self._entries = [
            entry for entry in entries if fnmatchcase(system, entry.fault.system) and entry.fault.kind != "clock_skew"
        ]

    def ask(self, operation: str, *kinds: str) -> Fault | None:
        """Does one of ``kinds`` (all inner kinds, when none is named) happen to this ``operation`` now?

        Asking is an occasion and is counted, so a system asks once per request and kind.
        """
        wanted = kinds or tuple(SYSTEM_FAULTS)
        happening = [
            entry.fault
            for entry in self._entries
            if entry.fault.kind in wanted and fnmatchcase(operation, entry.fault.operation) and entry.happens()
        ]
        return happening[0] if happening else None


class _Entry:
    def __init__(self, fault: Fault, index: int) -> None:
        self.fault = fault
        self._random = random.Random(f"{fault.seed}:{index}")  # noqa: S311 - a game, not a secret
        self._seen = 0
        self._left = 0

    def happens(self) -> bool:
        """Count one matching occasion. Every entry counts every occasion, so plans do not disturb each other."""
        fault = self.fault
        self._seen += 1
        if self._left > 0:
            self._left -= 1
            return True
        if fault.nth is not None:
            starts = self._seen == fault.nth
        elif fault.probability is not None:
            starts = self._random.random() < fault.probability
        else:
            return True
        if starts:
            self._left = fault.count - 1
        return starts


def list_faults() -> list[tuple[str, str]]:
    """Every fault kind with one sentence, in the order of this page."""
    return [*LINE_FAULTS.items(), *SYSTEM_FAULTS.items()]


_FIELD_TYPES: Mapping[str, tuple[type, ...]] = {
    "system": (str,),
    "operation": (str,),
    "nth": (int,),
    "probability": (int, float),
    "count": (int,),
    "seed": (int,),
    "seconds": (int, float),
    "status": (int,),
}


def _fault(number: int, entry: object) -> Fault:
    if not isinstance(entry, Mapping):
        raise ValueError(f"fault {number} is not a table")
    given = dict(entry)
    kind = given.pop("fault", None)
    if kind not in LINE_FAULTS and kind not in SYSTEM_FAULTS:
        raise ValueError(f"fault {number}: there is no fault {kind!r}")
    for name, value in given.items():
        if name not in _FIELD_TYPES or isinstance(value, bool) or not isinstance(value, _FIELD_TYPES[name]):
            raise ValueError(f"fault {number}: {name} = {value!r} is not understood")
    if "nth" in given and "probability" in given:
        raise ValueError(f"fault {number}: name nth or probability, not both")
    return Fault(system=given.pop("system", "*"), operation=given.pop("operation", "*"), kind=str(kind), **given)


def read_toml(path: Path) -> dict[str, object]:
    """What a TOML file holds. Raises ValueError naming a file that is none."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, RecursionError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path} is no TOML: {error}") from error


@dataclass(frozen=True, slots=True)
class Refusal:
    """How a system words an error that is not about the request: 429, 500, 503."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


def plain_refusal(status: int) -> Refusal:
    """For systems that answer such errors without a body of their own form."""
    return Refusal(status, b"", "text/plain")


_BODY_MAX_BYTES = 64 * 1024 * 1024
_HTML = b"<!DOCTYPE html>\n<html><head><title>Error</title></head><body><h1>The request could not be served.</h1></body></html>\n"


def faulty(
    app: ASGIApp,
    faults: SystemFaults,
    clock: WorldClock,
    operation: Callable[[str, str], str],
    refusal: Callable[[int], Refusal],
    refusals: Mapping[str, Callable[[int], Refusal]] | None = None,
) -> ASGIApp:
    """``app`` behind a line on which the faults of the line happen. ``refusals`` words the operations that it names.

    The request's body is taken in whole before anything else: what is handled later must not need the client any more.
    """

    async def line(scope: Scope, receive: Receive, send: Send) -> None:
        name = operation(scope["method"], scope["path"])
        fault = faults.ask(name, *LINE_FAULTS)
        body = await _whole_body(receive)
        if fault is None:
            await app(scope, _once(body), send)
            return
        await _play(fault, app, (scope, body, send), clock, (refusals or {}).get(name, refusal))

    return line


async def _play(
    fault: Fault,
    app: ASGIApp,
    exchange: tuple[Scope, bytes, Send],
    clock: WorldClock,
    refusal: Callable[[int], Refusal],
) -> None:
    scope, body, send = exchange
    match fault.kind:
        case "reset":
            await _break(send)
        case "late":
            await clock.sleep(fault.seconds or 300.0)
            await app(scope, _once(body), send)
        case "http_429" | "http_500" | "http_503":
            await _refuse(send, refusal(int(fault.kind.removeprefix("http_"))))
        case "html_error":
            await _refuse(send, Refusal(fault.status or 502, _HTML, "text/html"))
        case _:
            kept = _Kept()
            await app(scope, _once(body), kept.send)
            await _answer_badly(fault, kept, send, clock, refusal)


async def _answer_badly(
    fault: Fault, kept: _Kept, send: Send, clock: WorldClock, refusal: Callable[[int], Refusal]
) -> None:
    """The request took effect; what remains is to spoil its answer."""
    match fault.kind:
        case "lost_reply":
            await _break(send)
        case "error_after_commit":
            await _refuse(send, refusal(500))
        case "held_reply":
            await clock.sleep(fault.seconds or 1.0)
            await kept.replay(send, [kept.body])
        case "slow_body":
            pieces = _pieces(kept.body, 6)
            await kept.replay(send, pieces, pause=lambda: clock.sleep((fault.seconds or 60.0) / len(pieces)))
        case "truncated_body":
            await kept.replay(send, [kept.body[: len(kept.body) // 2]], breaks=True)
        case kind:
            raise AssertionError(f"no such fault of the line: {kind}")


class _Kept:
    """An answer held back, to be sent on in another way."""

    def __init__(self) -> None:
        self._start: Message = {}
        self.body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")

    async def replay(
        self,
        send: Send,
        pieces: Sequence[bytes],
        *,
        pause: Callable[[], Awaitable[None]] | None = None,
        breaks: bool = False,
    ) -> None:
        headers = [(name, value) for name, value in self._start["headers"] if name.lower() != b"content-length"]
        headers.append((b"content-length", str(len(self.body)).encode()))
        await send({"type": "http.response.start", "status": self._start["status"], "headers": headers})
        for piece in pieces:
            if pause is not None:
                await pause()
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        if breaks:
            raise ConnectionBroken
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _break(send: Send) -> None:
    """End the connection without an answer.

    A web server cannot be told to hang up before the first byte: it would send a 500 of its own. So an answer is begun
    that says nothing (no header of the system, a length that is never reached) and left: no client can read it.
    """
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
    raise ConnectionBroken


async def _refuse(send: Send, refusal: Refusal) -> None:
    headers = [
        (b"content-type", refusal.content_type.encode()),
        (b"content-length", str(len(refusal.body)).encode()),
        *((name.encode(), value.encode()) for name, value in refusal.headers),
    ]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": refusal.body})


async def _whole_body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ConnectionBroken
        piece: bytes = message.get("body", b"")
        body += piece
        if len(body) > _BODY_MAX_BYTES:
            raise ConnectionBroken
        if not message.get("more_body", False):
            return body


def _once(body: bytes) -> Receive:
    """The request's body, then silence: the work does not stop because the client has gone."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        nothing_more: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        return await nothing_more

    return receive


def _pieces(body: bytes, count: int) -> list[bytes]:
    size = max(1, -(-len(body) // count))
    return [body[start : start + size] for start in range(0, len(body), size)] or [b""]
