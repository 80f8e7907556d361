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

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from ml_connector.domain import keys, money
from ml_connector.domain.catalog import Currency
from ml_connector.domain.documents import JournalEntry, JournalLine, Kind, label, label_of
from ml_connector.domain.errors import BadAnswer
from ml_connector.domain.target import Ids, Shown, ShownLine
from ml_connector.erp.sap_business_one.reads_values import day_of

KEY_FIELD: Final = "U_ML_KEY"
CLAIM_TABLE: Final = "ML_LINK"
CLAIM_SET: Final = "U_ML_LINK"

REFERENCE_MAX: Final = 100
MEMO_MAX: Final = 50
CLAIM_NAME_MAX: Final = 50

#: What a line may carry besides account and amount, by Business One's own names.
DIMENSIONS: Final = ("CostingCode", "CostingCode2", "CostingCode3", "CostingCode4", "CostingCode5", "ProjectCode")

_KEY: Final = re.compile(rf"[A-Z2-7]{{4}}-(?:{'|'.join(Kind)})-[A-Z0-9-]+", re.ASCII)
#: Business One keeps amounts with six decimals; what a double shows beyond is not data.
_STORED: Final = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Company:
    """What one company can do, read once per connection. ``branches`` is empty where branches are off.

    ``key_field``: U_ML_KEY is there on journal entries. ``claims``: the user table U_ML_LINK is there and may be used.
    ``features`` say in words what the company has switched on.
    """

    database: str
    local: Currency
    currencies: tuple[Currency, ...]
    branches: tuple[str, ...]
    key_field: bool
    claims: bool
    features: tuple[tuple[str, str], ...] = ()

    def currency(self, iso: str) -> Currency | None:
        """Business One's currency for an ISO code: the local one first, then the one whose own code is the ISO code."""
        same = [self.local, *sorted(self.currencies, key=lambda known: (known.code != iso, known.code))]
        return next((known for known in same if known.iso == iso), None)

    def iso(self, code: str) -> str:
        """The ISO code of Business One's currency ``code``; ``code`` itself where Business One does not say."""
        return next((known.iso for known in (self.local, *self.currencies) if known.code == code and known.iso), code)


# --- ours -> Business One ----------------------------------------------------------------------------------------------


def wire_key(entry: JournalEntry) -> str:
    """The document's key as Reference3 and U_ML_KEY hold it."""
    return keys.wire_key(entry.key, REFERENCE_MAX)


def unsupported(entry: JournalEntry, company: Company) -> str | None:
    """Why this company cannot hold ``entry``, as a sentence; None where it can."""
    posted = [line for line in entry.lines if line.posts]
    strange = sorted({name for line in posted for name, _ in line.dimensions} - set(DIMENSIONS))
    if entry.company not in ("", company.database):
        return f"The entry is for the company {entry.company}; this connection is signed in to {company.database}."
    if len(posted) < 2:
        return "Business One takes a journal entry of at least two lines with an amount."
    if company.currency(entry.currency) is None:
        return (
            f"Business One has no currency with the international code {entry.currency}. "
            "Add it there under Administration, Setup, Financials, Currencies."
        )
    if len(entry.reference) > REFERENCE_MAX:
        return f"The reference is longer than the {REFERENCE_MAX} characters that Business One keeps."
    if strange:
        return f"Business One has no dimension {strange[0]}; it has {', '.join(DIMENSIONS)}."
    if entry.branch and entry.branch not in company.branches:
        return f"The branch {entry.branch} is not among the active branches of {company.database}."
    if company.branches and not entry.branch:
        return f"{company.database} keeps books by branch, and no branch is set for this store."
    return None


def payload(entry: JournalEntry, company: Company) -> dict[str, Any]:
    """The body of ``POST JournalEntries``. Amounts are Decimal, with at least the currency's decimals.

    An entry in local currency fills Debit and Credit; any other fills FCCurrency, FCDebit and FCCredit and leaves the
    local amounts to Business One's rate of the day. Lines without an amount are not sent.
    """
    currency = company.currency(entry.currency)
    if currency is None:
        raise BadAnswer(f"Business One has no currency {entry.currency}.")
    day = entry.posting_date.isoformat()
    foreign = currency.code if currency.code != company.local.code else ""
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


def claim(entry: JournalEntry) -> dict[str, str]:
    """The row of U_ML_LINK that only one document can have. Name is for people, and unique too."""
    return {"Code": claim_code(wire_key(entry)), "Name": keys.wire_key(entry.key, CLAIM_NAME_MAX)}


def claim_code(key: str) -> str:
    """40 hex of the key's hash: the length of Code is not verified beyond that (dossier 8.5)."""
    return hashlib.sha256(key.encode()).hexdigest()[:40]


def project(entry: JournalEntry) -> Shown:
    """What Business One will show for ``entry``."""
    lines = tuple(
        ShownLine(line.account, line.debit, line.credit, label(line.category, line.store))
        for line in entry.lines
        if line.posts
    )
    return Shown(entry.posting_date, entry.document_date, entry.currency, entry.total, lines)


def _line(line: JournalLine, entry: JournalEntry, foreign: str) -> dict[str, Any]:
    debit, credit = _amount(line.debit, entry.currency), _amount(line.credit, entry.currency)
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


def _amount(value: Decimal, currency: str) -> Decimal:
    return Decimal(money.text(value, currency))


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


def key_in(*texts: Any) -> str:
    """The first of ``texts`` that is a document key: U_ML_KEY before Reference3, which is easier to edit by accident."""
    return next((found for found in map(_text, texts) if _KEY.fullmatch(found)), "")


def kind_in(key: str) -> Kind:
    """What kind of document a key of ours names."""
    return Kind(key.split("-", 2)[1])


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
        reference=_text(data["Reference"]),
        reference3=_text(data["Reference3"]),
        key=_text(data.get(KEY_FIELD)),
        memo=_text(data["Memo"]),
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
        debit=_stored(data.get("Debit")),
        credit=_stored(data.get("Credit")),
        fc_currency=_text(data.get("FCCurrency")),
        fc_debit=_stored(data.get("FCDebit")),
        fc_credit=_stored(data.get("FCCredit")),
        memo=_text(data.get("LineMemo")),
    )


def _stored(value: Any) -> Decimal:
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


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
