"""Envelopes: each secret is encrypted with a data key of its own, and the data key is wrapped by the master key.

AES-256-GCM both times, with the identity of the row as associated data (engine dossier, section 5): an envelope that was
copied to another connection, field or version does not open. Changing the master key rewraps data keys and never touches
what they encrypt.
"""

from __future__ import annotations

import json
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ml_connector.domain.errors import KeyProblem
from ml_connector.domain.sealed import Envelope, SecretId
from ml_connector.vault.keys import KEY_BYTES, KeyRing, MasterKey

_NONCE_BYTES: Final = 12


def seal(key: MasterKey, secret: SecretId, content: bytes) -> Envelope:
    """Only ``unseal`` with the same identity gets ``content`` back."""
    data_key = os.urandom(KEY_BYTES)
    return Envelope(key.kid, _wrap(key, secret, data_key), _encrypt(data_key, content, _identity("secret", secret)))


def unseal(ring: KeyRing, secret: SecretId, envelope: Envelope) -> bytes:
    """The content. Raises :class:`KeyProblem` for an unknown master key, or an envelope that was changed or moved."""
    data_key = _unwrap(ring, secret, envelope)
    return _decrypt(data_key, envelope.ciphertext, _identity("secret", secret), secret)


def rewrap(ring: KeyRing, secret: SecretId, envelope: Envelope) -> Envelope:
    """The same content under the ring's primary key. Raises :class:`KeyProblem` as ``unseal`` does."""
    data_key = _unwrap(ring, secret, envelope)
    return Envelope(ring.primary.kid, _wrap(ring.primary, secret, data_key), envelope.ciphertext)


def _wrap(key: MasterKey, secret: SecretId, data_key: bytes) -> bytes:
    return _encrypt(key.value, data_key, _identity("data key", secret, key.kid))


def _unwrap(ring: KeyRing, secret: SecretId, envelope: Envelope) -> bytes:
    key = ring.find(envelope.kid)
    if key is None:
        raise KeyProblem(
            f"{_name(secret)} was sealed under the master key {envelope.kid}, which is not at hand: provide that key."
        )
    return _decrypt(key.value, envelope.wrapped_key, _identity("data key", secret, key.kid), secret)


def _identity(purpose: str, secret: SecretId, *more: str) -> bytes:
    """A JSON list, so that no two identities have the same bytes."""
    return json.dumps([purpose, secret.connection, secret.field, secret.version, *more]).encode()


def _encrypt(key: bytes, content: bytes, identity: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, identity)


def _decrypt(key: bytes, sealed: bytes, identity: bytes, secret: SecretId) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], identity)
    except (InvalidTag, ValueError) as error:
        raise KeyProblem(
            f"{_name(secret)} does not open: it was changed, or belongs to another row. Enter this secret again."
        ) from error


def _name(secret: SecretId) -> str:
    return f"The secret {secret.connection}/{secret.field}"
