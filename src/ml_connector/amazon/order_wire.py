"""An order as Orders 2026-01-01 writes it, and what we make of it (SP-API dossier, sections 10.3 to 10.5).

Only members that somebody here reads are named; others are skipped, and so is what tells of a person (buyer, recipient,
serial numbers, gift messages, tax registrations): :mod:`ml_connector.amazon.buyer_wire` reads buyers, where they are wanted.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from ml_connector.amazon.wire import Currency, Id, Instant, Quantity, Said, Wire, Word, plain_text
from ml_connector.domain import money
from ml_connector.domain.errors import BadAnswer
from ml_connector.domain.orders import (
    MARKETPLACE_FACILITATOR,
    Associated,
    Detail,
    Order,
    OrderItem,
    Package,
    PackageItem,
    Part,
)


class Money(Wire, frozen=True):
    """``amount`` is text; what it may look like, :func:`ml_connector.domain.money.amount` says."""

    amount: str
    currency_code: Currency


class _Detail(Wire, frozen=True):
    subtype: Word = ""
    value: Money | None = None


class _Breakdown(Wire, frozen=True):
    type: Said
    subtotal: Money
    status: Word | None = None
    detailed_breakdowns: tuple[_Detail, ...] | None = None


class _Proceeds(Wire, frozen=True):
    grand_total: Money | None = None
    proceeds_total: Money | None = None
    breakdowns: tuple[_Breakdown, ...] | None = None


class _Price(Wire, frozen=True):
    unit_price: Money | None = None
    price_designation: Word | None = None


class _Product(Wire, frozen=True):
    asin: Word | None = None
    title: str | None = None
    seller_sku: str | None = None
    price: _Price | None = None


class _Granted(Wire, frozen=True):
    points_number: int | None = None
    points_monetary_value: Money | None = None


class _PointsCost(Wire, frozen=True):
    points_granted: _Granted | None = None


class _Expense(Wire, frozen=True):
    points_cost: _PointsCost | None = None


class _PromotionUsed(Wire, frozen=True):
    promotion_id: str = ""


class _Promotion(Wire, frozen=True):
    breakdowns: tuple[_PromotionUsed, ...] | None = None


class _CancelRequest(Wire, frozen=True):
    requester: Word = ""


class _CancelExecution(Wire, frozen=True):
    cancelled_by: Word = ""
    cancel_reason: str = ""


class _Cancellation(Wire, frozen=True):
    cancellation_request: _CancelRequest | None = None
    cancellation_execution: _CancelExecution | None = None


class _ItemFulfillment(Wire, frozen=True):
    quantity_fulfilled: Quantity | None = None
    quantity_unfulfilled: Quantity | None = None


class _TaxCalculation(Wire, frozen=True):
    reporting_scheme: Word = ""


class _TaxCollection(Wire, frozen=True):
    model: Word = ""


class _ItemTax(Wire, frozen=True):
    tax_calculation_breakdowns: tuple[_TaxCalculation, ...] | None = None
    tax_collections: tuple[_TaxCollection, ...] | None = None


class _Item(Wire, frozen=True):
    order_item_id: Id
    quantity_ordered: Quantity
    product: _Product
    proceeds: _Proceeds | None = None
    expense: _Expense | None = None
    promotion: _Promotion | None = None
    cancellation: _Cancellation | None = None
    fulfillment: _ItemFulfillment | None = None
    tax: _ItemTax | None = None


class _Alias(Wire, frozen=True):
    alias_id: str
    alias_type: Word


class _AssociatedOrder(Wire, frozen=True):
    order_id: Id | None = None
    association_type: Word = ""


class _SalesChannel(Wire, frozen=True):
    channel_name: Said
    marketplace_id: Word | None = None
    marketplace_name: str | None = None


class _Range(Wire, frozen=True):
    latest_date_time: Instant | None = None


class _Fulfillment(Wire, frozen=True):
    fulfillment_status: Word
    fulfilled_by: Word | None = None
    fulfillment_service_level: Word | None = None
    ship_by_window: _Range | None = None
    deliver_by_window: _Range | None = None


class _PackageStatus(Wire, frozen=True):
    status: Word


class _PackageItem(Wire, frozen=True):
    order_item_id: Id
    quantity: Quantity


class _Package(Wire, frozen=True):
    package_reference_id: str
    package_status: _PackageStatus | None = None
    carrier: str | None = None
    ship_time: Instant | None = None
    shipping_service: str | None = None
    tracking_number: str | None = None
    package_items: tuple[_PackageItem, ...] | None = None


class _Order(Wire, frozen=True):
    order_id: Id
    created_time: Instant
    last_updated_time: Instant
    sales_channel: _SalesChannel
    order_items: tuple[_Item, ...]
    order_aliases: tuple[_Alias, ...] | None = None
    programs: tuple[Word, ...] | None = None
    associated_orders: tuple[_AssociatedOrder, ...] | None = None
    proceeds: _Proceeds | None = None
    fulfillment: _Fulfillment | None = None
    packages: tuple[_Package, ...] | None = None


class Outline(Wire, frozen=True):
    """What can be said of an order that cannot be read."""

    order_id: Id
    last_updated_time: Instant | None = None


def read_order(raw: bytes | msgspec.Raw) -> Order:
    """The order in ``raw``. Raises :class:`BadAnswer` with the place for anything that is not an order: a member of another
    type, an amount that is none, two currencies, two lines with one id."""
    try:
        wire = msgspec.json.decode(raw, type=_Order)
    except (ValueError, RecursionError) as error:
        raise BadAnswer(f"{error}", code="unreadable_order") from error
    _refuse_twins(item.order_item_id for item in wire.order_items)
    purse = _Purse()
    proceeds = wire.proceeds or _Proceeds()
    state = wire.fulfillment
    total, parts = purse.optional(proceeds.grand_total), _parts(proceeds, purse)
    items = tuple(_item(item, purse) for item in wire.order_items)
    return Order(
        order_id=wire.order_id,
        created=_utc(wire.created_time),
        last_updated=_utc(wire.last_updated_time),
        channel=wire.sales_channel.channel_name,
        items=items,
        marketplace_id=wire.sales_channel.marketplace_id or "",
        marketplace=plain_text(wire.sales_channel.marketplace_name),
        status=state.fulfillment_status if state else "",
        fulfilled_by=(state.fulfilled_by or "") if state else "",
        currency=purse.currency,
        total=total,
        parts=parts,
        service=(state.fulfillment_service_level or "") if state else "",
        ship_by=_latest(state.ship_by_window if state else None),
        deliver_by=_latest(state.deliver_by_window if state else None),
        programs=wire.programs or (),
        aliases=tuple(plain_text(alias.alias_id) for alias in wire.order_aliases or ()),
        associated=tuple(
            Associated(other.order_id, other.association_type)
            for other in wire.associated_orders or ()
            if other.order_id
        ),
        packages=tuple(_package(package) for package in wire.packages or ()),
    )


class _Purse:
    """Reads the amounts of one order, and sees that they are in one currency."""

    def __init__(self) -> None:
        self.currency = ""

    def amount(self, wire: Money) -> Decimal:
        if self.currency and wire.currency_code != self.currency:
            raise BadAnswer(
                f"it is in two currencies, {self.currency} and {wire.currency_code}", code="order_in_two_currencies"
            )
        self.currency = wire.currency_code
        return money.amount(wire.amount)

    def optional(self, wire: Money | None) -> Decimal | None:
        return None if wire is None else self.amount(wire)


def _item(wire: _Item, purse: _Purse) -> OrderItem:
    price = wire.product.price or _Price()
    proceeds = wire.proceeds or _Proceeds()
    counts = wire.fulfillment or _ItemFulfillment()
    tax = wire.tax or _ItemTax()
    points = (wire.expense and wire.expense.points_cost and wire.expense.points_cost.points_granted) or _Granted()
    cancellation = wire.cancellation or _Cancellation()
    asked, done = cancellation.cancellation_request, cancellation.cancellation_execution
    return OrderItem(
        item_id=wire.order_item_id,
        ordered=wire.quantity_ordered,
        sku=plain_text(wire.product.seller_sku),
        asin=wire.product.asin or "",
        title=plain_text(wire.product.title),
        fulfilled=counts.quantity_fulfilled,
        unfulfilled=counts.quantity_unfulfilled,
        unit_price=purse.optional(price.unit_price),
        business_price=price.price_designation == "BUSINESS_PRICE",
        total=purse.optional(proceeds.proceeds_total),
        parts=_parts(proceeds, purse),
        facilitated=any(each.model == MARKETPLACE_FACILITATOR for each in tax.tax_collections or ()),
        scheme=next((each.reporting_scheme for each in tax.tax_calculation_breakdowns or ()), ""),
        promotions=tuple(plain_text(each.promotion_id) for each in (wire.promotion or _Promotion()).breakdowns or ()),
        points=points.points_number,
        points_amount=purse.optional(points.points_monetary_value),
        cancel_asked_by=asked.requester if asked else "",
        cancelled_by=done.cancelled_by if done else "",
        cancel_reason=plain_text(done.cancel_reason) if done else "",
    )


def _parts(proceeds: _Proceeds, purse: _Purse) -> tuple[Part, ...]:
    return tuple(
        Part(
            kind=each.type,
            amount=purse.amount(each.subtotal),
            status=each.status or "",
            details=tuple(
                Detail(purse.amount(piece.value), piece.subtype)
                for piece in each.detailed_breakdowns or ()
                if piece.value is not None
            ),
        )
        for each in proceeds.breakdowns or ()
    )


def _package(wire: _Package) -> Package:
    return Package(
        reference=plain_text(wire.package_reference_id),
        status=wire.package_status.status if wire.package_status else "",
        shipped_at=_utc(wire.ship_time) if wire.ship_time else None,
        carrier=plain_text(wire.carrier),
        service=plain_text(wire.shipping_service),
        tracking_number=plain_text(wire.tracking_number),
        items=tuple(PackageItem(each.order_item_id, each.quantity) for each in wire.package_items or ()),
    )


def _refuse_twins(ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for item_id in ids:
        if item_id in seen:
            raise BadAnswer(f"two of its lines have the id {item_id}", code="unreadable_order")
        seen.add(item_id)


def _latest(window: _Range | None) -> datetime | None:
    return None if window is None or window.latest_date_time is None else _utc(window.latest_date_time)


def _utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)
