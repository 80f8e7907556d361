"""The settlement journal of policy ``settlement_summary`` (ACCOUNTING 4 and 5).

Pure: the same groups, policy, mapping and fiscal periods give the same entries with the same keys, whoever computes them.
A settlement becomes one entry per fiscal period that its rows are posted into. Earlier periods are balanced by
*settlement carry-forward*; the closing entry releases it and carries the last line.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from ml_connector.accounting.journal_lines import Accounts, Line, Placed, computed_line, row_lines
from ml_connector.accounting.lineage import LineageOf
from ml_connector.accounting.period_split import Bucket, Calendar, Posting, Problem, accounting_date, calendar_of
from ml_connector.domain import money
from ml_connector.domain.catalog import FiscalPeriod, References
from ml_connector.domain.documents import JournalEntry, Kind
from ml_connector.domain.errors import Finding, Inconsistent
from ml_connector.domain.keys import DocumentKey, document_key
from ml_connector.domain.mapping import AccountingPolicy, AccountRule, ClosedPeriod, Mapping, StoreSettings
from ml_connector.domain.settlements import Granularity, Group, SettlementGroups, Triple, store_key

#: Findings that the planner settles itself: by a rule of the link or the suspense account, by the main store handed in.
UNKNOWN_TRIPLE = "unknown_triple"
MAIN_STORE_UNCLEAR = "main_store_unclear"

#: What buyers pay for, and get back: the prices that may have tax in them.
_WITH_TAX = frozenset(
    {
        "product_sales",
        "product_refunds",
        "shipping_income",
        "shipping_refunds",
        "gift_wrap_income",
        "gift_wrap_refunds",
        "cod_income",
        "promotions",
        "promotion_refunds",
    }
)

_COARSER = {Granularity.ORDER: Granularity.DAY, Granularity.DAY: Granularity.SETTLEMENT}


@dataclass(frozen=True, slots=True)
class SettlementPlan:
    """What one settlement becomes. ``entries`` is empty when a finding holds; earlier periods come first.

    ``lineage`` says by (document key, 1-based line number) which rows a line carries; computed lines have no parts.
    """

    settlement_id: str
    entries: tuple[JournalEntry, ...]
    lineage: LineageOf
    findings: tuple[Finding, ...]

    @property
    def held(self) -> bool:
        return any(finding.holds for finding in self.findings)

    @property
    def posting(self) -> tuple[JournalEntry, ...]:
        """The entries that reach the ERP: an entry of zero lines only is kept and proved, not posted."""
        return tuple(entry for entry in self.entries if any(line.posts for line in entry.lines))


def plan_settlement(
    groups: SettlementGroups,
    *,
    policy: AccountingPolicy,
    mapping: Mapping,
    references: References,
    prefix: str,
    main_store: str | None = None,
    max_lines: int | None = None,
    newer_mapping: Mapping | None = None,
) -> SettlementPlan:
    """The entries of a settlement, or the findings that hold it.

    ``groups`` must have been made with the buckets of ``calendar_of(references.periods, policy, mapping)``.
    ``prefix`` is :func:`~ml_connector.domain.keys.account_prefix` of the selling account; ``main_store`` the decision of
    :func:`~ml_connector.accounting.chains.decide_main_store` where the file did not make it; ``max_lines`` the ERP's line
    limit; ``newer_mapping`` is asked where ``mapping`` has no rule (a restatement). Stores of the policy are
    marketplace-names. Raises :class:`Inconsistent` when the entries would not satisfy the laws of ACCOUNTING 4 and 5.
    """
    store = main_store or groups.main_store
    if store is None:
        finding = Finding(
            MAIN_STORE_UNCLEAR,
            f"Settlement {groups.head.settlement_id} names no store that decides where its account rows belong. "
            f"Import the settlement before it, or link a single store in {groups.head.currency}.",
        )
        return SettlementPlan(groups.head.settlement_id, (), {}, _once((*_inherited(groups, policy, None), finding)))
    calendar = calendar_of(references.periods, policy, mapping, *([newer_mapping] if newer_mapping else []))
    accounts = Accounts((mapping, newer_mapping) if newer_mapping else (mapping,))
    plan = _Planner(groups, policy, calendar, accounts, references, prefix, _spelling(groups, policy, store))
    return plan.run(store, max_lines)


def _inherited(groups: SettlementGroups, policy: AccountingPolicy, store: str | None) -> Iterable[Finding]:
    """The file's own findings, without those that a setting or the main store answers."""
    for finding in groups.findings:
        if finding.code == MAIN_STORE_UNCLEAR:
            if store is None:
                yield finding
        elif finding.code == UNKNOWN_TRIPLE and policy.suspense:
            yield replace(finding, holds=False)
        else:
            yield finding


