"""Session sign-in (SAP dossier, sections 3.2 to 3.4).

One session per connection, shared by everything in flight. The Cookie header is built here from the text of Set-Cookie:
SAP sends B1SESSION without a Path and with a dangling semicolon, which cookie jars drop or misplace.

ROUTEID keeps a session on the node that made it; where the balancer moves the session to another node, its new ROUTEID is
taken over. Every session holds a licence, and how many a server gives is not verified (dossier 16): a connection has one, gives
it back before it opens another and when it is closed, and signs in again only for a person where a sign-in was refused,
whatever the reason.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncGenerator, Sequence
from typing import Final

import httpx2

from ml_connector.domain.clock import Clock
from ml_connector.domain.errors import BadAnswer, SignInFailed, Unavailable
from ml_connector.erp.sap_business_one.config import Config
from ml_connector.erp.sap_business_one.errors import grace_s, parse_error, session_lost
from ml_connector.transport.http import Answer, HttpClient
from ml_connector.transport.redaction import Redactor

_SESSION, _ROUTE = "B1SESSION", "ROUTEID"
_COOKIES: Final = (_SESSION, _ROUTE, "CompanyDB")
_DEFAULT_TIMEOUT_MIN: Final = 30
_LOCKED_CODE: Final = 100_000_055
_ERROR_BODY_MAX: Final = 64 * 1024
#: The server could not open the company at all: its own directory of servers, not the credentials (dossier 3.2).
_DIRECTORY_WORDS: Final = re.compile(r"database instance from SLD", re.IGNORECASE)


class Session:
    """The one session of a connection.

    Signing in is heavy and a wrong password locks the user, so only one task signs in at a time, and a refusal is
    remembered: the same credentials are not tried again until :meth:`forget` (a person asked).
    """

    def __init__(self, http: HttpClient, config: Config, clock: Clock) -> None:
        self.version = ""
        self._http = http
        self._config = config
        self._clock = clock
        self._lock = asyncio.Lock()
        self._cookies: dict[str, str] = {}
        self._replaced = ""
        self._timeout_s = 0.0
        self._used_at = 0.0
        self._refused: SignInFailed | None = None

    @property
    def idle_s(self) -> float:
        """Seconds since the session was last used."""
        return self._clock.monotonic() - self._used_at

    @property
    def timeout_s(self) -> float:
        """Seconds of idleness after which the server ends the session, by its own word."""
        return self._timeout_s

    async def cookie(self) -> str:
        """The Cookie header of a live session, signing in where there is none or it is about to end.

        Raises :class:`SignInFailed`, :class:`Unavailable`, :class:`BadAnswer`.
        """
        if not self._fresh():
            async with self._lock:
                if not self._fresh():
                    self._replaced = self._cookie or self._replaced
                    await self._give_back()
                    await self._login()
        return self._cookie

    def used(self, cookie: str, set_cookies: Sequence[str] = ()) -> None:
        """The server answered under ``cookie``: its idle time starts again, on the node that the answer names."""
        if self._is(cookie):
            self._used_at = self._clock.monotonic()
            route = _cookies(set_cookies).get(_ROUTE)
            if route is not None:
                self._cookies[_ROUTE] = route

    def lost(self, cookie: str) -> None:
        """The server does not know ``cookie`` any more. A newer session is left alone."""
        if self._is(cookie):
            self._cookies = {}

    def forget(self) -> None:
        """Sign in anew at the next use, even where the server refused before. The session until now is given back first."""
        self._replaced = self._cookie or self._replaced
        self._cookies = {}
        self._refused = None

    async def close(self) -> None:
        """Give the session back: until its end it holds a licence."""
        self._replaced = self._cookie or self._replaced
        self._cookies = {}
        await self._give_back()

    async def _give_back(self) -> None:
        """Sign out of the session that is used no more, if there is one. Where that cannot be said, it ends by itself, after
        its idle time."""
        cookie, self._replaced = self._replaced, ""
        if cookie:
            with contextlib.suppress(Unavailable):
                await self._http.read("POST", "/Logout", headers={"Cookie": cookie}, attempts=1)

    @property
    def _cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self._cookies.items())

    def _is(self, cookie: str) -> bool:
        """Whether ``cookie`` is of the session in use, on whatever node."""
        return bool(self._cookies) and cookie.partition(";")[0] == f"{_SESSION}={self._cookies[_SESSION]}"

    def _fresh(self) -> bool:
        return bool(self._cookies) and self.idle_s <= self._timeout_s - grace_s(self._timeout_s)

    async def _login(self) -> None:
        if self._refused is not None:
            raise self._refused
        body = {
            "CompanyDB": self._config.company_db,
            "UserName": self._config.username,
            "Password": self._config.password,
            "Language": self._config.language,
        }
        answer = await self._http.read(
            "POST",
            "/Login",
            headers={"Content-Type": "application/json"},
            content=json.dumps(body).encode(),
            attempts=2,
        )
        if not answer.ok:
            failed = _sign_in_failed(self._config, answer)
            if isinstance(failed, SignInFailed):
                self._refused = failed
            raise failed
        self._open(answer)

    def _open(self, answer: Answer) -> None:
        try:
            data = answer.json()
        except BadAnswer as noise:
            # A proxy's page says nothing of the credentials, and nothing of what was to be looked at.
            raise Unavailable(
                f"Something before SAP's Service Layer answered (HTTP {answer.status}) when it was asked to sign in. "
                "See that the Service Layer runs and can be reached, and try again."
            ) from noise
        if not isinstance(data, dict):
            raise BadAnswer("SAP Business One answered the sign-in with something else than a session.")
        cookies = _cookies(answer.set_cookies)
        if _SESSION not in cookies:
            if not isinstance(data.get("SessionId"), str):
                raise BadAnswer("SAP Business One accepted the sign-in, but gave no session.")
            cookies = {_SESSION: data["SessionId"], **cookies}
        timeout_min = data.get("SessionTimeout")
        self._timeout_s = 60.0 * (timeout_min if isinstance(timeout_min, int) else _DEFAULT_TIMEOUT_MIN)
        self.version = str(data.get("Version", ""))
        self._used_at = self._clock.monotonic()
        self._cookies = cookies


class SessionAuth(httpx2.Auth):
    """For reads: the session's cookie, and where the server lost the session one new sign-in and one replay."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        for _ in range(2):
            cookie = await self._session.cookie()
            idle_s = self._session.idle_s
            request.headers["Cookie"] = cookie
            response = yield request
            if not await self._lost(response, idle_s):
                self._session.used(cookie, response.headers.get_list("set-cookie"))
                return
            self._session.lost(cookie)

    async def _lost(self, response: httpx2.Response, idle_s: float) -> bool:
        status = response.status_code
        if status == 401 or not 400 <= status < 500:
            return status == 401
        length = response.headers.get("content-length", "")
        if not (length.isdigit() and int(length) <= _ERROR_BODY_MAX) or "content-encoding" in response.headers:
            # Too long to be an envelope, packed, or of unknown length: the caller judges it within its own limits.
            return False
        error = parse_error(status, await response.aread())
        return session_lost(status, error, idle_s=idle_s, timeout_s=self._session.timeout_s)


