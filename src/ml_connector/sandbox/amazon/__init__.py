"""Amazon: Login with Amazon, Sellers, Orders, Finances, Transfers, Reports and Catalog, and the engine that closes settlements.

One ledger of events is behind all of it. Written from the two dossiers.

In process, the :class:`Doors` of ``world.systems["amazon"].control`` change the account under a running client.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ml_connector.sandbox.amazon import sellers
from ml_connector.sandbox.amazon.account import Account
from ml_connector.sandbox.amazon.catalog import Catalog
from ml_connector.sandbox.amazon.documents import Documents
from ml_connector.sandbox.amazon.event_ledger import EventLedger
from ml_connector.sandbox.amazon.filing import Filing
from ml_connector.sandbox.amazon.finances import Finances
from ml_connector.sandbox.amazon.gateway import TOKEN_PATH, Gateway, Handler, Parts, operation_of
from ml_connector.sandbox.amazon.groups import EventGroups
from ml_connector.sandbox.amazon.marketplaces import STORES, Store
from ml_connector.sandbox.amazon.messages import general_error
from ml_connector.sandbox.amazon.order_ledger import OrderLedger
from ml_connector.sandbox.amazon.orders_api import Orders
from ml_connector.sandbox.amazon.paging import Pager
from ml_connector.sandbox.amazon.payouts import Payouts
from ml_connector.sandbox.amazon.reports import Reports
from ml_connector.sandbox.amazon.scenario import read_scenario
from ml_connector.sandbox.amazon.schedules import Schedules
from ml_connector.sandbox.faults import Refusal
from ml_connector.sandbox.world import System

if TYPE_CHECKING:
    from ml_connector.sandbox.world import World

NAME = "amazon"
_DRAWN_BEFOREHAND = 5_000
"""A world of more orders than that is drawn when it is made: its first caller would not wait so long."""


@dataclass(frozen=True, slots=True)
class Doors:
    """For tests in process: the account (revoke, rotate the secret, take roles away) and what was filed; orders can be touched."""

    account: Account
    filing: Filing
    orders: OrderLedger


def build(world: World) -> System:
    """Amazon in this world. Raises ValueError where the scenario's ``[amazon]`` table is not understood."""
    scenario, switches = read_scenario(world.scenario_of(NAME))
    clock, faults = world.clock_of(NAME), world.faults_of(NAME)
    account = Account(world.random(f"{NAME}:account"), clock, scenario, switches)
    filing = Filing(world, world.book(NAME), scenario, switches, account.seller_id)
    reports = Reports(world.book(NAME), filing, clock, scenario, switches)
    schedules = Schedules(world.book(NAME), reports, clock)
    documents = Documents(world, filing, reports, clock, faults)
    secret = f"{world.random(f'{NAME}:pages').getrandbits(128):032x}"
    pager = Pager(secret, clock, faults, empty_page_every=switches.number("empty_page_every"))
    orders, events = OrderLedger(world.book(NAME)), EventLedger(world.book(NAME), switches)
    stores, chains, seller_id = [STORES[code] for code in scenario.stores], filing.chains, account.seller_id
    handlers: dict[str, Handler] = {
        **_of_sellers(stores),
        **_of_reports(reports, documents),
        **_of_schedules(schedules),
        **_of_orders(Orders(orders, account, pager, clock, switches, filing.marketplace_ids)),
        **_of_finances(Finances(events, chains, seller_id, pager, clock, switches)),
        **_of_catalog(Catalog(stores, seller_id, pager)),
    }
    groups = EventGroups(events, chains, seller_id, pager, clock, scenario, switches)
    payouts = Payouts(chains, seller_id, pager, clock, scenario, switches)
    handlers["listFinancialEventGroups"] = lambda seller, _, request: groups.list_groups(seller, request)
    handlers["listPayouts"] = lambda seller, _, request: payouts.list_payouts(seller, request)

    def up_to(now: datetime) -> None:
        filing.up_to(now)
        schedules.run(now)

    if filing.orders_expected > _DRAWN_BEFOREHAND:
        up_to(clock.now())
    gateway = Gateway(Parts(account, up_to, documents, handlers, clock, faults, switches))

    def credentials(base_url: str) -> dict[str, object]:
        return {
            "base_url": f"{base_url}/{NAME}",
            "token_url": f"{base_url}/{NAME}{TOKEN_PATH}",
            "client_id": account.client_id,
            "client_secret": account.client_secret,
            "refresh_token": account.refresh_token,
            "seller_id": account.seller_id,
            "marketplace_ids": [store.marketplace_id for store in stores],
        }

    return System(
        name=NAME,
        app=gateway,
        credentials=credentials,
        operation=operation_of,
        refusal=lambda status: Refusal(status, json.dumps(general_error(status)).encode()),
        control=Doors(account, filing, orders),
    )


def _of_sellers(stores: Sequence[Store]) -> dict[str, Handler]:
    return {
        "getMarketplaceParticipations": lambda _seller, _id, _request: sellers.participations(stores),
        "getAccount": lambda _seller, _id, _request: sellers.account(stores),
    }


def _of_reports(reports: Reports, documents: Documents) -> dict[str, Handler]:
    return {
        "getReports": lambda seller, _id, request: reports.get_reports(seller, request),
        "createReport": lambda seller, _id, request: reports.create_report(seller, request),
        "getReport": lambda seller, report_id, _request: reports.get_report(seller, report_id),
        "cancelReport": lambda seller, report_id, _request: reports.cancel_report(seller, report_id),
        "getReportDocument": documents.mint,
    }


def _of_schedules(schedules: Schedules) -> dict[str, Handler]:
    return {
        "getReportSchedules": lambda seller, _id, request: schedules.list_all(seller, request),
        "createReportSchedule": lambda seller, _id, request: schedules.create(seller, request),
        "getReportSchedule": lambda seller, schedule_id, _request: schedules.get(seller, schedule_id),
        "cancelReportSchedule": lambda seller, schedule_id, _request: schedules.cancel(seller, schedule_id),
    }


def _of_orders(orders: Orders) -> dict[str, Handler]:
    return {
        "searchOrders": lambda seller, _id, request: orders.search(seller, request),
        "getOrder": orders.get,
    }


def _of_finances(finances: Finances) -> dict[str, Handler]:
    return {
        "listTransactions": lambda seller, _id, request: finances.list_transactions(seller, request),
        "listSummary": lambda seller, _id, request: finances.list_summary(seller, request),
        "listBalances": lambda seller, _id, request: finances.list_balances(seller, request),
    }


def _of_catalog(catalog: Catalog) -> dict[str, Handler]:
    return {
        "searchCatalogItems": lambda seller, _id, request: catalog.search(seller, request),
        "getCatalogItem": lambda _seller, asin, request: catalog.get(asin, request),
    }
