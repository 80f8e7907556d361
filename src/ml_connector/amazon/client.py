"""Amazon's front door: one call, paid for, signed, read and understood.

Every send is debited from the bucket of its (selling account, operation) before it leaves, a repeated one again (Amazon
dossier, sections 5, 6 and 7). A call ends as a typed answer or as one error of :mod:`ml_connector.domain.errors`.
"""

from __future__ import annotations

import platform
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from types import NoneType
from typing import Final, TypeVar, cast
from urllib.parse import quote

import msgspec
import structlog

from ml_connector.amazon import errors, limits
from ml_connector.amazon.auth import LoginWithAmazon, SignedCall
from ml_connector.amazon.errors import Reach
from ml_connector.amazon.limits import Operation
from ml_connector.amazon.wire import whole_characters
from ml_connector.domain.clock import Clock
from ml_connector.domain.errors import (
    BadAnswer,
    LimitExceeded,
    MlConnectorError,
    NotPermitted,
    RateLimited,
    Unavailable,
    WrongUse,
)
from ml_connector.domain.target import NotSent, PassRefused, Unknown
from ml_connector.transport.bucket import BucketStore
from ml_connector.transport.http import Answer, HttpClient

T = TypeVar("T")
Outcome = TypeVar("Outcome")

#: One text, or several that become a comma-separated list.
QueryValue = str | Sequence[str]

#: Sends of one call that meet 429, 5xx or a broken connection.
ATTEMPTS: Final = 5
#: Longer than this a call does not wait for its bucket: the work goes back to whoever schedules it.
WAIT_MAX_S: Final = 600.0
#: Others of the same selling account may be quicker when the bucket has one call to give. Each turn it is anybody's.
TURNS_MAX: Final = 60

#: After an operation worked, so long a refusal of another is that one's own; after the ping was refused, so long it is not
#: asked again.
_WORKS_FOR: Final = timedelta(minutes=10)
_SHUT_FOR: Final = timedelta(hours=1)

_BACKOFF_FIRST_S: Final = 1.0
_BACKOFF_MAX_S: Final = 60.0
_JITTER: Final = 0.2
#: A wait is a little longer than the bucket says. Requests do not all travel equally long, so without it Amazon's bucket may
#: be a hair behind ours. What is refilled meanwhile stays in the bucket: it costs this once, not the rate.
_SLACK_S: Final = 0.5
_REQUEST_BODY_MAX: Final = 1024 * 1024
_USER_AGENT_MAX: Final = 500
_RATE: Final = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,10})?", re.ASCII)
#: Slower than one call in some hours is no rate but a mistake, and would stand on record for ever.
_RATE_MIN: Final = 0.0001
_RATE_MAX: Final = 100_000.0

_log = structlog.get_logger(__name__)


def user_agent(version: str) -> str:
    """Who is calling, in the form that Amazon demands: plain ASCII words, at most 500 characters (dossier, section 5)."""

    def plain(text: str) -> str:
        return "".join(char if char.isascii() and (char.isalnum() or char in ".-_") else "-" for char in text)

    return (
        f"ml-connector/{plain(version)} (Language=Python/{plain(platform.python_version())}; "
        f"Platform={plain(platform.system())})"
    )[:_USER_AGENT_MAX]


def utc_text(instant: datetime) -> str:
    """``2026-11-01T00:00:00Z``: the one form of time that every operation takes. An offset would be refused."""
    if instant.tzinfo is None:
        raise WrongUse("A time for Amazon needs a zone.")
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def target(operation: Operation, path: Mapping[str, str], query: Mapping[str, QueryValue]) -> str:
    """Path and query of a call. Values are percent-encoded (``/`` as ``%2F``, space as ``%20``); the commas between the
    members of a list stay commas."""
    filled = operation.path.format_map({name: quote(value, safe="") for name, value in path.items()})
    pairs = (
        f"{name}={quote(value, safe='') if isinstance(value, str) else ','.join(quote(item, safe='') for item in value)}"
        for name, value in query.items()
    )
    text = "&".join(pairs)
    return f"{filled}?{text}" if text else filled


