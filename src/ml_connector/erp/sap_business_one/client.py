"""Calls to the Service Layer: addresses, pages, operations, and writes under a pass (SAP dossier, sections 4 and 5)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from ml_connector.domain.errors import BadAnswer, LimitExceeded, SignInFailed, Unavailable
from ml_connector.domain.target import NotSent, Pass, Unknown
from ml_connector.erp.sap_business_one.auth import Session, SessionAuth
from ml_connector.erp.sap_business_one.config import Config
from ml_connector.erp.sap_business_one.errors import ServiceError, parse_error, refusal, session_lost
from ml_connector.erp.sap_business_one.odata import beyond, by_key, encode, goes_on, listed, path, text
from ml_connector.transport.http import Answer, HttpClient

_PAGES_MAX: Final = 10_000
#: Rows in a page where the server does not heed ours (dossier 5.2): a shorter one is the last.
_PAGE_DEFAULT: Final = 20
_JSON: Final = "application/json"

_NOT_SAP: Final = (
    "Something before SAP's Service Layer answered (HTTP {}) when it was asked to {}. "
    "See that the Service Layer runs and can be reached, and try again."
)


class ServiceLayer:
    """One company through its Service Layer. Reads are repeated and signed in by themselves; writes are not.

    ``slots`` are the requests that may be in flight on the one session of a connection.
    """

    def __init__(self, http: HttpClient, session: Session, config: Config) -> None:
        self.session = session
        self.wire = config.wire
        self._http = http
        self._auth = SessionAuth(session)
        self._page_size = config.page_size
        self.slots = asyncio.Semaphore(config.parallel)

    async def read(
        self,
        method: str,
        where: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        attempts: int = 4,
    ) -> Answer:
        """A request that is safe to repeat. Every answer but a lost session comes back.

        Raises :class:`SignInFailed` when the server goes on losing the session, and what the transport raises.
        """
        sent = {**({"Content-Type": _JSON} if content is not None else {}), **(headers or {})}

        async def ask() -> Answer:
            async with self.slots:
                return await self._http.read(
                    method, where, content=content, headers=sent, auth=self._auth, attempts=attempts
                )

        answer = await ask()
        if ("content-length" not in answer.headers or "content-encoding" in answer.headers) and self._lost(answer):
            # The sign-in flow looks into short, plain answers of known length only; this was none.
            self.session.lost(await self.session.cookie())
            answer = await ask()
        if answer.status == 401:
            raise SignInFailed(
                "SAP Business One accepts the sign-in, but does not know the session it has just given. "
                "Ask the SAP administrator whether a load balancer before the Service Layer keeps sessions together."
            )
        return answer

    async def get(self, what: str, where: str) -> Any:
        """The JSON at ``where``. ``what`` names it in the sentence of a refusal."""
        return _data(what, await self.read("GET", where))

    async def call(self, what: str, operation: str) -> Any:
        """The result of an operation without parameters that only reads: GET or POST, as the version has it."""
        content = encode({}) if self.wire.reads == "POST" else None
        return _data(what, await self.read(self.wire.reads, f"/{operation}", content=content))

    async def act(self, what: str, operation: str, body: Mapping[str, Any] | None = None) -> Any:
        """The result of an operation that changes nothing and is called by POST."""
        return _data(what, await self.read("POST", f"/{operation}", content=encode(body or {})))

    async def pages(
        self,
        what: str,
        entity_set: str,
        *,
        key: Sequence[str],
        select: Sequence[str],
        condition: str = "",
        after: Sequence[str | int] = (),
    ) -> AsyncIterator[tuple[list[dict[str, Any]], bool]]:
        """The rows that fit ``condition`` in the order of ``key`` (members of ``select``), page by page, beginning after the
        row whose key is ``after``; and with each page whether another may follow.

        Keyset pages: ``$skip`` would miss rows of a set that moves (dossier 5.2).
        """
        last = tuple(after)
        for _ in range(_PAGES_MAX):
            limits = " and ".join(f"({part})" for part in (condition, beyond(key, last) if last else "") if part)
            where = path(entity_set, select=",".join(select), filter=limits, orderby=",".join(key))
            data = _data(what, await self.read("GET", where, headers=self._page(self._page_size)))
            page = listed(data)
            more = bool(page) and (len(page) >= min(self._page_size, _PAGE_DEFAULT) or goes_on(data))
            if more:
                last = _next_key(page[-1], key, last)
            yield page, more
            if not more:
                return
        raise LimitExceeded(f"SAP Business One listed more than {_PAGES_MAX} pages when it was asked to {what}.")

    async def rows(
        self, what: str, entity_set: str, *, key: str, select: Sequence[str], condition: str = ""
    ) -> list[dict[str, Any]]:
        """Every row that fits ``condition``, by keyset pages on ``key`` (a member of ``select``)."""
        found: list[dict[str, Any]] = []
        async for page, _ in self.pages(what, entity_set, key=(key,), select=select, condition=condition):
            found += page
        return found

    async def query(self, what: str, code: str, page_size: int, **parameters: str) -> tuple[list[dict[str, Any]], bool]:
        """The first page of a stored SQL query, and whether there are more rows (dossier 5.6)."""
        given = "&".join(f"{name}={quote(text(value), safe='')}" for name, value in parameters.items())
        where = path(f"{by_key('SQLQueries', code)}/List") + f"?{given}"
        data = _data(what, await self.read("GET", where, headers=self._page(page_size)))
        return listed(data), goes_on(data)

    @staticmethod
    def _page(size: int) -> dict[str, str]:
        return {"Prefer": f"odata.maxpagesize={size}"}

    async def write(
        self,
        pass_: Pass,
        cookie: str,
        method: str,
        resource: str,
        content: bytes,
        headers: Mapping[str, str] | None = None,
    ) -> Answer | NotSent | Unknown:
        """Send ``content`` once, in a slot that the caller holds. It is JSON unless ``headers`` say otherwise."""
        sent = {"Content-Type": _JSON, **(headers or {}), "Cookie": cookie}
        outcome = await self._http.write(pass_, method, f"/{resource}", content=content, headers=sent)
        if isinstance(outcome, Answer) and outcome.ok:
            self.session.used(cookie, outcome.set_cookies)
        return outcome

    def _lost(self, answer: Answer) -> bool:
        error = parse_error(answer.status, answer.body) if 400 <= answer.status < 500 else None
        return error is not None and session_lost(
            answer.status, error, idle_s=self.session.idle_s, timeout_s=self.session.timeout_s
        )

    def lost(self, cookie: str, status: int, error: ServiceError | None) -> bool:
        """Whether the answer to a write says that the session is gone; then it is forgotten.

        A bare -5002 is a refusal here, however long the session was idle: a write is never repeated on a guess.
        """
        gone = session_lost(status, error, idle_s=0.0, timeout_s=self.session.timeout_s)
        if gone:
            self.session.lost(cookie)
        return gone

    @property
    def clock_ahead_s(self) -> float | None:
        """By how many seconds the server's clock is ahead of ours."""
        return self._http.clock_ahead_s

    async def close(self) -> None:
        """Sign out and let go of every connection."""
        await self.session.close()
        await self._http.aclose()


def _data(what: str, answer: Answer) -> Any:
    """The JSON of an answer. An answer that is not the Service Layer's own (a proxy's page) is no answer at all."""
    error = parse_error(answer.status, answer.body)
    if not answer.ok and error is not None:
        raise refusal(what, error)
    try:
        if answer.ok:
            return answer.json()
    except BadAnswer as noise:
        raise Unavailable(_NOT_SAP.format(answer.status, what)) from noise
    raise Unavailable(_NOT_SAP.format(answer.status, what))


def _next_key(row: Mapping[str, Any], key: Sequence[str], last: tuple[str | int, ...]) -> tuple[str | int, ...]:
    values = tuple(row.get(name) for name in key)
    if values == last or not all(isinstance(value, (int, str)) for value in values):
        raise BadAnswer(f"SAP Business One's pages do not go on: {', '.join(key)} is {values!r} after {last!r}.")
    return tuple(value for value in values if isinstance(value, (int, str)))
