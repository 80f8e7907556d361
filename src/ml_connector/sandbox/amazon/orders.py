"""Sales of one store, shipped and sometimes returned: what each puts on a settlement.

Vocabulary and signs: settlement dossier, sections 5 and 8. Every triple here is one that real files hold.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ml_connector.sandbox.amazon.marketplaces import Store
from ml_connector.sandbox.amazon.rows import Event, Row, part, share
from ml_connector.sandbox.amazon.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Article:
    """Something sold: net price and fulfilment fee of one unit, in minor units."""

    sku: str
    name: str
    price: int
    fulfilment_fee: int

    @property
    def asin(self) -> str:
        return asin_of(self.sku)

    @property
    def merchants(self) -> Article:
        """The same article as the seller ships it himself: under a SKU of its own, for a SKU has one channel (section 18.2)."""
        return replace(self, sku=f"{self.sku}{_MERCHANTS}")


_MERCHANTS = "-MFN"

CATALOG: dict[str, tuple[Article, ...]] = {
    "US": (
        Article("STOOL-OAK-45", "Oak stool, 45 cm", 5999, 598),
        Article("LANTERN-S", "Lantern, small", 2450, 386),
        Article("BOWL-SET-6", "Bowls, set of six", 3275, 512),
        Article('THROW "SOFT" 130', "Throw, soft, 130 cm", 4190, 475),
    ),
    "CA": (Article("STOOL-OAK-45", "Oak stool, 45 cm", 7999, 922), Article("LANTERN-S", "Lantern, small", 3295, 541)),
    "UK": (Article("STOOL-OAK-45", "Oak stool, 45 cm", 4583, 612), Article("LANTERN-S", "Lantern, small", 1999, 341)),
    "DE": (
        Article("HOCKER-EICHE-45", "Hocker, Eiche, 45 cm", 5042, 629),
        Article("LATERNE-GRÜN", "Laterne, grün", 2101, 358),
        Article("SCHÜSSEL-6ER", "Schüsseln, 6 Stück", 109900, 1290),
    ),
    "FR": (Article("TABOURET-CHÊNE", "Tabouret, chêne", 4999, 641), Article("LANTERNE-S", "Lanterne, petite", 1958, 372)),
    "JP": (Article("スツール-45", "スツール 45cm", 5980, 514), Article("LANTERN-S", "ランタン 小", 2480, 421)),
}  # fmt: skip

ASINS = {
    "STOOL-OAK-45": "B0GHSTL045",
    "LANTERN-S": "B0GHLNT001",
    "BOWL-SET-6": "B0GHBWL006",
    'THROW "SOFT" 130': "B0GHTHR130",
    "HOCKER-EICHE-45": "B0GHSTL045",
    "LATERNE-GRÜN": "B0GHLNT002",
    "SCHÜSSEL-6ER": "B0GHBWL006",
    "TABOURET-CHÊNE": "B0GHSTL045",
    "LANTERNE-S": "B0GHLNT001",
    "スツール-45": "B0GHSTL045",
}
"""What the catalog calls each article; the same product has one ASIN in every store, and SKUs of the seller's own in each."""


def asin_of(sku: str) -> str:
    """The product behind either of an article's SKUs."""
    return ASINS[sku.removesuffix(_MERCHANTS)]


def ships_itself(sku: str) -> bool:
    """Does the seller ship what is sold under this SKU?"""
    return sku.endswith(_MERCHANTS)


def articles_of(store: Store) -> tuple[Article, ...]:
    """Everything that the seller offers in a store, by SKU: what Amazon ships, and the same as he ships it himself."""
    return tuple(each for article in CATALOG[store.code] for each in (article, article.merchants))


def article_of(store: Store, sku: str) -> Article:
    """The article behind a SKU. Raises LookupError where the store has none."""
    for article in articles_of(store):
        if article.sku == sku:
            return article
    raise LookupError(f"{store.code} offers no {sku!r}")


_ORDER_PREFIXES = {
    "US": ("111", "112", "113", "114"),
    "CA": ("701", "702"),
    "UK": ("202", "203", "204", "206"),
    "DE": ("302", "303", "304", "306"),
    "FR": ("402", "403", "404", "407"),
    "JP": ("249", "250", "503"),
}
TAX_RATES = {"US": (0, 600, 700, 825, 950), "CA": (500, 1300), "UK": (2000,), "DE": (1900,), "FR": (2000,), "JP": (0,)}
_FACILITATED = {"US": 1.0, "CA": 0.75, "UK": 0.3, "DE": 0.0, "FR": 0.6, "JP": 0.0}
_COMMISSION = 1500
_REFUND_COMMISSION_MAX = 500


