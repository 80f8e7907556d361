"""Journal entries and bank transfers as a G/L journal batch of one entry (Sage dossier, sections 14, 17, 19). Pure.

====================  ==========================================  =========
field                 what we write                               characters
====================  ==========================================  =========
batch Description     document key                                60 [I]
entry Description     a sentence                                  60 [I]
line Reference        document key                                60 [I]
line Description      label, then the rest of the line's text     60 [I]
====================  ==========================================  =========

A positive amount is a debit, a negative one a credit. A line in another currency sends its own amount, rate table and date;
Sage computes the functional amount, line by line, and what that leaves over is put onto the largest line before it counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from ml_connector.domain import keys, money
from ml_connector.domain.documents import JournalEntry, JournalLine, label, label_of
from ml_connector.domain.errors import BadAnswer
from ml_connector.domain.target import Shown, ShownLine
from ml_connector.erp.sage_300.company import Company
from ml_connector.erp.sage_300.values import amount, day, list_of, number, plain, text, words, written

KEY_MAX: Final = 60
TEXT_MAX: Final = 60
#: The largest difference that converting one line can leave, in the functional currency.
_ROUNDING_PER_LINE: Final = Decimal("0.01")


def wire_key(entry: JournalEntry) -> str:
    """The document's key as Description and Reference hold it."""
    return keys.wire_key(entry.key, KEY_MAX)


def references(entry: JournalEntry) -> tuple[tuple[str, str], ...]:
    """The fields by which a person finds the entry in Sage."""
    key = wire_key(entry)
    return (("Description", key), ("Reference", key))


def unsupported(entry: JournalEntry, company: Company) -> str:
    """Why this company cannot hold ``entry``, as a sentence; "" where it can."""
    posted = [line for line in entry.lines if line.posts]
    if entry.company not in ("", company.config.company):
        return (
            f"The entry is for the company {entry.company}; this connection is signed in to {company.config.company}."
        )
    if len(posted) < 2:
        return "Sage 300 takes a journal entry of at least two lines with an amount."
    if company.currency(entry.currency) is None:
        return f"Sage 300 has no currency {entry.currency}. Add it there under Common Services, Currency Codes."
    if entry.branch:
        return "A Sage 300 company has no branches: leave the branch of this store empty."
    if any(line.dimensions for line in posted):
        return "Sage 300 keeps dimensions as segments of the account number: map to the whole number instead."
    return ""


def payload(entry: JournalEntry, company: Company) -> dict[str, Any]:
    """The body of ``POST GL/GLJournalBatches``, in the order in which Sage puts it."""
    config = company.config
    key = wire_key(entry)
    return {
        "Description": key,
        "Status": "Open",
        "JournalHeaders": [
            {
                "SourceLedger": "GL",
                "SourceType": config.source_type,
                "Description": words(entry.memo, TEXT_MAX),
                "DocumentDate": written(entry.document_date, config.dates),
                "PostingDate": written(entry.posting_date, config.dates),
                "JournalDetails": [_line(line, entry, company, key) for line in entry.lines if line.posts],
            }
        ],
    }


def project(entry: JournalEntry) -> Shown:
    """What Sage will show for ``entry``."""
    lines = tuple(
        ShownLine(plain(line.account), line.debit, line.credit, label(line.category, line.store))
        for line in entry.lines
        if line.posts
    )
    return Shown.planned(entry, lines)


def _line(line: JournalLine, entry: JournalEntry, company: Company, key: str) -> dict[str, Any]:
    value = amount(line.debit - line.credit, entry.currency)
    data: dict[str, Any] = {"AccountNumber": line.account}
    if entry.currency == company.home.iso:
        data |= {"Amount": value, "SourceCurrencyAmount": value}
    else:
        data |= {
            "SourceCurrency": entry.currency,
            "CurrencyRateTable": company.config.rate_type,
            "CurrencyRateDate": written(entry.posting_date, company.config.dates),
            "SourceCurrencyAmount": value,
        }
    name = label(line.category, line.store)
    return {
        **data,
        "Description": words(line.text if label_of(line.text) == name else name, TEXT_MAX),
        "Reference": key,
    }


# --- Sage -> ours ------------------------------------------------------------------------------------------------------

#: What a batch is read by.
BATCH_FIELDS: Final = (
    "BatchNumber",
    "Description",
    "Status",
    "PostingSequence",
    "NumberOfEntries",
    "NumberOfErrors",
    "JournalHeaders",
)
#: What posted lines are read by, with the properties that tell one from another.
POSTED_FIELDS: Final = (
    "AccountNumber",
    "FiscalYear",
    "FiscalPeriod",
    "PostingSequenceNumber",
    "DetailCount",
    "BatchNumber",
    "JournalEntryNumber",
    "JournalTransactionNumber",
    "JournalDate",
    "DocumentDate",
    "SourceCurrencyCode",
    "SourceCurrencyAmount",
    "JournalTransactionAmount",
    "JournalDetailDescription",
    "JournalDetailReference",
)
POSTED_KEY: Final = ("PostingSequenceNumber", "JournalEntryNumber", "JournalTransactionNumber", "DetailCount")


