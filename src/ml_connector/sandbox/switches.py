"""Switches: what a dossier marks *not verified*, where two readings change what a client has to do.

A simulator declares them as data (name, dossier section, default, meaning) and takes its values from the scenario, so that
a test can run the same client against both readings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Switch:
    """One open question about an outside system. ``section`` names dossier and section; ``meaning`` is one sentence."""

    name: str
    section: str
    default: bool | int | str
    meaning: str


class Switches:
    """The values in force: defaults, overlaid by a scenario's ``switches`` table."""

    def __init__(self, declared: Sequence[Switch], given: object = None) -> None:
        self._values: dict[str, bool | int | str] = {switch.name: switch.default for switch in declared}
        if given is None:
            return
        if not isinstance(given, Mapping):
            raise ValueError("switches must be a table of name = value")
        for name, value in given.items():
            if name not in self._values:
                raise ValueError(f"no switch named {name!r}; there are: {', '.join(sorted(self._values))}")
            if type(value) is not type(self._values[name]):
                raise ValueError(f"switch {name!r} takes a {type(self._values[name]).__name__}")
            self._values[name] = value

    def on(self, name: str) -> bool:
        """A yes-or-no switch."""
        return bool(self._values[name])

    def text(self, name: str) -> str:
        """A switch that names one of several readings."""
        return str(self._values[name])

    def number(self, name: str) -> int:
        """A switch that holds a count or a number of seconds."""
        return int(self._values[name])
