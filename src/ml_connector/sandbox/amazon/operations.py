"""Every operation that is served, by its name, and what answers it.

Each is given the selling account behind the token, the path parameters in their order and the request.
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
from ml_connector.sandbox.amazon.feeds import Feeds
from ml_connector.sandbox.amazon.filing import Filing
from ml_connector.sandbox.amazon.finances import Finances
from ml_connector.sandbox.amazon.groups import EventGroups
from ml_connector.sandbox.amazon.inventory import Inventory
from ml_connector.sandbox.amazon.listing_ledger import ListingLedger
from ml_connector.sandbox.amazon.listings import Listings
from ml_connector.sandbox.amazon.marketplaces import STORES, Store
from ml_connector.sandbox.amazon.messages import Refused, Reply, Request
from ml_connector.sandbox.amazon.order_ledger import OrderLedger
from ml_connector.sandbox.amazon.orders_api import Orders
from ml_connector.sandbox.amazon.paging import Pager
from ml_connector.sandbox.amazon.payouts import Payouts
from ml_connector.sandbox.amazon.reports import Reports
from ml_connector.sandbox.amazon.scenario import Scenario
from ml_connector.sandbox.amazon.schedules import Schedules
from ml_connector.sandbox.amazon.shipments import Shipments
from ml_connector.sandbox.amazon.stock import Stock
from ml_connector.sandbox.amazon.storage import Storage
from ml_connector.sandbox.ledger import Book
from ml_connector.sandbox.switches import Switches

if TYPE_CHECKING:
    from ml_connector.sandbox.world import World

Handler = Callable[[str, Sequence[str], Request], Reply]


class Operations:
    """``handlers`` has one for each operation; ``documents`` and ``feeds`` answer the storage's addresses, which are none of them."""

    def __init__(
        self, world: World, book: Book, account: Account, filing: Filing, scenario: Scenario, switches: Switches
    ) -> None:
        clock, faults = world.clock_of("amazon"), world.faults_of("amazon")
        secret = f"{world.random('amazon:pages').getrandbits(128):032x}"
        pager = Pager(secret, clock, faults, empty_page_every=switches.number("empty_page_every"))
        events, stores = EventLedger(book, switches), [STORES[code] for code in scenario.stores]
        stock = Stock(OrderLedger(book), events, stores, scenario)
        self._listings = ListingLedger(book, stores, stock, scenario, switches)
        reports = Reports(book, filing, self._listings, pager, clock, scenario, switches)
        self._filing = filing
        self._schedules = Schedules(book, reports, clock)
        storage = Storage(world, clock)
        self.documents = Documents(storage, filing, reports, faults)
        self.feeds = Feeds(book, self._listings, storage, stores, pager, clock, switches)
        chains, seller_id = filing.chains, account.seller_id
        self.handlers: Mapping[str, Handler] = {
            **_of_sellers(stores),
            **_of_reports(reports, self.documents),
            **_of_schedules(self._schedules),
            **_of_orders(Orders(OrderLedger(book), account, pager, clock, switches, filing.marketplace_ids)),
            **_of_shipments(Shipments(OrderLedger(book), seller_id, clock)),
            **_of_finances(Finances(events, chains, seller_id, pager, clock, switches)),
            **_of_groups(EventGroups(events, chains, seller_id, pager, clock, scenario, switches)),
            **_of_payouts(Payouts(chains, seller_id, pager, clock, scenario, switches)),
            **_of_catalog(Catalog(stores, seller_id, pager)),
            **_of_listings(Listings(self._listings, stores, pager, clock, switches), seller_id),
            **_of_feeds(self.feeds),
            **_of_inventory(Inventory(stock, stores, seller_id, pager, clock, switches)),
        }

    def up_to(self, now: datetime) -> None:
        """Bring the world up to an instant: what happened is put down, what closed is filed, what is scheduled is made."""
        self._filing.up_to(now)
        self.feeds.run(now)
        self._listings.up_to(now)
        self._schedules.run(now)


def _of_sellers(stores: Sequence[Store]) -> dict[str, Handler]:
    return {
        "getMarketplaceParticipations": lambda _seller, _path, _request: sellers.participations(stores),
        "getAccount": lambda _seller, _path, _request: sellers.account(stores),
    }


