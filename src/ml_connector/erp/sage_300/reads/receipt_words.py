"""The words for an ordinary receipt and for cash on account, read from batches that people made (Sage dossier, section 12).

Nobody wrote them down, so they are learnt: an ordinary receipt is one whose customer amount is applied to posted documents and
that is no prepayment and no application of an earlier receipt; cash on account is one that is applied to nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ml_connector.erp.sage_300.client import WebApi
from ml_connector.erp.sage_300.odata import equal, path, rows_of
from ml_connector.erp.sage_300.values import list_of, number, text

#: Verified words, which are neither of the two.
_OTHERS: Final = frozenset({"", "Prepayment", "ApplyDocument"})
#: Batches to look through, newest last: as many as a page holds.
_LOOKED_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Words:
    """``ReceiptTransactionType`` of each kind; "" where none was found."""

    receipt: str
    unapplied: str


async def read(api: WebApi) -> Words:
    """The words that the first batches of receipts use."""
    where = path(
        "AR/ARReceiptAndAdjustmentBatches",
        filter=equal("BatchRecordType", "CA"),
        select="BatchNumber,ReceiptsAdjustments",
        top=str(_LOOKED_MAX),
    )
    receipt = unapplied = ""
    for batch in rows_of(await api.get("read batches of receipts", where)):
        for entry in list_of(batch, "ReceiptsAdjustments"):
            word = text(entry.get("ReceiptTransactionType"))
            if word in _OTHERS:
                continue
            if _applies(entry):
                receipt = receipt or word
            else:
                unapplied = unapplied or word
    return Words(receipt, unapplied if unapplied != receipt else "")


def _applies(entry: Mapping[str, Any]) -> bool:
    rows = list_of(entry, "AppliedReceiptsAdjustments")
    return any(text(row.get("DocumentNumber")) and number(row.get("CustomerReceiptAmount")) for row in rows)
