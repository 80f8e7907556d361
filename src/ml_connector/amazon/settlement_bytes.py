"""From the bytes of a flat file of Amazon's to its plain text, within limits (settlement dossier, sections 2 and 15; DESIGN 6).

The file is looked over once before anything is parsed: hash, compression, size, encoding. So everything that is wrong with
the bytes themselves is known before the first row, and no later pass has to think of it.
"""

from __future__ import annotations

import codecs
import hashlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from ml_connector.domain.errors import Finding

#: Opens the same bytes from their beginning, any number of times.
Opener = Callable[[], BinaryIO]

_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31  # zlib's word for "a gzip container"
_JAPANESE_STORE: Final = b"amazon.co.jp"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a flat file may cost. ``bytes_max`` is uncompressed, ``line_bytes_max`` without the line end.

    ``ratio_max``: uncompressed to compressed bytes, looked at once ``ratio_free_bytes`` came out.
    """

    rows_max: int = 2_000_000
    bytes_max: int = 512 * 2**20
    line_bytes_max: int = 64 * 2**10
    ratio_max: int = 200
    ratio_free_bytes: int = 8 * 2**20
    # Some hundred rows: their cells stay in the processor's cache, and the allocator keeps the memory (below 128 KiB).
    chunk_bytes: int = 120 * 2**10


class Unreadable(Exception):
    """The bytes end here. ``offset`` counts plain bytes that came out before."""

    def __init__(self, code: str, message: str, offset: int) -> None:
        super().__init__(message)
        self.code = code
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Survey:
    """What is known of a file before it is parsed. ``sha256`` is over the bytes as they are kept, compressed or not.

    ``encoding`` is ``utf-8``, ``cp932``, ``cp1252``, or None where the text could not be reached to its end.
    """

    sha256: str
    encoding: str | None
    findings: tuple[Finding, ...]


def survey(opener: Opener, limits: Limits) -> Survey:
    """Look the file over once. Findings of this kind leave nothing to parse."""
    digest = hashlib.sha256()
    utf8: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")("strict")
    findings: list[Finding] = []
    offset = 0
    with opener() as stream:
        try:
            for chunk in plain_chunks(stream, limits, digest.update):
                if not findings and b"\0" in chunk:
                    findings.append(_nul(line_of(opener, limits, offset + chunk.index(b"\0"))))
                utf8 = _still_utf8(utf8, chunk)
                offset += len(chunk)
        except Unreadable as stop:
            findings.append(Finding(stop.code, str(stop), line_of(opener, limits, stop.offset)))
            while chunk := stream.read(limits.chunk_bytes):
                digest.update(chunk)
            return Survey(digest.hexdigest(), None, tuple(findings))
    if offset == 0:
        findings.append(Finding("empty_file", "The file is empty. Download the report again.", 1))
    if utf8 is not None and _ends_well(utf8):
        encoding = "utf-8"
    else:
        encoding = "cp932" if _holds(opener, limits, _JAPANESE_STORE) else "cp1252"
    return Survey(digest.hexdigest(), encoding, tuple(findings))


def plain_chunks(
    stream: BinaryIO, limits: Limits, raw_seen: Callable[[bytes], object] = lambda _: None
) -> Iterator[bytes]:
    """The uncompressed bytes in pieces; gzip is known by its first two bytes. Raises :class:`Unreadable`."""
    first = stream.read(max(limits.chunk_bytes, len(_GZIP_MAGIC)))
    raw = _raw_chunks(stream, first, limits, raw_seen)
    plain = _gunzip(raw, limits) if first.startswith(_GZIP_MAGIC) else raw
    size = 0
    for chunk in plain:
        size += len(chunk)
        if size > limits.bytes_max:
            raise Unreadable(
                "file_too_large",
                f"The file is larger than {limits.bytes_max:,} bytes uncompressed. Check that it is one report.",
                size - len(chunk),
            )
        yield chunk


def line_of(opener: Opener, limits: Limits, offset: int) -> int:
    """The line in which the plain byte at ``offset`` stands, 1-based."""
    line = 1
    with opener() as stream:
        try:
            for chunk in plain_chunks(stream, limits):
                line += chunk[:offset].count(b"\n")
                offset -= len(chunk)
                if offset < 0:
                    break
        except Unreadable:
            return line  # the place where the bytes end is the place asked for
    return line


def _raw_chunks(stream: BinaryIO, first: bytes, limits: Limits, raw_seen: Callable[[bytes], object]) -> Iterator[bytes]:
    chunk = first
    while chunk:
        raw_seen(chunk)
        yield chunk
        chunk = stream.read(limits.chunk_bytes)


def _gunzip(raw: Iterator[bytes], limits: Limits) -> Iterator[bytes]:
    """Members one after the other, as gzip allows; zero bytes after the last are padding."""
    member = zlib.decompressobj(_GZIP_WINDOW)
    taken = given = 0
    try:
        for chunk in raw:
            data = chunk
            while data:
                if member.eof:
                    rest = data.lstrip(b"\0")
                    taken += len(data) - len(rest)
                    data = rest
                    if not data:
                        break
                    member = zlib.decompressobj(_GZIP_WINDOW)
                piece = member.decompress(data, limits.chunk_bytes)
                rest = member.unused_data if member.eof else member.unconsumed_tail
                taken += len(data) - len(rest)
                data = rest
                if piece:
                    yield piece
                    given += len(piece)
                    _check_ratio(given, taken, limits)
        while not member.eof and (piece := member.decompress(b"", limits.chunk_bytes)):
            yield piece
            given += len(piece)
            _check_ratio(given, taken, limits)
    except zlib.error as error:
        raise Unreadable("bad_gzip", f"The compressed file is damaged ({error}). Download it again.", given) from error
    if not member.eof:
        raise Unreadable("truncated_gzip", "The compressed file ends too early. Download it again.", given)


def _check_ratio(given: int, taken: int, limits: Limits) -> None:
    if given > limits.ratio_free_bytes and given > taken * limits.ratio_max:
        raise Unreadable(
            "compression_ratio",
            f"The file unpacks to more than {limits.ratio_max} times its size. Check where it comes from.",
            given,
        )


def _still_utf8(decoder: codecs.IncrementalDecoder | None, chunk: bytes) -> codecs.IncrementalDecoder | None:
    if decoder is None or (chunk.isascii() and not decoder.getstate()[0]):
        return decoder
    try:
        decoder.decode(chunk)
    except UnicodeDecodeError:
        return None
    return decoder


def _ends_well(decoder: codecs.IncrementalDecoder) -> bool:
    return not decoder.getstate()[0]


def _holds(opener: Opener, limits: Limits, needle: bytes) -> bool:
    """Whether the text holds ``needle`` in any case, also across two chunks."""
    tail = b""
    with opener() as stream:
        for chunk in plain_chunks(stream, limits):
            window = tail + chunk.lower()
            if needle in window:
                return True
            tail = window[1 - len(needle) :]
    return False


def _nul(line: int) -> Finding:
    return Finding("nul_byte", "The file holds a NUL byte, so it is no report as Amazon writes it.", line)
