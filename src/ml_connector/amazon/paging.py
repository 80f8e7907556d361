"""Amazon's seven ways of paging, as one family (SP-API dossier, section 8).

A :class:`Dialect` says how one way works; :func:`pages` follows its tokens through one listing, and ends it when Amazon goes
in circles or lists for ever. Tokens are opaque, go back byte for byte, live between half a minute and a day, and are never
kept: what a caller keeps is the window that it asked for. An empty page with a token is a page like any other.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

import structlog

from ml_connector.amazon.client import QueryValue
from ml_connector.domain.errors import BadAnswer, LimitExceeded, RefusedByServer

T = TypeVar("T")

Query = Mapping[str, QueryValue]

#: Pages of one listing, where its caller sets no lower limit.
PAGES_MAX: Final = 10_000
_TOKEN_MAX: Final = 4_096

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Dialect:
    """One way of paging.

    ``parameter`` carries the token back; ``at`` is where the answer has it, as a path of members. ``alone``: the token goes
    back without the other parameters, which otherwise stand unchanged beside it.
    """

    name: str
    parameter: str
    at: tuple[str, ...]
    alone: bool = False

    def token(self, page: object) -> str:
        """The token of a page; "" on the last one, where it is absent, null or empty."""
        found: object = page
        for member in self.at:
            found = getattr(found, member, None)
        return found if isinstance(found, str) else ""

    def next_query(self, query: Query, token: str) -> Query:
        """What asks for the next page of the listing that ``query`` began."""
        return {self.parameter: token} if self.alone else {**query, self.parameter: token}


ORDERS: Final = Dialect("orders", "paginationToken", ("pagination", "next_token"))
REPORTS: Final = Dialect("reports", "nextToken", ("next_token",), alone=True)
TRANSACTIONS: Final = Dialect("transactions", "nextToken", ("payload", "next_token"))
#: Balances, summaries and payouts.
PLAIN: Final = Dialect("balances, summaries or payouts", "nextToken", ("next_token",))
FINANCES_V0: Final = Dialect("event groups", "NextToken", ("payload", "next_token"))
CATALOG: Final = Dialect("listings or catalog items", "pageToken", ("pagination", "next_token"))
INVENTORY: Final = Dialect("inventory", "nextToken", ("pagination", "next_token"))

DIALECTS: Final = (ORDERS, REPORTS, TRANSACTIONS, PLAIN, FINANCES_V0, CATALOG, INVENTORY)


async def pages(
    read: Callable[[Query], Awaitable[T]], dialect: Dialect, query: Query, *, pages_max: int = PAGES_MAX
) -> AsyncIterator[T]:
    """Every page of the listing that ``query`` asks for, in Amazon's order; ``read`` makes one call.

    Where Amazon refuses a token on the way, the listing is read again from its beginning, once: what was seen comes a second
    time. Raises :class:`BadAnswer` when the same token comes twice, :class:`LimitExceeded` beyond ``pages_max`` pages,
    :class:`RefusedByServer` when a token is refused again, and whatever ``read`` raises.
    """
    try:
        async for page in _once_through(read, dialect, query, pages_max):
            yield page
    except _TokenRefused as refused:
        _log.warning("amazon.page_token_refused", listing=dialect.name, why=str(refused))
    else:
        return
    async for page in _once_through(read, dialect, query, pages_max):
        yield page


async def _once_through(
    read: Callable[[Query], Awaitable[T]], dialect: Dialect, query: Query, pages_max: int
) -> AsyncIterator[T]:
    page = await read(query)
    yield page
    seen: set[str] = set()
    while token := dialect.token(page):
        if token in seen:
            raise BadAnswer(
                f"Amazon's list of {dialect.name} goes in circles: the same page token came twice. Try again later."
            )
        if len(token) > _TOKEN_MAX:
            raise BadAnswer(f"Amazon gave a page token of {len(token)} characters in a list of {dialect.name}.")
        seen.add(token)
        if len(seen) >= pages_max:
            raise LimitExceeded(f"Amazon lists more than {pages_max} pages of {dialect.name}; ask for a shorter time.")
        try:
            page = await read(dialect.next_query(query, token))
        except RefusedByServer as error:
            raise _TokenRefused(str(error), server_code=error.server_code, words=error.words) from error
        yield page


class _TokenRefused(RefusedByServer):
    """Amazon no longer takes a page token that it gave."""
