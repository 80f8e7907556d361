"""Posted documents of receivables: where invoices and credit notes of every origin end (Sage dossier, section 11.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ml_connector.erp.sage_300.client import WebApi
from ml_connector.erp.sage_300.documents.receivables import POSTED_FIELDS
from ml_connector.erp.sage_300.odata import any_of, equal, fitting
from ml_connector.erp.sage_300.routes.batch_way import address
from ml_connector.erp.sage_300.values import text

_RESOURCE: Final = "AR/ARPostedDocuments"
_KEY: Final = ("CustomerNumber", "DocumentNumber")

#: By customer and number, which are unique together across all kinds.
Posted = Mapping[tuple[str, str], Mapping[str, Any]]


def posted_key(row: Mapping[str, Any]) -> tuple[str, str]:
    """Customer and number of a posted document, or of an entry."""
    return text(row.get("CustomerNumber")), text(row.get("DocumentNumber"))


def numbered(customer: str, number: str) -> str:
    """The filter that finds one posted document."""
    return f"{equal('CustomerNumber', customer)} and {equal('DocumentNumber', number)}"


async def posted_documents(api: WebApi, terms: Sequence[str]) -> Posted:
    """The posted documents that fit any of ``terms``."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for some in fitting(list(dict.fromkeys(terms)), lambda some: address(_RESOURCE, POSTED_FIELDS, any_of(some))):
        rows = await api.rows(
            "read posted documents", _RESOURCE, key=_KEY, select=POSTED_FIELDS, condition=any_of(some)
        )
        found |= {posted_key(row): row for row in rows}
    return found
