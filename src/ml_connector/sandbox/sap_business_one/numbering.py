"""Numbers of documents: DocEntry from one counter per set, DocNum from series, never the same (dossier, sections 2 and 11)."""

from __future__ import annotations

from ml_connector.sandbox.sap_business_one.catalog import Catalog
from ml_connector.sandbox.sap_business_one.errors import OBJECT_REJECTED, ServiceLayerError, rejected
from ml_connector.sandbox.sap_business_one.schema import Row
from ml_connector.sandbox.sap_business_one.tables import Tables


class Numbering:
    """The series of one company. Every method is called inside a transaction."""

    def __init__(self, tables: Tables, catalog: Catalog) -> None:
        self._tables = tables
        self._catalog = catalog

    def entry(self, set_name: str, first: int) -> int:
        """The next DocEntry of a set; it is not given again when a draft is removed."""
        return self._tables.allot(set_name, first)

    def take(self, set_name: str, code: int, sent: Row) -> tuple[int, int]:
        """Series and DocNum for a new document of an object code: the next of the series, or, by hand, what was sent.

        Raises :class:`ServiceLayerError` for a series of other documents, or a number by hand that is taken.
        """
        series = self._series(code, sent)
        number = int(str(series["NextNumber"]))
        chosen = int(str(series["SeriesProperty"]))
        if series["IsManual"] == "tYES":
            number = self._by_hand(set_name, chosen, sent)
        else:
            self._tables.update(
                self._catalog.schema.types["Series"], {"SeriesProperty": chosen}, {"NextNumber": number + 1}
            )
        return chosen, number

    def expected(self, code: int, sent: Row) -> tuple[int, int]:
        """Series and DocNum that a draft shows: the number it would get now."""
        series = self._series(code, sent)
        return int(str(series["SeriesProperty"])), int(str(series["NextNumber"]))

    def _series(self, code: int, sent: Row) -> Row:
        series_type = self._catalog.schema.types["Series"]
        wanted = sent.get("Series")
        where, values = '"Document" = ?', [str(code)]
        for row in self._tables.select(series_type, where, values):
            if wanted in (None, row["SeriesProperty"]) and row["Locked"] == "tNO":
                return row
        raise rejected(f"Invalid series [Series] , '{wanted}'")

    def _by_hand(self, set_name: str, series: int, sent: Row) -> int:
        number = sent.get("DocNum")
        if sent.get("HandWritten") != "tYES" or not isinstance(number, int):
            raise rejected("Specify a document number for a manual series [DocNum]")
        entity = self._catalog.schema.of_set(set_name)
        if self._tables.count(entity, '"DocNum" = ? AND "Series" = ?', [number, series]):
            raise ServiceLayerError(400, OBJECT_REJECTED, f"Document number '{number}' already exists [DocNum]")
        return number
