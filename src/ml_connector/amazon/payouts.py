"""Transfers 2024-06-01: which payout carries which settlement, and whether it was paid (SP-API dossier, section 17).

Only listPayouts. initiatePayout moves money and is never called.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ml_connector.amazon import limits
from ml_connector.amazon.client import AmazonClient, QueryValue, utc_text
from ml_connector.amazon.finance_wire import PayoutWire, payout
from ml_connector.amazon.paging import PLAIN, Query, pages
from ml_connector.amazon.wire import Wire
from ml_connector.domain.errors import BadAnswer, NotPermitted, RefusedByServer
from ml_connector.domain.finances import Payout

_NOT_HERE: Final = (
    "Amazon shows no payouts here; by its own description it does so in DE, FR, IT, ES, SE, NL, PL and BE."
)


@dataclass(frozen=True, slots=True)
class PayoutList:
    """What listPayouts said. Amazon does not offer it for every store: then ``available`` is False, ``why`` holds the refusal, and
    nothing follows from it."""

    available: bool
    payouts: tuple[Payout, ...] = ()
    why: str = ""


class _Answer(Wire, frozen=True):
    payouts: tuple[PayoutWire, ...] | None = None
    next_token: str | None = None


class Payouts:
    """The payouts of one selling account."""

    def __init__(self, client: AmazonClient) -> None:
        self._client = client

    async def created(
        self, after: datetime, before: datetime | None = None, *, marketplace_ids: Sequence[str] = ()
    ) -> PayoutList:
        """Every payout created from ``after`` on (inclusive) until ``before`` (exclusive), each once, of all stores unless some are
        named. Raises what a call does, but a 400 or a 403 means that it is not to be had here."""
        query: dict[str, QueryValue] = {"marketplaceIds": tuple(marketplace_ids)} if marketplace_ids else {}
        query["createdAfter"] = utc_text(after)
        if before is not None:
            query["createdBefore"] = utc_text(before)

        async def read(asked: Query) -> _Answer:
            return await self._client.read(limits.LIST_PAYOUTS, _Answer, query=asked)

        try:
            found = [each async for page in pages(read, PLAIN, query) for each in page.payouts or ()]
        except (NotPermitted, RefusedByServer) as refused:
            return PayoutList(available=False, why=f"{_NOT_HERE} {refused}")
        return PayoutList(available=True, payouts=tuple({each.id: _payout(each) for each in found}.values()))


def _payout(wire: PayoutWire) -> Payout:
    try:
        return payout(wire)
    except BadAnswer as error:
        raise BadAnswer(f"Amazon's payout {wire.id[:40]} cannot be read: {error}", code=error.code) from error
