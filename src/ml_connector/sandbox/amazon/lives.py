"""The lives of orders: what the Orders API shows of each from the moment it is placed, step by step.

A sale of the trade had a life before its money was posted; other orders never bring any: cancelled ones, replacements for
nothing, and what Amazon ships for other shops. Source: SP-API dossier, sections 10 and 12.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ml_connector.sandbox.amazon.marketplaces import Store
from ml_connector.sandbox.amazon.orders import CATALOG, Order, article_of, draw_order_id
from ml_connector.sandbox.amazon.rows import Row
from ml_connector.sandbox.amazon.scenario import Scenario

LONGEST_WAIT = timedelta(hours=60)
"""An order is placed at most so long before it ships."""

_PART_OF = {
    ("ItemPrice", "Principal"): "ITEM",
    ("ItemPrice", "Shipping"): "SHIPPING",
    ("ItemPrice", "GiftWrap"): "GIFT_WRAP",
    ("ItemPrice", "Tax"): "TAX/ITEM",
    ("ItemPrice", "ShippingTax"): "TAX/SHIPPING",
    ("ItemPrice", "GiftWrapTax"): "TAX/GIFT_WRAP",
    ("Promotion", "Principal"): "DISCOUNT/ITEM",
    ("Promotion", "Shipping"): "DISCOUNT/SHIPPING",
    ("Promotion", "TaxDiscount"): "TAX/DISCOUNT",
}
"""Where a settlement's amount stands in an order's proceeds: section 10.4, by way of the v0 names."""


@dataclass(frozen=True, slots=True)
class Item:
    """One line. ``parts`` is its money for ``quantity`` units in minor units, seller's view: discounts are negative.

    ``parts`` is empty where an order shows no money at all (Non-Amazon orders).
    """

    item_id: str
    sku: str
    title: str
    unit_price: int
    quantity: int
    parts: Mapping[str, int]
    promotions: tuple[str, ...] = ()
    points: int = 0
    facilitated: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """The order from ``at`` on: its status, and units ordered and fulfilled of each item; ``shipped`` is the last parcel's."""

    at: datetime
    status: str
    counts: tuple[tuple[int, int], ...]
    cancelled_by: str = ""
    shipped: datetime | None = None
    delivered: bool = False


@dataclass(frozen=True, slots=True)
class Life:
    """One order. ``original`` is the order that it replaces, ``alias`` the seller's own number; "" where there is none."""

    order_id: str
    store: Store
    channel: str
    created: datetime
    items: tuple[Item, ...]
    steps: tuple[Step, ...]
    programs: tuple[str, ...] = ()
    original: str = ""
    alias: str = ""
    non_amazon: bool = False


def life_of_sale(sale: Order, scenario: Scenario, chance: random.Random) -> Life:
    """How an order came to the shipment that its settlement tells of. It may have shrunk on the way."""
    created, free = _placed(sale.posted, sale.channel, chance)
    item = _item_of(sale)
    items, counts, more = [item], [item.quantity], 0
    if sale.channel == "MFN" and chance.random() < scenario.shrinking_rate:
        if chance.random() < 0.5:
            more = chance.choice((1, 2))
        else:
            items.append(_another(sale, chance))
            counts.append(items[1].quantity)
    begun = (counts[0] + more, *counts[1:])
    steps = [Step(created, "PENDING", _nothing_yet(begun)), Step(free, "UNSHIPPED", _nothing_yet(begun))]
    if sale.channel == "AFN" and chance.random() < 0.7:
        steps.pop()
    final = (counts[0], *(0 for _ in counts[1:]))
    if final != begun:
        steps.append(Step(free + timedelta(hours=3), "UNSHIPPED", _nothing_yet(final), cancelled_by="BUYER"))
    steps.extend(_shipped(sale, final, chance, cancelled_by=steps[-1].cancelled_by))
    programs = _programs(sale.channel, chance)
    return Life(sale.order_id, sale.store, sale.channel, created, tuple(items), tuple(steps), programs)


def cancelled_life(drawn: Order, chance: random.Random) -> Life:
    """An order that comes to nothing: while its payment is open, or while it waits to be shipped."""
    created, free = _placed(drawn.posted, drawn.channel, chance)
    item = _item_of(drawn)
    begun = _nothing_yet((item.quantity,))
    steps = [Step(created, "PENDING", begun)]
    end = created + timedelta(minutes=chance.randrange(5, 25))
    if chance.random() < 0.6:
        steps.append(Step(free, "UNSHIPPED", begun))
        end = free + timedelta(hours=chance.randrange(1, 12))
    by = chance.choice(("BUYER", "BUYER", "MERCHANT", "AMAZON"))
    steps.append(Step(end, "CANCELLED", ((0, 0),), cancelled_by=by))
    programs = _programs(drawn.channel, chance)
    return Life(drawn.order_id, drawn.store, drawn.channel, created, (item,), tuple(steps), programs)


