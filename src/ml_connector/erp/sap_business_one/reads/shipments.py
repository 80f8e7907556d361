"""Deliveries: what left a warehouse, for which order, and whether it was taken back (SAP dossier, sections 5.4 and 6.3)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from ml_connector.domain.catalog import Shipment, ShippedLine
from ml_connector.domain.errors import BadAnswer
from ml_connector.domain.source import Page
from ml_connector.erp.sap_business_one.client import ServiceLayer
from ml_connector.erp.sap_business_one.odata import by_key, path
from ml_connector.erp.sap_business_one.reads.marks import Followed, changed
from ml_connector.erp.sap_business_one.values import code, day_of, number, rows_in, within, words, yes

#: Object codes of what a line may be based on (dossier 6.3).
_ORDER, _DELIVERY = 17, 15

#: Documents asked for by number in one address.
_NUMBERS_MAX: Final = 40

#: Numbers that people put into one field are told apart by these; a blank may belong to a number.
_BETWEEN: Final = ";,\n|"

_DELIVERIES: Final = Followed(
    what="read deliveries",
    entity_set="DeliveryNotes",
    key="DocEntry",
    created="CreationDate",
    select=(
        "DocEntry",
        "NumAtCard",
        "DocDate",
        "TrackingNumber",
        "TransportationCode",
        "Cancelled",
        "CancelStatus",
        "DocumentLines",
    ),
)

Row = Mapping[str, Any]


async def shipments(layer: ServiceLayer, mark: str, now: datetime) -> AsyncIterator[Page[Shipment]]:
    """See :class:`~ml_connector.domain.source.Feeds`. A delivery for several orders is a shipment for each of them."""
    async for rows, covered in changed(layer, _DELIVERIES, mark, now):
        deliveries = await _with_cancelled([await _whole(layer, row) for row in rows], layer)
        orders = await _orders(layer, deliveries)
        found: list[Shipment] = []
        for row in deliveries:
            with within("delivery", row, "DocEntry"):
                found += _shipments(row, orders)
        yield Page(tuple(found), covered)


async def _whole(layer: ServiceLayer, row: dict[str, Any]) -> dict[str, Any]:
    """A delivery with its lines: some servers leave collections empty in lists (dossier 5.1)."""
    if rows_in(row, "DocumentLines"):
        return row
    where = path(by_key("DeliveryNotes", _entry(row)), select=",".join(_DELIVERIES.select))
    whole = await layer.get(_DELIVERIES.what, where)
    if not isinstance(whole, dict):
        raise BadAnswer("SAP Business One answered something else than a delivery.")
    return whole


async def _with_cancelled(rows: Sequence[dict[str, Any]], layer: ServiceLayer) -> list[dict[str, Any]]:
    """The deliveries among ``rows``, and those that are taken back by the cancelling documents among them: whether a
    cancellation stamps the document that it cancels is not verified, so it is read by its number."""
    found = {_entry(row): row for row in rows if row.get("CancelStatus") not in ("csCancellation", "C")}
    cancelled = {
        line["BaseEntry"]
        for row in rows
        if _entry(row) not in found
        for line in rows_in(row, "DocumentLines")
        if line.get("BaseType") == _DELIVERY and isinstance(line.get("BaseEntry"), int)
    }
    for some in _groups(sorted(cancelled - found.keys())):
        listed = await layer.rows(
            _DELIVERIES.what, "DeliveryNotes", key="DocEntry", select=_DELIVERIES.select, condition=_numbered(some)
        )
        found |= {_entry(row): await _whole(layer, row) for row in listed}
    return list(found.values())


async def _orders(layer: ServiceLayer, deliveries: Iterable[Row]) -> dict[int, Row]:
    """The orders that lines of ``deliveries`` are based on, by DocEntry."""
    numbers = {entry for row in deliveries for entry in map(_base_order, rows_in(row, "DocumentLines")) if entry}
    found: dict[int, Row] = {}
    for some in _groups(sorted(numbers)):
        select = ("DocEntry", "DocNum", "NumAtCard")
        rows = await layer.rows("read orders", "Orders", key="DocEntry", select=select, condition=_numbered(some))
        found |= {_entry(row): row for row in rows}
    return found


def _shipments(row: Row, orders: Mapping[int, Row]) -> list[Shipment]:
    entry = _entry(row)
    lines: dict[int, list[ShippedLine]] = {}
    for line in rows_in(row, "DocumentLines"):
        base = _base_order(line)
        of_order = lines.setdefault(base, [])
        if words(line.get("ItemCode")):
            number_in_order = words(line.get("BaseLine")) if base else ""
            of_order.append(ShippedLine(code(line, "ItemCode"), number(line, "Quantity"), number_in_order))
    carrier = row.get("TransportationCode")
    return [
        Shipment(
            id=str(entry) if len(lines) <= 1 else f"{entry}-{base}",
            reference=words(orders.get(base, {}).get("NumAtCard")) or words(row.get("NumAtCard")),
            order=words(orders.get(base, {}).get("DocNum")),
            day=day_of(row.get("DocDate")),
            carrier=words(carrier) if isinstance(carrier, int) and carrier > 0 else "",
            tracking=_tracking(words(row.get("TrackingNumber"))),
            lines=tuple(of_order),
            cancelled=yes(row.get("Cancelled")) or row.get("CancelStatus") in ("csYes", "Y"),
        )
        for base, of_order in (lines or {0: []}).items()
    ]


def _base_order(line: Row) -> int:
    """DocEntry of the order that a line is based on, 0 where it is none."""
    entry = line.get("BaseEntry")
    return entry if line.get("BaseType") == _ORDER and isinstance(entry, int) else 0


def _tracking(text: str) -> tuple[str, ...]:
    for mark in _BETWEEN[1:]:
        text = text.replace(mark, _BETWEEN[0])
    return tuple(part.strip() for part in text.split(_BETWEEN[0]) if part.strip())


def _entry(row: Row) -> int:
    entry = row.get("DocEntry")
    if not isinstance(entry, int) or isinstance(entry, bool):
        raise BadAnswer("SAP Business One shows a document without DocEntry.", code="missing_field")
    return entry


def _numbered(entries: Sequence[int]) -> str:
    return " or ".join(f"DocEntry eq {entry}" for entry in entries)


def _groups(entries: Sequence[int]) -> list[Sequence[int]]:
    return [entries[at : at + _NUMBERS_MAX] for at in range(0, len(entries), _NUMBERS_MAX)]
