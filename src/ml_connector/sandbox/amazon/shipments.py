"""Orders v0, confirmShipment: the seller says what he has shipped, and the order shows it.

Source: SP-API dossier, section 11. The seller of a world ships by himself what nobody confirms, and an order's money is posted
when it would have been posted anyway: the trade of a world is drawn from its seed alone. So an order of which units are about to
be cancelled cannot be confirmed.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ml_connector.sandbox.amazon.messages import Refused, Reply, Request, read_time
from ml_connector.sandbox.amazon.order_ledger import OrderLedger, Version
from ml_connector.sandbox.amazon.rows import stamp
from ml_connector.sandbox.clock import WorldClock

_LINES_MAX = 100
_AHEAD = timedelta(hours=1)
"""A shipment may be announced so long before it leaves."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One package. ``units`` are those of each order item in it."""

    reference: str
    carrier: str
    service: str
    tracking: str
    shipped: datetime
    units: Mapping[str, int]


class Shipments:
    """What the sellers confirm."""

    def __init__(self, ledger: OrderLedger, seller_id: str, clock: WorldClock) -> None:
        self._ledger = ledger
        self._seller_id = seller_id
        self._clock = clock

    def confirm(self, seller_id: str, order_id: str, request: Request) -> Reply:
        """``POST /orders/v0/orders/{orderId}/shipmentConfirmation``: 204. A package that is known is changed by it."""
        asked, now = request.json(), self._clock.now()
        parcel = _parcel(asked, now)
        versions = self._ledger.versions(order_id, now) if seller_id == self._seller_id else []
        if not versions:
            raise Refused.not_found(f"Order {order_id} was not found")
        present, *later = versions
        _check(present, later, asked.get("marketplaceId"))
        facts, state = json.loads(present["facts"]), json.loads(present["state"])
        parcels = [each for each in state.get("parcels", ()) if each["reference"] != parcel.reference]
        parcels.append({**_kept(parcel), "created": stamp(now)})
        counts = _counts(facts["items"], state["counts"], parcels, state.get("parcels", ()), parcel)
        steps = [_step(stamp(now), counts, {**state, "parcels": parcels, "shipped": stamp(parcel.shipped)})]
        for row in later:
            to_come = json.loads(row["state"])
            if steps[0].status != "SHIPPED" or to_come["delivered"]:
                whole = [
                    (ordered, max(mine[1], done))
                    for mine, (ordered, done) in zip(counts, to_come["counts"], strict=True)
                ]
                steps.append(_step(row["updated"], whole, {**to_come, "parcels": parcels}))
        self._ledger.rewrite(order_id, present["updated"], steps)
        return Reply(204)


def _parcel(asked: Mapping[str, object], now: datetime) -> Parcel:
    """The package of a request. Raises Refused where something is missing or not understood."""
    detail = asked.get("packageDetail")
    if not isinstance(detail, Mapping):
        raise Refused.input("Missing required field: packageDetail")
    texts = {name: detail.get(name) for name in ("packageReferenceId", "carrierCode", "trackingNumber", "shipDate")}
    for field, value in texts.items():
        if not isinstance(value, str) or not value:
            raise Refused.input(f"Missing required field: {field}")
    reference, carrier = str(texts["packageReferenceId"]), str(texts["carrierCode"])
    if not (reference.isascii() and reference.isdigit() and len(reference) <= 18):
        raise Refused.input("packageReferenceId must be a positive numeric value")
    if carrier == "Other" and not detail.get("carrierName"):
        raise Refused.input("carrierName is required when carrierCode is Other")
    shipped = read_time(str(texts["shipDate"]))
    if shipped > now + _AHEAD:
        raise Refused.input("shipDate must not lie in the future")
    name, service = detail.get("carrierName"), detail.get("shippingMethod")
    return Parcel(
        reference=reference,
        carrier=name if isinstance(name, str) and carrier == "Other" else carrier,
        service=service if isinstance(service, str) else "",
        tracking=str(texts["trackingNumber"]),
        shipped=shipped,
        units=_units(detail.get("orderItems")),
    )


def _units(lines: object) -> dict[str, int]:
    if not isinstance(lines, list) or not 1 <= len(lines) <= _LINES_MAX:
        raise Refused.input(f"orderItems must hold between 1 and {_LINES_MAX} items")
    units: dict[str, int] = {}
    for line in lines:
        item_id, quantity = (
            (line.get("orderItemId"), line.get("quantity")) if isinstance(line, Mapping) else (None, None)
        )
        if not isinstance(item_id, str) or isinstance(quantity, bool) or not isinstance(quantity, int) or quantity < 1:
            raise Refused.input("orderItems must name items and their quantities")
        units[item_id] = units.get(item_id, 0) + quantity
    return units


def _check(present: sqlite3.Row, later: Sequence[sqlite3.Row], marketplace_id: object) -> None:
    """Can anything of this order be confirmed now?"""
    if present["marketplace_id"] != marketplace_id:
        raise Refused.input("Invalid marketplaceId")
    if present["fulfilled_by"] != "MERCHANT":
        raise Refused.input("The order is not fulfilled by the merchant")
    if present["status"] not in ("UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED"):
        raise Refused.input(f"The order is {present['status']}")
    ordered = [each for each, _ in json.loads(present["state"])["counts"]]
    if any([each for each, _ in json.loads(row["state"])["counts"]] != ordered for row in later):
        raise Refused.input("A cancellation of this order is in progress")


def _counts(
    items: Sequence[Mapping[str, Any]],
    counts: Sequence[Sequence[int]],
    parcels: Sequence[Mapping[str, Any]],
    before: Sequence[Mapping[str, Any]],
    parcel: Parcel,
) -> list[tuple[int, int]]:
    """Units ordered and fulfilled of each item with the parcel. Raises Refused where there are more in it than are open."""
    if unknown := set(parcel.units) - {item["id"] for item in items}:
        raise Refused.input(f"The order has no item {min(unknown)}")
    found = []
    for item, (ordered, fulfilled) in zip(items, counts, strict=True):
        by_the_world = fulfilled - sum(each["units"].get(item["id"], 0) for each in before)
        now = by_the_world + sum(each["units"].get(item["id"], 0) for each in parcels)
        if now > ordered:
            raise Refused.input(f"More units of {item['id']} than are left to ship")
        found.append((ordered, now))
    return found


def _kept(parcel: Parcel) -> dict[str, object]:
    return {
        "reference": parcel.reference,
        "carrier": parcel.carrier,
        "service": parcel.service,
        "tracking": parcel.tracking,
        "shipped": stamp(parcel.shipped),
        "units": parcel.units,
    }


def _step(updated: str, counts: Sequence[tuple[int, int]], state: Mapping[str, Any]) -> Version:
    whole = all(ordered == fulfilled for ordered, fulfilled in counts)
    begun = any(fulfilled for _, fulfilled in counts)
    status = "SHIPPED" if whole else "PARTIALLY_SHIPPED" if begun else "UNSHIPPED"
    return Version(updated, status, {**state, "counts": counts})
