"""What the Web API says when it says no (Sage dossier, section 8; ``error-codes.csv``). Pure.

Status and code decide. Words are looked into only where the dossier says that nothing else tells: the day end, a batch that is
open on somebody's screen, and a document that is there already.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ml_connector.domain.errors import BadAnswer, MlConnectorError, NotPermitted, RefusedByServer
from ml_connector.domain.target import NotSent, Receipt, Refused, Unknown
from ml_connector.transport.http import Answer
from ml_connector.transport.redaction import Redactor

#: The code by which posting knows that the server refuses a *second* one: the next look must find the first.
DUPLICATE: Final = "duplicate"

_WORDS_MAX: Final = 2048
_SHAPES: Final = Redactor()
_DAY_END: Final = re.compile(r"day end", re.IGNORECASE)
_EXISTS: Final = re.compile(r"already exists", re.IGNORECASE)
_LOCKED: Final = re.compile(r"another (?:user|process|program)|being edited|in use by|is locked by", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SageError:
    """A refusal in Sage's own form. Warnings that have nothing to do with it are glued to the words (dossier, section 8)."""

    status: int
    code: str
    words: str

    @property
    def duplicate(self) -> bool:
        """What was to be created is there already."""
        if self.status != 409 or self.passing:
            return False
        return self.code == "RecordDuplicate" or bool(_EXISTS.search(self.words))

    @property
    def passing(self) -> bool:
        """Nothing was done, and the same request may succeed a little later."""
        return self.status == 409 and bool(_DAY_END.search(self.words) or _LOCKED.search(self.words))

    @property
    def missing_record(self) -> bool:
        """There is no record under that key."""
        return self.status == 404 and self.code == "RecordNotFound"

    @property
    def missing_resource(self) -> bool:
        """This version of Sage has no such resource, or no such company."""
        return self.status == 404 and not self.missing_record


def parse_error(status: int, body: bytes) -> SageError | None:
    """The refusal in ``body``; None where there is none (HTML, empty, other). The member was also seen as plain text."""
    try:
        error = Answer(status, {}, body).json()["error"]
        if isinstance(error, str):
            return SageError(status, "", _clean(error))
        code, message = error["code"], error["message"]
        words = message["value"] if isinstance(message, dict) else message
    except (BadAnswer, KeyError, TypeError):
        return None
    if not isinstance(code, str) or not isinstance(words, str):
        return None
    return SageError(status, code.strip()[:64], _clean(words))


def refusal(what: str, error: SageError) -> MlConnectorError:
    """The exception for a read that was refused; ``what`` is what was asked for, in words."""
    if error.status == 403:
        return NotPermitted(f"The Sage user has no right to {what}. {RIGHTS} Sage says: {error.words}")
    return RefusedByServer(
        f"Sage 300 refused to {what}: {error.words} (code {error.code or error.status}).",
        server_code=error.code,
        words=error.words,
    )


#: Where the right is given (dossier, section 3).
RIGHTS: Final = (
    "Ask the Sage administrator for it: Administrative Services, Security Groups, tick Sage 300 Web API and the module's own "
    "rights in a group of that module, and assign the group to the user."
)


def receipt(status: int, body: bytes) -> Receipt:
    """What a 4xx answer to a write says of the write; an answer that is not Sage's own says nothing."""
    error = parse_error(status, body)
    if status == 401:
        return NotSent("Sage refused the sign-in.")
    if error is None or status >= 500:
        # A proxy's page says nothing about what the server behind it did.
        return Unknown(f"HTTP {status}" if error is None else f"HTTP {status}: {error.words}")
    if error.passing:
        return NotSent(error.words)
    return Refused(DUPLICATE if error.duplicate else error.code or str(status), error.words)


def _clean(words: str) -> str:
    return _SHAPES.text(" ".join(words.split()))[:_WORDS_MAX]
