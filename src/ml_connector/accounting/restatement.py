"""The same settlement with other bytes, and documents taken back (ACCOUNTING 7, 11).

What was posted stays. A restated settlement becomes *delta entries*: what the new rows would have become under the original
mapping, less what was posted. A reversal is an opposite document in an open period. Both are documents of their own, with
keys of their own, and their sum is again provable against the new file.

A restated settlement waits until the posting set of the original is terminal: the delta is taken against what was posted.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from ml_connector.accounting.lineage import Lineage, LineageOf
from ml_connector.accounting.period_split import Calendar, Posting
from ml_connector.accounting.settlement_journal import SettlementPlan
from ml_connector.domain import money
from ml_connector.domain.documents import JournalEntry, JournalLine
from ml_connector.domain.errors import Finding, Inconsistent
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.settlements import SettlementGroups, SettlementHead

#: ``<acct4>-JE-<settlement id>-<fiscal period>``; the id may hold hyphens, so the last period in the key counts.
_PLANNED: Final = re.compile(r".+-[0-9]{4}P[0-9]+(?=-|$)")


class Verdict(StrEnum):
    """What to do with a file whose settlement id is known.

    ``unchanged``: the same rows; record the new sha256. ``replace``: nothing of the original is posted; plan the new file in
    its place. ``delta``: post the difference. ``held``: a person decides.
    """

    UNCHANGED = "unchanged"
    REPLACE = "replace"
    DELTA = "delta"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Restatement:
    """``entries`` and ``lineage`` only for a delta. ``needs_approval``: the payout itself changed, a person has to agree."""

    verdict: Verdict
    entries: tuple[JournalEntry, ...] = ()
    lineage: LineageOf | None = None
    findings: tuple[Finding, ...] = ()
    needs_approval: bool = False

    @property
    def posting(self) -> tuple[JournalEntry, ...]:
        """The entries that reach the ERP; one of zero lines only carries lineage."""
        return tuple(entry for entry in self.entries if any(line.posts for line in entry.lines))


class LineIdentity(NamedTuple):
    """Which lines of several entries of one settlement are about the same thing. ``text`` tells gross sides apart."""

    period: str
    category: str
    store: str
    account: str
    dimensions: tuple[tuple[str, str], ...]
    text: str


def planned_period(entry: JournalEntry) -> str:
    """The fiscal period an entry was planned for, from its key: a delta may be posted into a later one."""
    return _planned_key(entry.key).rpartition("-")[2]


def _planned_key(key: DocumentKey) -> DocumentKey:
    """The key up to the period: that of the entry which was planned first, without what deltas and repeats add."""
    match = _PLANNED.match(key)
    if match is None:
        raise Inconsistent(f"{key} is no key of a settlement's entry.")
    return DocumentKey(match[0])


def identity(entry: JournalEntry, line: JournalLine) -> LineIdentity:
    return LineIdentity(planned_period(entry), line.category, line.store, line.account, line.dimensions, line.text)


def same_rows(old: SettlementGroups, new: SettlementGroups) -> bool:
    """Whether two files hold the same rows, as multisets, whatever their order and spelling of numbers.

    Compared by group: key, count and sums by sign. Give both files grouped at granularity ``order`` with the same calendar:
    two files that agree there differ in nothing that any entry could show.
    """

    def content(groups: SettlementGroups) -> Counter[object]:
        return Counter(
            (group.key, group.category, group.rows.count, group.positive, group.negative) for group in groups.groups
        )

    return old.head.total == new.head.total and content(old) == content(new)


def restate(
    old: SettlementGroups,
    new: SettlementGroups,
    *,
    posted: Sequence[JournalEntry],
    plan: SettlementPlan,
    calendar: Calendar,
) -> Restatement:
    """What to do with ``new``, a file of the settlement that ``old`` was.

    ``posted`` are all documents of this settlement in the ERP's ledger (an earlier delta and reversals too). ``plan`` is
    :func:`~ml_connector.accounting.settlement_journal.plan_settlement` of the new file with the periods and the mapping of
    the original plan (``newer_mapping`` for triples it does not know), so that its entries have the original periods.
    ``calendar`` is today's: a delta is dated on its entry's date where that is open, else on the next open day.
    Raises ValueError when the two files are of different settlements.
    """
    if old.head.settlement_id != new.head.settlement_id:
        raise ValueError("These are two settlements, not a restatement.")
    if same_rows(old, new):
        return Restatement(Verdict.UNCHANGED)
    changed = _changed_head(old.head, new.head)
    if changed:
        return Restatement(Verdict.HELD, findings=(changed,))
    if not posted:
        return Restatement(Verdict.REPLACE, findings=plan.findings)
    if plan.held:
        return Restatement(Verdict.HELD, findings=plan.findings)
    return _delta(old.head, new, posted, plan, calendar)


def _changed_head(old: SettlementHead, new: SettlementHead) -> Finding | None:
    for what, before, after in (
        ("currency", old.currency, new.currency),
        ("start", old.start.isoformat(), new.start.isoformat()),
        ("end", old.end.isoformat(), new.end.isoformat()),
    ):
        if before != after:
            return Finding(
                f"restated_{'currency' if what == 'currency' else 'period'}",
                f"Settlement {new.settlement_id} was downloaded again with another {what}: {before} became {after}. "
                "Ask Amazon which is right; reverse the posted entries if the new one is.",
            )
    return None


def _delta(
    old: SettlementHead,
    new: SettlementGroups,
    posted: Sequence[JournalEntry],
    plan: SettlementPlan,
    calendar: Calendar,
) -> Restatement:
    suffix = new.sha256[:8].upper()
    entries: list[JournalEntry] = []
    lineage: dict[tuple[DocumentKey, int], Lineage] = {}
    findings = list(plan.findings)
    wanted = {planned_period(entry): entry for entry in plan.entries}
    template = posted[0]
    # Earlier periods first, as in the plan; a period that only the posted entries have comes before the closing one.
    for period in sorted({*wanted, *(planned_period(entry) for entry in posted)}):
        of_period = [entry for entry in posted if planned_period(entry) == period]
        original = wanted.get(period) or of_period[0]
        lines, parts = _differences(wanted.get(period), of_period, plan.lineage)
        placed = calendar.first_open_day(original.posting_date)
        if not isinstance(placed, Posting):
            findings.append(_no_open_day(new.head.settlement_id, original.posting_date))
            continue
        key = DocumentKey(f"{_planned_key(original.key)}-{suffix}")
        entries.append(
            replace(
                original,
                key=key,
                company=template.company,
                branch=template.branch,
                posting_date=placed.day,
                document_date=placed.day,
                period=placed.period.key,
                memo=f"Amazon settlement {new.head.settlement_id} restated",
                lines=tuple(lines),
                depends_on=tuple(entry.key for entry in of_period),
            )
        )
        lineage.update({(key, number): part for number, part in enumerate(parts, start=1)})
    if any(finding.holds for finding in findings):
        return Restatement(Verdict.HELD, findings=tuple(findings))
    _assert_balanced(entries)
    if old.total == new.head.total:
        return Restatement(Verdict.DELTA, tuple(entries), lineage, tuple(findings))
    findings.append(_total_changed(old, new.head))
    return Restatement(Verdict.DELTA, tuple(entries), lineage, tuple(findings), needs_approval=True)


def _differences(
    wanted: JournalEntry | None, posted: Sequence[JournalEntry], lineage: LineageOf
) -> tuple[list[JournalLine], list[Lineage]]:
    """Every line of the new plan less what was posted for it: zero lines keep the rows that did not change, so that the
    delta alone carries the whole new file. Then, reversed, what was posted and is no longer wanted."""
    balance: dict[LineIdentity, Decimal] = {}
    sample: dict[LineIdentity, JournalLine] = {}
    for entry in posted:
        for line in entry.lines:
            who = identity(entry, line)
            balance[who] = balance.get(who, money.ZERO) + line.credit - line.debit
            sample.setdefault(who, line)
    lines: list[JournalLine] = []
    parts: list[Lineage] = []
    if wanted is not None:
        for number, line in enumerate(wanted.lines, start=1):
            amount = line.credit - line.debit - balance.pop(identity(wanted, line), money.ZERO)
            lines.append(_with_amount(line, amount))
            parts.append(lineage[wanted.key, number])
    for who, amount in sorted(balance.items()):
        if amount:
            lines.append(_with_amount(replace(sample[who], rows=0, rows_sha256=""), -amount))
            parts.append(Lineage())
    return lines, parts


def _with_amount(line: JournalLine, amount: Decimal) -> JournalLine:
    """Positive credits."""
    return replace(line, debit=max(-amount, money.ZERO), credit=max(amount, money.ZERO))


def _no_open_day(settlement_id: str, day: date) -> Finding:
    return Finding(
        "closed_period",
        f"No fiscal period from {day.isoformat()} on is open, needed for the restated settlement {settlement_id}. "
        "Open one in the ERP, then replay the settlement.",
    )


def _total_changed(old: SettlementHead, new: SettlementHead) -> Finding:
    return Finding(
        "restated_total",
        f"Settlement {new.settlement_id} was restated from {money.text(old.total, old.currency)} to "
        f"{money.text(new.total, new.currency)} {new.currency}: the payout itself changed. "
        "Compare it with the bank, then approve the planned entry.",
        holds=False,
    )


def _assert_balanced(entries: Iterable[JournalEntry]) -> None:
    for entry in entries:
        if entry.imbalance():
            raise Inconsistent(f"{entry.key} does not balance by {entry.imbalance()}.")


# --- reversal ----------------------------------------------------------------------------------------------------------


_REVERSED = "-REV"


def is_reversal(entry: JournalEntry) -> bool:
    """Whether ``entry`` takes back the document it depends on."""
    return entry.key.endswith(_REVERSED)


def reversal(entry: JournalEntry, on: date, calendar: Calendar) -> JournalEntry | Finding:
    """The opposite of a posted ``entry``, dated ``on`` or the first open day after it. Its key is the entry's with ``REV``:
    a document is reversed once; what is posted again has a key of its own (:func:`posted_again`)."""
    placed = calendar.first_open_day(on)
    if placed is None:
        return _no_open_day(entry.reference, on)
    return replace(
        entry,
        key=DocumentKey(f"{entry.key}{_REVERSED}"),
        posting_date=placed.day,
        document_date=placed.day,
        period=placed.period.key,
        memo=f"Reversal of {entry.memo}",
        lines=tuple(
            replace(line, debit=line.credit, credit=line.debit, rows=0, rows_sha256="") for line in entry.lines
        ),
        depends_on=(entry.key,),
    )


def posted_again(entry: JournalEntry, reversing: DocumentKey) -> JournalEntry:
    """``entry`` with the key it has after ``reversing`` took its predecessor back: 8 hex of the reversing key's sha256."""
    digest = hashlib.sha256(reversing.encode()).hexdigest()[:8].upper()
    return replace(entry, key=DocumentKey(f"{entry.key}-{digest}"), depends_on=(*entry.depends_on, reversing))
