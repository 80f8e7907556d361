"""The log of the product, wherever it goes. Its configuration belongs to the process, so no test hands it on to the next."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest
import structlog
from structlog.testing import LogCapture


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Every test begins as an unconfigured process does: which tests ran here before depends on how they were shared out.

    Around the whole test and not a fixture, so that fixtures of modules and sessions are covered too.
    """
    structlog.reset_defaults()
    try:
        return (yield)
    finally:
        structlog.reset_defaults()


class Logged:
    """The events at every level, before any redactor saw them."""

    def __init__(self) -> None:
        self._kept = LogCapture()
        structlog.configure(
            processors=[structlog.processors.add_log_level, structlog.processors.format_exc_info, self._kept],
            wrapper_class=structlog.make_filtering_bound_logger(0),
            cache_logger_on_first_use=False,
        )

    @property
    def events(self) -> list[str]:
        """The names of the events, in order."""
        return [str(entry["event"]) for entry in self._kept.entries]

    @property
    def text(self) -> str:
        """All of it, values and tracebacks too."""
        return "\n".join(repr(entry) for entry in self._kept.entries)


@pytest.fixture
def logged() -> Iterator[Logged]:
    """What the product logs in this test."""
    yield Logged()
    structlog.reset_defaults()
