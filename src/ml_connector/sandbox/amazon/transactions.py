"""How Finances 2024-06-19 shows an event: type, identifiers, and trees of amounts whose leaves add up to it.

Source: SP-API dossier, section 15.1 (vocabulary, signs, trees); settlement dossier, section 13 (labels of both sides). The
vocabulary is open; where the dossier names no leaf for a settlement's label, the label itself stands there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from ml_connector.sandbox.amazon.charges import FEE_TAX
from ml_connector.sandbox.amazon.marketplaces import Store
from ml_connector.sandbox.amazon.orders import article_of, asin_of
from ml_connector.sandbox.amazon.rows import Event, Row

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """The transaction that a kind of event becomes. ``leaf`` names its amount where its rows do not."""

    transaction_type: str
    description: str
    leaf: str = ""


SHAPES = {
    "sale": Shape("Shipment", "Order Payment"),
    "refund": Shape("Refund", "Refund Order"),
    "claim": Shape("Refund", "A-to-z Guarantee Refund"),
    "fulfilment": Shape("Shipment", "Multi-Channel Fulfillment"),
    "retrocharge": Shape("Retrocharge", "Order Retrocharge"),
    "label": Shape("Adjustment", "PostageBilling", "PostageBilling_Postage"),
    "subscription": Shape("ServiceFee", "Subscription", "Subscription"),
    "advertising": Shape("ProductAdsPayment", "ProductAdsPayment", "AdvertisingFee"),
    "storage": Shape("ServiceFee", "FBA storage fee", "FBAStorageFee"),
    "inbound": Shape("ServiceFee", "FBA inbound transportation fee", "FBAInboundTransportationFee"),
    "placement": Shape("ServiceFee", "FBA inbound placement fee", "FBAInboundConvenienceFee"),
    "removal": Shape("ServiceFee", "FBA disposal fee", "FBADisposalFee"),
    "coupon": Shape("ServiceFee", "Coupon fee", "CouponPerformanceFee"),
    "vine": Shape("ServiceFee", "Vine enrollment fee", "VineFee"),
    "unknown_fee": Shape("ServiceFee", "Garden Showcase Programme Fee", "GardenShowcaseFee"),
    "reimbursement": Shape("FBAInventoryReimbursement", "FBAInventoryReimbursement", "FBAInventoryReimbursement"),
    "liquidation": Shape("RemovalShipment", "RemovalShipment"),
    "reserve": Shape("Adjustment", "Reserve", "ReserveDebit"),
    "debt": Shape("MiscellaneousLedgerAdjustment", "Payable to Amazon", "Other"),
    "charge": Shape("MiscellaneousLedgerAdjustment", "Successful charge", "Other"),
    "payout_returned": Shape("MiscellaneousLedgerAdjustment", "Transfer of funds unsuccessful", "Other"),
    "payout": Shape("Transfer", "Transfer to bank account", "FundTransfer"),
}
"""Every kind of event. A refund of advertising and a reserve given back have a leaf of their own (``_leaf``)."""

_ABOUT_ITEMS = ("sale", "refund", "claim", "retrocharge", "liquidation")
_PATHS: dict[tuple[str, str], Path] = {
    ("ItemPrice", "Principal"): ("ProductCharges", "OurPricePrincipal"),
    ("ItemPrice", "Tax"): ("Tax", "OurPriceTax"),
    ("ItemPrice", "Shipping"): ("Shipping", "ShippingPrincipal"),
    ("ItemPrice", "ShippingTax"): ("Tax", "ShippingTax"),
    ("ItemPrice", "GiftWrap"): ("Giftwrap", "GiftwrapPrincipal"),
    ("ItemPrice", "GiftWrapTax"): ("Tax", "GiftwrapTax"),
    ("ItemPrice", "Goodwill"): ("ProductCharges", "GoodwillPrincipal"),
    ("Promotion", "Principal"): ("PromoRebates", "OurPriceDiscount"),
    ("Promotion", "Shipping"): ("PromoRebates", "ShippingDiscount"),
    ("Promotion", "TaxDiscount"): ("PromoRebates", "OurPriceTaxDiscount"),
}
_FEE_LEVELS = {"Base fee": "Base", "Tax on fee": "Tax", "Discount on Fee": "Promo"}
_SALES = frozenset(path[0] for path in _PATHS.values()) | {"RecommerceLiquidation"}


@dataclass(slots=True)
class Node:
    """One breakdown: a leaf has an amount, a branch the sum of what is below it."""

    amount: int = 0
    below: dict[str, Node] = field(default_factory=dict)

    def put(self, path: Path, amount: int) -> None:
        """Add an amount at the end of a path."""
        self.amount += amount
        if path:
            self.below.setdefault(path[0], Node()).put(path[1:], amount)


class TransactionView:
    """Renders the amounts of one transaction. ``transaction_id`` decides how its leaves end: null, empty, or not at all."""

    def __init__(self, store: Store, transaction_id: str) -> None:
        self._store = store
        self._ending = hashlib.sha256(transaction_id.encode()).digest()[0] % 3

    def money(self, amount: int) -> dict[str, object]:
        """Finances' money: a JSON number."""
        return {"currencyCode": self._store.currency, "currencyAmount": Decimal(self._store.money(amount))}

    def body(self, event: Event) -> dict[str, object]:
        """Amount, items and trees. Reimbursements have no items, ledger adjustments no tree."""
        kind = event.kind
        body: dict[str, object] = {"totalAmount": self.money(event.amount)}
        if kind in _ABOUT_ITEMS:
            body["items"] = [self._item(event)]
        elif kind == "reimbursement":
            body["items"] = []
        has_tree = kind not in ("debt", "charge", "payout_returned")
        body["breakdowns"] = self.breakdowns(_transaction_tree(event, self._store)) if has_tree else None
        return body

    def _item(self, event: Event) -> dict[str, object]:
        first = event.rows[0]
        item: dict[str, object] = {"totalAmount": self.money(event.amount)}
        if first.sku:
            item = {"description": article_of(self._store, first.sku).name, **item}
        if first.merchant_adjustment_item_id:
            item["relatedIdentifiers"] = [
                {
                    "itemRelatedIdentifierName": "ORDER_ADJUSTMENT_ITEM_ID",
                    "itemRelatedIdentifierValue": first.merchant_adjustment_item_id,
                }
            ]
        item["breakdowns"] = self.breakdowns(_item_tree(event, self._store))
        context: dict[str, object] = {"contextType": "ProductContext"}
        if first.sku:
            context |= {"asin": asin_of(first.sku), "sku": first.sku}
        if units := _units(first):
            context["quantityShipped"] = units
        if first.fulfillment_id:
            context["fulfillmentNetwork"] = first.fulfillment_id
        item["contexts"] = [context]
        return item

    def breakdowns(self, tree: Node) -> list[dict[str, object]]:
        """A tree as JSON: what is right below its root, and what is below that."""
        return [self._breakdown(name, node) for name, node in tree.below.items()]

    def _breakdown(self, name: str, node: Node) -> dict[str, object]:
        shown: dict[str, object] = {"breakdownType": name, "breakdownAmount": self.money(node.amount)}
        if node.below:
            shown["breakdowns"] = self.breakdowns(node)
        elif self._ending < 2:
            shown["breakdowns"] = [] if self._ending else None
        return shown


