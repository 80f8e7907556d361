"""Sweeps over what hangs on items and leaves no stamp when it changes: stock and prices (SAP dossier, section 5.5).

Through the stored query where there is one, else from the items themselves; either way in the order of item codes, and an item
as a whole, so that a place in the sweep is the code of the last item.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from ml_connector.domain.errors import BadAnswer, NotPermitted, RefusedByServer
from ml_connector.erp.sap_business_one.client import ServiceLayer
from ml_connector.erp.sap_business_one.odata import by_key, path
from ml_connector.erp.sap_business_one.reads import queries
from ml_connector.erp.sap_business_one.reads.queries import StoredQuery
from ml_connector.erp.sap_business_one.values import code, rows_in, within

Row = TypeVar("Row")
Fields = Mapping[str, Any]

#: Rows of one page of a query. An item has a row for every warehouse or price list.
_QUERY_ROWS: Final = 500


@dataclass(frozen=True, slots=True)
class Sweep(Generic[Row]):
    """One thing to sweep. ``collection`` is the items' own name for it; ``from_query`` reads a row of the query, ``from_item`` an
    item and one member of the collection. None: there is nothing in that row."""

    what: str
    query: StoredQuery
    condition: str
    collection: str
    fields: tuple[str, ...]
    from_query: Callable[[Fields], Row | None]
    from_item: Callable[[Fields, Fields], Row | None]


async def swept(layer: ServiceLayer, sweep: Sweep[Row], after: str) -> AsyncIterator[tuple[tuple[Row, ...], str]]:
    """Rows of every item after the item ``after``, in pages, each with the code of its last item, "" with the last page."""
    if await queries.usable(layer, sweep.query):
        try:
            async for rows, last in _by_query(layer, sweep, after):
                yield rows, last
                if not last:
                    return
                after = last
        except (RefusedByServer, NotPermitted, BadAnswer):
            # What was handed out stands, and the sweep goes on from there without the query: names and types of its columns
            # are not verified on every database.
            pass
    async for rows, last in _by_items(layer, sweep, after):
        yield rows, last


async def _by_query(layer: ServiceLayer, sweep: Sweep[Row], after: str) -> AsyncIterator[tuple[tuple[Row, ...], str]]:
    """Raises :class:`RefusedByServer` where the query does not work, or one item alone has more rows than a page."""
    more = True
    while more:
        rows, more = await layer.query(sweep.what, sweep.query.code, _QUERY_ROWS, after=after)
        if more and rows:
            # The last item may go on in the next page, which begins with it again.
            cut = code(rows[-1], "ItemCode")
            rows = [row for row in rows if row.get("ItemCode") != cut]
        if more and not rows:
            words = "a page of a stored query holds no item as a whole"
            raise RefusedByServer(f"{sweep.query.code}: {words}.", server_code="", words=words)
        after = code(rows[-1], "ItemCode") if rows else ""
        found: list[Row] = []
        for row in rows:
            with within("item", row, "ItemCode"):
                found += _some(sweep.from_query(row))
        yield tuple(found), after if more else ""


async def _by_items(layer: ServiceLayer, sweep: Sweep[Row], after: str) -> AsyncIterator[tuple[tuple[Row, ...], str]]:
    select = ("ItemCode", *sweep.fields, sweep.collection)
    pages = layer.pages(
        sweep.what,
        "Items",
        key=("ItemCode",),
        select=select,
        condition=sweep.condition,
        after=(after,) if after else (),
    )
    async for items, more in pages:
        found: list[Row] = []
        for item in items:
            with within("item", item, "ItemCode"):
                members = rows_in(item, sweep.collection)
                if not members:
                    # Some servers leave collections empty in lists (dossier 5.1).
                    where = path(by_key("Items", code(item, "ItemCode")), select=",".join(select))
                    members = rows_in(await layer.get(sweep.what, where), sweep.collection)
                for member in members:
                    found += _some(sweep.from_item(item, member))
        yield tuple(found), code(items[-1], "ItemCode") if more else ""


def _some(row: Row | None) -> list[Row]:
    return [] if row is None else [row]
