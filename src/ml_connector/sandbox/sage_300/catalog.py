"""The schema as this installation has it: the shipped tables, read through the switches that decide what a version has."""

from __future__ import annotations

from dataclasses import replace

from ml_connector.sandbox.sage_300.schema import Model, Schema, shipped, with_text_length, without
from ml_connector.sandbox.switches import Switches

_PERIOD_STATUS = tuple(f"FiscalPeriod{number}Status" for number in range(1, 14))


def installed(switches: Switches) -> Schema:
    """The models and resources of this installation."""
    schema = with_text_length(shipped(), switches.number("text_length"))
    if not switches.on("order_has_invoice_date"):
        schema = without(schema, "OE.Order", "InvoiceDate", "ShipmentDate", "InvoicePostingDate", "ShipmentPostingDate")
    if not switches.on("calendar_shows_locks"):
        schema = without(schema, "CS.FiscalCalendar", *_PERIOD_STATUS)
    present = switches.text("location_detail_has").split()
    absent = [name for name in ("QuantityCommitted", "QuantityAvailableToShip") if name not in present]
    return _with_post_names(without(schema, "IC.LocationDetail", *absent), switches.text("gl_post_names").split())


def _with_post_names(schema: Schema, names: list[str]) -> Schema:
    """GLPostJournal with the names of its range that this version has (dossier, section 14.2)."""
    model = schema.models["GL.PostJournal"]
    renamed = dict(zip(("FromBatchNumber", "ToBatchNumber"), names, strict=True))
    fields = tuple(replace(each, name=renamed.get(each.name, each.name)) for each in model.fields)
    return replace(schema, models={**schema.models, model.name: Model(model.name, fields)})
