"""Finances v0: financial event groups, the one operation of it that stays; the only place where a currency is exchanged.

A group is a settlement under another id, whose ends are off by some seconds. Source: SP-API dossier, section 16.
"""

from __future__ import annotations

import base64
import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from ml_connector.sandbox.amazon.closing import Chain
from ml_connector.sandbox.amazon.event_ledger import EventLedger
from ml_connector.sandbox.amazon.messages import Refused, Reply, Request
from ml_connector.sandbox.amazon.paging import Items, Pager, Position, Question
from ml_connector.sandbox.amazon.parameters import TWO_MINUTES, settled_instant, whole
from ml_connector.sandbox.amazon.payouts import failed_at
from ml_connector.sandbox.amazon.rows import stamp
from ml_connector.sandbox.amazon.scenario import Scenario
from ml_connector.sandbox.clock import WorldClock
from ml_connector.sandbox.switches import Switches

LONGEST_WINDOW = timedelta(days=180)
_PER_EURO = {
    "EUR": Decimal(1),
    "USD": Decimal("1.0837"),
    "CAD": Decimal("1.4982"),
    "GBP": Decimal("0.8561"),
    "JPY": Decimal("162.35"),
}
"""Invented rates; each payout has one within a hundredth of them."""
_BOUND = ("FinancialEventGroupStartedAfter", "FinancialEventGroupStartedBefore")


class EventGroups:
    """The groups of one selling account: one for each settlement, and the open one of each store."""

    def __init__(
        self,
        ledger: EventLedger,
        chains: Sequence[Chain],
        seller_id: str,
        pager: Pager,
        clock: WorldClock,
        scenario: Scenario,
        switches: Switches,
    ) -> None:
        self._ledger = ledger
        self._chains = chains
        self._seller_id = seller_id
        self._pager = pager
        self._clock = clock
        self._scenario = scenario
        self._lacks_totals = switches.on("groups_may_lack_totals")

    def list_groups(self, seller_id: str, request: Request) -> Reply:
        """``GET /financialEventGroups``: the latest first."""
        query, now = request.query, self._clock.now()
        size = whole(query, "MaxResultsPerPage", default=10, most=100)
        after = settled_instant(query, _BOUND[0], now)
        before = settled_instant(query, _BOUND[1], now) or now - TWO_MINUTES
        after = before - LONGEST_WINDOW if after is None else after
        if before <= after:
            raise Refused.input(f"{_BOUND[1]} must be later than {_BOUND[0]}")
        is_empty = before - after > LONGEST_WINDOW or seller_id != self._seller_id

        def fetch(position: Position) -> tuple[Items, Position | None]:
            upto, beyond = position
            groups = [] if is_empty else self._groups(stamp(after), upto, now)
            left = [group for key, group in groups if not beyond or list(key) < beyond]
            keys = [key for key, _ in groups if not beyond or list(key) < beyond]
            return left[:size], [upto, list(keys[size - 1])] if len(left) > size else None

        bound = {name: query[name] for name in _BOUND if name in query}
        question = Question("listFinancialEventGroups", seller_id, bound, query.get("NextToken"), "NextToken")
        page = self._pager.page(question, [stamp(before), []], fetch, empties=not is_empty)
        payload: dict[str, object] = {"FinancialEventGroupList": page.items}
        if page.token is not None:
            payload["NextToken"] = page.token
        return Reply.of_json(200, {"payload": payload})

    def _groups(self, after: str, before: str, now: datetime) -> list[tuple[tuple[str, str], dict[str, object]]]:
        """Groups that began from ``after`` to before ``before``, with the keys that order them, the latest first."""
        found = []
        for chain in self._chains:
            closings: list[sqlite3.Row | None] = [*chain.closings(), None]
            for number, closing in enumerate(closings, start=1):
                key = (stamp(_begins(chain, number)), group_id(chain, number))
                if after <= key[0] < before:
                    previous = closings[number - 2] if number > 1 else None
                    found.append((key, self._group(chain, number, closing, previous, now)))
        return sorted(found, key=lambda each: each[0], reverse=True)

    def _group(
        self, chain: Chain, number: int, closing: sqlite3.Row | None, previous: sqlite3.Row | None, now: datetime
    ) -> dict[str, object]:
        group: dict[str, object] = {"FinancialEventGroupId": group_id(chain, number)}
        begun = 0 if previous is None else previous["reserve"] + min(previous["total"], 0)
        if closing is None:
            group["ProcessingStatus"] = "Open"
            balance = self._ledger.available(chain.store.code, number, now)
            group["OriginalTotal"] = _money(chain.store.currency, chain.store.money(balance + max(begun, 0)))
        else:
            group |= self._closed(chain, number, closing, now)
        group["BeginningBalance"] = _money(chain.store.currency, chain.store.money(begun))
        group["FinancialEventGroupStart"] = _second(_begins(chain, number))
        if closing is not None:
            group["FinancialEventGroupEnd"] = _second(_begins(chain, number + 1))
        return group

    def _closed(self, chain: Chain, number: int, closing: sqlite3.Row, now: datetime) -> dict[str, object]:
        group: dict[str, object] = {"ProcessingStatus": "Closed"}
        total = int(closing["total"])
        deposit = datetime.fromisoformat(closing["deposit"])
        if not (self._lacks_totals and number % 3 == 0):
            group["OriginalTotal"] = _money(chain.store.currency, chain.store.money(total))
            bank_currency = self._scenario.bank_currency
            if bank_currency and bank_currency != chain.store.currency and total > 0:
                group["ConvertedTotal"] = _money(bank_currency, _exchanged(chain, number, total, bank_currency))
        if total > 0:
            failed = self._scenario.marked("failed_payout", chain.store.code, number) and failed_at(deposit) <= now
            group["FundTransferStatus"] = "Failed" if failed else "Succeeded" if deposit <= now else "Processing"
            group["FundTransferDate"] = _second(deposit)
            group["TraceId"] = f"{chain.chance(number, 'trace').randrange(10**11, 10**12)}"
            group["AccountTail"] = "123"
        return group


def group_id(chain: Chain, number: int) -> str:
    """The id of a settlement's group, which is not the settlement's."""
    drawn = f"{chain.chance(number, 'group').getrandbits(128)}"
    return base64.urlsafe_b64encode(hashlib.sha256(drawn.encode()).digest()).decode()[:43]


def group_of(chains: Iterable[Chain], value: str) -> tuple[str, int]:
    """Store and settlement number of a group id; ("", 0) for an id that nobody was given."""
    for chain in chains:
        for number in range(1, chain.closed + 2):
            if group_id(chain, number) == value:
                return chain.store.code, number
    return "", 0


def _begins(chain: Chain, number: int) -> datetime:
    """When the group of a settlement opens: within a minute of the settlement's own start."""
    return chain.period(number)[0] + timedelta(seconds=chain.chance(number, "group opens").randrange(45))


def _exchanged(chain: Chain, number: int, total: int, currency: str) -> str:
    """An amount in the bank's currency, at the day's rate."""
    wobble = Decimal(chain.chance(number, "exchange").randrange(9900, 10_101)) / 10_000
    amount = Decimal(chain.store.money(total)) / _PER_EURO[chain.store.currency] * _PER_EURO[currency] * wobble
    return str(amount.quantize(Decimal(1) if currency == "JPY" else Decimal("0.01"), ROUND_HALF_UP))


def _money(currency: str, amount: str) -> dict[str, object]:
    return {"CurrencyCode": currency, "CurrencyAmount": Decimal(amount)}


def _second(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
