"""Every query that the connector sends to a Service Layer, against the metadata of real servers of both versions.

Filters are parsed by a parser that others wrote (``odata-query``), and every name and literal in them is looked up. Two things
are SAP's own dialect (dossier, sections 5.1 and 5.3): dates, times and members of enums are written as text.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import httpx2
import pytest

from ml_connector.domain.source import Page
from ml_connector.erp.sap_business_one.reads.queries import PRICES, STOCK, StoredQuery
from tests.support.entries import entry, line
from tests.support.sap_metadata import Metadata
from tests.support.sap_scene import SPOKEN, Scene, play

pytestmark = pytest.mark.contract

CONTRACTS = os.environ.get("ML_CONNECTOR_CONTRACTS", "")
if not CONTRACTS:
    pytest.skip("ML_CONNECTOR_CONTRACTS names no folder", allow_module_level=True)

FOLDER = Path(CONTRACTS) / "sap-business-one"
FILES = {"v2": "service-layer-v2-odata4.trimmed.edmx", "v1": "service-layer-v1-odata3.trimmed.edmx"}
#: What the texts of the dialect look like, by type.
TEXTS = {
    "Edm.String": r"(?s).*",
    "Edm.DateTimeOffset": r"\d{4}-\d{2}-\d{2}",
    "Edm.DateTime": r"\d{4}-\d{2}-\d{2}",
    "Edm.TimeOfDay": r"\d{2}:\d{2}:\d{2}",
    "Edm.Time": r"\d{2}:\d{2}:\d{2}",
}
FUNCTIONS = {"startswith", "endswith", "contains"}


def heard(version: str) -> list[httpx2.Request]:
    """A life of a connection: everything it looks for and follows, with stored queries and without, in short pages."""
    requests: list[httpx2.Request] = []
    token = SPOKEN.set(version)
    try:
        for prepare in (True, False):
            play(
                _live,
                prepare=prepare,
                heard=requests,
                settings={"page_size": "3"},
                switches={"enable_branches": True, "bulk_items_without_collections": True},
            )
    finally:
        SPOKEN.reset(token)
    return requests


async def _live(scene: Scene) -> None:
    await scene.target.ping()
    await scene.target.references()
    lines = (line("payout", "114100", debit="1.00"), line("product_sales", "401000", credit="1.00"))
    document = replace(entry(lines=lines), branch="1")
    await scene.post(document)
    await scene.seen(document)
    await scene.target.census("ABCD-", document.posting_date, document.posting_date)
    _trade(scene)
    for _ in range(2):
        for feed in (
            scene.target.items,
            scene.target.prices,
            scene.target.stock,
            scene.target.shipments,
            scene.target.customers,
        ):
            mark = await _last(feed(""))
            scene.clock.advance(100)
            await _last(feed(mark))


def _trade(scene: Scene) -> None:
    """A delivery for an order, cancelled; special prices with a discount; a name with a quote in it."""
    scene.control.enter("Items", {"ItemCode": "O'HARA & SONS", "ItemName": "A name to be quoted"})
    for item in ("O'HARA & SONS", "STOOL-OAK-45", "LANTERN-S", "CAMERA-X"):
        special = {"ItemCode": item, "CardCode": "C-SHOP", "DiscountPercent": 5, "PriceListNum": 1}
        scene.control.enter("SpecialPrices", special)
    goods = {"ItemCode": "STOOL-OAK-45", "Quantity": 1, "UnitPrice": 1, "WarehouseCode": "01"}
    header = {"CardCode": "C-AMZ-US", "DocDueDate": "2026-11-30", "BPL_IDAssignedToInvoice": 1}
    order = scene.control.plant_document("Orders", {**header, "DocumentLines": [goods]})
    based = {"BaseType": 17, "BaseEntry": order, "BaseLine": 0}
    delivery = scene.control.plant_document("DeliveryNotes", {**header, "DocumentLines": [based]})
    scene.control.cancel_document("DeliveryNotes", delivery)


async def _last(pages: AsyncIterator[Page[Any]]) -> str:
    return [page.mark async for page in pages][-1]


@pytest.fixture(scope="module", params=["v2", "v1"])
def life(request: pytest.FixtureRequest) -> tuple[str, list[httpx2.Request]]:
    """One version, and everything that was asked on it."""
    return request.param, heard(request.param)


@pytest.fixture(scope="module")
def spoken(life: tuple[str, list[httpx2.Request]]) -> tuple[Metadata, list[tuple[str, dict[str, list[str]]]]]:
    """The metadata of one version, and every query of a set: its name and its options."""
    version, requests = life
    asked = []
    for each in requests:
        where = urlsplit(str(each.url))
        resource = unquote(where.path).partition(f"/b1s/{version}/")[2]
        if each.method == "GET" and where.query and not resource.endswith("/List"):
            asked.append((resource.partition("(")[0], parse_qs(where.query, strict_parsing=True)))
    return Metadata(FOLDER / FILES[version]), asked


def properties(metadata: Metadata, entity_set: str) -> dict[str, str]:
    """The properties of a set's type; those that users made are text."""
    if entity_set.startswith("U_"):
        return {"Code": "Edm.String", "Name": "Edm.String"}
    kind = metadata.sets[entity_set]
    mine = {"U_ML_KEY": "Edm.String"} if kind in metadata.open else {}
    return {**metadata.types[kind], **mine}


