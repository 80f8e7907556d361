"""The simulation finds what it is there to find: each of three wrong ways to post is found out within 500 seeds."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.simulation.findings import first_broken
from tests.simulation.mutants import NoIntentBeforeWrite, NoLookBeforeAdvance, NoSettleWait
from tests.simulation.world import Templates
from tests.support.told import TOLD

Tell = Callable[[str], None]


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    return lambda words: record_property(TOLD, words)


def test_without_a_look_before_the_write_a_document_counts_twice(templates: Templates, tell: Tell) -> None:
    seed = first_broken(templates, lambda target, _clock: NoLookBeforeAdvance(target), "counts twice")

    tell(f"no observe before advance: counts twice at seed {seed}")
    assert seed is not None


def test_without_waiting_for_what_may_still_land_a_document_counts_twice(templates: Templates, tell: Tell) -> None:
    seed = first_broken(templates, lambda target, _clock: NoSettleWait(target), "counts twice")

    tell(f"no settle wait: counts twice at seed {seed}")
    assert seed is not None


def test_a_write_without_an_intent_on_record_is_seen_at_once(templates: Templates, tell: Tell) -> None:
    seed = first_broken(templates, NoIntentBeforeWrite, "no intent")

    tell(f"no intent before write: seen at seed {seed}")
    assert seed is not None


def test_without_an_intent_on_record_a_document_counts_twice(templates: Templates, tell: Tell) -> None:
    seed = first_broken(templates, NoIntentBeforeWrite, "counts twice", judges_intents=False)

    tell(f"no intent before write, by the books alone: counts twice at seed {seed}")
    assert seed is not None
