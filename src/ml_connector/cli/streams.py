"""The three standard streams, also where whoever started the process gave it fewer, or one that takes nothing."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO


def prepare() -> None:
    """To be called before any file is opened: a closed standard stream leaves its number to the next file, which would
    then be written into by whoever writes to the stream."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            _to_nowhere(number)
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115 - it lives as long as the process
    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks a character of a store's name still shows the rest.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def last_words(stream: TextIO, words: str) -> None:
    """Write ``words``; where they find no room, what is left in the stream is given up and the exit code has to speak."""
    try:
        stream.write(words)
        stream.flush()
    except OSError:
        give_up(stream)


def give_up(stream: TextIO) -> None:
    """What Python would still write at its end has nowhere to go: neither does it complain then."""
    _to_nowhere(stream.fileno())


def _to_nowhere(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere != number:
        os.dup2(nowhere, number)
        os.close(nowhere)
