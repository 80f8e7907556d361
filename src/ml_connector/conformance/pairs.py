"""Settings in which every two positions of any two switches meet: few settings instead of all combinations."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from random import Random
from typing import Final

from ml_connector.conformance.world import Position, Setting, Switch

#: A switch, by its place among all, in a position.
_Set = tuple[int, Position]
_Pair = tuple[_Set, _Set]

#: So many settings are put together before the best of them is taken.
_TRIES: Final = 10


def all_pairs(switches: Sequence[Switch]) -> tuple[Setting, ...]:
    """Greedy, and the same every time: of several settings that are put together in different orders the one is taken in which
    the most pairs meet that have not met yet."""
    left = dict.fromkeys(_pairs(switches))
    chance = Random("pairs")  # noqa: S311 - an order, not a secret
    out: list[Setting] = []
    while left:
        tried = [_setting(switches, left, chance) for _ in range(_TRIES)]
        chosen = max(tried, key=lambda one: sum(pair in left for pair in _pairs_of(one)))
        for pair in _pairs_of(chosen):
            left.pop(pair, None)
        out.append(
            Setting(
                {switch.name: chosen[place] for place, switch in enumerate(switches) if chosen[place] != switch.default}
            )
        )
    return tuple(out)


def _pairs(switches: Sequence[Switch]) -> list[_Pair]:
    sets = [[(place, position) for position in _positions(switch)] for place, switch in enumerate(switches)]
    return [pair for one, other in itertools.combinations(sets, 2) for pair in itertools.product(one, other)]


def _pairs_of(chosen: Mapping[int, Position]) -> list[_Pair]:
    """The pairs that meet in a setting."""
    return list(itertools.combinations(sorted(chosen.items(), key=lambda one: one[0]), 2))


def _setting(switches: Sequence[Switch], left: Mapping[_Pair, None], chance: Random) -> dict[int, Position]:
    """A setting that begins with the first pair that has not met, so that at least one meets. Switch by switch it takes the
    position that meets the most such pairs."""
    chosen: dict[int, Position] = dict(next(iter(left)))
    places = [place for place in range(len(switches)) if place not in chosen]
    for place in chance.sample(places, len(places)):
        chosen[place] = max(_positions(switches[place]), key=lambda position: _meets((place, position), chosen, left))
    return chosen


def _meets(one: _Set, chosen: Mapping[int, Position], left: Mapping[_Pair, None]) -> int:
    """How many pairs would meet for the first time."""
    return sum(((one, other) if one[0] < other[0] else (other, one)) in left for other in chosen.items())


def _positions(switch: Switch) -> tuple[Position, ...]:
    return (switch.default, *switch.others)
