"""An Amazon order as it stood when it was read: what was ordered, what it costs, how far it is.

Source of every fact: SP-API dossier, sections 10.3-10.5 and 12. Nothing of the buyer is here: see :mod:`ml_connector.domain.buyers`.

Amounts are exact, in ``Order.currency`` (one order, one currency), and signed as Amazon wrote them: charges to the buyer are
positive. Only the sign of DISCOUNT is not pinned down (section 10.5): use :meth:`Part.charge`, which takes its magnitude off.
Words of Amazon's vocabularies are kept as text, because new ones appear without notice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from ml_connector.domain.money import ZERO

# Fulfilment statuses (section 12.1), in the order of an order's life.
PENDING_AVAILABILITY: Final = "PENDING_AVAILABILITY"
PENDING: Final = "PENDING"
UNSHIPPED: Final = "UNSHIPPED"
PARTIALLY_SHIPPED: Final = "PARTIALLY_SHIPPED"
SHIPPED: Final = "SHIPPED"
CANCELLED: Final = "CANCELLED"
UNFULFILLABLE: Final = "UNFULFILLABLE"

# Who fulfils: AMAZON is AFN in a settlement, MERCHANT is MFN.
AMAZON: Final = "AMAZON"
MERCHANT: Final = "MERCHANT"

#: The sales channel of multi-channel fulfilment; the other one is AMAZON.
NON_AMAZON: Final = "NON_AMAZON"

# Kinds of parts (section 10.3).
ITEM: Final = "ITEM"
SHIPPING: Final = "SHIPPING"
GIFT_WRAP: Final = "GIFT_WRAP"
COD_FEE: Final = "COD_FEE"
TAX: Final = "TAX"
DISCOUNT: Final = "DISCOUNT"
DELIVERY_TIP: Final = "DELIVERY_TIP"
OTHER: Final = "OTHER"

REPLACEMENT_ORIGINAL: Final = "REPLACEMENT_ORIGINAL_ID"
EXCHANGE_ORIGINAL: Final = "EXCHANGE_ORIGINAL_ID"

#: How tax is collected when Amazon remits it; without it the tax is the seller's to pay (section 12.3).
MARKETPLACE_FACILITATOR: Final = "MARKETPLACE_FACILITATOR"


@dataclass(frozen=True, slots=True)
class Detail:
    """A piece of a TAX or DISCOUNT part: of what it is (ITEM, SHIPPING, GIFT_WRAP, COD_FEE, OTHER, DISCOUNT)."""

    amount: Decimal
    subtype: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of charge. ``amount`` as Amazon wrote it; ``status`` PENDING or FINALIZED for charges made after checkout (a
    tip), otherwise "". ``details`` add up to the amount where there are any, and exist for TAX and DISCOUNT only."""

    kind: str
    amount: Decimal
    status: str = ""
    details: tuple[Detail, ...] = ()

    @property
    def charge(self) -> Decimal:
        """What it adds to the buyer's total: a discount takes its magnitude off, whichever sign it was written with."""
        return -abs(self.amount) if self.kind == DISCOUNT else self.amount


@dataclass(frozen=True, slots=True)
class Associated:
    """Another order that this one belongs to. ``kind`` is REPLACEMENT_ORIGINAL_ID or EXCHANGE_ORIGINAL_ID."""

    order_id: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class OrderItem:
    """A line. ``item_id`` is a text of digits (settlements call it order-item-code), unique in the order.

    ``ordered`` shrinks when units are cancelled, to 0 for a cancelled line; ``fulfilled`` and ``unfulfilled`` are None where
    Amazon does not say. ``total`` is None where no prices are shown, as mostly while the order is pending. ``unit_price`` is
    for display: what counts are the parts. ``facilitated``: Amazon collects and remits the tax. ``scheme`` is UOSS, IOSS or
    "". ``points`` are granted to the buyer (Japan), worth ``points_amount`` (>= 0), and stand on no invoice.
    """

    item_id: str
    ordered: int
    sku: str = ""
    asin: str = ""
    title: str = ""
    fulfilled: int | None = None
    unfulfilled: int | None = None
    unit_price: Decimal | None = None
    business_price: bool = False
    total: Decimal | None = None
    parts: tuple[Part, ...] = ()
    facilitated: bool = False
    scheme: str = ""
    promotions: tuple[str, ...] = ()
    points: int | None = None
    points_amount: Decimal | None = None
    cancel_asked_by: str = ""
    cancelled_by: str = ""
    cancel_reason: str = ""

    def charge(self, *kinds: str) -> Decimal:
        """The sum of the parts of these kinds, discounts negative."""
        return _charge(self.parts, kinds)


