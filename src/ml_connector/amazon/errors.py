"""Amazon's refusals in our words (Amazon dossier, sections 4.4 and 6).

Decided on status and ``details``; ``code`` is spelt differently from API to API and decides nothing alone. Amazon's own words
are carried, cut and redacted; bodies, tokens and addresses are not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Final

import msgspec

from ml_connector.amazon.limits import PING, Operation
from ml_connector.domain.errors import (
    BadAnswer,
    MlConnectorError,
    NotPermitted,
    RateLimited,
    RefusedByServer,
    SignInFailed,
    Unavailable,
)
from ml_connector.transport.http import Answer
from ml_connector.transport.redaction import Redactor

#: The code of a :class:`RefusedByServer` for what does not exist, or belongs to another selling account.
NOT_FOUND: Final = "not_found"

#: The code of a :class:`RefusedByServer` when even the ping is not understood (section 6: Amazon answers 400 for inactive accounts).
DORMANT: Final = "account_dormant"

_WORDS_MAX: Final = 300
_REQUEST_ID_MAX: Final = 100
_CODE_MAX: Final = 100
_SHAPES: Final = Redactor()

#: ``code`` values with which a gateway, not the API, says no: mostly a path that does not exist (dossier, section 6).
_GATEWAY_CODES: Final = frozenset({"missingauthenticationtoken", "forbidden"})


class AmazonError(msgspec.Struct, frozen=True):
    """One member of ``errors``."""

    code: str = ""
    message: str = ""
    details: str | None = None


class _ErrorList(msgspec.Struct, frozen=True):
    errors: tuple[AmazonError, ...] = ()


def errors_in(body: bytes) -> tuple[AmazonError, ...]:
    """The errors of an answer; none when the body is not Amazon's JSON (the edge answers with HTML)."""
    try:
        return msgspec.json.decode(body, type=_ErrorList).errors
    except (ValueError, RecursionError):
        return ()


def blames_token(status: int, body: bytes) -> bool:
    """Whether a refusal is about the access token, so that a new one may help. A 401 always is (dossier, section 6)."""
    if status == 401:
        return True
    return status == 403 and any("access token" in (error.details or "").casefold() for error in errors_in(body))


def request_id(headers: Mapping[str, str]) -> str:
    """What Amazon's support asks for; "" where the answer names none. It goes into logs, so only plain characters pass."""
    return re.sub(r"[^\w.:=-]", "", headers.get("x-amzn-requestid", ""), flags=re.ASCII)[:_REQUEST_ID_MAX]


class Reach(Enum):
    """What else is known when an operation is refused: OPEN, other operations of this account work; SHUT, the ping, for which
    every application has the role, is refused too."""

    OPEN = "open"
    SHUT = "shut"
    UNKNOWN = "unknown"


def classify(answer: Answer, operation: Operation, reach: Reach = Reach.UNKNOWN) -> MlConnectorError:
    """The error that ``answer``, which is no success, means for ``operation``.

    A refused token comes here only after a new one was refused as well (:mod:`ml_connector.amazon.auth`). ``reach`` tells a
    missing role from an account that is not reached at all.
    """
    errors = errors_in(answer.body)
    first = errors[0] if errors else AmazonError()
    first = msgspec.structs.replace(first, code=re.sub(r"[^ -~]", "", first.code)[:_CODE_MAX])
    suffix = where(operation, request_id(answer.headers))
    status = answer.status
    if status in (401, 403):
        return _not_allowed(answer, first, operation, reach, suffix)
    if status == 429:
        return RateLimited(f"Amazon says that it is asked too often.{suffix}")
    if status >= 500:
        return Unavailable(f"Amazon is in trouble (HTTP {status}). Try again later.{suffix}")
    if status < 400:
        return BadAnswer(f"Amazon gave an answer that this operation does not have (HTTP {status}).{suffix}")
    if not errors:
        return RefusedByServer(
            f"Amazon's edge refused the request before the API saw it (HTTP {status}, no JSON): something in the request "
            f"itself is malformed, or a proxy stands in between.{suffix}",
            server_code=f"HTTP {status}",
            words="",
        )
    words = _words(first)
    if status == 400 and operation is PING:
        return RefusedByServer(
            f"Amazon refuses the plainest request there is, which has nothing in it that could be wrong ({words or first.code}): "
            f"the selling account is dormant or closed. Have the seller look into Seller Central.{suffix}",
            server_code=first.code or f"HTTP {status}",
            words=words,
            code=DORMANT,
        )
    return RefusedByServer(
        f"Amazon refused the request: {words or first.code}.{_hint(status, first)}{suffix}",
        server_code=first.code or f"HTTP {status}",
        words=words,
        code=NOT_FOUND if status == 404 else None,
    )


def _not_allowed(
    answer: Answer, first: AmazonError, operation: Operation, reach: Reach, suffix: str
) -> MlConnectorError:
    if blames_token(answer.status, answer.body):
        return SignInFailed(
            "Amazon refused a newly issued access token: the authorisation was revoked. Re-authorise the application in "
            f"Seller Central and replace the refresh token.{suffix}",
            code="authorisation_revoked",
        )
    path = ""
    if first.code.casefold() in _GATEWAY_CODES or not first.code:
        path = " Amazon also answers so for a path that it does not know: check the address of the region first."
    match reach:
        case Reach.OPEN:
            return NotPermitted(
                f"Amazon does not allow {operation.name}, while other operations work: the role {operation.role} is missing. Give "
                "it to the application, have the seller authorise it again, and enter the new refresh token."
                f"{path}{suffix}",
                code="role_missing",
            )
        case Reach.SHUT:
            return NotPermitted(
                "Amazon signs this application in and then refuses every operation, the plainest one too: this is the wrong "
                f"region for the selling account, or the account has not authorised the application.{path}{suffix}",
                code="account_not_reached",
            )
        case Reach.UNKNOWN:
            return NotPermitted(
                f"Amazon does not allow {operation.name}: the role {operation.role} is missing, the selling account has not "
                f"authorised the application, or this is the wrong region.{path}{suffix}",
            )


def _hint(status: int, first: AmazonError) -> str:
    """What is worth checking, where the words alone do not say."""
    if status == 404:
        return " It does not exist, or belongs to another selling account."
    if status != 400:
        return ""
    if "is not allowed at this time" in first.message:
        return " Amazon makes this kind of report itself; it can only be discovered."
    return " If the request is right, look whether the selling account is active: Amazon answers so for a dormant one."


def _words(error: AmazonError) -> str:
    parts = [part.strip().rstrip(".") for part in (error.message, error.details or "") if part.strip()]
    return cut("; ".join(parts))


def cut(words: str) -> str:
    """Amazon's own words, fit for a sentence: one line, no secrets, not long."""
    return _SHAPES.text(" ".join(words.replace("\0", "\ufffd").split()))[:_WORDS_MAX]


def where(operation: Operation, request: str) -> str:
    """The end of every sentence: which operation, and the id that support asks for."""
    return f" ({operation.name}{', request ' + request if request else ''})"
