"""How values are kept: exact money, instants that sort, JSON as it was hashed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table, insert, select, text
from sqlalchemy.exc import StatementError

from ml_connector.domain.errors import BadAnswer
from ml_connector.store.types import IdsText, Instant, Json, Money
from tests.support.databases import in_transaction

values = Table(
    "values_of_a_test",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("money", Money),
    Column("at", Instant),
    Column("data", Json),
    Column("ids", IdsText),
)


def round_trip(where: str | Path, **what: Any) -> Any:
    def write_and_read(conn: Connection) -> Any:
        values.create(conn, checkfirst=True)
        conn.execute(insert(values).values(id=1, **what))
        return conn.execute(select(values)).one()

    return in_transaction(where, write_and_read)


@pytest.mark.parametrize(
    "amount",
    [
        "99999999999999.9999",
        "1234567890123.4567",
        "999999999999999.9999",
        "-999999999999999.9999",
        "0",
        "-0.0001",
        "1500",
        "85.79",
    ],
)
def test_money_comes_back_to_the_last_digit(where: str | Path, amount: str) -> None:
    assert round_trip(where, money=Decimal(amount)).money == Decimal(amount)


@pytest.mark.parametrize(
    ("amount", "kept"), [("12.30", "12.3"), ("1E+3", "1000"), ("-0", "0"), ("-0.00", "0"), ("100", "100")]
)
def test_equal_amounts_are_kept_as_the_same_text(where: str | Path, amount: str, kept: str) -> None:
    def write_and_read(conn: Connection) -> Any:
        values.create(conn)
        conn.execute(insert(values).values(id=1, money=Decimal(amount)))
        return conn.execute(text("SELECT money FROM values_of_a_test")).scalar()

    assert in_transaction(where, write_and_read) == kept


@pytest.mark.parametrize("amount", [Decimal("1.23456"), Decimal("1234567890123456"), Decimal("NaN"), 1.5, 1])
def test_what_is_not_exact_money_is_never_kept(where: str | Path, amount: Any) -> None:
    with pytest.raises((BadAnswer, StatementError, TypeError)):
        round_trip(where, money=amount)


def test_an_instant_comes_back_in_utc_to_the_microsecond(where: str | Path) -> None:
    at = datetime(2026, 11, 21, 3, 4, 5, 678901, timezone(timedelta(hours=9)))

    back = round_trip(where, at=at).at

    assert back == at
    assert back.tzinfo is UTC


def test_an_instant_without_zone_is_refused(where: str | Path) -> None:
    with pytest.raises((TypeError, StatementError)):
        round_trip(where, at=datetime(2026, 11, 21))  # noqa: DTZ001


def test_instants_sort_in_the_database_as_they_happened(where: str | Path) -> None:
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    instants = [noon, noon + timedelta(microseconds=1), noon + timedelta(seconds=1), noon - timedelta(days=400)]

    def write_and_read(conn: Connection) -> list[datetime]:
        values.create(conn)
        conn.execute(insert(values), [{"id": n, "at": at} for n, at in enumerate(instants)])
        return list(conn.execute(select(values.c.at).order_by(values.c.at)).scalars())

    assert in_transaction(where, write_and_read) == sorted(instants)


def test_json_is_kept_in_its_canonical_text(where: str | Path) -> None:
    def write_and_read(conn: Connection) -> Any:
        values.create(conn)
        conn.execute(insert(values).values(id=1, data={"b": "ü", "a": [1, None, "12.30"]}))
        return conn.execute(text("SELECT data FROM values_of_a_test")).scalar()

    assert in_transaction(where, write_and_read) == '{"a":[1,null,"12.30"],"b":"ü"}'


def test_ids_keep_their_order(where: str | Path) -> None:
    ids = (("Number", "20001234"), ("JdtNum", "4711"))

    assert round_trip(where, ids=ids).ids == ids
