"""Amazon's token buckets: one per operation and (selling account, application), on the world's clock.

Rates and bursts: SP-API dossier, section 7.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Limit:
    """``rate`` calls per second are refilled, up to ``burst``."""

    rate: Decimal
    burst: int


LIMITS = {
    "getMarketplaceParticipations": Limit(Decimal("0.016"), 15),
    "getAccount": Limit(Decimal("0.016"), 15),
    "getReports": Limit(Decimal("0.0222"), 10),
    "createReport": Limit(Decimal("0.0167"), 15),
    "getReport": Limit(Decimal("2"), 15),
    "cancelReport": Limit(Decimal("0.0222"), 10),
    "getReportSchedules": Limit(Decimal("0.0222"), 10),
    "createReportSchedule": Limit(Decimal("0.0222"), 10),
    "getReportSchedule": Limit(Decimal("0.0222"), 10),
    "cancelReportSchedule": Limit(Decimal("0.0222"), 10),
    "getReportDocument": Limit(Decimal("0.0167"), 15),
    "searchOrders": Limit(Decimal("0.0056"), 20),
    "getOrder": Limit(Decimal("0.5"), 30),
    "confirmShipment": Limit(Decimal("2"), 10),
    "listTransactions": Limit(Decimal("0.5"), 10),
    "listSummary": Limit(Decimal("0.5"), 10),
    "listBalances": Limit(Decimal("0.5"), 10),
    "listFinancialEventGroups": Limit(Decimal("0.5"), 30),
    "listPayouts": Limit(Decimal("0.5"), 10),
    "searchCatalogItems": Limit(Decimal("2"), 2),
    "getCatalogItem": Limit(Decimal("2"), 2),
    "getListingsItem": Limit(Decimal("5"), 10),
    "patchListingsItem": Limit(Decimal("5"), 5),
    "searchListingsItems": Limit(Decimal("5"), 5),
    "createFeedDocument": Limit(Decimal("0.5"), 15),
    "getFeedDocument": Limit(Decimal("0.0222"), 10),
    "getFeeds": Limit(Decimal("0.0222"), 10),
    "createFeed": Limit(Decimal("0.0083"), 15),
    "getFeed": Limit(Decimal("2"), 15),
    "cancelFeed": Limit(Decimal("2"), 15),
    "getInventorySummaries": Limit(Decimal("2"), 2),
}


class Buckets:
    """What is left for each caller. A new bucket is full."""

    def __init__(self) -> None:
        self._left: dict[tuple[str, str, str], tuple[Decimal, datetime]] = {}

    def take(self, seller: str, client: str, operation: str, now: datetime) -> bool:
        """Take one call out of the bucket; False where it is empty (nothing is taken then)."""
        limit = LIMITS[operation]
        left, since = self._left.get((seller, client, operation), (Decimal(limit.burst), now))
        elapsed_s = Decimal(str((now - since).total_seconds()))
        left = min(Decimal(limit.burst), left + max(elapsed_s, Decimal(0)) * limit.rate)
        granted = left >= 1
        self._left[seller, client, operation] = (left - 1 if granted else left, now)
        return granted


def announced(operation: str, speed: float) -> str:
    """The rate as a header says it, in the caller's seconds: ``speed`` times the documented one."""
    return format((LIMITS[operation].rate * Decimal(str(speed))).normalize(), "f")
