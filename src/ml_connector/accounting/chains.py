"""What one settlement says about the others (ACCOUNTING 3, 4 and 7; settlement dossier, sections 9 and 11).

Chains run within a store group: (selling account, currency, main store). The facts given here are those of one selling
account. No finding of this module holds a settlement: a break means that *another* file is missing or wrong, and this one
is complete in itself. What holds is a first file that does not fit the opening sheet (``opening``) and a main store that
cannot be decided. The proof of a settlement counts the breaks (:data:`BREAKS`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from ml_connector.domain import money
from ml_connector.domain.errors import Finding
from ml_connector.domain.settlements import SettlementFacts, store_key

#: Codes that make check 6 of a proof fail.
BREAKS: Final = frozenset(
    {
        "reserve_chain_break",
        "payable_chain_break",
        "failed_payout_unmatched",
        "opening_reserve_differs",
        "opening_boundary_differs",
        "opening_sheet_missing",
    }
)

#: A store group: currency and folded main store ("" while undecided).
StoreGroup = tuple[str, str]


def store_group(facts: SettlementFacts) -> StoreGroup:
    return facts.currency, store_key(facts.main_store or "")


def in_order(settlements: Iterable[SettlementFacts]) -> list[SettlementFacts]:
    """In order of time; settlements of the same period by their id."""
    return sorted(settlements, key=lambda facts: (facts.start, facts.end, facts.settlement_id))


def check_chains(
    settlements: Iterable[SettlementFacts], opening_payable: Mapping[StoreGroup, Decimal] | None = None
) -> dict[str, tuple[Finding, ...]]:
    """Findings by settlement id, an empty tuple where all is well. None of them holds.

    ``opening_payable`` is what was owed to Amazon at the start (>= 0), by store group. Main stores should be decided first
    (:func:`with_main_stores`).
    """
    groups: dict[StoreGroup, list[SettlementFacts]] = {}
    for facts in in_order(settlements):
        groups.setdefault(store_group(facts), []).append(facts)
    findings: dict[str, list[Finding]] = {f.settlement_id: [] for members in groups.values() for f in members}
    for group, members in groups.items():
        owed = (opening_payable or {}).get(group, money.ZERO)
        for found in (_reserve_chain(members), _payable_chain(members, owed), _failed_payouts(members)):
            for settlement_id, finding in found:
                findings[settlement_id].append(finding)
    return {settlement_id: tuple(found) for settlement_id, found in findings.items()}


def predecessor(facts: SettlementFacts, members: Sequence[SettlementFacts]) -> SettlementFacts | None:
    """The settlement that ``facts`` follows in its store group: of those that end where it starts, the one whose reserve it
    takes over; else the last one that ended before. None for the first."""
    earlier = [other for other in members if other.settlement_id != facts.settlement_id and _before(other, facts)]
    touching = [other for other in earlier if other.end == facts.start]
    fitting = [other for other in touching if -other.current_reserve == facts.previous_reserve]
    for candidates in (fitting, touching, earlier):
        if candidates:
            return max(candidates, key=lambda other: (other.end, other.settlement_id))
    return None


def _before(a: SettlementFacts, b: SettlementFacts) -> bool:
    return (a.start, a.end, a.settlement_id) < (b.start, b.end, b.settlement_id)


def _words(amount: Decimal, facts: SettlementFacts) -> str:
    return f"{money.text(amount, facts.currency)} {facts.currency}"


def _reserve_chain(members: Sequence[SettlementFacts]) -> Iterator[tuple[str, Finding]]:
    """Previous(n+1) = -Current(n), and periods that touch."""
    for facts in members:
        before = predecessor(facts, members)
        if before is None:
            continue
        where = f"{facts.main_store or 'the same store'} in {facts.currency}"
        kept = -before.current_reserve
        if kept != facts.previous_reserve:
            missing = (
                f"that begins on {before.end:%Y-%m-%d %H:%M} UTC with a previous reserve of {_words(kept, facts)}"
                if before.end == facts.start
                else f"between {before.end:%Y-%m-%d %H:%M} UTC and {facts.start:%Y-%m-%d %H:%M} UTC"
            )
            yield (
                facts.settlement_id,
                Finding(
                    "reserve_chain_break",
                    f"Settlement {facts.settlement_id} takes over a reserve of {_words(facts.previous_reserve, facts)}, "
                    f"but {before.settlement_id} before it kept {_words(kept, facts)}. "
                    f"A settlement of {where} {missing} is missing: import it.",
                    holds=False,
                ),
            )
        elif before.end < facts.start:
            yield (
                facts.settlement_id,
                Finding(
                    "settlement_gap",
                    f"No settlement of {where} covers {before.end:%Y-%m-%d %H:%M} UTC to "
                    f"{facts.start:%Y-%m-%d %H:%M} UTC, between {before.settlement_id} and {facts.settlement_id}. "
                    "Look in Seller Central whether one is missing, and import it.",
                    holds=False,
                ),
            )


def _payable_chain(members: Sequence[SettlementFacts], opening: Decimal) -> Iterator[tuple[str, Finding]]:
    """What *Payable to Amazon* takes back is the total of an earlier settlement that went negative.

    In which later file the debt comes back was not verified (settlement dossier, 15.4), so any earlier one will do.
    """
    debts: list[tuple[str, Decimal]] = [("the opening sheet", -opening)] if opening else []
    for facts in members:
        if facts.payable:
            paid = next((debt for debt in debts if debt[1] == facts.payable), None)
            if paid:
                debts.remove(paid)
            else:
                open_debts = ", ".join(f"{whose}: {_words(-debt, facts)}" for whose, debt in debts) or "none"
                yield (
                    facts.settlement_id,
                    Finding(
                        "payable_chain_break",
                        f"Settlement {facts.settlement_id} takes back a debt of {_words(-facts.payable, facts)} that no "
                        f"earlier settlement left (open debts: {open_debts}). Import the settlement that went negative, "
                        "or enter the debt in the opening sheet.",
                        holds=False,
                    ),
                )
        if facts.total < 0:
            debts.append((facts.settlement_id, facts.total))


def _failed_payouts(members: Sequence[SettlementFacts]) -> Iterator[tuple[str, Finding]]:
    """A failed payout names the settlement whose total it returns."""
    returned: set[str] = set()
    for facts in members:
        for amount in facts.failed_payouts:
            candidates = [
                other
                for other in members
                if _before(other, facts) and other.total == amount and other.settlement_id not in returned
            ]
            if candidates:
                payout = candidates[-1]
                returned.add(payout.settlement_id)
                finding = Finding(
                    "failed_payout",
                    f"Settlement {facts.settlement_id} returns the payout of {_words(amount, facts)} of settlement "
                    f"{payout.settlement_id}: it never reached the bank. Correct the bank account in Seller Central.",
                    holds=False,
                )
            else:
                finding = Finding(
                    "failed_payout_unmatched",
                    f"Settlement {facts.settlement_id} returns a payout of {_words(amount, facts)}, but no earlier "
                    "settlement paid that amount. Import the settlement it belongs to, or look in Seller Central.",
                    holds=False,
                )
            yield facts.settlement_id, finding


# --- main store --------------------------------------------------------------------------------------------------------


def decide_main_store(
    facts: SettlementFacts, others: Iterable[SettlementFacts], link_stores: Sequence[str]
) -> str | Finding:
    """The main store of a settlement whose file did not decide it (ACCOUNTING 3), or the finding that holds it.

    First by chain: the settlement of the same currency that ends where this one starts and whose reserve this one takes
    over. Else the link's only store in this currency (``link_stores``). Several or none hold.
    """
    if facts.main_store is not None:
        return facts.main_store
    by_chain = {
        store_key(other.main_store): other.main_store
        for other in in_order(others)
        if other.main_store is not None
        and other.currency == facts.currency
        and other.end == facts.start
        and -other.current_reserve == facts.previous_reserve
    }
    if len(by_chain) == 1:
        return next(iter(by_chain.values()))
    if len({store_key(store) for store in link_stores}) == 1:
        return link_stores[0]
    stores = ", ".join(link_stores) or "none"
    return Finding(
        "main_store_unclear",
        f"Settlement {facts.settlement_id} ({facts.currency}) names no store that decides where its account rows belong, "
        f"no single settlement before it hands over a reserve of {_words(facts.previous_reserve, facts)}, and the link has "
        f"no single store in {facts.currency} ({stores}). Import the settlement before it, or link one store only.",
    )


def with_main_stores(
    settlements: Iterable[SettlementFacts], link_stores: Mapping[str, Sequence[str]]
) -> tuple[tuple[SettlementFacts, ...], tuple[tuple[str, Finding], ...]]:
    """All facts with main stores decided in order of time, and (settlement id, finding) where one could not be.

    ``link_stores`` are the link's stores by currency. A decided settlement helps to decide the one after it.
    """
    decided: list[SettlementFacts] = []
    findings: list[tuple[str, Finding]] = []
    for facts in in_order(settlements):
        store = decide_main_store(facts, decided, link_stores.get(facts.currency, ()))
        if isinstance(store, Finding):
            findings.append((facts.settlement_id, store))
            decided.append(facts)
        else:
            decided.append(replace(facts, main_store=store))
    return tuple(decided), tuple(findings)
