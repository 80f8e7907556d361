"""How journal entries are looked for: by our key, by the settlement, and what reverses them (posting stages, S1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from ml_connector.domain.documents import Kind
from ml_connector.domain.errors import BadAnswer
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import Case, Found, Seen
from ml_connector.erp.sap_business_one.client import ServiceLayer
from ml_connector.erp.sap_business_one.company import Company
from ml_connector.erp.sap_business_one.documents.common import KEY_FIELD, key_in, kind_in
from ml_connector.erp.sap_business_one.documents.journal_entries import ENTRY_FIELDS, Entry, entry_from, ids_of
from ml_connector.erp.sap_business_one.documents.places import JOURNALS, PLACES, Place
from ml_connector.erp.sap_business_one.odata import by_key, path, text
from ml_connector.erp.sap_business_one.routes import recognition
from ml_connector.erp.sap_business_one.routes.recognition import Candidates

_WHAT: Final = "read journal entries"
_FIELDS: Final = ",".join((*ENTRY_FIELDS, KEY_FIELD))
#: Numbers of reversals that are asked for in one address.
_NUMBERS_MAX: Final = 40


@dataclass(frozen=True, slots=True)
class JournalEyes:
    """See :class:`~ml_connector.erp.sap_business_one.routes.looks.Eyes`."""

    layer: ServiceLayer
    company: Company
    place: Place = field(default=PLACES[Kind.JOURNAL_ENTRY])

    def address(self, cases: Sequence[Case]) -> str:
        """One address: the entries themselves."""
        return path(JOURNALS, select=_FIELDS, filter=recognition.condition(cases, self.company), orderby="JdtNum")

    async def find(self, cases: Sequence[Case]) -> dict[DocumentKey, Candidates]:
        """Entries with our key, or with the settlement."""
        entries = await self._entries(recognition.condition(cases, self.company))
        return {case.key: recognition.candidates(case, entries) for case in cases}

    def missing(self, found: Candidates) -> bool:
        """No entry carries our key."""
        return not found.ours

    async def judge(self, cases: Sequence[Case], found: Mapping[DocumentKey, Candidates]) -> dict[DocumentKey, Seen]:
        """With what reverses them, which is read now."""
        reversals = await self._reversals([entry for some in found.values() for entry in some.ours])
        return {case.key: recognition.judge(case, found[case.key], reversals, self.company) for case in cases}

    async def census(self, prefix: str, first: date, last: date) -> list[Found]:
        """Every entry posted ``first`` to ``last`` that carries a document key beginning with ``prefix``."""
        keys = (KEY_FIELD, "Reference3") if self.company.key_field else ("Reference3",)
        begins = " or ".join(f"startswith({name},{text(prefix)})" for name in keys)
        rows = await self.layer.rows(
            _WHAT,
            JOURNALS,
            key="JdtNum",
            select=("JdtNum", "Number", *keys),
            condition=f"ReferenceDate ge '{first.isoformat()}' and ReferenceDate le '{last.isoformat()}' and ({begins})",
        )
        found: list[Found] = []
        for row in rows:
            key, ids = key_in(*(row.get(name) for name in keys)), ids_of(row)
            if ids is not None and key.startswith(prefix) and key:
                found.append(Found(kind_in(key), key, ids, counts=True))
        return found

    async def _entries(self, condition: str) -> list[Entry]:
        """The entries that fit ``condition``, with their lines."""
        fields = (*ENTRY_FIELDS, KEY_FIELD) if self.company.key_field else ENTRY_FIELDS
        entries: list[Entry] = []
        for row in await self.layer.rows(_WHAT, JOURNALS, key="JdtNum", select=fields, condition=condition):
            entry = entry_from(row, self.company)
            if not entry.lines:
                # Some servers leave collections empty in lists (dossier 5.1).
                entry = entry_from(await self.layer.get(_WHAT, path(by_key(JOURNALS, entry.jdt_num))), self.company)
            entries.append(entry)
        return entries

    async def _reversals(self, entries: Sequence[Entry]) -> list[Entry]:
        """Entries that say of themselves that they reverse one of ``entries``.

        The memo of our own entries names their settlement as a reversal's does, so most of what is found was read already: only
        the numbers are asked for, and the rest is read where there is any.
        """
        if not entries:
            return []
        found = await self.layer.rows(
            _WHAT, JOURNALS, key="JdtNum", select=("JdtNum",), condition=recognition.reversal_condition(entries)
        )
        numbers = [_number(row) for row in found]
        read = {entry.jdt_num: entry for entry in entries}
        for some in _portions([f"JdtNum eq {number}" for number in numbers if number not in read]):
            read |= {entry.jdt_num: entry for entry in await self._entries(" or ".join(some))}
        # An entry that went away between the two reads is no reversal.
        return [read[number] for number in numbers if number in read]


def _portions(terms: Sequence[str]) -> Iterator[Sequence[str]]:
    return (terms[start : start + _NUMBERS_MAX] for start in range(0, len(terms), _NUMBERS_MAX))


def _number(row: Mapping[str, Any]) -> int:
    number = row.get("JdtNum")
    if not isinstance(number, int):
        raise BadAnswer("SAP Business One shows a journal entry without a number.")
    return number