def shown_entry(header: Mapping[str, Any]) -> Shown:
    """An entry as a batch shows it, in its transaction currency. Raises :class:`BadAnswer`."""
    lines = [
        (
            text(line.get("AccountNumber")),
            text(line.get("SourceCurrency")),
            number(line.get("SourceCurrencyAmount")),
            number(line.get("Amount")),
            text(line.get("Description")),
        )
        for line in list_of(header, "JournalDetails")
    ]
    return _shown(header.get("PostingDate"), header.get("DocumentDate"), lines)


def shown_posted(rows: Sequence[Mapping[str, Any]]) -> Shown:
    """One posted entry from its lines in the ledger. Raises :class:`BadAnswer`."""
    lines = [
        (
            text(row.get("AccountNumber")),
            text(row.get("SourceCurrencyCode")),
            number(row.get("SourceCurrencyAmount")),
            number(row.get("JournalTransactionAmount")),
            text(row.get("JournalDetailDescription")),
        )
        for row in rows
    ]
    return _shown(rows[0].get("JournalDate"), rows[0].get("DocumentDate"), lines)


def residue(header: Mapping[str, Any]) -> Decimal:
    """By how much the functional amounts of an entry fail to balance: debits less credits."""
    return sum((number(line.get("Amount")) for line in list_of(header, "JournalDetails")), money.ZERO)


def roundable(header: Mapping[str, Any]) -> bool:
    """Whether an entry's imbalance can come from converting its lines one by one."""
    lines = list_of(header, "JournalDetails")
    foreign = any(number(line.get("Amount")) != number(line.get("SourceCurrencyAmount")) for line in lines)
    balanced = not sum((number(line.get("SourceCurrencyAmount")) for line in lines), money.ZERO)
    return foreign and balanced and abs(residue(header)) <= _ROUNDING_PER_LINE * len(lines)


def balancing(header: Mapping[str, Any]) -> dict[str, Any]:
    """The body of the PATCH that puts the residue of conversion onto the line with the largest amount. Its own amount stays;
    it is sent along, for Sage would compute it from the functional one."""
    largest = max(list_of(header, "JournalDetails"), key=lambda line: abs(number(line.get("Amount"))))
    return {
        "JournalHeaders": [
            {
                "EntryNumber": header.get("EntryNumber"),
                "UpdateOperation": "Update",
                "JournalDetails": [
                    {
                        "TransactionNumber": largest.get("TransactionNumber"),
                        "UpdateOperation": "Update",
                        "SourceCurrencyAmount": number(largest.get("SourceCurrencyAmount")),
                        "Amount": number(largest.get("Amount")) - residue(header),
                    }
                ],
            }
        ]
    }


def opposite(one: Shown, other: Shown) -> bool:
    """Whether one entry undoes the other: the same amounts on the other side of the same accounts."""
    return bool(one.lines) and one.currency == other.currency and _sides(one, 1) == _sides(other, -1)


def _sides(shown: Shown, sign: int) -> list[tuple[str, Decimal]]:
    return sorted((line.what, sign * (line.debit - line.credit)) for line in shown.lines)


_Line = tuple[str, str, Decimal, Decimal, str]


def _shown(posting_date: Any, document_date: Any, lines: Sequence[_Line]) -> Shown:
    """Named rule *exchange rounding*: a line without an amount in its own currency that is not ours is Sage's, and is listed
    as added."""
    ours = [line for line in lines if line[2] or label_of(line[4]) or not line[3]]
    added = [line for line in lines if line not in ours]
    currencies = sorted({currency for _, currency, *_ in ours})
    if not currencies or not all(currencies):
        raise BadAnswer("Sage 300 shows a journal entry whose lines have no currency.")
    shown = tuple(_side(account, value, memo) for account, _, value, _, memo in ours)
    total = sum((line.debit for line in shown), money.ZERO)
    return Shown(
        day(posting_date),
        day(document_date or posting_date),
        "+".join(currencies),
        total,
        shown,
        tuple(_side(account, functional, "") for account, _, _, functional, _ in added),
    )


def _side(account: str, value: Decimal, memo: str) -> ShownLine:
    return ShownLine(plain(account), max(value, money.ZERO), max(-value, money.ZERO), label_of(memo))
