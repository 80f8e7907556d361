"""Whatever a stranger asks of the simulated Amazon, with the model in hand or without: the answer is one that the model declares."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml_connector.sandbox.amazon.gateway import ROUTES
from tests.support.amazon_swagger import Swagger, amazon_contracts
from tests.support.sandbox_amazon import V2, Seller

pytestmark = pytest.mark.contract

US, DE = "ATVPDKIKX0DER", "A1PA6795UKMFR9"
MODELS = (
    "sellers",
    "reports_2021-06-30",
    "orders_2026-01-01",
    "ordersV0",
    "finances_2024-06-19",
    "financesV0",
    "transfers_2024-06-01",
    "catalogItems_2022-04-01",
    "listingsItems_2021-08-01",
    "feeds_2021-06-30",
    "fbaInventory",
)
MEANT: Mapping[str, list[str]] = {
    "marketplaceIds": [US, DE, f"{US},{DE}"],
    "marketplaceId": [US, DE],
    "granularityId": [US],
    "reportTypes": [V2],
    "feedTypes": ["JSON_LISTINGS_FEED"],
    "createdAfter": ["2026-11-01T00:00:00Z", "2026-11-20T00:00:00+00:00"],
    "postedAfter": ["2026-11-01T00:00:00Z"],
    "identifiers": ["LANTERN-S", "B0GHLNT001"],
    "keywords": ["oak"],
    "sellerId": ["A0SOMEBODY"],
}
"""What a caller who means it says where the model gives no list of words."""
NEEDED: Mapping[str, tuple[str, ...]] = {
    "searchOrders": ("createdAfter",),
    "getReports": ("reportTypes",),
    "getReportSchedules": ("reportTypes",),
    "getFeeds": ("feedTypes",),
    "listTransactions": ("postedAfter",),
    "searchCatalogItems": ("keywords",),
}
"""What the model calls optional, and the operation cannot do without."""
STRANGE = ["", "0", "-1", "x", ",", "true", "٣", "é", "\x7f", "2026-11-01", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9" * 30]  # fmt: skip
PLACES = ["x", "LANTERN-S", 'THROW "SOFT" 130', "B0GHSTL045", "A/B", "..", "%2F", "é", "1" * 30]
TEXTS = st.sampled_from(["", "x", US, V2, "PRODUCT", "/attributes/item_name", "replace", "2026-11-01T00:00:00Z", "P1D"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 10**19) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["op", "path", "value", "sku"]), inner),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def models() -> dict[str, Swagger]:
    """The model of every operation that is served."""
    folder: Path = amazon_contracts()
    known = {each: swagger for swagger in (Swagger(folder, name) for name in MODELS) for each in swagger.operations()}
    return {operation: known[operation] for *_, operation in ROUTES}


@pytest.fixture(scope="module")
def seller() -> Seller:
    return Seller({"stores": ["US", "DE"], "settlements": 1, "orders_per_day": 1})


def words_of(parameter: Mapping[str, Any]) -> list[str]:
    """What a parameter may be: the model's words, or what is meant."""
    words = parameter.get("enum") or parameter.get("items", {}).get("enum") or MEANT.get(parameter["name"], ["2"])
    return [str(word) for word in words]


def body_of(parameter: Mapping[str, Any], model: Mapping[str, Any], data: st.DataObject) -> dict[str, Any]:
    """A body with the members that the model has, each filled in some way."""
    schema = model["definitions"][parameter["schema"]["$ref"].rpartition("/")[2]]
    chosen = data.draw(st.sets(st.sampled_from(sorted(schema["properties"]))))
    return {name: data.draw(VALUES) for name in sorted(chosen | set(schema.get("required", ())))}


def query_of(operation: str, model: Mapping[str, Any], data: st.DataObject) -> dict[str, str]:
    """What the operation needs, a few things that it takes, and now and then something strange."""
    parameters = [each for each in model["parameters"] if each.get("in") == "query"]
    needed = [each for each in parameters if each.get("required") or each["name"] in NEEDED.get(operation, ())]
    others = st.lists(st.sampled_from(parameters), max_size=2, unique_by=lambda each: each["name"])
    asked = {each["name"]: each for each in (*needed, *(data.draw(others) if parameters else ()))}
    query = {name: data.draw(st.sampled_from(words_of(each))) for name, each in asked.items()}
    if query and data.draw(st.integers(0, 3)) == 0:
        query[data.draw(st.sampled_from(sorted(query)))] = data.draw(st.sampled_from(STRANGE))
    return query


@pytest.mark.parametrize(("method", "pattern", "operation"), ROUTES)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_every_answer_to_a_stranger_is_declared_and_has_its_shape(
    models: dict[str, Swagger], seller: Seller, method: str, pattern: str, operation: str, data: st.DataObject
) -> None:
    swagger = models[operation]
    described, path, body = swagger.operation(operation), pattern, b""
    query = query_of(operation, described, data)
    for parameter in described["parameters"]:
        if parameter.get("in") == "body":
            body = json.dumps(body_of(parameter, swagger.model, data)).encode()
    while "(" in path:
        before, _, rest = path.partition("(")
        own = [seller.credentials["seller_id"]] * 20 if before.endswith("2021-08-01/items/") else []
        path = before + quote(data.draw(st.sampled_from([*own, *PLACES])), safe="") + rest.partition(")")[2]
    seller.clock.advance(200)
    seller.sign_in()
    answer = seller.call(method, path, headers={"content-type": "application/json"}, params=query, content=body)
    assert answer.status_code < 500
    assert answer.headers["x-amzn-requestid"]
    if answer.status_code != 403 or "403" in described["responses"]:
        swagger.check(operation, answer)
