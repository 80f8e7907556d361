"""Basic sign-in on every request, and what a refusal of it means (Sage dossier, section 3).

The header is sent beforehand, never on a challenge. A wrong password counts towards a lock-out, so a refusal is remembered and
the same credentials are not tried again until a person asks. Some servers say 401 where a right is missing in one module: it
is taken for that where another module has answered and this one never did. Cookies are not kept: none is needed.
"""

from __future__ import annotations

import base64
from collections.abc import Generator

import httpx2

from ml_connector.domain.errors import MlConnectorError, NotPermitted, SignInFailed
from ml_connector.erp.sage_300.config import ADMIN, Config
from ml_connector.erp.sage_300.errors import RIGHTS, SageError
from ml_connector.transport.redaction import Redactor


class BasicAuth(httpx2.Auth):
    """User id and password, in UTF-8."""

    def __init__(self, config: Config) -> None:
        credentials = base64.b64encode(f"{config.username}:{config.password}".encode()).decode("ascii")
        self._header = f"Basic {credentials}"

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        request.headers["Authorization"] = self._header
        yield request


class SignIn:
    """What is known of one connection's credentials."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._refused: SignInFailed | None = None
        self._proven: set[str] = set()

    def check(self) -> None:
        """Raises :class:`SignInFailed` where the server refused these credentials before."""
        if self._refused is not None:
            raise self._refused

    def forget(self) -> None:
        """Try again, even where the server refused before: a person asked."""
        self._refused = None
        self._proven.clear()

    def accepted(self, module: str) -> None:
        """A module answered under these credentials."""
        self._proven.add(module)

    def refused(self, module: str, error: SageError | None) -> MlConnectorError:
        """What a 401 of a module means; remembered, where it is about the credentials."""
        # Some servers repeat what they were sent.
        redactor = Redactor()
        redactor.learn([self._config.password])
        said = f" Sage says: {redactor.text(error.words)}" if error is not None else ""
        if self._proven and module not in self._proven:
            return NotPermitted(
                f"Sage knows the user {self._config.username!r} and does not let it into {module} through the Web API. "
                f"{RIGHTS}{said}"
            )
        if self._config.username == ADMIN:
            words = (
                "Sage bars ADMIN from the Web API by default. Give ml-connector a user of its own (such as WEBAPI), or ask "
                f"the Sage administrator to allow ADMIN in both Web.config files.{said}"
            )
        else:
            words = (
                f"Sage refused the sign-in of {self._config.username!r}. Check username and password before trying again: Sage "
                f"locks a user after a few wrong tries. On some servers the same answer means that the right Sage 300 Web "
                f"API is missing in {module}.{said}"
            )
        self._refused = SignInFailed(words)
        return self._refused
