"""From groups to the lines of one entry: placed, presented net or gross, in a fixed order (ACCOUNTING 3, 4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from ml_connector.accounting.lineage import Lineage, Part, Sign
from ml_connector.domain import money
from ml_connector.domain.documents import LABEL_END, JournalLine, label
from ml_connector.domain.mapping import AccountRule, Mapping, Placement, Presentation
from ml_connector.domain.settlements import Group, Triple, store_key

#: The order of an entry's lines, as in the worked example of ACCOUNTING 4; the last line comes last.
CATEGORY_ORDER: Final = (
    "product_sales",
    "product_refunds",
    "goodwill",
    "shipping_income",
    "shipping_refunds",
    "gift_wrap_income",
    "gift_wrap_refunds",
    "cod_income",
    "promotions",
    "promotion_refunds",
    "points",
    "facilitator_tax_wash",
    "sales_tax_payable",
    "vat_on_fees",
    "income_tax_withheld",
    "gst_tcs",
    "referral_fees",
    "referral_fee_refunds",
    "refund_administration_fees",
    "closing_fees",
    "digital_services_fees",
    "other_selling_fees",
    "fba_fulfilment_fees",
    "shipping_chargebacks",
    "return_processing_fees",
    "reimbursements",
    "liquidation_sales",
    "liquidation_fees",
    "other_income",
    "advertising",
    "coupons",
    "deals",
    "vine",
    "subscription",
    "adjustments",
    "shipping_labels",
    "inbound_freight",
    "storage_fees",
    "long_term_storage_fees",
    "removal_fees",
    "capacity_fees",
    "suspense",
    "inter_store_transfer",
    "loan_repayment",
    "failed_payout",
    "successful_charge",
    "reserve",
    "payable_to_amazon",
    "carry_forward",
    "payout",
)
_RANK: Final = {category: rank for rank, category in enumerate(CATEGORY_ORDER)}

#: Balances with Amazon whose ups and downs must both be seen, whatever the presentation (ACCOUNTING 4).
ALWAYS_GROSS: Final = frozenset({"reserve", "payable_to_amazon"})

_SIDES: Final = {Sign.ALL: "", Sign.CREDITS: "credits", Sign.DEBITS: "debits"}


@dataclass(frozen=True, slots=True)
class Placed:
    """A group with its category and store decided, and the account its rows go to."""

    group: Group
    category: str
    store: str
    placement: Placement


class _LineKey(NamedTuple):
    """Two contributions with the same key are one line. Sorts in the order of the entry's lines."""

    rank: int
    category: str
    store: str
    tax: str
    detail: str
    side: Sign
    account: str
    dimensions: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Sum:
    store: str
    amount: Decimal
    parts: list[Part]


class Line(NamedTuple):
    """A planned line with the rows behind it."""

    line: JournalLine
    lineage: Lineage


@dataclass(frozen=True, slots=True)
class Accounts:
    """The second half of the mapping: ``mappings`` are asked in turn, the first that has a rule decides."""

    mappings: tuple[Mapping, ...]

    def find(
        self, category: str, store: str, on: date, *, triple: Triple | None = None, channel: str = "", item: str = ""
    ) -> Placement | None:
        for mapping in self.mappings:
            rule = mapping.find(category=category, triple=triple, store=store, channel=channel, item_group=item, on=on)
            if rule is not None:
                return rule.placement
        return None

    def categorise(self, triple: Triple, store: str, on: date, *, channel: str, item: str) -> AccountRule | None:
        """What a rule of the link makes of a triple that the shipped vocabulary does not know."""
        for mapping in self.mappings:
            rule = mapping.categorise(triple, store=store, channel=channel, item_group=item, on=on)
            if rule is not None:
                return rule
        return None


def row_lines(placed: Iterable[Placed], presentation: Presentation) -> list[Line]:
    """One line per (category, store, tax treatment, account, detail), and per side where the presentation is gross."""
    sums: dict[_LineKey, _Sum] = {}
    for each in placed:
        key = each.group.key
        for side, amount, part in _contributions(each, presentation):
            line = _LineKey(
                _RANK[each.category],
                each.category,
                store_key(each.store),
                key.tax.value if key.tax else "",
                key.detail,
                side,
                each.placement.account,
                each.placement.dimensions,
            )
            found = sums.setdefault(line, _Sum(each.store, money.ZERO, []))
            found.amount += amount
            found.parts.append(part)
    return [_line(key, sums[key]) for key in sorted(sums)]


def _contributions(placed: Placed, presentation: Presentation) -> Sequence[tuple[Sign, Decimal, Part]]:
    group = placed.group
    if presentation is Presentation.NET and placed.category not in ALWAYS_GROSS:
        return ((Sign.ALL, group.amount, Part(group.rows_sha256, group.rows)),)
    if not group.negative:
        return ((Sign.CREDITS, group.positive, Part(group.rows_sha256, group.rows)),)
    if not group.positive:
        return ((Sign.DEBITS, group.negative, Part(group.rows_sha256, group.rows)),)
    return (
        (Sign.CREDITS, group.positive, Part(group.rows_sha256, group.rows, Sign.CREDITS)),
        (Sign.DEBITS, group.negative, Part(group.rows_sha256, group.rows, Sign.DEBITS)),
    )


def _line(key: _LineKey, total: _Sum) -> Line:
    lineage = Lineage(tuple(total.parts))
    said = [label(key.category, total.store), *(word for word in (key.detail, key.tax, _SIDES[key.side]) if word)]
    placement = Placement(key.account, key.dimensions)
    return Line(
        signed_line(key.category, total.store, placement, total.amount, LABEL_END.join(said), lineage),
        lineage,
    )


def computed_line(category: str, store: str, placement: Placement, amount: Decimal, why: str) -> Line:
    """A line that no row of the file carries. ``amount`` is signed: positive credits."""
    text = LABEL_END.join((label(category, store), why))
    return Line(signed_line(category, store, placement, amount, text, Lineage()), Lineage())


def signed_line(
    category: str, store: str, placement: Placement, amount: Decimal, text: str, lineage: Lineage
) -> JournalLine:
    """Positive credits the account, negative debits it."""
    return JournalLine(
        category=category,
        store=store,
        account=placement.account,
        debit=-amount if amount < 0 else money.ZERO,
        credit=amount if amount > 0 else money.ZERO,
        text=text,
        dimensions=placement.dimensions,
        rows=lineage.count,
        rows_sha256=lineage.sha256,
    )
