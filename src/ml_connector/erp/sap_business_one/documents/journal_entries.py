"""Journal entries: ours into Business One's words, and Business One's back into ours (SAP dossier, sections 6.5, 8). Pure.

=============  ==========================================  =========
field          what we write                               characters
=============  ==========================================  =========
Reference      settlement id                               100
Reference2     fiscal period                               100
Reference3     document key                                100
U_ML_KEY       document key, where the field is there      100
Memo           a sentence                                  50
LineMemo       label, then the rest of the line's text     50
=============  ==========================================  =========
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from ml_connector.domain import money
from ml_connector.domain.documents import JournalEntry, JournalLine, label, label_of
from ml_connector.domain.errors import BadAnswer
from ml_connector.domain.target import Ids, Shown, ShownLine
from ml_connector.erp.sap_business_one.company import Company
from ml_connector.erp.sap_business_one.documents.common import (
    KEY_FIELD,
    MEMO_MAX,
    amount_of,
    key_in,
    stored,
    strange_dimension,
    wire_key,
)
from ml_connector.erp.sap_business_one.values import day_of, words


def unsupported(entry: JournalEntry) -> str | None:
    """Why this company cannot hold ``entry``, beyond what is true of every kind; None where it can."""
    posted = [line for line in entry.lines if line.posts]
    if len(posted) < 2:
        return "Business One takes a journal entry of at least two lines with an amount."
    return strange_dimension({name for line in posted for name, _ in line.dimensions})


def payload(entry: JournalEntry, company: Company) -> dict[str, Any]:
    """The body of ``POST JournalEntries``. Amounts are Decimal, with at least the currency's decimals.

    An entry in local currency fills Debit and Credit; any other fills FCCurrency, FCDebit and FCCredit and leaves the
    local amounts to Business One's rate of the day. Lines without an amount are not sent.
    """
    day = entry.posting_date.isoformat()
    foreign = company.code(entry.currency) if company.foreign(entry.currency) else ""
    return {
        "ReferenceDate": day,
        "DueDate": day,
        "TaxDate": entry.document_date.isoformat(),
        "Memo": entry.memo[:MEMO_MAX],
        **dict(references(entry, company)),
        "JournalEntryLines": [_line(line, entry, foreign) for line in entry.lines if line.posts],
    }


def references(entry: JournalEntry, company: Company) -> tuple[tuple[str, str], ...]:
    """The fields by which a person finds the entry in Business One."""
    key = wire_key(entry)
    fields = (("Reference", entry.reference), ("Reference2", entry.period), ("Reference3", key))
    return (*fields, (KEY_FIELD, key)) if company.key_field else fields


def line_number(entry: JournalEntry, sent: int | None) -> int | None:
    """The 1-based line of ``entry`` that was the 1-based ``sent`` line of its payload."""
    posted = [number for number, line in enumerate(entry.lines, start=1) if line.posts]
    return posted[sent - 1] if sent is not None and 1 <= sent <= len(posted) else None


def project(entry: JournalEntry) -> Shown:
    """What Business One will show for ``entry``."""
    lines = tuple(
        ShownLine(line.account, line.debit, line.credit, label(line.category, line.store))
        for line in entry.lines
        if line.posts
    )
    return Shown.planned(entry, lines)


def _line(line: JournalLine, entry: JournalEntry, foreign: str) -> dict[str, Any]:
    debit, credit = amount_of(line.debit, entry.currency), amount_of(line.credit, entry.currency)
    data: dict[str, Any] = {"AccountCode": line.account}
    if foreign:
        data |= {"FCCurrency": foreign, "FCDebit": debit, "FCCredit": credit}
    else:
        data |= {"Debit": debit, "Credit": credit}
    data["LineMemo"] = _line_memo(line)
    data |= dict(line.dimensions)
    if entry.branch:
        data["BPLID"] = int(entry.branch)
    return data


def _line_memo(line: JournalLine) -> str:
    name = label(line.category, line.store)
    return (line.text if label_of(line.text) == name else name)[:MEMO_MAX].rstrip()


# --- Business One -> ours ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EntryLine:
    """A line as Business One shows it. Amounts may be negative: a company can reverse with negative amounts."""

    account: str
    debit: Decimal
    credit: Decimal
    fc_currency: str
    fc_debit: Decimal
    fc_credit: Decimal
    memo: str

    @property
    def rounds(self) -> bool:
        """Whether, in a foreign entry, this is a line of the server's own."""
        return not (self.fc_debit or self.fc_credit) and not label_of(self.memo)