@dataclass(frozen=True, slots=True)
class Order:
    """One shipped order line; ``channel`` is AFN or MFN. ``counted`` is later than ``posted`` where the money was deferred (DD+7)."""

    store: Store
    article: Article
    quantity: int
    channel: str
    posted: datetime
    counted: datetime
    order_id: str
    item_code: str
    shipment_id: str
    lines: tuple[tuple[str, str, int, str], ...]
    """Amount type, description, amount, promotion id."""


def draw_order_id(store: Store, chance: random.Random) -> str:
    """An order number of the store's form: 3-7-7 digits (SP-API dossier, section 12.2)."""
    return _order_id(chance.choice(_ORDER_PREFIXES[store.code]), chance.randrange(10**14))


def _order_id(prefix: str, number: int) -> str:
    return f"{prefix}-{number // 10**7:07d}-{number % 10**7:07d}"


def draw_order(store: Store, scenario: Scenario, day: datetime, chance: random.Random) -> Order:
    """An order of the day that begins at ``day``."""
    article = chance.choice(CATALOG[store.code])
    quantity = chance.choice((1, 1, 1, 2, 3))
    channel = "MFN" if chance.random() < 0.25 else "AFN"
    posted = day + timedelta(seconds=chance.randrange(86_000))
    deferral = timedelta(days=chance.choice((7, 8, 9)), seconds=chance.randrange(40_000))
    number = chance.randrange(10**14)
    return Order(
        store=store,
        article=article if channel == "AFN" else article.merchants,
        quantity=quantity,
        channel=channel,
        posted=posted,
        counted=posted + deferral if chance.random() < scenario.deferred_rate else posted,
        order_id=_order_id(chance.choice(_ORDER_PREFIXES[store.code]), number),
        item_code=f"{chance.randrange(10**13, 10**14)}",
        shipment_id=f"{chance.randrange(10**11, 10**12)}" if channel == "MFN" else f"D{letters(chance, 8)}",
        lines=_lines(store, article.price * quantity, article.fulfilment_fee * quantity, channel, chance),
    )


def _lines(
    store: Store,
    principal: int,
    fulfilment_fee: int,
    channel: str,
    chance: random.Random,
) -> tuple[tuple[str, str, int, str], ...]:
    rate = chance.choice(TAX_RATES[store.code])
    facilitated = chance.random() < _FACILITATED[store.code]
    shipping = 699 if channel == "MFN" else chance.choice((0, 0, 499, 599))
    wraps = channel == "AFN" and store.region == "na"
    gift_wrap = 399 if wraps and chance.random() < 0.08 else 0
    commission = share(principal, _COMMISSION)
    lines = [
        ("ItemPrice", "Principal", principal, ""),
        ("ItemPrice", "Tax", share(principal, rate), ""),
        ("ItemPrice", "Shipping", shipping, ""),
        ("ItemPrice", "ShippingTax", share(shipping, rate), ""),
        ("ItemPrice", "GiftWrap", gift_wrap, ""),
        ("ItemPrice", "GiftWrapTax", share(gift_wrap, rate), ""),
        ("ItemFees", "Commission", -commission, ""),
    ]
    if channel == "MFN":
        lines.append(("ItemFees", "ShippingHB", -share(shipping, _COMMISSION), ""))
    else:
        lines.append(("ItemFees", "FBAPerUnitFulfillmentFee", -fulfilment_fee, ""))
        lines.append(("ItemFees", "ShippingChargeback", -shipping, ""))
        lines.append(("ItemFees", "GiftwrapChargeback", -gift_wrap, ""))
    if store.code in ("UK", "FR"):
        lines.append(("ItemFees", "DigitalServicesFee", -share(commission, 300), ""))
    if facilitated:
        lines.extend(_withheld(store, share(principal, rate), share(shipping, rate), share(gift_wrap, rate)))
    lines.extend(_promotions(store, principal, shipping, rate, chance, channel))
    if store.code == "JP" and chance.random() < 0.6:
        lines.append(("Points", "PointsGranted", -share(principal, 100), ""))
    return tuple(line for line in lines if line[2] != 0)


def _withheld(store: Store, tax: int, shipping_tax: int, gift_wrap_tax: int) -> list[tuple[str, str, int, str]]:
    """Tax that Amazon pays itself, mirrored: the Tax rows and these sum to nothing (dossier section 8)."""
    if store.code in ("US", "CA"):
        return [
            ("ItemWithheldTax", "MarketplaceFacilitatorTax-Principal", -tax, ""),
            ("ItemWithheldTax", "MarketplaceFacilitatorTax-Shipping", -shipping_tax, ""),
            ("ItemWithheldTax", "MarketplaceFacilitatorTax-Other", -gift_wrap_tax, ""),
        ]
    return [
        ("ItemWithheldTax", "MarketplaceFacilitatorVAT-Principal", -tax, ""),
        ("ItemWithheldTax", "MarketplaceFacilitatorVAT-Shipping", -shipping_tax, ""),
    ]