@dataclass(frozen=True, slots=True)
class PackageItem:
    """Units of one line in a package."""

    item_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Package:
    """A parcel of a merchant-fulfilled order. ``status`` PENDING, IN_TRANSIT, SHIPPED, DELIVERED, CANCELLED or UNDELIVERABLE;
    "" where not said. ``shipped_at`` is in UTC."""

    reference: str = ""
    status: str = ""
    shipped_at: datetime | None = None
    carrier: str = ""
    service: str = ""
    tracking_number: str = ""
    items: tuple[PackageItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """One version of an order; ``last_updated`` tells versions apart. Its identity is (selling account, ``order_id``).

    All times are UTC. ``currency`` is "" where no money is shown. ``total`` is the buyer's grand total, None where not shown;
    whether tax that Amazon withholds is in it is not pinned down (dossier 10.5). ``aliases`` are the seller's own order
    numbers, free text that may repeat. ``service`` is the shipping service level. ``ship_by`` and ``deliver_by`` are the
    latest instants promised.
    """

    order_id: str
    created: datetime
    last_updated: datetime
    channel: str
    items: tuple[OrderItem, ...] = ()
    marketplace_id: str = ""
    marketplace: str = ""
    status: str = ""
    fulfilled_by: str = ""
    currency: str = ""
    total: Decimal | None = None
    parts: tuple[Part, ...] = ()
    service: str = ""
    ship_by: datetime | None = None
    deliver_by: datetime | None = None
    programs: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    associated: tuple[Associated, ...] = ()
    packages: tuple[Package, ...] = ()

    @property
    def is_pending(self) -> bool:
        """Not paid for yet: it may vanish, and never reaches the books (section 12.1)."""
        return self.status in (PENDING, PENDING_AVAILABILITY)

    @property
    def is_cancelled(self) -> bool:
        """The whole order was cancelled. A line that was, has ``ordered`` 0."""
        return self.status == CANCELLED

    @property
    def has_shipped(self) -> bool:
        """Something was shipped, perhaps not all."""
        return self.status in (SHIPPED, PARTIALLY_SHIPPED)

    @property
    def is_multi_channel(self) -> bool:
        """Amazon only fulfils it, it was sold elsewhere: no prices, no sale of Amazon's; its fees do appear in settlements."""
        return self.channel == NON_AMAZON

    @property
    def is_replacement(self) -> bool:
        """Goods sent again for nothing, for the order named in ``associated``."""
        return any(other.kind == REPLACEMENT_ORIGINAL for other in self.associated)

    @property
    def is_zero_price(self) -> bool:
        """Prices are shown, and every total is zero: goods leave, no money comes."""
        totals = [total for total in (self.total, *(item.total for item in self.items)) if total is not None]
        return bool(totals) and not any(totals)

    @property
    def is_business(self) -> bool:
        """Amazon Business: the buyer is a company."""
        return "AMAZON_BUSINESS" in self.programs

    @property
    def may_be_sale(self) -> bool:
        """Whether the books may have to know of it as a sale: of Amazon's, neither pending nor cancelled, with a price, and no
        replacement. A status that is not known counts as pending: nothing is booked on a guess."""
        return (
            self.status in (UNSHIPPED, PARTIALLY_SHIPPED, SHIPPED)
            and not self.is_multi_channel
            and not self.is_replacement
            and not self.is_zero_price
        )

    def charge(self, *kinds: str) -> Decimal:
        """The sum of the order's own parts of these kinds, discounts negative."""
        return _charge(self.parts, kinds)


def _charge(parts: Iterable[Part], kinds: tuple[str, ...]) -> Decimal:
    return sum((part.charge for part in parts if part.kind in kinds), ZERO)
