"""Everything the Sage connector sends, verb by verb and name by name against what is published of the real system."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import httpx2
import pytest
from jsonschema import Draft202012Validator

from ml_connector.domain.documents import Kind, SalesLine
from tests.support.sage_company import ORDER, Scene, journal, play, receipt, sale

pytestmark = pytest.mark.contract

CONTRACTS = os.environ.get("ML_CONNECTOR_CONTRACTS", "")
if not CONTRACTS:
    pytest.skip("ML_CONNECTOR_CONTRACTS names no folder", allow_module_level=True)

FOLDER = Path(CONTRACTS) / "sage-300"
#: Resources that clients read and the list of 2022 leaves out (dossier, section 15.2), and models nobody described.
UNLISTED = {"ICLocationDetails"}
#: Property names that the dossier infers from captions (14.2) or gives by the naming rule (4.3, 13.2).
INFERRED = {"FromBatchNumber", "ToBatchNumber", "InvoiceDate", "ShipmentDate"}
_WORD = re.compile(r"'(?:[^']|'')*'|\d{4}-\d\d-\d\dT[\d:]+Z")
_OPERATORS = {"eq", "gt", "lt", "and", "or", "startswith"}


@cache
def verbs() -> dict[str, set[str]]:
    with (FOLDER / "endpoints.csv").open(encoding="utf-8", newline="") as lines:
        return {
            row["resource"]: {verb for verb in ("GET", "POST", "PUT", "PATCH", "DELETE") if row[verb] == "Y"}
            for row in csv.DictReader(lines)
        }


@cache
def schemas() -> dict[str, tuple[str, dict[str, Any]]]:
    """Model name and definitions by resource."""
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for module in ("ar", "gl", "oe", "ic"):
        document = json.loads((FOLDER / "schemas" / f"{module}.schema.json").read_text(encoding="utf-8"))
        for model, path in document["x-endpoint-map"].items():
            found[path.partition("/")[2]] = (model, document["$defs"])
    return found


def record(mode: str) -> list[httpx2.Request]:
    """Every request of a company's day in one mode of invoicing."""
    asked: list[httpx2.Request] = []

    async def act(scene: Scene) -> None:
        await scene.target.ping()
        await scene.target.references()
        for feed in (scene.target.items, scene.target.prices, scene.target.stock, scene.target.customers):
            async for _ in feed("2026-11-01"):
                pass
        await scene.post(journal("90000000011", "USD"))
        await scene.post(journal("90000000012", "EUR"))
        if mode == "AR":
            sold, credited = sale(), sale(Kind.CREDIT_MEMO, corrects=sale().key)
        else:
            line = SalesLine("STOOL45", "x", Decimal(3), Decimal("10.00"), tax_code="AMZNTX", warehouse="FBA")
            fee = SalesLine("AMZSHP", "Shipping", Decimal(1), Decimal("5.99"), tax_code="AMZNTX")
            sold = sale(Kind.INVOICE, ORDER, line, fee)
            credited = sale(Kind.CREDIT_MEMO, ORDER, line, fee, corrects=sold.key, returns_stock=True)
            await scene.post(sale(Kind.SALES_ORDER, "113-0000009-0000009", line, fee))
        for document in (sold, credited):
            await scene.post(document)
            scene.control.day_end(post=True)
            await scene.post(document)
        await scene.post(receipt((sold, "10.00")))
        await scene.target.census("ABCD-", sold.posting_date, sold.posting_date)

    play(act, settings={"invoice_mode": mode}, heard=asked)
    return asked


@pytest.fixture(scope="module", params=["AR", "OE"])
def requests(request: pytest.FixtureRequest) -> list[httpx2.Request]:
    return record(request.param)


def parts(request: httpx2.Request) -> tuple[str, str, str]:
    """Module, resource and key of a request."""
    found = re.fullmatch(
        r"/sage_300/Sage300WebApi/v1\.0/-/SANDUS/(\w\w)/(\$?\w+)(?:\((.*)\))?", unquote(urlsplit(str(request.url)).path)
    )
    assert found is not None, request.url
    return found[1], found[2], found[3] or ""


