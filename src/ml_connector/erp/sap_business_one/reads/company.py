"""The reading side of a connected company: who it is, what plans are checked against, and what is followed."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ml_connector.domain.catalog import Customer, Identity, Item, Price, References, Shipment, Stock
from ml_connector.domain.clock import Clock
from ml_connector.domain.source import Page
from ml_connector.erp.sap_business_one.client import ServiceLayer
from ml_connector.erp.sap_business_one.company import Company
from ml_connector.erp.sap_business_one.config import Config
from ml_connector.erp.sap_business_one.reads import items, prices, queries, reference, rights, shipments, stock


class Reading:
    """:class:`~ml_connector.domain.source.Source` but for ``prepare``, and :class:`~ml_connector.domain.source.Feeds`."""

    def __init__(self, config: Config, layer: ServiceLayer, company: Company, clock: Clock) -> None:
        self._config = config
        self._layer = layer
        self._company = company
        self._clock = clock

    async def ping(self) -> Identity:
        """Sign in anew, read the company's name and abilities, and try every right that reading and posting need.

        Raises :class:`~ml_connector.domain.errors.NotPermitted` where journal entries cannot be read; other rights that are
        missing are named in the answer.
        """
        self._layer.session.forget()
        info = await reference.info(self._layer, "CompanyInfo")
        self._company = await reference.company(self._layer, self._config)
        return Identity(
            name=str(info.get("CompanyName") or self._config.company_db),
            version=rights.version_in_words(self._layer.session.version or str(info.get("Version", ""))),
            details=(
                ("protocol", f"Service Layer {self._config.wire.name} ({self._config.wire.label})"),
                ("company database", self._company.database),
                ("localization", str(info.get("Localization") or "")),
                ("local currency", self._company.local.iso),
                *self._company.features,
                ("stock and prices", await queries.in_words(self._layer)),
                ("missing rights", ", ".join(await rights.missing(self._layer)) or "none"),
            ),
            clock_ahead_s=self._layer.clock_ahead_s,
        )

    async def references(self) -> References:
        """Accounts, posting periods, currencies, branches, tax codes, warehouses and dimensions, read now."""
        self._company = await reference.company(self._layer, self._config)
        return await reference.references(self._layer, self._company, self._clock.now().date())

    def items(self, mark: str = "") -> AsyncIterator[Page[Item]]:
        """Items that changed. Stock and prices are no change of an item here: they have sweeps of their own."""
        return items.items(self._layer, mark, self._clock.now())

    def prices(self, mark: str = "") -> AsyncIterator[Page[Price]]:
        """Every price of every item that is sold, list by list, then special prices; all of them each time."""
        return prices.prices(self._layer, self._company, mark, self._clock.now())

    def stock(self, mark: str = "") -> AsyncIterator[Page[Stock]]:
        """Every stocked item in every warehouse, each time."""
        return stock.stock(self._layer, mark)

    def shipments(self, mark: str = "") -> AsyncIterator[Page[Shipment]]:
        """Deliveries that changed, with their tracking numbers and the orders that they are for."""
        return shipments.shipments(self._layer, mark, self._clock.now())

    def customers(self, mark: str = "") -> AsyncIterator[Page[Customer]]:
        """Customers that changed."""
        return items.customers(self._layer, self._company, mark, self._clock.now())

    async def close(self) -> None:
        """Sign out and let go of every connection."""
        await self._layer.close()
