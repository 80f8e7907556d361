"""Documents of the simulated SAP company for tests: one invoice that can be checked by hand, and what it leads to."""

from __future__ import annotations

from typing import Any

from tests.support.sap_client import Said, Sap

STOOL: dict[str, object] = {"ItemCode": "STOOL-OAK-45", "Quantity": 2, "UnitPrice": 19.99, "WarehouseCode": "FBA-US"}


def post(sap: Sap, entity_set: str = "Invoices", lines: list[dict[str, object]] | None = None, **members: Any) -> Said:
    """A document of two stools at 19.99 for C-AMZ-US of 2026-11-20, changed by ``members``."""
    body = {
        "CardCode": "C-AMZ-US",
        "DocDate": "2026-11-20",
        "DocDueDate": "2026-11-20",
        "DocumentLines": lines or [STOOL],
    }
    return sap.send("POST", entity_set, {**body, **members})


def line(**members: object) -> list[dict[str, object]]:
    return [{**STOOL, **members}]


def booked(sap: Sap, jdt_num: int) -> dict[tuple[str, str], Any]:
    """Debit minus credit of an entry by account and short name."""
    entry = sap.send("GET", f"JournalEntries({jdt_num})").json
    return {
        (line["AccountCode"], line["ShortName"]): line["Debit"] - line["Credit"] for line in entry["JournalEntryLines"]
    }


def stock(sap: Sap, warehouse: str = "FBA-US", code: str = "STOOL-OAK-45") -> tuple[Any, Any]:
    places = sap.send("GET", f"Items('{code}')").json["ItemWarehouseInfoCollection"]
    (place,) = [row for row in places if row["WarehouseCode"] == warehouse]
    return place["InStock"], place["Committed"]
