"""Everything the SAP connector sends, name by name and type by type against the server's own metadata (contracts)."""

import asyncio
import json
import os
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from ml_connector.domain.documents import Document, Kind
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import Absent, Case, Move, Unsupported
from ml_connector.erp.sap_business_one.company import Trade
from ml_connector.erp.sap_business_one.documents import common, journal_entries, rooms
from ml_connector.erp.sap_business_one.documents.places import JOURNALS, PLACES
from ml_connector.erp.sap_business_one.errors import parse_error, session_lost
from ml_connector.erp.sap_business_one.odata import encode
from ml_connector.erp.sap_business_one.routes import records
from ml_connector.erp.sap_business_one.routes.batch import ChangeSet, Reply, decode
from tests.support.entries import entry, line
from tests.support.sap import COMPANY, OpenPermit, ScriptedServiceLayer, answer, connected, rows
from tests.support.sap_metadata import Metadata
from tests.support.trade import invoice, issue, payment, sales_line

pytestmark = pytest.mark.contract

CONTRACTS = os.environ.get("ML_CONNECTOR_CONTRACTS", "")
if not CONTRACTS:
    pytest.skip("ML_CONNECTOR_CONTRACTS names no folder", allow_module_level=True)

FOLDER = Path(CONTRACTS) / "sap-business-one"


@pytest.fixture(scope="module")
def metadata() -> Metadata:
    return Metadata(FOLDER / "service-layer-v2-odata4.trimmed.edmx")


def as_sent(body: dict[str, Any]) -> Any:
    return json.loads(encode(body), parse_float=Decimal)


def test_a_journal_entry_in_local_and_in_foreign_currency_is_valid(metadata: Metadata) -> None:
    dimensions = tuple((name, "AMZ") for name in common.DIMENSIONS)
    lines = tuple(
        replace(each, dimensions=dimensions)
        for each in (line("payout", "1120", debit="85.79"), line("product_sales", "4000", credit="85.79"))
    )
    for currency in ("USD", "EUR"):
        document = replace(entry(lines=lines, currency=currency), branch="1")
        metadata.check("JournalEntry", as_sent(journal_entries.payload(document, COMPANY)))


SETS = frozenset(name for place in PLACES.values() for name in (place.set, place.drafts))
#: A company that can do everything, with VAT groups.
TRADING = replace(
    COMPANY,
    branches=("1",),
    trade=Trade(
        readable=SETS, key_fields=SETS, credit_note_sign=-1, foreign_payments=True, vat_groups=frozenset({"O1"})
    ),
)
#: Entity types of the sets that documents and their drafts stand in.
ENTITIES = {place.set: "Payment" if place.pays else "Document" for place in PLACES.values()} | {
    JOURNALS: "JournalEntry"
}


def trade_documents() -> list[Document]:
    """Every kind, with everything that a line can carry, in local and in foreign currency."""
    dimensions = tuple((name, "AMZ") for name in common.DIMENSIONS)
    full = replace(
        sales_line(discount="5.00"), warehouse="FBA", account="4000", dimensions=dimensions, source="0123456789012"
    )
    taxed = replace(sales_line(gross="100.00"), tax=Decimal("19.00"), tax_code="O1")
    thirds = sales_line(gross="10.00", quantity="3")
    found: list[Document] = []
    for currency in ("USD", "EUR"):
        sale = replace(invoice(lines=(full, taxed, thirds)), branch="1", currency=currency)
        memo = replace(sale, key=DocumentKey("ABCD-CM-1"), kind=Kind.CREDIT_MEMO, corrects=sale.key)
        paid = replace(payment((sale.key, "10.00"), on_account="1.00"), branch="1", currency=currency)
        refund = payment((memo.key, "10.00"), kind=Kind.REFUND_PAYMENT)
        order = replace(sale, key=DocumentKey("ABCD-SO-1"), kind=Kind.SALES_ORDER)
        found += [sale, memo, order, paid, replace(refund, branch="1", currency=currency)]
    return [*found, replace(issue(), branch="1", account="4000")]


def trade_payload(document: Document) -> Any:
    linked = dict.fromkeys(document.depends_on, (("DocEntry", "4711"), ("DocNum", "20001234")))
    assert rooms.unsupported(document, TRADING) is None
    return as_sent(rooms.payload(document, TRADING, linked))


