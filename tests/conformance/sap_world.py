"""SAP Business One as the suite's world: the simulated Service Layer, with journal entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from ml_connector.conformance.world import (
    Codes,
    Desk,
    Held,
    NotHere,
    Position,
    Surroundings,
    Switch,
    Touches,
    Traffic,
)
from ml_connector.domain.documents import Document, JournalEntry
from ml_connector.domain.target import Company
from ml_connector.erp.registry import Tools
from ml_connector.erp.sap_business_one.connector import SapBusinessOne, connect
from ml_connector.erp.sap_business_one.documents import payload
from ml_connector.sandbox.sap_business_one import NAME, SWITCHES, Control
from ml_connector.sandbox.sap_business_one.resources import operation_of
from tests.conformance.on_sandbox import Founded, SandboxSite
from tests.conformance.sap_desk import SapDesk

CODES: Final = Codes(
    day=date(2026, 10, 26),
    closing_day=date(2026, 9, 15),
    accounts=("114100", "401000"),
    currencies={2: "USD", 0: "JPY"},
    no_account="999999",
    no_currency="XTS",
)

#: Not the simulator's: whether ``connection prepare`` was run, so that documents are posted with a claim.
PREPARED: Final = "prepared"

#: Neither: the version of the protocol that is spoken.
WIRE: Final = "wire"

_DECLARED: Final = frozenset(switch.name for switch in SWITCHES)
_PEOPLE: Final = frozenset({Touches.PEOPLE})
_SIGN_IN: Final = frozenset({Touches.SIGN_IN})
_FEEDS: Final = frozenset({Touches.FEEDS})


class SapWorld:
    """One company each time; it is founded once in a process and copied."""

    name = NAME
    label = "SAP Business One"
    switches: Sequence[Switch] = (
        Switch(PREPARED, True, (False,), frozenset(Touches) - {Touches.SIGN_IN}),
        Switch(WIRE, "v2", ("v1",), frozenset(Touches)),
        Switch("wrong_password_code", "100000027", ("-304",), _SIGN_IN),
        Switch("expiry_as_5002", False, (True,), _SIGN_IN),
        Switch("expiry_body", "v2", ("v1",), _SIGN_IN),
        Switch("storno_marking", "memo", ("none",), _PEOPLE),
        Switch("storno_sign", "opposite", ("negative",), _PEOPLE),
        Switch("storno_copies_fields", True, (False,), _PEOPLE),
        Switch("storno_date", "original", ("today",), _PEOPLE),
        Switch("server_utc_offset_minutes", 0, (-720, 840), _FEEDS),
        Switch("time_filters", "minute", ("second",), _FEEDS),
        Switch("new_rows_without_update_date", False, (True,), _FEEDS),
        Switch("bulk_items_without_collections", False, (True,), _FEEDS),
        Switch("next_link", "keeps", ("drops",), _FEEDS),
        Switch("sql_queries", "allowed", ("missing",), _FEEDS),
        Switch("sticky_sessions", False, (True,), _SIGN_IN),
    )

    def __init__(self) -> None:
        self._founded = Founded()

    def open(self, surroundings: Surroundings, positions: Mapping[str, Position]) -> SapSite:
        return SapSite(surroundings, positions, self._founded)


class SapSite(SandboxSite):
    codes = CODES

    def __init__(self, surroundings: Surroundings, positions: Mapping[str, Position], founded: Founded) -> None:
        scenario = {"version": positions.get(WIRE, "v2")}
        super().__init__(
            NAME, surroundings, positions, founded, traffic_of=_traffic, declared=_DECLARED, scenario=scenario
        )
        self._prepared = bool(positions.get(PREPARED, True))
        self._target: SapBusinessOne | None = None

    @property
    def control(self) -> Control:
        assert isinstance(self.door, Control)
        return self.door

    async def connect(self, wrong: str = "") -> Company:
        given = self.credentials(wrong)
        secrets = {"password": given.pop("password")}
        tools = Tools(self.surroundings.clock, self.surroundings.random, self.transport)
        target = await connect(given, secrets, tools)
        if not self.ready:
            if self._prepared:
                await target.prepare()
            self.keep()
        self._target = target
        return target

    def can_be_wrong(self) -> Sequence[str]:
        return ("company_db", "username", "password")

    def desk(self) -> Desk:
        return SapDesk(self.control)

    def held(self, document: Document) -> Held:
        return Held(len(self._numbers(document)))

    # --- what people do -----------------------------------------------------------------------------------------------

    def cancel(self, document: Document) -> None:
        self.control.cancel_entry(self._numbers(document)[0])

    def change(self, document: Document) -> None:
        self.control.nudge_line(self._numbers(document)[0], 0)

    def type_in(self, document: Document) -> None:
        assert isinstance(document, JournalEntry)
        assert self._target is not None
        body = payload(document, self._target._company)
        for name in ("Reference3", "U_ML_KEY"):
            body.pop(name, None)
        self.control.plant_entry(body)

    def close_period(self, day: date) -> None:
        self.control.set_period(day.isoformat())

    def freeze_account(self, account: str) -> None:
        self.control.freeze_account(account)

    def blind(self, document: Document) -> None:
        raise NotHere("to be said")

    def _numbers(self, document: Document) -> list[int]:
        """The JdtNum of every entry that stands for ``document`` in the ledger and does not reverse another one: by the accounts,
        the settlement and the day, whatever its key fields say."""
        assert isinstance(document, JournalEntry)
        return [
            int(str(entry["JdtNum"]))
            for entry in self.control.entries()
            if entry["Reference"] == document.reference or entry["Reference3"] == document.key
        ]


def _traffic(method: str, path: str) -> Traffic | None:
    name = operation_of(method, path.removeprefix("/b1s/v2").removeprefix("/b1s/v1"))
    if name in ("Login", "Logout"):
        return None
    if name == "$batch" or (name.partition(".")[2] not in ("GET", "") and "Service_" not in name):
        return Traffic.WRITES
    return Traffic.READS
