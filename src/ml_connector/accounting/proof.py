"""The certificate of a settlement, recomputed from the archived bytes (ACCOUNTING 8).

Nothing here trusts what was remembered while planning: the groups are made again from the archived file (with the calendar,
vocabulary and policy of the plan), every planned line is summed again from the rows it names, and what the ERP holds is
compared line by line. One cent changed anywhere makes it fail.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ml_connector.accounting.chains import BREAKS
from ml_connector.accounting.lineage import Lineage, Part, Sign, merge_ranges
from ml_connector.accounting.restatement import LineIdentity, identity, is_reversal
from ml_connector.domain import money
from ml_connector.domain.documents import JournalEntry, label
from ml_connector.domain.errors import Finding
from ml_connector.domain.settlements import Group, SettlementGroups
from ml_connector.domain.target import Absent, Ended, Ids, Many, Partial, Present, Seen, Shown, Unclear, Working

#: How many differences a check puts into words; their number is always said.
WORDS_MAX = 5


@dataclass(frozen=True, slots=True)
class Evidence:
    """One planned document and what is known of it.

    ``source_sha256`` is the file it was planned from; ``lineage`` by 1-based line number. ``seen`` is what the ERP shows
    now, None for a document that was never posted (only zero lines) or could not be looked at. ``adopted``: a document
    that somebody else entered and that was taken for ours; it is compared without labels, which a person does not write.
    """

    entry: JournalEntry
    source_sha256: str
    lineage: Mapping[int, Lineage]
    seen: Seen | None = None
    adopted: bool = False

    @property
    def posts(self) -> bool:
        return any(line.posts for line in self.entry.lines)


@dataclass(frozen=True, slots=True)
class Check:
    """One numbered check of ACCOUNTING 8. ``ok`` is None for one that does not decide (7 in this version)."""

    number: int
    name: str
    ok: bool | None
    words: str


@dataclass(frozen=True, slots=True)
class ProvedDocument:
    """A document the certificate is about. ``shown`` is False where the ERP does not hold it in its ledger.

    ``added`` are lines the ERP added by a rule of its own (rounding, exchange difference): listed, never compared.
    """

    key: str
    posting_date: str
    total: Decimal
    posts: bool
    shown: bool
    ids: Ids = ()
    adopted: bool = False
    added: tuple[tuple[str, Decimal, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class Proof:
    """The certificate. ``entered``: a document is in the ERP and not yet in its ledger, so there is none *yet*."""

    settlement_id: str
    currency: str
    total: Decimal
    sha256: str
    checks: tuple[Check, ...]
    documents: tuple[ProvedDocument, ...]
    entered: bool = field(default=False)

    @property
    def proved(self) -> bool:
        return all(check.ok is not False for check in self.checks)

    def to_data(self) -> dict[str, Any]:
        """Plain JSON data; amounts are text."""

        def amount(value: Decimal) -> str:
            return money.text(value, self.currency)

        return {
            "settlement_id": self.settlement_id,
            "currency": self.currency,
            "total": amount(self.total),
            "sha256": self.sha256,
            "proved": self.proved,
            "entered": self.entered,
            "checks": [
                {"number": check.number, "name": check.name, "ok": check.ok, "words": check.words}
                for check in self.checks
            ],
            "documents": [
                {
                    "key": document.key,
                    "posting_date": document.posting_date,
                    "total": amount(document.total),
                    "posts": document.posts,
                    "shown": document.shown,
                    "ids": dict(document.ids),
                    "adopted": document.adopted,
                    "added": [
                        {"account": account, "debit": amount(debit), "credit": amount(credit)}
                        for account, debit, credit in document.added
                    ],
                }
                for document in self.documents
            ],
        }


def prove(
    groups: SettlementGroups,
    *,
    recorded_sha256: str,
    evidence: Sequence[Evidence],
    chain_findings: Iterable[Finding] = (),
    amazon_total: Decimal | None = None,
) -> Proof:
    """The certificate of one settlement.

    ``groups`` are made anew from the archived bytes; ``recorded_sha256`` is what was written down when they arrived;
    ``evidence`` are all documents of the settlement, deltas and reversals included; ``chain_findings`` are those of
    :func:`~ml_connector.accounting.chains.check_chains` and ``check_opening`` for this settlement; ``amazon_total`` is what
    Amazon itself says came of it beside the file, signed as the file's total, None where it says nothing.
    """
    checks = (
        _check(1, "file", _file(groups, recorded_sha256), f"sha256 {groups.sha256}"),
        _check(2, "sum", _sum(groups), f"{groups.rows} rows sum to {_words(groups.head.total, groups)}"),
        _check(3, "lineage", _lineage(groups, evidence), f"{groups.rows} rows, each in exactly one planned line"),
        _check(
            4,
            "balance",
            _balance(groups, evidence),
            _of(len(evidence), "entry balances and returns", "entries balance and return") + " to zero",
        ),
        _check(
            5,
            "ledger",
            _ledger(evidence),
            _of(sum(e.posts for e in evidence), "document equals", "documents equal") + " the plan",
        ),
        _chains(chain_findings),
        _second_opinion(groups, amazon_total),
    )
    return Proof(
        settlement_id=groups.head.settlement_id,
        currency=groups.head.currency,
        total=groups.head.total,
        sha256=groups.sha256,
        checks=checks,
        documents=tuple(_document(each) for each in evidence),
        entered=any(each.posts and isinstance(each.seen, Partial | Working) for each in evidence),
    )


def _of(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _check(number: int, name: str, differences: Iterator[str], words: str) -> Check:
    found = list(differences)
    if not found:
        return Check(number, name, ok=True, words=words)
    more = f" (and {len(found) - WORDS_MAX} more)" if len(found) > WORDS_MAX else ""
    return Check(number, name, ok=False, words="; ".join(found[:WORDS_MAX]) + more)


def _words(amount: Decimal, groups: SettlementGroups) -> str:
    return f"{money.text(amount, groups.head.currency)} {groups.head.currency}"


def _second_opinion(groups: SettlementGroups, amazon_total: Decimal | None) -> Check:
    """A total that differs blocks; silence does not (ACCOUNTING 8)."""
    if amazon_total is None:
        return Check(7, "Amazon's totals", None, "not available: Amazon gives no summary of this settlement")
    if amazon_total != groups.head.total:
        words = f"Amazon's summary says {_words(amazon_total, groups)}, the file {_words(groups.head.total, groups)}"
        return Check(7, "Amazon's totals", ok=False, words=words)
    return Check(7, "Amazon's totals", ok=True, words=f"Amazon's summary agrees: {_words(amazon_total, groups)}")


# --- 1 and 2: the file -------------------------------------------------------------------------------------------------


def _file(groups: SettlementGroups, recorded_sha256: str) -> Iterator[str]:
    if groups.sha256 != recorded_sha256:
        yield f"the archived bytes have sha256 {groups.sha256}, recorded was {recorded_sha256}"


def _sum(groups: SettlementGroups) -> Iterator[str]:
    total = sum((group.amount for group in groups.groups), money.ZERO)
    if not groups.foots or total != groups.head.total:
        yield f"the rows sum to {_words(total, groups)}, the total is {_words(groups.head.total, groups)}"


# --- 3: every row in exactly one line ----------------------------------------------------------------------------------


def _lineage(groups: SettlementGroups, evidence: Sequence[Evidence]) -> Iterator[str]:
    """The parts that the lines of this file name are exactly its groups, each row once; the hashes agree."""
    wanted = {(group.rows_sha256, group.rows): group for group in groups.groups}
    named: Counter[tuple[str, Sign]] = Counter()
    taken_back = {key for each in evidence if is_reversal(each.entry) for key in each.entry.depends_on}
    for each in evidence:
        if each.source_sha256 != groups.sha256 or each.entry.key in taken_back:
            continue
        for number, line in enumerate(each.entry.lines, start=1):
            lineage = each.lineage.get(number, Lineage())
            if (line.rows, line.rows_sha256) != (lineage.count, lineage.sha256):
                yield f"line {number} of {each.entry.key} does not carry the rows it was planned with"
            for part in lineage.parts:
                if (part.rows_sha256, part.rows) not in wanted:
                    yield f"line {number} of {each.entry.key} names rows {part.rows!r} that are no group of the file"
                named[part.rows_sha256, part.sign] += 1
    for group in groups.groups:
        yield from _named_once(group, named)
    covered = sum(last - first + 1 for first, last in merge_ranges(group.rows for group in groups.groups))
    if covered != groups.rows or sum(group.rows.count for group in groups.groups) != groups.rows:
        yield f"the groups cover {covered} of {groups.rows} rows"


def _named_once(group: Group, named: Mapping[tuple[str, Sign], int]) -> Iterator[str]:
    """As a whole in one line, or by sign in two."""
    sha = group.rows_sha256
    counts = tuple(named.get((sha, sign), 0) for sign in (Sign.ALL, Sign.CREDITS, Sign.DEBITS))
    if counts not in {(1, 0, 0), (0, 1, 1)}:
        times = "no planned line" if not any(counts) else f"{sum(counts)} planned lines"
        yield f"rows {group.rows!r} ({group.key.triple}) are in {times}"


# --- 4: the plan in itself ---------------------------------------------------------------------------------------------


def _balance(groups: SettlementGroups, evidence: Sequence[Evidence]) -> Iterator[str]:
    for each in evidence:
        entry = each.entry
        if entry.imbalance():
            yield f"{entry.key} does not balance by {_words(entry.imbalance(), groups)}"
        if entry.currency != groups.head.currency:
            yield f"{entry.key} is in {entry.currency}"
        for number, line in enumerate(entry.lines, start=1):
            if min(line.debit, line.credit) != 0:
                yield f"line {number} of {entry.key} is not on one side"
    yield from _row_lines(groups, evidence)
    yield from _computed_lines(groups, evidence)


def _row_lines(groups: SettlementGroups, evidence: Sequence[Evidence]) -> Iterator[str]:
    """What all documents together carry for each line is what its rows sum to, and the lines sum to the total."""
    planned, wanted = _line_sums(groups, evidence)
    for who, amount in wanted.items():
        if amount != planned[who]:
            yield (
                f"{label(who.category, who.store)} in {who.period} is planned with {_words(planned[who], groups)}, "
                f"its rows sum to {_words(amount, groups)}"
            )
    total = sum((planned[who] for who in wanted), money.ZERO)
    if total != groups.head.total:
        yield f"the planned lines sum to {_words(total, groups)}, the total is {_words(groups.head.total, groups)}"


def _computed_lines(groups: SettlementGroups, evidence: Sequence[Evidence]) -> Iterator[str]:
    """What no row stands behind is the last line, and a carry-forward that returns to zero on each of its accounts."""
    planned, wanted = _line_sums(groups, evidence)
    rest: dict[tuple[str, str], Decimal] = {}
    for who, amount in planned.items():
        if who not in wanted:
            role = (who.category, who.account if who.category == "carry_forward" else "")
            rest[role] = rest.get(role, money.ZERO) + amount
    total = groups.head.total
    last = {("payout" if total > 0 else "payable_to_amazon", ""): -total} if total else {}
    for category, account in sorted({*rest, *last}):
        amount, due = rest.get((category, account), money.ZERO), last.get((category, account), money.ZERO)
        if amount != due:
            on = f" on {account}" if account else ""
            yield f"{category}{on} comes to {_words(amount, groups)} and not to {_words(due, groups)}"


def _line_sums(
    groups: SettlementGroups, evidence: Sequence[Evidence]
) -> tuple[dict[LineIdentity, Decimal], dict[LineIdentity, Decimal]]:
    """What all documents together carry, and what rows stand behind it with (credits positive). A line that has rows in an
    older file only must have been taken back to zero."""
    by_rows = {group.rows_sha256: group for group in groups.groups}
    taken_back = {key for each in evidence if is_reversal(each.entry) for key in each.entry.depends_on}
    planned: dict[LineIdentity, Decimal] = {}
    wanted: dict[LineIdentity, Decimal] = {}
    for each in evidence:
        current = each.source_sha256 == groups.sha256 and each.entry.key not in taken_back
        for number, line in enumerate(each.entry.lines, start=1):
            who = identity(each.entry, line)
            planned[who] = planned.get(who, money.ZERO) + line.credit - line.debit
            parts = each.lineage.get(number, Lineage()).parts
            if parts:
                wanted.setdefault(who, money.ZERO)
            if current:
                for part in parts:
                    wanted[who] += _part_amount(part, by_rows)
    return planned, wanted


def _part_amount(part: Part, by_rows: Mapping[str, Group]) -> Decimal:
    group = by_rows.get(part.rows_sha256)
    if group is None:
        return money.ZERO  # check 3 names it
    return {Sign.ALL: group.amount, Sign.CREDITS: group.positive, Sign.DEBITS: group.negative}[part.sign]


# --- 5: what the ERP holds ---------------------------------------------------------------------------------------------


def _ledger(evidence: Sequence[Evidence]) -> Iterator[str]:
    for each in evidence:
        if each.posts:
            yield from (f"{each.entry.key}: {words}" for words in _one_document(each))
        elif isinstance(each.seen, Present | Partial | Working | Many):
            yield f"{each.entry.key} has only zero lines and must not be in the ERP"


def _one_document(evidence: Evidence) -> Iterator[str]:
    match evidence.seen:
        case Present(shown=shown, ours=ours) if ours or evidence.adopted:
            yield from _differences(evidence.entry, shown, labels=not evidence.adopted)
        case Present():
            yield "found only by its reference, without our key"
        case Partial() | Working():
            yield "entered, not yet in the ledger: no certificate yet"
        case Absent(looked=looked):
            yield f"not in the ERP (looked in {looked})"
        case Ended(how=how):
            yield f"was taken back in the ERP: {how}"
        case Many(found=found):
            yield f"is {len(found)} times in the ERP"
        case Unclear(why=why):
            yield f"could not be looked at: {why}"
        case None:
            yield "was not looked at"


def _differences(entry: JournalEntry, shown: Shown, *, labels: bool) -> Iterator[str]:
    """Header and lines, in transaction currency. Lines on the same account are paired by label."""
    for what, planned, held in (
        ("posting date", entry.posting_date, shown.posting_date),
        ("document date", entry.document_date, shown.document_date),
        ("currency", entry.currency, shown.currency),
        ("total", entry.total, shown.total),
    ):
        if planned != held:
            yield f"{what} is {held}, planned {planned}"
    wanted = Counter(
        (line.account, label(line.category, line.store) if labels else "", line.debit, line.credit)
        for line in entry.lines
        if line.posts
    )
    found = Counter((line.what, line.label if labels else "", line.debit, line.credit) for line in shown.lines)
    for planned_line in sorted((wanted - found).elements()):
        yield f"planned and not held: {_line_words(planned_line, entry.currency)}"
    for held_line in sorted((found - wanted).elements()):
        yield f"held and not planned: {_line_words(held_line, entry.currency)}"


def _line_words(line: tuple[str, str, Decimal, Decimal], currency: str) -> str:
    account, text, debit, credit = line
    side = "Cr" if credit else "Dr"
    return f"{side} {account} {money.text(credit or debit, currency)} ({text or 'no label'})"


# --- 6: chains ---------------------------------------------------------------------------------------------------------


def _chains(findings: Iterable[Finding]) -> Check:
    """Breaks fail; gaps and returned payouts are said and do not decide."""
    breaks = [finding.message for finding in findings if finding.code in BREAKS]
    return _check(6, "chains", iter(breaks), "reserve, debts and payouts agree with the other settlements")


def _document(evidence: Evidence) -> ProvedDocument:
    entry, seen = evidence.entry, evidence.seen
    present = seen if isinstance(seen, Present) else None
    ids: Ids = () if seen is None or isinstance(seen, Absent | Many | Unclear) else seen.ids
    return ProvedDocument(
        key=entry.key,
        posting_date=entry.posting_date.isoformat(),
        total=entry.total,
        posts=evidence.posts,
        shown=present is not None,
        ids=ids,
        adopted=evidence.adopted,
        added=tuple((line.what, line.debit, line.credit) for line in present.shown.added) if present else (),
    )
