"""The orders flow: what is read when, what it means for the books, and what happens when something is in the way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ml_connector.domain.errors import BadAnswer, Unavailable
from ml_connector.domain.money import ZERO
from ml_connector.domain.orders import NON_AMAZON, REPLACEMENT_ORIGINAL, Associated, Package
from ml_connector.flows import coverage
from ml_connector.flows.order_states import buyer_kept_until, standing
from ml_connector.flows.orders import OrderReader
from ml_connector.store import windows
from ml_connector.store.door import Store
from tests.support.amazon import MemoryBuckets
from tests.support.clock import NOON, FakeClock
from tests.support.databases import in_store, sqlite_database
from tests.support.order_reading import every_record, every_version, read_all, shop
from tests.support.orders import mugs, order
from tests.support.thin_amazon import ThinAmazon, fill, order_body

DAY = timedelta(days=1)
ID = "113-0000001-0000001"


class World:
    """An Amazon without limits and a data folder, on one clock."""

    def __init__(self, path: Path) -> None:
        self.path = sqlite_database(path)
        self.clock = FakeClock()
        self.amazon = ThinAmazon(self.clock, limited=False)

    def reader(self, store: Store, marketplaces: str = "ATVPDKIKX0DER") -> OrderReader:
        account = self.amazon.account(self.clock, MemoryBuckets(self.clock), marketplaces=marketplaces)
        return OrderReader(shop(store, account, self.clock))

    def story(self, tell: Callable[[Store], Awaitable[None]]) -> None:
        async def told(store: Store) -> None:
            await tell(store)

        in_store(self.path, told, self.clock)

    def changes(self, at: datetime, units: int = 1, order_id: str = ID, status: str = "SHIPPED") -> None:
        self.amazon.change(order_id, at, order_body(order_id, at, units, status))

    @property
    def calls(self) -> int:
        return self.amazon.calls["searchOrders"]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


# --- what is read -------------------------------------------------------------------------------------------------------


def test_at_first_the_last_thirty_days_are_read_and_then_only_what_came_since(world: World) -> None:
    for days in (40, 29, 10, 0.1):
        world.changes(NOON - days * DAY, order_id=f"113-0000001-{int(days * 10):07d}")

    async def tell(store: Store) -> None:
        reader = world.reader(store)
        assert (await read_all(reader)).kept.new == 3
        calls = world.calls
        world.clock.advance(900)
        assert (await read_all(reader)).pages == 1
        assert world.calls == calls + 1
        covered = await store.call(lambda conn: coverage.get(conn, "amazon"))
        assert covered.since == NOON - 30 * DAY
        assert covered.to == world.clock.now() - timedelta(minutes=2)

    world.story(tell)


def test_the_watermark_is_amazons_word_and_not_our_clock(world: World) -> None:
    async def tell(store: Store) -> None:
        await read_all(world.reader(store))
        covered = await store.call(lambda conn: coverage.get(conn, "amazon"))
        assert covered.to == world.clock.now() - timedelta(minutes=2)

    world.story(tell)


def test_a_longer_past_is_read_from_its_near_end_and_new_orders_stay_in_sight(world: World) -> None:
    fill(world.amazon, 300, NOON - 300 * DAY, NOON - DAY)

    async def tell(store: Store) -> None:
        reader = world.reader(store)
        await read_all(reader)
        await store.call(lambda conn: coverage.want(conn, "amazon", NOON - 200 * DAY, NOON))
        done = await read_all(reader)
        assert 165 <= done.kept.new <= 175
        back = await store.call(lambda conn: windows.newest(conn, "amazon", coverage.BACK))
        assert [each.ends_at for each in back] == [each.starts_at for each in back[1:]] + [NOON - DAY]
        assert back[0].starts_at == NOON - 200 * DAY

    world.story(tell)


def test_what_is_wanted_twice_or_is_on_record_is_not_read_again(world: World) -> None:
    async def tell(store: Store) -> None:
        reader = world.reader(store)
        await read_all(reader)
        calls = world.calls
        await store.call(lambda conn: coverage.want(conn, "amazon", NOON - 20 * DAY, NOON))
        await read_all(reader)
        assert world.calls == calls + 1  # the look for new orders

    world.story(tell)


def test_more_than_two_years_back_nobody_asks(world: World) -> None:
    async def tell(store: Store) -> None:
        await store.call(lambda conn: coverage.want(conn, "amazon", NOON - 3_000 * DAY, NOON))
        covered = await store.call(lambda conn: coverage.get(conn, "amazon"))
        assert covered.wanted == NOON - 730 * DAY + timedelta(hours=1)

    world.story(tell)


def test_after_weeks_of_rest_the_time_between_is_read_in_windows(world: World) -> None:
    fill(world.amazon, 15_000, NOON - 30 * DAY, NOON + 20 * DAY)

    async def tell(store: Store) -> None:
        await read_all(world.reader(store))
        world.clock.advance(20 * DAY.total_seconds())
        done = await read_all(world.reader(store))
        assert 5_990 <= done.kept.new <= 6_010
        forward = await store.call(lambda conn: windows.newest(conn, "amazon", coverage.FORWARD))
        assert [each.ends_at is None for each in forward[:2]] == [True, False]
        assert max(each.pages for each in forward) <= 60
        assert len(await every_record(store)) == 15_000

    world.story(tell)


def test_a_store_more_has_no_past_on_record_and_it_is_read(world: World) -> None:
    world.changes(NOON - 20 * DAY)

    async def tell(store: Store) -> None:
        await read_all(world.reader(store))
        again = await read_all(world.reader(store, "ATVPDKIKX0DER,A2EUQ1WTGCTBG2"))
        assert again.kept.same == 1
        covered = await store.call(lambda conn: coverage.get(conn, "amazon"))
        assert covered.since is not None and covered.since <= NOON - 30 * DAY
        calls = world.calls
        await read_all(world.reader(store))  # a store less changes nothing
        assert world.calls == calls + 1

    world.story(tell)


def test_reading_pauses_between_two_pages_and_goes_on_there(world: World) -> None:
    fill(world.amazon, 450, NOON - 20 * DAY, NOON - DAY)

    async def tell(store: Store) -> None:
        reader = world.reader(store)
        rounds = [await reader.read(lambda: True)]
        while not rounds[-1].done:
            rounds.append(await reader.read(lambda: True))
        assert all(each.pages <= 1 for each in rounds)
        assert sum(each.pages_again for each in rounds) == 0
        assert len(await every_record(store)) == 450

    world.story(tell)


def test_while_the_past_is_read_new_orders_are_looked_for_once_an_hour(world: World) -> None:
    fill(world.amazon, 3_000, NOON - 29 * DAY, NOON - 2 * DAY)

    async def tell(store: Store) -> None:
        reader = world.reader(store)
        await reader.read(lambda: True)
        for _ in range(3):
            assert not (await reader.read(lambda: True)).done
        world.changes(world.clock.now())
        world.clock.advance(3_700)
        while ID not in await every_record(store):
            assert not (await reader.read(lambda: True)).done

    world.story(tell)


def test_the_progress_says_from_when_it_reads_and_how_long_it_will_take(world: World) -> None:
    fill(world.amazon, 9_000, NOON - 29 * DAY, NOON - timedelta(hours=1))
    said: list[str] = []

    async def tell(store: Store) -> None:
        await world.reader(store).read(lambda: False, lambda done, total, words: said.append(f"{done} {total} {words}"))

    world.story(tell)
    assert said[0].startswith("1 ") and "reading orders from 2026-11-20 on" in said[0]
    assert any(", 3 h " in words and words.endswith("left") for words in said)


def test_when_amazon_stays_away_what_was_read_is_kept_and_the_window_is_read_again(world: World) -> None:
    fill(world.amazon, 250, NOON - timedelta(hours=20), NOON - timedelta(hours=1))
    world.amazon.broken_after = 2

    async def tell(store: Store) -> None:
        reader = world.reader(store)
        with pytest.raises(Unavailable):
            await read_all(reader)
        assert len(await every_record(store)) == 200
        covered = await store.call(lambda conn: coverage.get(conn, "amazon"))
        assert (covered.since, covered.to) == (None, None)

        world.amazon.broken_after = None
        done = await read_all(reader)
        assert (done.kept.new, done.kept.same, done.pages_again) == (50, 200, 3)

    world.story(tell)


def test_a_past_that_amazon_shows_only_in_part_is_not_taken_for_read(world: World) -> None:
    async def tell(store: Store) -> None:
        world.amazon.falls_short = timedelta(hours=3)
        reader = world.reader(store)
        with pytest.raises(BadAnswer, match="only until 2026-11-20 09:00:00"):
            await read_all(reader)
        covered = await store.call(lambda conn: coverage.get(conn, "amazon"))
        assert (covered.since, covered.to) == (NOON - DAY, NOON - timedelta(hours=3, minutes=2))

        world.amazon.falls_short = timedelta(0)
        await read_all(reader)
        covered = await store.call(lambda conn: coverage.get(conn, "amazon"))
        assert (covered.since, covered.to) == (NOON - 30 * DAY, NOON - timedelta(minutes=2))

    world.story(tell)


def test_a_look_that_was_interrupted_weeks_ago_is_cut_into_windows(world: World) -> None:
    fill(world.amazon, 15_000, NOON - 30 * DAY, NOON + 20 * DAY)

    async def tell(store: Store) -> None:
        await read_all(world.reader(store))
        world.clock.advance(900)
        world.amazon.broken_after = world.calls
        with pytest.raises(Unavailable):
            await read_all(world.reader(store))
        begun = await store.call(lambda conn: windows.open_one(conn, "amazon", coverage.FORWARD))
        assert begun is not None and begun.ends_at is None

        world.amazon.broken_after = None
        world.clock.advance(20 * DAY.total_seconds())
        await read_all(world.reader(store))
        forward = await store.call(lambda conn: windows.newest(conn, "amazon", coverage.FORWARD))
        assert [each.ends_at is None for each in forward[:2]] == [True, False]
        assert len(await every_record(store)) == 15_000

    world.story(tell)


# --- what it means ------------------------------------------------------------------------------------------------------


def test_an_order_shrinks_and_is_cancelled_and_each_version_stays(world: World) -> None:
    for minutes, units, status in ((60, 3, "UNSHIPPED"), (40, 2, "UNSHIPPED"), (20, 0, "CANCELLED")):
        world.changes(NOON - timedelta(minutes=minutes), units, status=status)

    async def tell(store: Store) -> None:
        reader = world.reader(store)
        await read_all(reader)
        record = (await every_record(store))[ID]
        assert record.state == "cancelled"
        world.changes(world.clock.now(), 0, status="CANCELLED")
        world.clock.advance(900)
        await read_all(reader)
        assert len(await every_version(store, ID)) == 2

    world.story(tell)


def test_a_pending_order_is_not_released_until_it_is_paid(world: World) -> None:
    world.changes(NOON - timedelta(hours=1), status="PENDING")

    async def tell(store: Store) -> None:
        reader = world.reader(store)
        await read_all(reader)
        states = [(await every_record(store))[ID].state]
        world.changes(world.clock.now(), status="UNSHIPPED")
        world.clock.advance(900)
        await read_all(reader)
        states.append((await every_record(store))[ID].state)
        assert states == ["pending", "released"]

    world.story(tell)


def test_an_order_that_cannot_be_read_is_held_with_its_place_and_the_others_go_on(world: World) -> None:
    at = NOON - timedelta(hours=1)
    world.amazon.change("113-0000001-0000009", at, order_body("113-0000001-0000009", at).replace(b'"20.00"', b'"1e9"'))
    world.changes(at)

    async def tell(store: Store) -> None:
        assert (await read_all(world.reader(store))).kept.new == 2
        records = await every_record(store)
        held = records["113-0000001-0000009"]
        assert (held.state, records[ID].state) == ("held", "released")
        assert "113-0000001-0000009 cannot be read" in held.reason

    world.story(tell)


def test_an_order_that_does_not_add_up_is_held_with_both_sums_until_amazon_shows_it_whole(world: World) -> None:
    at = NOON - timedelta(hours=1)
    world.amazon.change(
        ID, at, order_body(ID, at).replace(b'"grandTotal": {"amount": "20.00"', b'"grandTotal": {"amount": "21.00"')
    )

    async def tell(store: Store) -> None:
        reader = world.reader(store)
        await read_all(reader)
        held = (await every_record(store))[ID]
        assert held.state == "held"
        assert held.reason.startswith("order_amounts_differ: ") and "20.00" in held.reason and "21.00" in held.reason
        world.changes(world.clock.now())
        world.clock.advance(900)
        await read_all(reader)
        released = (await every_record(store))[ID]
        assert (released.state, released.reason) == ("released", "")
        assert len(await every_version(store, ID)) == 2

    world.story(tell)


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"status": "SHIPPED"}, "released"),
        ({"status": "UNSHIPPED"}, "released"),
        ({"status": "PENDING"}, "pending"),
        ({"status": "PENDING_AVAILABILITY"}, "pending"),
        ({"status": "INVOICE_UNCONFIRMED"}, "pending"),
        ({"status": "CANCELLED"}, "cancelled"),
        ({"status": "UNFULFILLABLE"}, "no_sale"),
        ({"channel": NON_AMAZON, "total": None, "parts": (), "items": (mugs(total=None, parts=()),)}, "no_sale"),
        ({"total": ZERO, "parts": (), "items": (mugs(total=ZERO, parts=()),)}, "no_sale"),
        (
            {
                "associated": (Associated("1", REPLACEMENT_ORIGINAL),),
                "total": ZERO,
                "parts": (),
                "items": (mugs(total=ZERO, parts=()),),
            },
            "no_sale",
        ),
        ({"total": Decimal(1)}, "held"),
    ],
)
def test_what_an_order_means_for_the_books(changes: dict[str, object], state: str) -> None:
    assert standing(order(**changes))[0] == state


def test_a_buyer_is_kept_thirty_days_after_the_shipment_and_never_for_ever() -> None:
    changed = NOON - 5 * DAY
    parcel = Package("1", shipped_at=NOON - 10 * DAY)

    assert buyer_kept_until(order(last_updated=changed, status="UNSHIPPED"), NOON) == changed + 30 * DAY
    assert buyer_kept_until(order(last_updated=changed, status="SHIPPED"), NOON) == changed + 30 * DAY
    shipped = order(last_updated=changed, status="SHIPPED", packages=(parcel,))
    assert buyer_kept_until(shipped, NOON) == NOON + 20 * DAY
    assert buyer_kept_until(shipped, NOON + 21 * DAY) is None
    assert buyer_kept_until(order(last_updated=changed, status="CANCELLED"), NOON) is None