@dataclass(slots=True)
class AmazonClient:
    """One selling account in one region.

    ``account`` names the owner of the buckets; calls of one selling account through one application share them.
    ``quota_refusals`` counts the 429s by operation: with a bucket that is right there are none.
    """

    http: HttpClient
    login: LoginWithAmazon
    buckets: BucketStore
    account: str
    clock: Clock
    random: Random
    agent: str
    quota_refusals: Counter[str] = field(default_factory=Counter)
    _rates: dict[str, float] = field(default_factory=dict)
    _worked_at: datetime | None = None
    _shut_at: datetime | None = None

    async def read(
        self,
        operation: Operation,
        into: type[T],
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, QueryValue] | None = None,
    ) -> T:
        """A call that may be repeated; ``into`` is ``NoneType`` for one whose success says nothing.

        Raises the error that the answer means, :class:`RateLimited` when the quota stays empty, :class:`Unavailable` when Amazon
        stays away, :class:`BadAnswer` when the answer is not the operation's.
        """
        where = target(operation, path or {}, query or {})

        async def send(call: SignedCall) -> Answer | Unavailable:
            try:
                return await self.http.read(operation.method, where, headers=self._headers(), auth=call, attempts=1)
            except Unavailable as problem:
                return problem

        attempt = 0
        while True:
            attempt += 1
            call = SignedCall(self.login)
            outcome = await self._signed(operation, call, send)
            if isinstance(outcome, Answer):
                return await self._understood(outcome, operation, into)
            if attempt == ATTEMPTS:
                raise _given_up(outcome, operation, call) from outcome
            await self._pause(operation, attempt, call)

    async def write(self, operation: Operation, into: type[T], *, body: bytes) -> T | NotSent | Unknown:
        """A call that makes something: sent again only while it is certain that nothing was made.

        Amazon takes no idempotency key: after :class:`Unknown` look before calling again. A refusal is raised as in
        :meth:`read`.
        """
        if len(body) > _REQUEST_BODY_MAX:
            raise LimitExceeded(f"A request to Amazon of {len(body)} bytes is larger than {_REQUEST_BODY_MAX}.")
        headers = {**self._headers(), "content-type": "application/json"}
        where = target(operation, {}, {})

        async def send(call: SignedCall) -> Answer | NotSent | Unknown:
            return await self.http.write(_OneSend(), operation.method, where, headers=headers, content=body, auth=call)

        attempt = 0
        while True:
            attempt += 1
            call = SignedCall(self.login)
            outcome = await self._signed(operation, call, send)
            if isinstance(outcome, Answer):
                return await self._understood(outcome, operation, into)
            if isinstance(outcome, Unknown) or attempt == ATTEMPTS:
                return outcome
            await self._pause(operation, attempt, call)

    async def _understood(self, answer: Answer, operation: Operation, into: type[T]) -> T:
        if answer.ok:
            self._worked_at = self.clock.now()
            return _decoded(answer, operation, into)
        problem = errors.classify(answer, operation)
        if isinstance(problem, NotPermitted) and operation is not limits.PING:
            raise errors.classify(answer, operation, await self._reach())
        raise problem

    async def _reach(self) -> Reach:
        """Whether this account is reached at all, when one of its operations is refused. Where nothing has worked for a while the
        ping is asked, rarely: its quota is small, and what refuses it does not pass by itself."""
        now = self.clock.now()
        if self._worked_at is not None and now - self._worked_at < _WORKS_FOR:
            return Reach.OPEN
        if self._shut_at is not None and now - self._shut_at < _SHUT_FOR:
            return Reach.SHUT
        try:
            await self.read(limits.PING, msgspec.Raw)
        except NotPermitted:
            self._shut_at = now
            return Reach.SHUT
        except MlConnectorError as problem:
            _log.info("amazon.reach_unknown", account=self.account, why=str(problem))
            return Reach.UNKNOWN
        return Reach.OPEN

    async def _signed(
        self, operation: Operation, call: SignedCall, send: Callable[[SignedCall], Awaitable[Outcome]]
    ) -> Outcome:
        """One send, and a second with a new token if Amazon blames the first one's. Never a third: every 403 spends quota,
        and when a new token is refused as well, the token was not the cause."""
        outcome = await self._paid(operation, call, send)
        refused = call.blamed(outcome) if isinstance(outcome, Answer) else None
        if refused is None:
            return outcome
        await self.login.access_token(refused=refused)
        return await self._paid(operation, call, send)

    async def _paid(
        self, operation: Operation, call: SignedCall, send: Callable[[SignedCall], Awaitable[Outcome]]
    ) -> Outcome:
        # Signing in comes first: a sign-in that fails spends no quota, and waiting for it eats no time of the exchange.
        await self.login.access_token()
        await self._debit(operation)
        call.status, call.request_id = 0, ""
        outcome = await send(call)
        _log.info(
            "amazon.call",
            account=self.account,
            operation=operation.name,
            status=call.status,
            request_id=call.request_id,
        )
        if call.status == 429:
            self.quota_refusals[operation.name] += 1
            _log.warning("amazon.quota_exceeded", operation=operation.name, count=self.quota_refusals[operation.name])
            await self.buckets.drain(self.account, operation.name)
        if isinstance(outcome, Answer):
            await self._note_rate(operation, outcome)
        return outcome

    async def _debit(self, operation: Operation) -> None:
        """Wait until the bucket lets one call go: at most ``WAIT_MAX_S`` for one, and ``TURNS_MAX`` times."""
        for _ in range(TURNS_MAX):
            wait_s = await self.buckets.take(self.account, operation.name, operation.rate_per_s, operation.burst)
            if wait_s <= 0:
                return
            if wait_s > WAIT_MAX_S:
                break
            step_s = wait_s + _SLACK_S
            _log.info("amazon.waiting_for_quota", operation=operation.name, seconds=round(step_s, 3))
            await self.clock.sleep(step_s)
        raise RateLimited(
            f"The quota of {operation.name} is spent: {wait_s:.0f} seconds until the next call. Try again later.",
            retry_after_s=wait_s,
        )

    async def _pause(self, operation: Operation, attempt: int, call: SignedCall) -> None:
        """Before another try. After a 429 the drained bucket itself waits one interval: here come the doubling and the
        jitter of the dossier's recipe on top. After anything else, full-jitter back-off."""
        if call.status != 429:
            await self.clock.sleep(self.random.uniform(0, min(_BACKOFF_MAX_S, _BACKOFF_FIRST_S * 2**attempt)))
            return
        interval_s = 1 / self._rates.get(operation.name, operation.rate_per_s)
        extra_s = interval_s * (2 ** (attempt - 1) - 1 + self.random.uniform(0, _JITTER))
        await self.clock.sleep(min(WAIT_MAX_S, extra_s))

    async def _note_rate(self, operation: Operation, answer: Answer) -> None:
        """Amazon grants some accounts another rate and says so, best effort (dossier, section 7). The first word in a process
        is always passed on, even the documented rate: another one may be on record from before."""
        announced = answer.headers.get("x-amzn-ratelimit-limit", "")
        if not _RATE.fullmatch(announced) or not _RATE_MIN <= float(announced) <= _RATE_MAX:
            return
        rate_per_s = float(announced)
        if rate_per_s != self._rates.get(operation.name):
            self._rates[operation.name] = rate_per_s
            await self.buckets.correct(self.account, operation.name, rate_per_s)

    def _headers(self) -> dict[str, str]:
        return {"accept": "application/json", "user-agent": self.agent}


class _OneSend:
    """The pass of a call that makes nothing in the books (a report): no lease stands behind it, only "once"."""

    def __init__(self) -> None:
        self._used = False

    def last_look(self) -> None:
        if self._used:
            raise PassRefused("sent already")
        self._used = True


def _decoded(answer: Answer, operation: Operation, into: type[T]) -> T:
    if into is NoneType:
        return cast(T, None)
    try:
        return msgspec.json.decode(whole_characters(answer.body), type=into)
    except (ValueError, RecursionError) as error:
        raise BadAnswer(
            f"Amazon's answer is not what the operation promises: {error}."
            f"{errors.where(operation, errors.request_id(answer.headers))}"
        ) from error


def _given_up(problem: Unavailable, operation: Operation, call: SignedCall) -> Unavailable:
    """The last problem, with the operation and the request id in it."""
    sentence = f"{problem}{errors.where(operation, call.request_id)}"
    if isinstance(problem, RateLimited):
        return RateLimited(sentence, retry_after_s=problem.retry_after_s)
    return Unavailable(sentence)
