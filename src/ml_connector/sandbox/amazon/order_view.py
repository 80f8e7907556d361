"""How the Orders API 2026-01-01 shows an order: which members there are, what they add up to, and what stays hidden.

Source: SP-API dossier, sections 10.3-10.5 and 12. Money is text with the currency's decimals.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ml_connector.sandbox.amazon.marketplaces import STORES, Store
from ml_connector.sandbox.amazon.orders import asin_of
from ml_connector.sandbox.amazon.rows import part, stamp
from ml_connector.sandbox.switches import Switches

DATASETS = (
    "BUYER",
    "RECIPIENT",
    "PROCEEDS",
    "EXPENSE",
    "PROMOTION",
    "CANCELLATION",
    "FULFILLMENT",
    "PACKAGES",
    "TAX",
    "PAYMENT",
    "FULFILLMENT_ORDERS",
)
_TYPES = ("ITEM", "SHIPPING", "GIFT_WRAP", "TAX", "DISCOUNT")
_TOWNS = {
    "US": ("Springfield", "IL", "62701-0142"),
    "CA": ("Kingston", "ON", "K7L 1A1"),
    "UK": ("Ludlow", "Shropshire", "SY8 1AA"),
    "DE": ("Musterstadt", "", "D-12345"),
    "FR": ("Exempleville", "", "F-75000"),
    "JP": ("見本市", "東京都", "100-0000"),
}
"""Postal codes are written in the long form: looked for where they must not be, five digits would be found in any number."""
_COLLECTORS = {"na": "Amazon Services, Inc.", "eu": "Amazon EU S.à r.l.", "fe": "Amazon Japan G.K."}
_REASONS = {
    "BUYER": "Buyer requested",
    "MERCHANT": "No inventory",
    "AMAZON": "Payment could not be authorised",
}


@dataclass(frozen=True, slots=True)
class Charge:
    """One line's money as it stands now: ``parts`` by type and subtype, minor units, discounts negative."""

    parts: Mapping[str, int]
    facilitated: bool

    def of(self, kind: str) -> int:
        """The sum of one type."""
        return sum(amount for name, amount in self.parts.items() if name.partition("/")[0] == kind)

    @property
    def total(self) -> int:
        """What the buyer is charged."""
        return sum(self.parts.values())