def _cookies(lines: Sequence[str]) -> dict[str, str]:
    """Name and value of each cookie we keep: the text before the first ``;`` of every Set-Cookie line."""
    found: dict[str, str] = {}
    for line in lines:
        name, equals, value = line.partition(";")[0].strip().partition("=")
        if equals and name in _COOKIES:
            found[name] = value
    return {name: found[name] for name in _COOKIES if name in found}


def _sign_in_failed(config: Config, answer: Answer) -> SignInFailed | Unavailable:
    """Any refusal of Login is about the credentials, whatever its code: the codes differ by build (dossier 3.2). Only a server
    that says that it did not come as far as looking at them is trouble of its own."""
    error = parse_error(answer.status, answer.body)
    if error is None:
        return SignInFailed(
            f"Nothing that speaks SAP's Service Layer answered the sign-in (HTTP {answer.status}). Check the address."
        )
    # Some servers repeat what they were sent.
    redactor = Redactor()
    redactor.learn([config.password])
    words = redactor.text(error.words)
    if _DIRECTORY_WORDS.search(error.words):
        return Unavailable(
            "SAP's Service Layer could not open the company: its System Landscape Directory does not answer it. Ask the "
            f"SAP administrator. SAP says: {words}"
        )
    if error.number == _LOCKED_CODE:
        return SignInFailed(
            f"SAP has locked the user {config.username!r}. Ask the SAP administrator to unlock it. SAP says: {words}"
        )
    return SignInFailed(
        f"SAP refused the sign-in of {config.username!r} to {config.company_db!r}. Check company database, user and "
        f"password before trying again: SAP locks a user after a few wrong tries. SAP says: {words}"
    )
