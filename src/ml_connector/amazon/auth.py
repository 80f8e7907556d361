"""Login with Amazon: one refresh token, the access tokens bought with it, and the flow that puts them on requests.

Facts: Amazon dossier, sections 4 (exchange, errors, caching) and 6 (what a 403 means). No signature, no ``Authorization``
header: only ``x-amz-access-token``.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from urllib.parse import quote, urlencode

import httpx2
import msgspec
import structlog

from ml_connector.amazon import errors
from ml_connector.domain.clock import Clock
from ml_connector.domain.errors import BadAnswer, MlConnectorError, RateLimited, SignInFailed, Unavailable
from ml_connector.transport.auth import Token, TokenStore
from ml_connector.transport.http import Answer, HttpClient

HEADER: Final = "x-amz-access-token"

#: A token is renewed when five minutes of its life are left, or a tenth of it where it lives shorter than usual.
_MARGIN: Final = timedelta(minutes=5)
_MARGIN_PART: Final = 10
_LIFE_WHEN_UNSAID_S: Final = 1800
_LIFE_MAX_S: Final = 24 * 3600
_PRINTABLE: Final = re.compile(r"[!-~]{1,8192}")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Credentials:
    """An application's client id and secret, and the refresh token a selling account gave it (valid in one region)."""

    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)

    @property
    def token_name(self) -> str:
        """Whose access token it is, for the token store: says nothing of the secrets it is made from."""
        digest = hashlib.sha256(f"{self.client_id}\n{self.refresh_token}".encode()).hexdigest()
        return f"login-with-amazon/{digest[:32]}"


class _Granted(msgspec.Struct, frozen=True):
    access_token: str
    refresh_token: str | None = None
    expires_in: int = _LIFE_WHEN_UNSAID_S


class _Denied(msgspec.Struct, frozen=True):
    error: str = ""


class LoginWithAmazon:
    """Access tokens for one (client id, refresh token). Make one per connection and share it: the exchange is throttled.

    ``http`` points at the token endpoint. ``on_new_refresh_token`` stores a refresh token that Amazon hands out in place of
    ours; it is awaited before anything is done with the new one.
    """

    def __init__(
        self,
        http: HttpClient,
        credentials: Credentials,
        tokens: TokenStore,
        clock: Clock,
        *,
        user_agent: str,
        on_new_refresh_token: Callable[[str], Awaitable[None]],
    ) -> None:
        self._http = http
        self._credentials = credentials
        self._tokens = tokens
        self._clock = clock
        self._user_agent = user_agent
        self._on_new_refresh_token = on_new_refresh_token
        self._token: Token | None = None
        self._turn = asyncio.Lock()
        self._failures = 0
        self._last_failure: MlConnectorError | None = None

    async def access_token(self, *, refused: Token | None = None) -> Token:
        """A token that is good now and is not ``refused``. However many ask at once, one exchange is made.

        Its ``expires_at`` is when we stop using it, the margin before Amazon does.
        Raises :class:`SignInFailed` (saying what to replace), :class:`Unavailable` or :class:`BadAnswer`.
        """
        if self._usable(self._token, refused):
            assert self._token is not None  # noqa: S101 - just looked at
            return self._token
        failures_before = self._failures
        async with self._turn:
            if self._last_failure is not None and self._failures != failures_before:
                # Whoever waited for an exchange that failed shares its end: twenty callers, one refusal.
                raise self._last_failure
            if not self._usable(self._token, refused):
                stored = await self._tokens.load(self._credentials.token_name)
                self._token = stored if self._usable(stored, refused) else await self._exchange_noting_failure()
            assert self._token is not None  # noqa: S101 - an exchange gives a token or raises
            return self._token

    async def renew(self) -> Token:
        """A token bought now, however good the one at hand: who tests a sign-in asks whether it still works."""
        async with self._turn:
            self._token = await self._exchange_noting_failure()
            return self._token

    def is_old(self, token: Token) -> bool:
        """Whether the token is at the end of its life (older than 55 of 60 minutes), so that a bare 403 may be its fault."""
        return token.expires_at <= self._clock.now()

    def _usable(self, token: Token | None, refused: Token | None) -> bool:
        if token is None or (refused is not None and token.value == refused.value):
            return False
        return not self.is_old(token)

    async def _exchange_noting_failure(self) -> Token:
        try:
            return await self._exchange()
        except MlConnectorError as error:
            self._failures += 1
            self._last_failure = error
            raise

    async def _exchange(self) -> Token:
        asked_at = self._clock.now()
        form = {
            "grant_type": "refresh_token",
            "refresh_token": self._credentials.refresh_token,
            "client_id": self._credentials.client_id,
            "client_secret": self._credentials.client_secret,
        }
        try:
            answer = await self._http.read(
                "POST",
                "",
                headers={
                    "content-type": "application/x-www-form-urlencoded;charset=UTF-8",
                    "accept": "application/json",
                    "user-agent": self._user_agent,
                },
                content=urlencode(form, quote_via=quote).encode("ascii"),
            )
        except RateLimited as error:
            raise RateLimited(
                "Login with Amazon is asked too often. Try again later.", retry_after_s=error.retry_after_s
            ) from error
        if answer.status != 200:
            raise _refusal(answer)
        granted = _granted(answer)
        life = timedelta(seconds=min(granted.expires_in, _LIFE_MAX_S))
        token = Token(granted.access_token, asked_at + life - min(_MARGIN, life / _MARGIN_PART))
        await self._keep_refresh_token(granted.refresh_token)
        await self._tokens.save(self._credentials.token_name, token)
        _log.info("amazon.access_token_issued", good_until=token.expires_at.isoformat())
        return token

    async def _keep_refresh_token(self, issued: str | None) -> None:
        """The answer repeats our refresh token; should it ever name another, that one is stored before all else."""
        if not issued or issued == self._credentials.refresh_token:
            return
        await self._on_new_refresh_token(issued)
        self._credentials = Credentials(self._credentials.client_id, self._credentials.client_secret, issued)
        _log.warning("amazon.refresh_token_replaced")