def _once(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each code about the main store once: the file's own words win over ours."""
    kept: list[Finding] = []
    for finding in findings:
        if finding.code != MAIN_STORE_UNCLEAR or all(other.code != finding.code for other in kept):
            kept.append(finding)
    return tuple(kept)


def _spelling(groups: SettlementGroups, policy: AccountingPolicy, main_store: str) -> dict[str, str]:
    """One spelling per store: the link's, else the main store's, else the file's first in order."""
    spelling: dict[str, str] = {}
    for name in (*policy.stores, main_store, *sorted(group.key.store for group in groups.groups)):
        spelling.setdefault(store_key(name), name.strip())
    return spelling


@dataclass(frozen=True, slots=True)
class _Planner:
    """The inputs of one plan, so that they need not be handed from step to step."""

    groups: SettlementGroups
    policy: AccountingPolicy
    calendar: Calendar
    accounts: Accounts
    references: References
    prefix: str
    spelling: MappingOf[str, str]

    def run(self, main_store: str, max_lines: int | None) -> SettlementPlan:
        store = self.spelling[store_key(main_store)]
        home = self._settings(store)
        inherited = _inherited(self.groups, self.policy, store)
        findings = [*self._unanswered(inherited, store), *self._footing(), *self._homes(store, home)]
        closing = self._closing()
        if isinstance(closing, Finding):
            findings.append(closing)
        findings += self._dates(closing if isinstance(closing, Posting) else None)
        findings += self._tax_in_prices(store)
        placed, unmapped = self._place(store)
        findings += unmapped
        if isinstance(closing, Finding) or any(finding.holds for finding in findings):
            return SettlementPlan(self._id, (), {}, tuple(findings))

        by_period, computed_unmapped = self._lines(store, placed, closing)
        findings += computed_unmapped
        findings += self._too_long(by_period, max_lines)
        if any(finding.holds for finding in findings):
            return SettlementPlan(self._id, (), {}, tuple(findings))
        entries, lineage = self._entries(store, home, by_period, closing)
        _assert_laws(self.groups, entries)
        return SettlementPlan(self._id, entries, lineage, tuple(findings))

    # --- what may hold it ---

    def _unanswered(self, findings: Iterable[Finding], main_store: str) -> Iterable[Finding]:
        """Without what is said of unknown triples that a rule of the link answers, on every row. Their findings are known
        by the first line; the one without a line is about all that were too many to be named."""
        first: dict[Triple, int] = {}
        open_: set[Triple] = set()
        for group in self.groups.groups:
            if group.category is None:
                triple, line = group.key.triple, next(iter(group.rows))[0]
                first[triple] = min(line, first.get(triple, line))
                if self._rule_of_link(group, main_store) is None:
                    open_.add(triple)
        answered = {line for triple, line in first.items() if triple not in open_}
        for finding in findings:
            silent = finding.line in answered or (finding.line is None and first and not open_)
            if finding.code != UNKNOWN_TRIPLE or not silent:
                yield finding

    def _footing(self) -> Iterable[Finding]:
        head = self.groups.head
        total = sum((group.amount for group in self.groups.groups), money.ZERO)
        if self.groups.foots and total != head.total:
            raise Inconsistent(f"The groups of settlement {self._id} sum to {total}, its total is {head.total}.")
        if not self.groups.foots and not any(finding.holds for finding in self.groups.findings):
            yield Finding(
                "sum_not_total",
                f"The rows of settlement {self._id} do not sum to its total of {self._words(head.total)}. "
                "Download the file again; it cannot be posted as it is.",
            )

    def _homes(self, store: str, home: StoreSettings | None) -> Iterable[Finding]:
        """A settlement posts in the company and branch of its main store; rows that belong elsewhere hold it."""
        if home is None:
            yield Finding(
                "store_not_in_link",
                f"Settlement {self._id} belongs to {store}, which this link does not cover. "
                "Add the store to a link with its company and time zone.",
            )
            return
        company = home.company or self.references.company
        if company != self.references.company:
            yield Finding(
                "other_company",
                f"{store} is kept in company {company}, but this link posts in {self.references.company}. "
                "Link the store to a connection of its own company.",
            )
        for name, amount in self._by_store(store).items():
            settings = self._settings(name)
            if settings is None:
                continue
            if (settings.company or self.references.company) != company:
                yield self._elsewhere("other_company", name, amount, f"company {settings.company}", store)
            elif settings.branch != home.branch:
                yield self._elsewhere("other_branch", name, amount, f"branch {settings.branch or '(none)'}", store)

    def _elsewhere(self, code: str, name: str, amount: Decimal, where: str, store: str) -> Finding:
        return Finding(
            code,
            f"Settlement {self._id} of {store} has rows of {name} ({self._words(amount)}), which belongs to {where}. "
            f"Post it by hand through inter-company accounts, or set the same company and branch for {name}.",
        )

    def _by_store(self, main_store: str) -> dict[str, Decimal]:
        sums: dict[str, Decimal] = {}
        for group in self.groups.groups:
            name = self._store(group, main_store)
            sums[name] = sums.get(name, money.ZERO) + group.amount
        return sums

    def _closing(self) -> Posting | Finding:
        """The day of the closing entry: settlement-end in the link's zone, moved where its period is closed."""
        end = accounting_date(self.groups.head.end, self.groups.zone)
        placed = self.calendar.place(end)
        if isinstance(placed, Posting):
            return placed
        problem, where = placed
        return self._undatable(problem, where, f"settlement {self._id}, which ends on {end.isoformat()}")

    def _dates(self, closing: Posting | None) -> Iterable[Finding]:
        """Rows that no open period takes, and rows of a later period than the settlement's own end."""
        sums: dict[Bucket, tuple[int, Decimal]] = {}
        for group in self.groups.groups:
            bucket = self._bucket(group)._replace(since=date.min)
            rows, amount = sums.get(bucket, (0, money.ZERO))
            sums[bucket] = (rows + group.rows.count, amount + group.amount)
        for bucket, (rows, amount) in sorted(sums.items()):
            what = f"{rows} rows ({self._words(amount)}) of settlement {self._id}"
            if bucket.problem:
                yield self._undatable(bucket.problem, bucket.where, what)
            elif closing and bucket.period and self._day(bucket.period) > closing.period.first_day:
                yield Finding(
                    "row_in_later_period",
                    f"{what} are dated in fiscal period {self.calendar.period(bucket.period).name}, after its end. "
                    "Check the link's time zone and the file.",
                )

    def _undatable(self, problem: Problem, where: str, what: str) -> Finding:
        if problem is Problem.NO_PERIOD:
            advice = f"No fiscal period of the ERP contains {where}, needed for {what}. Create it in the ERP"
        elif self.calendar.closed_period is ClosedPeriod.NEXT_OPEN_DAY:
            advice = (
                f"Fiscal period {where} is closed and no later period is open, needed for {what}. Open one in the ERP"
            )
        else:
            advice = (
                f"Fiscal period {where} is closed, needed for {what}. "
                "Open it in the ERP, or set the link's closed_period to next_open_day"
            )
        return Finding(problem.value, f"{advice}, then replay the settlement.")

    def _tax_in_prices(self, main_store: str) -> Iterable[Finding]:
        """Carving tax out of prices is not done here; that it is in them is told (ACCOUNTING 4, ``prices_include_tax``)."""
        income: dict[str, Decimal] = {}
        taxed: set[str] = set()
        for group in self.groups.groups:
            name = self._store(group, main_store)
            if group.key.tax is not None:
                taxed.add(name)
            elif group.category in _WITH_TAX:
                income[name] = income.get(name, money.ZERO) + group.amount
        for name, amount in income.items():
            settings = self._settings(name)
            if settings is not None and settings.prices_include_tax and name not in taxed and amount:
                yield Finding(
                    "tax_in_prices",
                    f"No row of settlement {self._id} shows tax of {name}, whose prices include it: "
                    f"{self._words(amount)} of {name} are posted to income as they are. Where you owe that tax, post it by "
                    "hand from income to tax payable.",
                    holds=False,
                )

    def _place(self, main_store: str) -> tuple[list[Placed], list[Finding]]:
        placed: list[Placed] = []
        missing: dict[tuple[str, str], Decimal] = {}
        for group in self.groups.groups:
            store = self._store(group, main_store)
            if (rule := self._rule_of_link(group, main_store)) is not None:
                placed.append(Placed(group, rule.category, store, rule.placement))
                continue
            category = group.category or ("suspense" if self.policy.suspense else None)
            if category is None:
                continue  # the file's own finding unknown_triple holds
            key = group.key
            placement = self.accounts.find(
                category,
                store,
                self._bucket(group).since,
                triple=key.triple,
                channel=key.channel,
                item=key.item_group,
            )
            if placement is None:
                missing[category, store] = missing.get((category, store), money.ZERO) + group.amount
            else:
                placed.append(Placed(group, category, store, placement))
        return placed, [self._unmapped(*what, amount) for what, amount in sorted(missing.items())]

    def _rule_of_link(self, group: Group, main_store: str) -> AccountRule | None:
        """The rule that makes an unknown triple known to this link."""
        if group.category is not None:
            return None
        key = group.key
        store = self._store(group, main_store)
        since = self._bucket(group).since
        return self.accounts.categorise(key.triple, store, since, channel=key.channel, item=key.item_group)

    def _unmapped(self, category: str, store: str, amount: Decimal) -> Finding:
        return Finding(
            "unmapped_category",
            f"No account is mapped for {category} of {store} ({self._words(amount)} in settlement {self._id}). "
            f'Add a rule for category "{category}", or for it and store "{store}", with mapping import; '
            "then replay the settlement.",
        )

    def _too_long(self, by_period: MappingOf[str, list[Line]], max_lines: int | None) -> Iterable[Finding]:
        longest = max((sum(line.line.posts for line in lines) for lines in by_period.values()), default=0)
        if max_lines is None or longest <= max_lines:
            return
        coarser = _COARSER.get(self.policy.granularity)
        advice = (
            f"Set the link's granularity to {coarser.value} instead of {self.policy.granularity.value}."
            if coarser
            else "Post it by hand: there is no coarser granularity."
        )
        yield Finding(
            "too_many_lines",
            f"An entry of settlement {self._id} has {longest} lines and the ERP takes {max_lines}. {advice}",
        )

    # --- the entries ---

    def _lines(self, store: str, placed: list[Placed], closing: Posting) -> tuple[dict[str, list[Line]], list[Finding]]:
        """Lines by period key in order of time, the closing period last."""
        rows: dict[str, list[Placed]] = {closing.period.key: []}
        for each in placed:
            rows.setdefault(self._bucket(each.group).period or closing.period.key, []).append(each)
        ordered = sorted(rows, key=self._day)
        lines = {key: row_lines(rows[key], self.policy.presentation) for key in ordered}

        findings: list[Finding] = []
        for key in ordered[:-1]:
            findings += self._carry_forward(store, self.calendar.period(key), lines[key], lines[closing.period.key])
        findings += self._last_line(store, closing, lines[closing.period.key])
        return lines, findings

    def _carry_forward(
        self, store: str, period: FiscalPeriod, earlier: list[Line], closing: list[Line]
    ) -> Iterable[Finding]:
        """Balance the entry of an earlier period, and release the same amount in the closing entry."""
        amount = sum((line.line.credit - line.line.debit for line in earlier), money.ZERO)
        if not amount:
            return
        # One placement for both lines: the account must return to zero within this settlement.
        placement = self.accounts.find("carry_forward", store, period.last_day)
        if placement is None:
            yield self._unmapped("carry_forward", store, amount)
            return
        earlier.append(computed_line("carry_forward", store, placement, -amount, f"from {period.name}"))
        closing.append(computed_line("carry_forward", store, placement, amount, f"from {period.name}"))

    def _last_line(self, store: str, closing: Posting, lines: list[Line]) -> Iterable[Finding]:
        total = self.groups.head.total
        if not total:
            return
        category = "payout" if total > 0 else "payable_to_amazon"
        placement = self.accounts.find(category, store, closing.day)
        if placement is None:
            yield self._unmapped(category, store, total)
            return
        why = "in transit" if total > 0 else "owed to Amazon"
        lines.append(computed_line(category, store, placement, -total, why))

    def _entries(
        self, store: str, home: StoreSettings | None, by_period: MappingOf[str, list[Line]], closing: Posting
    ) -> tuple[tuple[JournalEntry, ...], LineageOf]:
        entries: list[JournalEntry] = []
        earlier: list[DocumentKey] = []
        lineage = {}
        for period_key, lines in by_period.items():
            is_closing = period_key == closing.period.key
            day = closing.day if is_closing else self.calendar.period(period_key).last_day
            # The main store's own branch is no part of the key: a later setting must not make a second document of it.
            key = document_key(self.prefix, Kind.JOURNAL_ENTRY, self._id, period_key)
            entry = JournalEntry(
                key=key,
                company=self.references.company,
                branch=home.branch if home else "",
                posting_date=day,
                document_date=day,
                period=period_key,
                currency=self.groups.head.currency,
                reference=self._id,
                memo=f"Amazon settlement {self._id} {store}",
                lines=tuple(line.line for line in lines),
                depends_on=tuple(earlier) if is_closing else (),
            )
            if any(line.posts for line in entry.lines):
                earlier.append(key)
            entries.append(entry)
            lineage.update({(key, number): line.lineage for number, line in enumerate(lines, start=1)})
        return tuple(entries), lineage

    # --- small words ---

    def _day(self, period: str) -> date:
        return self.calendar.period(period).first_day

    @property
    def _id(self) -> str:
        return self.groups.head.settlement_id

    def _words(self, amount: Decimal) -> str:
        return f"{money.text(amount, self.groups.head.currency)} {self.groups.head.currency}"

    def _settings(self, store: str) -> StoreSettings | None:
        return next((s for name, s in self.policy.stores.items() if store_key(name) == store_key(store)), None)

    def _store(self, group: Group, main_store: str) -> str:
        """Blank rows take the main store."""
        return self.spelling[store_key(group.key.store)] if group.key.store.strip() else main_store

    def _bucket(self, group: Group) -> Bucket:
        bucket = group.key.bucket
        if not isinstance(bucket, Bucket):
            raise Inconsistent(f"Settlement {self._id} was grouped by {bucket!r}, not by the link's calendar.")
        return bucket


def _assert_laws(groups: SettlementGroups, entries: tuple[JournalEntry, ...]) -> None:
    """What must hold of every plan. A violation is a defect of ours and must stop before anything is kept."""
    settlement_id = groups.head.settlement_id
    carried: dict[str, Decimal] = {}
    rows = money.ZERO
    for entry in entries:
        if entry.imbalance():
            raise Inconsistent(f"{entry.key} does not balance by {entry.imbalance()}.")
        for line in entry.lines:
            if line.category == "carry_forward":
                carried[line.account] = carried.get(line.account, money.ZERO) + line.credit - line.debit
            elif line.rows_sha256:
                rows += line.credit - line.debit
    if any(carried.values()):
        raise Inconsistent(f"The carry-forward of settlement {settlement_id} does not return to zero.")
    if rows != groups.head.total:
        raise Inconsistent(f"The lines of settlement {settlement_id} sum to {rows}, its total is {groups.head.total}.")
