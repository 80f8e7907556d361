"""The operations this program calls, and how often Amazon lets it (Amazon dossier, section 7).

A bucket belongs to one operation of one selling account. Where Amazon's sources disagree on a figure, the slower one stands
here (1/60 of Amazon's library, not 0.0167 of the texts). The figures are where a bucket starts: ``x-amzn-RateLimit-Limit``
corrects the rate, never the burst.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. ``path`` is a template (``{reportId}``); ``role`` is what an account needs for it (dossier, section 6)."""

    name: str
    method: str
    path: str
    rate_per_s: float
    burst: int
    role: str


_FINANCE: Final = "Finance and Accounting"
_REPORTS: Final = f"{_FINANCE} (for settlement reports; other report types need the role of their subject)"
# The dossier names no role for orders themselves; this is what Seller Central calls it. Section 6 names the one for buyers.
_ORDERS: Final = "Inventory and Order Tracking (for buyer data Direct-to-Consumer Shipping (Restricted), or a tax role)"

GET_REPORTS: Final = Operation("getReports", "GET", "/reports/2021-06-30/reports", 0.0222, 10, _REPORTS)
CREATE_REPORT: Final = Operation("createReport", "POST", "/reports/2021-06-30/reports", 1 / 60, 15, _REPORTS)
GET_REPORT: Final = Operation("getReport", "GET", "/reports/2021-06-30/reports/{reportId}", 2.0, 15, _REPORTS)
GET_REPORT_DOCUMENT: Final = Operation(
    "getReportDocument", "GET", "/reports/2021-06-30/documents/{reportDocumentId}", 1 / 60, 15, _REPORTS
)
# The texts say 0.0222, Amazon's library 1/45, which is a hair faster.
CREATE_REPORT_SCHEDULE: Final = Operation(
    "createReportSchedule", "POST", "/reports/2021-06-30/schedules", 0.0222, 10, _REPORTS
)
GET_REPORT_SCHEDULES: Final = Operation(
    "getReportSchedules", "GET", "/reports/2021-06-30/schedules", 0.0222, 10, _REPORTS
)
CANCEL_REPORT_SCHEDULE: Final = Operation(
    "cancelReportSchedule", "DELETE", "/reports/2021-06-30/schedules/{reportScheduleId}", 0.0222, 10, _REPORTS
)
SEARCH_ORDERS: Final = Operation("searchOrders", "GET", "/orders/2026-01-01/orders", 1 / 180, 20, _ORDERS)
GET_ORDER: Final = Operation("getOrder", "GET", "/orders/2026-01-01/orders/{orderId}", 0.5, 30, _ORDERS)
LIST_TRANSACTIONS: Final = Operation("listTransactions", "GET", "/finances/2024-06-19/transactions", 0.5, 10, _FINANCE)
LIST_BALANCES: Final = Operation("listBalances", "GET", "/finances/2024-06-19/balances", 0.5, 10, _FINANCE)
LIST_SUMMARY: Final = Operation("listSummary", "GET", "/finances/2024-06-19/summary", 0.5, 10, _FINANCE)
LIST_FINANCIAL_EVENT_GROUPS: Final = Operation(
    "listFinancialEventGroups", "GET", "/finances/v0/financialEventGroups", 0.5, 30, _FINANCE
)
LIST_PAYOUTS: Final = Operation("listPayouts", "GET", "/finances/transfers/2024-06-01/payouts", 0.5, 10, _FINANCE)
SEARCH_CATALOG_ITEMS: Final = Operation(
    "searchCatalogItems", "GET", "/catalog/2022-04-01/items", 2.0, 2, "Product Listing"
)
GET_CATALOG_ITEM: Final = Operation(
    "getCatalogItem", "GET", "/catalog/2022-04-01/items/{asin}", 2.0, 2, "Product Listing"
)
GET_MARKETPLACE_PARTICIPATIONS: Final = Operation(
    "getMarketplaceParticipations",
    "GET",
    "/sellers/v1/marketplaceParticipations",
    0.016,
    15,
    "Selling Partner Insights",
)
#: The plainest operation: every application has the role for it (section 9).
PING: Final = GET_MARKETPLACE_PARTICIPATIONS

OPERATIONS: Final = (
    GET_REPORTS,
    CREATE_REPORT,
    GET_REPORT,
    GET_REPORT_DOCUMENT,
    CREATE_REPORT_SCHEDULE,
    GET_REPORT_SCHEDULES,
    CANCEL_REPORT_SCHEDULE,
    SEARCH_ORDERS,
    GET_ORDER,
    LIST_TRANSACTIONS,
    LIST_BALANCES,
    LIST_SUMMARY,
    LIST_FINANCIAL_EVENT_GROUPS,
    LIST_PAYOUTS,
    SEARCH_CATALOG_ITEMS,
    GET_CATALOG_ITEM,
    GET_MARKETPLACE_PARTICIPATIONS,
)
