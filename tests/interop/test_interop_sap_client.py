"""A client that others wrote, against the served sandbox over real HTTP: ``SAPB1SL`` signs in to the simulated Service Layer,
reads, writes, is told why it is refused, and signs in again where its session has ended.

It carries no types; it is imported by name. What it does in its own way is left to it: the session goes out as a header that
it builds itself, and ROUTEID as the word None.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.support.sandbox_server import SandboxServer

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
LINES = [
    {"AccountCode": "611000", "Debit": 310.5, "LineMemo": "referral_fees US"},
    {"AccountCode": "114100", "Credit": 310.5, "LineMemo": "payout US"},
]
ENTRY = {"ReferenceDate": "2026-11-20", "Reference": "90000000011", "JournalEntryLines": LINES}


class Served:
    """A served company, and the client signed in to it."""

    def __init__(self, version: str) -> None:
        self.server = SandboxServer({"sap_business_one": {"version": version}}, start=AT)
        self.client = self.signed_in()

    def signed_in(self, **changes: str) -> Any:
        credentials = {**self.server.credentials["sap_business_one"], **changes}
        return importlib.import_module("SAPB1SL").SAPB1SL(
            base_url=credentials["base_url"],
            username=credentials["username"],
            password=credentials["password"],
            company_db=credentials["company_db"],
        )

    def close(self) -> None:
        self.client.logout()
        self.client.session.close()
        self.server.stop()


@pytest.fixture(params=["v2", "v1"])
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    with closing(Served(request.param)) as running:
        yield running


def test_it_signs_in_and_reads_rows_and_one_row(served: Served) -> None:
    accounts = served.client.get("ChartOfAccounts", {"$select": "Code,Name", "$filter": "Code eq '611000'"})
    item = served.client.get("Items('STOOL-OAK-45')")

    assert accounts["value"] == [{"Code": "611000", "Name": "Amazon referral fees"}]
    assert (item["ItemName"], len(item["ItemWarehouseInfoCollection"])) == ("Oak stool, 45 cm", 8)


def test_what_it_writes_stands_in_the_ledger_and_can_be_read_back(served: Served) -> None:
    made = served.client.post("JournalEntries", ENTRY)

    (kept,) = served.server.entries()
    assert (made["JdtNum"], kept["JdtNum"], kept["Reference"]) == (kept["JdtNum"], made["JdtNum"], "90000000011")
    read = served.client.get(f"JournalEntries({made['JdtNum']})")
    assert [(line["AccountCode"], line["Debit"], line["Credit"]) for line in read["JournalEntryLines"]] == [
        ("611000", 310.5, 0.0),
        ("114100", 0.0, 310.5),
    ]
    balances = {each["account"]: Decimal(str(each["balance"])) for each in served.server.sap("trial_balance")}
    assert balances == {"611000": Decimal("310.5"), "114100": Decimal("-310.5")}


def test_it_is_told_why_it_is_refused_and_nothing_is_written(served: Served) -> None:
    wrong = {**ENTRY, "JournalEntryLines": [LINES[0], {**LINES[1], "Credit": 310.49}]}

    with pytest.raises(importlib.import_module("SAPB1SL").SAPRequestError) as refused:
        served.client.post("JournalEntries", wrong)

    assert refused.value.status_code == 400
    assert '"error"' in refused.value.message
    assert served.server.entries() == []


def test_it_signs_in_again_where_its_session_has_ended_and_its_write_is_done_once(served: Served) -> None:
    first = served.client.session_id
    served.server.sap("end_sessions")

    served.client.post("JournalEntries", ENTRY)

    assert served.client.session_id not in ("", None, first)
    assert len(served.server.entries()) == 1
    second = served.client.session_id
    served.server.sap("end_sessions")
    assert served.client.get("Currencies('EUR')")["Code"] == "EUR"
    assert served.client.session_id != second


def test_a_wrong_password_is_said_and_no_session_is_given(served: Served) -> None:
    package = importlib.import_module("SAPB1SL")

    with pytest.raises(package.AuthenticationError, match="100000027"):
        served.signed_in(password="wrong")
