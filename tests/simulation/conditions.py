"""What one history is like, drawn from its seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Final

from tests.simulation.network import APPLY, LineFault, Traffic


class Kind(StrEnum):
    """How the company posts: ``plain`` all along, by ``claim`` all along, or plainly until a person prepares it."""

    PLAIN = "plain"
    CLAIM = "claim"
    PREPARED = "prepared midway"


class Fate(StrEnum):
    """What the supervisor does to a worker."""

    KILL = "killed"
    FREEZE_SHORT = "frozen, shorter than a lease"
    FREEZE_LEASE = "frozen, longer than a lease"
    FREEZE_LONG = "frozen, longer than a settle window"
    STOP = "told to stop"


@dataclass(frozen=True, slots=True)
class Conditions:
    """What one history is like. ``sets`` posting sets, the first of so many ``entries``. ``storm_s``: how long faults, kills and freezes go on; ``fates``: how many of those at most.

    ``chunked``: answers come without their length. ``bare_lists``: lists come without their collections (SAP dossier,
    section 5.1). ``branches``: the company keeps books by branch. ``session_min``: idle minutes after which a session ends.
    ``chores``: the chance that a worker does each of what other commands do on the same connection. ``at_once``: every set is
    approved at the beginning. ``one_holder``: all workers hold leases under one name, so that only epochs tell them apart.
    ``kinds``: which faults may happen. ``batch_size``: documents in one request, where claims are not switched off.
    """

    kind: Kind = Kind.PLAIN
    workers: int = 2
    sets: int = 3
    entries: int = 2
    rate: float = 0.0
    write_rate: float = 0.0
    storm_s: float = 0.0
    fates: int = 0
    chunked: bool = False
    bare_lists: bool = False
    branches: bool = False
    session_min: int = 30
    chores: float = 0.0
    at_once: bool = False
    one_holder: bool = False
    kinds: Mapping[Traffic, tuple[LineFault, ...]] = field(default_factory=lambda: APPLY)
    batch_size: int = 20

    @classmethod
    def of_seed(cls, seed: int, kind: Kind | None = None) -> Conditions:
        random = Random(f"conditions {seed}")
        drawn = random.choice((Kind.PLAIN, Kind.PLAIN, Kind.CLAIM, Kind.CLAIM, Kind.PREPARED))
        return cls(
            kind=kind or drawn,
            workers=random.choice((2, 2, 2, 3)),
            sets=40 if random.random() < 0.03 else random.choice((1, 2, 3, 4, 9)),
            rate=random.choice((0.02, 0.05, 0.1, 0.25)),
            write_rate=random.choice((0.1, 0.3, 0.5)),
            storm_s=random.choice((900.0, 2700.0, 7200.0)),
            fates=random.choice((5, 15, 40)),
            chunked=random.random() < 0.3,
            bare_lists=random.random() < 0.2,
            branches=random.random() < 0.2,
            session_min=random.choice((1, 30)),
            chores=0.15,
            one_holder=random.random() < 0.3,
            batch_size=random.choice((1, 3, 20)),
        )

    @classmethod
    def rough(cls, seed: int) -> Conditions:
        """A history in which rare things are common, and nobody is killed by chance."""
        too_much = seed % len(_ROUGH)
        return cls(
            # A write that lands within a look matters to claims, and where there is not much else on the line.
            kind=Kind.CLAIM if too_much == 2 else list(Kind)[seed % 3],
            workers=1,
            sets=2 if too_much == 2 else (1, 1, 12, 3)[seed % 4],
            entries=70 if seed % 4 == 1 and too_much < 2 else 2,
            rate=0.7 if too_much == 3 else 0.2,
            write_rate=0.8 if too_much == 2 else 0.5,
            storm_s=2700.0,
            chunked=seed % 2 == 0,
            bare_lists=seed % 5 == 0,
            branches=seed % 5 < 2,
            session_min=1,
            chores=0.8,
            at_once=True,
            kinds=_ROUGH[too_much],
            # So many requests in a round that they wait for each other.
            batch_size=2,
        )


def _only(read: LineFault, write: LineFault) -> Mapping[Traffic, tuple[LineFault, ...]]:
    return {Traffic.SIGN_IN: APPLY[Traffic.SIGN_IN], Traffic.READ: (read,), Traffic.WRITE: (write,)}


#: What rough histories have too much of, one after the other.
_ROUGH: Final = (
    APPLY,
    _only(LineFault.SESSION_ENDED, LineFault.SESSION_ENDED),
    _only(LineFault.SLOW_BODY, LineFault.LATE_BETWEEN),
    _only(LineFault.REFUSED_LONG, LineFault.LOST_REPLY),
    _only(LineFault.ENDLESS_BODY, LineFault.BUSY),
)
