"""What a user may read and what a company has switched on, in words for people (SAP dossier, sections 3.2, 3.6 and 7)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from ml_connector.domain.errors import NotPermitted, RefusedByServer
from ml_connector.erp.sap_business_one.client import ServiceLayer
from ml_connector.erp.sap_business_one.odata import path
from ml_connector.erp.sap_business_one.values import yes

#: Everything that is read, with the field it is tried by and its name for people. Journal entries are tried apart: without
#: them nothing can be posted.
_READ: Final = (
    ("ChartOfAccounts", "Code", "chart of accounts"),
    ("Items", "ItemCode", "items"),
    ("PriceLists", "PriceListNo", "price lists"),
    ("SpecialPrices", "ItemCode", "special prices"),
    ("Warehouses", "WarehouseCode", "warehouses"),
    ("BusinessPartners", "CardCode", "business partners"),
    ("VatGroups", "Code", "tax groups"),
    ("SalesTaxCodes", "Code", "sales tax codes"),
    ("Dimensions", "DimensionCode", "dimensions"),
    ("DistributionRules", "FactorCode", "distribution rules"),
    ("Projects", "Code", "projects"),
    ("Orders", "DocEntry", "sales orders"),
    ("DeliveryNotes", "DocEntry", "deliveries"),
    ("Invoices", "DocEntry", "A/R invoices"),
    ("CreditNotes", "DocEntry", "A/R credit memos"),
    ("IncomingPayments", "DocEntry", "incoming payments"),
    ("Drafts", "DocEntry", "drafts"),
    ("PaymentDrafts", "DocEntry", "payment drafts"),
)

_VERSION: Final = re.compile(r"(\d{1,2})(\d{2})(\d{3})", re.ASCII)


async def missing(layer: ServiceLayer) -> list[str]:
    """What the user may not read. A set that this server does not have at all is no missing right."""
    found: list[str] = []
    for entity_set, field, name in _READ:
        try:
            await layer.get(f"read {name}", path(entity_set, select=field, top="1"))
        except NotPermitted:
            found.append(f"read {name}")
        except RefusedByServer:
            continue
    return found


def version_in_words(version: str) -> str:
    """``1000280`` is 10.00.280: major, minor, build (dossier 3.2); anything else is shown as it came."""
    found = _VERSION.fullmatch(version)
    return ".".join(found.groups()) if found else version


def settings_in_words(admin: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What the company's settings say about posting."""
    approval = (
        "procedures apply to what comes through interfaces: a document may become a draft that waits for a person"
        if yes(admin.get("EnableApprovalProcedureInDI"))
        else "no procedures for what comes through interfaces"
    )
    return (
        ("approval", approval),
        ("reversals", "negative amounts" if yes(admin.get("UseNegativeAmounts")) else "the other side"),
        ("negative stock", "refused" if yes(admin.get("BlockStockNegativeQuantity")) else "allowed"),
    )
