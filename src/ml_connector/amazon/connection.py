"""One selling account in one region, signed in and ready: what the flows above see of Amazon."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Final

import httpx2

from ml_connector import __version__
from ml_connector.amazon.auth import LoginWithAmazon
from ml_connector.amazon.catalog import Catalog
from ml_connector.amazon.client import AmazonClient, user_agent
from ml_connector.amazon.config import Config
from ml_connector.amazon.documents import DOWNLOAD_MAX_BYTES, Documents, Download, Sink
from ml_connector.amazon.event_groups import EventGroups
from ml_connector.amazon.finances import Finances
from ml_connector.amazon.orders import Orders
from ml_connector.amazon.payouts import Payouts
from ml_connector.amazon.report_schedules import ReportSchedules
from ml_connector.amazon.reports import ReportInfo, Reports
from ml_connector.amazon.sellers import Participation, Sellers
from ml_connector.domain.catalog import Identity
from ml_connector.domain.clock import Clock
from ml_connector.transport.auth import TokenStore
from ml_connector.transport.bucket import BucketStore
from ml_connector.transport.http import HttpClient

_ANSWER_MAX_BYTES: Final = 16 * 1024 * 1024
_LOGIN_ANSWER_MAX_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Tools:
    """What the caller lends: time, chance, where tokens and buckets are kept, where a new refresh token goes, and the seam
    at which a simulator is mounted."""

    clock: Clock
    random: Random
    tokens: TokenStore
    buckets: BucketStore
    on_new_refresh_token: Callable[[str], Awaitable[None]]
    transport: httpx2.AsyncBaseTransport | None = None


class AmazonAccount:
    """A selling account. Make one per connection and process: its sign-in, its quota and its cached ping are shared."""

    def __init__(self, config: Config, tools: Tools) -> None:
        def http(name: str, base_url: str, max_body_bytes: int) -> HttpClient:
            return HttpClient(
                name,
                base_url,
                tools.clock,
                tools.random,
                transport=tools.transport,
                ssl_context=config.ssl_context(),
                max_body_bytes=max_body_bytes,
            )

        agent = user_agent(__version__)
        self.config = config
        self._https = (
            http("Login with Amazon", config.token_url, _LOGIN_ANSWER_MAX_BYTES),
            http("Amazon", config.base_url, _ANSWER_MAX_BYTES),
            http("Amazon's document store", config.base_url, _LOGIN_ANSWER_MAX_BYTES),
        )
        login_http, api_http, downloads_http = self._https
        self._login = LoginWithAmazon(
            login_http,
            config.credentials,
            tools.tokens,
            tools.clock,
            user_agent=agent,
            on_new_refresh_token=tools.on_new_refresh_token,
        )
        self.client = AmazonClient(
            api_http, self._login, tools.buckets, config.account, tools.clock, tools.random, agent
        )
        self.documents = Documents(self.client, downloads_http, tools.clock, tools.random)
        self.report_schedules = ReportSchedules(self.client)
        self.reports = Reports(self.client, self.documents, tools.clock)
        self.orders = Orders(self.client)
        self.finances = Finances(self.client, tools.clock)
        self.event_groups = EventGroups(self.client, tools.clock)
        self.payouts = Payouts(self.client)
        self.catalog = Catalog(self.client)
        self.sellers = Sellers(self.client, tools.clock)

    async def ping(self, *, fresh: bool = False) -> Identity:
        """Sign in and read which stores this account sells in. The answer is an hour old at most; ``fresh`` signs in and asks
        anew.

        Raises what is wrong, exactly: :class:`~ml_connector.domain.errors.SignInFailed`,
        :class:`~ml_connector.domain.errors.NotPermitted`, :class:`~ml_connector.domain.errors.Unavailable`.
        """
        if fresh:
            await self._login.renew()
        stores = await self.sellers.participations(fresh=fresh)
        return _identity(self.config, stores, self.client.http.clock_ahead_s)

    async def discover_settlements(self, created_since: datetime) -> tuple[ReportInfo, ...]:
        """See :meth:`ml_connector.amazon.reports.Reports.discover_settlements`."""
        return await self.reports.discover_settlements(created_since)

    async def download(self, document_id: str, sink: Sink, *, max_bytes: int = DOWNLOAD_MAX_BYTES) -> Download:
        """See :meth:`ml_connector.amazon.documents.Documents.download`."""
        return await self.documents.download(document_id, sink, max_bytes=max_bytes)

    async def aclose(self) -> None:
        """Let go of every connection. Nothing has to be signed out: an access token dies by itself."""
        for http in self._https:
            await http.aclose()


def _identity(config: Config, participations: tuple[Participation, ...], clock_ahead_s: float | None) -> Identity:
    """Who answered, for each store of the connection whether the account sells there, and which other stores it has."""
    by_id = {found.marketplace_id: found for found in participations}
    ours = [(marketplace_id, _state(by_id.get(marketplace_id))) for marketplace_id in config.marketplace_ids]
    others = sorted(found.marketplace_id for found in participations if not found.pseudo)
    others = [marketplace_id for marketplace_id in others if marketplace_id not in config.marketplace_ids]
    return Identity(
        name=next((by_id[known].store_name for known in config.marketplace_ids if known in by_id), "")
        or config.seller_id,
        version="Selling Partner API",
        details=(
            ("seller id", config.seller_id),
            ("region", config.region.value),
            *ours,
            *([("other stores", ", ".join(others))] if others else []),
        ),
        clock_ahead_s=clock_ahead_s,
    )


def _state(participation: Participation | None) -> str:
    if participation is None:
        return "not a store of this account"
    if not participation.participating:
        return f"{participation.name}: not selling there"
    suspended = ", listings suspended" if participation.suspended_listings else ""
    return f"{participation.name}, {participation.currency}{suspended}"
