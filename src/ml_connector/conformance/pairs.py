"""Settings in which every two positions of any two switches meet: few settings instead of all combinations."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from ml_connector.conformance.world import Position, Setting, Switch

#: A switch, by its place among all, in a position.
_Set = tuple[int, Position]
_Pair = tuple[_Set, _Set]


def all_pairs(switches: Sequence[Switch]) -> tuple[Setting, ...]:
    """Greedy, and the same every time: each setting takes, switch by switch, the position that meets the most pairs that have
    not met yet."""
    left = dict.fromkeys(_pairs(switches))
    out: list[Setting] = []
    while left:
        chosen = _setting(switches, left)
        for pair in itertools.combinations(sorted(chosen.items(), key=lambda one: one[0]), 2):
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


def _setting(switches: Sequence[Switch], left: Mapping[_Pair, None]) -> dict[int, Position]:
    """The next setting: it begins with a pair that has not met, so that it meets at least one."""
    chosen: dict[int, Position] = dict(next(iter(left)))
    for place, switch in enumerate(switches):
        if place not in chosen:
            chosen[place] = max(_positions(switch), key=lambda position: _meets((place, position), chosen, left))
    return chosen


def _meets(one: _Set, chosen: Mapping[int, Position], left: Mapping[_Pair, None]) -> int:
    """How many pairs would meet for the first time."""
    return sum(((one, other) if one[0] < other[0] else (other, one)) in left for other in chosen.items())


def _positions(switch: Switch) -> tuple[Position, ...]:
    return (switch.default, *switch.others)