def _of_reports(reports: Reports, documents: Documents) -> dict[str, Handler]:
    return {
        "getReports": lambda seller, _path, request: reports.get_reports(seller, request),
        "createReport": lambda seller, _path, request: reports.create_report(seller, request),
        "getReport": lambda seller, path, _request: reports.get_report(seller, path[0]),
        "cancelReport": lambda seller, path, _request: reports.cancel_report(seller, path[0]),
        "getReportDocument": lambda seller, path, request: documents.mint(seller, path[0], request),
    }


def _of_schedules(schedules: Schedules) -> dict[str, Handler]:
    return {
        "getReportSchedules": lambda seller, _path, request: schedules.list_all(seller, request),
        "createReportSchedule": lambda seller, _path, request: schedules.create(seller, request),
        "getReportSchedule": lambda seller, path, _request: schedules.get(seller, path[0]),
        "cancelReportSchedule": lambda seller, path, _request: schedules.cancel(seller, path[0]),
    }


def _of_orders(orders: Orders) -> dict[str, Handler]:
    return {
        "searchOrders": lambda seller, _path, request: orders.search(seller, request),
        "getOrder": lambda seller, path, request: orders.get(seller, path[0], request),
    }


def _of_shipments(shipments: Shipments) -> dict[str, Handler]:
    return {"confirmShipment": lambda seller, path, request: shipments.confirm(seller, path[0], request)}


def _of_finances(finances: Finances) -> dict[str, Handler]:
    return {
        "listTransactions": lambda seller, _path, request: finances.list_transactions(seller, request),
        "listSummary": lambda seller, _path, request: finances.list_summary(seller, request),
        "listBalances": lambda seller, _path, request: finances.list_balances(seller, request),
    }


def _of_groups(groups: EventGroups) -> dict[str, Handler]:
    return {"listFinancialEventGroups": lambda seller, _path, request: groups.list_groups(seller, request)}


def _of_payouts(payouts: Payouts) -> dict[str, Handler]:
    return {"listPayouts": lambda seller, _path, request: payouts.list_payouts(seller, request)}


def _of_catalog(catalog: Catalog) -> dict[str, Handler]:
    return {
        "searchCatalogItems": lambda seller, _path, request: catalog.search(seller, request),
        "getCatalogItem": lambda _seller, path, request: catalog.get(path[0], request),
    }


def _of_listings(listings: Listings, seller_id: str) -> dict[str, Handler]:
    """Whoever names another seller in the path is refused; other refusals are worded as Listings words them (section 6)."""

    def own(answer: Callable[[Sequence[str], Request], Reply]) -> Handler:
        def handler(seller: str, path: Sequence[str], request: Request) -> Reply:
            if path[0] != seller or seller != seller_id:
                raise Refused.access()
            try:
                return answer(path, request)
            except Refused as refused:
                if refused.reply.status != 400:
                    raise
                raise Refused(400, "BAD_REQUEST", "Invalid input", refused.message) from None

        return handler

    return {
        "getListingsItem": own(lambda path, request: listings.get(path[1], request)),
        "searchListingsItems": own(lambda path, request: listings.search(path[0], request)),
        "patchListingsItem": own(lambda path, request: listings.patch(path[1], request)),
    }


def _of_feeds(feeds: Feeds) -> dict[str, Handler]:
    return {
        "createFeedDocument": lambda seller, _path, request: feeds.create_document(seller, request),
        "getFeedDocument": lambda seller, path, request: feeds.get_document(seller, path[0], request),
        "getFeeds": lambda seller, _path, request: feeds.list_all(seller, request),
        "createFeed": lambda seller, _path, request: feeds.create(seller, request),
        "getFeed": lambda seller, path, _request: feeds.get(seller, path[0]),
        "cancelFeed": lambda seller, path, _request: feeds.cancel(seller, path[0]),
    }


def _of_inventory(inventory: Inventory) -> dict[str, Handler]:
    return {"getInventorySummaries": lambda seller, _path, request: inventory.summaries(seller, request)}
