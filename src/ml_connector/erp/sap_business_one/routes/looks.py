"""Looking for documents in Business One: reads only, many documents at a time (SAP dossier, section 8; posting stages, S1).

A look that fails is never an absence: where the server cannot be reached it raises, where it cannot say it is Unclear. Where a kind
is looked for, and how it is told apart, is said by its eyes: :mod:`journal_looks`, :mod:`document_looks`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, Protocol, TypeVar

from ml_connector.domain.documents import Kind
from ml_connector.domain.errors import BadAnswer, NotPermitted, RefusedByServer
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import Case, Found, Seen, Unclear
from ml_connector.erp.sap_business_one.client import ServiceLayer
from ml_connector.erp.sap_business_one.company import Company
from ml_connector.erp.sap_business_one.documents.common import CLAIM_SET, claim_code
from ml_connector.erp.sap_business_one.documents.places import JOURNALS, PLACES, Place
from ml_connector.erp.sap_business_one.documents.rooms import kind_unsupported
from ml_connector.erp.sap_business_one.odata import URL_MAX, any_of, path
from ml_connector.erp.sap_business_one.routes.document_looks import DocumentEyes
from ml_connector.erp.sap_business_one.routes.journal_looks import JournalEyes
from ml_connector.erp.sap_business_one.routes.ways import claimed

_T = TypeVar("_T")

#: Leaves room for the keyset term of later pages.
_ADDRESS_MAX: Final = URL_MAX - 60


class Eyes(Protocol):
    """How documents of one place are looked for. What was ``found`` for a document is the eyes' own affair."""

    @property
    def place(self) -> Place:
        """Where they stand."""
        ...

    def address(self, cases: Sequence[Case]) -> str:
        """The longest address that a look for ``cases`` needs."""
        ...

    async def find(self, cases: Sequence[Case]) -> dict[DocumentKey, Any]:
        """Everything that could be each of ``cases``. Raises where it cannot be read."""
        ...

    def missing(self, found: Any) -> bool:
        """Whether nothing of ours is in ``found``."""
        ...

    async def judge(self, cases: Sequence[Case], found: Mapping[DocumentKey, Any]) -> dict[DocumentKey, Seen]:
        """What is seen of each of ``cases``."""
        ...

    async def census(self, prefix: str, first: date, last: date) -> list[Found]:
        """Everything of this place that carries a key beginning with ``prefix``."""
        ...


def _eyes(layer: ServiceLayer, company: Company, place: Place) -> Eyes:
    return JournalEyes(layer, company) if place.set == JOURNALS else DocumentEyes(layer, company, place)


async def observe(layer: ServiceLayer, company: Company, cases: Sequence[Case]) -> dict[DocumentKey, Seen]:
    """What Business One shows of every case. Raises what the transport and the sign-in raise."""
    ordered = sorted(cases, key=lambda case: (case.document.posting_date, case.key))
    by_place: dict[str, list[Case]] = {}
    for case in ordered:
        by_place.setdefault(PLACES[case.document.kind].set, []).append(case)
    looks = []
    for some in by_place.values():
        eyes = _eyes(layer, company, PLACES[some[0].document.kind])
        looks += [_look(layer, company, eyes, packed) for packed in _fitting(some, eyes.address)]
    results = await asyncio.gather(*looks, return_exceptions=True)
    seen: dict[DocumentKey, Seen] = {}
    for result in results:
        if isinstance(result, BaseException):
            raise result
        seen |= result
    return seen


async def census(layer: ServiceLayer, company: Company, prefix: str, first: date, last: date) -> list[Found]:
    """Everything dated ``first`` to ``last`` that carries a document key beginning with ``prefix``."""
    places = {PLACES[kind].set: PLACES[kind] for kind in Kind if kind_unsupported(kind, company) is None}
    found: list[Found] = []
    for place in places.values():
        found += await _eyes(layer, company, place).census(prefix, first, last)
    return found


async def _look(layer: ServiceLayer, company: Company, eyes: Eyes, cases: Sequence[Case]) -> dict[DocumentKey, Seen]:
    try:
        return await _look_at_all(layer, company, eyes, cases)
    except (BadAnswer, RefusedByServer, NotPermitted) as error:
        if len(cases) == 1:
            return {cases[0].key: Unclear(str(error))}
    # What cannot be read stops the document it belongs to and no other.
    seen: dict[DocumentKey, Seen] = {}
    for case in cases:
        seen |= await _look(layer, company, eyes, [case])
    return seen


async def _look_at_all(
    layer: ServiceLayer, company: Company, eyes: Eyes, cases: Sequence[Case]
) -> dict[DocumentKey, Seen]:
    found = await eyes.find(cases)
    missing = [case for case in cases if eyes.missing(found[case.key])]
    unclear = await _claims_without_document(layer, company, eyes, missing, found)
    seen = await eyes.judge(cases, found)
    return {case.key: unclear.get(case.key) or seen[case.key] for case in cases}


async def _claims_without_document(
    layer: ServiceLayer, company: Company, eyes: Eyes, missing: Sequence[Case], found: dict[DocumentKey, Any]
) -> dict[DocumentKey, Seen]:
    """Documents of which nothing was found, but which cannot be called absent; ``found`` is brought up to date.

    A claim without its document is a change set that landed between two reads (so we read once more), or a document whose keys
    somebody took away, or a server that does not roll back. While the claim stands SAP would refuse the document anyway.
    """
    unclear: dict[DocumentKey, Seen] = {}
    if not company.claims:
        for case in missing:
            if claimed(case):
                unclear[case.key] = Unclear(
                    f"The document was sent with a claim, and {CLAIM_SET} cannot be used any more. Restore the table, "
                    "or make sure in SAP that the document is not there and replay the record."
                )
        return unclear
    taken = await _claims(layer, [claim_code(case.wire_key) for case in missing])
    held = [case for case in missing if claim_code(case.wire_key) in taken]
    for some in _fitting(held, eyes.address):
        found.update(await eyes.find(some))
    for case in held:
        if eyes.missing(found[case.key]):
            unclear[case.key] = Unclear(
                f"{CLAIM_SET} holds the claim {claim_code(case.wire_key)} of this document, but none of the "
                f"{eyes.place.what} carries the key {case.wire_key}. Look in SAP whether its reference fields were changed."
            )
    return unclear


async def _claims(layer: ServiceLayer, codes: Sequence[str]) -> set[str]:
    """Which of ``codes`` are taken."""
    taken: set[str] = set()
    for some in _fitting(codes, lambda some: path(CLAIM_SET, select="Code", filter=any_of("Code", some))):
        rows = await layer.rows(
            f"read {CLAIM_SET}", CLAIM_SET, key="Code", select=("Code",), condition=any_of("Code", some)
        )
        taken |= {str(row.get("Code")) for row in rows}
    return taken


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
