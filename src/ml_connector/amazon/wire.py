"""What the wire models of every operation are made of: Amazon's names, unknown members skipped, limits on what comes in.

Unknown members and unknown words of vocabularies appear without notice and pass (SP-API dossier, section 5).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Final

import msgspec

from ml_connector.domain.errors import BadAnswer

#: An id goes into names, addresses, documents and the database, so nothing else passes.
Id = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z][0-9A-Za-z._\-]{0,199}$")]
Currency = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}$")]
#: A word of one of Amazon's vocabularies, whether known here or not.
Word = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z_\- ]{0,100}$")]
#: The same, where there has to be one.
Said = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z_\- ]{1,100}$")]
Quantity = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]

_TEXT_MAX: Final = 2_000
#: What no database, no terminal and no spreadsheet takes as text.
_CONTROLS: Final = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


#: An escape of JSON: a whole character of two halves; half a character; anything else.
_ESCAPES: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
_HALF: Final = re.compile(rb"\\u[dD][89a-fA-F]")


def whole_characters(body: bytes) -> bytes:
    """JSON with U+FFFD for each half of a character: a title cut in the middle of one must not hide what stands beside it. Most
    answers hold none and are not gone through."""
    if not _HALF.search(body):
        return body
    return _ESCAPES.sub(lambda found: b"\\ufffd" if found[1] else found[0], body)


class Wire(msgspec.Struct, frozen=True, rename="camel"):
    """An object of an answer."""


def plain_text(text: str | None) -> str:
    """Free text, fit to be kept and shown; "" for nothing."""
    return _CONTROLS.sub("\ufffd", text)[:_TEXT_MAX] if text else ""


def instant(text: str) -> datetime:
    """A point in time with its zone, as UTC. Raises :class:`BadAnswer` for a day or a time without a zone."""
    found = moment(text)
    if not isinstance(found, datetime):
        raise BadAnswer(f"{text[:40]!r} is no point in time", code="bad_time")
    return found


def optional_instant(text: str | None) -> datetime | None:
    """As :func:`instant`; None for nothing."""
    return instant(text) if text else None


def moment(text: str) -> datetime | date:
    """A point in time as UTC, or a day, whichever is written. Raises :class:`BadAnswer`."""
    for kind in (datetime, date):
        try:
            found = msgspec.convert(text, kind)
        except msgspec.ValidationError:
            continue
        if not isinstance(found, datetime):
            return found
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    raise BadAnswer(f"{text[:40]!r} is no time", code="bad_time")
