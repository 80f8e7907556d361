"""The raw archive: bytes as they came, by their sha256, compressed.

A big file goes in and out in chunks, one short transaction each. A chunk is 1 MiB of content in a zstd frame of its own; the
row in ``raw`` is written last and says that the content is complete. What is read is hashed again: bytes that are not what
they are named are never handed out whole.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

import zstandard
from sqlalchemy import Connection, select

from ml_connector.domain.errors import Inconsistent, LimitExceeded
from ml_connector.store import dialect
from ml_connector.store.door import Store
from ml_connector.store.reading import one
from ml_connector.store.tables import raw, raw_chunks

#: Content bytes in one chunk. Part of the stored form: never changed, or half-written contents would be mixed.
CHUNK_SIZE: Final = 1 << 20
#: What ``put`` takes in one transaction, and ``get`` hands out in one piece.
PUT_SIZE_MAX: Final = 8 << 20
#: What goes into the archive at all: a settlement file of the largest size that is read (DESIGN 6), and some.
SIZE_MAX: Final = 1 << 30
_LEVEL: Final = 6


@dataclass(frozen=True, slots=True)
class Raw:
    """A content of the archive; sizes in bytes."""

    sha256: str
    size: int
    compressed_size: int
    created_at: datetime


def get(conn: Connection, sha256: str) -> Raw | None:
    """What is known of it; None when it is not in the archive, or not complete."""
    return one(conn, select(raw).where(raw.c.sha256 == sha256), Raw)


def put(conn: Connection, content: bytes) -> Raw:
    """Keep a small content (up to 8 MiB), inside the caller's transaction. Raises :class:`LimitExceeded`."""
    if len(content) > PUT_SIZE_MAX:
        raise LimitExceeded(f"{len(content)} bytes are too many for one transaction: write them as a stream.")
    sha256 = hashlib.sha256(content).hexdigest()
    known = get(conn, sha256)
    if known is not None:
        return known
    compressed_size = sum(_put_chunk(conn, sha256, n, chunk) for n, chunk in enumerate(_compressed([content])))
    return _complete(conn, sha256, len(content), compressed_size)


def load(conn: Connection, sha256: str) -> bytes:
    """The whole of a small content, verified. Raises :class:`Inconsistent` when it is missing or not what it is named."""
    found = _known(conn, sha256)
    if found.size > PUT_SIZE_MAX:
        raise LimitExceeded(f"The content {sha256} is too large to be loaded at once: stream it.")
    content = b"".join(_chunk(conn, sha256, n) for n in range(_chunks(found.size)))
    if hashlib.sha256(content).hexdigest() != sha256:
        raise _corrupt(sha256)
    return content


async def write(store: Store, sha256: str, content: Iterable[bytes]) -> Raw:
    """Keep a content of any size, given in pieces of any size, whose hash is known. Repeating it is harmless.

    Raises :class:`Inconsistent` when the pieces are not that content, :class:`LimitExceeded` above 1 GiB.
    """
    known = await store.call(lambda conn: get(conn, sha256))
    if known is not None:
        return known
    digest, size, compressed_size = hashlib.sha256(), 0, 0

    def hashed() -> Iterator[bytes]:
        nonlocal size
        for piece in content:
            digest.update(piece)
            size += len(piece)
            if size > SIZE_MAX:
                raise LimitExceeded(f"A content of more than {SIZE_MAX} bytes is not archived.")
            yield piece

    for n, chunk in enumerate(_compressed(hashed())):
        compressed_size += await store.call(partial(_put_chunk, sha256=sha256, n=n, compressed=chunk))
    if digest.hexdigest() != sha256:
        raise Inconsistent(f"What was to be archived is not the content {sha256}.")
    return await store.call(lambda conn: _complete(conn, sha256, size, compressed_size))


async def write_file(store: Store, path: Path) -> Raw:
    """Keep a file."""
    digest = hashlib.sha256()
    for piece in _pieces(path):
        digest.update(piece)
    return await write(store, digest.hexdigest(), _pieces(path))


async def stream(store: Store, sha256: str) -> AsyncIterator[bytes]:
    """The content in pieces. The last one comes only when the whole is what it is named: otherwise, and when it is missing,
    :class:`Inconsistent` is raised."""
    found = await store.call(lambda conn: _known(conn, sha256))
    digest = hashlib.sha256()
    last = b""
    for n in range(_chunks(found.size)):
        piece = await store.call(partial(_chunk, sha256=sha256, n=n))
        digest.update(piece)
        if n:
            yield last
        last = piece
    if digest.hexdigest() != sha256:
        raise _corrupt(sha256)
    yield last


async def to_file(store: Store, sha256: str, path: Path) -> None:
    """Write the content to ``path``, which comes into being only when it is whole."""
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("wb") as file:
        async for piece in stream(store, sha256):
            file.write(piece)
    os.replace(partial, path)


def _complete(conn: Connection, sha256: str, size: int, compressed_size: int) -> Raw:
    row = Raw(sha256, size, compressed_size, dialect.now(conn))
    conn.execute(
        dialect.insert(conn, raw)
        .values(sha256=sha256, size=size, compressed_size=compressed_size, created_at=row.created_at)
        .on_conflict_do_nothing(index_elements=["sha256"])
    )
    return row


def _known(conn: Connection, sha256: str) -> Raw:
    found = get(conn, sha256)
    if found is None:
        raise Inconsistent(f"The content {sha256} is not in the archive.")
    return found


def _corrupt(sha256: str) -> Inconsistent:
    return Inconsistent(f"The archived content {sha256} is damaged: restore the database from a backup.")


def _put_chunk(conn: Connection, sha256: str, n: int, compressed: bytes) -> int:
    """A chunk left by a writer that died is written again: the content is the same, its compression may not be."""
    conn.execute(
        dialect.insert(conn, raw_chunks)
        .values(sha256=sha256, n=n, bytes=compressed)
        .on_conflict_do_update(index_elements=["sha256", "n"], set_={"bytes": compressed})
    )
    return len(compressed)


def _chunk(conn: Connection, sha256: str, n: int) -> bytes:
    compressed = conn.execute(
        select(raw_chunks.c.bytes).where(raw_chunks.c.sha256 == sha256, raw_chunks.c.n == n)
    ).scalar()
    if compressed is None:
        raise _corrupt(sha256)
    try:
        if zstandard.frame_content_size(compressed) > CHUNK_SIZE:
            raise _corrupt(sha256)
        return zstandard.ZstdDecompressor().decompress(compressed)
    except zstandard.ZstdError as error:
        raise _corrupt(sha256) from error


def _chunks(size: int) -> int:
    return max(1, -(-size // CHUNK_SIZE))


def _compressed(content: Iterable[bytes]) -> Iterator[bytes]:
    """The frames of ``content``, each of exactly one chunk but the last; one empty frame for nothing."""
    compressor = zstandard.ZstdCompressor(level=_LEVEL, write_content_size=True)
    held = bytearray()
    written = 0
    for piece in content:
        held += piece
        while len(held) >= CHUNK_SIZE:
            yield compressor.compress(bytes(held[:CHUNK_SIZE]))
            del held[:CHUNK_SIZE]
            written += 1
    if held or not written:
        yield compressor.compress(bytes(held))


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(CHUNK_SIZE):
            yield piece
