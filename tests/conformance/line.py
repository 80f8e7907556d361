"""The line between a connector and a simulated system: faults are let happen on it while it is in use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ml_connector.conformance.world import Fault, NotHere, Surroundings, Traffic
from ml_connector.sandbox import faults as sandbox_faults
from ml_connector.sandbox.faults import ASGIApp, Refusal, SystemFaults, faulty, plain_refusal
from tests.support.nodes import NodeTransport

#: Longer than any read time-out of a connector, shorter than any settle window.
_AFTER_THE_CLIENT_S: Final = 300.0

_ON_THE_LINE: Final[Mapping[Fault, str]] = {
    Fault.LOST_REPLY: "lost_reply",
    Fault.RESET: "reset",
    Fault.TIMEOUT: "held_reply",
    Fault.LATE: "late",
    Fault.SERVER_ERROR: "http_500",
    Fault.ERROR_AFTER_COMMIT: "error_after_commit",
    Fault.HTML: "html_error",
    Fault.BUSY: "http_429",
    Fault.HALF_ANSWER: "truncated_body",
}

#: Whether a request, by method and path as the system sees it, writes or looks; None: it does neither (a sign-in).
Sorter = Callable[[str, str], Traffic | None]


@dataclass
class _Coming:
    """A fault that is let happen from now on: after ``ahead`` such requests, to ``count`` in a row."""

    fault: Fault
    traffic: Traffic
    ahead: int
    count: int
    seconds: float


class Line(SystemFaults):
    """What happens to the requests of one site, and how many there were."""

    def __init__(self, traffic_of: Sorter, end_sessions: Callable[[], None] | None) -> None:
        super().__init__((), "")
        self.asked: Counter[Traffic] = Counter()
        self._traffic_of = traffic_of
        self._end_sessions = end_sessions
        self._coming: list[_Coming] = []

    def befall(self, fault: Fault, traffic: Traffic, nth: int, count: int, seconds: float) -> None:
        if fault is Fault.SESSION_ENDED and self._end_sessions is None:
            raise NotHere("There are no sessions: each request signs in by itself.")
        self._coming.append(_Coming(fault, traffic, nth - 1, count, seconds or _AFTER_THE_CLIENT_S))

    def clear(self) -> None:
        self._coming.clear()

    def ask(self, operation: str, *_: str) -> sandbox_faults.Fault | None:
        """What happens to a request; ``operation`` is its method and path."""
        method, _space, path = operation.partition(" ")
        traffic = self._traffic_of(method, path)
        if traffic is None:
            return None
        self.asked[traffic] += 1
        happening: sandbox_faults.Fault | None = None
        for coming in (each for each in self._coming if each.traffic is traffic):
            if coming.ahead:
                coming.ahead -= 1
            elif coming.count and happening is None:
                coming.count -= 1
                if coming.fault is Fault.SESSION_ENDED and self._end_sessions is not None:
                    self._end_sessions()
                else:
                    happening = sandbox_faults.Fault("", "", _ON_THE_LINE[coming.fault], seconds=coming.seconds)
        return happening


class Lined:
    """The part of a site that is the same for every simulated system: ``app`` as a node, behind a line.

    ``end_sessions`` is None where the system knows none; ``below`` is cut off the path before ``traffic_of`` sees it.
    """

    def __init__(
        self,
        surroundings: Surroundings,
        app: ASGIApp,
        traffic_of: Sorter,
        end_sessions: Callable[[], None] | None,
        *,
        below: str = "",
        refusal: Callable[[int], Refusal] = plain_refusal,
    ) -> None:
        self.surroundings = surroundings
        self.line = Line(traffic_of, end_sessions)
        behind = faulty(
            app,
            self.line,
            SandboxClock(surroundings),
            operation=lambda method, path: f"{method} {path.removeprefix(below)}",
            refusal=refusal,
        )
        self.transport = NodeTransport(behind, spawn=surroundings.start)

    def befall(self, fault: Fault, traffic: Traffic, *, nth: int = 1, count: int = 1, seconds: float = 0.0) -> None:
        self.line.befall(fault, traffic, nth, count, seconds)

    def clear(self) -> None:
        self.line.clear()

    def asked(self, traffic: Traffic) -> int:
        return self.line.asked[traffic]


class SandboxClock:
    """The simulated time as the sandbox asks for it."""

    speed = 1.0

    def __init__(self, surroundings: Surroundings) -> None:
        self.now = surroundings.clock.now
        self.sleep = surroundings.clock.sleep
