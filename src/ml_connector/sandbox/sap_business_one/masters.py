"""Creating and changing rows of master data: keys, defaults, collections, and who changed what when (dossier, section 5.4)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from ml_connector.sandbox.sap_business_one.catalog import Catalog
from ml_connector.sandbox.sap_business_one.company import LOCAL_CURRENCY, account_code
from ml_connector.sandbox.sap_business_one.errors import (
    OBJECT_REJECTED,
    ServiceLayerError,
    duplicate,
    rejected,
)
from ml_connector.sandbox.sap_business_one.prices import Prices
from ml_connector.sandbox.sap_business_one.schema import EntitySet, Field, Row, Type
from ml_connector.sandbox.sap_business_one.tables import Tables
from ml_connector.sandbox.sap_business_one.values import with_defaults
from ml_connector.sandbox.sap_business_one.wall import Wall
from ml_connector.sandbox.switches import Switches

_ZERO = Decimal(0)
_TAKEN = {
    "Items": "1320000140 - Item code '{0}' already assigned to an item; enter a unique item code",
    "BusinessPartners": (
        "1320000140 - Business partner code '{0}' already assigned to a business partner; "
        "enter a unique business partner code"
    ),
}


class Masters:
    """Master data of one company. Every method is called inside a transaction."""

    def __init__(self, tables: Tables, catalog: Catalog, switches: Switches, prices: Prices, wall: Wall) -> None:
        self._tables = tables
        self._catalog = catalog
        self._switches = switches
        self._prices = prices
        self._wall = wall
        self._prepare: dict[str, Callable[[Row], None]] = {
            "AdditionalExpenses": self._number_freight,
            "BusinessPartners": self._complete_partner,
            "Items": self._complete_item,
            "PriceLists": self._complete_price_list,
            "SalesTaxCodes": self._complete_sales_tax_code,
            "SpecialPrices": self._complete_special_price,
        }

    def create(self, entity_set: EntitySet, sent: Row) -> Row:
        """Write a new row with its collections and return its key. Raises :class:`ServiceLayerError`."""
        entity = self._catalog.schema.type_of(entity_set)
        row = dict(sent)
        prepare = self._prepare.get(entity_set.name)
        if prepare is not None:
            prepare(row)
        key: Row = {name: row.get(name) for name in entity.key}
        if None in key.values():
            raise rejected(f"Specify {', '.join(entity.key)} of '{entity.name}'.")
        if self._tables.one(entity, key) is not None:
            taken = _TAKEN.get(entity_set.name)
            raise ServiceLayerError(400, OBJECT_REJECTED, taken.format(*key.values())) if taken else duplicate()
        self._stamp_new(entity, row)
        self._tables.insert(entity, with_defaults(row, entity))
        for each in entity.collections:
            self._write_members(entity, each, key, _members(row, each))
        if entity_set.name == "Items":
            # The rows for all lists are there now; what was sent goes through the lists that depend on it.
            prices = next(each for each in entity.collections if each.name == "ItemPrices")
            self._merge_members(entity, prices, key, _members(sent, prices))
        self._after(entity_set, key, row)
        return key

    def change(self, entity_set: EntitySet, row: Row, changes: Row, *, replace_collections: bool) -> None:
        """PATCH: properties are replaced, members of collections merged by their key, or replaced too (section 4.2)."""
        entity = self._catalog.schema.type_of(entity_set)
        key: Row = {name: row[name] for name in entity.key}
        apart = {each.name for each in entity.collections}
        # A key is silently ignored like any other property that cannot change (dossier, section 4.2).
        scalars: Row = {name: value for name, value in changes.items() if name not in (*entity.key, *apart)}
        touched = self._stamp_change(entity, row, scalars, set(changes))
        if touched:
            self._tables.update(entity, key, touched)
        for each in entity.collections:
            if each.name in changes:
                if replace_collections:
                    self._tables.delete_children(self._catalog.schema.child(entity, each), key)
                self._merge_members(entity, each, key, _members(changes, each))
        self._after(entity_set, key, changes)

    def remove(self, entity_set: EntitySet, row: Row) -> None:
        entity = self._catalog.schema.type_of(entity_set)
        key: Row = {name: row[name] for name in entity.key}
        for each in entity.collections:
            self._tables.delete_children(self._catalog.schema.child(entity, each), key)
        self._tables.delete(entity.table, key)

    # --- members of collections ----------------------------------------------------------------------------------------

    def _write_members(self, entity: Type, collection: Field, key: Row, members: list[Row]) -> None:
        child = self._catalog.schema.child(entity, collection)
        names = {"ItemCode": "ItemCode", "BPCode": "CardCode", "ItemNo": "ItemCode"}
        full = []
        for number, member in enumerate(members):
            filled = with_defaults(member, child)
            filled.update({name: key[source] for name, source in names.items() if name in filled and source in key})
            for name in ("RowNum", "RowNumber"):
                if name in filled and filled[name] is None:
                    filled[name] = number
            full.append(filled)
        self._tables.insert_all(child, full, parent=key)

    def _merge_members(self, entity: Type, collection: Field, key: Row, members: list[Row]) -> None:
        child = self._catalog.schema.child(entity, collection)
        new = []
        for member in members:
            own: Row = {name: member[name] for name in child.member_key if member.get(name) is not None}
            if collection.name == "ItemPrices" and own:
                self._set_price(key, own, member)
            elif (
                len(own) < len(child.member_key)
                or not own
                or not self._tables.update(child, own, {**own, **member}, parent=key)
            ):
                new.append(member)
        self._write_members(entity, collection, key, new)

    def _set_price(self, key: Row, own: Row, member: Row) -> None:
        """A price that was sent: lists derived from it follow."""
        item_code, number = str(key["ItemCode"]), int(str(own["PriceList"]))
        known = self._prices.listed(item_code, number)
        price = member.get("Price", known.price)
        currency = member.get("Currency", known.currency) or LOCAL_CURRENCY
        self._prices.set_price(item_code, number, Decimal(str(price)), str(currency))

    # --- stamps --------------------------------------------------------------------------------------------------------

    def _stamp_new(self, entity: Type, row: Row) -> None:
        day, time = self._wall.day(), self._wall.time()
        if entity.get("CreateTime") is not None:
            row.update(CreateDate=day, CreateTime=time)
            if not self._switches.on("new_rows_without_update_date"):
                row.update(UpdateDate=day, UpdateTime=time)
        if entity.versioned:
            row["DataVersion"] = 1

    def _stamp_change(self, entity: Type, row: Row, scalars: Row, sent: set[str]) -> Row:
        """The scalars with version and time. Prices alone do not touch the item's time (switch)."""
        stamped = dict(scalars)
        if entity.versioned:
            stamped["DataVersion"] = int(str(row["DataVersion"])) + 1
        only_prices = sent == {"ItemPrices"} and not self._switches.on("price_touches_items")
        if entity.get("UpdateTime") is not None and not only_prices:
            stamped.update(UpdateDate=self._wall.day(), UpdateTime=self._wall.time())
        return stamped

    # --- each set's own ------------------------------------------------------------------------------------------------

    def _number_freight(self, row: Row) -> None:
        row["ExpensCode"] = self._tables.next_number("OEXD", "ExpensCode", 1)

    def _complete_price_list(self, row: Row) -> None:
        row["PriceListNo"] = self._tables.next_number("OPLN", "PriceListNo", 1)
        row["BasePriceList"] = row.get("BasePriceList") or row["PriceListNo"]
        row["Factor"] = row.get("Factor") or Decimal(1)
        row["DefaultPrimeCurrency"] = row.get("DefaultPrimeCurrency") or LOCAL_CURRENCY

    def _complete_sales_tax_code(self, row: Row) -> None:
        lines = row.get("SalesTaxCodes_Lines")
        rates = [line.get("EffectiveRate") for line in lines] if isinstance(lines, list) else []
        row["Rate"] = sum((rate for rate in rates if isinstance(rate, Decimal)), _ZERO)

    def _complete_special_price(self, row: Row) -> None:
        types = self._catalog.schema.types
        if self._tables.one(types["Item"], {"ItemCode": row.get("ItemCode")}) is None:
            raise rejected(f"Item '{row.get('ItemCode')}' does not exist [OSPP.ItemCode].")
        code = str(row.get("CardCode"))
        if not code.startswith("*") and self._tables.one(types["BusinessPartner"], {"CardCode": code}) is None:
            raise rejected(f"Invalid BP code [OSPP.CardCode] , '{code}'")

    def _complete_partner(self, row: Row) -> None:
        if not row.get("CardName"):
            row["CardName"] = row.get("CardCode")
        account = "211000" if row.get("CardType") == "cSupplier" else "113000"
        row["DebitorAccount"] = row.get("DebitorAccount") or account_code(self._switches, account)
        row["Currency"] = row.get("Currency") or LOCAL_CURRENCY

    def _complete_item(self, row: Row) -> None:
        """Every item has a row for each price list and each warehouse."""
        places = row.get("ItemWarehouseInfoCollection")
        sent_places = {place.get("WarehouseCode"): place for place in places} if isinstance(places, list) else {}
        types = self._catalog.schema.types
        row["ItemPrices"] = [
            {"PriceList": known["PriceListNo"], "BasePriceList": known["BasePriceList"], "Factor": known["Factor"]}
            for known in self._tables.select(types["PriceList"])
        ]
        row["ItemWarehouseInfoCollection"] = [
            {"WarehouseCode": known["WarehouseCode"], **sent_places.get(known["WarehouseCode"], {})}
            for known in self._tables.select(types["Warehouse"])
        ]

    def _after(self, entity_set: EntitySet, key: Row, row: Row) -> None:
        """What a new or changed row means for others."""
        if entity_set.name == "PriceLists":
            number = int(str(key["PriceListNo"]))
            self._add_to_items("ItemPrice", "PriceList", number)
            if {"Factor", "BasePriceList"} & set(row):
                self._prices.follow_factor(number)
        if entity_set.name == "Warehouses":
            self._add_to_items("ItemWarehouseInfo", "WarehouseCode", key["WarehouseCode"])

    def _add_to_items(self, member: str, column: str, value: object) -> None:
        """Items know every price list and every warehouse, the new ones too."""
        child = self._catalog.schema.types[member]
        for (code,) in self._tables.book.rows('SELECT "ItemCode" FROM {OITM}'):
            own: Row = {column: value}
            if not self._tables.update(child, own, own, parent={"ItemCode": code}):
                filled: Row = {"ItemCode": code, column: value, "Factor": Decimal(1), "BasePriceList": value}
                self._tables.insert_all(child, [with_defaults(filled, child)], parent={"ItemCode": code})


def _members(row: Row, collection: Field) -> list[Row]:
    members = row.get(collection.name)
    return members if isinstance(members, list) else []
