"""The simulated Sage 300 against what is published of the real one: names, verbs, keys, lengths, codes, and its payloads."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator

from ml_connector.sandbox.sage_300 import errors
from ml_connector.sandbox.sage_300.schema import ENUMS, Model, shipped
from tests.support.sage_client import Sage

pytestmark = pytest.mark.contract
SCHEMA = shipped()

#: What the schemas spell otherwise than today's service: the 2016 name of a key (dossier, section 6).
RENAMED = {"TermsCodeKey": "TermsCode"}
#: Models of which published evidence is known to be incomplete: ours may say more.
OPEN_MODELS = ("OE.Invoice", "OE.InvoiceDetail", "IC.Item", "IC.LocationDetail")

#: Sage's own payloads that the company must take, with the resource they are sent to.
TAKEN = {
    "AR/ARInvoiceBatches": "AR/ARInvoiceBatches",
    "AR/ARCustomers": "AR/ARCustomers",
    "AR/ARReceiptAndAdjustmentBatches_Adjustment": "AR/ARReceiptAndAdjustmentBatches",
    "AR/ARReceiptAndAdjustmentBatches_Prepayment": "AR/ARReceiptAndAdjustmentBatches",
    "GL/GLAccounts": "GL/GLAccounts",
    "GL/GLAccounts_Multicurrency": "GL/GLAccounts",
    "GL/GLJournalBatches": "GL/GLJournalBatches",
    "OE/OEOrders_OrdersOnly": "OE/OEOrders",
    "OE/OEOrders_WithOptFields": "OE/OEOrders",
    "OE/OEOrders_WithShipmentsandInvoice": "OE/OEOrders",
    "OE/OECreditDebitNotes": "OE/OECreditDebitNotes",
    "IC/ICItems": "IC/ICItems",
}


@cache
def contracts() -> Path:
    folder = os.environ.get("ML_CONNECTOR_CONTRACTS")
    if not folder:
        pytest.skip("ML_CONNECTOR_CONTRACTS does not name the contracts folder")
    return Path(folder) / "sage-300"


@cache
def published(module: str) -> dict[str, Any]:
    name = "gl" if module in ("GL", "TX") else module.lower()
    document = json.loads((contracts() / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


def payload(name: str) -> Any:
    return json.loads((contracts() / "samples" / "post-payloads" / f"{name}.txt").read_text(encoding="utf-8"))


def table(name: str) -> list[dict[str, str]]:
    with (contracts() / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def models() -> Iterator[tuple[Model, dict[str, Any]]]:
    """Every model of ours that a schema describes."""
    for model in SCHEMA.models.values():
        if model.module in ("AR", "GL", "TX", "OE", "IC"):
            found = published(model.module)["$defs"].get(model.short_name)
            if found is not None:
                yield model, found


def test_every_property_is_published_and_none_is_missing() -> None:
    seen = 0
    for model, found in models():
        seen += 1
        real = {RENAMED.get(name, name) if model.name == "AR.TermsCode" else name for name in found["properties"]}
        ours = set(model.by_name)
        if model.name in OPEN_MODELS:
            assert real - {"UpdateOperation"} <= ours, model.name
        else:
            assert real | {"UpdateOperation"} == ours, model.name
    assert seen == 42


def test_models_of_the_published_metadata_have_its_types() -> None:
    kinds = {"Edm.String": {"text", "word", "enum"}, "Edm.DateTime": {"date"}, "Edm.Boolean": {"bool"}}
    numbers = {"Edm.Decimal": {"decimal"}, "Edm.Int32": {"int"}, "Edm.Int64": {"int"}}
    root = ElementTree.parse(contracts() / "ar-metadata-2016-odata3.edmx").getroot()
    edm = "{http://schemas.microsoft.com/ado/2009/11/edm}"
    for entity in (*root.iter(f"{edm}EntityType"), *root.iter(f"{edm}ComplexType")):
        model = SCHEMA.models.get(f"AR.{entity.get('Name')}")
        for each in entity.iter(f"{edm}Property") if model is not None else ():
            name = RENAMED.get(str(each.get("Name")), str(each.get("Name")))
            declared = model.by_name[name] if model is not None else None
            assert declared is not None
            wanted = (kinds | numbers).get(str(each.get("Type")), {"list", "opaque"})
            assert declared.kind in wanted, (entity.get("Name"), name)


def test_resources_verbs_and_keys_are_the_published_ones() -> None:
    verbs = ("GET", "POST", "PUT", "PATCH", "DELETE")
    real = {
        (row["module"], row["resource"]): {verb for verb in verbs if row[verb] == "Y"} for row in table("endpoints.csv")
    }
    assert {(each.module, each.name): set(each.methods) for each in SCHEMA.resources.values()} == real

    for resource in SCHEMA.resources.values():
        if resource.model and resource.module in ("AR", "GL", "OE", "IC"):
            found = published(resource.module)["$defs"].get(SCHEMA.models[resource.model].short_name, {})
            key = [RENAMED.get(name, name) for name in found.get("x-key", [])]
            # Processes are published with a key that no request names.
            if key and key != ["ActionSelector"] and resource.name != "ARPostedReceipts":
                assert list(resource.key) == key, resource.name


@pytest.mark.parametrize(
    ("rows", "properties", "length"),
    [
        ("any,CustomerNumber", ["AR.Customer.CustomerNumber", "OE.Order.CustomerNumber"], 12),
        ("AR Invoice / PostedDocument,DocumentNumber", ["AR.Invoice.DocumentNumber", "AR.PostedDocument.DocumentNumber"], 22),
        ("AR Invoice / OE,OrderNumber", ["AR.Invoice.OrderNumber", "OE.Order.OrderNumber", "OE.Invoice.OrderNumber"], 22),
        ("OE Order,PurchaseOrderNumber", ["OE.Order.PurchaseOrderNumber"], 22),
        ("OE Order,OrderReference", ["OE.Order.OrderReference"], 60),
        ("OE Order,OrderComment", ["OE.Order.OrderComment"], 250),
        ("OE Order,ZipPostalCode", ["OE.Order.ShipToZipPostalCode"], 20),
        ("OE detail,Item", ["OE.OrderDetail.Item"], 24),
        ("OE detail,OrderUnitOfMeasure", ["OE.OrderDetail.OrderUnitOfMeasure"], 10),
        ("IC,Location", ["OE.OrderDetail.Location", "IC.LocationDetail.Location"], 6),
        ("any,CurrencyCode", ["AR.Invoice.CurrencyCode"], 3),
        ("any,EnteredBy", ["AR.Invoice.EnteredBy", "GL.JournalHeader.EnteredBy"], 8),
        ("GL,AccountNumber", ["GL.JournalDetail.AccountNumber"], 45),
        ("GL,batch / entry / line Description and Reference", ["GL.JournalBatch.Description", "GL.JournalDetail.Reference"], 60),
        ("AR,batch Description / InvoiceDescription", ["AR.InvoiceBatch.Description", "AR.Invoice.InvoiceDescription"], 60),
    ],
)  # fmt: skip
def test_lengths_are_the_published_ones(rows: str, properties: list[str], length: int) -> None:
    entity, name = rows.split(",", 1)
    found = [row for row in table("field-lengths.csv") if (row["entity"], row["property"]) == (entity, name)]
    assert found and re.match(r"\d+", found[0]["max_length_or_precision"].split()[0])
    assert int(found[0]["max_length_or_precision"].split()[0]) == length
    for each in properties:
        model, _, field = each.rpartition(".")
        assert SCHEMA.models[model].by_name[field].size == length, each


def test_numbers_have_the_published_decimals() -> None:
    order = SCHEMA.models["OE.OrderDetail"].by_name
    assert (order["QuantityShipped"].size, order["OrderUnitPrice"].size, order["ExtendedAmount"].size) == (4, 6, 3)
    documented = {row["property"]: row["max_length_or_precision"] for row in table("field-lengths.csv")}
    assert documented["QuantityOrdered / QuantityShipped"] == "decimal 19.4"
    assert (documented["OrderUnitPrice"], documented["money amounts"]) == ("decimal 19.6", "decimal 19.3")


def test_members_of_enumerations_hold_every_word_that_was_seen() -> None:
    for model, found in models():
        for name, described in found["properties"].items():
            words = [word for word in described.get("x-known-values", []) if "(" not in word]
            declared = model.by_name.get(RENAMED.get(name, name))
            if words and declared is not None and declared.kind == "enum":
                assert set(words) <= set(ENUMS[declared.of]), (model.name, name)


def test_refusals_have_the_catalogued_code_and_status() -> None:
    known = {row["code"]: int(row["http_status"]) for row in table("error-codes.csv")}
    made = [
        errors.unauthorized(), errors.forbidden(""), errors.no_resource(""), errors.no_record(), errors.not_allowed(""),
        errors.bad_parameters(""), errors.bad_key(""), errors.bad_payload(""), errors.bad_action(""), errors.duplicate(),
        errors.field_invalid(""), errors.rejected(""), errors.internal(""),
    ]  # fmt: skip
    for each in made:
        assert known[each.code] == each.status


def test_a_refusal_has_the_documented_form() -> None:
    said = Sage().get("AR/ARCustomers('NOBODY')")
    document = json.loads((contracts() / "schemas" / "error.schema.json").read_text(encoding="utf-8"))
    assert said.error == (404, "RecordNotFound")
    Draft202012Validator(document).validate(json.loads(said.text))


# --- Sage's own payloads -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TAKEN)
def test_sages_own_payloads_are_taken(name: str) -> None:
    sage = Sage()
    said = sage.post(TAKEN[name], payload(name))
    assert said.status == 201, said.text


def test_the_ship_to_of_sages_own_customer_is_taken_after_it() -> None:
    sage = Sage()
    assert sage.post("AR/ARShipToLocations", payload("AR/ARShipToLocations")).error == (409, "FieldInvalid")
    assert sage.post("AR/ARCustomers", payload("AR/ARCustomers")).status == 201
    assert sage.post("AR/ARShipToLocations", payload("AR/ARShipToLocations")).status == 201


def test_sages_own_batches_can_be_posted_and_its_order_makes_an_invoice() -> None:
    sage = Sage()
    batch = sage.post("AR/ARInvoiceBatches", payload("AR/ARInvoiceBatches")).json
    totals = [str(entry["DocumentTotalIncludingTax"]) for entry in batch["Invoices"]]
    assert totals == ["226", "22.6", "33.9", "40"]  # 13 % in the province, none on interest
    sage.control.post_batch("AR", int(batch["BatchNumber"]))
    journal = sage.post("GL/GLJournalBatches", payload("GL/GLJournalBatches")).json
    sage.control.post_batch("GL", journal["BatchNumber"])
    assert [batch["Status"] for batch in sage.control.batches("GL")][-1] == "Posted"

    order = sage.post("OE/OEOrders", payload("OE/OEOrders_WithShipmentsandInvoice")).json
    assert order["LastShipmentNumber"] and order["LastInvoiceNumber"]


def test_every_other_payload_is_answered_by_the_table_of_verbs() -> None:
    folder = contracts() / "samples" / "post-payloads"
    others = [f"{file.parent.name}/{file.stem}" for file in sorted(folder.glob("*/*.txt"))]
    sage = Sage()
    answers = {}
    for name in others:
        if name in TAKEN or name == "CS/CSCurrencyRateTypes":
            continue  # the latter is not JSON as published
        answers[name] = sage.post(name, payload(name)).status
    assert {name for name, status in answers.items() if status in (400, 404, 405, 500)} == set()
    assert answers["AR/ARTerms"] == answers["BK/BKBanks"] == answers["GL/GLSourceCodes"] == 201
    assert answers["AR/ARBillingCycles"] == answers["IC/ICTransfers"] == 403  # nobody may maintain what is not used


def test_every_verb_of_every_resource_is_answered_by_the_table() -> None:
    sage = Sage()
    sage.control.set_rights(["AP", "AR", "BK", "CS", "GL", "IC", "MT", "OE", "PO", "TX"])
    for row in table("endpoints.csv"):
        for verb in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            said = sage.send(verb, f"{row['module']}/{row['resource']}", {} if verb != "GET" else None)
            if row[verb] == "Y":
                assert said.status not in (405, 500), (row["resource"], verb)
                assert said.status != 404 or said.error[1] == "RecordNotFound"
            else:
                assert said.error == (405, "MethodNotAllowed"), (row["resource"], verb)


def test_answers_fit_the_published_models() -> None:
    sage = Sage()
    sage.journal()
    sage.invoice()
    sage.order()
    sage.post("AR/ARShipToLocations", {"CustomerNumber": "AMZUS", "ShipToLocationKey": "DOCK"})
    note = {"CreditDebitNoteNumber": "114-1-R1", "CustomerNumber": "AMZUS", "CreditDebitDetails": [{"Item": "STOOL45", "QuantityReturned": 1}]}  # fmt: skip
    assert sage.post("OE/OECreditDebitNotes", note).status == 201
    for module in ("AR", "GL", "OE", "IC"):
        document = published(module)
        for name, path in document["x-endpoint-map"].items():
            resource = SCHEMA.resources[path.partition("/")[2]]
            if resource.is_process:
                continue
            rows = json.loads(sage.get(path).text)["value"]
            assert rows or not resource.model, path
            if name == "TermsCode":
                continue  # its key is published under the name of 2016
            validator = Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": document["$defs"]})
            for row in rows:
                validator.validate(row)
