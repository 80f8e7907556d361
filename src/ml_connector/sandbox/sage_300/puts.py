"""Putting values into rows, one after another in the order sent, as the business views do (dossier, section 4.5).

A *cascade* names what a put sets besides its own property: a customer brings its terms, so terms put before the customer
are lost. What fits the model may still not fit its column: that is said here too (409 ``FieldInvalid``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal

from ml_connector.sandbox.sage_300.errors import field_invalid
from ml_connector.sandbox.sage_300.records import each_row
from ml_connector.sandbox.sage_300.schema import Field, Model, Row, Schema, blank
from ml_connector.sandbox.switches import Switches

Cascade = Mapping[str, Callable[[Row], None]]

#: Optional fields that the company has defined and attached to its screens (dossier, section 18).
OPTIONAL_FIELDS = frozenset({"AMZORDER", "QUANTITY", "UPSZONE"})

#: Besides keys: properties whose text is kept in upper case (dossier, section 17).
_UPPER = frozenset(
    {
        "ApplytoDocument",
        "CreditDebitNoteNumber",
        "DistributionCode",
        "Item",
        "ItemNumber",
        "Location",
        "MiscellaneousChargesCode",
        "OrderNumber",
        "TaxGroup",
    }
)


class Puts:
    """The rules of one company for putting values."""

    def __init__(self, schema: Schema, switches: Switches) -> None:
        self._schema = schema
        self._cuts = switches.text("over_long_text") == "cut"
        self._upper = _UPPER.union(*(resource.key for resource in schema.resources.values()))

    def put(
        self, row: Row, sent: Row, model: Model, cascade: Cascade | None = None, ignored: Collection[str] = ()
    ) -> None:
        """Put every scalar of ``sent``. ``ignored``: placeholders and what the company computes itself."""
        for name, value in sent.items():
            declared = model.by_name[name]
            if declared.kind in ("list", "opaque") or name in ignored or name == "UpdateOperation":
                continue
            row[name] = self.fitting(declared, value)
            if cascade is not None and name in cascade:
                cascade[name](row)

    def fitting(self, declared: Field, value: object) -> object:
        """A value as its column holds it. Raises 409 ``FieldInvalid``."""
        if declared.kind == "decimal" and isinstance(value, Decimal):
            return self._number(declared, value)
        if declared.kind != "text":
            return value
        text = str(value).rstrip()
        if declared.name in self._upper:
            text = text.upper()
        if declared.size is not None and len(text) > declared.size:
            if not self._cuts:
                raise field_invalid(f"{declared.name} holds at most {declared.size} characters.")
            text = text[: declared.size]
        return text

    def details(
        self, rows: list[Row], sent: Sequence[Row], model: Model, key: Sequence[str], ignored: Collection[str] = ()
    ) -> None:
        """Apply detail rows by their ``UpdateOperation`` (dossier, section 4.6): for rows without rules of their own."""
        for one in sent:
            found = self.existing(rows, one, model, key)
            if one.get("UpdateOperation") == "Delete":
                rows.remove(_demanded(found))
                continue
            row = blank(model) if found is None else found
            self.put(row, one, model, ignored=ignored)
            if "OptionalField" in row and row["OptionalField"] not in OPTIONAL_FIELDS:
                raise field_invalid(f"Optional field {row['OptionalField']} is not defined.")
            for each in model.collections:
                member = self._schema.models[each.of] if each.of else None
                if member is not None and each.name in one:
                    self.details(each_row(row, each.name), each_row(one, each.name), member, ("OptionalField",))
            if found is None:
                rows.append(row)

    def existing(self, rows: Sequence[Row], sent: Row, model: Model, key: Sequence[str]) -> Row | None:
        """The row a detail is about, None where one is to be made. Raises 409 where the operation says otherwise."""
        wanted = [self.fitting(model.by_name[name], sent[name]) if name in sent else None for name in key]
        found = next((row for row in rows if [row[name] for name in key] == wanted), None)
        operation = sent.get("UpdateOperation", "Unspecified")
        if operation == "Insert" and found is not None:
            raise field_invalid(f"The row {', '.join(map(str, wanted))} already exists.")
        if operation in ("Update", "Delete"):
            return _demanded(found)
        return found

    @staticmethod
    def _number(declared: Field, value: Decimal) -> Decimal:
        """Digits that the column does not hold are refused: cutting them off would hide a wrong amount."""
        places = declared.size or 0
        if value != value.quantize(Decimal(1).scaleb(-places)):
            raise field_invalid(f"{declared.name} holds at most {places} decimals.")
        return value


def _demanded(found: Row | None) -> Row:
    if found is None:
        raise field_invalid("The row to update or delete does not exist.")
    return found
