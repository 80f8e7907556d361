"""What an item costs a customer, and what follows when a price is changed (dossier, section 5.5).

Amounts are per sales unit, in the price's own currency, net of tax unless its list holds gross prices.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from ml_connector.sandbox.sap_business_one.catalog import Catalog
from ml_connector.sandbox.sap_business_one.errors import not_found, rejected
from ml_connector.sandbox.sap_business_one.schema import Row
from ml_connector.sandbox.sap_business_one.tables import Tables
from ml_connector.sandbox.switches import Switches

PRICE_ACCURACY = 2
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Price:
    """A price before discount. ``discount`` in percent; ``gross``: tax is inside; ``source``: a DocumentPriceSourceEnum.

    No price is a price of zero without a currency.
    """

    price: Decimal
    currency: str | None
    discount: Decimal
    gross: bool
    source: str


class Prices:
    """Price lists, prices of items and special prices of one company. Writes are called inside a transaction."""

    def __init__(self, tables: Tables, catalog: Catalog, switches: Switches) -> None:
        self._tables = tables
        self._catalog = catalog
        self._switches = switches

    def effective(self, card_code: str | None, item_code: str, day: str, price_list: int | None = None) -> Price:
        """The price for a customer on a day: a special price where one holds, else that of the customer's price list.

        ``price_list`` overrides the customer's. Raises :class:`ServiceLayerError` where item, customer or list is unknown.
        """
        partner = self._partner(card_code)
        if price_list is None:
            price_list = int(str(partner["PriceListNum"])) if partner else 1
        listed = self.listed(item_code, price_list)
        special = self._special(item_code, card_code, price_list, day)
        if special is None:
            return listed
        discount = _decimal(special["DiscountPercent"])
        price = _decimal(special["Price"])
        if discount or not price:
            return Price(listed.price, listed.currency, discount, listed.gross, "dpsSpecialPricesForBusinessPartner")
        currency = special["Currency"] or listed.currency
        return Price(price, str(currency), _ZERO, listed.gross, "dpsSpecialPricesForBusinessPartner")

    def listed(self, item_code: str, price_list: int) -> Price:
        """The price on a list, without anybody's discount."""
        known = self._tables.one(self._catalog.schema.types["PriceList"], {"PriceListNo": price_list})
        if known is None:
            raise not_found()
        row = self._row(item_code, price_list)
        active = known["Active"] == "tYES"
        price = _decimal(row["Price"]) if active else _ZERO
        currency = str(row["Currency"]) if row["Currency"] and active else None
        source = "dpsActivePriceList" if active else "dpsInactivePriceList"
        return Price(price, currency, _ZERO, known["IsGrossPrice"] == "tYES", source)

    def set_price(self, item_code: str, price_list: int, price: Decimal, currency: str | None) -> None:
        """Change one price; lists that are derived from this one follow. The item's UpdateDate is not touched here."""
        self._row(item_code, price_list)
        price_type = self._catalog.schema.types["ItemPrice"]
        key: Row = {"PriceList": price_list}
        changes: Row = {"Price": price, "Currency": currency if price else None}
        self._tables.update(price_type, key, changes, parent={"ItemCode": item_code})
        for derived in self._tables.select(
            self._catalog.schema.types["PriceList"],
            '"BasePriceList" = ? AND "PriceListNo" <> ?',
            [price_list, price_list],
        ):
            factored = (price * _decimal(derived["Factor"])).quantize(
                Decimal(1).scaleb(-PRICE_ACCURACY), rounding=ROUND_HALF_UP
            )
            self.set_price(item_code, int(str(derived["PriceListNo"])), factored, currency)

    def follow_factor(self, price_list: int) -> None:
        """After a change of a list's factor or base: every price on it is computed anew."""
        known = self._tables.one(self._catalog.schema.types["PriceList"], {"PriceListNo": price_list})
        if known is None or known["BasePriceList"] in (None, price_list):
            return
        base = int(str(known["BasePriceList"]))
        factor: Row = {"Factor": known["Factor"], "BasePriceList": base}
        for (item_code,) in self._tables.book.rows('SELECT "ItemCode" FROM {OITM}'):
            row = self._row(str(item_code), base)
            price_type = self._catalog.schema.types["ItemPrice"]
            self._tables.update(price_type, {"PriceList": price_list}, factor, parent={"ItemCode": item_code})
            currency = str(row["Currency"]) if row["Currency"] else None
            self.set_price(str(item_code), base, _decimal(row["Price"]), currency)

    def _partner(self, card_code: str | None) -> Row | None:
        if card_code is None:
            return None
        partner = self._tables.one(self._catalog.schema.types["BusinessPartner"], {"CardCode": card_code})
        if partner is None:
            raise rejected(f"Invalid BP code , '{card_code}'")
        return partner

    def _row(self, item_code: str, price_list: int) -> Row:
        item_type = self._catalog.schema.types["Item"]
        price_type = self._catalog.schema.types["ItemPrice"]
        rows = self._tables.children(price_type, item_type.key, [{"ItemCode": item_code}])[(item_code,)]
        for row in rows:
            if row["PriceList"] == price_list:
                return row
        raise not_found()

    def _special(self, item_code: str, card_code: str | None, price_list: int, day: str) -> Row | None:
        """The special price that holds on the day: the customer's own, else that of everybody on the price list (switch).

        Its periods come before the row itself. The CardCode ``*1`` means everybody on list 1.
        """
        special_type = self._catalog.schema.types["SpecialPrice"]
        everybody = (f"*{price_list}",) if self._switches.on("special_prices_of_lists") else ()
        for code in (card_code, *everybody):
            row = self._tables.one(special_type, {"ItemCode": item_code, "CardCode": code})
            if row is None or row["Valid"] != "tYES" or not _within(day, row["ValidFrom"], row["ValidTo"]):
                continue
            period_type = self._catalog.schema.types["SpecialPriceDataArea"]
            for period in self._tables.children(period_type, special_type.key, [row])[(item_code, code)]:
                if _within(day, period["DateFrom"], period["Dateto"]):
                    price, currency, discount = period["SpecialPrice"], period["PriceCurrency"], period["Discount"]
                    return {"Price": price, "Currency": currency, "DiscountPercent": discount}
            return row
        return None


def _within(day: str, first: object, last: object) -> bool:
    return (first is None or str(first) <= day) and (last is None or day <= str(last))


def _decimal(value: object) -> Decimal:
    return value if isinstance(value, Decimal) else _ZERO
