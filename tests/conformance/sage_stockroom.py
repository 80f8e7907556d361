"""People at work in the simulated Sage company on what is followed: items, prices, stock, customers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from ml_connector.conformance.world import Feed, NotHere
from ml_connector.sandbox.sage_300 import Control

_LIST: Final = "AMZ"
_LOCATION: Final = "MAIN"
_NO_SHIPMENTS: Final = "The Web API has no resource for shipments: there is nothing that could be followed."


@dataclass
class Stockroom:
    control: Control
    _turn: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def known(self, feed: Feed) -> Sequence[str]:
        if feed is Feed.SHIPMENTS:
            raise NotHere(_NO_SHIPMENTS)
        if feed is Feed.CUSTOMERS:
            return [str(row["CustomerNumber"]).strip() for row in self.control.records("ARCustomers")]
        resource = {Feed.STOCK: "ICLocationDetails", Feed.PRICES: "ICItemPricing"}.get(feed, "ICItems")
        name = "ItemNumber" if feed is Feed.STOCK else "UnformattedItemNumber"
        return [str(row[name]).strip().replace("-", "").replace("/", "") for row in self.control.records(resource)]

    def add(self, feed: Feed, number: int) -> str:
        if feed is Feed.SHIPMENTS:
            raise NotHere(_NO_SHIPMENTS)
        if feed is Feed.CUSTOMERS:
            self.control.enter(
                "ARCustomers", {"CustomerNumber": f"N{number:05}", "GroupCode": "RTL", "TaxGroup": "USDTAX"}
            )
            return f"N{number:05}"
        code = f"NEW{number:05}"
        self.control.enter(
            "ICItems",
            {"UnformattedItemNumber": code, "StockItem": True, "StockingUnitOfMeasure": "Ea.", "Category": "AMZ"},
        )
        self.control.set_stock(code, _LOCATION, "5")
        price = {"PriceDetailType": "BasePriceQuantity", "QuantityUnit": "Ea.", "UnitPrice": 10}
        header = {"CurrencyCode": "USD", "UnformattedItemNumber": code, "PriceListCode": _LIST}
        self.control.enter("ICItemPricing", {**header, "ItemPricingDetails": [price]})
        return code

    def change(self, feed: Feed, code: str) -> None:
        turn = next(self._turn)
        match feed:
            case Feed.CUSTOMERS:
                self.control.edit("ARCustomers", [code], {"CustomerName": f"Name {turn}"})
            case Feed.STOCK:
                self.control.set_stock(code, _LOCATION, Decimal(turn))
            case Feed.PRICES:
                price = {"PriceDetailType": "BasePriceQuantity", "QuantityUnit": "Ea.", "UnitPrice": turn}
                self.control.edit("ICItemPricing", ["USD", code, _LIST], {"ItemPricingDetails": [price]})
            case Feed.ITEMS:
                self.control.edit("ICItems", [code], {"Description": f"Name {turn}"})
            case Feed.SHIPMENTS:
                raise NotHere(_NO_SHIPMENTS)
