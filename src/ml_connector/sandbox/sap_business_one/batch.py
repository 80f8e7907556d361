"""``$batch``: multipart bodies in, multipart bodies out, byte for byte as recorded (dossier, section 9).

Reading is strict about structure and tolerant about line ends; writing reproduces the recorded answer, with its lone LF
after a JSON body.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ml_connector.sandbox.sap_business_one.errors import malformed

PARTS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Part:
    """One request inside a batch. ``content_id`` is "" where it has none; header names are lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Writes that happen together or not at all."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer inside a batch. ``headers`` in the order in which they are written."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers of one change set that was kept."""

    answers: tuple[Answer, ...] = field(default=())


REASONS: Mapping[int, str] = {
    200: "OK",
    201: "Created",
    204: "No Content",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    412: "Precondition Failed",
    500: "Internal Server Error",
}


def incomplete() -> Exception:
    """The whole batch is refused, nothing of it was done."""
    return malformed("Incomplete Batch Request Body!")


# --- in ----------------------------------------------------------------------------------------------------------------


def parse_batch(content_type: str, body: bytes, *, content_id_needed: bool = True) -> list[Part | ChangeSet]:
    """The requests of a batch in order; in a change set each may need a Content-ID. Raises :class:`ServiceLayerError` (400, -1000) for anything malformed."""
    items: list[Part | ChangeSet] = []
    for headers, content in _split(body, _boundary(content_type)):
        if headers.get("content-type", "").lower().startswith("multipart/mixed"):
            members = _split(content, _boundary(headers["content-type"]))
            parts = tuple(_request(inner, text, in_change_set=True) for inner, text in members)
            if content_id_needed and not all(part.content_id for part in parts):
                raise incomplete()
            items.append(ChangeSet(parts))
        else:
            items.append(_request(headers, content, in_change_set=False))
    if not items or sum(len(each.parts) if isinstance(each, ChangeSet) else 1 for each in items) > PARTS_MAX:
        raise incomplete()
    return items


def _boundary(content_type: str) -> str:
    """The boundary, which must not be quoted (dossier, section 9)."""
    match = re.fullmatch(
        r"multipart/mixed\s*;\s*boundary=([A-Za-z0-9'()+_,./:=?-]{1,70})", content_type.strip(), re.IGNORECASE
    )
    if match is None:
        raise incomplete()
    return match[1]


def _split(body: bytes, boundary: str) -> list[tuple[dict[str, str], bytes]]:
    """The parts between the delimiters, each as headers and content; the closing delimiter must be there."""
    text = body.replace(b"\r\n", b"\n")
    delimiter = b"\n--" + boundary.encode()
    pieces = (b"\n" + text).split(delimiter)
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        raise incomplete()
    parts = []
    for piece in pieces[1:-1]:
        if not piece.startswith(b"\n"):
            raise incomplete()
        parts.append(_headers_and_rest(piece[1:]))
    return parts


def _headers_and_rest(text: bytes) -> tuple[dict[str, str], bytes]:
    head, blank, rest = text.partition(b"\n\n")
    if not blank:
        raise incomplete()
    return _headers(head), rest


def _headers(head: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in filter(None, head.split(b"\n")):
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            raise incomplete()
        headers[name.strip().lower()] = value.strip()
    return headers


def _request(headers: Mapping[str, str], content: bytes, *, in_change_set: bool) -> Part:
    if not headers.get("content-type", "").lower().startswith("application/http"):
        raise incomplete()
    # A request without headers or body still ends its head: two blank lines follow a GET's first line.
    head, blank, body = content.partition(b"\n\n")
    if not blank:
        raise incomplete()
    line, _, inner_head = head.partition(b"\n")
    match = re.fullmatch(r"([A-Z]+) (\S+) HTTP/1\.1", line.decode("latin-1").strip())
    if match is None:
        raise incomplete()
    content_id = headers.get("content-id", "")
    if in_change_set and match[1] == "GET":
        raise incomplete()
    return Part(match[1], match[2], _headers(inner_head), body.strip(), content_id)


# --- out ---------------------------------------------------------------------------------------------------------------


def write_batch(items: Sequence[Answer | Answers], name: str, *, content_id_in_part: bool = True) -> tuple[str, bytes]:
    """Content type and body of a batch's answer. ``name`` makes the boundaries unique.

    Content-ID is echoed in the MIME part, or as the first of the inner headers.
    """
    outer = f"batchresponse_{name}"
    lines: list[bytes] = []
    for number, item in enumerate(items):
        lines.append(b"--" + outer.encode())
        if isinstance(item, Answers):
            inner = f"changesetresponse_{name[:-1]}{number % 10}"
            lines += [b"Content-Type: multipart/mixed; boundary=" + inner.encode(), b""]
            for answer in item.answers:
                lines += [b"--" + inner.encode(), *_written(answer, content_id_in_part)]
            lines.append(b"--" + inner.encode() + b"--")
        else:
            lines += _written(item, content_id_in_part)
    lines += [b"--" + outer.encode() + b"--", b""]
    return f"multipart/mixed; boundary={outer}", b"\r\n".join(lines)


def _written(answer: Answer, content_id_in_part: bool) -> list[bytes]:  # noqa: FBT001 - passed through
    lines = [b"Content-Type: application/http", b"Content-Transfer-Encoding: binary"]
    named = [b"Content-ID: " + answer.content_id.encode()] if answer.content_id else []
    lines += named if content_id_in_part else []
    lines += [b"", f"HTTP/1.1 {answer.status} {REASONS[answer.status]}".encode()]
    lines += [] if content_id_in_part else named
    lines += [f"{name}: {value}".encode() for name, value in answer.headers]
    # A body is followed by a bare LF before the CRLF of the next delimiter.
    return [*lines, b"", answer.body + b"\n" if answer.body else b""]
