"""What was sent for a document that is not final: a draft, an order. From it the document is made again, with changes."""

from __future__ import annotations

from collections.abc import Mapping

from ml_connector.sandbox.sap_business_one.exact_json import from_json, to_json
from ml_connector.sandbox.sap_business_one.schema import Row
from ml_connector.sandbox.sap_business_one.tables import Tables

#: Collections that are merged member by member, and what tells their members apart.
_MERGED = {"DocumentLines": "LineNum", "DocumentAdditionalExpenses": "LineNum", "PaymentInvoices": "LineNum"}


class Drafted:
    """Bodies by set and DocEntry, as rows of accepted values."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        tables.book.create("bodies", '"Set" TEXT, "DocEntry" INTEGER, "Body" TEXT, PRIMARY KEY ("Set", "DocEntry")')

    def keep(self, set_name: str, entry: int, body: Row) -> None:
        self._tables.book.execute("INSERT OR REPLACE INTO {bodies} VALUES (?, ?, ?)", (set_name, entry, to_json(body)))

    def body(self, set_name: str, entry: int) -> Row:
        """Raises AssertionError where nothing was kept."""
        row = self._tables.book.row('SELECT "Body" FROM {bodies} WHERE "Set" = ? AND "DocEntry" = ?', (set_name, entry))
        if row is None:
            raise AssertionError(f"{set_name}({entry}) has no body")
        body = from_json(str(row[0]).encode())
        if not isinstance(body, dict):
            raise AssertionError(f"{set_name}({entry}) has no body")
        return body

    def merged(self, set_name: str, entry: int, changes: Mapping[str, object]) -> Row:
        """The body with changes: members of collections by their number, new ones at the end."""
        body = self.body(set_name, entry)
        for name, value in changes.items():
            number = _MERGED.get(name)
            if number is None or not isinstance(value, list):
                body[name] = value
                continue
            members = body.get(name)
            kept: list[Row] = [dict(each) for each in members] if isinstance(members, list) else []
            for member in value:
                at = member.get(number)
                if isinstance(at, int) and 0 <= at < len(kept):
                    kept[at].update(member)
                else:
                    kept.append(member)
            body[name] = kept
        return body

    def forget(self, set_name: str, entry: int) -> None:
        self._tables.book.execute('DELETE FROM {bodies} WHERE "Set" = ? AND "DocEntry" = ?', (set_name, entry))
