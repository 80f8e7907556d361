"""Sellers v1: which stores an account sells in. It is the ping, and a rare one: once in 62 seconds (Amazon dossier, section 9).

The answer does not name the seller id; that is a setting of the connection.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from ml_connector.amazon import limits
from ml_connector.amazon.client import AmazonClient
from ml_connector.amazon.marketplaces import is_pseudo
from ml_connector.domain.clock import Clock

CACHE_LIFE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Participation:
    """A store, and whether the account sells there. ``pseudo``: no store but an accounting shadow (multi-channel fulfilment).

    ``currency`` is the store's usual one; what a settlement is in, only its file says.
    """

    marketplace_id: str
    name: str
    country: str
    currency: str
    domain: str
    store_name: str
    participating: bool
    suspended_listings: bool
    pseudo: bool


class _Marketplace(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    name: str = ""
    country_code: str = ""
    default_currency_code: str = ""
    domain_name: str = ""


class _State(msgspec.Struct, frozen=True, rename="camel"):
    is_participating: bool
    has_suspended_listings: bool = False


class _Entry(msgspec.Struct, frozen=True, rename="camel"):
    marketplace: _Marketplace
    participation: _State
    store_name: str = ""


class _Participations(msgspec.Struct, frozen=True):
    payload: tuple[_Entry, ...]


class Sellers:
    """The stores of one selling account, kept an hour: a console that asks on every page must not exhaust the quota."""

    def __init__(self, client: AmazonClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._kept: tuple[datetime, tuple[Participation, ...]] | None = None

    async def get_marketplace_participations(self) -> tuple[Participation, ...]:
        """Ask Amazon, now."""
        answer = await self._client.read(limits.GET_MARKETPLACE_PARTICIPATIONS, _Participations)
        return tuple(_participation(entry) for entry in answer.payload)

    async def participations(self, *, fresh: bool = False) -> tuple[Participation, ...]:
        """The stores, at most an hour old; ``fresh`` asks again."""
        if not fresh and self._kept is not None and self._clock.now() - self._kept[0] < CACHE_LIFE:
            return self._kept[1]
        found = await self.get_marketplace_participations()
        self._kept = (self._clock.now(), found)
        return found


def _participation(entry: _Entry) -> Participation:
    store = entry.marketplace
    return Participation(
        marketplace_id=store.id,
        name=store.name or store.id,
        country=store.country_code,
        currency=store.default_currency_code,
        domain=store.domain_name,
        store_name=entry.store_name,
        participating=entry.participation.is_participating,
        suspended_listings=entry.participation.has_suspended_listings,
        pseudo=is_pseudo(store.id),
    )
