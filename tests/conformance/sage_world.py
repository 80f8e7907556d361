"""Sage 300 as the suite's world: the simulated Web API, in both modes of invoicing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from ml_connector.conformance.world import (
    Codes,
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
from ml_connector.erp.sage_300.connector import connect
from ml_connector.sandbox.sage_300 import NAME, SWITCHES, Control
from tests.conformance.on_sandbox import Founded, SandboxSite

CODES: Final = Codes(
    day=date(2026, 10, 26),
    closing_day=date(2026, 9, 15),
    accounts=("1150", "4010"),
    currencies={2: "USD", 0: "JPY"},
    no_account="9999",
    no_currency="XTS",
)

_DECLARED: Final = frozenset(switch.name for switch in SWITCHES)
_SIGN_IN: Final = frozenset({Touches.SIGN_IN})
_WIRE: Final = frozenset({Touches.LOOKS, Touches.CONTENT, Touches.REFERENCES, Touches.FEEDS})
_WRITES: Final = frozenset({Touches.WRITES, Touches.LOOKS})


class SageWorld:
    """One company each time; it is founded once in a process and copied."""

    name = NAME
    label = "Sage 300"
    switches: Sequence[Switch] = (
        Switch("missing_right", "403", ("401",), _SIGN_IN),
        Switch("wrong_company", "404", ("401",), _SIGN_IN),
        Switch("create_status", 201, (200,), _WRITES),
        Switch("change_status", 204, (200,), _WRITES),
        Switch("old_annotations", False, (True,), _WIRE),
        Switch("next_link", "bare", ("keeps",), _WIRE),
        Switch("page_size", 100, (3,), _WIRE),
        Switch("has_ge_le", True, (False,), _WIRE),
        Switch("padded_text", False, (True,), _WIRE),
        Switch("dates_with_z", True, (False,), _WIRE),
        Switch("ready_in_post", True, (False,), _WRITES),
        Switch("failed_batch", "rolled_back", ("part_filled",), _WRITES | {Touches.PERIODS}),
        Switch("gl_ready_by", "ReadyToPost", ("Status", "both"), _WRITES),
        Switch("gl_post_names", "FromBatchNumber ToBatchNumber", ("PostBatchFrom PostBatchTo",), _WRITES),
        Switch("posting_s", 0, (30,), _WRITES),
        Switch("inactive_account", "entry", ("posting",), frozenset({Touches.PERIODS})),
        Switch("cold_start_s", 0, (40,), _SIGN_IN),
    )

    def __init__(self) -> None:
        self._founded = Founded()

    def open(self, surroundings: Surroundings, positions: Mapping[str, Position]) -> SageSite:
        return SageSite(surroundings, positions, self._founded)


class SageSite(SandboxSite):
    codes = CODES

    def __init__(self, surroundings: Surroundings, positions: Mapping[str, Position], founded: Founded) -> None:
        super().__init__(NAME, surroundings, positions, founded, traffic_of=_traffic, declared=_DECLARED)

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
            self.keep()
        return target

    def can_be_wrong(self) -> Sequence[str]:
        return ("username", "password")

    def held(self, document: Document) -> Held:
        found = self._batches(document)
        posted = [batch for batch in found if batch["Status"] == "Posted"]
        waiting = [batch for batch in found if batch["Status"] in ("Open", "ReadyToPost", "PostInProgress")]
        return Held(len([batch for batch in posted if not _is_reversal(batch)]), len(waiting))

    # --- what people do -----------------------------------------------------------------------------------------------

    def cancel(self, document: Document) -> None:
        self.control.reverse_batch(self._batches(document)[0]["BatchNumber"])

    def change(self, document: Document) -> None:
        self.control.nudge_line(self._batches(document)[0]["BatchNumber"])

    def type_in(self, document: Document) -> None:
        assert isinstance(document, JournalEntry)
        lines = [
            {"AccountNumber": line.account, "Amount": value, "SourceCurrencyAmount": value}
            for line in document.lines
            if (value := line.debit - line.credit)
        ]
        day = document.posting_date.isoformat()
        header = {"SourceLedger": "GL", "SourceType": "JE", "DocumentDate": day, "JournalDetails": lines}
        number = self.control.plant_batch("GL", {"Description": document.reference, "JournalHeaders": [header]})
        self.control.post_batch("GL", str(number))

    def close_period(self, day: date) -> None:
        self.control.set_period(day.isoformat())

    def freeze_account(self, account: str) -> None:
        self.control.inactivate_account(account)

    def blind(self, document: Document) -> None:
        raise NotHere("to be said")

    def _batches(self, document: Document) -> list[dict[str, Any]]:
        """Every journal batch that stands for ``document``: by its lines' content, whatever its key fields say."""
        assert isinstance(document, JournalEntry)
        wanted = sorted((line.account, line.debit - line.credit) for line in document.lines if line.posts)
        return [
            batch
            for batch in self.control.batches("GL")
            if str(batch["Description"]).strip() in (document.reference, document.key) or _content(batch) == wanted
        ]


def _content(batch: Mapping[str, Any]) -> list[tuple[str, Decimal]]:
    return sorted(
        (line["AccountNumber"].strip(), line["SourceCurrencyAmount"])
        for entry in batch["JournalHeaders"]
        for line in entry["JournalDetails"]
    )


def _is_reversal(batch: Mapping[str, Any]) -> bool:
    return any(str(entry["Description"]).startswith("REV ") for entry in batch["JournalHeaders"])


def _traffic(method: str, path: str) -> Traffic | None:
    return Traffic.READS if method == "GET" or "$template" in path else Traffic.WRITES
