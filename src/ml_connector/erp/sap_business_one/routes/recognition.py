"""Which of Business One's journal entries are which of our documents. Pure.

An entry is *ours* when U_ML_KEY or Reference3 holds the document's key. It is *a person's* when its Reference is the
settlement id and it carries no key of ours. An entry with another key of ours is another document, whatever its Reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ml_connector.domain.target import Absent, Case, Ended, Many, Present, Seen
from ml_connector.erp.sap_business_one.company import Company
from ml_connector.erp.sap_business_one.documents.common import KEY_FIELD
from ml_connector.erp.sap_business_one.documents.journal_entries import Entry, reverses, shown
from ml_connector.erp.sap_business_one.odata import text

#: Days around the posting date in which entries are looked for: a look never scans the whole ledger (posting stages, S1).
WINDOW_DAYS = 60

#: How long after an entry its reversal is looked for.
REVERSAL_DAYS = 400


@dataclass(frozen=True, slots=True)
class Candidates:
    """The entries that could be one document, lowest transaction number first."""

    ours: tuple[Entry, ...]
    by_person: tuple[Entry, ...]


def window(cases: Sequence[Case]) -> tuple[date, date]:
    """First and last posting date to look at."""
    days = [case.document.posting_date for case in cases]
    return min(days) - timedelta(days=WINDOW_DAYS), max(days) + timedelta(days=WINDOW_DAYS)


def condition(cases: Sequence[Case], company: Company) -> str:
    """The filter that finds every entry any of ``cases`` could be."""
    first, last = window(cases)
    terms: dict[str, None] = {}
    for case in cases:
        number = dict(case.ids).get("JdtNum", "")
        if number.isascii() and number.isdigit():
            terms[f"JdtNum eq {number}"] = None
        if company.key_field:
            terms[f"{KEY_FIELD} eq {text(case.wire_key)}"] = None
        terms[f"Reference3 eq {text(case.wire_key)}"] = None
        if case.document.reference:
            terms[f"Reference eq {text(case.document.reference)}"] = None
    return (
        f"ReferenceDate ge '{first.isoformat()}' and ReferenceDate le '{last.isoformat()}' and ({' or '.join(terms)})"
    )


def reversal_condition(entries: Sequence[Entry]) -> str:
    """The filter for reversals of ``entries`` that carry none of their references.

    The memo of a reversal ends with the number of the entry it reverses (SAP help, Posting Reverse Transactions), or goes
    on with that entry's own memo, which names the settlement.
    """
    first = min(entry.posting_date for entry in entries)
    last = max(entry.posting_date for entry in entries) + timedelta(days=REVERSAL_DAYS)
    terms: dict[str, None] = {}
    for entry in entries:
        terms[f"endswith(Memo,{text(str(entry.jdt_num))})"] = None
        if entry.reference:
            terms[f"contains(Memo,{text(entry.reference)})"] = None
    return (
        f"ReferenceDate ge '{first.isoformat()}' and ReferenceDate le '{last.isoformat()}' "
        f"and JdtNum gt {min(entry.jdt_num for entry in entries)} and ({' or '.join(terms)})"
    )


def candidates(case: Case, entries: Sequence[Entry]) -> Candidates:
    """The entries among ``entries`` that are, or may be, this document."""
    ordered = sorted(entries, key=lambda entry: entry.jdt_num)
    ours = tuple(entry for entry in ordered if _is_ours(case, entry))
    by_person = tuple(entry for entry in ordered if entry not in ours and _is_persons(case, entry))
    return Candidates(ours, by_person)


def judge(case: Case, found: Candidates, reversals: Sequence[Entry], company: Company) -> Seen:
    """What is seen of the document, from everything that was read."""
    live, ended = _without_reversed(found.ours, found.by_person, reversals)
    if len(live) > 1:
        return Many(tuple(Present(entry.ids, shown(entry, company)) for entry in live))
    if live:
        return Present(live[0].ids, shown(live[0], company))
    if ended:
        entry, mirror = ended[-1]
        return Ended(entry.ids, f"reversed by journal entry {mirror.number or mirror.jdt_num}")
    # A person's entry that was reversed again counts for nothing and stands for nothing.
    persons, _ = _without_reversed(found.by_person, (), reversals)
    same_day = [entry for entry in persons if entry.posting_date == case.document.posting_date]
    persons = same_day or persons
    if len(persons) > 1:
        return Many(tuple(Present(entry.ids, shown(entry, company), ours=False) for entry in persons))
    if persons:
        return Present(persons[0].ids, shown(persons[0], company), ours=False)
    return Absent(looked(case, company))


def looked(case: Case, company: Company) -> str:
    """Where the document was looked for, in words."""
    first, last = window([case])
    fields = f"{KEY_FIELD} or Reference3" if company.key_field else "Reference3"
    return (
        f"journal entries from {first.isoformat()} to {last.isoformat()} with {fields} {case.wire_key} "
        f"or Reference {case.document.reference}"
    )


def _is_ours(case: Case, entry: Entry) -> bool:
    if entry.key:
        # An entry copied in SAP keeps Reference3 of its original; the field of ours decides where it is filled.
        return entry.key == case.wire_key
    return entry.reference3 == case.wire_key


def _is_persons(case: Case, entry: Entry) -> bool:
    return bool(entry.reference) and entry.reference == case.document.reference and not entry.document_key


def _speaks_of(memo: str, entry: Entry) -> bool:
    return memo.endswith(str(entry.jdt_num)) or bool(entry.reference and entry.reference in memo)


def _without_reversed(
    entries: Sequence[Entry], related: Sequence[Entry], reversals: Sequence[Entry]
) -> tuple[list[Entry], list[tuple[Entry, Entry]]]:
    """The entries that count, and those that were reversed, each with what reversed it.

    ``related`` belong to the same settlement. ``reversals`` do not say so, and two settlements can hold the same amounts:
    such an entry undoes only the one that its memo speaks of.
    """
    live: list[Entry] = []
    ended: list[tuple[Entry, Entry]] = []
    used: set[int] = set()
    for entry in entries:
        if entry.jdt_num in used:
            continue
        named = (other for other in reversals if _speaks_of(other.memo, entry))
        mirror = next(
            (other for other in (*entries, *related, *named) if other.jdt_num not in used and reverses(other, entry)),
            None,
        )
        if mirror is None:
            live.append(entry)
        else:
            used |= {entry.jdt_num, mirror.jdt_num}
            ended.append((entry, mirror))
    return live, ended
