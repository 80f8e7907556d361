"""Looking for documents in Business One: reads only, many documents at a time (SAP dossier, section 8; posting stages, S1).

A look that fails is never an absence: where the server cannot be reached it raises, where it cannot say it is Unclear.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, TypeVar

from ml_connector.domain.errors import BadAnswer, NotPermitted, RefusedByServer
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import Case, Found, Outcome, Seen, Unclear
from ml_connector.erp.sap_business_one import recognition
from ml_connector.erp.sap_business_one.client import ServiceLayer
from ml_connector.erp.sap_business_one.documents import (
    CLAIM_SET,
    ENTRY_FIELDS,
    KEY_FIELD,
    Company,
    Entry,
    claim_code,
    entry_from,
    ids_of,
    key_in,
    kind_in,
)
from ml_connector.erp.sap_business_one.odata import URL_MAX, any_of, by_key, path, text
from ml_connector.erp.sap_business_one.recognition import Candidates

CLAIM: Final = "claim"
PLAIN: Final = "plain"

_T = TypeVar("_T")

#: Leaves room for the keyset term of later pages.
_ADDRESS_MAX: Final = URL_MAX - 60

_JOURNALS: Final = "JournalEntries"
_FIELDS: Final = ",".join((*ENTRY_FIELDS, KEY_FIELD))
_MAY_HAVE_LANDED: Final = frozenset({Outcome.INTENT, Outcome.UNKNOWN, Outcome.ACCEPTED})


def claimed(case: Case) -> bool:
    """Whether a claim of this document may have landed, or may still land, since a person last asked to try again."""
    since_replay = False
    for attempt in case.trail:
        if attempt.outcome is Outcome.REPLAYED:
            since_replay = False
        elif attempt.step == CLAIM and attempt.outcome in _MAY_HAVE_LANDED:
            since_replay = True
    return since_replay


async def observe(layer: ServiceLayer, company: Company, cases: Sequence[Case]) -> dict[DocumentKey, Seen]:
    """What Business One shows of every case. Raises what the transport and the sign-in raise."""
    ordered = sorted(cases, key=lambda case: (case.document.posting_date, case.key))
    looks = [_look(layer, company, some) for some in _packed(ordered, company)]
    results = await asyncio.gather(*looks, return_exceptions=True)
    seen: dict[DocumentKey, Seen] = {}
    for result in results:
        if isinstance(result, BaseException):
            raise result
        seen |= result
    return seen


async def census(layer: ServiceLayer, company: Company, prefix: str, first: date, last: date) -> list[Found]:
    """Every entry posted ``first`` to ``last`` that carries a document key beginning with ``prefix``."""
    keys = (KEY_FIELD, "Reference3") if company.key_field else ("Reference3",)
    begins = " or ".join(f"startswith({name},{text(prefix)})" for name in keys)
    rows = await layer.rows(
        "read journal entries",
        _JOURNALS,
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


async def _look(layer: ServiceLayer, company: Company, cases: Sequence[Case]) -> dict[DocumentKey, Seen]:
    try:
        return await _look_at_all(layer, company, cases)
    except (BadAnswer, RefusedByServer, NotPermitted) as error:
        if len(cases) == 1:
            return {cases[0].key: Unclear(str(error))}
    # What cannot be read stops the document it belongs to and no other.
    seen: dict[DocumentKey, Seen] = {}
    for case in cases:
        seen |= await _look(layer, company, [case])
    return seen


async def _look_at_all(layer: ServiceLayer, company: Company, cases: Sequence[Case]) -> dict[DocumentKey, Seen]:
    entries = await _entries(layer, company, recognition.condition(cases, company))
    found = {case.key: recognition.candidates(case, entries) for case in cases}
    missing = [case for case in cases if not found[case.key].ours]
    unclear = await _claims_without_entry(layer, company, missing, found)
    reversals = await _reversals(layer, company, [entry for some in found.values() for entry in some.ours])
    return {
        case.key: unclear.get(case.key) or recognition.judge(case, found[case.key], reversals, company)
        for case in cases
    }


async def _claims_without_entry(
    layer: ServiceLayer, company: Company, missing: Sequence[Case], found: dict[DocumentKey, Candidates]
) -> dict[DocumentKey, Seen]:
    """Documents of which no entry was found, but which cannot be called absent; ``found`` is brought up to date.

    A claim without its entry is a change set that landed between two reads (so we read once more), or an entry whose keys
    somebody took away, or a server that does not roll back. While the claim stands SAP would refuse the document anyway.
    """
    unclear: dict[DocumentKey, Seen] = {}
    if not company.claims:
        for case in missing:
            if claimed(case):
                unclear[case.key] = Unclear(
                    f"The document was sent with a claim, and {CLAIM_SET} cannot be used any more. Restore the table, "
                    "or make sure in SAP that the entry is not there and replay the record."
                )
        return unclear
    taken = await _claims(layer, [claim_code(case.wire_key) for case in missing])
    held = [case for case in missing if claim_code(case.wire_key) in taken]
    for some in _packed(held, company):
        entries = await _entries(layer, company, recognition.condition(some, company))
        found.update({case.key: recognition.candidates(case, entries) for case in some})
    for case in held:
        if not found[case.key].ours:
            unclear[case.key] = Unclear(
                f"{CLAIM_SET} holds the claim {claim_code(case.wire_key)} of this document, but no journal entry carries "
                f"the key {case.wire_key}. Look in SAP whether its reference fields were changed."
            )
    return unclear


async def _entries(layer: ServiceLayer, company: Company, condition: str) -> list[Entry]:
    """The entries that fit ``condition``, with their lines."""
    fields = (*ENTRY_FIELDS, KEY_FIELD) if company.key_field else ENTRY_FIELDS
    what = "read journal entries"
    entries: list[Entry] = []
    for row in await layer.rows(what, _JOURNALS, key="JdtNum", select=fields, condition=condition):
        entry = entry_from(row, company)
        if not entry.lines:
            # Some servers leave collections empty in lists (dossier 5.1).
            entry = entry_from(await layer.get(what, path(by_key(_JOURNALS, entry.jdt_num))), company)
        entries.append(entry)
    return entries


async def _reversals(layer: ServiceLayer, company: Company, entries: Sequence[Entry]) -> list[Entry]:
    """Entries that say of themselves that they reverse one of ``entries``.

    The memo of our own entries names their settlement as a reversal's does, so most of what is found was read already: only
    the numbers are asked for, and the rest is read where there is any.
    """
    if not entries:
        return []
    found = await layer.rows(
        "read journal entries",
        _JOURNALS,
        key="JdtNum",
        select=("JdtNum",),
        condition=recognition.reversal_condition(entries),
    )
    numbers = [_number(row) for row in found]
    read = {entry.jdt_num: entry for entry in entries}
    others = [f"JdtNum eq {number}" for number in numbers if number not in read]
    for some in _fitting(
        others, lambda some: path(_JOURNALS, select=_FIELDS, filter=" or ".join(some), orderby="JdtNum")
    ):
        read |= {entry.jdt_num: entry for entry in await _entries(layer, company, " or ".join(some))}
    # An entry that went away between the two reads is no reversal.
    return [read[number] for number in numbers if number in read]


def _number(row: Mapping[str, Any]) -> int:
    number = row.get("JdtNum")
    if not isinstance(number, int):
        raise BadAnswer("SAP Business One shows a journal entry without a number.")
    return number


async def _claims(layer: ServiceLayer, codes: Sequence[str]) -> set[str]:
    """Which of ``codes`` are taken."""
    taken: set[str] = set()
    for some in _fitting(codes, lambda some: path(CLAIM_SET, select="Code", filter=any_of("Code", some))):
        rows = await layer.rows(
            f"read {CLAIM_SET}", CLAIM_SET, key="Code", select=("Code",), condition=any_of("Code", some)
        )
        taken |= {str(row.get("Code")) for row in rows}
    return taken


def _packed(cases: Sequence[Case], company: Company) -> Iterator[list[Case]]:
    """Cases in groups whose filter fits into one address."""
    return _fitting(
        cases,
        lambda some: path(_JOURNALS, select=_FIELDS, filter=recognition.condition(some, company), orderby="JdtNum"),
    )


def _fitting(items: Sequence[_T], address: Callable[[Sequence[_T]], str]) -> Iterator[list[_T]]:
    """``items`` in order, in groups as large as :data:`URL_MAX` allows, of at least one."""
    start, size = 0, 1
    while start < len(items):
        # Mostly as many as in the group before: an address is long to make.
        size = min(size, len(items) - start)
        while size > 1 and not _fits(address, items[start : start + size]):
            size -= 1
        while start + size < len(items) and _fits(address, items[start : start + size + 1]):
            size += 1
        yield list(items[start : start + size])
        start += size


def _fits(address: Callable[[Sequence[_T]], str], some: Sequence[_T]) -> bool:
    return len(address(some)) <= _ADDRESS_MAX
