"""Promises about settings of switches: every two positions of any two meet, in few settings, the same every time."""

from __future__ import annotations

import itertools

import pytest

from ml_connector.conformance.pairs import all_pairs
from ml_connector.conformance.world import Switch, Touches

SWITCHES = [
    Switch(name, False, (True,), frozenset({Touches.LOOKS})) for name in ("one", "two", "three", "four", "five")
] + [Switch("page", 100, (3, 7), frozenset({Touches.LOOKS}))]


@pytest.mark.parametrize("count", [2, 3, 6])
def test_every_two_positions_of_any_two_switches_meet(count: int) -> None:
    switches = SWITCHES[-count:]
    settings = [
        {switch.name: setting.positions.get(switch.name, switch.default) for switch in switches}
        for setting in all_pairs(switches)
    ]

    for one, other in itertools.combinations(switches, 2):
        for first, second in itertools.product((one.default, *one.others), (other.default, *other.others)):
            assert any(setting[one.name] == first and setting[other.name] == second for setting in settings)


def test_that_takes_few_settings_and_they_are_always_the_same() -> None:
    settings = all_pairs(SWITCHES)

    assert settings == all_pairs(SWITCHES)
    assert len(settings) <= 10, "all combinations are 96"


def test_many_switches_take_hardly_more() -> None:
    many = [Switch(f"switch {number}", False, (True,), frozenset({Touches.LOOKS})) for number in range(25)]

    assert len(all_pairs([*many, *SWITCHES[-1:], Switch("zone", 0, (-720, 840), frozenset({Touches.FEEDS}))])) <= 14


def test_where_nothing_can_meet_there_are_no_settings() -> None:
    assert all_pairs([]) == ()
    assert all_pairs(SWITCHES[:1]) == ()
