"""Orders 2026-01-01: searchOrders in windows and pages, getOrder.

Source: SP-API dossier, sections 8 and 10.1-10.2, 25.4-25.5, and the model's parameter rules (which lets ``includedData`` and
``maxResultsPerPage`` change between pages).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ml_connector.sandbox.amazon.account import Account
from ml_connector.sandbox.amazon.messages import Refused, Reply, Request
from ml_connector.sandbox.amazon.order_ledger import OrderLedger, Wanted
from ml_connector.sandbox.amazon.order_view import DATASETS, OrderView
from ml_connector.sandbox.amazon.paging import Items, Pager, Position, Question
from ml_connector.sandbox.amazon.parameters import TWO_MINUTES, instant, listed, settled_instant, whole
from ml_connector.sandbox.amazon.rows import stamp
from ml_connector.sandbox.clock import WorldClock
from ml_connector.sandbox.switches import Switches

STATUSES = (
    "PENDING_AVAILABILITY",
    "PENDING",
    "UNSHIPPED",
    "PARTIALLY_SHIPPED",
    "SHIPPED",
    "CANCELLED",
    "UNFULFILLABLE",
)
_FAMILIES = {"created": ("createdAfter", "createdBefore"), "updated": ("lastUpdatedAfter", "lastUpdatedBefore")}
_BOUND = (
    *_FAMILIES["created"],
    *_FAMILIES["updated"],
    "marketplaceIds",
    "fulfillmentStatuses",
    "fulfilledBy",
)
_PERSONAL = ("BUYER", "RECIPIENT")
_TOKEN_LIFE = timedelta(hours=24)
_READABLE = timedelta(days=730)


@dataclass(frozen=True, slots=True)
class Window:
    """What somebody searches. ``before`` is as the caller said it, or two minutes ago."""

    family: str
    after: datetime
    before: datetime


class Orders:
    """``marketplace_ids`` are those of the account, its Non-Amazon shadows among them."""

    def __init__(
        self,
        ledger: OrderLedger,
        account: Account,
        pager: Pager,
        clock: WorldClock,
        switches: Switches,
        marketplace_ids: Sequence[str],
    ) -> None:
        self._ledger = ledger
        self._account = account
        self._pager = pager
        self._clock = clock
        self._view = OrderView(switches)
        self._refuses_personal = switches.text("personal_data_without_role") == "refused"
        self._marketplace_ids = marketplace_ids

    def search(self, seller_id: str, request: Request) -> Reply:
        """``GET /orders``: as everything was two minutes ago, in the order of the window's instant."""
        query, now = request.query, self._clock.now()
        included, size = self._included(query), whole(query, "maxResultsPerPage", default=100, most=100)
        window = _window(query, now)
        filters = (
            listed(query, "marketplaceIds", most=50, allowed=self._marketplace_ids),
            listed(query, "fulfillmentStatuses", most=len(STATUSES), allowed=STATUSES),
            listed(query, "fulfilledBy", most=2, allowed=("MERCHANT", "AMAZON")),
        )

        def fetch(position: Position) -> tuple[Items, Position | None]:
            before, beyond = position
            bounds = stamp(window.after), before, stamp(now - TWO_MINUTES), stamp(now - _READABLE)
            wanted = Wanted(window.family, *bounds, *filters, beyond=tuple(beyond))
            found = self._ledger.search(wanted, size + 1) if self._is_known(seller_id) else []
            key = found[size - 1] if len(found) > size else None
            following = None if key is None else [before, [key[window.family], key["order_id"]]]
            return [self._view.order(row, included) for row in found[:size]], following

        bound = {name: query[name] for name in _BOUND if name in query}
        token = query.get("paginationToken")
        question = Question("searchOrders", seller_id, bound, token, "paginationToken", _TOKEN_LIFE)
        page = self._pager.page(question, [stamp(window.before), ["", ""]], fetch)
        answer: dict[str, object] = {"orders": page.items}
        if page.token is not None:
            answer["pagination"] = {"nextToken": page.token}
        answer[_FAMILIES[window.family][1]] = page.begins[0]
        return Reply.of_json(200, answer)

    def get(self, seller_id: str, order_id: str, request: Request) -> Reply:
        """``GET /orders/{orderId}``: as it was two minutes ago; 404 for what there is not, and for other sellers' orders."""
        included = self._included(request.query)
        row = self._ledger.find(order_id, self._clock.now() - TWO_MINUTES) if self._is_known(seller_id) else None
        if row is None:
            raise Refused.not_found(f"Order {order_id} was not found")
        return Reply.of_json(200, {"order": self._view.order(row, included)})

    def _is_known(self, seller_id: str) -> bool:
        return seller_id == self._account.seller_id

    def _included(self, query: Mapping[str, str]) -> Collection[str]:
        """The datasets asked for, without those that the application has no role for; or a refusal (section 26.3)."""
        asked = listed(query, "includedData", most=len(DATASETS), allowed=DATASETS)
        without_role = [each for each in asked if each in _PERSONAL and each in self._account.missing_roles]
        if without_role and self._refuses_personal:
            raise Refused.access()
        return {each for each in asked if each not in without_role}


def _window(query: Mapping[str, str], now: datetime) -> Window:
    """Exactly one family of dates, in its order, its end at least two minutes ago."""
    families = [family for family, (after, _) in _FAMILIES.items() if after in query]
    if len(families) != 1:
        raise Refused.input("Exactly one of createdAfter and lastUpdatedAfter must be provided")
    family = families[0]
    other = next(names for name, names in _FAMILIES.items() if name != family)
    if other[1] in query:
        raise Refused.input(f"{other[1]} cannot be used with {_FAMILIES[family][0]}")
    after = instant(query, _FAMILIES[family][0])
    before = settled_instant(query, _FAMILIES[family][1], now) or now - TWO_MINUTES
    if after is None or before < after:
        raise Refused.input(f"{_FAMILIES[family][1]} must not be earlier than {_FAMILIES[family][0]}")
    return Window(family, after, before)
