"""What other settlements need to know of this one: a few sums of its groups."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from ml_connector.domain import money
from ml_connector.domain.mapping import fold_label
from ml_connector.domain.settlements import SettlementFacts, SettlementGroups

#: How the two reserve rows of a file are told apart: the settlement before, and this one (settlement dossier, section 9).
_PREVIOUS: Final = fold_label("Previous Reserve Amount Balance")


def facts_of(groups: SettlementGroups) -> SettlementFacts:
    """What the chains need to know of one file. Failed payouts are told apart as far as the groups do: two in one group
    are one sum, which then matches no payout and is named as unmatched."""
    sums = {
        "previous": money.ZERO,
        "current": money.ZERO,
        "payable_to_amazon": money.ZERO,
        "successful_charge": money.ZERO,
    }
    failed: list[Decimal] = []
    for group in groups.groups:
        role = group.category or ""
        if role == "reserve":
            role = "previous" if fold_label(group.key.triple.amount_description) == _PREVIOUS else "current"
        if role in sums:
            sums[role] += group.amount
        elif role == "failed_payout":
            failed.append(group.amount)
    head = groups.head
    return SettlementFacts(
        settlement_id=head.settlement_id,
        currency=head.currency,
        main_store=groups.main_store,
        start=head.start,
        end=head.end,
        total=head.total,
        previous_reserve=sums["previous"],
        current_reserve=sums["current"],
        payable=sums["payable_to_amazon"],
        charged=sums["successful_charge"],
        failed_payouts=tuple(failed),
    )
