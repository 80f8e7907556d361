"""Halves of characters, controls and times, as they come in."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.amazon.wire import instant, moment, optional_instant, plain_text, whole_characters
from ml_connector.domain.errors import BadAnswer


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (rb'"Mug \ud83d"', "Mug \ufffd"),
        (rb'"\udc00x"', "\ufffdx"),
        (rb'"\uD83D\uDE00 whole"', "\U0001f600 whole"),
        (rb'"\ud83d\ud83d\ude00"', "\ufffd\U0001f600"),
        (rb'"\\ud83d"', "\\ud83d"),
        (rb'"\\\ud83d"', "\\\ufffd"),
        (rb'"\"\ud83d\""', '"\ufffd"'),
        (b'"plain"', "plain"),
    ],
)
def test_half_a_character_is_replaced_and_nothing_else(written: bytes, read: str) -> None:
    assert json.loads(whole_characters(written)) == read


@given(st.text(st.characters(codec=None)))
def test_any_text_comes_in_with_its_whole_characters(text: str) -> None:
    found = json.loads(whole_characters(json.dumps(text).encode()))

    expected = json.loads(json.dumps(text))  # JSON itself puts halves that fit together
    assert found == "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in expected)


def test_text_is_fit_to_be_kept_and_shown() -> None:
    assert plain_text("a\0b\u202ec\u2028d") == "a\ufffdb\ufffdc\ufffdd"
    assert plain_text("x" * 3000) == "x" * 2000
    assert (plain_text(None), plain_text("")) == ("", "")


@pytest.mark.parametrize(
    "text",
    ["2026-11-01T09:00:00+09:00", "2026-11-01T00:00:00Z", "2026-11-01T00:00:00.000Z", "2026-11-01T00:00:00+00:00"],
)
def test_a_point_in_time_is_utc_however_it_was_written(text: str) -> None:
    assert instant(text) == datetime(2026, 11, 1, tzinfo=UTC)
    assert instant(text).tzinfo is UTC


def test_a_day_is_a_day_and_no_point_in_time() -> None:
    assert moment("2026-11-01") == date(2026, 11, 1)
    with pytest.raises(BadAnswer):
        instant("2026-11-01")


@pytest.mark.parametrize("text", ["2026-11-01T00:00:00", "soon", "", "2026-13-01", "20261101"])
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(BadAnswer):
        moment(text)


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_time_is_none(nothing: str | None) -> None:
    assert optional_instant(nothing) is None
