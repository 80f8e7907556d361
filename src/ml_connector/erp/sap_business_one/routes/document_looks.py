"""How documents that may begin as drafts are looked for: drafts first, then documents (posting stages, S1).

A draft that becomes a document between the two reads is found by the second: the other way round it would be found by neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import Case, Found, Seen
from ml_connector.erp.sap_business_one.client import ServiceLayer
from ml_connector.erp.sap_business_one.company import Company
from ml_connector.erp.sap_business_one.documents.common import KEY_FIELD, kind_in
from ml_connector.erp.sap_business_one.documents.places import Place
from ml_connector.erp.sap_business_one.odata import by_key, path, text
from ml_connector.erp.sap_business_one.routes import records, standing
from ml_connector.erp.sap_business_one.routes.records import Record, Stands
from ml_connector.erp.sap_business_one.routes.standing import Candidates

_COUNTS = frozenset({Stands.LIVE})
_BEGUN = frozenset({Stands.UNCONFIRMED, Stands.DRAFT, Stands.WAITS})


@dataclass(frozen=True, slots=True)
class DocumentEyes:
    """See :class:`~ml_connector.erp.sap_business_one.routes.looks.Eyes`."""

    layer: ServiceLayer
    company: Company
    place: Place

    def address(self, cases: Sequence[Case]) -> str:
        """That of the drafts, which have more fields."""
        key_field = self._has_key(self.place.drafts)
        return path(
            self.place.drafts,
            select=",".join(records.fields(self.place, draft=True, key_field=key_field)),
            filter=records.condition(self.place, cases, draft=True, key_field=key_field),
            orderby="DocEntry",
        )

    async def find(self, cases: Sequence[Case]) -> dict[DocumentKey, Candidates]:
        """Drafts and documents with our key, or with the human reference."""
        found = [record for draft in (True, False) for record in await self._records(cases, draft=draft)]
        return {case.key: standing.candidates(case, found) for case in cases}

    def missing(self, found: Candidates) -> bool:
        """Neither a document nor a draft carries our key."""
        return not found.ours

    async def judge(self, cases: Sequence[Case], found: Mapping[DocumentKey, Candidates]) -> dict[DocumentKey, Seen]:
        """Everything that is needed was read."""
        return {case.key: standing.judge(case, self.place, found[case.key], self.company) for case in cases}

    async def census(self, prefix: str, first: date, last: date) -> list[Found]:
        """Drafts and documents dated ``first`` to ``last`` that carry a document key beginning with ``prefix``.

        Where there is no field of ours, the key is looked for in the longest text.
        """
        found: list[Found] = []
        for draft in (True, False):
            name = self._set(draft=draft)
            key_field = self._has_key(name)
            searched = KEY_FIELD if key_field else records.longest_text(self.place)
            days = f"DocDate ge '{first.isoformat()}' and DocDate le '{last.isoformat()}'"
            for record in await self._read(f"{days} and startswith({searched},{text(prefix)})", draft=draft):
                if record.key.startswith(prefix) and record.stands in _COUNTS | _BEGUN:
                    counts = record.stands in _COUNTS
                    found.append(Found(kind_in(record.key), record.key, record.ids, counts=counts))
        return found

    async def _records(self, cases: Sequence[Case], *, draft: bool) -> list[Record]:
        key_field = self._has_key(self._set(draft=draft))
        return await self._read(records.condition(self.place, cases, draft=draft, key_field=key_field), draft=draft)

    async def _read(self, condition: str, *, draft: bool) -> list[Record]:
        """The rows that fit ``condition``, with their own rows."""
        name = self._set(draft=draft)
        key_field = self._has_key(name)
        what = f"read drafts of {self.place.what}" if draft else f"read {self.place.what}"
        select = records.fields(self.place, draft=draft, key_field=key_field)
        found: list[Record] = []
        for row in await self.layer.rows(what, name, key="DocEntry", select=select, condition=condition):
            if draft and not records.becomes(self.place, row):
                continue
            whole: Mapping[str, Any] = row
            if row.get(records.collection(self.place)) == []:
                # Some servers leave collections empty in lists (dossier 5.1).
                whole = await self.layer.get(what, path(by_key(name, int(row["DocEntry"]))))
            found.append(records.record_from(self.place, whole, draft=draft, key_field=key_field))
        return found

    def _set(self, *, draft: bool) -> str:
        return self.place.drafts if draft else self.place.set

    def _has_key(self, name: str) -> bool:
        return name in self.company.trade.key_fields
