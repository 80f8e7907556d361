"""Whether a packed body that was fetched came to its end: a line that breaks in front of the store can look complete."""

from __future__ import annotations

import zlib
from typing import Final

_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP: Final = 31  # zlib's word for "a gzip container"
#: Beyond this nobody reads a report (it is their limit too), and it is not looked whether it ends well.
_UNPACKED_MAX_BYTES: Final = 512 * 1024 * 1024
_STEP_BYTES: Final = 64 * 1024


class Fetched:
    """What came of a body so far. Nothing is kept of it."""

    def __init__(self) -> None:
        self.size = 0
        self.checksum = 0
        self._head = b""
        self._member: zlib._Decompress | None = None
        self._unpacked = 0
        self._damaged = False

    def see(self, piece: bytes) -> None:
        """The next piece of the body."""
        self.size += len(piece)
        self.checksum = zlib.crc32(piece, self.checksum)
        if self._member is None and len(self._head) < len(_GZIP_MAGIC):
            piece = self._head + piece
            self._head = piece[: len(_GZIP_MAGIC)]
            if self._head == _GZIP_MAGIC:
                self._member = zlib.decompressobj(_GZIP)
        if self._member is not None and not self._damaged:
            self._member = self._after(self._member, piece)

    def is_same(self, other: Fetched | None) -> bool:
        """Whether another body was the same bytes, as far as length and checksum tell."""
        return other is not None and (self.size, self.checksum) == (other.size, other.checksum)

    @property
    def is_whole(self) -> bool:
        """True too where it cannot be told: not packed, or more than anybody would unpack."""
        if self._member is None or self._unpacked > _UNPACKED_MAX_BYTES:
            return True
        return not self._damaged and self._member.eof

    def _after(self, member: zlib._Decompress, data: bytes) -> zlib._Decompress:
        """The member in which ``data`` ends. gzip is members one after the other; zero bytes after the last are padding."""
        try:
            while self._unpacked <= _UNPACKED_MAX_BYTES:
                if member.eof:
                    data = data.lstrip(b"\0")
                    if not data:
                        break
                    member = zlib.decompressobj(_GZIP)
                piece = member.decompress(data, _STEP_BYTES)
                self._unpacked += len(piece)
                data = member.unused_data if member.eof else member.unconsumed_tail
                if not piece and not data:
                    break
        except zlib.error:
            self._damaged = True
        return member