def summary_tree(events: Iterable[Event], store: Store) -> Node:
    """Several events in one tree of two levels, as a summary shows them."""
    total = Node()
    for event in events:
        for name, node in _transaction_tree(event, store).below.items():
            into = name.removeprefix("Refunded ")
            for below, leaf in (node.below or {into: node}).items():
                total.put((into, below) if node.below else (into,), leaf.amount)
    return total


def _item_tree(event: Event, store: Store) -> Node:
    tree = Node()
    for row in event.rows:
        for path, amount in _item_paths(event.kind, row, store):
            tree.put(path, amount)
    return tree


def _item_paths(kind: str, row: Row, store: Store) -> Iterator[tuple[Path, int]]:
    """Where an amount of an order stands in its item. A fee holds its tax: base and tax are leaves of their own."""
    if kind == "retrocharge" and row.amount_type == "ItemPrice":
        yield ("Tax", "BaseTax"), row.amount
    elif kind == "liquidation" and row.amount_type == "ItemPrice":
        yield ("RecommerceLiquidation",), row.amount
    elif (row.amount_type, row.amount_description) in _PATHS:
        yield _PATHS[row.amount_type, row.amount_description], row.amount
    elif row.amount_type == "ItemWithheldTax":
        yield (row.amount_description,), row.amount
    elif row.amount_type in ("ItemFees", "Shipment-Fees"):
        yield from _fee(("AmazonFees", row.amount_description), row.amount, store)
    else:
        yield (row.amount_type, row.amount_description), row.amount


