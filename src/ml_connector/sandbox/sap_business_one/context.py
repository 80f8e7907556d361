"""Everything one company has, as the rooms that answer requests see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ml_connector.sandbox.sap_business_one.accidents import Accidents
from ml_connector.sandbox.sap_business_one.catalog import Catalog
from ml_connector.sandbox.sap_business_one.desk import Desk
from ml_connector.sandbox.sap_business_one.journal import Journal
from ml_connector.sandbox.sap_business_one.masters import Masters
from ml_connector.sandbox.sap_business_one.prices import Prices
from ml_connector.sandbox.sap_business_one.schema import EntitySet, Schema, Type
from ml_connector.sandbox.sap_business_one.sql_queries import SqlQueries
from ml_connector.sandbox.sap_business_one.stock import Stock
from ml_connector.sandbox.sap_business_one.tables import Tables
from ml_connector.sandbox.sap_business_one.wall import Wall
from ml_connector.sandbox.sap_business_one.wire import Renderer, Wire
from ml_connector.sandbox.switches import Switches


@dataclass(frozen=True, slots=True)
class Context:
    """``service_root()`` is the address of this version, for annotations and Location.

    ``notifications``: what the customer's own procedure in the database says to new rows of a set, by set; it refuses them.
    ``forbidden``: sets that the user has no right to.
    """

    tables: Tables
    catalog: Catalog
    journal: Journal
    prices: Prices
    stock: Stock
    masters: Masters
    desk: Desk
    accidents: Accidents
    queries: SqlQueries
    switches: Switches
    renderer: Renderer
    wall: Wall
    service_root: Callable[[], str]
    notifications: dict[str, str]
    forbidden: set[str]

    @property
    def schema(self) -> Schema:
        return self.catalog.schema

    @property
    def wire(self) -> Wire:
        return self.renderer.wire

    def type_of(self, entity_set: EntitySet) -> Type:
        return self.schema.type_of(entity_set)

    def annotated(self, fragment: str, members: dict[str, object]) -> dict[str, object]:
        """Members behind the annotation that says what they are."""
        name = f"{self.wire.annotation}{self.wire.context}"
        return {name: f"{self.service_root()}/$metadata#{fragment}", **members}
