"""Every operation that is served, by its name, and what answers it.

Each is given the selling account behind the token, the path parameter ("" where there is none) and the request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from ml_connector.sandbox.amazon import sellers
from ml_connector.sandbox.amazon.account import Account
from ml_connector.sandbox.amazon.catalog import Catalog
from ml_connector.sandbox.amazon.documents import Documents
from ml_connector.sandbox.amazon.event_ledger import EventLedger
from ml_connector.sandbox.amazon.filing import Filing
from ml_connector.sandbox.amazon.finances import Finances
from ml_connector.sandbox.amazon.groups import EventGroups
from ml_connector.sandbox.amazon.marketplaces import STORES, Store
from ml_connector.sandbox.amazon.messages import Reply, Request
from ml_connector.sandbox.amazon.order_ledger import OrderLedger
from ml_connector.sandbox.amazon.orders_api import Orders
from ml_connector.sandbox.amazon.paging import Pager
from ml_connector.sandbox.amazon.payouts import Payouts
from ml_connector.sandbox.amazon.reports import Reports
from ml_connector.sandbox.amazon.scenario import Scenario
from ml_connector.sandbox.amazon.schedules import Schedules
from ml_connector.sandbox.ledger import Book
from ml_connector.sandbox.switches import Switches

if TYPE_CHECKING:
    from ml_connector.sandbox.world import World

Handler = Callable[[str, str, Request], Reply]


class Operations:
    """``handlers`` has one for each operation; ``documents`` answers the storage's address, which is none of them."""

    def __init__(
        self, world: World, book: Book, account: Account, filing: Filing, scenario: Scenario, switches: Switches
    ) -> None:
        clock, faults = world.clock_of("amazon"), world.faults_of("amazon")
        secret = f"{world.random('amazon:pages').getrandbits(128):032x}"
        pager = Pager(secret, clock, faults, empty_page_every=switches.number("empty_page_every"))
        reports = Reports(book, filing, pager, clock, scenario, switches)
        self._filing = filing
        self._schedules = Schedules(book, reports, clock)
        self.documents = Documents(world, filing, reports, clock, faults)
        events, chains, seller_id = EventLedger(book, switches), filing.chains, account.seller_id
        stores = [STORES[code] for code in scenario.stores]
        self.handlers: Mapping[str, Handler] = {
            **_of_sellers(stores),
            **_of_reports(reports, self.documents),
            **_of_schedules(self._schedules),
            **_of_orders(Orders(OrderLedger(book), account, pager, clock, switches, filing.marketplace_ids)),
            **_of_finances(Finances(events, chains, seller_id, pager, clock, switches)),
            **_of_groups(EventGroups(events, chains, seller_id, pager, clock, scenario, switches)),
            **_of_payouts(Payouts(chains, seller_id, pager, clock, scenario, switches)),
            **_of_catalog(Catalog(stores, seller_id, pager)),
        }

    def up_to(self, now: datetime) -> None:
        """Bring the world up to an instant: what happened is put down, what closed is filed, what is scheduled is made."""
        self._filing.up_to(now)
        self._schedules.run(now)


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


def _of_groups(groups: EventGroups) -> dict[str, Handler]:
    return {"listFinancialEventGroups": lambda seller, _id, request: groups.list_groups(seller, request)}


def _of_payouts(payouts: Payouts) -> dict[str, Handler]:
    return {"listPayouts": lambda seller, _id, request: payouts.list_payouts(seller, request)}


def _of_catalog(catalog: Catalog) -> dict[str, Handler]:
    return {
        "searchCatalogItems": lambda seller, _id, request: catalog.search(seller, request),
        "getCatalogItem": lambda _seller, asin, request: catalog.get(asin, request),
    }
