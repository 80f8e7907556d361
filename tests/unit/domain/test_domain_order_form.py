"""A version of an order is kept as bytes: the same version, the same bytes; another version, other bytes."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from ml_connector.domain.errors import Inconsistent
from ml_connector.domain.order_form import SCHEMA, from_stored, store_form
from ml_connector.domain.orders import Order
from tests.support.orders import CHANGED, mugs, order


def test_the_golden_form() -> None:
    bare = Order("113-1-1", datetime.fromisoformat("2026-10-14T20:11:02+00:00"), CHANGED, "AMAZON", (mugs(parts=()),))

    stored = store_form(bare)

    assert stored.canonical.decode() == (
        '{"channel":"AMAZON","created":"2026-10-14T20:11:02+00:00","items":[{"asin":"B0TEST0003","facilitated":true,'
        '"fulfilled":0,"item_id":"90000000000003","ordered":3,"sku":"MUG-SET-4","title":"Test mug set","total":"59.77",'
        '"unfulfilled":3,"unit_price":"19.99"}],"last_updated":"2026-10-14T20:41:30+00:00","order_id":"113-1-1"}'
    )
    assert stored.schema == SCHEMA == 1


def test_what_is_kept_comes_back_whole() -> None:
    kept = order(items=(mugs(), mugs(item_id="2", ordered=0, fulfilled=0, total=Decimal("0.00"))))

    assert from_stored(SCHEMA, store_form(kept).canonical) == kept


def test_the_same_version_read_twice_has_the_same_hash_however_it_was_written() -> None:
    elsewhere = CHANGED.astimezone(timezone(timedelta(hours=9)))
    again = order(total=Decimal("59.7700"), last_updated=elsewhere)

    assert store_form(again).sha256 == store_form(order()).sha256


@pytest.mark.parametrize(
    "changed",
    [
        order(last_updated=CHANGED + timedelta(milliseconds=1)),
        order(status="SHIPPED"),
        order(items=(mugs(ordered=2),)),
        order(items=(mugs(fulfilled=None),)),
        order(items=(mugs(total=Decimal("59.78")),)),
    ],
)
def test_any_change_is_another_version(changed: Order) -> None:
    assert store_form(changed).sha256 != store_form(order()).sha256


@pytest.mark.parametrize(("schema", "kept"), [(2, b"{}"), (1, b"{}"), (1, b"[1"), (1, b"")])
def test_what_this_version_did_not_write_is_not_guessed_at(schema: int, kept: bytes) -> None:
    with pytest.raises(Inconsistent):
        from_stored(schema, kept)
