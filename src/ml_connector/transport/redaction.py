"""What may never be written down: tokens, passwords, session cookies, presigned addresses.

Two nets, because either alone has holes: patterns for secrets of a known shape, and the exact values this process was given.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, MutableMapping
from typing import Any, Final
from urllib.parse import quote, quote_plus

MASK: Final = "[redacted]"
_SHORTEST_SECRET: Final = 6

_SHAPES: Final = (
    re.compile(r"Atz[a-z]?(?:\.sprdt)?(?:\||%7C)[\w\-.%+/=|]+", re.IGNORECASE),
    re.compile(r"amzn1\.oa2-cs\.v1\.\w+"),
    re.compile(r"(?<=B1SESSION=)[^;\s\"']+"),
    # Whoever signs: X-Amz-Signature, and Signature of the older form.
    re.compile(r"(?<=Signature=)[^&\s\"']+", re.IGNORECASE),
    re.compile(r"(?<=X-Amz-Credential=)[^&\s\"']+", re.IGNORECASE),
    re.compile(r"(?<=X-Amz-Security-Token=)[^&\s\"']+", re.IGNORECASE),
    re.compile(r"(?i)(?<=authorization: )(?:basic|bearer) \S+"),
    re.compile(r'(?i)"(?:password|client_secret|refresh_token|access_token|sessionid)"\s*:\s*"(?:[^"\\]|\\.)+"'),
)


class Redactor:
    """Knows this process's secrets by value, and every secret by shape."""

    def __init__(self) -> None:
        self._values: set[str] = set()

    def learn(self, values: Iterable[str]) -> None:
        """Never let these appear again, as they are, percent-encoded, in a form or in JSON. Very short values are not learnt: masking every
        ``a`` would hide everything else."""
        for value in values:
            if len(value) >= _SHORTEST_SECRET:
                self._values |= {
                    value,
                    quote(value, safe="", errors="replace"),
                    quote_plus(value, errors="replace"),
                    json.dumps(value)[1:-1],
                }

    def text(self, text: str) -> str:
        """``text`` without secrets."""
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, MASK)
        for shape in _SHAPES:
            text = shape.sub(MASK, text)
        return text

    def event(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """A structlog processor: every value of a log event, at any depth."""
        return {self.text(key): self._clean(value) for key, value in event.items()}

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bytes):
            return self.text(value.decode("utf-8", "replace"))
        if isinstance(value, dict):
            return {self.text(str(key)): self._clean(item) for key, item in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self._clean(item) for item in value]
        if isinstance(value, BaseException):
            return self.text(f"{type(value).__name__}: {value}")
        # Anything else would be written as its representation, behind our back.
        return value if value is None or isinstance(value, (bool, int, float)) else self.text(repr(value))
