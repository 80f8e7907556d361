"""What the chain checks of other settlements need to know of this one (ACCOUNTING 4 and 7; settlement dossier, section 9)."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from ml_connector.accounting.row_proof import row_ticks
from ml_connector.domain import money
from ml_connector.domain.errors import Inconsistent
from ml_connector.domain.mapping import fold_label
from ml_connector.domain.settlement_rows import RefusedSettlement, SettlementRows
from ml_connector.domain.settlements import Group, SettlementFacts, SettlementGroups

_PREVIOUS: Final = fold_label("Previous Reserve Amount Balance")
_CURRENT: Final = fold_label("Current Reserve Amount")


def settlement_facts(groups: SettlementGroups, rows: SettlementRows) -> SettlementFacts:
    """The facts of a settlement. ``rows`` is the file of ``groups``: failed payouts are told one by one, so that it is read
    again where several fall into one group."""
    return SettlementFacts(
        settlement_id=groups.head.settlement_id,
        currency=groups.head.currency,
        main_store=groups.main_store,
        start=groups.head.start,
        end=groups.head.end,
        total=groups.head.total,
        previous_reserve=_sum(g for g in _of(groups, "reserve") if _description(g) == _PREVIOUS),
        current_reserve=_sum(g for g in _of(groups, "reserve") if _description(g) == _CURRENT),
        payable=_sum(_of(groups, "payable_to_amazon")),
        charged=_sum(_of(groups, "successful_charge")),
        failed_payouts=_singly(_of(groups, "failed_payout"), rows),
    )


def _of(groups: SettlementGroups, category: str) -> list[Group]:
    return [group for group in groups.groups if group.category == category]


def _description(group: Group) -> str:
    return fold_label(group.key.triple.amount_description)


def _sum(groups: Iterable[Group]) -> Decimal:
    return sum((group.amount for group in groups), money.ZERO)


def _singly(groups: list[Group], rows: SettlementRows) -> tuple[Decimal, ...]:
    """The amounts of the groups' rows, in file order."""
    if all(group.rows.count == 1 for group in groups):
        ordered = sorted(groups, key=lambda group: next(iter(group.rows)))
        return tuple(group.amount for group in ordered)
    found = row_ticks(rows, [group.rows for group in groups])
    if isinstance(found, RefusedSettlement):
        raise Inconsistent("The settlement file cannot be read any more as it was when it was grouped.")
    return tuple(money.amount_from_ticks(ticks) for ticks in found)
