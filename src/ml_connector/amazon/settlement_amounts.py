"""Amounts of a settlement file: one strict form per file, into ticks (settlement dossier, section 2; DESIGN 6)."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

_POINT: Final = re.compile(rb"(-?[0-9]{1,15})(?:\.([0-9]{1,4}))?")
# A group of three counts as grouping only beside a decimal comma: "1.234" alone could be read two ways.
_COMMA: Final = re.compile(rb"(-?(?:[0-9]{1,15}|[0-9]{1,3}(?:\.[0-9]{3}){1,4}))(?:,([0-9]{1,4}))?")
_MEMORY_MAX: Final = 16_384


class Style(StrEnum):
    """How a file writes decimals. Files of zero-decimal currencies show none and pass for ``point``."""

    POINT = "point"
    COMMA = "comma"


class BadAmount(Exception):
    """Not an amount in the file's own style; the row is found by whoever knows the rows."""


def style_of(text: bytes) -> Style | None:
    """Which style an amount proves; None where it has no decimals or is no amount at all."""
    for style in Style:
        if (ticks_of(text, style) is not None) and (b"," in text or b"." in text):
            return style
    return None


def ticks_of(text: bytes, style: Style) -> int | None:
    """The amount in 1/10,000 of the currency unit, None when it is not written in ``style``.

    ASCII digits, an optional ``-``, at most four decimals; nothing else (no ``+``, space, parenthesis, exponent).
    """
    match = (_POINT if style is Style.POINT else _COMMA).fullmatch(text)
    if not match:
        return None
    whole, decimals = match.groups()
    if b"." in whole:
        if decimals is None:
            return None
        whole = whole.replace(b".", b"")
    return int(whole + (decimals or b"").ljust(4, b"0"))


class Amounts(dict[bytes, int]):
    """Ticks by the amount's text: a bounded memory for a hot loop.

    The style is decided by the first amount that has decimals; later ones must agree. Raises :class:`BadAmount`.
    """

    def __init__(self, style: Style | None = None) -> None:
        super().__init__()
        self.style = style

    def __missing__(self, text: bytes) -> int:
        if self.style is None:
            self.style = style_of(text)
        ticks = ticks_of(text, self.style or Style.POINT)
        if ticks is None:
            raise BadAmount
        if len(self) >= _MEMORY_MAX:
            self.clear()
        self[text] = ticks
        return ticks
