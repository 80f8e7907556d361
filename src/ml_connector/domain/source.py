"""The port through which an ERP is read: reference data for planning, and what goes back to Amazon.

Reads that follow changes hand out a *mark* with every page: what to begin with next time. A mark is the connector's own text
and is kept together with the rows it covers, so that a crash re-reads rather than skips. Marks look back far enough that rows
changed on the same day, in the same second, or under a server clock in another time zone are read twice rather than never:
whoever reads them recognises what it knows by content. ``""`` begins at the beginning. A source without change stamps sweeps
everything each time and gives back ``""``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ml_connector.domain.catalog import Customer, Identity, Item, Price, References, Shipment, Stock

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows, and the mark that covers them and everything before."""

    rows: tuple[Row, ...]
    mark: str


class Source(Protocol):
    """Who a connected company is, and what plans are checked against. Every read raises
    :class:`~ml_connector.domain.errors.NotPermitted` where a right is missing, naming it."""

    async def ping(self) -> Identity:
        """Sign in, read who we are talking to, check the rights that posting needs. Raises what is wrong, exactly."""
        ...

    async def references(self) -> References:
        """Accounts, fiscal periods, currencies, branches, tax codes, warehouses and dimensions, read now."""
        ...

    async def prepare(self) -> tuple[str, ...]:
        """Create what the target needs for the strongest reliability class, where the user may. Idempotent.

        Returns sentences that say what was found and done.
        """
        ...

    async def close(self) -> None:
        """Sign out and let go of every connection."""
        ...


class Feeds(Protocol):
    """What changes in a connected company and is followed, page by page. Raises as :class:`Source` does."""

    def items(self, mark: str = "") -> AsyncIterator[Page[Item]]:
        """Items, as they are now, that changed since ``mark``."""
        ...

    def prices(self, mark: str = "") -> AsyncIterator[Page[Price]]:
        """List and special prices that may have changed since ``mark``."""
        ...

    def stock(self, mark: str = "") -> AsyncIterator[Page[Stock]]:
        """Quantities by item and warehouse that may have changed since ``mark``."""
        ...

    def shipments(self, mark: str = "") -> AsyncIterator[Page[Shipment]]:
        """What left a warehouse, with its tracking numbers, since ``mark``."""
        ...

    def customers(self, mark: str = "") -> AsyncIterator[Page[Customer]]:
        """Customers that changed since ``mark``."""
        ...


class LedgerOnly:
    """:class:`Feeds` of a system that keeps books and nothing else: there is nothing to follow, now and later."""

    async def items(self, mark: str = "") -> AsyncIterator[Page[Item]]:
        yield Page((), "")

    async def prices(self, mark: str = "") -> AsyncIterator[Page[Price]]:
        yield Page((), "")

    async def stock(self, mark: str = "") -> AsyncIterator[Page[Stock]]:
        yield Page((), "")

    async def shipments(self, mark: str = "") -> AsyncIterator[Page[Shipment]]:
        yield Page((), "")

    async def customers(self, mark: str = "") -> AsyncIterator[Page[Customer]]:
        yield Page((), "")