class OrderView:
    """Renders orders from the ledger's rows, by the readings that the switches choose."""

    def __init__(self, switches: Switches) -> None:
        self._discount_sign = 1 if switches.on("discount_is_negative") else -1
        self._pending_shows_prices = switches.on("pending_shows_prices")
        self._eu_item_is_gross = switches.on("eu_item_is_gross")
        self._total_has_withheld_tax = switches.on("grand_total_has_withheld_tax")

    def order(self, row: sqlite3.Row, included: Collection[str]) -> dict[str, object]:
        """One order with the datasets asked for."""
        store, facts, state = STORES[row["store"]], json.loads(row["facts"]), json.loads(row["state"])
        charges = [
            self._charge(store, row["status"], item, state["counts"][i]) for i, item in enumerate(facts["items"])
        ]
        order: dict[str, object] = {"orderId": row["order_id"]}
        if facts["alias"]:
            order["orderAliases"] = [{"aliasId": facts["alias"], "aliasType": "SELLER_ORDER_ID"}]
        order |= {"createdTime": row["created"], "lastUpdatedTime": row["updated"]}
        if facts["programs"]:
            order["programs"] = facts["programs"]
        if facts["original"]:
            original = {"orderId": facts["original"], "associationType": "REPLACEMENT_ORIGINAL_ID"}
            order["associatedOrders"] = [original]
        order["salesChannel"] = _sales_channel(store, row["marketplace_id"], non_amazon=facts["non_amazon"])
        members = {
            "BUYER": ("buyer", None if facts["non_amazon"] else _buyer(store, row, facts)),
            "RECIPIENT": ("recipient", _recipient(store, row["order_id"])),
            "PROCEEDS": ("proceeds", self._order_proceeds(store, charges)),
            "PAYMENT": ("payment", self._payment(store, charges)),
            "FULFILLMENT": ("fulfillment", _fulfillment(row)),
        }
        order |= {name: value for asked, (name, value) in members.items() if asked in included and value is not None}
        order["orderItems"] = [
            self._item(store, item, state, i, charges[i], included, business="AMAZON_BUSINESS" in facts["programs"])
            for i, item in enumerate(facts["items"])
        ]
        if "PACKAGES" in included and row["fulfilled_by"] == "MERCHANT" and state["shipped"]:
            order["packages"] = _packages(row["order_id"], facts, state)
        return order

    def _item(
        self,
        store: Store,
        item: Mapping[str, Any],
        state: Mapping[str, Any],
        index: int,
        charge: Charge | None,
        included: Collection[str],
        *,
        business: bool,
    ) -> dict[str, object]:
        ordered, fulfilled = state["counts"][index]
        members = {
            "PROCEEDS": ("proceeds", None if charge is None else self._item_proceeds(store, charge)),
            "EXPENSE": ("expense", None if charge is None or not item["points"] else _points(store, item["points"])),
            "PROMOTION": (
                "promotion",
                {"breakdowns": [{"promotionId": each} for each in item["promotions"]]} if item["promotions"] else None,
            ),
            "CANCELLATION": ("cancellation", _cancellation(state, index)),
            "FULFILLMENT": (
                "fulfillment",
                {"quantityFulfilled": fulfilled, "quantityUnfulfilled": ordered - fulfilled},
            ),
            "TAX": ("tax", _tax(store) if charge is not None and charge.facilitated else None),
        }
        product = _product(store, item, priced=charge is not None, business=business)
        shown = {"orderItemId": item["id"], "quantityOrdered": ordered, "product": product}
        shown |= {name: value for asked, (name, value) in members.items() if asked in included and value is not None}
        return shown

    def _charge(self, store: Store, status: str, item: Mapping[str, Any], counts: Sequence[int]) -> Charge | None:
        """What a line costs for the units ordered now; None where no prices are shown, as for a cancelled line."""
        if not item["parts"] or not counts[0] or (status == "PENDING" and not self._pending_shows_prices):
            return None
        parts = {name: part(amount, counts[0], item["quantity"]) for name, amount in item["parts"].items()}
        if store.region == "eu" and self._eu_item_is_gross:
            parts = _gross(parts)
        return Charge(parts, item["facilitated"])

    def _item_proceeds(self, store: Store, charge: Charge) -> dict[str, object]:
        breakdowns = []
        for kind in _TYPES:
            if not any(name.partition("/")[0] == kind for name in charge.parts):
                continue
            breakdown: dict[str, object] = {"type": kind, "subtotal": self._shown(store, kind, charge.of(kind))}
            details = [
                {"subtype": name.partition("/")[2], "value": self._shown(store, kind, amount)}
                for name, amount in charge.parts.items()
                if name.startswith(f"{kind}/")
            ]
            if details:
                breakdown["detailedBreakdowns"] = details
            breakdowns.append(breakdown)
        return {"proceedsTotal": _money(store, self._total(charge)), "breakdowns": breakdowns}

    def _order_proceeds(self, store: Store, charges: Sequence[Charge | None]) -> dict[str, object] | None:
        priced = [charge for charge in charges if charge is not None]
        if not priced:
            return None
        kinds = [kind for kind in _TYPES if kind == "ITEM" or any(charge.of(kind) for charge in priced)]
        return {
            "grandTotal": _money(store, sum(map(self._total, priced))),
            "breakdowns": [
                {"type": kind, "subtotal": self._shown(store, kind, sum(charge.of(kind) for charge in priced))}
                for kind in kinds
            ],
        }

    def _payment(self, store: Store, charges: Sequence[Charge | None]) -> dict[str, object] | None:
        total = sum(charge.total for charge in charges if charge is not None)
        if not total:
            return None
        return {"paymentExecutions": [{"paymentMethod": "CreditCard", "paymentAmount": _money(store, total)}]}

    def _total(self, charge: Charge) -> int:
        withheld = charge.of("TAX") if charge.facilitated and not self._total_has_withheld_tax else 0
        return charge.total - withheld

    def _shown(self, store: Store, kind: str, amount: int) -> dict[str, str]:
        return _money(store, amount * self._discount_sign if kind == "DISCOUNT" else amount)


def _gross(parts: Mapping[str, int]) -> dict[str, int]:
    """Prices with the tax inside, and no TAX beside them (section 10.5)."""
    gross: dict[str, int] = {}
    for name, amount in parts.items():
        kind, _, subtype = name.partition("/")
        into = name if kind != "TAX" else ("DISCOUNT/ITEM" if subtype == "DISCOUNT" else subtype)
        gross[into] = gross.get(into, 0) + amount
    return gross


def _money(store: Store, amount: int) -> dict[str, str]:
    return {"amount": store.money(amount), "currencyCode": store.currency}


def _sales_channel(store: Store, marketplace_id: str, *, non_amazon: bool) -> dict[str, object]:
    return {
        "channelName": "NON_AMAZON" if non_amazon else "AMAZON",
        "marketplaceId": marketplace_id,
        "marketplaceName": f"Non-Amazon {store.code}" if non_amazon else store.name,
    }


def _product(store: Store, item: Mapping[str, Any], *, priced: bool, business: bool) -> dict[str, object]:
    product: dict[str, object] = {"asin": asin_of(item["sku"]), "title": item["title"], "sellerSku": item["sku"]}
    product["condition"] = {"conditionType": "NEW", "conditionSubtype": "NEW"}
    if priced:
        price: dict[str, object] = {"unitPrice": _money(store, item["unit_price"])}
        if business:
            price["priceDesignation"] = "BUSINESS_PRICE"
        product["price"] = price
    return product


def _points(store: Store, points: int) -> dict[str, object]:
    granted = {"pointsNumber": points, "pointsMonetaryValue": _money(store, points)}
    return {"pointsCost": {"pointsGranted": granted}}


