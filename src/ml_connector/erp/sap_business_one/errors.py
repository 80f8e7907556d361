"""What the Service Layer says when it says no (SAP dossier, sections 3.4, 4.1, 12). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ml_connector.domain.errors import BadAnswer, MlConnectorError, NotPermitted, RefusedByServer
from ml_connector.transport.http import Answer
from ml_connector.transport.redaction import Redactor

#: Codes by their meaning (contracts, ``error-catalogue.json``).
SESSION_CODE: Final = 301
BUSINESS_CODE: Final = -5002
UNIQUE_CODE: Final = -2035
OBJECT_CODE: Final = -10
NOT_FOUND_CODE: Final = -2028
BAD_QUERY_CODE: Final = 201
NO_PERMISSION_CODES: Final = frozenset({-6006, 804})

_GRACE_S: Final = 60.0

_WORDS_MAX: Final = 2048
_SHAPES: Final = Redactor()
_SESSION_WORDS: Final = re.compile(r"invalid session|session.*(?:time ?out|expired)", re.IGNORECASE)
_EXISTS_WORDS: Final = re.compile(r"already exists", re.IGNORECASE)
_INNER_CODE: Final = re.compile(r"\(?(-?\d+)\)? - ")
_LINE: Final = re.compile(r"\[line: (\d{1,6})\]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ServiceError:
    """An error envelope. ``code`` as text; ``number`` is None where it is no number; ``inner`` is Business One's own
    message number, None where the words do not begin with one; ``line`` is 1-based among the lines that were sent."""

    status: int
    code: str
    words: str

    @property
    def number(self) -> int | None:
        return int(self.code) if re.fullmatch(r"-?\d{1,12}", self.code, re.ASCII) else None

    @property
    def inner(self) -> int | None:
        found = _INNER_CODE.match(self.words)
        return int(found[1]) if found else None

    @property
    def line(self) -> int | None:
        found = _LINE.search(self.words)
        return int(found[1]) if found else None

    @property
    def duplicate(self) -> bool:
        """A unique key is taken. -10 is also used for other rejections, so there the words decide."""
        return self.number == UNIQUE_CODE or (
            self.number == OBJECT_CODE and _EXISTS_WORDS.search(self.words) is not None
        )


def parse_error(status: int, body: bytes) -> ServiceError | None:
    """The envelope in ``body``: v1 or v2 form, code as number or text. None where there is none (HTML, empty, other)."""
    try:
        error = Answer(status, {}, body).json()["error"]
        code, message = error["code"], error["message"]
        words = message["value"] if isinstance(message, dict) else message
    except (BadAnswer, KeyError, TypeError):
        return None
    if not isinstance(code, (int, str)) or not isinstance(words, str):
        return None
    return ServiceError(status, str(code).strip(), _SHAPES.text(" ".join(words.split()))[:_WORDS_MAX])


def grace_s(timeout_s: float) -> float:
    """How long before its end an idle session is taken for ended: a minute (dossier 3.4), less where sessions are short."""
    return min(_GRACE_S, timeout_s / 2)


def session_lost(status: int, error: ServiceError | None, *, idle_s: float, timeout_s: float) -> bool:
    """Whether an answer to anything but Login means that the session is gone.

    -5002 is a business rejection; it counts only with a session's words, or after a pause that by our own clock reached
    the session's end (a 4xx means that nothing was committed, so reading once more cannot harm).
    """
    if status == 401:
        return True
    if error is None:
        return False
    if error.number == SESSION_CODE or _SESSION_WORDS.search(error.words):
        return True
    return status < 500 and error.number == BUSINESS_CODE and idle_s >= timeout_s - grace_s(timeout_s)


def refusal(what: str, error: ServiceError) -> MlConnectorError:
    """The exception for a read that was refused; ``what`` is what was asked for, in words."""
    if error.status == 403 or error.number in NO_PERMISSION_CODES:
        return NotPermitted(
            f"The SAP user has no right to {what}. Ask the SAP administrator for it. SAP says: {error.words}"
        )
    return RefusedByServer(
        f"SAP Business One refused to {what}: {error.words} (code {error.code}).",
        server_code=error.code,
        words=error.words,
    )
