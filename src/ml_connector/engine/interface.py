"""The small interface behind which an engine stands.

A *slice* is one piece of work: a flow of a link on one connection, for one slot of its schedule. It carries ids and codes
only. Its promises, tested alike for every engine (``tests/support/engine_contract.py``):

* the same (link, flow, slot) is one slice, however often it is asked for;
* two slices of one connection never run at the same time;
* a slice that was running when the process died runs again; work is written so that this is harmless;
* an error ends its own slice and nothing else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done: a request for a slice. ``slot`` makes it unique; ``by`` says who asked."""

    connection: str
    flow: str
    link: str
    slot: str
    by: str = "schedule"


@dataclass(frozen=True, slots=True)
class Slice:
    """An order that is on record."""

    id: str
    connection: str
    flow: str
    link: str
    slot: str


class SliceState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class SliceEnd:
    """How a slice ended: counts for people, a code and a sentence where it failed, and what is to follow."""

    state: SliceState
    counts: Mapping[str, int] = field(default_factory=dict)
    code: str = ""
    words: str = ""
    exit_code: int = 0
    then: tuple[Order, ...] = ()


Work = Callable[[Slice], Awaitable[SliceEnd]]


class Engine(Protocol):
    """Runs slices."""

    async def enqueue(self, order: Order) -> str:
        """Put it on record; the id of its slice, also when it was there already."""
        ...

    async def tick(self) -> int:
        """Enqueue what the schedules say is due; how many."""
        ...

    async def drain(self) -> None:
        """Run until nothing is queued."""
        ...

    async def end_of(self, slice_id: str) -> SliceEnd | None:
        """How it ended; None while it has not."""
        ...
