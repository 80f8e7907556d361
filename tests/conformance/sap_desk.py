"""People at work in the simulated Business One on what is followed: items, prices, stock, deliveries, customers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from ml_connector.conformance.world import Feed
from ml_connector.sandbox.sap_business_one import Control

_WAREHOUSE: Final = "01"
_LIST: Final = 1


@dataclass
class SapDesk:
    control: Control
    branch: str = ""
    _turn: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def known(self, feed: Feed) -> Sequence[str]:
        match feed:
            case Feed.CUSTOMERS:
                partners = self.control.documents("BusinessPartners")
                return [str(row["CardCode"]) for row in partners if row["CardType"] == "cCustomer"]
            case Feed.SHIPMENTS:
                return [str(row["DocEntry"]) for row in self.control.documents("DeliveryNotes")]
        items: list[dict[str, Any]] = self.control.documents("Items")
        live = {row["PriceListNo"] for row in self.control.documents("PriceLists") if row["Active"] == "tYES"}
        if feed is Feed.STOCK:
            items = [item for item in items if item["InventoryItem"] == "tYES"]
        if feed is Feed.PRICES:
            items = [item for item in items if item["SalesItem"] == "tYES"]
            items = [item for item in items if any(p["Price"] for p in item["ItemPrices"] if p["PriceList"] in live)]
        return [str(item["ItemCode"]) for item in items]

    def add(self, feed: Feed, number: int) -> str:
        match feed:
            case Feed.CUSTOMERS:
                self.control.enter("BusinessPartners", {"CardCode": f"N{number:05}", "CardType": "cCustomer"})
                return f"N{number:05}"
            case Feed.SHIPMENTS:
                goods = {"ItemCode": "STOOL-OAK-45", "Quantity": 1, "UnitPrice": 1, "WarehouseCode": _WAREHOUSE}
                header: dict[str, object] = {"CardCode": "C-AMZ-US", "NumAtCard": f"113-{number}"}
                if self.branch:
                    header["BPL_IDAssignedToInvoice"] = int(self.branch)
                return str(self.control.plant_document("DeliveryNotes", {**header, "DocumentLines": [goods]}))
        code = f"NEW-{number:05}"
        self.control.enter("Items", {"ItemCode": code, "ItemName": "New"})
        self.control.set_price(code, _LIST, "10")
        return code

    def change(self, feed: Feed, code: str) -> None:
        turn = next(self._turn)
        match feed:
            case Feed.CUSTOMERS:
                self.control.edit("BusinessPartners", {"CardCode": code}, {"CardName": f"Name {turn}"})
            case Feed.SHIPMENTS:
                self.control.edit("DeliveryNotes", {"DocEntry": int(code)}, {"TrackingNumber": f"1Z{turn}"})
            case Feed.STOCK:
                self.control.move_stock(code, _WAREHOUSE, "1")
            case Feed.PRICES:
                self.control.set_price(code, _LIST, Decimal(turn))
            case Feed.ITEMS:
                self.control.edit("Items", {"ItemCode": code}, {"ItemName": f"Name {turn}"})
