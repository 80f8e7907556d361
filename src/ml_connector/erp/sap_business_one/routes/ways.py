"""The ways into Business One and their writes (posting stages, S1). Pure.

* **claim**: one change set of a row in U_ML_LINK, whose Code is the hash of the document key, and the document. SAP refuses a
  second row with the same Code and rolls the set back, so a second posting is refused by the server itself, however late a lost
  request lands.
* **draft**: a draft, which counts for nothing and is compared, then the draft is saved to the document, once.
* **plain**: the document alone. Nothing on the server refuses a second one; looking, and waiting out the settle window, does.
* **confirm**, for sales orders: an order that is not confirmed, then its confirmation under the ETag that was looked at.

A document goes on by the route of its first write that may have reached the server, whatever the company offers later. One
exception: what was claimed, where claims cannot be used any more, is held until a person has made sure and replays it; then the
route is chosen anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from ml_connector.domain.documents import Document, Kind, SalesDocument
from ml_connector.domain.target import (
    Attempt,
    Case,
    Outcome,
    ReliabilityClass,
    Route,
    Step,
    Trail,
    reliability_class,
)
from ml_connector.erp.sap_business_one.company import Company
from ml_connector.erp.sap_business_one.documents import sales_documents
from ml_connector.erp.sap_business_one.documents.places import JOURNALS, PLACES

CLAIM: Final = "claim"
PLAIN: Final = "plain"
DRAFT: Final = "draft"
SAVE: Final = "save"
ORDER: Final = "order"
CONFIRM: Final = "confirm"

#: The writes of each route, in order, and the one after which the document counts.
_STEPS: Final[Mapping[str, tuple[str, ...]]] = {
    CLAIM: (CLAIM,),
    PLAIN: (PLAIN,),
    DRAFT: (DRAFT, SAVE),
    CONFIRM: (ORDER, CONFIRM),
}
_COUNTS: Final = frozenset({CLAIM, PLAIN, SAVE, CONFIRM})
#: A taken Code, a draft that is saved, an ETag that is old.
_REFUSES_TWICE: Final = frozenset({CLAIM, SAVE, CONFIRM})
_MAY_HAVE_LANDED: Final = frozenset({Outcome.INTENT, Outcome.UNKNOWN, Outcome.ACCEPTED})
_RELIEVES: Final = frozenset({Kind.INVOICE, Kind.CREDIT_MEMO, Kind.INVENTORY_ISSUE})


def routes_for(kind: Kind, company: Company) -> tuple[str, ...]:
    """The routes that the company offers to documents of ``kind``, the preferred one first.

    Whether a draft can be an outgoing payment was seen nowhere, so a refund payment is never entered as one.
    """
    if kind is Kind.SALES_ORDER:
        return (CONFIRM,)
    drafts = company.trade.drafts and PLACES[kind].set != JOURNALS and kind is not Kind.REFUND_PAYMENT
    offered = ((CLAIM, company.claims), (DRAFT, drafts), (PLAIN, True))
    return tuple(name for name, there in offered if there)


def route_of(document: Document, trail: Trail, company: Company) -> str:
    """The route of this document. Where SAP has to compute a total, a draft lets it be compared before it counts."""
    begun = _route_begun(trail)
    if begun == CLAIM and not company.claims:
        begun = _route_begun(_since_replay(trail))
    offered = routes_for(document.kind, company)
    if begun:
        return begun
    if DRAFT in offered and isinstance(document, SalesDocument) and sales_documents.computed(document, company):
        return DRAFT
    return offered[0]


def steps_of(route: str, settle_s: float) -> tuple[Step, ...]:
    """The writes of ``route``."""
    return tuple(
        Step(name, counts=name in _COUNTS, refuses_twice=name in _REFUSES_TWICE, settle_s=settle_s)
        for name in _STEPS[route]
    )


def described(kind: Kind, company: Company, batch_max: int) -> tuple[Route, ...]:
    """The routes of ``kind`` as capabilities. A look is shared by several documents, and so is a batch."""
    look, write = Decimal("0.4"), Decimal(1) / batch_max
    found = []
    for name in routes_for(kind, company):
        steps = steps_of(name, 0.0)
        requests = (len(steps) * (look + write) + look).quantize(Decimal("0.01"))
        found.append(Route(name, class_of(name), relieves_stock=kind in _RELIEVES, requests=requests))
    return tuple(found)


def class_of(route: str) -> ReliabilityClass:
    """What keeps a document on ``route`` from counting twice."""
    return reliability_class(steps_of(route, 0.0))


def claimed(case: Case) -> bool:
    """Whether a claim of this document may have landed, or may still land, since a person last asked to try again."""
    return any(attempt.step == CLAIM for attempt in _landed(_since_replay(case.trail)))


def _route_begun(trail: Trail) -> str:
    """The route of the first write that may have reached the server, "" where none did."""
    first = next((attempt.step for attempt in _landed(trail)), "")
    return next((route for route, steps in _STEPS.items() if first in steps), "")


def _landed(trail: Trail) -> list[Attempt]:
    return [attempt for attempt in trail if attempt.outcome in _MAY_HAVE_LANDED]


def _since_replay(trail: Trail) -> Trail:
    last = max((place for place, attempt in enumerate(trail) if attempt.outcome is Outcome.REPLAYED), default=-1)
    return trail[last + 1 :]
