"""The multipart format of ``$batch``: change sets out, any answer in (SAP dossier, section 9). Pure.

Lines end with CRLF, boundaries are sent without quotes, paths inside are absolute as the server itself sees them. The
decoder takes what real servers send: bare LF, a Content-ID among the part's or the inner headers, any case of header names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ml_connector.domain.errors import BadAnswer

_STATUS_LINE: Final = re.compile(rb"HTTP/\d(?:\.\d)? (\d{3})(?: .*)?")
_BOUNDARY: Final = re.compile(r'boundary="?([^";,\s]+)"?', re.IGNORECASE)
_DEPTH_MAX: Final = 2


@dataclass(frozen=True, slots=True)
class Request:
    """One write of a change set; ``path`` begins with the root of the protocol's version (``/b1s/v2/``), ``body`` is JSON.
    ``headers`` are its own, beside the content type."""

    method: str
    path: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one request. Header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """The answers of a change set that went through, in the order of its requests."""

    replies: tuple[Reply, ...]


def content_type(boundary: str) -> str:
    """The header of a batch request. Quotes around the boundary are an error for some servers."""
    return f"multipart/mixed;boundary=batch_{boundary}"


def encode_change_sets(sets: Sequence[Sequence[Request]], boundary: str) -> bytes:
    """A batch of change sets. Of each all requests happen, or none; the first that fails stops those after it."""
    lines: list[bytes] = []
    for place, requests in enumerate(sets):
        # The boundary of the first is the one that a batch of one set has.
        inner = f"changeset_{boundary}" if not place else f"changeset_{place}_{boundary}"
        lines += [
            f"--batch_{boundary}".encode(),
            f"Content-Type: multipart/mixed;boundary={inner}".encode(),
            b"",
        ]
        for number, request in enumerate(requests, start=1):
            lines += [
                f"--{inner}".encode(),
                b"Content-Type: application/http",
                b"Content-Transfer-Encoding: binary",
                f"Content-ID: {number}".encode(),
                b"",
                f"{request.method} {request.path} HTTP/1.1".encode(),
                b"Content-Type: application/json",
                *(f"{name}: {value}".encode() for name, value in request.headers),
                b"",
                request.body,
            ]
        lines.append(f"--{inner}--".encode())
    return b"\r\n".join([*lines, f"--batch_{boundary}--".encode(), b""])


def decode(header: str, body: bytes) -> tuple[ChangeSet | Reply, ...]:
    """The parts of a batch answer with Content-Type ``header``.

    A failed change set is one :class:`Reply`. Raises :class:`BadAnswer` where the text is cut off or is no batch.
    """
    return tuple(_part(headers, content, 1) for headers, content in _parts(_boundary(header), _line_feeds(body)))


def _part(headers: Mapping[str, str], content: bytes, depth: int) -> ChangeSet | Reply:
    kind = headers.get("content-type", "")
    if not kind.lower().startswith("multipart/mixed"):
        return _reply(content)
    if depth >= _DEPTH_MAX:
        raise BadAnswer("A batch answer is nested deeper than batches are.")
    inner = (_part(head, text, depth + 1) for head, text in _parts(_boundary(kind), content))
    return ChangeSet(tuple(reply for reply in inner if isinstance(reply, Reply)))


def _parts(boundary: bytes, text: bytes) -> list[tuple[dict[str, str], bytes]]:
    """Headers and content of every part between the boundary lines."""
    parts: list[list[bytes]] = []
    for line in text.split(b"\n"):
        if line.rstrip() == b"--" + boundary:
            parts.append([])
        elif line.rstrip() == b"--" + boundary + b"--":
            return [_head(b"\n".join(part)) for part in parts]
        elif parts:
            parts[-1].append(line)
    raise BadAnswer("A batch answer is cut off: its closing boundary is missing.")


def _reply(content: bytes) -> Reply:
    first, _, rest = content.lstrip(b"\n").partition(b"\n")
    status = _STATUS_LINE.fullmatch(first.rstrip())
    if status is None:
        raise BadAnswer("A part of a batch answer has no HTTP status line.")
    headers, body = _head(rest)
    return Reply(int(status[1]), headers, body.strip(b"\n"))


def _head(text: bytes) -> tuple[dict[str, str], bytes]:
    """Header lines up to the first empty line, and what follows."""
    headers: dict[str, str] = {}
    lines = text.split(b"\n")
    for number, line in enumerate(lines):
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            return headers, b"\n".join(lines[number + (not line.strip()) :])
        headers[name.strip().lower()] = value.strip()
    return headers, b""


def _boundary(header: str) -> bytes:
    found = _BOUNDARY.search(header)
    if found is None:
        raise BadAnswer("A batch answer names no boundary.")
    return found[1].encode("latin-1", "replace")


def _line_feeds(body: bytes) -> bytes:
    return body.replace(b"\r\n", b"\n")
