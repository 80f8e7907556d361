"""Document keys: one per thing that should exist in a target, derived from source data only (DESIGN 5).

Never from a counter, an arrival order or a run number: whoever computes the key of the same thing gets the same key.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final, NewType

DocumentKey = NewType("DocumentKey", str)

_ALPHABET: Final = re.compile(r"[A-Z0-9-]+", re.ASCII)


def account_prefix(seller_id: str, region: str) -> str:
    """The first four base32 characters of sha256(seller id, region): which selling account."""
    digest = hashlib.sha256(f"{seller_id}\n{region}".encode()).digest()
    return base64.b32encode(digest).decode()[:4]


def document_key(prefix: str, kind: str, natural_id: str, *parts: str) -> DocumentKey:
    """``<acct4>-<KIND>-<natural id>[-<part>...]``. Raises ValueError outside the alphabet A-Z 0-9 -."""
    key = "-".join((prefix, kind, natural_id, *(part for part in parts if part)))
    if not _ALPHABET.fullmatch(key):
        raise ValueError(f"{key!r} is not a document key")
    return DocumentKey(key)


def wire_key(key: DocumentKey, max_length: int) -> str:
    """``key`` as a field of ``max_length`` can hold it: itself, or its beginning, ``-`` and 12 base32 of its hash."""
    if len(key) <= max_length:
        return key
    digest = base64.b32encode(hashlib.sha256(key.encode()).digest()).decode()[:12]
    return f"{key[: max_length - 13]}-{digest}"
