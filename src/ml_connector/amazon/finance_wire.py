"""Money as Amazon's Finances and Transfers write it, and what we make of it (SP-API dossier, sections 15 to 17).

Amounts are JSON numbers, read as exact decimals. ``breakdowns`` may be null, empty or absent; almost nothing is required by the
models, so what we cannot do without is required here.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

import msgspec

from ml_connector.amazon.wire import Currency, Wire, instant, moment, optional_instant, plain_text
from ml_connector.domain import money
from ml_connector.domain.errors import BadAnswer
from ml_connector.domain.finances import (
    SETTLEMENT_ID,
    Balance,
    Breakdown,
    Deferral,
    Identifier,
    Payout,
    PayoutStep,
    Summary,
    Transaction,
    TransactionItem,
)
from ml_connector.domain.money import Money

#: Trees deeper than this are no trees of money.
_DEPTH_MAX: Final = 32


class _Amount(Wire, frozen=True):
    currency_code: Currency
    currency_amount: Decimal


class _Breakdown(Wire, frozen=True):
    breakdown_type: str = ""
    breakdown_amount: _Amount | None = None
    breakdowns: tuple[_Breakdown, ...] | None = None


class _Identifier(Wire, frozen=True):
    related_identifier_name: str = ""
    related_identifier_value: str = ""


class _ItemIdentifier(Wire, frozen=True):
    item_related_identifier_name: str = ""
    item_related_identifier_value: str = ""


class _Context(Wire, frozen=True):
    """All kinds of context in one: ``context_type`` says which members count."""

    context_type: str = ""
    asin: str | None = None
    sku: str | None = None
    quantity_shipped: int | None = None
    fulfillment_network: str | None = None
    deferral_reason: str | None = None
    maturity_date: str | None = None


class _Item(Wire, frozen=True):
    description: str | None = None
    related_identifiers: tuple[_ItemIdentifier, ...] | None = None
    total_amount: _Amount | None = None
    breakdowns: tuple[_Breakdown, ...] | None = None
    contexts: tuple[_Context, ...] | None = None


class _Seller(Wire, frozen=True):
    account_type: str | None = None
    marketplace_id: str | None = None


class _Marketplace(Wire, frozen=True):
    marketplace_id: str | None = None
    marketplace_name: str | None = None


class _Transaction(Wire, frozen=True):
    transaction_type: str
    posted_date: str
    total_amount: _Amount
    transaction_id: str | None = None
    transaction_status: str | None = None
    description: str | None = None
    selling_partner_metadata: _Seller | None = None
    marketplace_details: _Marketplace | None = None
    related_identifiers: tuple[_Identifier, ...] | None = None
    items: tuple[_Item, ...] | None = None
    contexts: tuple[_Context, ...] | None = None
    breakdowns: tuple[_Breakdown, ...] | None = None


class BalanceWire(Wire, frozen=True):
    balance_type: str
    amount: _Amount
    partner_metadata: _Seller | None = None
    balances: tuple[BalanceWire, ...] | None = None
    as_of_date: str | None = None
    last_updated_time: str | None = None


class SummaryWire(Wire, frozen=True):
    net_proceeds: _Amount
    partner_metadata: _Seller | None = None
    related_identifiers: tuple[_Identifier, ...] | None = None
    breakdowns: tuple[_Breakdown, ...] | None = None
    period_start: str | None = None
    period_end: str | None = None


class _Step(Wire, frozen=True):
    status: str
    last_updated_date: str
    failure_reason: str | None = None


class _Period(Wire, frozen=True):
    start_date: str
    end_date: str | None = None


class PayoutWire(Wire, frozen=True):
    id: str
    current_status: str
    status_history: tuple[_Step, ...] | None = None
    partner_metadata: _Seller | None = None
    type: str | None = None
    amount: _Amount | None = None
    account_tail: str | None = None
    creation_date: str | None = None
    trace_id: str | None = None
    period: _Period | None = None
    related_identifiers: tuple[_Identifier, ...] | None = None


def read_transaction(raw: bytes | msgspec.Raw) -> Transaction:
    """The transaction in ``raw``. Raises :class:`BadAnswer` with the place for anything that is not one: a missing amount or date,
    an amount that is none, two currencies, a tree without end."""
    try:
        wire = msgspec.json.decode(raw, type=_Transaction)
    except (ValueError, RecursionError) as error:
        raise BadAnswer(f"{error}", code="unreadable_transaction") from error
    currency = wire.total_amount.currency_code
    seller, store = wire.selling_partner_metadata or _Seller(), wire.marketplace_details or _Marketplace()
    return Transaction(
        transaction_id=plain_text(wire.transaction_id),
        kind=plain_text(wire.transaction_type),
        status=plain_text(wire.transaction_status).upper(),
        description=plain_text(wire.description),
        posted=instant(wire.posted_date),
        currency=currency,
        amount=money.amount_from_number(wire.total_amount.currency_amount),
        account_type=plain_text(seller.account_type),
        marketplace_id=plain_text(store.marketplace_id or seller.marketplace_id),
        marketplace=plain_text(store.marketplace_name),
        identifiers=_identifiers(wire.related_identifiers),
        items=tuple(_item(item, currency) for item in wire.items or ()),
        breakdowns=_breakdowns(wire.breakdowns, currency),
        deferral=_deferral(wire.contexts),
    )


def balance(wire: BalanceWire, depth: int = 0) -> Balance:
    """A balance and what is below it. Raises :class:`BadAnswer`."""
    _refuse_abyss(depth)
    seller = wire.partner_metadata or _Seller()
    said = wire.as_of_date or wire.last_updated_time
    return Balance(
        kind=plain_text(wire.balance_type),
        amount=_money(wire.amount),
        account_type=plain_text(seller.account_type),
        marketplace_id=plain_text(seller.marketplace_id),
        as_of=moment(said) if said else None,
        below=tuple(balance(part, depth + 1) for part in wire.balances or ()),
    )


def summary(wire: SummaryWire) -> Summary:
    """A summary. Raises :class:`BadAnswer`."""
    seller = wire.partner_metadata or _Seller()
    return Summary(
        proceeds=_money(wire.net_proceeds),
        settlement_id=_settlement(wire.related_identifiers),
        account_type=plain_text(seller.account_type),
        marketplace_id=plain_text(seller.marketplace_id),
        start=moment(wire.period_start) if wire.period_start else None,
        end=moment(wire.period_end) if wire.period_end else None,
        breakdowns=_breakdowns(wire.breakdowns, wire.net_proceeds.currency_code),
    )


def payout(wire: PayoutWire) -> Payout:
    """A payout. Raises :class:`BadAnswer`."""
    seller = wire.partner_metadata or _Seller()
    return Payout(
        id=plain_text(wire.id),
        status=plain_text(wire.current_status).upper(),
        steps=tuple(
            PayoutStep(
                plain_text(step.status).upper(), instant(step.last_updated_date), plain_text(step.failure_reason)
            )
            for step in wire.status_history or ()
        ),
        amount=_money(wire.amount) if wire.amount else None,
        settlement_id=_settlement(wire.related_identifiers),
        kind=plain_text(wire.type),
        created=optional_instant(wire.creation_date),
        start=optional_instant(wire.period.start_date if wire.period else None),
        end=optional_instant(wire.period.end_date if wire.period else None),
        account_type=plain_text(seller.account_type),
        marketplace_id=plain_text(seller.marketplace_id),
        account_tail=plain_text(wire.account_tail),
        trace_id=plain_text(wire.trace_id),
    )


def _money(wire: _Amount) -> Money:
    return Money(money.amount_from_number(wire.currency_amount), wire.currency_code)


def _amount(wire: _Amount, currency: str) -> Decimal:
    if wire.currency_code != currency:
        raise BadAnswer(f"it is in two currencies, {currency} and {wire.currency_code}", code="two_currencies")
    return money.amount_from_number(wire.currency_amount)


def _breakdowns(wires: Iterable[_Breakdown] | None, currency: str, depth: int = 0) -> tuple[Breakdown, ...]:
    _refuse_abyss(depth)
    return tuple(
        Breakdown(
            plain_text(wire.breakdown_type),
            _node_amount(wire, currency),
            _breakdowns(wire.breakdowns, currency, depth + 1),
        )
        for wire in wires or ()
    )


def _node_amount(wire: _Breakdown, currency: str) -> Decimal:
    """A branch may go without an amount, its leaves have them; a leaf may not: it is no zero."""
    if wire.breakdown_amount is not None:
        return _amount(wire.breakdown_amount, currency)
    if wire.breakdowns:
        return money.ZERO
    raise BadAnswer(f"{plain_text(wire.breakdown_type)[:40]!r} has no amount", code="bad_amount")


def _refuse_abyss(depth: int) -> None:
    if depth > _DEPTH_MAX:
        raise BadAnswer(f"a tree of amounts is deeper than {_DEPTH_MAX} levels", code="too_deep")


def _item(wire: _Item, currency: str) -> TransactionItem:
    product = next((each for each in wire.contexts or () if each.context_type == "ProductContext"), _Context())
    return TransactionItem(
        description=plain_text(wire.description),
        amount=_amount(wire.total_amount, currency) if wire.total_amount else None,
        breakdowns=_breakdowns(wire.breakdowns, currency),
        identifiers=tuple(
            Identifier(plain_text(each.item_related_identifier_name), plain_text(each.item_related_identifier_value))
            for each in wire.related_identifiers or ()
        ),
        sku=plain_text(product.sku),
        asin=plain_text(product.asin),
        quantity=product.quantity_shipped,
        network=plain_text(product.fulfillment_network),
    )


def _deferral(contexts: Iterable[_Context] | None) -> Deferral | None:
    found = next((each for each in contexts or () if each.context_type == "DeferredContext"), None)
    if found is None:
        return None
    return Deferral(plain_text(found.deferral_reason), moment(found.maturity_date) if found.maturity_date else None)


def _identifiers(wires: Iterable[_Identifier] | None) -> tuple[Identifier, ...]:
    return tuple(
        Identifier(plain_text(each.related_identifier_name), plain_text(each.related_identifier_value))
        for each in wires or ()
    )


def _settlement(wires: Iterable[_Identifier] | None) -> str:
    return next((each.value for each in _identifiers(wires) if each.name == SETTLEMENT_ID), "")
