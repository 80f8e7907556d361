"""Everything that is sent to Amazon is something Amazon's own models know, and what they say comes in as ours."""

from __future__ import annotations

import asyncio
import csv
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import jsonschema
import msgspec
import pytest

from ml_connector.amazon import limits
from ml_connector.amazon.catalog import Catalog
from ml_connector.amazon.documents import ReportDocument
from ml_connector.amazon.errors import blames_token, classify, errors_in
from ml_connector.amazon.event_groups import EventGroups
from ml_connector.amazon.finances import Finances, PostedWindow, RelatedTo
from ml_connector.amazon.limits import OPERATIONS, Operation
from ml_connector.amazon.orders import By, Orders, OrderWindow
from ml_connector.amazon.payouts import Payouts
from ml_connector.amazon.report_schedules import ReportSchedules
from ml_connector.amazon.reports import ReportInfo, ReportPage
from ml_connector.amazon.sellers import Sellers
from ml_connector.domain.errors import NotPermitted, RateLimited, RefusedByServer, Unavailable
from ml_connector.transport.http import Answer
from tests.support.amazon import Rig, answer, rig
from tests.support.amazon_swagger import amazon_contracts
from tests.support.orders import written

pytestmark = pytest.mark.contract

SINCE = datetime(2026, 11, 1, tzinfo=UTC)
MODELS = (
    "reports_2021-06-30.json",
    "sellers.json",
    "orders_2026-01-01.json",
    "finances_2024-06-19.json",
    "financesV0.json",
    "transfers_2024-06-01.json",
    "catalogItems_2022-04-01.json",
)
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture
def contracts() -> Path:
    return amazon_contracts()


@pytest.fixture
def models(contracts: Path) -> list[dict[str, Any]]:
    return [json.loads((contracts / "swagger" / name).read_text("utf-8")) for name in MODELS]


def operations(models: list[dict[str, Any]]) -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    """(method, path template, operation, its model)."""
    for model in models:
        for path, methods in model["paths"].items():
            for method, operation in methods.items():
                if method != "parameters":
                    yield method.upper(), path, operation, model


# --- requests ----------------------------------------------------------------------------------------------------------


def every_request() -> list[httpx2.Request]:
    """Whatever the client can be made to send, recorded."""
    report = {"reportId": "1", "reportType": "T", "processingStatus": "DONE", "createdTime": "2026-11-10T00:00:00Z"}

    def api(request: httpx2.Request) -> httpx2.Response:
        match request.method, request.url.raw_path.decode().partition("?")[0].split("/")[3:]:
            case "POST", _:
                return answer({"reportId": "1", "reportScheduleId": "1"}, 202)
            case "DELETE", _:
                return httpx2.Response(200)
            case _, ["schedules"]:
                return answer({"reportSchedules": []})
            case _, ["orders", *_] if request.url.path.startswith("/orders/"):
                return orders_answer(request)
            case _, _ if request.url.path.startswith("/finances/"):
                return finances_answer(request)
            case _, ["items", *one]:
                more = {} if b"pageToken" in request.url.query else {"pagination": {"nextToken": "a+b/="}}
                return answer({"asin": "B1"} if one else {"items": [], **more})
            case _, ["marketplaceParticipations"]:
                return answer({"payload": []})
            case _, ["reports", report_id]:
                return answer(
                    {**report, "reportId": report_id, "processingStatus": "CANCELLED" if report_id == "2" else "DONE"}
                )
            case _, ["documents", _]:
                return answer({"reportDocumentId": "d", "url": "https://documents.example/d"})
            case _:
                return answer(
                    {"reports": [report], **({} if b"nextToken" in request.url.query else {"nextToken": "a+b/="})}
                )

    r = rig(api)

    async def story() -> None:
        await every_order_request(Orders(r.client))
        await every_finances_request(r)
        await every_schedule_request(ReportSchedules(r.client))
        await Catalog(r.client).by_barcode("ATVPDKIKX0DER", "EAN", ["4000000000001", "4000000000002"])
        await Catalog(r.client).by_sku("ATVPDKIKX0DER", "A1SELLER", "MUG 1/ü,2")
        await Catalog(r.client).by_asin("ATVPDKIKX0DER", "B0TEST0001")
        await Sellers(r.client, r.clock).participations()
        await r.reports.discover_settlements(SINCE)
        await r.documents.address("amzn1.spdoc.1.4.na.0-1.T/1 x")
        await r.reports.wait_for("1")
        await r.reports.wait_for("2")  # which was cancelled: others are asked for
        await r.reports.create_report("GET_MERCHANT_LISTINGS_ALL_DATA", ["ATVPDKIKX0DER"])
        await r.reports.create_report(
            "GET_MERCHANT_LISTINGS_ALL_DATA",
            ["ATVPDKIKX0DER", "A1PA6795UKMFR9"],
            start=SINCE,
            end=SINCE,
            options={"k": "v"},
        )

    asyncio.run(story())
    return r.amazon.requests


