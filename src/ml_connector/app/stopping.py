"""SIGINT and SIGTERM: asked once, we come to an end; asked twice, the process does what it always does."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def stopping_on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` at the first signal: what is being written is finished first."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def stop_once() -> None:
        stop()
        let_go()

    def let_go() -> None:
        with contextlib.suppress(NotImplementedError):
            for each in signals:
                loop.remove_signal_handler(each)

    with contextlib.suppress(NotImplementedError):  # Windows has no such handlers: there a signal ends the process
        for each in signals:
            loop.add_signal_handler(each, stop_once)
    try:
        yield
    finally:
        let_go()
