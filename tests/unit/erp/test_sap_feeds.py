"""What is followed in a Business One company: nothing that changes is missed, whatever the clock, the pages and the rights."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

import pytest

from ml_connector.domain.catalog import Customer, Price, Shipment, ShippedLine, Stock
from ml_connector.domain.errors import NotPermitted
from ml_connector.domain.source import Page
from tests.support.sap_scene import Scene, play

pytestmark = pytest.mark.usefixtures("both_versions")

Row = TypeVar("Row")
D = Decimal
SMALL = {"page_size": "4"}
HOUR = 3600.0
STOOL, LANTERN, SHOP = "STOOL-OAK-45", "LANTERN-S", "C-SHOP"


async def read(pages: AsyncIterator[Page[Row]]) -> tuple[list[Row], str]:
    """Every row of a sweep, and its last mark."""
    rows: list[Row] = []
    mark = ""
    async for page in pages:
        rows += page.rows
        mark = page.mark
    return rows, mark


async def codes(scene: Scene, mark: str = "") -> tuple[list[str], str]:
    items, after = await read(scene.target.items(mark))
    return [item.code for item in items], after


def rename(scene: Scene, item: str, name: str) -> None:
    scene.control.edit("Items", {"ItemCode": item}, {"ItemName": name})


# --- items: changes ----------------------------------------------------------------------------------------------------


def test_the_beginning_is_every_item_and_afterwards_only_what_changed() -> None:
    async def act(scene: Scene) -> tuple[list[str], list[str], list[str]]:
        rename(scene, LANTERN, "Lantern")
        everything, mark = await codes(scene)
        idle, mark = await codes(scene, mark)
        scene.clock.advance(2 * HOUR)
        rename(scene, STOOL, "Oak stool")
        _, mark = await codes(scene, mark)
        return everything, idle, (await codes(scene, mark))[0]

    everything, idle, changed = play(act, settings=SMALL)

    assert len(everything) == 15
    assert everything == sorted(everything)
    assert idle == [LANTERN], "what bears the newest stamp is read again"
    assert changed == [STOOL]


@pytest.mark.parametrize("offset", [-720, -300, 0, 330, 840])
@pytest.mark.parametrize("times", ["minute", "literal", "second"])
def test_changes_before_and_after_midnight_of_the_servers_own_clock_are_seen(offset: int, times: str) -> None:
    # The clock goes from noon over two midnights, wherever those are; something changes every half hour and is read at once.
    async def act(scene: Scene) -> list[str]:
        missed = []
        _, mark = await codes(scene)
        for half_hour in range(80):
            scene.clock.advance(HOUR / 2)
            changed = (STOOL, LANTERN)[half_hour % 2]
            rename(scene, changed, f"Name {half_hour}")
            seen, mark = await codes(scene, mark)
            missed += [] if changed in seen else [f"{changed} at {half_hour}"]
        return missed

    assert play(act, switches={"server_utc_offset_minutes": offset, "time_filters": times}) == []


def test_what_changes_while_a_sweep_runs_is_seen_by_it_or_by_the_next() -> None:
    async def act(scene: Scene) -> tuple[list[str], list[str]]:
        _, mark = await codes(scene)
        first: list[str] = []
        scene.clock.advance(24 * HOUR)
        for item in (STOOL, LANTERN, "TEA-2027", "CAMERA-X", "STOOL-OLD", "SHIPPING"):
            rename(scene, item, "Another name")
        async for page in scene.target.items(mark):
            first += [item.code for item in page.rows]
            mark = page.mark
            # Behind the place where the sweep stands: a change, and an item that is new.
            scene.clock.advance(2 * HOUR)
            rename(scene, "BOWL-SET-6", f"Bowls {len(first)}")
            scene.control.enter("Items", {"ItemCode": f"AAA-{len(first)}", "ItemName": "New"})
            # Ahead of it: another one.
            scene.control.enter("Items", {"ItemCode": f"ZZZ-{len(first)}", "ItemName": "New"})
        second, _ = await codes(scene, mark)
        return first, second

    first, second = play(act, settings=SMALL)

    assert len(first) == len(set(first)), "a row is read once in a sweep"
    assert {"ZZZ-4"} <= set(first)
    assert {"BOWL-SET-6", "AAA-4", "AAA-8"} <= {*first, *second}
    assert {item for item in (*first, *second) if item[0] == "Z"} >= {"ZZZ-4", "ZZZ-8"}


def test_a_sweep_that_was_cut_off_goes_on_where_it_stood() -> None:
    async def act(scene: Scene) -> tuple[list[str], list[str]]:
        everything, _ = await codes(scene)
        begun: list[str] = []
        mark = ""
        async for page in scene.target.items():
            begun += [item.code for item in page.rows]
            mark = page.mark
            if len(begun) >= 8:
                break
        rest, _ = await codes(scene, mark)
        return everything, begun + rest

    everything, in_two_parts = play(act, settings=SMALL)

    assert in_two_parts == everything


def test_a_clock_that_is_set_back_by_an_hour_hides_nothing() -> None:
    async def act(scene: Scene) -> list[str]:
        rename(scene, LANTERN, "Before the hour is repeated")
        _, mark = await codes(scene)
        scene.clock.advance(-HOUR + 120)
        rename(scene, STOOL, "In the repeated hour")
        return (await codes(scene, mark))[0]

    assert STOOL in play(act)


def test_a_row_that_was_stamped_yesterday_and_committed_late_is_read_with_the_new_day() -> None:
    # A long transaction: stamped at noon, committed (here: entered) when the newest stamp was four hours later.
    async def act(scene: Scene) -> tuple[list[str], list[str]]:
        scene.clock.advance(4 * HOUR)
        rename(scene, LANTERN, "The newest stamp of the day")
        _, mark = await codes(scene)
        scene.clock.advance(-4 * HOUR)
        rename(scene, STOOL, "Stamped at noon")
        scene.clock.advance(5 * HOUR)
        same_day, mark = await codes(scene, mark)
        scene.clock.advance(12 * HOUR)
        next_day, mark = await codes(scene, mark)
        return same_day, next_day

    same_day, next_day = play(act)

    assert STOOL not in same_day
    assert STOOL in next_day


def test_new_items_without_a_stamp_are_found_by_their_day() -> None:
    async def act(scene: Scene) -> tuple[list[str], list[str]]:
        rename(scene, LANTERN, "The newest stamp")
        _, mark = await codes(scene)
        scene.clock.advance(72 * HOUR)
        scene.control.enter("Items", {"ItemCode": "NEW-1", "ItemName": "New"})
        first, mark = await codes(scene, mark)
        scene.clock.advance(HOUR)
        scene.control.enter("Items", {"ItemCode": "NEW-2", "ItemName": "New"})
        second, mark = await codes(scene, mark)
        return first, second

    first, second = play(act, switches={"new_rows_without_update_date": True})

    assert first == [LANTERN, "NEW-1"]
    assert second == ["NEW-1", "NEW-2"]


def test_a_stamp_in_nobodys_present_does_not_hide_what_changes_later() -> None:
    async def act(scene: Scene) -> list[str]:
        scene.clock.advance(3650 * 24 * HOUR)
        rename(scene, LANTERN, "Stamped by a clock that was ten years ahead")
        scene.clock.advance(-3650 * 24 * HOUR)
        _, mark = await codes(scene)
        scene.clock.advance(HOUR)
        rename(scene, STOOL, "Stamped by a clock that is right again")
        return (await codes(scene, mark))[0]

    assert STOOL in play(act)


@pytest.mark.parametrize(
    "kept",
    ["2026-11-20", "{}", '["yesterday", "", ""]', "[[], [], []]", '["", "", "", null]', '["", "0001-01-01", "", "A"]'],
)
def test_a_mark_that_is_none_of_ours_begins_at_the_beginning(kept: str) -> None:
    async def act(scene: Scene) -> int:
        return len((await codes(scene, kept))[0])

    assert play(act) == 15


def test_an_item_says_what_it_is_and_whether_it_can_be_sold_now() -> None:
    async def act(scene: Scene) -> dict[str, tuple[str, bool, bool, str, str]]:
        scene.control.edit("Items", {"ItemCode": LANTERN}, {"Valid": "tYES", "ValidTo": "2026-11-20"})
        scene.control.edit("Items", {"ItemCode": STOOL}, {"SalesUnit": "piece", "BarCode": "4006381333931"})
        scene.control.edit("Items", {"ItemCode": "TEA-2027"}, {"Valid": "tNO"})
        scene.control.edit("Items", {"ItemCode": "CAMERA-X"}, {"Frozen": "tYES", "FrozenFrom": "2026-12-24"})
        items, _ = await read(scene.target.items())
        assert next(item.changed for item in items if item.code == STOOL) == "2026-11-21 12:00:00"
        return {item.code: (item.name, item.stocked, item.sellable, item.unit, item.barcode) for item in items}

    found = play(act)

    assert found[STOOL] == ("Oak stool, 45 cm", True, True, "piece", "4006381333931")
    assert found["GIFT-WRAP"][1:3] == (False, True), "a service"
    assert found["STOOL-OLD"][1:3] == (True, False), "frozen"
    assert found[LANTERN][1:3] == (True, False), "valid until yesterday"
    assert found["TEA-2027"][1:3] == (True, False), "not valid"
    assert found["CAMERA-X"][1:3] == (True, True), "frozen from Christmas on"


# --- stock -------------------------------------------------------------------------------------------------------------


def of(rows: Sequence[Stock], item: str, warehouse: str) -> Stock:
    return next(row for row in rows if (row.item, row.warehouse) == (item, warehouse))


@pytest.mark.parametrize("prepare", [True, False])
@pytest.mark.parametrize("empty_lists", [True, False])
def test_stock_is_swept_by_item_and_warehouse_and_available_is_what_is_not_promised(
    prepare: bool, empty_lists: bool
) -> None:
    async def act(scene: Scene) -> tuple[list[Stock], list[Stock], str]:
        before, mark = await read(scene.target.stock())
        scene.control.move_stock(STOOL, "FBA-US", "-20.5")
        order = {"CardCode": "C-AMZ-US", "DocDueDate": "2026-11-30", "NumAtCard": "113-1"}
        line = {"ItemCode": STOOL, "Quantity": 100, "UnitPrice": 1, "WarehouseCode": "FBA-US"}
        scene.control.plant_document("Orders", {**order, "DocumentLines": [line]})
        after, mark = await read(scene.target.stock(mark))
        return before, after, mark

    before, after, mark = play(
        act, prepare=prepare, settings=SMALL, switches={"bulk_items_without_collections": empty_lists}
    )

    zero = D(0)
    assert of(before, STOOL, "FBA-US") == Stock(STOOL, "FBA-US", D(120), zero, zero, D(120))
    assert of(after, STOOL, "FBA-US") == Stock(STOOL, "FBA-US", D("99.5"), D(100), zero, D("-0.5"))
    assert len(after) == len(before) == 13 * 8, "every warehouse of every item with stock, services aside"
    assert len({(row.item, row.warehouse) for row in after}) == len(after)
    assert mark == "", "the next sweep begins at the beginning"


def test_a_sweep_of_stock_goes_on_at_the_item_where_it_stood() -> None:
    async def act(scene: Scene) -> tuple[list[Stock], list[Stock]]:
        whole, _ = await read(scene.target.stock())
        begun = await anext(aiter(scene.target.stock()))
        rest, _ = await read(scene.target.stock(begun.mark))
        return whole, [*begun.rows, *rest]

    whole, in_two_parts = play(act, prepare=False, settings=SMALL)

    assert in_two_parts == whole


@pytest.mark.parametrize("reading", ["forbidden", "missing"])
def test_without_the_right_to_stored_queries_the_items_themselves_are_read(reading: str) -> None:
    async def act(scene: Scene) -> tuple[int, str]:
        stock, _ = await read(scene.target.stock())
        return len(stock), " ".join(await scene.target.prepare())

    count, said = play(act, switches={"sql_queries": reading})

    assert count == 13 * 8
    assert "ML_STOCK could not be created" in said


def test_a_query_of_somebody_else_under_our_code_is_left_alone() -> None:
    async def act(scene: Scene) -> tuple[int, str]:
        text = "select T0.ItemCode from OITM T0 where T0.ItemCode > :after order by T0.ItemCode"
        await scene.target.prepare()
        scene.control.edit("SQLQueries", {"SqlCode": "ML_STOCK"}, {"SqlText": text})
        stock, _ = await read(scene.target.stock())
        return len(stock), " ".join(await scene.target.prepare())

    count, said = play(act)

    assert count == 13 * 8
    assert "ML_STOCK could not be created" in said


# --- prices ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prepare", [True, False])
@pytest.mark.parametrize("empty_lists", [True, False])
def test_prices_of_every_list_in_use_say_whether_tax_is_inside(prepare: bool, empty_lists: bool) -> None:
    async def act(scene: Scene) -> list[Price]:
        scene.control.edit("Items", {"ItemCode": STOOL}, {"SalesUnit": "piece"})
        scene.control.set_price(STOOL, 1, "50.00")
        return (await read(scene.target.prices()))[0]

    found = play(act, prepare=prepare, settings=SMALL, switches={"bulk_items_without_collections": empty_lists})

    assert [price for price in found if price.item == STOOL] == [
        Price(STOOL, "1", "USD", D("50.00"), "piece", D(1), includes_tax=False),
        Price(STOOL, "2", "USD", D("62.50"), "piece", D(1), includes_tax=False),
        Price(STOOL, "3", "EUR", D("59.99"), "piece", D(1), includes_tax=True),
    ]
    assert not [price for price in found if price.item == "SHIPPING"], "no price is no row"
    assert {price.price_list for price in found} == {"1", "2", "3"}, "list 4 is out of use"


def special(item: str, customer: str, **members: object) -> dict[str, object]:
    return {"ItemCode": item, "CardCode": customer, "PriceListNum": 1, "Currency": "USD", **members}


def test_special_prices_come_with_their_customer_their_days_and_what_a_discount_makes() -> None:
    async def act(scene: Scene) -> list[Price]:
        enter = scene.control.enter
        autumn = {"RowNumber": 0, "DateFrom": "2026-10-01", "Dateto": "2026-11-30", "PriceListNo": 1}
        enter("SpecialPrices", special(STOOL, SHOP, Price=44, SpecialPriceDataAreas=[{**autumn, "SpecialPrice": 40}]))
        enter("SpecialPrices", special(LANTERN, SHOP, DiscountPercent=25))
        enter("SpecialPrices", special(LANTERN, "*1", Price=18))
        enter("SpecialPrices", special("BOWL-SET-6", SHOP, Price=1, Valid="tNO"))
        return [price for price in (await read(scene.target.prices()))[0] if price.customer]

    found = play(act, settings={"page_size": "1"})

    first, last = date(2026, 10, 1), date(2026, 11, 30)
    assert found == [
        Price(LANTERN, "1", "USD", D(18), "", D(1), includes_tax=False, customer="*1"),
        Price(LANTERN, "1", "USD", D("14.70"), "", D(1), includes_tax=False, customer=SHOP),
        Price(STOOL, "1", "USD", D(44), "", D(1), includes_tax=False, customer=SHOP),
        Price(STOOL, "1", "USD", D(40), "", D(1), False, SHOP, first, last),
    ]


def test_a_sweep_of_prices_goes_on_in_either_of_its_parts() -> None:
    async def act(scene: Scene) -> tuple[list[Price], list[list[Price]], str, list[Price]]:
        for item in (STOOL, LANTERN, "BOWL-SET-6"):
            scene.control.enter("SpecialPrices", special(item, SHOP, Price=7))
        whole, end = await read(scene.target.prices())
        marks = [page.mark async for page in scene.target.prices()]
        rests = [(await read(scene.target.prices(mark)))[0] for mark in marks[:-1]]
        special_only = (await read(scene.target.prices('["", "", "", "special", "one code"]')))[0]
        return whole, rests, end, [*whole[: -len(special_only)], *special_only]

    whole, rests, end, strange = play(act, settings={"page_size": "2"}, prepare=False)

    assert end == ""
    assert len(rests) >= 8
    assert strange == whole, "a place that is none is the beginning of its part"
    for rest in rests:
        assert rest == whole[-len(rest) :]
    assert len({len(rest) for rest in rests}) == len(rests), "every page moves on"


# --- shipments ---------------------------------------------------------------------------------------------------------


def order(scene: Scene, amazon_order: str, *items: str) -> int:
    lines = [{"ItemCode": item, "Quantity": 2, "UnitPrice": 10, "WarehouseCode": "01"} for item in items]
    header = {"CardCode": "C-AMZ-US", "DocDueDate": "2026-11-30", "NumAtCard": amazon_order}
    return scene.control.plant_document("Orders", {**header, "DocumentLines": lines})


def deliver(scene: Scene, *lines: dict[str, Any], **members: object) -> int:
    return scene.control.plant_document(
        "DeliveryNotes", {"CardCode": "C-AMZ-US", "DocumentLines": list(lines), **members}
    )


def based(entry: int, line: int = 0, **members: object) -> dict[str, object]:
    return {"BaseType": 17, "BaseEntry": entry, "BaseLine": line, **members}


async def changes(scene: Scene, since: str) -> list[Shipment]:
    return (await read(scene.target.shipments(since)))[0]


def test_a_shipment_names_its_order_its_lines_and_its_parcels() -> None:
    async def act(scene: Scene) -> list[Shipment]:
        entry = order(scene, "113-1234567-7654321", STOOL, LANTERN)
        deliver(
            scene,
            based(entry, 1, Quantity=1),
            TrackingNumber="1Z 999 AA1; 1Z 999 AA2",
            TransportationCode=3,
            DocDate="2026-11-20",
        )
        return await changes(scene, "")

    (found,) = play(act)

    assert found == Shipment(
        id="901",
        reference="113-1234567-7654321",
        order="23000501",
        day=date(2026, 11, 20),
        carrier="3",
        tracking=("1Z 999 AA1", "1Z 999 AA2"),
        lines=(ShippedLine(LANTERN, D(1), "1"),),
    )


def test_a_delivery_for_several_orders_is_a_shipment_for_each() -> None:
    async def act(scene: Scene) -> list[Shipment]:
        first, second = order(scene, "113-1", STOOL), order(scene, "113-2", LANTERN)
        free = {"ItemCode": "BOWL-SET-6", "Quantity": 1, "UnitPrice": 1}
        deliver(scene, based(first), based(second), free, NumAtCard="by hand")
        return await changes(scene, "")

    found = play(act)

    assert [(each.id, each.reference, [line.item for line in each.lines]) for each in found] == [
        ("901-2001", "113-1", [STOOL]),
        ("901-2002", "113-2", [LANTERN]),
        ("901-0", "by hand", ["BOWL-SET-6"]),
    ]


def test_a_tracking_number_that_comes_later_is_a_change_and_so_is_taking_it_back() -> None:
    async def act(scene: Scene) -> list[list[Shipment]]:
        entry = order(scene, "113-1", STOOL)
        deliver(scene, {"ItemCode": LANTERN, "Quantity": 1, "UnitPrice": 1}, NumAtCard="113-0")
        scene.clock.advance(72 * HOUR)
        number = deliver(scene, based(entry))
        seen, mark = await read(scene.target.shipments())
        scene.clock.advance(3 * HOUR)
        scene.control.edit("DeliveryNotes", {"DocEntry": number}, {"TrackingNumber": "1Z999"})
        tracked, mark = await read(scene.target.shipments(mark))
        scene.clock.advance(3 * HOUR)
        scene.control.cancel_document("DeliveryNotes", number)
        return [seen, tracked, await changes(scene, mark)]

    seen, tracked, taken_back = play(act)

    assert [(each.id, each.tracking, each.cancelled) for each in seen] == [("901", (), False), ("902", (), False)]
    assert [(each.id, each.tracking, each.cancelled) for each in tracked] == [("902", ("1Z999",), False)]
    assert [(each.id, each.cancelled) for each in taken_back] == [("902", True)], "the cancelling document is none"


# --- customers ---------------------------------------------------------------------------------------------------------


def test_customers_say_their_currency_and_what_would_get_in_the_way() -> None:
    async def act(scene: Scene) -> dict[str, Customer]:
        trouble = {
            "CreditLimit": 5000,
            "MaxCommitment": 7000,
            "IntrestRatePercent": "1.5",
            "DunningTerm": "STANDARD",
        }
        scene.control.edit("BusinessPartners", {"CardCode": "C-AMZ-DE"}, trouble)
        quiet = {"DunningTerm": "STANDARD", "BlockDunning": "tYES"}
        scene.control.edit("BusinessPartners", {"CardCode": "C-AMZ-FR"}, quiet)
        found, _ = await read(scene.target.customers())
        return {customer.code: customer for customer in found}

    found = play(act, settings=SMALL)

    assert "S-MAKER" not in found, "a supplier"
    assert found["C-AMZ-US"] == Customer("C-AMZ-US", "Amazon.com", "USD", active=True)
    assert found["C-AMZ-FR"].hindrances == ()
    assert not found["C-OLD"].active
    assert found[SHOP].currency == "", "every currency"
    assert found[SHOP].hindrances == ("It has a discount of 5 % on every document that names none.",)
    assert [words.partition(":")[0] for words in found["C-AMZ-DE"].hindrances] == [
        "It has a credit limit of 5000",
        "It has a commitment limit of 7000",
        "It pays 1.5 % interest on arrears",
        "It is sent dunning letters (dunning term STANDARD)",
    ]


def test_a_changed_customer_is_seen_again() -> None:
    async def act(scene: Scene) -> list[str]:
        scene.control.edit("BusinessPartners", {"CardCode": SHOP}, {"CardName": "The shop"})
        _, mark = await read(scene.target.customers())
        scene.clock.advance(2 * HOUR)
        scene.control.edit("BusinessPartners", {"CardCode": SHOP}, {"CardName": "The other shop"})
        found, _ = await read(scene.target.customers(mark))
        return [customer.name for customer in found]

    assert play(act) == ["The other shop"]


# --- rights ------------------------------------------------------------------------------------------------------------

FEEDS: dict[str, Callable[[Scene], AsyncIterator[Page[Any]]]] = {
    "Items": lambda scene: scene.target.items(),
    "PriceLists": lambda scene: scene.target.prices(),
    "SpecialPrices": lambda scene: scene.target.prices(),
    "DeliveryNotes": lambda scene: scene.target.shipments(),
    "BusinessPartners": lambda scene: scene.target.customers(),
}


@pytest.mark.parametrize(
    ("entity_set", "words"),
    [
        ("Items", "read items"),
        ("PriceLists", "read price lists"),
        ("SpecialPrices", "read special prices"),
        ("DeliveryNotes", "read deliveries"),
        ("BusinessPartners", "read business partners"),
    ],
)
def test_a_missing_right_is_named_by_the_feed_and_by_a_ping(entity_set: str, words: str) -> None:
    async def act(scene: Scene) -> tuple[str, str]:
        assert dict((await scene.target.ping()).details)["missing rights"] == "none"
        scene.control.forbid(entity_set)
        with pytest.raises(NotPermitted) as refused:
            await read(FEEDS[entity_set](scene))
        return str(refused.value), dict((await scene.target.ping()).details)["missing rights"]

    said, listed = play(act)

    assert words in said
    assert listed == words


def test_a_sweep_outlives_the_death_of_the_node_its_session_lives_on() -> None:
    async def act(scene: Scene) -> int:
        found = 0
        async for page in scene.target.items():
            found += len(page.rows)
            scene.control.fail_over()
        return found

    assert play(act, settings=SMALL, switches={"sticky_sessions": True}) == 15


def test_one_session_is_enough_for_pings_for_pauses_and_for_the_next_connection() -> None:
    async def act(scene: Scene) -> list[int]:
        found = []
        for _ in range(2):
            await scene.target.ping()
            scene.clock.advance(29.5 * 60)
            found.append(len((await read(scene.target.customers()))[0]))
        await scene.target.close()
        other = await scene.reconnect()
        found.append(len((await read(other.customers()))[0]))
        await other.close()
        return found

    assert play(act, switches={"sessions_max": 1}) == [8, 8, 8]