@dataclass(frozen=True, slots=True)
class Entry:
    """A journal entry as Business One shows it. ``number`` is what people see, ``jdt_num`` the transaction's own."""

    jdt_num: int
    number: str
    posting_date: date
    document_date: date
    reference: str
    reference3: str
    key: str
    memo: str
    lines: tuple[EntryLine, ...]

    @property
    def ids(self) -> Ids:
        return (("JdtNum", str(self.jdt_num)), *((("Number", self.number),) if self.number else ()))

    @property
    def document_key(self) -> str:
        """The key of ours that the entry carries, "" where it carries none."""
        return key_in(self.key, self.reference3)


#: The fields an entry is read by. U_ML_KEY is asked for only where it is there.
ENTRY_FIELDS: Final = (
    "JdtNum",
    "Number",
    "ReferenceDate",
    "TaxDate",
    "Memo",
    "Reference",
    "Reference3",
    "JournalEntryLines",
)


def ids_of(data: Any) -> Ids | None:
    """The ids in the answer to a creation; None where there is no transaction number."""
    number = data.get("JdtNum") if isinstance(data, dict) else None
    if not isinstance(number, int) or isinstance(number, bool):
        return None
    shown = data.get("Number")
    return (("JdtNum", str(number)), *((("Number", str(shown)),) if isinstance(shown, int) else ()))


def entry_from(data: Mapping[str, Any], company: Company) -> Entry:
    """Read an entry. Raises :class:`BadAnswer` naming a field that is missing or is not what it should be."""
    missing = sorted({*ENTRY_FIELDS, *((KEY_FIELD,) if company.key_field else ())} - data.keys())
    if missing:
        raise BadAnswer(f"SAP Business One shows a journal entry without {missing[0]}.", code="missing_field")
    ids, lines = ids_of(data), data["JournalEntryLines"]
    if ids is None or not isinstance(lines, list):
        raise BadAnswer("SAP Business One shows a journal entry without a number or without lines.")
    return Entry(
        jdt_num=data["JdtNum"],
        number=dict(ids).get("Number", ""),
        posting_date=day_of(data["ReferenceDate"]),
        document_date=day_of(data["TaxDate"]),
        reference=words(data["Reference"]),
        reference3=words(data["Reference3"]),
        key=words(data.get(KEY_FIELD)),
        memo=words(data["Memo"]),
        lines=tuple(_entry_line(line) for line in lines),
    )


def shown(entry: Entry, company: Company) -> Shown:
    """``entry`` in the words all targets share, in its transaction currency.

    Named rule *exchange rounding*: in an entry in a foreign currency, a line with a local amount only that is not ours is
    Business One's own (it balances the local amounts of the rate) and is listed as added.
    """
    foreign = sorted({line.fc_currency for line in entry.lines} - {"", company.local.code})
    if not foreign:
        lines = tuple(ShownLine(line.account, line.debit, line.credit, label_of(line.memo)) for line in entry.lines)
        return _shown(entry, company.local.iso, lines, ())
    lines = tuple(
        ShownLine(line.account, line.fc_debit, line.fc_credit, label_of(line.memo))
        for line in entry.lines
        if not line.rounds
    )
    added = tuple(ShownLine(line.account, line.debit, line.credit) for line in entry.lines if line.rounds)
    return _shown(entry, "+".join(company.iso(code) for code in foreign), lines, added)


def reverses(later: Entry, earlier: Entry) -> bool:
    """Whether ``later`` undoes ``earlier``: the same amounts on the other side, or negative on the same side.

    Which of the two a reversal in Business One does is a setting of the company (use of negative amounts).
    """
    if later.jdt_num <= earlier.jdt_num or not earlier.lines:
        return False
    return sorted(_effect(line, -1) for line in later.lines) == sorted(_effect(line, 1) for line in earlier.lines)


def _effect(line: EntryLine, sign: int) -> tuple[str, str, Decimal, Decimal]:
    return (
        line.account,
        line.fc_currency,
        sign * (line.debit - line.credit),
        sign * (line.fc_debit - line.fc_credit),
    )


def _shown(entry: Entry, currency: str, lines: tuple[ShownLine, ...], added: tuple[ShownLine, ...]) -> Shown:
    total = sum((line.debit for line in lines), money.ZERO)
    return Shown(entry.posting_date, entry.document_date, currency, total, lines, added)


def _entry_line(data: Any) -> EntryLine:
    if not isinstance(data, dict) or not isinstance(data.get("AccountCode"), str):
        raise BadAnswer("SAP Business One shows a journal entry line without an account.")
    return EntryLine(
        account=data["AccountCode"],
        debit=stored(data.get("Debit")),
        credit=stored(data.get("Credit")),
        fc_currency=words(data.get("FCCurrency")),
        fc_debit=stored(data.get("FCDebit")),
        fc_credit=stored(data.get("FCCredit")),
        memo=words(data.get("LineMemo")),
    )
