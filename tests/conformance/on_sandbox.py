"""What worlds of the shipped simulators share: a sandbox with one system in it, founded once and copied for each case."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Final, TypeVar

from ml_connector.conformance.world import Desk, NotHere, Position, Surroundings
from ml_connector.erp.registry import Tools
from ml_connector.sandbox.ledger import Ledger
from ml_connector.sandbox.world import World as Sandbox
from tests.conformance.line import Lined, SandboxClock, Sorter

T = TypeVar("T")

BASE_URL: Final = "https://sandbox.test"


class Founded:
    """Companies that were founded once in this process, by the positions of their switches."""

    def __init__(self) -> None:
        self._ledgers: dict[str, Ledger] = {}

    def copy_of(self, positions: Mapping[str, Position]) -> Ledger | None:
        """A ledger of its own, None where there is none yet."""
        kept = self._ledgers.get(_name(positions))
        return None if kept is None else _copy(kept)

    def keep(self, positions: Mapping[str, Position], ledger: Ledger) -> None:
        self._ledgers[_name(positions)] = _copy(ledger)


class SandboxSite(Lined):
    """One company of one simulated system. ``door`` is its control for tests, which can end its sessions where there are any.

    ``ready`` says that ``ledger`` is a copy of a company that was made ready before; a site that is not ready makes it so
    when it is first connected, and calls :meth:`keep`.
    """

    def __init__(
        self,
        system: str,
        surroundings: Surroundings,
        positions: Mapping[str, Position],
        founded: Founded,
        *,
        traffic_of: Sorter,
        declared: Collection[str],
        scenario: Mapping[str, object] | None = None,
    ) -> None:
        self._founded = founded
        self._positions = positions
        copied = founded.copy_of(positions)
        self.ready = copied is not None
        self._ledger = copied or Ledger()
        switches = {name: value for name, value in positions.items() if name in declared}
        self.sandbox = Sandbox(
            SandboxClock(surroundings),
            state=self._ledger,
            scenario={system: {**(scenario or {}), "switches": switches}},
            systems=(system,),
            base_url=BASE_URL,
        )
        self._system = self.sandbox.systems[system]
        super().__init__(
            surroundings,
            self.sandbox.app,
            traffic_of,
            getattr(self._system.control, "end_sessions", None),
            below=f"/{system}",
            refusal=self._system.refusal,
        )

    @property
    def door(self) -> Any:
        return self._system.control

    def desk(self) -> Desk:
        raise NotHere("Nobody in this world works on what is followed.")

    def keep(self) -> None:
        """The company is as every case is to find it."""
        self._founded.keep(self._positions, self._ledger)
        self.ready = True

    async def sign_in(
        self, connect: Callable[[Mapping[str, str], Mapping[str, str], Tools], Awaitable[T]], **given: str
    ) -> T:
        """As the product does, with what the sign-in form asks for."""
        secrets = {"password": given.pop("password")}
        return await connect(given, secrets, Tools(self.surroundings.clock, self.surroundings.random, self.transport))

    def credentials(self, wrong: str = "") -> dict[str, str]:
        """What the sign-in form asks for; the field ``wrong`` is filled with something else."""
        given = {name: str(value) for name, value in self.sandbox.credentials()[self._system.name].items()}
        return given | ({wrong: f"not the {wrong}"} if wrong else {})


def _name(positions: Mapping[str, Position]) -> str:
    return repr(sorted(positions.items()))


def _copy(ledger: Ledger) -> Ledger:
    copy = Ledger()
    ledger._connection.backup(copy._connection)
    return copy
