"""Pages and their tokens: opaque, signed, bound to the seller and the question they were given for.

Source: SP-API dossier, section 8. Position and life of a token are the operation's; everything else about them is here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ml_connector.sandbox.amazon.messages import Refused
from ml_connector.sandbox.clock import WorldClock
from ml_connector.sandbox.faults import SystemFaults

Items = Sequence[object]
Position = Any
"""Where the next page begins: whatever the operation makes of it, as JSON."""


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody asks, without the token. ``bound`` has to be the same on each page (other parameters may change)."""

    operation: str
    seller_id: str
    bound: Mapping[str, object]
    token: str | None
    token_name: str
    life: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page. ``begins`` is where it begins, ``token`` leads to the next one and is None on the last."""

    items: Items
    begins: Position
    token: str | None


class Pager:
    """``empty_page_every`` n: where an operation may answer with an empty page, each n-th answer is one; 0 means never."""

    def __init__(self, secret: str, clock: WorldClock, faults: SystemFaults, *, empty_page_every: int) -> None:
        self._secret = secret
        self._clock = clock
        self._faults = faults
        self._empty_page_every = empty_page_every

    def page(
        self,
        question: Question,
        start: Position,
        fetch: Callable[[Position], tuple[Items, Position | None]],
        *,
        empties: bool = False,
    ) -> Page:
        """The page that the question's token leads to, the one at ``start`` without a token.

        ``fetch`` gives the items from a position on, and where the next page begins (None: nowhere). Faults ``empty_page``
        and ``repeated_token`` are played here. Raises Refused for a token that is not understood.
        """
        position, turn = (start, 1) if question.token is None else self._read(question, question.token)
        if self._is_empty(question.operation, turn, empties=empties):
            return Page((), position, self._token(question, position, turn + 1))
        items, following = fetch(position)
        if question.token is not None and self._faults.ask(question.operation, "repeated_token"):
            return Page(items, position, question.token)
        return Page(items, position, None if following is None else self._token(question, following, turn + 1))

    def _is_empty(self, operation: str, turn: int, *, empties: bool) -> bool:
        if self._faults.ask(operation, "empty_page"):
            return True
        return empties and self._empty_page_every > 0 and turn % self._empty_page_every == 0

    def _token(self, question: Question, position: Position, turn: int) -> str:
        content = json.dumps([position, turn, self._clock.now().isoformat()], separators=(",", ":")).encode()
        return base64.b64encode(self._signature(question, content) + content).decode()

    def _read(self, question: Question, token: str) -> tuple[Position, int]:
        try:
            decoded = base64.b64decode(token, validate=True)
        except (binascii.Error, ValueError):
            raise Refused.input(f"Invalid {question.token_name}") from None
        content = decoded[_SIGNATURE_BYTES:]
        if decoded[:_SIGNATURE_BYTES] != self._signature(question, content):
            raise Refused.input(f"Invalid {question.token_name}: it was given for other parameters")
        position, turn, given = json.loads(content)
        age = self._clock.now() - datetime.fromisoformat(given)
        if question.life is not None and age > question.life:
            raise Refused.input(f"Invalid {question.token_name}: it has expired")
        return position, int(turn)

    def _signature(self, question: Question, content: bytes) -> bytes:
        """Raw bytes, so that a token holds every letter of its alphabet and has to be encoded on its way back."""
        material = [self._secret, question.operation, question.seller_id, sorted(question.bound.items())]
        return hashlib.sha256(json.dumps(material).encode() + content).digest()[:_SIGNATURE_BYTES]


_SIGNATURE_BYTES = 18
