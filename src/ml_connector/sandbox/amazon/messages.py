"""Requests and replies as the simulator's handlers see them, and the words of Amazon's errors.

Source: SP-API dossier, sections 5 and 6.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. ``query`` is decoded, header names are lower case, ``path`` is below the system's prefix.

    ``raw_path`` is the path as it was sent: a SKU may hold a slash, which is then ``%2F``.
    """

    method: str
    path: str
    raw_path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Mapping[str, object]:
        """The body as a JSON object, its fractions exact. Raises Refused (400) where it is none."""
        try:
            parsed = read_json(self.body)
        except ValueError:
            raise Refused.input("Could not parse the request body") from None
        if not isinstance(parsed, dict):
            raise Refused.input("Could not parse the request body")
        return parsed


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP reply."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_json(cls, status: int, body: object) -> Reply:
        return cls(status, json_text(body).encode(), {"content-type": "application/json"})


class Refused(Exception):
    """A request that Amazon refuses, in its own words."""

    def __init__(self, status: int, code: str, message: str, details: str = "") -> None:
        super().__init__(f"{status} {code}: {message}")
        self.message = message
        self.reply = Reply.of_json(status, error_list(code, message, details))

    @classmethod
    def of(cls, status: int, body: Mapping[str, object]) -> Refused:
        """With a body that is worded already."""
        refused = cls(status, "", "")
        refused.reply = Reply.of_json(status, body)
        return refused

    @classmethod
    def input(cls, message: str) -> Refused:
        """400 InvalidInput."""
        return cls(400, "InvalidInput", message)

    @classmethod
    def access(cls, details: str = "", *, status: int = 403, code: str = "Unauthorized", message: str = "") -> Refused:
        """403 for everything about tokens, roles, regions and paths; only ``details`` tells them apart."""
        return cls(status, code, message or "Access to requested resource is denied.", details)

    @classmethod
    def not_found(cls, message: str) -> Refused:
        return cls(404, "NotFound", message)


def error_list(code: str, message: str, details: str = "") -> dict[str, object]:
    """The body of every error."""
    return {"errors": [{"code": code, "message": message, "details": details}]}


def general_error(status: int) -> dict[str, object]:
    """The body of an error that is not about the request: 429, 500, 503 (dossier section 6)."""
    match status:
        case 429:
            return error_list("QuotaExceeded", "You exceeded your quota for the requested resource.")
        case 503:
            return error_list("ServiceUnavailable", "Service is temporarily unavailable. Please try again.")
        case _:
            return error_list("InternalFailure", "We encountered an internal error. Please try again.")


def report_time(instant: datetime) -> str:
    """How the Reports API writes instants: ``2026-10-27T02:11:31+00:00`` (dossier section 5)."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S+00:00")


def read_json(content: bytes) -> Any:
    """JSON that somebody may mean, its fractions exact. Raises ValueError for what is none, and for NULs, which no text needs."""
    if b"\\u0000" in content:
        raise ValueError("a NUL in a text")
    try:
        return json.loads(content.decode("utf-8-sig"), parse_float=_fraction, parse_constant=_fraction)
    except (ArithmeticError, RecursionError) as error:
        raise ValueError("not JSON that is understood") from error


def _fraction(text: str) -> Decimal:
    """A number of a size that somebody may mean. Raises ValueError for others: one of a few letters may fill the memory."""
    number = Decimal(text)
    if not number.is_finite() or len(text) > 40 or (number and abs(number.adjusted()) > 30):
        raise ValueError(f"not a number that is understood: {text[:40]}")
    return number


YEARS = range(1900, 2200)
"""An instant of any other year is nobody's: it is refused, so that nothing is reckoned from the ends of time."""

_INSTANT = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d{1,9})?(?:Z|\+00:00)", re.ASCII)


def read_time(text: str) -> datetime:
    """ISO 8601 in UTC, with ``Z`` or ``+00:00``; other offsets are refused (dossier sections 5 and 25).

    A plus that nobody encoded has become a space on its way here, and is refused too. Raises Refused.
    """
    found = _INSTANT.fullmatch(text)
    if found is None or int(text[:4]) not in YEARS:
        raise Refused.input("Invalid date/time field")
    microsecond = int((found[2] or ".0")[1:7].ljust(6, "0"))
    try:
        return datetime.fromisoformat(found[1]).replace(microsecond=microsecond, tzinfo=UTC)
    except ValueError:
        raise Refused.input("Invalid date/time field") from None


def json_text(value: object) -> str:
    """JSON in which a Decimal is a number with exactly its digits: Finances sends amounts so (dossier section 5)."""
    return _NUMBER.sub(r"\1", json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_marked))


_NUMBER = re.compile(r'"\\u0000([^"]*)"')


def _marked(value: object) -> str:
    """A number as a text that no other text can be, until it stands in the JSON: the encoder itself knows no Decimal."""
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} has no form in JSON")
    return "\0" + (format(value.normalize(), "f") if value else "0")
