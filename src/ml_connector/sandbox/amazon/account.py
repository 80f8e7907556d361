"""Who may call: the application, its selling accounts, tokens that expire, and Login with Amazon.

Source: SP-API dossier, section 4. One selling account holds every store of the scenario, whatever the region: a
simplification of the sandbox (a real one has one authorisation per region, section 1.9).
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qs

from ml_connector.sandbox.amazon.messages import Reply, Request
from ml_connector.sandbox.amazon.scenario import Scenario
from ml_connector.sandbox.clock import WorldClock
from ml_connector.sandbox.switches import Switches

TOKEN_LIFE_S = 3600
GRANTLESS_SCOPES = frozenset(
    {
        "sellingpartnerapi::notifications",
        "sellingpartnerapi::client_credential:rotation",
        "sellingpartnerapi::migration",
    }
)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """``seller_id`` is "" for a grantless token."""

    seller_id: str
    expires: datetime


class Account:
    """The application and the selling accounts that authorised it.

    The attributes that are not underscored are the doors for tests: ``revoke``, ``rotate_secret``, ``expire_tokens``,
    ``missing_roles`` (operations), ``other_region``.
    """

    def __init__(self, chance: random.Random, clock: WorldClock, scenario: Scenario, switches: Switches) -> None:
        self._clock = clock
        self._switches = switches
        self.client_id = f"amzn1.application-oa2-client.{_hex(chance, 32)}"
        self.client_secret = f"amzn1.oa2-cs.v1.{_hex(chance, 64)}"
        self._new_secret = f"amzn1.oa2-cs.v1.{_hex(chance, 64)}"
        self.seller_id = f"A{_code(chance, 13)}"
        self.refresh_token = f"Atzr|{_hex(chance, 80)}"
        self.other_seller_id = f"A{_code(chance, 13)}"
        self.other_refresh_token = f"Atzr|{_hex(chance, 80)}"
        self._sellers = {self.refresh_token: self.seller_id, self.other_refresh_token: self.other_seller_id}
        self._valid_secret = self.client_secret
        self._tokens: dict[str, AccessToken] = {}
        self._issued = 0
        self.missing_roles = set(scenario.missing_roles)
        self.other_region = scenario.other_region
        if scenario.revoked:
            self.revoke()
        if scenario.secret_rotated:
            self.rotate_secret()

    def revoke(self) -> None:
        """The seller withdraws his permission: refresh token and access tokens are worth nothing from now on."""
        self._sellers = {token: seller for token, seller in self._sellers.items() if seller != self.seller_id}
        self._tokens = {value: token for value, token in self._tokens.items() if token.seller_id != self.seller_id}

    def rotate_secret(self) -> str:
        """The client secret is replaced and the old one refused; the new one is returned."""
        self._valid_secret = self._new_secret
        return self._new_secret

    def expire_tokens(self) -> None:
        """Every access token ends now."""
        now = self._clock.now()
        self._tokens = {value: AccessToken(token.seller_id, now) for value, token in self._tokens.items()}

    def token(self, value: str) -> AccessToken | None:
        """A token that was issued, expired or not."""
        return self._tokens.get(value)

    def exchange(self, request: Request) -> Reply:
        """``POST /auth/o2/token``."""
        if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return lwa_error(400, "invalid_request", "The request is missing a required parameter : grant_type")
        form = {name: values[0] for name, values in parse_qs(request.body.decode("latin-1")).items()}
        for name in ("grant_type", "client_id", "client_secret"):
            if name not in form:
                return lwa_error(400, "invalid_request", f"The request is missing a required parameter : {name}")
        if form["client_id"] != self.client_id or form["client_secret"] != self._valid_secret:
            return lwa_error(401, "invalid_client", "Client authentication failed")
        match form["grant_type"]:
            case "refresh_token":
                return self._refresh(form)
            case "client_credentials":
                return self._grantless(form)
            case "authorization_code":
                return lwa_error(400, "unauthorized_client", "The client is not authorized to use this grant type")
            case _:
                return lwa_error(400, "unsupported_grant_type", "The authorization grant type is not supported")

    def _refresh(self, form: dict[str, str]) -> Reply:
        if "refresh_token" not in form:
            return lwa_error(400, "invalid_request", "The request is missing a required parameter : refresh_token")
        refresh_token = form["refresh_token"]
        seller_id = self._sellers.get(refresh_token)
        if seller_id is None:
            return lwa_error(400, "invalid_grant", "The request has an invalid grant parameter : refresh_token")
        if self._switches.on("refresh_token_rotates"):
            del self._sellers[refresh_token]
            refresh_token = f"Atzr|{self._unique('refresh')}"
            self._sellers[refresh_token] = seller_id
        return Reply.of_json(
            200,
            {
                "access_token": self._issue("Atza", seller_id),
                "refresh_token": refresh_token,
                "token_type": "bearer",
                "expires_in": self._announced_life_s(),
            },
        )

    def _grantless(self, form: dict[str, str]) -> Reply:
        scope = form.get("scope", "")
        if scope not in GRANTLESS_SCOPES:
            return lwa_error(400, "invalid_scope", "The request has an invalid grant parameter : scope")
        return Reply.of_json(
            200,
            {
                "access_token": self._issue("Atc", ""),
                "scope": scope,
                "token_type": "bearer",
                "expires_in": self._announced_life_s(),
            },
        )

    def _announced_life_s(self) -> int:
        """The life in the caller's seconds: a fast world's token is over sooner."""
        return max(1, int(TOKEN_LIFE_S / self._clock.speed))

    def _issue(self, kind: str, seller_id: str) -> str:
        value = f"{kind}|{self._unique('access')}"
        self._tokens[value] = AccessToken(seller_id, self._clock.now() + timedelta(seconds=TOKEN_LIFE_S))
        return value

    def _unique(self, purpose: str) -> str:
        """Never twice, also after a restart: the instant is part of it."""
        self._issued += 1
        material = f"{self.client_secret}:{purpose}:{self._clock.now().isoformat()}:{self._issued}"
        return hashlib.sha256(material.encode()).hexdigest()


def lwa_error(status: int, error: str, description: str) -> Reply:
    """An error as Login with Amazon words it (section 4.4)."""
    return Reply.of_json(status, {"error_description": description, "error": error})


def _hex(chance: random.Random, count: int) -> str:
    return "".join(chance.choices("0123456789abcdef", k=count))


def _code(chance: random.Random, count: int) -> str:
    return "".join(chance.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", k=count))
