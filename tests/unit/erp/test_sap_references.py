"""What a plan is checked against, read from a Business One company; and what a ping tells of it."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.domain.catalog import Dimension, References, TaxCode, Warehouse
from ml_connector.domain.documents import Kind
from ml_connector.domain.errors import NotPermitted
from tests.support.sap_scene import SPOKEN, Scene, play

pytestmark = pytest.mark.usefixtures("both_versions")


def references(**switches: object) -> References:
    async def act(scene: Scene) -> References:
        return await scene.target.references()

    return play(act, switches=switches)


@pytest.mark.parametrize(
    ("status", "takes"),
    [
        ("ltUnlocked", {Kind.JOURNAL_ENTRY, Kind.INVOICE, Kind.CREDIT_MEMO, Kind.RECEIPT}),
        ("ltUnlockedExceptSales", {Kind.JOURNAL_ENTRY, Kind.RECEIPT}),
        ("ltPeriodClosing", set()),
        ("ltLocked", set()),
    ],
)
def test_the_status_of_a_period_says_which_documents_it_takes(status: str, takes: set[Kind]) -> None:
    async def act(scene: Scene) -> set[Kind]:
        scene.control.set_period("2026-10-15", status)
        found = await scene.target.references()
        (october,) = [period for period in found.periods if period.first_day == date(2026, 10, 1)]
        asked = (Kind.JOURNAL_ENTRY, Kind.INVOICE, Kind.CREDIT_MEMO, Kind.RECEIPT)
        return {kind for kind in asked if october.takes(kind)}

    assert play(act) == takes


def test_tax_codes_of_sales_have_the_rate_of_the_day() -> None:
    found = references()

    assert found.tax_codes == (
        TaxCode("O0", "Output tax 0 %", Decimal(0), active=True),
        TaxCode("O1", "Output tax 19 %", Decimal(19), active=True),
        TaxCode("O2", "Output tax 7 %", Decimal(7), active=True),
        TaxCode("OU", "Output tax UK 20 %", Decimal(20), active=True),
        TaxCode("OX", "Output tax, old", Decimal(16), active=False),
        TaxCode("CA7", "California", Decimal("7.25"), active=True),
        TaxCode("EX", "Exempt", Decimal(0), active=True),
        TaxCode("NY4", "New York, old", Decimal(4), active=False),
        TaxCode("TX8", "Texas", Decimal("8.25"), active=True),
    )


def test_warehouses_in_use_name_their_branch_where_there_are_branches() -> None:
    assert references().warehouses[0] == Warehouse("01", "Main warehouse")
    places = {place.code: place.branch for place in references(enable_branches=True).warehouses}
    assert places == {
        "01": "1",
        "DROP": "1",
        "FBA-CA": "1",
        "FBA-EU": "2",
        "FBA-JP": "1",
        "FBA-UK": "2",
        "FBA-US": "1",
    }, "the closed warehouse is none"


def test_dimensions_are_named_as_in_the_company_and_by_the_field_of_a_line() -> None:
    assert references().dimensions == (
        Dimension("CostingCode", "Channel", ("AMZ", "AMZ-EU", "AMZ-US")),
        Dimension("ProjectCode", "Project", ("AMAZON",)),
    )


@pytest.mark.parametrize(
    ("entity_set", "words"),
    [
        ("Warehouses", "read warehouses"),
        ("VatGroups", "read tax groups"),
        ("SalesTaxCodes", "read sales tax codes"),
        ("Dimensions", "read dimensions"),
        ("DistributionRules", "read distribution rules"),
        ("Projects", "read projects"),
    ],
)
def test_a_missing_right_to_reference_data_is_named_by_the_read_and_by_a_ping(entity_set: str, words: str) -> None:
    async def act(scene: Scene) -> tuple[str, str]:
        scene.control.forbid(entity_set)
        with pytest.raises(NotPermitted) as refused:
            await scene.target.references()
        return str(refused.value), dict((await scene.target.ping()).details)["missing rights"]

    said, listed = play(act)

    assert f"no right to {words}" in said
    assert listed == words


def test_a_ping_says_in_words_what_the_company_can_do() -> None:
    async def act(scene: Scene) -> tuple[str, str, dict[str, str], Any]:
        identity = await scene.target.ping()
        return identity.name, identity.version, dict(identity.details), scene.target.capabilities()

    name, version, details, able = play(
        act, switches={"enable_branches": True, "approval_procedure": "draft_201", "storno_sign": "negative"}
    )

    assert (name, version) == ("Sandbox Trading Inc.", "10.00.280")
    assert (
        details["protocol"]
        == {
            "v1": "Service Layer v1 (OData 3)",
            "v2": "Service Layer v2 (OData 4)",
        }[SPOKEN.get()]
    )
    assert (details["branches"], details["reversals"]) == ("1, 2", "negative amounts")
    assert "draft that waits for a person" in details["approval"]
    assert details["missing rights"] == "none"
    assert details["stock and prices"] == "through the stored queries ML_STOCK and ML_PRICES"
    assert dict(able.features).items() <= details.items()
    assert able.stock_is.startswith("In stock less committed")