def orders_answer(request: httpx2.Request) -> httpx2.Response:
    if request.url.path.endswith("/orders"):
        more = {} if b"paginationToken" in request.url.query else {"pagination": {"nextToken": "a+b/="}}
        echo = "lastUpdatedBefore" if b"lastUpdatedAfter" in request.url.query else "createdBefore"
        return answer({"orders": [], echo: "2026-11-10T00:00:00Z", **more})
    return answer({"order": written(request.url.path.rpartition("/")[2])})


async def every_order_request(orders: Orders) -> None:
    for window in (OrderWindow(SINCE), OrderWindow(SINCE, SINCE, By.CREATED)):
        async for _ in orders.search(
            window,
            ["ATVPDKIKX0DER", "A1PA6795UKMFR9"],
            statuses=["SHIPPED", "PARTIALLY_SHIPPED"],
            fulfilled_by=["MERCHANT"],
            buyers=window.by is By.CREATED,
        ):
            pass
    await orders.get("111-1000003-0000003")
    await orders.get("111-1000003-0000003", buyers=True)


def finances_answer(request: httpx2.Request) -> httpx2.Response:
    """An empty page, with a token unless one was sent. v0 and transactions have theirs in the payload."""
    token = {} if b"extToken" in request.url.query else {"nextToken": "a+b/=", "NextToken": "a+b/="}
    return answer({**token, "payload": token})


async def every_finances_request(r: Rig) -> None:
    finances, until = Finances(r.client, r.clock), datetime(2026, 11, 20, tzinfo=UTC)
    for wanted in (PostedWindow(SINCE), PostedWindow(SINCE, until), RelatedTo("ORDER_ID", "1")):
        async for _ in finances.transactions(wanted, marketplace_id="ATVPDKIKX0DER", status="DEFERRED"):
            pass
    await finances.balances(["A", "B"], kind="TOTAL", account_type="Standard Orders", as_of=until.date())
    await finances.balances()
    await finances.summary("90000000011")
    await EventGroups(r.client, r.clock).started(SINCE)
    await EventGroups(r.client, r.clock).started(SINCE, until)
    await Payouts(r.client).created(SINCE, until, marketplace_ids=["A", "B"])
    await Payouts(r.client).created(SINCE)


async def every_schedule_request(schedules: ReportSchedules) -> None:
    await schedules.create("GET_MERCHANT_LISTINGS_ALL_DATA", ["ATVPDKIKX0DER"], "PT8H", first=SINCE)
    await schedules.create("GET_MERCHANT_LISTINGS_ALL_DATA", ["ATVPDKIKX0DER"], "P1M")
    await schedules.of_types(["GET_MERCHANT_LISTINGS_ALL_DATA"])
    await schedules.cancel("1")


def check(request: httpx2.Request, models: list[dict[str, Any]]) -> str:
    """The operation a request is, after every part of it was found in the model; ValueError otherwise."""
    raw_path, _, raw_query = request.url.raw_path.decode("ascii").partition("?")
    for method, template, operation, model in operations(models):
        pattern = "[^/]+".join(re.escape(part) for part in re.split(r"\{\w+\}", template))
        if method == request.method and re.fullmatch(pattern, raw_path):
            check_query(raw_query, operation)
            check_body(request.content, operation, model)
            return str(operation["operationId"])
    raise ValueError(f"{request.method} {raw_path} is in no model")