class SignedCall(httpx2.Auth):
    """The auth flow of one send: puts the access token on it, and keeps what the answer's head said.

    A refused token is not exchanged in here but by the client, because a repeated send must be paid for from the bucket
    again and, where it writes, needs a pass of its own. ``status`` is 0 and ``request_id`` "" while nothing was answered.
    """

    def __init__(self, login: LoginWithAmazon) -> None:
        self._login = login
        self.token: Token | None = None
        self.status = 0
        self.request_id = ""

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        self.token = await self._login.access_token()
        request.headers[HEADER] = self.token.value
        response = yield request
        self.status = response.status_code
        self.request_id = errors.request_id(response.headers)

    def blamed(self, answer: Answer) -> Token | None:
        """The token, when ``answer`` refuses it: its details say so, or it came to the end of its life on the way."""
        if answer.status not in (401, 403) or self.token is None:
            return None
        if errors.blames_token(answer.status, answer.body) or self._login.is_old(self.token):
            return self.token
        return None


def _granted(answer: Answer) -> _Granted:
    try:
        granted = msgspec.json.decode(answer.body, type=_Granted)
    except (ValueError, RecursionError) as error:
        # The body holds tokens: it is named by nothing but its shape.
        raise BadAnswer("Login with Amazon gave an answer that is no access token.") from error
    if not _PRINTABLE.fullmatch(granted.access_token) or granted.expires_in <= 0:
        raise BadAnswer("Login with Amazon gave an empty or dead access token.")
    return granted


def _refusal(answer: Answer) -> MlConnectorError:
    """The permanent refusals of section 4.4, each with what a person has to do; anything else is trouble that passes."""
    try:
        error = msgspec.json.decode(answer.body, type=_Denied).error
    except (ValueError, RecursionError):
        error = ""
    match error:
        case "invalid_grant":
            return SignInFailed(
                "Amazon refuses the refresh token: it is wrong, revoked or older than a year. Re-authorise: have the seller "
                "authorise the application again in Seller Central, then replace the refresh token of this connection.",
                code="refresh_token_refused",
            )
        case "invalid_client":
            return SignInFailed(
                "Amazon refuses the client id or the client secret. The client secret was rotated or has expired (it lives "
                "180 days): enter the new one. The refresh token stays valid.",
                code="client_secret_refused",
            )
        case "unauthorized_client" | "access_denied":
            return SignInFailed(
                f"Amazon does not let this application exchange this refresh token ({error}): they belong to different "
                "applications or regions, or the application was disabled.",
                code="client_not_authorised",
            )
        case "invalid_request" | "invalid_scope" | "unsupported_grant_type":
            return SignInFailed(
                f"Login with Amazon does not understand the sign-in ({error}): check that client id, client secret and "
                "refresh token were copied whole."
            )
        case _:
            return Unavailable(f"Login with Amazon issued no token (HTTP {answer.status}). Try again later.")
