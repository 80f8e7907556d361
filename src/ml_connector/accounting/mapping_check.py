"""Is everything there that a journal needs? Asked of the ERP's reference data before the first write (ACCOUNTING 3).

``check_mapping`` looks at the rules a person keeps, ``preflight`` at the entries about to be posted, ``suggest`` at the
accounts a person might want. Every finding is a sentence that says what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from typing import Final

from ml_connector.accounting import vocabulary
from ml_connector.accounting.vocabulary import TAX, WITHHELD
from ml_connector.domain import money
from ml_connector.domain.catalog import Account, References
from ml_connector.domain.documents import JournalEntry
from ml_connector.domain.errors import Finding
from ml_connector.domain.mapping import BALANCE_SHEET_ROLES, CATEGORIES, AccountRule, Mapping
from ml_connector.domain.settlements import store_key

#: Below this likeness a suggestion is noise: a choice of ours, not a fact.
LIKENESS_MIN: Final = 0.45

#: What belongs on the account of payouts in transit, besides the payouts.
_IN_TRANSIT: Final = ("failed_payout", "successful_charge")


def check_mapping(
    mapping: Mapping, references: References, currencies: MappingOf[str, str] | None = None
) -> tuple[Finding, ...]:
    """Every rule of ``mapping`` against the ERP. ``currencies`` are the link's stores with their currency (ISO 4217)."""
    accounts = {account.code: account for account in references.accounts}
    findings: dict[Finding, None] = {}
    for rule in mapping.rules:
        if rule.category and rule.category not in CATEGORIES:
            findings[
                Finding(
                    "unknown_category",
                    f'"{rule.category}" is not a category. The categories are listed by mapping export; correct the rule.',
                )
            ] = None
            continue
        used_for = _used_for(rule)
        for finding in _account_findings(rule.placement.account, rule.category, used_for, accounts):
            findings[finding] = None
        account = accounts.get(rule.placement.account)
        if account:
            for finding in _currency_findings(rule, account, currencies or {}):
                findings[finding] = None
        for why in _never(rule, currencies or {}):
            findings[
                Finding(
                    "rule_never_applies",
                    f"The rule for {_used_for(rule)} (account {rule.placement.account}) never applies: {why}. "
                    "Correct it, or take it out.",
                    holds=False,
                )
            ] = None
    for finding in _in_transit_findings(mapping):
        findings[finding] = None
    return tuple(findings)


def _never(rule: AccountRule, currencies: MappingOf[str, str]) -> Iterator[str]:
    """Why a rule decides nothing. A less specific one then does, and nobody would notice."""
    if rule.store and currencies and store_key(rule.store) not in map(store_key, currencies):
        yield f"the link has no such store; it has {', '.join(currencies)}"
    if rule.item_group:
        yield f"no item is in a group {rule.item_group}, because this version keeps no item groups"
    known = vocabulary.shipped().find(rule.triple) if rule.triple and rule.category else None
    if (
        known
        and rule.category not in {known.category, known.if_not_deductible}
        and known.category not in {TAX, WITHHELD}
    ):
        yield f"{' | '.join(rule.triple or ())} is {known.category}"


def _used_for(rule: AccountRule) -> str:
    what = rule.category or str(rule.triple or "everything")
    return f"{what} of {rule.store}" if rule.store else what


def _account_findings(code: str, category: str, used_for: str, accounts: MappingOf[str, Account]) -> Iterator[Finding]:
    """What is wrong with posting ``category`` to the account ``code``, whatever the currency."""
    account = accounts.get(code)
    if account is None:
        yield Finding(
            "account_missing",
            f"Account {code}, mapped for {used_for}, does not exist in the ERP. "
            "Create it there, or map another account.",
        )
        return
    name = f"Account {account.shown_as} ({account.name}), mapped for {used_for},"
    if not account.postable:
        yield Finding("account_not_postable", f"{name} is a title and takes no entries. Map an account below it.")
    if account.frozen:
        yield Finding(
            "account_frozen", f"{name} is frozen or inactive in the ERP. Unfreeze it, or map another account."
        )
    if account.manual_locked:
        yield Finding(
            "account_locked",
            f"{name} is locked for manual journals in the ERP. Remove the lock, or map another account.",
        )
    if account.control is not None:
        yield Finding(
            "account_is_control",
            f"{name} is the control account of {account.control.value} and takes no journal lines. Map another account.",
        )
    if category in BALANCE_SHEET_ROLES and account.profit_and_loss:
        yield Finding(
            "account_is_profit_and_loss",
            f"{name} is a profit-and-loss account; {category} is a balance. Map a balance sheet account.",
        )


def _currency_findings(rule: AccountRule, account: Account, currencies: MappingOf[str, str]) -> Iterator[Finding]:
    """An account kept in one currency takes that one only. A rule for all stores holds only where it fits none of them."""
    if not account.currency:
        return
    wanted = {
        currency
        for store, currency in currencies.items()
        if not rule.store or store_key(store) == store_key(rule.store)
    }
    wrong = sorted(wanted - {account.currency})
    if wrong:
        yield Finding(
            "account_currency",
            f"Account {account.shown_as} ({account.name}), mapped for {_used_for(rule)}, is kept in {account.currency} "
            f"and does not take {', '.join(wrong)}. Map an account of all currencies, or one per store.",
            holds=account.currency not in wanted,
        )


