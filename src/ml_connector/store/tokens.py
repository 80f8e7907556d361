"""Access tokens and sessions between runs, sealed. A cache: what cannot be opened is the same as nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, delete, select

from ml_connector.domain.errors import KeyProblem
from ml_connector.domain.sealed import Envelope, SecretId
from ml_connector.store import dialect
from ml_connector.store.door import Store
from ml_connector.store.tables import tokens
from ml_connector.transport.auth import Token

# Secrets are numbered from 1, so that no secret can stand where a token is expected.
_VERSION: Final = 0


@dataclass(frozen=True, slots=True)
class SealedTokens:
    """A :class:`ml_connector.transport.auth.TokenStore` on disk; ``seal`` and ``unseal`` are the vault's."""

    store: Store
    seal: Callable[[SecretId, bytes], Envelope]
    unseal: Callable[[SecretId, Envelope], bytes]

    async def load(self, name: str) -> Token | None:
        """None as well when the master key changed since."""
        found = await self.store.call(
            lambda conn: conn.execute(select(tokens).where(tokens.c.name == name)).one_or_none()
        )
        if found is None:
            return None
        try:
            value = self.unseal(
                SecretId(name, "token", _VERSION), Envelope(found.kid, found.wrapped_key, found.ciphertext)
            )
        except KeyProblem:
            return None
        return Token(value.decode(), found.expires_at)

    async def save(self, name: str, token: Token) -> None:
        envelope = self.seal(SecretId(name, "token", _VERSION), token.value.encode())
        values = {
            "kid": envelope.kid,
            "wrapped_key": envelope.wrapped_key,
            "ciphertext": envelope.ciphertext,
            "expires_at": token.expires_at,
        }
        await self.store.call(
            lambda conn: conn.execute(
                dialect.insert(conn, tokens)
                .values(name=name, **values)
                .on_conflict_do_update(index_elements=["name"], set_=values)
            ).close()
        )


def forget(conn: Connection, name: str) -> None:
    """The token is worth nothing any more."""
    conn.execute(delete(tokens).where(tokens.c.name == name))