@pytest.mark.parametrize("document", trade_documents(), ids=lambda document: f"{document.kind}-{document.currency}")
def test_every_kind_is_valid_as_a_document_and_as_a_draft(metadata: Metadata, document: Document) -> None:
    place = PLACES[document.kind]
    body = trade_payload(document)

    assert metadata.sets[place.set] == metadata.sets[place.drafts] == ENTITIES[place.set]
    metadata.check(ENTITIES[place.set], body)
    metadata.check(ENTITIES[place.set], {"DocObjectCode": place.object} | body)


def test_the_fields_that_documents_and_drafts_are_read_by_exist(metadata: Metadata) -> None:
    for place in PLACES.values():
        for draft in (False, True):
            if place.set != JOURNALS:
                fields = records.fields(place, draft=draft, key_field=False)
                assert set(fields) <= metadata.types[ENTITIES[place.set]].keys()
    lines = {"ItemCode", "AccountCode", "TaxCode", "VatGroup", "RowTotalFC", "LineTotal", "Quantity", "WarehouseCode"}
    assert lines <= metadata.types["DocumentLine"].keys()
    assert {"DocEntry", "AppliedFC", "SumApplied", "InvoiceType"} <= metadata.types["PaymentInvoice"].keys()


def test_a_draft_is_saved_and_an_order_confirmed_by_names_that_the_server_declares(metadata: Metadata) -> None:
    assert metadata.operations["DraftsService_SaveDraftToDocument"] == ("Action", {"Document": "SAPB1.Document"})
    assert "SaveDraftToDocument" in metadata.operations
    metadata.check("Document", {"DocEntry": 301})
    metadata.check("Document", {"Confirmed": "tYES"})


def test_nothing_that_only_the_server_may_write_is_sent() -> None:
    # the earlier metadata of SAP's own SDK says which properties are not writable
    sdk = ET.parse(FOLDER / "service-layer-v1-odata3-sap-sdk-2021.trimmed.edmx").getroot()
    fixed = {
        e.attrib["Name"]: {p.attrib["Name"] for p in e if p.attrib.get("Writable") == "false"}
        for e in sdk.iter()
        if e.tag.endswith("Type")
        and e.attrib.get("Name") in {*ENTITIES.values(), "JournalEntryLine", "DocumentLine", "PaymentInvoice"}
    }
    body = journal_entries.payload(entry(), COMPANY)

    assert fixed["JournalEntry"] >= {"JdtNum", "Number"}
    assert fixed["Document"] >= {"DocEntry", "DocumentStatus", "CancelStatus", "AuthorizationStatus"}
    assert not fixed["JournalEntry"] & body.keys()
    assert not fixed["JournalEntryLine"] & {name for row in body["JournalEntryLines"] for name in row}
    for document in trade_documents():
        sent = trade_payload(document)
        assert not fixed[ENTITIES[PLACES[document.kind].set]] & sent.keys()
        assert not fixed["DocumentLine"] & {name for row in sent.get("DocumentLines", ()) for name in row}
        assert not fixed["PaymentInvoice"] & {name for row in sent.get("PaymentInvoices", ()) for name in row}


def conversation() -> list[httpx2.Request]:
    """Everything the connector asks in a life: sign-in, probing, preparing, references, posting, looking, signing out."""

    async def scenario() -> list[httpx2.Request]:
        server = ScriptedServiceLayer(claims=False, key_field=False)
        target = await connected(server)
        server.script |= {
            "POST /UserTablesMD": lambda _: answer(201, {}),
            "POST /UserFieldsMD": lambda _: answer(201, {}),
            "GET /ChartOfAccounts": lambda _: rows(),
            "GET /BusinessPlaces": lambda _: rows({"BPLID": 1, "BPLName": "Main", "Disabled": "tNO"}),
            "GET /CompanyService_GetAdminInfo": lambda _: answer(200, {"LocalCurrency": "$", "EnableBranches": "tYES"}),
            "POST /CompanyService_GetPeriods": lambda _: rows({"AbsoluteEntry": 1}),
            "POST /CompanyService_GetPeriod": lambda _: answer(200, {}),
            "POST /CompanyService_GetFinancePeriods": lambda _: rows(),
            "POST /JournalEntries": lambda _: answer(201, {"JdtNum": 1}),
            "POST /$batch": lambda _: answer(400, {"error": {"code": "-1000", "message": "m"}}),
        }
        await target.prepare()
        server.claims = server.key_field = True
        await target.references()
        await target.ping()
        document = replace(entry(), branch="1")
        case = Case(document, target.wire_key(document))
        await target.observe([case])
        await target.census("ABCD-", document.posting_date, document.posting_date)
        steps = target.steps(document)
        assert not isinstance(steps, Unsupported)
        for name in ("claim", "plain"):
            await target.advance([Move(case, Absent(""), replace(steps[0], name=name))], OpenPermit())
        await target.close()
        return server.requests

    return asyncio.run(scenario())


