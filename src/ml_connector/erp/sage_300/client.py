"""Calls to the Web API: addresses, pages, and writes under a pass (Sage dossier, sections 2, 4, 5, 22)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from ml_connector.domain.clock import Clock
from ml_connector.domain.errors import BadAnswer, LimitExceeded, RefusedByServer, Unavailable
from ml_connector.domain.target import NotSent, Pass, Unknown
from ml_connector.erp.sage_300.auth import BasicAuth, SignIn
from ml_connector.erp.sage_300.config import Config
from ml_connector.erp.sage_300.errors import parse_error, refusal
from ml_connector.erp.sage_300.odata import annotation, path, rows_of
from ml_connector.transport.http import Answer, HttpClient
from ml_connector.transport.odata import encode

#: Questions at a time; writes go one by one (dossier, section 22).
READERS_MAX: Final = 2

#: Required on every request, also where there is no body: without it the server answers 500 (dossier, section 4.1).
_HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json"}
#: The application pool sleeps after 20 idle minutes (dossier, section 22).
_AWAKE_S: Final = 900.0
#: How long a server that starts may answer that it does, or not at all.
_STARTS_WITHIN_S: Final = 60.0
_PAGES_MAX: Final = 10_000
_SWEEPS_MAX: Final = 3
_NOT_SAGE: Final = (
    "Something before Sage's Web API answered (HTTP {}) when it was asked to {}. "
    "See that the Web API runs and can be reached, and try again."
)


class WebApi:
    """One company through its Web API. Reads are repeated by themselves, writes are not."""

    def __init__(self, quick: HttpClient, slow: HttpClient, config: Config, clock: Clock) -> None:
        """``quick`` waits as long as an awake server needs for an answer; ``slow`` as long as one that starts, or posts."""
        self.sign_in = SignIn(config)
        self._auth = BasicAuth(config)
        self._quick = quick
        self._slow = slow
        self._clock = clock
        self._readers = asyncio.Semaphore(READERS_MAX)
        #: One write at a time per company; held by whoever asks for the permit.
        self.writing = asyncio.Lock()
        self._waking = asyncio.Lock()
        self._used_at: float | None = None

    async def read(self, what: str, resource: str, *, method: str = "GET", content: bytes | None = None) -> Answer:
        """A request that is safe to repeat. Everything but a refused sign-in comes back.

        Raises :class:`SignInFailed`, :class:`NotPermitted` and what the transport raises.
        """
        self.sign_in.check()
        async with self._readers:
            if self._asleep():
                async with self._waking:
                    # Whoever waited here finds the server awake.
                    client, patience_s = (self._slow, _STARTS_WITHIN_S) if self._asleep() else (self._quick, 0.0)
                    answer = await self._ask(client, patience_s, method, resource, content)
            else:
                answer = await self._ask(self._quick, 0.0, method, resource, content)
        module = resource.lstrip("/")[:2]
        if answer.status == 401:
            raise self.sign_in.refused(module, parse_error(answer.status, answer.body))
        if answer.ok:
            self.sign_in.accepted(module)
        return answer

    async def get(self, what: str, resource: str) -> Any:
        """The JSON at ``resource``. ``what`` names it in the sentence of a refusal."""
        return _data(what, await self.read(what, resource))

    async def found(self, what: str, resource: str) -> dict[str, Any] | None:
        """The record under a key, None where there is none."""
        answer = await self.read(what, resource)
        error = None if answer.ok else parse_error(answer.status, answer.body)
        if error is not None and error.missing_record:
            return None
        data = _data(what, answer)
        if not isinstance(data, dict):
            raise BadAnswer(f"Sage 300 answered something else than a record when it was asked to {what}.")
        return data

    async def template(self, what: str, resource: str) -> Mapping[str, Any]:
        """The property names and defaults of a resource (dossier, section 7): asked for by POST, and changes nothing."""
        data = _data(what, await self.read(what, f"/{resource}('$template')", method="POST", content=b"{}"))
        return data if isinstance(data, dict) else {}

    async def text(self, what: str, resource: str) -> str:
        """A document that is not JSON, such as ``$metadata``."""
        answer = await self.read(what, resource)
        if not answer.ok:
            _data(what, answer)
        return answer.body.decode("utf-8", "replace")

    async def rows(
        self, what: str, resource: str, *, key: Sequence[str], select: Sequence[str] = (), condition: str = ""
    ) -> list[dict[str, Any]]:
        """Every row that fits ``condition``, once each by ``key``, in the order of the keys.

        Pages are counted here: the server's own link names a host of its own and has lost the filter (dossier, section 5).
        A set that grew or shrank meanwhile is swept again, for rows may have moved between pages.
        """
        found: dict[tuple[str, ...], dict[str, Any]] = {}
        async for page in self.pages(what, resource, key=key, select=select, condition=condition):
            found |= {tuple(str(row.get(name, "")) for name in key): row for row in page}
        return [found[each] for each in sorted(found)]

    async def pages(
        self, what: str, resource: str, *, key: Sequence[str], select: Sequence[str] = (), condition: str = ""
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """Every row that fits ``condition``, page by page; some of them twice, where the set changed meanwhile."""
        for _ in range(_SWEEPS_MAX):
            whole = False
            async for page, last in self._sweep(what, resource, key, select, condition):
                yield page
                whole = last
            if whole:
                return
        raise Unavailable(f"{resource} changed again and again while it was read. Try again later.")

    async def page(
        self, what: str, resource: str, *, select: Sequence[str] = (), condition: str = "", skip: int = 0
    ) -> tuple[list[dict[str, Any]], int | None]:
        """The rows of one page that fit ``condition``, and how many do in all; None where the server does not count."""
        options = {"filter": condition, "select": ",".join(select), "count": "true"}
        data = await self.get(what, path(resource, **options, skip=str(skip) if skip else ""))
        return rows_of(data), _count(data)

    async def _sweep(
        self, what: str, resource: str, key: Sequence[str], select: Sequence[str], condition: str
    ) -> AsyncIterator[tuple[list[dict[str, Any]], bool]]:
        """Pages, and with the last one whether the set stood still."""
        known: set[tuple[str, ...]] = set()
        skip, total = 0, None
        for _ in range(_PAGES_MAX):
            page, count = await self.page(what, resource, select=select, condition=condition, skip=skip)
            changed = total is not None and count is not None and count != total
            total = count if total is None else total
            before = len(known)
            known |= {tuple(str(row.get(name, "")) for name in key) for row in page}
            # A page that shows nothing new will be followed by others like it.
            changed = changed or (bool(page) and len(known) == before)
            skip += len(page)
            over = changed or not page or (total is not None and skip >= total)
            yield page, over and not changed and (total is None or len(known) >= total)
            if over:
                return
        raise LimitExceeded(f"Sage 300 listed more than {_PAGES_MAX} pages of {resource}.")

    async def write(
        self, pass_: Pass, method: str, resource: str, body: Mapping[str, Any]
    ) -> Answer | NotSent | Unknown:
        """One request that may count. The order of ``body`` is the order in which its values take effect."""
        outcome = await self._slow.write(
            pass_, method, resource, content=encode(body), headers=_HEADERS, auth=self._auth
        )
        if isinstance(outcome, Answer):
            self._used_at = self._clock.monotonic()
        return outcome

    @property
    def clock_ahead_s(self) -> float | None:
        """By how many seconds the server's clock is ahead of ours."""
        return self._quick.clock_ahead_s if self._quick.clock_ahead_s is not None else self._slow.clock_ahead_s

    async def close(self) -> None:
        """Let go of every connection."""
        await self._quick.aclose()
        await self._slow.aclose()

    def _asleep(self) -> bool:
        return self._used_at is None or self._clock.monotonic() - self._used_at > _AWAKE_S

    async def _ask(
        self, client: HttpClient, patience_s: float, method: str, resource: str, content: bytes | None
    ) -> Answer:
        answer = await client.read(
            method, resource, content=content, headers=_HEADERS, auth=self._auth, patience_s=patience_s
        )
        self._used_at = self._clock.monotonic()
        return answer


def _count(data: Mapping[str, Any]) -> int | None:
    """The count of a feed, a number or text; None where the server gives none."""
    value = annotation(data, "count")
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _data(what: str, answer: Answer) -> Any:
    """The JSON of an answer. An answer that is not the Web API's own (a proxy's page) is no answer at all."""
    error = None if answer.ok else parse_error(answer.status, answer.body)
    if error is not None:
        if error.passing:
            raise Unavailable(f"Sage 300 cannot {what} just now: {error.words}")
        raise refusal(what, error)
    try:
        if answer.ok:
            return answer.json()
    except BadAnswer as noise:
        raise Unavailable(_NOT_SAGE.format(answer.status, what)) from noise
    raise Unavailable(_NOT_SAGE.format(answer.status, what))


async def exists(api: WebApi, what: str, resource: str) -> bool:
    """Whether this version of Sage has a resource. Raises :class:`NotPermitted` where its module's right is missing."""
    try:
        await api.get(what, resource)
    except RefusedByServer as refused:
        if refused.server_code in {"ResourceNotFound", ""}:
            return False
        raise
    return True