def check_query(raw_query: str, operation: dict[str, Any]) -> None:
    declared = {p["name"]: p for p in operation.get("parameters", []) if p["in"] == "query"}
    pairs = [pair.split("=", 1) for pair in raw_query.split("&") if pair]
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names) or not set(names) <= set(declared):
        raise ValueError(f"{names} are not parameters of {operation['operationId']}")
    missing = {name for name, p in declared.items() if p.get("required")} - set(names)
    if missing:
        raise ValueError(f"{missing} are required by {operation['operationId']}")
    for name, text in pairs:
        check_value(declared[name], text)


def check_value(parameter: dict[str, Any], text: str) -> None:
    """One raw value: separators stand bare, everything else is percent-encoded."""
    if re.search(r"[^\w.~%,-]", text, re.ASCII):
        raise ValueError(f"{parameter['name']}={text} is not percent-encoded")
    values = [httpx2.QueryParams(f"v={part}")["v"] for part in text.split(",")]
    if parameter["type"] == "array":
        if not parameter.get("minItems", 0) <= len(values) <= parameter.get("maxItems", len(values)):
            raise ValueError(f"{parameter['name']} takes another number of values")
        allowed = parameter["items"].get("enum")
        if allowed and not set(values) <= set(allowed):
            raise ValueError(f"{parameter['name']} does not take {values}")
    elif parameter["type"] == "integer":
        if not parameter.get("minimum", 0) <= int(values[0]) <= parameter.get("maximum", 10**9):
            raise ValueError(f"{parameter['name']} is out of its range")
    elif parameter.get("format") == "date-time" and not DATE_TIME.fullmatch(values[0]):
        raise ValueError(f"{parameter['name']}={values[0]} is no UTC time with Z")


def check_body(content: bytes, operation: dict[str, Any], model: dict[str, Any]) -> None:
    body = next((p for p in operation.get("parameters", []) if p["in"] == "body"), None)
    if body is None:
        if content:
            raise ValueError(f"{operation['operationId']} takes no body")
        return
    schema = {**body["schema"], "definitions": strict(model["definitions"])}
    jsonschema.Draft4Validator(schema).validate(json.loads(content))


def strict(definitions: dict[str, Any]) -> dict[str, Any]:
    """The definitions, with members refused that they do not name: a misspelt member would pass otherwise."""
    return {
        name: {**schema, "additionalProperties": schema.get("additionalProperties", False)}
        if "properties" in schema
        else schema
        for name, schema in definitions.items()
    }


def test_every_request_is_one_that_the_models_know(models: list[dict[str, Any]]) -> None:
    sent = {check(request, models) for request in every_request()}

    assert sent == {operation.name for operation in OPERATIONS}


@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("GET", "/reports/2021-06-30/report", None),
        ("GET", "/reports/2021-06-30/reports?types=A", None),
        ("GET", "/reports/2021-06-30/reports?pageSize=101", None),
        ("GET", "/reports/2021-06-30/reports?processingStatuses=FINISHED", None),
        ("GET", "/reports/2021-06-30/reports?createdSince=2026-11-01T00%3A00%3A00%2B00%3A00", None),
        ("GET", "/reports/2021-06-30/reports?createdSince=2026-11-01T00:00:00Z", None),
        ("GET", "/reports/2021-06-30/schedules", None),
        ("DELETE", "/reports/2021-06-30/schedules", None),
        ("POST", "/reports/2021-06-30/reports", {"reportType": "T"}),
        ("POST", "/reports/2021-06-30/reports", {"reportType": "T", "marketplaceIds": ["A"], "marketplaces": []}),
    ],
)
def test_the_check_itself_refuses_what_the_models_do_not_know(
    models: list[dict[str, Any]], method: str, url: str, body: object
) -> None:
    request = httpx2.Request(method, f"https://h{url}", content=b"" if body is None else msgspec.json.encode(body))

    with pytest.raises((ValueError, jsonschema.ValidationError)):
        check(request, models)


def test_no_request_asks_for_buyers_unless_it_was_told_to() -> None:
    personal = [request for request in every_request() if b"BUYER" in request.url.query]

    assert len(personal) == 3  # the two pages and the one order for which ``buyers`` was said
    assert all(b"RECIPIENT" in request.url.query for request in personal)