def _tax(store: Store) -> dict[str, object]:
    tax: dict[str, object] = {}
    if store.region == "eu":
        tax["taxCalculationBreakdowns"] = [{"reportingScheme": "UOSS"}]
    collection = {"model": "MARKETPLACE_FACILITATOR", "responsibleParty": _COLLECTORS[store.region]}
    tax["taxCollections"] = [collection]
    return tax


def _cancellation(state: Mapping[str, Any], index: int) -> dict[str, object] | None:
    """Who took units or the whole line away: the lines that are at nothing, or the first where none is."""
    by = state["cancelled_by"]
    ordered = [counts[0] for counts in state["counts"]]
    if not by or (ordered[index] if 0 in ordered else index):
        return None
    if by == "BUYER":
        return {
            "cancellationRequest": {"requester": "BUYER", "cancelReason": "Ordered by mistake"},
            "cancellationExecution": {"cancelledBy": "MERCHANT", "cancelReason": _REASONS[by]},
        }
    return {"cancellationExecution": {"cancelledBy": by, "cancelReason": _REASONS[by]}}


def _fulfillment(row: sqlite3.Row) -> dict[str, object]:
    fulfillment: dict[str, object] = {
        "fulfillmentStatus": row["status"],
        "fulfilledBy": row["fulfilled_by"],
        "fulfillmentServiceLevel": "STANDARD" if row["fulfilled_by"] == "MERCHANT" else "SECOND_DAY",
    }
    if row["fulfilled_by"] == "MERCHANT":
        midnight = datetime.fromisoformat(row["created"]).replace(hour=0, minute=0, second=0, microsecond=0)
        fulfillment["shipByWindow"] = _range(midnight + timedelta(days=1), midnight + timedelta(days=4))
        fulfillment["deliverByWindow"] = _range(midnight + timedelta(days=5), midnight + timedelta(days=9))
    return fulfillment


def _range(earliest: datetime, latest: datetime) -> dict[str, object]:
    return {"earliestDateTime": stamp(earliest), "latestDateTime": stamp(latest - timedelta(seconds=1))}


def _packages(order_id: str, facts: Mapping[str, Any], state: Mapping[str, Any]) -> list[dict[str, object]]:
    """What the seller confirmed, parcel by parcel, and the parcel with the rest, which nobody had to confirm."""
    confirmed = state.get("parcels", [])
    units = {
        item["id"]: fulfilled - sum(parcel["units"].get(item["id"], 0) for parcel in confirmed)
        for item, (_, fulfilled) in zip(facts["items"], state["counts"], strict=True)
    }
    rest = {
        "reference": f"{max((int(parcel['reference']) for parcel in confirmed), default=0) + 1}",
        "created": state["shipped"],
        "shipped": state["shipped"],
        "carrier": "UPS",
        "service": "Ground",
        "tracking": f"1Z{_code(order_id, 'parcel')}",
        "units": {item_id: count for item_id, count in units.items() if count},
    }
    return [_package(parcel, delivered=state["delivered"]) for parcel in (*confirmed, rest) if parcel["units"]]


def _package(parcel: Mapping[str, Any], *, delivered: bool) -> dict[str, object]:
    package: dict[str, object] = {
        "packageReferenceId": parcel["reference"],
        "createdTime": parcel["created"],
        "packageStatus": {"status": "DELIVERED" if delivered else "SHIPPED"},
        "carrier": parcel["carrier"],
        "shipTime": parcel["shipped"],
        "trackingNumber": parcel["tracking"],
        "packageItems": [{"orderItemId": item_id, "quantity": count} for item_id, count in parcel["units"].items()],
    }
    return package | ({"shippingService": parcel["service"]} if parcel["service"] else {})


def _buyer(store: Store, row: sqlite3.Row, facts: Mapping[str, Any]) -> dict[str, object]:
    """Invented, and marked as such. The relayed address is there for the seller's own shipments only (section 10.3)."""
    code = _code(row["order_id"], "buyer")
    buyer: dict[str, object] = {"buyerName": f"Test Buyer {code[:6]}"}
    if row["fulfilled_by"] == "MERCHANT":
        buyer["buyerEmail"] = f"{code.lower()}@marketplace.{store.domain.removeprefix('www.')}.example"
    if "AMAZON_BUSINESS" in facts["programs"]:
        buyer |= {"buyerCompanyName": f"Example Company {code[:4]}", "buyerPurchaseOrderNumber": f"PO-{code[:5]}"}
    return buyer


def address_of(store: Store) -> tuple[str, str, str]:
    """Town, state ("" where there is none) and postal code to which a store's orders go: invented, the same for all."""
    return _TOWNS[store.code]


def _recipient(store: Store, order_id: str) -> dict[str, object]:
    code = _code(order_id, "recipient")
    town, region, postal_code = address_of(store)
    address = {
        "name": f"Test Recipient {code[:6]}",
        "addressLine1": f"{int(code[6:8], 16)} Example Street",
        "city": town,
    }
    if region:
        address["stateOrRegion"] = region
    address |= {"postalCode": postal_code, "countryCode": store.country, "addressType": "RESIDENTIAL"}
    return {"deliveryAddress": address}


def _code(order_id: str, what: str) -> str:
    return hashlib.sha256(f"{order_id}:{what}".encode()).hexdigest()[:14].upper()