def test_only_listed_resources_and_verbs_are_used(requests: list[httpx2.Request]) -> None:
    assert len(requests) > 50
    for request in requests:
        _, resource, _ = parts(request)
        if resource != "$metadata" and resource not in UNLISTED:
            assert request.method in verbs()[resource], (request.method, resource)
        assert request.headers["Content-Type"] == "application/json"
        assert request.headers["Authorization"].startswith("Basic ")


def test_nobody_elses_batches_and_no_day_end_are_ever_processed(requests: list[httpx2.Request]) -> None:
    processed = [request for request in requests if "$process" in parts(request)[2]]
    assert {parts(request)[1] for request in processed} <= {
        "GLPostJournal",
        "ARPostInvoices",
        "ARPostReceiptsAndAdjustments",
    }
    for request in processed:
        body = json.loads(request.content)
        assert body.get("PostAllBatches", "Donotpostallbatches") == "Donotpostallbatches"
        numbers = [value for name, value in body.items() if name not in ("PostAllBatches", "BatchType")]
        assert len(numbers) == 2 and numbers[0] == numbers[1]


def test_addresses_fit_and_use_only_what_every_version_understands(requests: list[httpx2.Request]) -> None:
    for request in requests:
        where = urlsplit(str(request.url))
        assert len(where.query) < 2048
        options = parse_qs(where.query)
        assert set(options) <= {"$filter", "$select", "$skip", "$top", "$count"}
        for condition in options.get("$filter", ()):
            bare = _WORD.sub(" ", condition)
            assert "(" not in bare.replace("startswith(", "")
            words = set(re.findall(r"[A-Za-z_]\w*", bare))
            assert {word for word in words if word[0].islower()} <= _OPERATORS, condition


def test_every_property_that_is_asked_for_is_published(requests: list[httpx2.Request]) -> None:
    seen = set()
    for request in requests:
        _, resource, _ = parts(request)
        if resource not in schemas():
            continue
        model, definitions = schemas()[resource]
        options = parse_qs(urlsplit(str(request.url)).query)
        names = {name for text in options.get("$select", ()) for name in text.split(",")}
        for condition in options.get("$filter", ()):
            names |= set(re.findall(r"[A-Z]\w+", _WORD.sub(" ", condition)))
        assert names <= set(definitions[model]["properties"]), (resource, names)
        seen.add(resource)
    assert {"GLJournalBatches", "GLPostedTransactions", "ARPostedDocuments", "ICItems"} <= seen


def test_every_body_fits_the_published_model(requests: list[httpx2.Request]) -> None:
    seen = set()
    for request in requests:
        _, resource, key = parts(request)
        if request.method == "GET" or "$template" in key:
            continue
        body = json.loads(request.content)
        model, definitions = schemas()[resource]
        unknown = set(strangers(body, definitions[model], definitions))
        assert unknown <= INFERRED, (resource, unknown)
        kept = {name: value for name, value in body.items() if name not in INFERRED}
        Draft202012Validator({"$ref": f"#/$defs/{model}", "$defs": definitions}).validate(kept)
        seen.add((request.method, resource))
    assert ("POST", "GLJournalBatches") in seen
    assert ("PATCH", "GLJournalBatches") in seen
    assert ("POST", "ARReceiptAndAdjustmentBatches") in seen


def strangers(body: Mapping[str, Any], model: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[str]:
    """Names in a body, however deep, that its model does not have."""
    out = []
    for name, value in body.items():
        declared = model["properties"].get(name)
        if declared is None:
            out.append(name)
        elif isinstance(value, list):
            reference = declared.get("items", {}).get("$ref", "")
            inner = definitions.get(reference.rpartition("/")[2])
            out += [each for row in value if inner is not None for each in strangers(row, inner, definitions)]
    return out
