"""Stored SQL queries: the cheap way to sweep stock and prices (SAP dossier, sections 5.5 and 5.6).

They are stored once, by ``connection prepare``, where the user may; a query of another text under our code is left alone and
not used. Where there is none, or it fails, the same rows are read from the items themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ml_connector.domain.errors import NotPermitted, RefusedByServer
from ml_connector.erp.sap_business_one.client import ServiceLayer
from ml_connector.erp.sap_business_one.odata import by_key, encode, path


@dataclass(frozen=True, slots=True)
class StoredQuery:
    """``after`` is the parameter of its text: the last item that was read."""

    code: str
    name: str
    text: str


STOCK: Final = StoredQuery(
    "ML_STOCK",
    "ml-connector: stock by warehouse",
    "select T0.ItemCode, T1.WhsCode, T1.OnHand, T1.IsCommited, T1.OnOrder "
    "from OITM T0 inner join OITW T1 on T0.ItemCode = T1.ItemCode "
    "where T0.InvntItem = 'Y' and T0.ItemCode > :after order by T0.ItemCode, T1.WhsCode",
)
PRICES: Final = StoredQuery(
    "ML_PRICES",
    "ml-connector: prices by list",
    "select T0.ItemCode, T0.SalUnitMsr, T0.InvntryUom, T1.PriceList, T1.Price, T1.Currency "
    "from OITM T0 inner join ITM1 T1 on T0.ItemCode = T1.ItemCode "
    "where T0.SellItem = 'Y' and T1.Price <> 0 and T0.ItemCode > :after order by T0.ItemCode, T1.PriceList",
)


async def prepare(layer: ServiceLayer) -> tuple[str, ...]:
    """Store both queries where they are missing. Sentences that say what was found and done; nothing fails."""
    return tuple([await _prepare(layer, query) for query in (STOCK, PRICES)])


async def in_words(layer: ServiceLayer) -> str:
    """How stock and prices are swept, for people."""
    usable_ones = [query.code for query in (STOCK, PRICES) if await usable(layer, query)]
    return f"through the stored queries {' and '.join(usable_ones)}" if usable_ones else "from the items themselves"


async def _prepare(layer: ServiceLayer, query: StoredQuery) -> str:
    if await usable(layer, query):
        return f"The stored query {query.code} is there: {query.name.partition(': ')[2]} is read through it."
    body = {"SqlCode": query.code, "SqlName": query.name, "SqlText": query.text}
    answer = await layer.read("POST", "/SQLQueries", content=encode(body), attempts=1)
    if answer.ok:
        return f"The stored query {query.code} was created."
    return f"The stored query {query.code} could not be created; the items are read instead, which takes longer."


async def usable(layer: ServiceLayer, query: StoredQuery) -> bool:
    """Whether the query is stored, with our text, and the user may read it."""
    where = path(by_key("SQLQueries", query.code), select="SqlCode,SqlText")
    try:
        stored = await layer.get("read stored queries", where)
    except (RefusedByServer, NotPermitted):
        return False
    return isinstance(stored, dict) and " ".join(str(stored.get("SqlText")).split()) == query.text