def _fee(path: Path, amount: int, store: Store) -> Iterator[tuple[Path, int]]:
    """A fee as the file has it, tax inside, split into what it is made of."""
    rate = FEE_TAX[store.code]
    base = (abs(amount) * 10_000 + (10_000 + rate) // 2) // (10_000 + rate)
    base = base if amount >= 0 else -base
    yield (*path, "Base"), base
    if rate:
        yield (*path, "Tax"), amount - base


def _transaction_tree(event: Event, store: Store) -> Node:
    """The tree of a whole transaction: what was sold, what it cost. One of both may come to nothing and is there all the same."""
    kind = event.kind
    if kind in _ABOUT_ITEMS:
        return _by_side(event, store, refunded=kind in ("refund", "claim"))
    tree = Node()
    shape = SHAPES[kind]
    if shape.transaction_type in ("ServiceFee", "Shipment", "ProductAdsPayment"):
        tree.put(("Sales",), 0)
        for path, amount in _expenses(event, store):
            tree.put(("Expenses", *path), amount)
        return tree
    if kind == "payout":
        tree.put(("Expenses",), 0)
    tree.put((_leaf(kind, event.amount),), event.amount)
    return tree


def _by_side(event: Event, store: Store, *, refunded: bool) -> Node:
    items = _item_tree(event, store)
    tree = Node()
    sales, expenses = ("Refunded Sales", "Refunded Expenses") if refunded else ("Sales", "Expenses")
    for name, node in items.below.items():
        tree.put((sales if name in _SALES else expenses, name), node.amount)
    return tree


def _expenses(event: Event, store: Store) -> Iterator[tuple[Path, int]]:
    kind = event.kind
    for row in event.rows:
        leaf = _leaf(kind, row.amount)
        if kind == "coupon" and row.amount_type == "Coupon Participation Fee":
            leaf = "CouponParticipationFee"
        if kind == "fulfilment":
            yield from _fee(("AmazonFees", row.amount_description), row.amount, store)
        elif row.amount_description in _FEE_LEVELS:
            yield ("AmazonFees", leaf, _FEE_LEVELS[row.amount_description]), row.amount
        elif kind == "advertising":
            yield (leaf,), row.amount
        else:
            yield from _fee(("AmazonFees", leaf), row.amount, store)


def _leaf(kind: str, amount: int) -> str:
    """What a single amount is called; some things have one name on the way out and another on the way back."""
    match kind, amount > 0:
        case "advertising", True:
            return "AdvertisingFeeRefund"
        case "reserve", True:
            return "ReserveCredit"
        case "reimbursement", False:
            return "FBAReversedReimbursement"
        case _:
            return SHAPES[kind].leaf


def _units(row: Row) -> int:
    """Units of the line; a refund's row has no quantity, its item id tells (``...R2``)."""
    text = row.quantity or row.merchant_adjustment_item_id.rpartition("R")[2]
    return int(text) if text.isascii() and text.isdigit() else 0


def identifiers(pairs: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    """Related identifiers, without those that are not known."""
    return [{"relatedIdentifierName": name, "relatedIdentifierValue": value} for name, value in pairs if value]