def _in_transit_findings(mapping: Mapping) -> Iterator[Finding]:
    """A failed payout comes back to where the payout went, and a card charge is one in the other direction: the bank line
    closes all of them on one account (ACCOUNTING 4)."""
    stores = {rule.store for rule in mapping.rules}
    days = {rule.since for rule in mapping.rules}
    for store in sorted(stores):
        for day in sorted(days):
            accounts = {
                category: rule.placement.account
                for category in ("payout", *_IN_TRANSIT)
                if (rule := _usual_rule(mapping, category, store, day)) is not None
            }
            for category in _IN_TRANSIT:
                if "payout" in accounts and accounts.get(category, accounts["payout"]) != accounts["payout"]:
                    yield Finding(
                        f"{category}_account",
                        f"{category} is mapped to {accounts[category]} but payout to {accounts['payout']}. "
                        "Map both to the account of payouts in transit.",
                    )


def _usual_rule(mapping: Mapping, category: str, store: str, day: date) -> AccountRule | None:
    return mapping.find(category=category, triple=None, store=store, channel="", item_group="", on=day)


def preflight(entries: Iterable[JournalEntry], references: References) -> tuple[Finding, ...]:
    """What would make the ERP refuse ``entries``, or take them wrongly, asked before the first write."""
    accounts = {account.code: account for account in references.accounts}
    findings: dict[Finding, None] = {}
    for entry in entries:
        for finding in (
            *_entry_findings(entry, references),
            *_line_findings(entry, accounts, _decimals(entry.currency, references)),
        ):
            findings[finding] = None
    return tuple(findings)


def _entry_findings(entry: JournalEntry, references: References) -> Iterator[Finding]:
    if entry.imbalance():
        yield Finding(
            "imbalance",
            f"{entry.key} does not balance by {money.text(entry.imbalance(), entry.currency)} {entry.currency}. "
            "This is a defect of the connector: report it and do not post.",
        )
    if entry.company != references.company:
        yield Finding(
            "other_company",
            f"{entry.key} belongs to company {entry.company}, the connection to {references.company}. "
            "Correct the link's stores.",
        )
    if references.branches and entry.branch not in references.branches:
        yield Finding(
            "branch_missing",
            f"The ERP keeps branches ({', '.join(references.branches)}) and {entry.key} names "
            f"{entry.branch or 'none'}. Set the branch of the store in the link.",
        )
    if all(currency.iso != entry.currency for currency in references.currencies):
        yield Finding(
            "currency_missing",
            f"The ERP has no currency {entry.currency}, needed by {entry.key}. Create it there with an exchange rate.",
        )
    yield from _period_findings(entry, entry.posting_date, references)


def _period_findings(entry: JournalEntry, day: date, references: References) -> Iterator[Finding]:
    periods = [p for p in references.periods if not p.adjustment and p.first_day <= day <= p.last_day]
    if not periods:
        yield Finding(
            "no_fiscal_period",
            f"No fiscal period of the ERP contains {day.isoformat()}, the date of {entry.key}. Create it in the ERP.",
        )
    elif not any(period.open for period in periods):
        yield Finding(
            "closed_period",
            f"Fiscal period {periods[0].name} is closed, and {entry.key} is dated {day.isoformat()}. "
            "Open it in the ERP, or plan again with closed_period = next_open_day.",
        )


def _decimals(currency: str, references: References) -> int:
    """The ERP's own decimals of ``currency``; ISO's where it does not have it (that is a finding of its own)."""
    return next((c.decimals for c in references.currencies if c.iso == currency), money.minor_units(currency))


def _line_findings(entry: JournalEntry, accounts: MappingOf[str, Account], decimals: int) -> Iterator[Finding]:
    for line in entry.lines:
        if not line.posts:
            continue
        yield from _account_findings(line.account, line.category, f"{line.category} of {line.store}", accounts)
        account = accounts.get(line.account)
        if account and account.currency not in {"", entry.currency}:
            yield Finding(
                "account_currency",
                f"Account {account.shown_as} ({account.name}), mapped for {line.category} of {line.store}, is kept in "
                f"{account.currency} and does not take {entry.currency}. Map an account of all currencies.",
            )
        amount = line.debit or line.credit
        if amount != round(amount, decimals):
            yield Finding(
                "too_many_decimals",
                f"{line.category} of {line.store} is {amount} {entry.currency}, and the ERP keeps {decimals} decimals. "
                "Raise the decimals of the currency in the ERP: an amount is never rounded.",
            )


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An account that a category may belong to. ``likeness`` is 0 to 1, of names only: a person decides."""

    category: str
    account: str
    name: str
    likeness: float


def suggest(
    references: References, categories: Iterable[str] = CATEGORIES, *, at_most: int = 3
) -> tuple[Suggestion, ...]:
    """For each category the accounts whose names are most like it, best first, among those that may be used for it."""
    accounts = {account.code: account for account in references.accounts}
    found: list[Suggestion] = []
    for category in sorted(categories):
        ranked = sorted(
            (
                Suggestion(category, account.code, account.name, _likeness(category, account.name))
                for account in references.accounts
                if not any(_account_findings(account.code, category, category, accounts))
                and not (account.profit_and_loss is False and category not in BALANCE_SHEET_ROLES)
            ),
            key=lambda suggestion: (-suggestion.likeness, suggestion.account),
        )
        found += [suggestion for suggestion in ranked[:at_most] if suggestion.likeness >= LIKENESS_MIN]
    return tuple(found)


def _likeness(category: str, name: str) -> float:
    """How alike two names are, whatever the order of their words."""
    ours = " ".join(sorted(category.replace("_", " ").casefold().split()))
    theirs = " ".join(sorted(name.casefold().replace("-", " ").split()))
    return SequenceMatcher(None, ours, theirs, autojunk=False).ratio()
