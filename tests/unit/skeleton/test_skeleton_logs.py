"""No test finds the log as another one left it, and a test that looks at the log sees it."""

from __future__ import annotations

import os
from pathlib import Path

import structlog

from tests.support.inner_tests import run_tests
from tests.support.logs import Logged

LEFT_BEHIND = """
import io, pytest, structlog

@pytest.fixture(scope="module")
def elsewhere():
    structlog.configure(
        processors=[structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(50),
        logger_factory=structlog.PrintLoggerFactory(file=io.StringIO()),
    )

def test_one_configures(elsewhere):
    assert structlog.is_configured()

def test_another_finds_nothing_of_it(elsewhere):
    assert not structlog.is_configured()

def test_a_third_sees_what_is_said_quietly(logged):
    structlog.get_logger("a").debug("said", address="https://x")
    assert logged.events == ["said"] and "https://x" in logged.text
"""


def test_a_configuration_ends_with_its_test(tmp_path: Path) -> None:
    done = run_tests(tmp_path, LEFT_BEHIND, "tests.support.logs", os.environ)

    assert done.returncode == 0, done.stdout


def test_a_logger_made_long_before_is_seen_too(logged: Logged) -> None:
    EARLY.bind(account="a").warning("said", url="https://x/?Signature=1")
    try:
        raise ValueError("told in a traceback")
    except ValueError:
        EARLY.exception("defect")

    assert logged.events == ["said", "defect"]
    assert "Signature=1" in logged.text and "told in a traceback" in logged.text


EARLY = structlog.get_logger("early")