def replacement_life(sale: Order, chance: random.Random) -> Life:
    """Sent for nothing some days after the original: an order id of its own, and a total of zero (section 12.1)."""
    created = sale.posted + timedelta(days=chance.randrange(3, 9), milliseconds=chance.randrange(40_000_000))
    item = _item_of(sale)
    free = replace(
        item,
        item_id=f"{chance.randrange(10**13, 10**14)}",
        unit_price=0,
        parts={"ITEM": 0},
        promotions=(),
        points=0,
        facilitated=False,
    )
    steps = (
        Step(created, "PENDING", _nothing_yet((item.quantity,))),
        Step(created + timedelta(hours=chance.randrange(4, 30)), "SHIPPED", ((item.quantity, item.quantity),)),
    )
    order_id = draw_order_id(sale.store, chance)
    return Life(order_id, sale.store, sale.channel, created, (free,), steps, original=sale.order_id)


def life_for_another_shop(row: Row, store: Store, chance: random.Random) -> Life:
    """Multi-channel fulfilment: ``S01-`` order, channel NON_AMAZON, no prices (section 12.1). ``row`` is its fee."""
    created = row.posted - timedelta(hours=chance.randrange(5, 40), milliseconds=chance.randrange(1000))
    article = chance.choice(CATALOG[store.code])
    item = Item(f"{chance.randrange(10**13, 10**14)}", article.sku, article.name, 0, chance.randrange(1, 3), {})
    begun = _nothing_yet((item.quantity,))
    steps = (
        Step(created, "UNSHIPPED", begun),
        Step(row.posted, "SHIPPED", ((item.quantity, item.quantity),)),
    )
    alias = f"SHOP-{chance.randrange(10**5, 10**6)}"
    return Life(row.order_id, store, "AFN", created, (item,), steps, alias=alias, non_amazon=True)


def life_taxed_late(row: Row, store: Store, origin: datetime, chance: random.Random) -> Life:
    """An order of the time before the first settlement that comes into view when its tax is corrected. ``row`` is the tax."""
    article = article_of(store, row.sku)
    created = origin - timedelta(days=chance.randrange(4, 20), milliseconds=chance.randrange(40_000_000))
    parts = {"ITEM": article.price, "TAX/ITEM": row.amount}
    item = Item(row.order_item_code, article.sku, article.name, article.price, 1, parts, facilitated=True)
    return Life(row.order_id, store, "AFN", created, (item,), (Step(row.posted, "SHIPPED", ((1, 1),)),))


def _placed(shipped: datetime, channel: str, chance: random.Random) -> tuple[datetime, datetime]:
    """When an order was placed, and when its payment was there."""
    hours = chance.randrange(24, 58) if channel == "MFN" else chance.randrange(6, 36)
    created = shipped - timedelta(hours=hours, milliseconds=chance.randrange(3_600_000))
    return created, created + timedelta(minutes=chance.randrange(30, 90), milliseconds=chance.randrange(60_000))


def _shipped(sale: Order, final: Sequence[int], chance: random.Random, *, cancelled_by: str) -> list[Step]:
    """The last steps: a seller may ship in two parcels, and his parcels are followed until they arrive."""
    shipped_at = sale.posted + timedelta(milliseconds=chance.randrange(1000))
    whole = tuple((units, units) for units in final)
    last = Step(shipped_at, "SHIPPED", whole, cancelled_by, shipped_at)
    if sale.channel != "MFN":
        return [last]
    steps = [last]
    if final[0] > 1 and chance.random() < 0.5:
        before = shipped_at - timedelta(hours=3)
        first_parcel = ((final[0], 1), *((units, units) for units in final[1:]))
        steps.insert(0, Step(before, "PARTIALLY_SHIPPED", first_parcel, cancelled_by, before))
    arrived = shipped_at + timedelta(days=chance.randrange(2, 5), milliseconds=chance.randrange(40_000_000))
    steps.append(replace(last, at=arrived, delivered=True))
    return steps


def _item_of(sale: Order) -> Item:
    parts: dict[str, int] = {}
    for amount_type, description, amount, _ in sale.lines:
        if (part := _PART_OF.get((amount_type, description))) is not None:
            parts[part] = parts.get(part, 0) + amount
    return Item(
        item_id=sale.item_code,
        sku=sale.article.sku,
        title=sale.article.name,
        unit_price=sale.article.price,
        quantity=sale.quantity,
        parts=parts,
        promotions=tuple(dict.fromkeys(promotion for *_, promotion in sale.lines if promotion)),
        points=-sum(amount for amount_type, _, amount, _ in sale.lines if amount_type == "Points"),
        facilitated=any(amount_type == "ItemWithheldTax" for amount_type, *_ in sale.lines),
    )


def _another(sale: Order, chance: random.Random) -> Item:
    """A second line that is cancelled before anything ships. The seller ships such orders."""
    article = chance.choice(CATALOG[sale.store.code]).merchants
    item_id = f"{chance.randrange(10**13, 10**14)}"
    return Item(item_id, article.sku, article.name, article.price, 1, {"ITEM": article.price})


def _programs(channel: str, chance: random.Random) -> tuple[str, ...]:
    business = chance.random() < 0.08
    prime = channel == "AFN" and chance.random() < 0.6
    return tuple(name for name, holds in (("PRIME", prime), ("AMAZON_BUSINESS", business)) if holds)


def _nothing_yet(ordered: Sequence[int]) -> tuple[tuple[int, int], ...]:
    return tuple((units, 0) for units in ordered)
