"""A document that comes after one of another posting set: a correction after what it corrects."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_connector.domain.documents import State
from tests.support.entries import entry
from tests.support.posting import Office
from tests.support.target import FakeTarget

FIRST = entry("90000000013", "2026P10")
CORRECTION = entry("90000000013", "2026P11", depends_on=(FIRST.key,))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office.open(tmp_path)
    yield office
    office.close()


def test_a_correction_goes_when_what_it_corrects_is_posted(office: Office) -> None:
    office.plan(FIRST, state=State.POSTED, set_id="first")
    office.plan(CORRECTION, set_id="correction")
    target = FakeTarget()

    tally = asyncio.run(office.poster(target).drain())

    assert target.sent == [CORRECTION.key]
    assert (tally.posted, tally.next_look_at) == (1, None)


@pytest.mark.parametrize("state", [State.PLANNED, State.HELD, State.DROPPED])
def test_a_correction_waits_while_what_it_corrects_is_not_posted(office: Office, state: State) -> None:
    office.plan(FIRST, state=state, set_id="first")
    office.plan(CORRECTION, set_id="correction")
    target = FakeTarget()

    tally = asyncio.run(office.poster(target).drain())

    assert target.sent == []
    assert tally.next_look_at is not None and tally.next_look_at > office.clock.now()
    assert FIRST.key in office.row(CORRECTION.key).reason
