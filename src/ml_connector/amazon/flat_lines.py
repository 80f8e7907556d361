"""The lines of a flat file of Amazon's, as UTF-8 and within limits (settlement dossier, section 2)."""

from __future__ import annotations

from collections.abc import Iterator

from ml_connector.amazon.settlement_bytes import Limits, Opener, Unreadable, plain_chunks
from ml_connector.domain.errors import Finding, Inconsistent


class FlatLines:
    """The lines of the file as UTF-8 without their ends, some hundred at a time. ``finding`` says why it stopped early."""

    def __init__(self, opener: Opener, limits: Limits, encoding: str) -> None:
        self._opener = opener
        self._limits = limits
        self._encoding = encoding
        self.finding: Finding | None = None

    def again(self) -> FlatLines:
        """The same lines once more."""
        return FlatLines(self._opener, self._limits, self._encoding)

    def beginning(self) -> tuple[str, str | None]:
        """Header and summary line; the latter is None in a file of one line."""
        found: list[bytes] = []
        for lines in self.batches():
            found += lines[:2]
            if len(found) >= 2:
                break
        texts = [line.decode() for line in found]
        return (texts[0] if texts else ""), (texts[1] if len(texts) > 1 else None)

    def batches(self) -> Iterator[list[bytes]]:
        line = 1
        carry = b""
        with self._opener() as stream:
            try:
                for chunk in plain_chunks(stream, self._limits):
                    cut = chunk.rfind(b"\n")
                    if cut < 0:
                        carry += chunk
                    else:
                        lines = self._split(b"".join((carry, memoryview(chunk)[:cut])), line)
                        carry = chunk[cut + 1 :]
                        if lines is not None:
                            yield lines
                            line += len(lines)
                    if len(carry) > self._limits.line_bytes_max + 1:
                        self.finding = self.finding or self._overlong(line)
                    if self.finding is not None:
                        return
            except Unreadable as stop:  # the survey read the same bytes to their end
                raise Inconsistent("The file changed while it was read.") from stop
        if carry and (lines := self._split(carry, line)) is not None:
            yield lines

    def _split(self, data: bytes, first: int) -> list[bytes] | None:
        """Whole lines (without the last line feed) apart; None, and a finding, where one is too long or undecodable."""
        if self._may_hold_long_line(data):
            for number, line in enumerate(data.split(b"\n"), first):
                if len(line.removesuffix(b"\r")) > self._limits.line_bytes_max:
                    self.finding = self._overlong(number)
                    return None
        if self._encoding != "utf-8":
            try:
                data = data.decode(self._encoding).encode()
            except UnicodeDecodeError:
                self.finding = self._undecodable(data, first)
                return None
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").removesuffix(b"\r")
        return data.split(b"\n")

    def _may_hold_long_line(self, data: bytes) -> bool:
        # A line longer than the limit covers at least one whole window of half the limit.
        window = max(1, self._limits.line_bytes_max // 2)
        return any(
            data.find(b"\n", start, start + window) < 0 for start in range(0, max(1, len(data) - window + 1), window)
        )

    def _overlong(self, line: int) -> Finding:
        limit = self._limits.line_bytes_max
        return Finding(
            "line_too_long", f"The line is longer than {limit:,} bytes. Check that the file is complete.", line
        )

    def _undecodable(self, data: bytes, first: int) -> Finding:
        line = first
        for text in data.split(b"\n"):
            try:
                text.decode(self._encoding)
            except UnicodeDecodeError:
                break
            line += 1
        return Finding(
            "bad_encoding", f"The line is neither UTF-8 nor {self._encoding}. Download the file again.", line
        )
