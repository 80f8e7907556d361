"""What sign-in flows share: a token with an end, and where it is kept between runs.

The flows themselves are :class:`httpx2.Auth` generators in each connector's ``auth`` module. A request that a flow makes
itself (a login, a token exchange) inherits no time-outs: give it ``Timeouts.extension()``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer secret and the instant (UTC) after which it is worth nothing."""

    value: str = field(repr=False)
    expires_at: datetime


class TokenStore(Protocol):
    """Keeps tokens, sealed, so that another process need not sign in again. ``name`` says whose token it is."""

    async def load(self, name: str) -> Token | None: ...

    async def save(self, name: str, token: Token) -> None: ...
