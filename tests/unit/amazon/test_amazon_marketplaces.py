"""The store table: lookups by the names that Amazon uses in different places."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from ml_connector.amazon.marketplaces import (
    STORES,
    UNDECIDED_ZONE,
    is_pseudo,
    store_by_code,
    store_by_id,
    store_named,
    zone_of,
)


def test_a_store_is_found_by_any_of_its_names() -> None:
    germany = store_by_code("de")

    assert germany is not None
    assert germany.name == "Amazon.de"
    assert store_named("amazon.DE ") is germany
    assert store_by_id("A1PA6795UKMFR9") is germany


def test_the_united_kingdom_has_two_codes() -> None:
    assert store_by_code("GB") is store_by_code("UK") is not None


def test_unknown_ones_are_tolerated_and_pseudo_marketplaces_are_no_stores() -> None:
    assert store_named("Non-Amazon US") is None
    assert store_by_id("A2ZV50J4W1RKNI") is None
    assert is_pseudo("A2ZV50J4W1RKNI")
    assert not is_pseudo("A1PA6795UKMFR9")
    assert zone_of("Amazon.xx") == zone_of(None) == UNDECIDED_ZONE


def test_every_zone_exists_and_every_store_is_named_once() -> None:
    for store in STORES:
        assert ZoneInfo(store.zone).key == store.zone
    assert len({store.code for store in STORES}) == len({store.marketplace_id for store in STORES}) == len(STORES)
