"""Documents: what should exist in a target, created once, never edited.

A document is stored as (schema number, canonical bytes, sha256 of those bytes). The hash is taken once, over the bytes
that are stored, and never recomputed from objects: an old document stays what it was when the classes move on.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from ml_connector.domain import money
from ml_connector.domain.errors import Inconsistent
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.mapping import CATEGORIES

SCHEMA = 1

#: The longest label. SAP Business One's LineMemo is the shortest line text we write (SAP dossier, section 8: 50).
LABEL_LENGTH_MAX = 50

#: Between the label and what else a line's text says.
LABEL_END = " | "


def label(category: str, store: str) -> str:
    """What a line's text begins with: ``product_sales Amazon.com``. At most :data:`LABEL_LENGTH_MAX` characters.

    A journal read back is compared by it (ACCOUNTING 1), so it survives a field that cuts at that length and a server
    that folds white space: runs of white space become one space, and ``|`` cannot occur.
    """
    return " ".join(f"{category} {store}".replace("|", " ").split())[:LABEL_LENGTH_MAX].rstrip()


def label_of(text: str) -> str:
    """The label at the beginning of a line's text, however much of the rest was cut off; "" where it is not ours."""
    words = text.partition("|")[0].split()
    if not words or words[0] not in CATEGORIES:
        return ""
    return " ".join(words)[:LABEL_LENGTH_MAX].rstrip()


class Kind(StrEnum):
    """Document kinds of this version (ACCOUNTING 11). The value stands in the document key."""

    JOURNAL_ENTRY = "JE"


class State(StrEnum):
    """``planned -> approved -> posting -> entered -> posted | held | dropped`` (DESIGN 2).

    ``entered``: in the ERP, not yet in its ledger. ``held``: stopped with a reason; a person replays it.
    """

    PLANNED = "planned"
    APPROVED = "approved"
    POSTING = "posting"
    ENTERED = "entered"
    POSTED = "posted"
    HELD = "held"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One planned line. Exactly one of ``debit`` and ``credit`` is positive, or both are zero: such a line is kept with
    its lineage, and not posted. Amounts in the entry's transaction currency.

    ``category`` and ``store`` name the line within its entry; ``text`` begins with them. ``rows`` and ``rows_sha256`` say
    which file rows the line carries (the ranges are stored beside the document); a computed line has zero rows and "".
    """

    category: str
    store: str
    account: str
    debit: Decimal
    credit: Decimal
    text: str
    dimensions: tuple[tuple[str, str], ...] = ()
    rows: int = 0
    rows_sha256: str = ""

    @property
    def posts(self) -> bool:
        return bool(self.debit or self.credit)


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A balanced entry in one currency, one company, one branch ("" where the ERP has none).

    ``reference`` is the settlement id, ``memo`` a sentence for people, ``period`` the fiscal period's key.
    """

    key: DocumentKey
    company: str
    branch: str
    posting_date: date
    document_date: date
    period: str
    currency: str
    reference: str
    memo: str
    lines: tuple[JournalLine, ...]
    depends_on: tuple[DocumentKey, ...] = ()

    @property
    def kind(self) -> Kind:
        return Kind.JOURNAL_ENTRY

    @property
    def total(self) -> Decimal:
        """Sum of debits, which equals the sum of credits."""
        return sum((line.debit for line in self.lines), money.ZERO)

    def imbalance(self) -> Decimal:
        """Debits minus credits: zero in every entry that may be stored."""
        return sum((line.debit - line.credit for line in self.lines), money.ZERO)


Document = JournalEntry


@dataclass(frozen=True, slots=True)
class Stored:
    """A document as it is kept."""

    schema: int
    canonical: bytes
    sha256: str


def store_form(document: Document) -> Stored:
    """The canonical form. Raises :class:`Inconsistent` for an entry that does not balance: it must never be kept."""
    if document.imbalance():
        raise Inconsistent(f"{document.key} does not balance by {document.imbalance()}.")
    canonical = json.dumps(_to_data(document), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return Stored(SCHEMA, canonical, hashlib.sha256(canonical).hexdigest())


def from_stored(schema: int, canonical: bytes) -> Document:
    """Read a kept document of any schema, old ones through their upcasters."""
    if schema != SCHEMA:
        raise Inconsistent(f"A document of schema {schema} was found; this version reads up to {SCHEMA}.")
    return _from_data(json.loads(canonical))


def _to_data(entry: JournalEntry) -> dict[str, Any]:
    def amount(value: Decimal) -> str:
        return money.text(value, entry.currency)

    return {
        "kind": entry.kind.value,
        "key": entry.key,
        "company": entry.company,
        "branch": entry.branch,
        "posting_date": entry.posting_date.isoformat(),
        "document_date": entry.document_date.isoformat(),
        "period": entry.period,
        "currency": entry.currency,
        "reference": entry.reference,
        "memo": entry.memo,
        "depends_on": list(entry.depends_on),
        "lines": [
            {
                "category": line.category,
                "store": line.store,
                "account": line.account,
                "debit": amount(line.debit),
                "credit": amount(line.credit),
                "text": line.text,
                "dimensions": dict(line.dimensions),
                "rows": line.rows,
                "rows_sha256": line.rows_sha256,
            }
            for line in entry.lines
        ],
    }


def _from_data(data: dict[str, Any]) -> JournalEntry:
    return JournalEntry(
        key=DocumentKey(data["key"]),
        company=data["company"],
        branch=data["branch"],
        posting_date=date.fromisoformat(data["posting_date"]),
        document_date=date.fromisoformat(data["document_date"]),
        period=data["period"],
        currency=data["currency"],
        reference=data["reference"],
        memo=data["memo"],
        depends_on=tuple(DocumentKey(key) for key in data["depends_on"]),
        lines=tuple(
            JournalLine(
                category=line["category"],
                store=line["store"],
                account=line["account"],
                debit=money.amount(line["debit"]),
                credit=money.amount(line["credit"]),
                text=line["text"],
                dimensions=tuple(sorted(line["dimensions"].items())),
                rows=line["rows"],
                rows_sha256=line["rows_sha256"],
            )
            for line in data["lines"]
        ),
    )
