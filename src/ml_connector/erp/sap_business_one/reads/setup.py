"""Tax codes, warehouses and dimensions of a company (SAP dossier, section 6.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from ml_connector.domain.catalog import Dimension, TaxCode, Warehouse
from ml_connector.domain.errors import RefusedByServer
from ml_connector.erp.sap_business_one.client import ServiceLayer
from ml_connector.erp.sap_business_one.values import code, day_of, inside, number, rows_in, words, yes

#: The field of a line that each of Business One's five dimensions goes into, by the dimension's number.
_COSTING: Final = {1: "CostingCode", 2: "CostingCode2", 3: "CostingCode3", 4: "CostingCode4", 5: "CostingCode5"}
_OUTPUT_TAX: Final = frozenset({"bovcOutputTax", "O"})


async def tax_codes(layer: ServiceLayer, today: date) -> tuple[TaxCode, ...]:
    """What sales documents may bear: groups of output tax with the rate of the day, and sales tax codes.

    A company works with one of the two, and a server of another localization may not have the other at all.
    """
    groups = await _rows(
        layer, "read tax groups", "VatGroups", "Code", ("Name", "Category", "Inactive", "VatGroups_Lines")
    )
    codes = await _rows(
        layer, "read sales tax codes", "SalesTaxCodes", "Code", ("Name", "Rate", "ValidForAR", "Inactive")
    )
    return (
        *(
            TaxCode(
                code(row, "Code"), words(row.get("Name")), _rate_on(row, today), active=not yes(row.get("Inactive"))
            )
            for row in groups
            if row.get("Category") in _OUTPUT_TAX
        ),
        *(
            TaxCode(code(row, "Code"), words(row.get("Name")), number(row, "Rate"), active=not yes(row.get("Inactive")))
            for row in codes
            if yes(row.get("ValidForAR"))
        ),
    )


async def warehouses(layer: ServiceLayer) -> tuple[Warehouse, ...]:
    """Warehouses in use, the seller's own and those that stand for Amazon's alike: which is which is mapped by the seller."""
    fields = ("WarehouseCode", "WarehouseName", "Inactive", "BusinessPlaceID")
    rows = await layer.rows("read warehouses", "Warehouses", key="WarehouseCode", select=fields)
    return tuple(
        Warehouse(code(row, "WarehouseCode"), words(row.get("WarehouseName")), words(row.get("BusinessPlaceID")))
        for row in rows
        if not yes(row.get("Inactive"))
    )


async def dimensions(layer: ServiceLayer, today: date) -> tuple[Dimension, ...]:
    """Distribution rules by dimension, and projects. Each under the field of a line that it goes into."""
    named = await _rows(
        layer,
        "read dimensions",
        "Dimensions",
        "DimensionCode",
        ("DimensionName", "DimensionDescription", "IsActive"),
    )
    labels = {row.get("DimensionCode"): row for row in named}
    rules = await _rows(
        layer, "read distribution rules", "DistributionRules", "FactorCode", ("InWhichDimension", "Active")
    )
    found = [
        Dimension(field, _label(labels.get(place, {}), place), values)
        for place, field in _COSTING.items()
        if (values := _codes(rules, place)) and yes(labels.get(place, {"IsActive": "tYES"}).get("IsActive"))
    ]
    fields = ("Name", "Active", "ValidFrom", "ValidTo")
    projects = await _rows(layer, "read projects", "Projects", "Code", fields)
    live = [
        code(row, "Code")
        for row in projects
        if yes(row.get("Active")) and inside(row.get("ValidFrom"), row.get("ValidTo"), today)
    ]
    return (*found, Dimension("ProjectCode", "Project", tuple(live))) if live else tuple(found)


def _codes(rules: Sequence[Mapping[str, Any]], place: int) -> tuple[str, ...]:
    return tuple(
        code(rule, "FactorCode") for rule in rules if rule.get("InWhichDimension") == place and yes(rule.get("Active"))
    )


def _label(row: Mapping[str, Any], place: int) -> str:
    return words(row.get("DimensionDescription")) or words(row.get("DimensionName")) or f"Dimension {place}"


def _rate_on(row: Mapping[str, Any], day: date) -> Decimal | None:
    """The rate of a tax group in percent on ``day``: that of the newest line in force; None where there is none yet."""
    rates = [
        (day_of(line.get("Effectivefrom")), number(line, "Rate"))
        for line in rows_in(row, "VatGroups_Lines")
        if line.get("Effectivefrom")
    ]
    return max(((since, rate) for since, rate in rates if since <= day), default=(day, None))[1]


async def _rows(
    layer: ServiceLayer, what: str, entity_set: str, key: str, fields: Sequence[str]
) -> list[dict[str, Any]]:
    """Rows of a set that not every localization has: where the server does not know it, there are none."""
    try:
        return await layer.rows(what, entity_set, key=key, select=(key, *fields))
    except RefusedByServer:
        return []