def test_every_address_operation_and_body_is_one_that_the_server_declares(metadata: Metadata) -> None:
    seen: set[str] = set()
    for request in conversation():
        where = urlsplit(str(request.url))
        resource = where.path.removeprefix("/b1s/v2/").partition("(")[0]
        seen.add(resource)
        if resource == "$batch":
            continue
        if resource in metadata.operations:
            kind, parameters = metadata.operations[resource]
            assert request.method == ("POST" if kind == "Action" else "GET"), resource
            for name, value in json.loads(request.content or b"{}").items():
                metadata.check_value(parameters[name], value, f"{resource}.{name}")
        elif resource == common.CLAIM_SET:
            _check_query({"Code", "Name"}, where.query)
        else:
            kind = metadata.sets[resource]
            if request.method == "POST":
                metadata.check(kind, json.loads(request.content, parse_float=Decimal))
            _check_query(metadata.types[kind].keys() | {common.KEY_FIELD}, where.query)

    assert seen >= {"Login", "Logout", "$batch", "JournalEntries", "U_ML_LINK", "UserTablesMD", "UserFieldsMD"}
    assert seen >= {"ChartOfAccounts", "Currencies", "BusinessPlaces", "CompanyService_GetFinancePeriods"}


def _check_query(fields: set[str] | Any, query: str) -> None:
    """Fields named in ``$select``, ``$orderby`` and ``$filter`` exist."""
    options = parse_qs(query, strict_parsing=bool(query))
    assert options.keys() <= {"$select", "$filter", "$orderby", "$top"}
    for name in [*options.get("$select", []), *options.get("$orderby", [])]:
        assert set(name.split(",")) <= set(fields), name
    for text in options.get("$filter", []):
        words = set(re.findall(r"[A-Za-z_]\w*", re.sub(r"'[^']*'", "", text)))
        assert words - {"eq", "ge", "le", "gt", "and", "or", "startswith", "endswith", "contains"} <= set(fields), text


def test_the_recorded_answer_to_a_change_set_is_understood() -> None:
    body = (FOLDER / "samples" / "batch-response-v2.multipart.txt").read_bytes()
    boundary = "batchresponse_00000000-0000-0000-0000-000000000000"

    (found,) = decode(f"multipart/mixed; boundary={boundary}", body)

    assert isinstance(found, ChangeSet)
    assert [(reply.status, reply.body) for reply in found.replies] == [
        (201, b'{"some":"content"}'),
        (204, b""),
        (204, b""),
    ]
    assert found.replies[0].headers["location"] == "https://localhost:50000/b1s/v2/BusinessPartners('C00001')"


def test_the_older_protocols_answer_to_a_change_set_is_understood_too() -> None:
    body = (FOLDER / "samples" / "batch-response-v1.multipart.txt").read_bytes()
    boundary = "batchresponse_00000000-0000-0000-0000-000000000000"

    (found,) = decode(f"multipart/mixed;boundary={boundary}", body)

    assert isinstance(found, ChangeSet)
    assert [reply.headers["content-id"] for reply in found.replies] == ["1", "2", "3"]


def test_every_code_of_the_catalogue_is_classified_as_it_says() -> None:
    catalogue = json.loads((FOLDER / "error-catalogue.json").read_text())["errors"]
    for known in catalogue:
        if known["code"] is None:
            continue
        words = known["sample_message"] or "words"
        body = json.dumps({"error": {"code": str(known["code"]), "message": words}}).encode()
        error = parse_error(known["http_status"], body)
        assert error is not None
        assert error.number == known["code"]
        expected = known["http_status"] == 401
        assert session_lost(known["http_status"], error, idle_s=0, timeout_s=1800) is expected
        assert error.duplicate is (known["code"] == -2035)


def test_the_fields_an_entry_is_read_by_exist(metadata: Metadata) -> None:
    assert set(journal_entries.ENTRY_FIELDS) <= metadata.types["JournalEntry"].keys()
    assert {"AccountCode", "Debit", "Credit", "FCCurrency", "FCDebit", "FCCredit", "LineMemo"} <= metadata.types[
        "JournalEntryLine"
    ].keys()


def test_a_reply_that_is_no_change_set_stands_alone() -> None:
    text = "--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 400 Bad Request\r\n\r\n{}\n\r\n--b--\r\n"

    assert decode("multipart/mixed;boundary=b", text.encode()) == (Reply(400, {}, b"{}"),)
