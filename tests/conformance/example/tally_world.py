"""Tally as the suite's world."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date

from ml_connector.conformance.world import Codes, Desk, Held, NotHere, Position, Surroundings, Switch, Traffic
from ml_connector.domain.documents import Document
from ml_connector.domain.target import Case, Company
from ml_connector.erp.registry import Tools
from tests.conformance.example.tally import Tally, _body, connect
from tests.conformance.example.tally_server import TallyServer
from tests.conformance.line import Lined

CODES = Codes(
    day=date(2026, 10, 26),
    closing_day=date(2026, 9, 15),
    accounts=("1140", "4010"),
    currencies={2: "USD", 0: "JPY", 3: "KWD"},
    no_account="9999",
    no_currency="XTS",
)


def _as_it_is(tally: Tally) -> Company:
    return tally


class TallyWorld:
    """``dress`` makes of a connected Tally what is held to the rules."""

    name = "tally"
    label = "Tally (the example of the guide)"
    switches: Sequence[Switch] = ()

    def __init__(self, dress: Callable[[Tally], Company] = _as_it_is) -> None:
        self._dress = dress

    def open(self, surroundings: Surroundings, positions: Mapping[str, Position]) -> TallySite:
        return TallySite(surroundings, self._dress)


class TallySite(Lined):
    codes = CODES

    def __init__(self, surroundings: Surroundings, dress: Callable[[Tally], Company]) -> None:
        self._dress = dress
        self.server = TallyServer()
        super().__init__(surroundings, self.server.app, _traffic, self.server.tokens.clear)

    async def connect(self, wrong: str = "") -> Company:
        settings = {"base_url": "https://tally.test", "user": "ml"}
        secrets = {"password": self.server.password}
        where = secrets if wrong in secrets else settings
        where |= {wrong: f"not the {wrong}"} if wrong else {}
        tools = Tools(self.surroundings.clock, self.surroundings.random, self.transport)
        return self._dress(await connect(settings, secrets, tools))

    def can_be_wrong(self) -> Sequence[str]:
        return ("user", "password")

    def desk(self) -> Desk:
        raise NotHere("Tally keeps books and nothing else.")

    def held(self, document: Document) -> Held:
        found = self._of(document)
        return Held(sum(each["status"] == "posted" for each in found), sum(each["status"] == "draft" for each in found))

    def cancel(self, document: Document) -> None:
        self._of(document)[0]["status"] = "voided"

    def change(self, document: Document) -> None:
        self.server.nudge(self._of(document)[0])

    def type_in(self, document: Document) -> None:
        self.server.write({**json.loads(_body(Case(document, ""))), "status": "posted"})

    def copy(self, document: Document) -> None:
        self.server.write({**self._of(document)[0], "number": len(self.server.vouchers) + 1})

    def finish(self, document: Document) -> None:
        self._of(document)[0]["status"] = "posted"

    def remove(self, document: Document) -> None:
        self.server.vouchers.remove(self._of(document)[0])

    def close_period(self, day: date) -> None:
        self.server.closed.add(day.isoformat()[:7])

    def freeze_account(self, account: str) -> None:
        self.server.accounts[account]["frozen"] = True

    def blind(self, document: Document) -> None:
        self.server.may_read = False

    def _of(self, document: Document) -> list[dict[str, object]]:
        return [each for each in self.server.vouchers if each["reference"] == document.reference]


def _traffic(method: str, path: str) -> Traffic | None:
    if path == "/login":
        return None
    return Traffic.WRITES if method == "POST" else Traffic.READS
