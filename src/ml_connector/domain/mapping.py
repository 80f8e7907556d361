"""The second half of the mapping: from a category to the ERP's account (ACCOUNTING 3).

The first half (triple -> category) ships with the product: ``accounting.vocabulary``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from ml_connector.domain.settlements import Granularity, Triple, store_key

#: Every category there is (ACCOUNTING 2), and the two lines that no row of the file carries by itself:
#: ``payout`` is the last line (payouts in transit), ``carry_forward`` joins the periods of one settlement.
INCOME = frozenset(
    {
        "product_sales",
        "shipping_income",
        "gift_wrap_income",
        "cod_income",
        "reimbursements",
        "liquidation_sales",
        "other_income",
    }
)
CONTRA_INCOME = frozenset(
    {
        "product_refunds",
        "shipping_refunds",
        "gift_wrap_refunds",
        "goodwill",
        "promotions",
        "promotion_refunds",
        "points",
    }
)
TAX = frozenset({"facilitator_tax_wash", "sales_tax_payable", "vat_on_fees", "income_tax_withheld", "gst_tcs"})
EXPENSE = frozenset(
    {
        "referral_fees",
        "referral_fee_refunds",
        "refund_administration_fees",
        "closing_fees",
        "digital_services_fees",
        "other_selling_fees",
        "fba_fulfilment_fees",
        "shipping_chargebacks",
        "shipping_labels",
        "inbound_freight",
        "storage_fees",
        "long_term_storage_fees",
        "removal_fees",
        "return_processing_fees",
        "liquidation_fees",
        "capacity_fees",
        "advertising",
        "coupons",
        "deals",
        "vine",
        "subscription",
        "adjustments",
    }
)
BALANCE_SHEET = frozenset(
    {
        "reserve",
        "payable_to_amazon",
        "successful_charge",
        "failed_payout",
        "inter_store_transfer",
        "loan_repayment",
        "payout",
        "carry_forward",
        "suspense",
    }
)
CATEGORIES = INCOME | CONTRA_INCOME | TAX | EXPENSE | BALANCE_SHEET

#: Roles that must not sit on a P&L account (ACCOUNTING 3).
BALANCE_SHEET_ROLES = BALANCE_SHEET | TAX


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a line goes: the ERP's own account code, and dimensions by the ERP's own names, sorted by name."""

    account: str
    dimensions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class AccountRule:
    """One row of the mapping. Empty fields match everything; ``since`` is the first accounting date it applies to."""

    placement: Placement
    category: str = ""
    triple: Triple | None = None
    store: str = ""
    channel: str = ""
    item_group: str = ""
    since: date = date.min

    def precedence(self) -> tuple[int, int, int]:
        """Greater wins: triple + store; triple; category + store + channel + item group; category + store; category."""
        narrow = bool(self.channel) + bool(self.item_group)
        return (int(self.triple is not None), int(bool(self.store)), narrow)

    def fits(self, store: str, channel: str, item_group: str, on: date) -> bool:
        """Whether the rule is in force on ``on`` and for such a row, whatever its label."""
        return (
            self.since <= on
            and (not self.store or store_key(self.store) == store_key(store))
            and (not self.channel or self.channel == channel)
            and (not self.item_group or self.item_group == item_group)
        )


@dataclass(frozen=True, slots=True)
class Mapping:
    """A version of a link's mapping. ``sha256`` is its identity in plans."""

    version: int
    rules: tuple[AccountRule, ...]
    _by_category: dict[str, list[AccountRule]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for rule in self.rules:
            self._by_category.setdefault(rule.category, []).append(rule)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(json.dumps(rules_to_data(self.rules), sort_keys=True).encode()).hexdigest()

    def find(
        self, *, category: str, triple: Triple | None, store: str, channel: str, item_group: str, on: date
    ) -> AccountRule | None:
        """The rule in force on ``on`` with the highest precedence, the latest ``since`` among equals; None if unmapped."""
        candidates = (
            rule
            for rule in (*self._by_category.get(category, ()), *self._by_category.get("", ()))
            if (rule.triple is None or (triple is not None and _same_triple(rule.triple, triple)))
            and rule.fits(store, channel, item_group, on)
        )
        return _best(candidates)

    def categorise(self, triple: Triple, *, store: str, channel: str, item_group: str, on: date) -> AccountRule | None:
        """The rule that gives a triple which the shipped vocabulary does not know its category and its account: it names
        both. ``carry_forward`` is no category of a row."""
        candidates = (
            rule
            for rule in self.rules
            if rule.category not in {"", "carry_forward"}
            and rule.triple is not None
            and _same_triple(rule.triple, triple)
            and rule.fits(store, channel, item_group, on)
        )
        return _best(candidates)


def _best(candidates: Iterable[AccountRule]) -> AccountRule | None:
    return max(candidates, key=lambda rule: (rule.precedence(), rule.since), default=None)


def fold_label(text: str) -> str:
    """A label of the file folded for comparison: case, ``-``, ``_`` and spaces do not tell labels apart."""
    return text.casefold().replace("-", "").replace("_", "").replace(" ", "")


def _same_triple(a: Triple, b: Triple) -> bool:
    return all(fold_label(x) == fold_label(y) for x, y in zip(a, b, strict=True))


def rules_to_data(rules: tuple[AccountRule, ...]) -> list[dict[str, object]]:
    """The rules as plain JSON data, in a stable order."""
    return [
        {
            "category": rule.category,
            "triple": list(rule.triple) if rule.triple else None,
            "store": rule.store,
            "channel": rule.channel,
            "item_group": rule.item_group,
            "since": rule.since.isoformat(),
            "account": rule.placement.account,
            "dimensions": dict(rule.placement.dimensions),
        }
        for rule in rules
    ]


class Policy(StrEnum):
    """How revenue is recognised (ACCOUNTING 1). Only what this version can do is here."""

    SETTLEMENT_SUMMARY = "settlement_summary"


class ClosedPeriod(StrEnum):
    """What happens to a row whose fiscal period is closed (ACCOUNTING 5)."""

    HOLD = "hold"
    NEXT_OPEN_DAY = "next_open_day"


class Presentation(StrEnum):
    """``net``: one line per category, side by the sign of the sum. ``gross``: debits and credits apart."""

    NET = "net"
    GROSS = "gross"


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """What a link knows of one store. ``zone`` is IANA; ``company`` and ``branch`` are the ERP's own ids or "".

    ``prices_include_tax`` says what buyers pay there by law: rows of its sales are net only where tax has rows of its own.
    """

    zone: str
    company: str = ""
    branch: str = ""
    always_facilitated: bool = False
    vat_on_fees_deductible: bool = True
    prices_include_tax: bool = False


@dataclass(frozen=True, slots=True)
class AccountingPolicy:
    """What the books of one link look like. Part of every plan's hash."""

    policy: Policy
    closed_period: ClosedPeriod
    stores: MappingOf[str, StoreSettings]
    granularity: Granularity = Granularity.SETTLEMENT
    presentation: Presentation = Presentation.NET
    period_split: bool = True
    suspense: bool = False
    item_groups: MappingOf[str, str] = field(default_factory=dict)
