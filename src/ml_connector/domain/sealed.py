"""Secrets as everybody but the vault sees them: sealed. The store keeps them, the vault seals and opens them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SecretId:
    """Which secret: the row it belongs to. It is part of the seal, so an envelope moved to another row does not open."""

    connection: str
    field: str
    version: int


@dataclass(frozen=True, slots=True)
class Envelope:
    """A sealed secret: its own data key, wrapped by the master key named ``kid``, and what that data key encrypts."""

    kid: str
    wrapped_key: bytes
    ciphertext: bytes


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """What tells a master key from any other without saying anything about it."""

    kid: str
    value: str
