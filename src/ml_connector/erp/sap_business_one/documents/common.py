"""What all kinds of documents have in common in Business One: our key and its claim, amounts, dates (SAP dossier,
sections 6, 8 and 11). Pure. What a kind writes and shows is in a room of its own: :mod:`journal_entries`,
:mod:`sales_documents`, :mod:`payments`, :mod:`inventory_issues`.
"""

from __future__ import annotations

import hashlib
import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from ml_connector.domain import keys, money
from ml_connector.domain.documents import Document, Kind
from ml_connector.domain.errors import BadAnswer
from ml_connector.domain.target import Ids
from ml_connector.erp.sap_business_one.company import Company
from ml_connector.erp.sap_business_one.values import words

KEY_FIELD: Final = "U_ML_KEY"
CLAIM_TABLE: Final = "ML_LINK"
CLAIM_SET: Final = "U_ML_LINK"

#: Journal references, NumAtCard and U_ML_KEY.
REFERENCE_MAX: Final = 100
MEMO_MAX: Final = 50
#: Comments of a document, Remarks of a payment.
REMARKS_MAX: Final = 254
CLAIM_NAME_MAX: Final = 50

#: What a line may carry besides account and amount, by Business One's own names.
DIMENSIONS: Final = ("CostingCode", "CostingCode2", "CostingCode3", "CostingCode4", "CostingCode5", "ProjectCode")

#: What ids call the number of a draft.
DRAFT: Final = "DraftEntry"

_KEY: Final = re.compile(rf"[A-Z2-7]{{4}}-(?:{'|'.join(Kind)})-[A-Z0-9-]+", re.ASCII)
#: Business One keeps amounts with six decimals; what a double shows beyond is not data.
_STORED: Final = Decimal("0.000001")


# --- ours -> Business One ----------------------------------------------------------------------------------------------


def wire_key(document: Document) -> str:
    """The document's key as U_ML_KEY and a journal's Reference3 hold it."""
    return keys.wire_key(document.key, REFERENCE_MAX)


def unsupported(document: Document, company: Company) -> str | None:
    """Why this company cannot hold ``document``, for reasons that all kinds share, as a sentence; None where it can."""
    if document.company not in ("", company.database):
        return (
            f"The document is for the company {document.company}; this connection is signed in to {company.database}."
        )
    if company.currency(document.currency) is None:
        return (
            f"Business One has no currency with the international code {document.currency}. "
            "Add it there under Administration, Setup, Financials, Currencies."
        )
    if len(document.reference) > REFERENCE_MAX:
        return f"The reference is longer than the {REFERENCE_MAX} characters that Business One keeps."
    if document.branch and document.branch not in company.branches:
        return f"The branch {document.branch} is not among the active branches of {company.database}."
    if company.branches and not document.branch:
        return f"{company.database} keeps books by branch, and no branch is set for this store."
    return None


def strange_dimension(names: set[str]) -> str | None:
    """A sentence about a dimension that Business One does not have; None where it has all of ``names``."""
    strange = sorted(names - set(DIMENSIONS))
    return f"Business One has no dimension {strange[0]}; it has {', '.join(DIMENSIONS)}." if strange else None


def claim(document: Document) -> dict[str, str]:
    """The row of U_ML_LINK that only one document can have. Name is for people, and unique too."""
    return {"Code": claim_code(wire_key(document)), "Name": keys.wire_key(document.key, CLAIM_NAME_MAX)}


def claim_code(key: str) -> str:
    """40 hex of the key's hash: the length of Code is not verified beyond that (dossier 8.5)."""
    return hashlib.sha256(key.encode()).hexdigest()[:40]


def remarks(document: Document, words: str) -> str:
    """Our key and a sentence, for the longest text of a document: what identifies it where there is no field of ours."""
    return f"{wire_key(document)} {words}"[:REMARKS_MAX].rstrip()


def amount_of(value: Decimal, currency: str) -> Decimal:
    """An amount with at least its currency's decimals."""
    return Decimal(money.text(value, currency))


# --- Business One -> ours ----------------------------------------------------------------------------------------------


def key_in(*texts: Any) -> str:
    """The first of ``texts`` that is a document key: U_ML_KEY before a text that is easier to edit by accident."""
    return next((found for found in map(words, texts) if _KEY.fullmatch(found)), "")


def kind_in(key: str) -> Kind:
    """What kind of document a key of ours names."""
    return Kind(key.split("-", 2)[1])


def draft_ids(entry: int) -> Ids:
    """The ids of a draft, which has numbers of its own."""
    return ((DRAFT, str(entry)),)


def whole_number(value: Any) -> int | None:
    """``value`` where it is a whole number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def stored(value: Any) -> Decimal:
    """An amount as Business One keeps it; null is zero."""
    if value is None:
        return money.ZERO
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise BadAnswer(f"SAP Business One gave {str(value)[:40]!r} as an amount.")
    try:
        exact = Decimal(value).quantize(_STORED)
    except InvalidOperation as error:
        raise BadAnswer(f"SAP Business One gave {str(value)[:40]!r} as an amount.") from error
    return money.amount_from_ticks(money.ticks(exact)) if not exact % Decimal("0.0001") else exact