# --- operations and their limits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_an_operation_is_where_the_model_has_it(models: list[dict[str, Any]], operation: Operation) -> None:
    known = {(found["operationId"], method, path) for method, path, found, _ in operations(models)}

    assert (operation.name, operation.method, operation.path) in known


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_a_limit_is_the_slower_one_of_amazons_two(contracts: Path, operation: Operation) -> None:
    with (contracts / "tables" / "rate_limits.csv").open(encoding="utf-8") as table:
        documented = next(
            (float(row["rate_per_s"]), int(row["burst"]))
            for row in csv.DictReader(table)
            if (row["operation"], row["path"]) == (operation.name, operation.path)
        )
    library = sdk_limit(contracts, operation.name) or documented

    assert operation.rate_per_s == min(documented[0], library[0])
    assert operation.burst == min(documented[1], library[1])


def sdk_limit(contracts: Path, name: str) -> tuple[float, int] | None:
    """(rate a second, burst) of Amazon's library; None for the operations that it has no limit for."""
    text = (contracts / "sdk" / "rate-limits.yml").read_text("utf-8")
    found = re.search(rf"^(?!OrdersV0)\w+Api-{name}:\n((?:\s+- [\d.]+.*\n)+)", text, re.MULTILINE)
    if found is None:
        return None
    numbers = [float(number) for number in re.findall(r"- ([\d.]+)", found[1])]
    return numbers[0] / (numbers[2] if len(numbers) > 2 else 1.0), int(numbers[1])


# --- answers -----------------------------------------------------------------------------------------------------------


def example(contracts: Path, name: str) -> bytes:
    return (contracts / "composed-examples" / f"{name}.json").read_bytes()


def test_a_listing_of_settlements_comes_in_as_ours(contracts: Path) -> None:
    page = msgspec.json.decode(example(contracts, "reports_list_settlements"), type=ReportPage)

    assert [report.report_id for report in page.reports] == ["500001020751", "500002020751"]
    assert page.next_token == "VGhpcyB0b2tlbiBpcyBvcGFxdWU="
    assert page.reports[0].created_time == datetime(2026, 10, 27, 2, 11, 31, tzinfo=UTC)


@pytest.mark.parametrize(("name", "status"), [("report_done_settlement", "DONE"), ("report_in_queue", "IN_QUEUE")])
def test_a_report_comes_in_as_ours(contracts: Path, name: str, status: str) -> None:
    assert msgspec.json.decode(example(contracts, name), type=ReportInfo).processing_status == status


@pytest.mark.parametrize(("name", "packed"), [("report_document_gzip", "GZIP"), ("report_document_plain", None)])
def test_a_document_comes_in_as_ours(contracts: Path, name: str, packed: str | None) -> None:
    document = msgspec.json.decode(example(contracts, name), type=ReportDocument)

    assert document.compression_algorithm == packed
    assert "Signature" not in repr(document)


def test_the_stores_of_an_account_come_in_as_ours(contracts: Path) -> None:
    body = example(contracts, "sellers_participations")
    r = rig(lambda _request: httpx2.Response(200, content=body))

    [store] = asyncio.run(Sellers(r.client, r.clock).participations())

    assert (store.marketplace_id, store.currency, store.participating, store.pseudo) == (
        "ATVPDKIKX0DER",
        "USD",
        True,
        False,
    )


@pytest.mark.parametrize("name", ["lwa_token_200", "lwa_token_grantless_200"])
def test_a_token_comes_in_as_ours(contracts: Path, name: str) -> None:
    body = example(contracts, name)
    r = rig(lambda _request: answer({}), login_answer=lambda _n: httpx2.Response(200, content=body))

    assert asyncio.run(r.login.access_token()).value == json.loads(body)["access_token"]


@pytest.mark.parametrize(
    ("name", "status", "kind", "token"),
    [
        ("error_400_invalid_input", 400, RefusedByServer, False),
        ("error_create_settlement_report_400", 400, RefusedByServer, False),
        ("error_403_role_missing", 403, NotPermitted, False),
        ("error_403_token_expired", 403, None, True),
        ("error_403_token_malformed", 403, None, True),
        ("error_429", 429, RateLimited, False),
        ("error_500", 500, Unavailable, False),
    ],
)
def test_each_refusal_is_understood(contracts: Path, name: str, status: int, kind: type | None, token: bool) -> None:
    body = example(contracts, name)

    assert len(errors_in(body)) == 1
    assert blames_token(status, body) is token
    if kind is not None:
        assert type(classify(Answer(status, {}, body), limits.GET_REPORTS)) is kind
