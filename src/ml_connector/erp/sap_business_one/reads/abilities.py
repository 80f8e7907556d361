"""What a company can do with documents, found out by asking, and what ``connection prepare`` adds to it (SAP dossier 6.7, 8.5).

A field or a right that is not there answers 400 or 403. Nothing is taken for granted from one set to the next: that a field of
marketing documents reaches goods issues, or one of incoming payments the outgoing ones, is inferred.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from ml_connector.domain.documents import Kind
from ml_connector.domain.errors import NotPermitted, RefusedByServer
from ml_connector.erp.sap_business_one.client import ServiceLayer
from ml_connector.erp.sap_business_one.company import Trade
from ml_connector.erp.sap_business_one.config import Config
from ml_connector.erp.sap_business_one.documents.common import (
    CLAIM_SET,
    CLAIM_TABLE,
    KEY_FIELD,
    REFERENCE_MAX,
    whole_number,
)
from ml_connector.erp.sap_business_one.documents.places import JOURNALS, PLACES, Place
from ml_connector.erp.sap_business_one.errors import parse_error
from ml_connector.erp.sap_business_one.odata import encode, path

_SETS: Final = tuple(
    dict.fromkeys(name for place in PLACES.values() if place.set != JOURNALS for name in (place.set, place.drafts))
)
_TABLE: Final = {"TableName": CLAIM_TABLE, "TableDescription": "ml-connector keys", "TableType": "bott_NoObject"}
#: Where the key field is created, one after the other: a field of one marketing document is one of all (dossier 6.7).
_HOLDERS: Final = (
    (PLACES[Kind.INVOICE], "marketing documents"),
    (PLACES[Kind.RECEIPT], "incoming payments"),
    (PLACES[Kind.REFUND_PAYMENT], "outgoing payments"),
    (PLACES[Kind.INVENTORY_ISSUE], "goods issues"),
)
#: Where a company does not say how many documents one payment settles.
_APPLICATIONS_MAX: Final = 1000


async def trade(layer: ServiceLayer, config: Config, admin: Mapping[str, Any], company: Mapping[str, Any]) -> Trade:
    """What can be done with documents that are no journal entries, from the company's settings and by trying."""
    probed = await asyncio.gather(*(_probe(layer, name) for name in _SETS))
    applications = whole_number(company.get("MaxNumberOfDocumentsInPmt"))
    decimals = whole_number(admin.get("PriceAccuracy"))
    return Trade(
        readable=frozenset(name for name, (readable, _) in zip(_SETS, probed, strict=True) if readable),
        key_fields=frozenset(name for name, (_, key_field) in zip(_SETS, probed, strict=True) if key_field),
        drafts=config.drafts,
        credit_note_sign=config.credit_note_sign,
        foreign_payments=config.foreign_payments,
        applications_max=applications or _APPLICATIONS_MAX,
        price_decimals=2 if decimals is None else min(max(decimals, 0), 6),
        vat_groups=await _vat_groups(layer),
    )


async def _probe(layer: ServiceLayer, name: str) -> tuple[bool, bool]:
    """Whether a set can be read, and whether its rows have U_ML_KEY."""
    try:
        await layer.get(f"read {name}", path(name, select=f"DocEntry,{KEY_FIELD}", top="1"))
    except NotPermitted:
        return False, False
    except RefusedByServer:
        return await _answers(layer, name), False
    return True, True


async def _answers(layer: ServiceLayer, name: str) -> bool:
    try:
        await layer.get(f"read {name}", path(name, select="DocEntry", top="1"))
    except (NotPermitted, RefusedByServer):
        return False
    return True


async def _vat_groups(layer: ServiceLayer) -> frozenset[str]:
    """Codes that go into VatGroup; every other tax code goes into TaxCode. A company has the one or the other."""
    try:
        rows = await layer.rows("read VAT groups", "VatGroups", key="Code", select=("Code",))
    except (NotPermitted, RefusedByServer):
        return frozenset()
    return frozenset(str(row["Code"]) for row in rows)


# --- preparing -----------------------------------------------------------------------------------------------------------


async def create_claim_table(layer: ServiceLayer) -> str:
    """Create the table of claims; what came of it, as a sentence."""
    return await _create(layer, f"The table {CLAIM_SET}", "UserTablesMD", _TABLE)


async def create_journal_field(layer: ServiceLayer) -> str:
    """Create the key field on journal entries; what came of it, as a sentence."""
    return await _create_field(layer, PLACES[Kind.JOURNAL_ENTRY], "journal entries")


async def create_key_fields(layer: ServiceLayer) -> list[str]:
    """Create the key field wherever documents lack it; what came of it, as sentences."""
    said: list[str] = []
    for place, what in _HOLDERS:
        readable, key_field = await _probe(layer, place.set)
        if key_field:
            said.append(f"The field {KEY_FIELD} on {what} is there.")
        elif readable:
            said.append(await _create_field(layer, place, what))
    return said


async def _create_field(layer: ServiceLayer, place: Place, what: str) -> str:
    body = {
        "TableName": place.table,
        "Name": KEY_FIELD.removeprefix("U_"),
        "Type": "db_Alpha",
        "SubType": "st_None",
        "Size": REFERENCE_MAX,
        "EditSize": REFERENCE_MAX,
        "Description": "ml-connector key",
        "Mandatory": "tNO",
    }
    return await _create(layer, f"The field {KEY_FIELD} on {what}", "UserFieldsMD", body)


async def _create(layer: ServiceLayer, what: str, entity_set: str, body: Mapping[str, Any]) -> str:
    """Create a table or a field; a second creation is refused as a duplicate, so this is safe to repeat."""
    answer = await layer.read("POST", f"/{entity_set}", content=encode(body), attempts=1)
    if answer.ok:
        return f"{what} was created."
    error = parse_error(answer.status, answer.body)
    if error is not None and error.duplicate:
        return f"{what} exists, but the Service Layer does not show it: ask the SAP administrator to restart it."
    words = error.words if error is not None else f"HTTP {answer.status}"
    return f"{what} could not be created: {words}. Ask the SAP administrator (a superuser) to create it."
