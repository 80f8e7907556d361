"""Transfers 2024-06-01: payouts, which tie what reaches the bank to a settlement, and tell paid from failed.

Source: SP-API dossier, section 17. listPayouts alone: initiatePayout moves money and is not served.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from ml_connector.sandbox.amazon.closing import PAID_OUT_AFTER, Chain
from ml_connector.sandbox.amazon.marketplaces import Store
from ml_connector.sandbox.amazon.messages import Refused, Reply, Request
from ml_connector.sandbox.amazon.paging import Items, Pager, Position, Question
from ml_connector.sandbox.amazon.parameters import instant, listed
from ml_connector.sandbox.amazon.rows import stamp
from ml_connector.sandbox.amazon.scenario import Scenario
from ml_connector.sandbox.clock import WorldClock
from ml_connector.sandbox.switches import Switches

_COUNTRIES = ("DE", "FR", "IT", "ES", "SE", "NL", "PL", "BE")
"""Where the API is, by its own description: the UK is not among them."""
_ACCOUNT_TYPE = "Standard Orders"
_PAGE_SIZE = 100
_BOUND = ("marketplaceIds", "createdAfter", "createdBefore", "payoutId", "accountType")


class Payouts:
    """The payouts of one selling account: one for each settlement."""

    def __init__(
        self,
        chains: Sequence[Chain],
        seller_id: str,
        pager: Pager,
        clock: WorldClock,
        scenario: Scenario,
        switches: Switches,
    ) -> None:
        self._chains = chains
        self._seller_id = seller_id
        self._pager = pager
        self._clock = clock
        self._scenario = scenario
        self._everywhere = switches.on("payouts_outside_eu")
        self._refusal = switches.number("payouts_refusal_status")

    def list_payouts(self, seller_id: str, request: Request) -> Reply:
        """``GET /payouts``: store by store, the latest first."""
        query, now = request.query, self._clock.now()
        stores = [chain.store for chain in self._chains]
        asked = listed(query, "marketplaceIds", most=50, allowed=[store.marketplace_id for store in stores])
        served = [store for store in stores if not asked or store.marketplace_id in asked]
        if not all(map(self._is_served, served)) if asked else not any(map(self._is_served, served)):
            raise self._refused()
        after, before = instant(query, "createdAfter"), instant(query, "createdBefore")

        def fetch(position: Position) -> tuple[Items, Position | None]:
            payouts = [] if seller_id != self._seller_id else self._payouts(served, now)
            wanted = [
                payout
                for payout in payouts
                if (after is None or str(payout["creationDate"]) >= _second(after))
                and (before is None or str(payout["creationDate"]) < _second(before))
                and query.get("payoutId", payout["id"]) == payout["id"]
                and query.get("accountType", _ACCOUNT_TYPE) == _ACCOUNT_TYPE
            ]
            upto = position + _PAGE_SIZE
            return wanted[position:upto], upto if upto < len(wanted) else None

        bound = {name: query[name] for name in _BOUND if name in query}
        question = Question("listPayouts", seller_id, bound, query.get("nextToken"), "nextToken")
        page = self._pager.page(question, 0, fetch, empties=True)
        token = {} if page.token is None else {"nextToken": page.token}
        return Reply.of_json(200, {"payouts": page.items, **token})

    def _is_served(self, store: Store) -> bool:
        return self._everywhere or store.code in _COUNTRIES

    def _refused(self) -> Refused:
        if self._refusal == 400:
            return Refused.input("The marketplace is not supported")
        return Refused.access()

    def _payouts(self, stores: Sequence[Store], now: datetime) -> list[dict[str, object]]:
        return [
            self._payout(chain, closing, now)
            for chain in self._chains
            if chain.store in stores and self._is_served(chain.store)
            for closing in reversed(chain.closings())
            if closing["ends"] <= stamp(now - PAID_OUT_AFTER)
        ]

    def _payout(self, chain: Chain, closing: sqlite3.Row, now: datetime) -> dict[str, object]:
        ends = datetime.fromisoformat(closing["ends"])
        history = [each for each in self._history(chain, closing) if each[0] <= now]
        payout: dict[str, object] = {
            "id": f"{chain.chance(closing['number'], 'payout').randrange(10**11, 10**12)}",
            "partnerMetadata": {
                "partnerId": self._seller_id,
                "accountType": _ACCOUNT_TYPE,
                "marketplaceId": chain.store.marketplace_id,
            },
            "currentStatus": history[-1][1],
            "statusHistory": [_entry(*each) for each in history],
        }
        if closing["total"] > 0:
            amount = Decimal(chain.store.money(closing["total"]))
            payout |= {
                "type": "SCHEDULED",
                "amount": {"currencyCode": chain.store.currency, "currencyAmount": amount},
                "accountTail": "123",
                "paymentMethod": "BANK_ACCOUNT",
                "traceId": f"{chain.chance(closing['number'], 'trace').randrange(10**11, 10**12)}",
            }
        period = {"startDate": _second(datetime.fromisoformat(closing["start"])), "endDate": _second(ends)}
        payout |= {"creationDate": _second(ends + PAID_OUT_AFTER), "period": period}
        settlement = {"relatedIdentifierName": "SETTLEMENT_ID", "relatedIdentifierValue": closing["settlement_id"]}
        payout["relatedIdentifiers"] = [settlement]
        return payout

    def _history(self, chain: Chain, closing: sqlite3.Row) -> list[tuple[datetime, str]]:
        """Everything that will become of a payout, with its instants."""
        started = datetime.fromisoformat(closing["ends"]) + PAID_OUT_AFTER
        deposit = datetime.fromisoformat(closing["deposit"])
        if closing["total"] <= 0:
            return [(started, "NO_PAYOUT")]
        history = [(started, "STARTED"), (started + timedelta(hours=3), "IN_TRANSIT")]
        if self._scenario.marked("failed_payout", chain.store.code, closing["number"]):
            return [*history, (failed_at(deposit), "FAILED")]
        return [*history, (deposit + timedelta(hours=20), "PAID")]


def failed_at(deposit: datetime) -> datetime:
    """When a payout that fails is known to have failed."""
    return deposit + timedelta(hours=14)


def _entry(at: datetime, status: str) -> dict[str, object]:
    entry: dict[str, object] = {"status": status, "lastUpdatedDate": _second(at)}
    if status == "FAILED":
        entry["failureReason"] = "The bank account details could not be confirmed"
    return entry


def _second(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