def test_only_known_properties_are_asked_for_and_ordered_by(
    spoken: tuple[Metadata, list[tuple[str, dict[str, list[str]]]]],
) -> None:
    metadata, asked = spoken
    for entity_set, options in asked:
        known = properties(metadata, entity_set)
        assert options.keys() <= {"$select", "$filter", "$orderby", "$top"}, (
            "no other option is sent, $skip least of all"
        )
        for name in ",".join(options.get("$select", [])).split(","):
            assert name in known, f"{entity_set}.{name}"
        for part in ",".join(options.get("$orderby", [])).split(",") if "$orderby" in options else []:
            name, _, direction = part.partition(" ")
            assert name in known and direction in ("", "desc"), f"{entity_set}: {part}"

    assert {name for name, _ in asked} >= {
        *(
            "JournalEntries",
            "U_ML_LINK",
            "ChartOfAccounts",
            "Currencies",
            "BusinessPlaces",
            "VatGroups",
            "SalesTaxCodes",
        ),
        *("Warehouses", "Dimensions", "DistributionRules", "Projects", "Items", "PriceLists", "SpecialPrices"),
        *("DeliveryNotes", "Orders", "BusinessPartners", "SQLQueries"),
    }


def test_every_filter_is_understood_by_another_parser_and_compares_like_with_like(
    spoken: tuple[Metadata, list[tuple[str, dict[str, list[str]]]]],
) -> None:
    metadata, asked = spoken
    filters = {(entity_set, text) for entity_set, options in asked for text in options.get("$filter", [])}
    assert {name for name, _ in filters} >= {"JournalEntries", "Items", "DeliveryNotes", "SpecialPrices", "Orders"}
    for entity_set, text in sorted(filters):
        known = properties(metadata, entity_set)
        compared = list(comparisons(parsed(text)))
        assert compared, text
        for name, literal in compared:
            assert name in known, f"{entity_set}.{name}: {text}"
            check_literal(metadata, known[name], literal, f"{entity_set}: {text}")


def parsed(text: str) -> Any:
    """The tree of a filter. Raises the parser's own error."""
    grammar = importlib.import_module("odata_query.grammar")
    return grammar.ODataParser().parse(grammar.ODataLexer().tokenize(text))


def comparisons(node: Any) -> Iterator[tuple[str, Any]]:
    """The property and the literal of every comparison and every call in a filter."""
    match type(node).__name__:
        case "BoolOp":
            yield from comparisons(node.left)
            yield from comparisons(node.right)
        case "UnaryOp":
            yield from comparisons(node.operand)
        case "Compare":
            yield node.left.name, node.right
        case "Call":
            assert node.func.name in FUNCTIONS
            yield node.args[0].name, node.args[1]
        case other:
            raise AssertionError(f"a filter holds {other}")


def check_literal(metadata: Metadata, kind: str, literal: Any, where: str) -> None:
    """The literal is of the property's type."""
    written = type(literal).__name__
    if kind == "Edm.Int32":
        assert written == "Integer", where
    elif kind.removeprefix("SAPB1.") in metadata.enums:
        assert written == "String" and literal.val in metadata.enums[kind.removeprefix("SAPB1.")], where
    else:
        assert written == "String" and re.fullmatch(TEXTS[kind], literal.val), where


def test_every_operation_is_called_as_the_server_declares_it(life: tuple[str, list[httpx2.Request]]) -> None:
    version, requests = life
    metadata = Metadata(FOLDER / FILES["v2"])  # v1 calls the same operations, all of them by POST
    called = set()
    for each in requests:
        name = urlsplit(str(each.url)).path.partition(f"/b1s/{version}/")[2]
        if name not in metadata.operations:
            continue
        called.add(name)
        kind, parameters = metadata.operations[name]
        assert each.method == ("GET" if version == "v2" and kind == "Function" else "POST"), name
        for parameter, value in json.loads(each.content or b"{}", parse_float=Decimal).items():
            metadata.check_value(parameters[parameter], value, f"{name}.{parameter}")

    assert called >= {"Login", "CompanyService_GetAdminInfo", "CompanyService_GetFinancePeriods"}
    assert "CompanyService_GetItemPrice" in called


@pytest.mark.parametrize(("query", "member"), [(STOCK, "ItemWarehouseInfo"), (PRICES, "ItemPrice")])
def test_stored_queries_name_columns_by_the_vendors_own_dictionary(query: StoredQuery, member: str) -> None:
    # the earlier metadata of SAP's own SDK gives the database column of each property
    columns: dict[str, set[str]] = {}
    for kind in ET.parse(FOLDER / "service-layer-v1-odata3-sap-sdk-2021.trimmed.edmx").getroot().iter():
        if kind.get("Name") in ("Item", member):
            columns[str(kind.get("Name"))] = {str(each.get("Alias") or each.get("Name")) for each in kind}
    used = set(re.findall(r"\b(T[01])\.(\w+)", query.text))

    assert {name for table, name in used if table == "T0"} <= columns["Item"]
    assert {name for table, name in used if table == "T1"} <= columns[member] | {"ItemCode"}, "the key of its item"


def test_the_check_sees_a_wrong_name_and_a_wrong_literal() -> None:
    metadata = Metadata(FOLDER / FILES["v2"])
    known = properties(metadata, "Items")

    assert [name for name, _ in comparisons(parsed("ItmCode eq 'A' or Valid eq 'tYES'")) if name not in known] == [
        "ItmCode"
    ]
    for wrong in ("UpdateDate ge '20.11.2026'", "Valid eq 'YES'", "UpdateTime ge 1312", "ItemCode eq 5"):
        ((name, literal),) = comparisons(parsed(wrong))
        with pytest.raises(AssertionError):
            check_literal(metadata, known[name], literal, wrong)