def _promotions(
    store: Store,
    principal: int,
    shipping: int,
    rate: int,
    chance: random.Random,
    channel: str,
) -> list[tuple[str, str, int, str]]:
    lines = []
    if chance.random() < 0.15:
        off = share(principal, 1000)
        coupon = f'Ten off "{store.code}" {letters(chance, 10)}'
        lines.append(("Promotion", "Principal", -off, coupon))
        if store.code == "DE":
            lines.append(("Promotion", "TaxDiscount", -share(off, rate), coupon))
    if channel == "MFN" and chance.random() < 0.5:
        lines.append(("Promotion", "Shipping", -shipping, f"Free shipping {letters(chance, 10)}"))
    return lines


def order_event(order: Order) -> Event:
    """The rows of the shipped order, dated when it was posted, counted when its money is released."""
    rows = tuple(
        Row(
            transaction_type="Order",
            amount_type=amount_type,
            amount_description=description,
            amount=amount,
            posted=order.posted,
            order_id=order.order_id,
            merchant_order_id=order.order_id,
            shipment_id=order.shipment_id,
            marketplace_name=order.store.name,
            fulfillment_id=order.channel,
            order_item_code=order.item_code,
            sku=order.article.sku,
            quantity=str(order.quantity),
            promotion_id=promotion_id,
        )
        for amount_type, description, amount, promotion_id in order.lines
    )
    return Event("sale", order.counted, rows)


def refund_event(order: Order, chance: random.Random, transaction_type: str = "Refund") -> Event:
    """Some or all units come back, days after the order's money was released."""
    posted = order.counted + timedelta(days=chance.randrange(1, 12), seconds=chance.randrange(86_000))
    units = chance.randrange(1, order.quantity + 1)
    adjustment_id = f"amzn1:crow:{letters(chance, 22)}"
    mirrored = [
        (amount_type, description, -part(amount, units, order.quantity), promotion_id)
        for amount_type, description, amount, promotion_id in order.lines
        if _comes_back(description, everything=units == order.quantity)
    ]
    commission = sum(amount for _, description, amount, _ in mirrored if description == "Commission")
    mirrored.append(("ItemFees", "RefundCommission", -min(share(commission, 2000), _REFUND_COMMISSION_MAX), ""))
    if chance.random() < 0.1:
        mirrored.append(("ItemPrice", "Goodwill", -250, ""))
    rows = tuple(
        Row(
            transaction_type=transaction_type,
            amount_type=amount_type,
            amount_description=description,
            amount=amount,
            posted=posted,
            order_id=order.order_id,
            merchant_order_id=order.order_id,
            adjustment_id=adjustment_id,
            marketplace_name=order.store.name,
            fulfillment_id=order.channel,
            order_item_code=order.item_code,
            merchant_adjustment_item_id=f"{order.item_code}R{units}",
            sku=order.article.sku,
            promotion_id=promotion_id,
        )
        for amount_type, description, amount, promotion_id in mirrored
        if amount != 0
    )
    return Event("refund", posted, rows)


_ABOUT_DELIVERY = frozenset(
    {
        "Shipping",
        "ShippingTax",
        "GiftWrap",
        "GiftWrapTax",
        "ShippingChargeback",
        "GiftwrapChargeback",
        "ShippingHB",
        "MarketplaceFacilitatorTax-Shipping",
        "MarketplaceFacilitatorTax-Other",
        "MarketplaceFacilitatorVAT-Shipping",
    }
)


def _comes_back(description: str, *, everything: bool) -> bool:
    """Shipping and wrapping are paid back only where nothing is kept; fulfilment is never paid back."""
    if description in ("FBAPerUnitFulfillmentFee", "DigitalServicesFee"):
        return False
    return everything or description not in _ABOUT_DELIVERY


def label_event(order: Order, chance: random.Random) -> Event:
    """The label a seller buys from Amazon for an order of his own shipping; not deferred."""
    posted = order.posted + timedelta(minutes=20)
    row = Row(
        transaction_type="other-transaction",
        amount_type="other-transaction",
        amount_description="Shipping label purchase",
        amount=-chance.randrange(480, 990),
        posted=posted,
        order_id=order.order_id,
    )
    return Event("label", posted, (row,))


def letters(chance: random.Random, count: int) -> str:
    """Part of an invented identifier."""
    return "".join(chance.choices("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=count))
