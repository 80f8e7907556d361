"""Promises about looking for documents that may begin as drafts, answer by answer."""

import asyncio
from typing import Any

import httpx2

from ml_connector.domain.documents import Kind
from ml_connector.domain.target import Case, Present, Seen, Unclear
from tests.support.sap import ScriptedServiceLayer, answer, connected, error, rows
from tests.support.trade import ORDER, invoice

KEY = f"ABCD-INV-{ORDER}"
FOUND: dict[str, Any] = {
    "DocEntry": 4711,
    "DocNum": 20001234,
    "DocDate": "2026-10-26T00:00:00Z",
    "TaxDate": "2026-10-26T00:00:00Z",
    "CardCode": "AMAZON-US",
    "NumAtCard": ORDER,
    "Comments": f"{KEY} Amazon order {ORDER}",
    "DocCurrency": "$",
    "DocTotal": 59.97,
    "DocTotalFc": 0.0,
    "DocumentStatus": "bost_Open",
    "CancelStatus": "csNo",
    "Confirmed": "tYES",
    "DataVersion": 1,
    "U_ML_KEY": KEY,
    "DocumentLines": [
        {"ItemCode": "MUG", "Quantity": 2.0, "LineTotal": 54.98, "TaxCode": "EX"},
        {"ItemCode": "SHIPPING", "Quantity": 1.0, "LineTotal": 4.99, "TaxCode": "EX"},
    ],
}


def looked(server: ScriptedServiceLayer, **script: Any) -> tuple[Seen, list[str]]:
    """What is seen of the invoice, and what was asked for it."""

    async def scenario() -> tuple[Seen, list[str]]:
        target = await connected(server)
        server.script |= {f"GET /{name}": handler for name, handler in script.items()}
        server.asked.clear()
        case = Case(invoice(), target.wire_key(invoice()))
        return (await target.observe([case]))[case.key], server.names()

    return asyncio.run(scenario())


def test_drafts_are_read_before_documents_so_that_one_becoming_the_other_is_not_missed() -> None:
    seen, asked = looked(ScriptedServiceLayer(), Invoices=lambda _: rows(FOUND))

    target = asyncio.run(connected(ScriptedServiceLayer()))
    assert seen == Present((("DocEntry", "4711"), ("DocNum", "20001234")), target.project(invoice(), {}))
    assert asked == ["GET /Drafts", "GET /Invoices"]


def test_drafts_that_cannot_be_read_are_no_absence() -> None:
    seen, _ = looked(ScriptedServiceLayer(), Drafts=lambda _: error(403, "-6006", "not permitted"))

    assert isinstance(seen, Unclear)


def test_a_kind_whose_drafts_the_user_may_not_read_is_not_offered() -> None:
    server = ScriptedServiceLayer()
    server.script["GET /Drafts"] = lambda _: error(403, "-6006", "not permitted")

    capabilities = asyncio.run(connected(server)).capabilities()

    assert "cannot read Drafts" in capabilities.unsupported(Kind.INVOICE)
    assert not capabilities.unsupported(Kind.RECEIPT)


def test_lines_that_a_list_leaves_out_are_read_with_the_document_itself() -> None:
    def alone(_request: httpx2.Request) -> httpx2.Response:
        return answer(200, FOUND)

    seen, asked = looked(
        ScriptedServiceLayer(),
        **{"Invoices": lambda _: rows(FOUND | {"DocumentLines": []}), "Invoices(4711)": alone},
    )

    assert isinstance(seen, Present)
    assert len(seen.shown.lines) == 2
    assert asked == ["GET /Drafts", "GET /Invoices", "GET /Invoices(4711)"]


def test_a_row_without_a_field_stops_its_own_document() -> None:
    broken = {name: value for name, value in FOUND.items() if name != "DocTotal"}

    seen, _ = looked(ScriptedServiceLayer(), Invoices=lambda _: rows(broken))

    assert isinstance(seen, Unclear)
    assert "without DocTotal" in seen.why


def test_what_a_person_copied_to_another_document_is_ours_no_more() -> None:
    copied = FOUND | {"U_ML_KEY": f"ABCD-SO-{ORDER}", "Comments": "Based on Sales Orders 23000501."}

    seen, _ = looked(ScriptedServiceLayer(), Invoices=lambda _: rows(copied))

    assert isinstance(seen, Present)
    assert not seen.ours
