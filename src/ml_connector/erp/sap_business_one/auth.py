"""Session sign-in (SAP dossier, sections 3.2 to 3.4).

One session per connection, shared by everything in flight. The Cookie header is built here from the text of Set-Cookie:
SAP sends B1SESSION without a Path and with a dangling semicolon, which cookie jars drop or misplace.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Final

import httpx2

from ml_connector.domain.clock import Clock
from ml_connector.domain.errors import BadAnswer, SignInFailed, Unavailable
from ml_connector.erp.sap_business_one.config import Config
from ml_connector.erp.sap_business_one.errors import grace_s, parse_error, session_lost
from ml_connector.transport.http import Answer, HttpClient
from ml_connector.transport.redaction import Redactor

_COOKIES: Final = ("B1SESSION", "ROUTEID", "CompanyDB")
_DEFAULT_TIMEOUT_MIN: Final = 30
_LOCKED_CODE: Final = 100_000_055
_ERROR_BODY_MAX: Final = 64 * 1024


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
        self._cookie = ""
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
                    await self._login()
        return self._cookie

    def used(self, cookie: str) -> None:
        """The server answered under ``cookie``: its idle time starts again."""
        if cookie == self._cookie:
            self._used_at = self._clock.monotonic()

    def lost(self, cookie: str) -> None:
        """The server does not know ``cookie`` any more. A newer session is left alone."""
        if cookie == self._cookie:
            self._cookie = ""

    def forget(self) -> None:
        """Sign in anew at the next use, even where the server refused before."""
        self._cookie = ""
        self._refused = None

    async def close(self) -> None:
        """Give the session back: until its end it holds a licence."""
        cookie, self._cookie = self._cookie, ""
        if cookie:
            await self._http.read("POST", "/Logout", headers={"Cookie": cookie}, attempts=1)

    def _fresh(self) -> bool:
        return bool(self._cookie) and self.idle_s <= self._timeout_s - grace_s(self._timeout_s)

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
            self._refused = _sign_in_failed(self._config, answer)
            raise self._refused
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
        cookies = _cookies(answer)
        if "B1SESSION" not in cookies:
            if not isinstance(data.get("SessionId"), str):
                raise BadAnswer("SAP Business One accepted the sign-in, but gave no session.")
            cookies = {"B1SESSION": data["SessionId"], **cookies}
        timeout_min = data.get("SessionTimeout")
        self._timeout_s = 60.0 * (timeout_min if isinstance(timeout_min, int) else _DEFAULT_TIMEOUT_MIN)
        self.version = str(data.get("Version", ""))
        self._used_at = self._clock.monotonic()
        self._cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())


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
                self._session.used(cookie)
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


def _cookies(answer: Answer) -> dict[str, str]:
    """Name and value of each cookie we keep: the text before the first ``;`` of every Set-Cookie line."""
    found: dict[str, str] = {}
    for line in answer.set_cookies:
        name, equals, value = line.partition(";")[0].strip().partition("=")
        if equals and name in _COOKIES:
            found[name] = value
    return {name: found[name] for name in _COOKIES if name in found}


def _sign_in_failed(config: Config, answer: Answer) -> SignInFailed:
    """Any refusal of Login is about the credentials, whatever its code: the codes differ by build (dossier 3.2)."""
    error = parse_error(answer.status, answer.body)
    if error is None:
        return SignInFailed(
            f"Nothing that speaks SAP's Service Layer answered the sign-in (HTTP {answer.status}). Check the address."
        )
    # Some servers repeat what they were sent.
    redactor = Redactor()
    redactor.learn([config.password])
    words = redactor.text(error.words)
    if error.number == _LOCKED_CODE:
        return SignInFailed(
            f"SAP has locked the user {config.username!r}. Ask the SAP administrator to unlock it. SAP says: {words}"
        )
    return SignInFailed(
        f"SAP refused the sign-in of {config.username!r} to {config.company_db!r}. Check company database, user and "
        f"password before trying again: SAP locks a user after a few wrong tries. SAP says: {words}"
    )
