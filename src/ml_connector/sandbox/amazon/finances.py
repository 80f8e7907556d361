"""Finances 2024-06-19: transactions, summaries, balances, from the one ledger of events.

Source: SP-API dossier, sections 8 and 15, 25.7-25.8, and the model's parameter rules.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from ml_connector.sandbox.amazon.closing import Chain
from ml_connector.sandbox.amazon.event_ledger import EventLedger, Wanted
from ml_connector.sandbox.amazon.groups import group_id, group_of
from ml_connector.sandbox.amazon.marketplaces import STORES, Store
from ml_connector.sandbox.amazon.messages import YEARS, Refused, Reply, Request
from ml_connector.sandbox.amazon.paging import Items, Pager, Position, Question
from ml_connector.sandbox.amazon.parameters import TWO_MINUTES, choice, listed, settled_instant
from ml_connector.sandbox.amazon.rows import Row, stamp, unpacked
from ml_connector.sandbox.amazon.transactions import SHAPES, TransactionView, identifiers, summary_tree
from ml_connector.sandbox.clock import WorldClock
from ml_connector.sandbox.switches import Switches

ACCOUNT_TYPE = "Standard Orders"
LONGEST_WINDOW = timedelta(days=180)
"""A longer one is answered with nothing, and with no error (section 15.1)."""
_STATUSES = ("DEFERRED", "RELEASED", "DEFERRED_RELEASED")
_BOUND = (
    "postedAfter",
    "postedBefore",
    "marketplaceId",
    "transactionStatus",
    "relatedIdentifierName",
    "relatedIdentifierValue",
)
_BALANCES = ("AVAILABLE", "RESERVED", "TOTAL", "DEFERRED", "ACCOUNT_LEVEL_RESERVE")
_SUMMARIES_A_PAGE = 100


class Finances:
    """The money of one selling account; others have none."""

    def __init__(
        self,
        ledger: EventLedger,
        chains: Sequence[Chain],
        seller_id: str,
        pager: Pager,
        clock: WorldClock,
        switches: Switches,
    ) -> None:
        self._ledger = ledger
        self._chains = {chain.store.code: chain for chain in chains}
        self._seller_id = seller_id
        self._pager = pager
        self._clock = clock
        self._page_size = switches.number("transactions_page_size")

    def list_transactions(self, seller_id: str, request: Request) -> Reply:
        """``GET /transactions``: by posted date; what happened lately is not there yet."""
        query, now = request.query, self._clock.now()
        wanted = self._wanted(query, now) if seller_id == self._seller_id else None

        def fetch(position: Position) -> tuple[Items, Position | None]:
            if wanted is None:
                return [], None
            before, beyond = position
            window = replace(wanted, before=before, beyond=tuple(beyond))
            found = self._ledger.transactions(window, self._page_size + 1)
            key = found[self._page_size - 1] if len(found) > self._page_size else None
            following = None if key is None else [before, [key["posted"], key["transaction_id"]]]
            return [self._transaction(row, now) for row in found[: self._page_size]], following

        bound = {name: query[name] for name in _BOUND if name in query}
        question = Question("listTransactions", seller_id, bound, query.get("nextToken"), "nextToken")
        start = ["" if wanted is None else wanted.before, ["", ""]]
        page = self._pager.page(question, start, fetch, empties=wanted is not None)
        payload: dict[str, object] = {"transactions": page.items}
        if page.token is not None:
            payload["nextToken"] = page.token
        return Reply.of_json(200, {"payload": payload})

    def list_summary(self, seller_id: str, request: Request) -> Reply:
        """``GET /summary``: the only filter by settlement id that there is; or all closed settlements of a period."""
        query = request.query
        stores = self._stores(query)
        name = choice(query, "relatedIdentifierName", ("SETTLEMENT_ID",))
        if bool(name) != bool(query.get("relatedIdentifierValue")):
            raise Refused.input("relatedIdentifierName and relatedIdentifierValue go together")
        first, last = _day(query, "periodStart"), _day(query, "periodEnd")
        found = [
            (chain, closing)
            for chain in self._chains.values()
            for closing in chain.closings()
            if chain.store in stores
            and (not name or closing["settlement_id"] == query["relatedIdentifierValue"])
            and (first is None or closing["start"] >= stamp(datetime.combine(first, time.min, UTC)))
            and (last is None or closing["ends"] < stamp(datetime.combine(last, time.min, UTC) + timedelta(days=1)))
        ]
        if seller_id != self._seller_id or query.get("accountType", ACCOUNT_TYPE) != ACCOUNT_TYPE:
            found = []

        def fetch(position: Position) -> tuple[Items, Position | None]:
            upto = position + _SUMMARIES_A_PAGE
            shown = [self._summary(chain, closing) for chain, closing in found[position:upto]]
            return shown, upto if upto < len(found) else None

        bound = {name: value for name, value in query.items() if name != "nextToken"}
        question = Question("listSummary", seller_id, bound, query.get("nextToken"), "nextToken")
        page = self._pager.page(question, 0, fetch)
        token = {} if page.token is None else {"nextToken": page.token}
        return Reply.of_json(200, {"summaries": page.items, **token})

    def list_balances(self, seller_id: str, request: Request) -> Reply:
        """``GET /balances``: RESERVED is DEFERRED and ACCOUNT_LEVEL_RESERVE, TOTAL is AVAILABLE and RESERVED."""
        query = request.query
        stores = self._stores(query)
        wanted = choice(query, "balanceType", _BALANCES)
        day = _day(query, "asOfDate")
        now = self._clock.now()
        if day is not None and day > now.date():
            raise Refused.input("asOfDate must not lie in the future")
        at = now if day is None else min(now, datetime.combine(day, time.max, UTC))
        balances = [] if seller_id != self._seller_id else [self._balance(store, at) for store in stores]
        if query.get("accountType", ACCOUNT_TYPE) != ACCOUNT_TYPE:
            balances = []
        when = {"lastUpdatedTime": _second(now)} if day is None else {"asOfDate": _second(at)}
        shown = [
            {"partnerMetadata": self._partner(store), **found, **when}
            for store, balance in zip(stores, balances, strict=bool(balances))
            for found in ([balance] if not wanted else _of_type(balance, wanted))
        ]
        return Reply.of_json(200, {"balances": shown})

    def _wanted(self, query: Mapping[str, str], now: datetime) -> Wanted | None:
        """What is asked for, None where nothing can be found: more than 180 days, no such group."""
        status = choice(query, "transactionStatus", _STATUSES)
        name = choice(query, "relatedIdentifierName", ("ORDER_ID", "FINANCIAL_EVENT_GROUP_ID"))
        value = query.get("relatedIdentifierValue", "")
        if bool(name) != bool(value):
            raise Refused.input("relatedIdentifierName and relatedIdentifierValue go together")
        after = settled_instant(query, "postedAfter", now)
        before = settled_instant(query, "postedBefore", now) or now - TWO_MINUTES
        if after is None and not name:
            raise Refused.input("postedAfter is required where no related identifier is given")
        if after is not None and before <= after:
            raise Refused.input("postedBefore must be later than postedAfter")
        if after is not None and before - after > LONGEST_WINDOW:
            return None
        begins = "" if after is None else stamp(after)
        wanted = Wanted(as_of=stamp(now), after=begins, before=stamp(before), status=status)
        if "marketplaceId" in query:
            wanted = self._of_marketplace(wanted, query["marketplaceId"])
        if name == "ORDER_ID":
            return replace(wanted, order_id=value)
        if not name:
            return wanted
        store, number = group_of(self._chains.values(), value)
        return None if wanted.store not in ("", store) or not number else replace(wanted, store=store, number=number)

    def _of_marketplace(self, wanted: Wanted, marketplace_id: str) -> Wanted:
        """Asked for the US store, merchant-fulfilled orders are left out: the model says so."""
        code = next((code for code, chain in self._chains.items() if chain.store.marketplace_id == marketplace_id), "")
        if not code:
            raise Refused.input("Invalid marketplaceId")
        return replace(wanted, store=code, channel="MFN" if code == "US" else "")

    def _transaction(self, row: sqlite3.Row, now: datetime) -> dict[str, object]:
        store = STORES[row["store"]]
        chain = self._chains[row["store"]]
        event = unpacked(row["kind"], row["happened"], row["counted"], row["content"])
        shape = SHAPES[row["kind"]]
        is_open = row["role"] == "deferred" and row["flips"] > stamp(now)
        status = "DEFERRED" if is_open else "DEFERRED_RELEASED" if row["role"] == "deferred" else "RELEASED"
        contexts = []
        if row["role"] == "deferred":
            reason = {"contextType": "DeferredContext", "deferralReason": "DD7", "maturityDate": _second(event.counted)}
            contexts.append(reason)
        settled = row["number"] if not is_open else 0
        return {
            "sellingPartnerMetadata": {
                "sellingPartnerId": self._seller_id,
                "accountType": ACCOUNT_TYPE,
                "marketplaceId": store.marketplace_id,
            },
            "relatedIdentifiers": identifiers(_identifiers(row, event.rows[0], chain, settled, is_open=is_open)),
            "transactionType": shape.transaction_type,
            "transactionId": row["transaction_id"],
            "transactionStatus": _as_written(status, row["transaction_id"]),
            "description": shape.description,
            "postedDate": _second(datetime.fromisoformat(row["posted"])),
            "marketplaceDetails": {"marketplaceId": store.marketplace_id, "marketplaceName": store.name},
            **TransactionView(store, row["transaction_id"]).body(event),
            "contexts": contexts,
        }

    def _summary(self, chain: Chain, closing: sqlite3.Row) -> dict[str, object]:
        view = TransactionView(chain.store, closing["settlement_id"])
        events = [event for _, event in self._ledger.settled(chain.store.code, closing["number"])]
        return {
            "partnerMetadata": self._partner(chain.store),
            "netProceeds": view.money(closing["total"]),
            "relatedIdentifiers": identifiers([("SETTLEMENT_ID", closing["settlement_id"])]),
            "periodStart": _second(datetime.fromisoformat(closing["start"])),
            "periodEnd": _second(datetime.fromisoformat(closing["ends"])),
            "breakdowns": view.breakdowns(summary_tree(events, chain.store)),
        }

    def _balance(self, store: Store, at: datetime) -> dict[str, object]:
        chain = self._chains[store.code]
        closed = [closing for closing in chain.closings() if closing["ends"] <= stamp(at)]
        number = len(closed) + 1
        available = self._ledger.available(store.code, number, at)
        deferred = self._ledger.deferred(store.code, at)
        held_back = closed[-1]["reserve"] if closed else 0
        money = TransactionView(store, store.code).money
        reserved = {
            "balanceType": "RESERVED",
            "amount": money(deferred + held_back),
            "balances": [
                {"balanceType": "DEFERRED", "amount": money(deferred)},
                {"balanceType": "ACCOUNT_LEVEL_RESERVE", "amount": money(held_back)},
            ],
        }
        return {
            "balanceType": "TOTAL",
            "amount": money(available + deferred + held_back),
            "balances": [{"balanceType": "AVAILABLE", "amount": money(available)}, reserved],
        }

    def _partner(self, store: Store) -> dict[str, object]:
        return {"partnerId": self._seller_id, "accountType": ACCOUNT_TYPE, "marketplaceId": store.marketplace_id}

    def _stores(self, query: Mapping[str, str]) -> list[Store]:
        stores = [chain.store for chain in self._chains.values()]
        asked = listed(query, "marketplaceIds", most=50, allowed=[store.marketplace_id for store in stores])
        return [store for store in stores if not asked or store.marketplace_id in asked]


def _identifiers(row: sqlite3.Row, first: Row, chain: Chain, settled: int, *, is_open: bool) -> list[tuple[str, str]]:
    """What a transaction is related to. Service fees have lost their order since January 2026 (section 15.1)."""
    is_about_an_order = row["kind"] in ("sale", "refund", "claim", "retrocharge", "fulfilment", "label")
    partner = "RELEASE_TRANSACTION_ID" if row["role"] == "deferred" else "DEFERRED_TRANSACTION_ID"
    return [
        ("ORDER_ID", first.order_id if is_about_an_order else ""),
        ("SHIPMENT_ID", first.shipment_id),
        ("REFUND_ID", first.adjustment_id if row["kind"] in ("refund", "claim") else ""),
        (partner, "" if is_open else row["partner"]),
        ("FINANCIAL_EVENT_GROUP_ID", group_id(chain, settled) if settled else ""),
        ("SETTLEMENT_ID", chain.settlement_id(settled) if chain.has_closed(settled) else ""),
    ]


def _as_written(status: str, transaction_id: str) -> str:
    """Some say ``Released`` where others say ``RELEASED`` (section 15.1)."""
    mixed = hashlib.sha256(f"{transaction_id}:case".encode()).digest()[0] % 4 == 0
    return status.title() if mixed else status


def _of_type(balance: Mapping[str, object], wanted: str) -> list[Mapping[str, object]]:
    """A balance or what is below it, of one type."""
    if balance["balanceType"] == wanted:
        return [balance]
    below = balance.get("balances")
    return [found for each in below for found in _of_type(each, wanted)] if isinstance(below, list) else []


def _day(query: Mapping[str, str], name: str) -> date | None:
    if name not in query:
        return None
    try:
        day = date.fromisoformat(query[name])
    except ValueError:
        raise Refused.input(f"Invalid {name}") from None
    if day.year not in YEARS:
        raise Refused.input(f"Invalid {name}")
    return day


def _second(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
