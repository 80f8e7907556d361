"""Each way of paging reaches every page once, and none can go on for ever."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from ml_connector.amazon.paging import (
    CATALOG,
    DIALECTS,
    FINANCES_V0,
    INVENTORY,
    ORDERS,
    PLAIN,
    REPORTS,
    TRANSACTIONS,
    Dialect,
    Query,
    pages,
)
from ml_connector.domain.errors import BadAnswer, LimitExceeded, RefusedByServer

ASKED = {"marketplaceIds": ("A", "B"), "after": "2026-11-01T00:00:00Z"}


def page(dialect: Dialect, token: str | None, number: int = 0) -> Any:
    """A page as the dialect's operations answer, with its token where they have it."""
    found: Any = token
    for member in reversed(dialect.at):
        found = SimpleNamespace(**{member: found})
    found.number = number
    return found


class Listing:
    """Hands out the pages that follow ``tokens``; ``refusals`` says at which calls a token is refused."""

    def __init__(self, dialect: Dialect, tokens: list[str | None], refusals: frozenset[int] = frozenset()) -> None:
        self.dialect = dialect
        self.tokens = tokens
        self.refusals = refusals
        self.asked: list[Query] = []

    async def read(self, query: Query) -> Any:
        self.asked.append(query)
        if len(self.asked) in self.refusals:
            raise RefusedByServer("the token has expired", server_code="InvalidInput", words="expired")
        token = query.get(self.dialect.parameter)
        number = self.tokens.index(token) + 1 if isinstance(token, str) else 0
        return page(self.dialect, self.tokens[number], number)

    def walk(self, **limits: int) -> list[int]:
        async def all_pages() -> list[int]:
            return [found.number async for found in pages(self.read, self.dialect, ASKED, **limits)]

        return asyncio.run(all_pages())


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("end", [None, ""])
def test_every_page_is_reached_once_and_the_tokens_go_back_byte_for_byte(dialect: Dialect, end: str | None) -> None:
    listing = Listing(dialect, ["a+b/=", "c d", end])

    assert listing.walk() == [0, 1, 2]
    assert [query.get(dialect.parameter) for query in listing.asked] == [None, "a+b/=", "c d"]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_a_page_without_the_member_that_holds_the_token_is_the_last(dialect: Dialect) -> None:
    assert dialect.token(SimpleNamespace()) == ""
    assert dialect.token(SimpleNamespace(pagination=None, payload=None, next_token=None)) == ""


@pytest.mark.parametrize("dialect", [ORDERS, TRANSACTIONS, PLAIN, FINANCES_V0, CATALOG, INVENTORY])
def test_the_other_parameters_stand_unchanged_beside_the_token(dialect: Dialect) -> None:
    assert dialect.next_query(ASKED, "t") == {**ASKED, dialect.parameter: "t"}


def test_a_reports_token_goes_back_alone() -> None:
    assert REPORTS.next_query(ASKED, "t") == {"nextToken": "t"}


def test_the_seven_ways_differ() -> None:
    assert len({(each.parameter, each.at, each.alone) for each in DIALECTS}) == 7


def test_a_token_that_comes_again_ends_the_listing_after_what_was_read() -> None:
    listing = Listing(ORDERS, ["a", "b", "c"])
    listing.tokens[2] = "a"
    seen: list[int] = []

    async def walk() -> None:
        async for found in pages(listing.read, ORDERS, ASKED):
            seen.append(found.number)  # noqa: PERF401 - what was seen before the error is the point

    with pytest.raises(BadAnswer, match="goes in circles"):
        asyncio.run(walk())
    assert seen == [0, 1, 2]


def test_a_listing_that_does_not_end_is_stopped_at_the_limit() -> None:
    listing = Listing(ORDERS, [f"t{number}" for number in range(9)])

    with pytest.raises(LimitExceeded, match="more than 4 pages of orders"):
        listing.walk(pages_max=4)
    assert len(listing.asked) == 4


def test_a_listing_of_exactly_as_many_pages_as_are_allowed_is_whole() -> None:
    assert Listing(ORDERS, ["a", "b", None]).walk(pages_max=3) == [0, 1, 2]


def test_a_token_longer_than_an_address_is_refused() -> None:
    with pytest.raises(BadAnswer, match="5000 characters"):
        Listing(ORDERS, ["a" * 5000]).walk()


def test_a_refused_token_begins_the_listing_again_once() -> None:
    listing = Listing(ORDERS, ["a", "b", None], frozenset({3}))

    assert listing.walk() == [0, 1, 0, 1, 2]
    assert [query.get("paginationToken") for query in listing.asked] == [None, "a", "b", None, "a", "b"]


def test_a_token_refused_again_is_the_callers_to_hear_of() -> None:
    with pytest.raises(RefusedByServer, match="expired"):
        Listing(ORDERS, ["a", "b", None], frozenset({2, 4})).walk()


def test_a_refusal_of_the_first_page_is_not_tried_again() -> None:
    listing = Listing(ORDERS, ["a", None], frozenset({1}))

    with pytest.raises(RefusedByServer):
        listing.walk()
    assert len(listing.asked) == 1
