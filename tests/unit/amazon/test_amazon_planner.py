"""By which way orders are read, with how many calls, and how long Amazon's limits make it last."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ml_connector.amazon import limits, planner
from ml_connector.amazon.planner import Ask, Purpose, Way

TWO_YEARS = timedelta(days=730)


def test_the_floor_is_what_is_beyond_the_burst_at_the_documented_rate() -> None:
    """20 calls at once, then one every 180 s; 15 documents at once, then one a minute."""
    assert planner.floor_s({"searchOrders": 20}) == 0
    assert planner.floor_s({"searchOrders": 21}) == pytest.approx(180)
    assert planner.floor_s({"searchOrders": 1_000}) == pytest.approx(980 * 180)
    assert planner.floor_s({"searchOrders": 21, "getReportDocument": 17}) == pytest.approx(180 + 120)


def test_what_a_bucket_has_left_counts_and_not_what_it_can_hold() -> None:
    assert planner.floor_s({"searchOrders": 21}, {"searchOrders": 0.5}) == pytest.approx(20.5 * 180)
    assert planner.floor_s({"searchOrders": 21}, {"searchOrders": 500}) == pytest.approx(180)


def test_ten_thousand_orders_for_the_books_are_searched() -> None:
    """10,000 orders are 2 windows of 50 pages, and one page more for their two half-empty ends: 101 calls."""
    forecast = planner.choose(Ask(Purpose.BOOKS, timedelta(days=30), 10_000))

    assert forecast.way is Way.SEARCH
    assert forecast.calls == {"searchOrders": 101}
    assert forecast.floor_s == pytest.approx(81 * 180)
    assert forecast.words == (
        "About 10,000 orders: 101 calls of searchOrders, 20 at once and then one every 180 s: 4 h 3 min."
    )


def test_the_books_are_never_made_from_a_report_however_long_the_search_takes() -> None:
    assert planner.choose(Ask(Purpose.BOOKS, TWO_YEARS, 1_000_000)).way is Way.SEARCH
    assert planner.choose(Ask(Purpose.BOOKS, TWO_YEARS, None)).way is Way.SEARCH


def test_to_find_many_orders_of_two_years_25_reports_are_ordered() -> None:
    """730 days are 25 windows of 30; 15 - 5 documents go at once, 15 wait a minute each; making 25 reports takes longer."""
    forecast = planner.choose(Ask(Purpose.FIND, TWO_YEARS, 100_000))

    assert forecast.way is Way.REPORT
    assert forecast.calls == {"createReport": 25, "getReport": 100, "getReportDocument": 25}
    assert forecast.floor_s == pytest.approx((25 - 15) * 60 + (100 - 15) / 2 + (25 - 10) * 60)
    assert forecast.seconds == 25 * 120
    assert forecast.words == (
        "25 order reports of 30 days, 15 at once and then one every 60 s, 5 of them left for settlements: 50 min if Amazon "
        "makes a report in 2 minutes."
    )


def test_settlements_that_spent_the_documents_make_reports_slower_and_the_search_wins() -> None:
    few = Ask(Purpose.FIND, timedelta(days=90), 3_000, {"getReportDocument": 0.0})

    assert planner.choose(few).way is Way.REPORT
    assert planner.choose(Ask(Purpose.FIND, timedelta(days=90), 1_500, {"getReportDocument": 0.0})).way is Way.SEARCH
    assert planner.by_report(few).floor_s == pytest.approx(3 * 60)


def test_to_find_what_fits_into_the_burst_is_searched_at_once() -> None:
    forecast = planner.choose(Ask(Purpose.FIND, timedelta(days=90), 1_500))

    assert (forecast.way, forecast.calls, forecast.seconds) == (Way.SEARCH, {"searchOrders": 17}, 0)
    assert forecast.words.endswith("at once.")


def test_where_nobody_knows_how_many_orders_there_are_it_says_what_each_number_takes() -> None:
    forecast = planner.choose(Ask(Purpose.BOOKS, TWO_YEARS, None))

    assert (forecast.floor_s, forecast.seconds, forecast.calls) == (None, None, {})
    assert forecast.words == (
        "How many orders there are is known once a first window is read. What so many take: 1,000 at once, 10,000 4 h 0 min, "
        "100,000 2 d 1 h."
    )
    assert planner.choose(Ask(Purpose.FIND, TWO_YEARS, None)).way is Way.REPORT
    assert planner.choose(Ask(Purpose.FIND, timedelta(days=7), None)).way is Way.SEARCH


def test_a_window_is_as_long_as_fifty_pages_take_within_an_hour_and_thirty_days() -> None:
    day_s = 86_400.0
    assert planner.window_span(1_000, day_s) == timedelta(days=5)
    assert planner.window_span(1, day_s) == timedelta(days=30)
    assert planner.window_span(0, day_s) == timedelta(days=30)
    assert planner.window_span(10_000_000, day_s) == timedelta(hours=1)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "at once"),
        (42.4, "42 s"),
        (200, "3 min"),
        (3_570, "1 h 0 min"),
        (14_400 + 180, "4 h 3 min"),
        (86_399, "1 d 0 h"),
        (176_400, "2 d 1 h"),
    ],
)
def test_durations_for_people(seconds: float, words: str) -> None:
    assert planner.lasting(seconds) == words


def test_every_operation_of_the_client_has_its_place_in_the_floor() -> None:
    assert planner.floor_s({operation.name: operation.burst for operation in limits.OPERATIONS}) == 0
