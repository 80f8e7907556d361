"""The documents of a history, and the simulator's own ledger held against them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any, cast

from ml_connector.domain.documents import JournalEntry, JournalLine
from ml_connector.domain.keys import DocumentKey, document_key
from ml_connector.sandbox.sap_business_one import Control

LOCAL = "USD"


def settlement(
    number: int, random: Random, *, entries: int = 1, currency: str = LOCAL, branch: str = ""
) -> list[JournalEntry]:
    """The entries of one settlement. Of several, the second depends on the first, and all others on none."""
    made: list[JournalEntry] = []
    for place in range(entries):
        period, day = ("2026P10", date(2026, 10, 31)) if place == 0 else ("2026P11", date(2026, 11, 7))
        part = f"P{place}" if place > 1 else ""
        depends_on = (made[0].key,) if place == 1 else ()
        made.append(_entry(number, random, period, part, day, currency, branch, depends_on))
    return made


def settlements(count: int, random: Random, *, entries: int = 2, branch: str = "") -> list[list[JournalEntry]]:
    """Of several settlements, the first has so many ``entries``, the others one each; every third is in euros."""
    return [
        settlement(
            90_000_000_001 + number,
            random,
            entries=entries if number == 0 else 1,
            currency="EUR" if number % 3 == 1 else LOCAL,
            branch=branch,
        )
        for number in range(count)
    ]


def _entry(
    number: int,
    random: Random,
    period: str,
    part: str,
    day: date,
    currency: str,
    branch: str,
    depends_on: tuple[DocumentKey, ...],
) -> JournalEntry:
    store = "Amazon.com" if currency == LOCAL else "Amazon.de"
    paid, fees = Decimal(random.randint(1, 9_999_999)) / 100, Decimal(random.randint(1, 99_999)) / 100
    return JournalEntry(
        key=document_key("ABCD", "JE", str(number), period, part),
        company="",
        branch=branch,
        posting_date=day,
        document_date=day,
        period=period,
        currency=currency,
        reference=str(number),
        memo=f"Amazon settlement {number}",
        lines=(
            _line("payout", store, "114100", debit=paid),
            _line("referral_fees", store, "611000", debit=fees),
            _line("product_sales", store, "401000", credit=paid + fees),
            _line("tax_wash", store, "222100"),
        ),
        depends_on=depends_on,
    )


def _line(
    category: str, store: str, account: str, debit: Decimal = Decimal(0), credit: Decimal = Decimal(0)
) -> JournalLine:
    return JournalLine(category, store, account, debit, credit, f"{category} {store}")


def body(document: JournalEntry, *, with_key: bool) -> dict[str, object]:
    """The document as a person would type it."""
    prefix = "" if document.currency == LOCAL else "FC"
    lines = [
        {
            "AccountCode": line.account,
            f"{prefix}Debit": line.debit,
            f"{prefix}Credit": line.credit,
            **({"FCCurrency": document.currency} if prefix else {}),
            **({"BPLID": int(document.branch)} if document.branch else {}),
        }
        for line in document.lines
        if line.posts
    ]
    return {
        "ReferenceDate": document.posting_date.isoformat(),
        "TaxDate": document.document_date.isoformat(),
        "Memo": document.memo,
        "Reference": document.reference,
        **({"Reference3": document.key} if with_key else {}),
        "JournalEntryLines": lines,
    }


def unrelated(document: JournalEntry, *, branch: bool) -> dict[str, object]:
    """An entry of a person's that mentions the settlement and has nothing to do with it."""
    where = {"BPLID": 1} if branch else {}
    return {
        "ReferenceDate": "2026-11-14",
        "Memo": f"Bank fee, see settlement {document.reference}",
        "JournalEntryLines": [
            {"AccountCode": "641000", "Debit": Decimal("1.15"), **where},
            {"AccountCode": "112000", "Credit": Decimal("1.15"), **where},
        ],
    }


def differences(control: Control, documents: Sequence[JournalEntry], planted: Collection[int] = ()) -> list[str]:
    """What is wrong in the ledger: every document exactly once, as planned, and nothing else but what people ``planted``.
    Empty: all is right."""
    entries = [entry for entry in control.entries() if entry["JdtNum"] not in planted]
    wrong = []
    planned = {document.key: document for document in documents}
    counts = Counter(str(entry["Reference3"]) for entry in entries)
    for key, document in planned.items():
        if counts[key] != 1:
            wrong.append(f"{key} stands {counts[key]} times in the ledger")
            continue
        entry = next(entry for entry in entries if entry["Reference3"] == key)
        if _as_entered(entry) != _as_planned(document):
            wrong.append(f"{key} is {_as_entered(entry)} in the ledger, planned was {_as_planned(document)}")
    wrong += [f"{key or 'an entry without our key'} was not planned" for key in counts if key not in planned]
    wrong += _unbalanced(control)
    return wrong


def _unbalanced(control: Control) -> list[str]:
    totals = control.trial_balance()
    debit = sum((cast(Decimal, row["debit"]) for row in totals), Decimal(0))
    credit = sum((cast(Decimal, row["credit"]) for row in totals), Decimal(0))
    return [] if debit == credit else [f"debits are {debit} and credits {credit}"]


_Entered = tuple[str, str, str, Counter[tuple[str, str, Decimal, Decimal]]]


def _as_planned(document: JournalEntry) -> _Entered:
    foreign = "" if document.currency == LOCAL else document.currency
    lines = Counter((line.account, foreign, line.debit, line.credit) for line in document.lines if line.posts)
    return document.posting_date.isoformat(), document.document_date.isoformat(), document.reference, lines


def _as_entered(entry: Mapping[str, Any]) -> _Entered:
    lines: Counter[tuple[str, str, Decimal, Decimal]] = Counter()
    for line in entry["JournalEntryLines"]:
        currency = line["FCCurrency"] or ""
        prefix = "FC" if currency else ""
        lines[line["AccountCode"], currency, Decimal(line[f"{prefix}Debit"]), Decimal(line[f"{prefix}Credit"])] += 1
    return str(entry["ReferenceDate"])[:10], str(entry["TaxDate"])[:10], str(entry["Reference"]), lines
