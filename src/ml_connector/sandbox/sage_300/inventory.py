"""Items, and how much of them lies where (dossier, section 15).

Three figures per item and location: on hand, committed to orders that are not shipped, and shipped but not yet costed.
Available to ship is on hand less the other two; whether on hand itself falls at once or at day end is an open question.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ml_connector.sandbox.sage_300.context import Context
from ml_connector.sandbox.sage_300.errors import field_invalid
from ml_connector.sandbox.sage_300.records import amount, each_row, millionths, text
from ml_connector.sandbox.sage_300.schema import Row, blank

DETAILS, ITEMS = "ICLocationDetails", "ICItems"
_MILLION = Decimal(1_000_000)
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Stock:
    """Quantities of one item at one location, in its stocking unit."""

    on_hand: Decimal = _ZERO
    committed: Decimal = _ZERO
    uncosted: Decimal = _ZERO

    @property
    def available(self) -> Decimal:
        return self.on_hand - self.committed - self.uncosted


class Inventory:
    """The stock of one company. Items are known by their unformatted number here."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._records = context.records
        self._waits = context.switches.on("on_hand_waits_for_day_end")
        columns = "item TEXT, location TEXT, on_hand INTEGER, committed INTEGER, uncosted INTEGER"
        context.records.book.create("stock", f"{columns}, PRIMARY KEY (item, location)")
        context.records.index(ITEMS, "ItemNumber")
        context.records.index(DETAILS, "ItemNumber")

    def item(self, number: str) -> Row:
        """An item by either form of its number; a warning is glued to the refusal, as seen (dossier, section 8)."""
        found = self._records.get(ITEMS, number)
        if found is None:
            formatted = self._records.find(ITEMS, ItemNumber=number)
            found = formatted[0] if formatted else None
        if found is None:
            raise field_invalid(
                f"Item number {number} does not exist. Warning: the backorder quantity was not changed."
            )
        return found

    def price(self, item: str, price_list: str, currency: str) -> Decimal:
        """The base price of an item in a price list, zero where there is none."""
        row = self._records.get("ICItemPricing", currency, item, price_list)
        rows = [] if row is None else each_row(row, "ItemPricingDetails")
        return next(
            (amount(each, "UnitPrice") for each in rows if each["PriceDetailType"] == "BasePriceQuantity"), _ZERO
        )

    def stock(self, item: str, location: str) -> Stock:
        """What there is. Raises 409 ``FieldInvalid`` where the location does not keep the item."""
        found = self._records.book.row("SELECT * FROM {stock} WHERE item = ? AND location = ?", (item, location))
        if found is None:
            raise field_invalid(f"Item {item} is not kept at location {location}.")
        return Stock(*(Decimal(found[name]) / _MILLION for name in ("on_hand", "committed", "uncosted")))

    def ship(self, item: str, location: str, quantity: Decimal) -> None:
        """Goods leave. Raises 409 where that would leave less than nothing and the company does not allow it."""
        now = self.stock(item, location)
        if now.available < quantity and not self._context.switches.on("negative_inventory"):
            raise field_invalid(
                f'Negative inventory levels are not allowed for item "{item}" at location "{location}".'
            )
        if self._waits:
            self._write(item, location, Stock(now.on_hand, now.committed, now.uncosted + quantity))
        else:
            self._write(item, location, Stock(now.on_hand - quantity, now.committed, now.uncosted))

    def receive(self, item: str, location: str, quantity: Decimal) -> None:
        """Goods come back."""
        now = self.stock(item, location)
        self._write(item, location, Stock(now.on_hand + quantity, now.committed, now.uncosted))

    def commit(self, item: str, location: str, quantity: Decimal) -> None:
        """Goods are promised to an order."""
        now = self.stock(item, location)
        self._write(item, location, Stock(now.on_hand, now.committed + quantity, now.uncosted))

    def set_on_hand(self, item: str, location: str, quantity: Decimal) -> None:
        """Somebody counted; the location keeps the item from now on."""
        row = self._records.book.row("SELECT 1 FROM {stock} WHERE item = ? AND location = ?", (item, location))
        now = Stock() if row is None else self.stock(item, location)
        self._write(item, location, Stock(quantity, now.committed, _ZERO))

    def day_end(self) -> None:
        """What was shipped is costed: on hand falls by it."""
        for row in self._records.book.rows("SELECT item, location FROM {stock} WHERE uncosted <> 0"):
            now = self.stock(row["item"], row["location"])
            self._write(row["item"], row["location"], Stock(now.on_hand - now.uncosted, now.committed))

    def _write(self, item: str, location: str, now: Stock) -> None:
        values = [millionths(each) for each in (now.on_hand, now.committed, now.uncosted)]
        self._records.book.execute("INSERT OR REPLACE INTO {stock} VALUES (?, ?, ?, ?, ?)", (item, location, *values))
        self._show(item, location, now)
        rows = self._records.book.rows("SELECT location FROM {stock} WHERE item = ?", (item,))
        totals = [self.stock(item, row["location"]) for row in rows]
        record = self._context.demand(ITEMS, item)
        record.update(
            QuantityOnHand=sum((each.on_hand for each in totals), _ZERO),
            QuantityCommitted=sum((each.committed for each in totals), _ZERO),
            QuantityAvailable=sum((each.available for each in totals), _ZERO),
        )
        self._records.save(ITEMS, record)

    def _show(self, item: str, location: str, now: Stock) -> None:
        """The row of ICLocationDetails, as far as this version has its properties."""
        model = self._context.schema.model_of(DETAILS)
        record = self._context.demand(ITEMS, item)
        shown = text(record, "ItemNumber") if self._context.switches.on("formatted_location_items") else item
        row = self._records.get(DETAILS, shown, location)
        new = row is None
        row = blank(model) if row is None else row
        row.update(ItemNumber=shown, Location=location, InUse=True, Allowed=True, QuantityOnHand=now.on_hand)
        row["Name"] = self._context.demand("ICLocations", location)["Name"]
        figures = {"QuantityCommitted": now.committed, "QuantityAvailableToShip": now.available}
        row.update({name: value for name, value in figures.items() if name in model.by_name})
        (self._records.insert if new else self._records.save)(DETAILS, row)
