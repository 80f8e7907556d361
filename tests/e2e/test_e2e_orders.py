"""Orders become durable records: planned, read, read again, shown; buyers only where they are wanted, sealed and purged."""

from __future__ import annotations

import io
import json
import re
import signal
from collections import Counter
from datetime import timedelta
from pathlib import Path

from tests.e2e.conftest import Serve
from tests.support.elsewhen import SetClock
from tests.support.installation import Installation
from tests.support.processes import until
from tests.support.sandbox_server import SandboxServer

#: About four orders a day: a few pages for everything.
TRADE: dict[str, object] = {"settlements": 5, "period_days": 14, "orders_per_day": 4}

PERSONAL = re.compile(
    r'"(?:buyerName|buyerEmail|buyerCompanyName|buyerPurchaseOrderNumber|addressLine[123]|postalCode|phone)":\s*"([^"]{4,})"'
)


def asked(world: SandboxServer) -> list[str]:
    """Every answer of searchOrders that was given so far."""
    return [said for said in world.said if '"lastUpdatedBefore"' in said]


def test_a_plan_a_run_and_a_second_run(serve: Serve, shop: Installation) -> None:
    world = serve(**TRADE)
    shop.link(world)

    plan = shop.ok("plan", "shop", "orders", "--since", "2020-01-01")
    assert (plan["read_to"], plan["chosen"]["way"], plan["chosen"]["orders"]) == (None, "search", None)
    assert plan["chosen"]["words"].startswith("How many orders there are is known once a first window is read.")
    assert [each["way"] for each in plan["only_to_find"]] == ["search", "report"]
    assert not asked(world)

    first = shop.ok("run", "shop", "orders")
    assert first["new"] > 60 and first["changed"] == 0 and first["left"] is None and first["quota_refusals"] == 0
    assert sum(first["states"].values()) == first["new"]
    calls = len(asked(world))
    assert first["calls"] == calls

    second = shop.ok("run", "shop", "orders")
    assert (second["new"], second["changed"], len(asked(world)) - calls) == (0, 0, 1)
    assert second["states"] == first["states"]
    assert second["read_to"] >= first["read_to"] and second["read_since"] == first["read_since"]

    said = shop("run", "shop", "orders").out
    assert "new: 0  changed: 0  calls: 1" in said and "On record: " in said


def test_what_is_on_record_is_what_amazon_shows(serve: Serve, shop: Installation) -> None:
    world = serve(**TRADE)
    shop.link(world)
    shop.ok("run", "shop", "orders")
    shown = {
        order["orderId"]: order
        for said in asked(world)
        for order in json.loads(said[said.index('{"orders"') :])["orders"]
    }

    listed = shop.ok("record", "list", "--kind", "order")

    assert {each["key"] for each in listed} == set(shown)
    states = Counter(each["state"] for each in listed)
    pending = [order for order in shown.values() if order["fulfillment"]["fulfillmentStatus"].startswith("PENDING")]
    cancelled = [order for order in shown.values() if order["fulfillment"]["fulfillmentStatus"] == "CANCELLED"]
    assert (states["pending"], states["cancelled"]) == (len(pending), len(cancelled))
    assert states["released"] > 40 and states["held"] == 0
    # No order stands among what is to be posted: there are too many of them.
    assert not [each for each in shop.records() if each["kind"] == "order"]

    released = next(each["key"] for each in listed if each["state"] == "released")
    record = shop.ok("record", "show", released)
    assert record["content"]["order_id"] == released
    assert record["content"]["total"] == shown[released]["proceeds"]["grandTotal"]["amount"]
    assert [each["sha256"] for each in record["versions"]] == [record["sha256"]]
    assert "Versions" in shop("record", "show", released).out


def test_an_order_that_does_not_add_up_is_held_and_told(serve: Serve, shop: Installation) -> None:
    """Totals without the withheld tax would add up in the other reading; a third reading there is not."""
    shop.link(serve(**TRADE))
    shop.ok("run", "shop", "orders")
    with shop.database() as conn:
        conn.execute(
            "UPDATE records SET state = 'held', reason = 'order_amounts_differ: it does not add up.'"
            " WHERE kind = 'order' AND natural_id = (SELECT min(natural_id) FROM records WHERE kind = 'order')"
        )

    said = shop("run", "shop", "orders", "--json")

    assert said.code == 1
    (held,) = said.json["held"]
    assert (held["code"], held["reason"]) == ("order_amounts_differ", "order_amounts_differ: it does not add up.")
    assert held["key"] in [each["key"] for each in shop.ok("record", "list", "--state", "held")]


def test_orders_change_and_each_version_stays(serve: Serve, shop: Installation, clock: SetClock) -> None:
    world = serve(**TRADE)
    shop.link(world)
    shop.ok("run", "shop", "orders")
    key = next(each["key"] for each in shop.ok("record", "list", "--kind", "order") if each["state"] == "released")
    changed_at = clock.now() - timedelta(minutes=3)
    world.amazon(lambda doors: doors.orders.touch(key, changed_at))

    report = shop.ok("run", "shop", "orders")

    assert report["changed"] == 1
    versions = shop.ok("record", "show", key)["versions"]
    assert len(versions) == 2 and versions[0]["changed_at"] < versions[1]["changed_at"]


def test_a_further_past_is_read_when_somebody_wants_it(serve: Serve, shop: Installation) -> None:
    shop.link(serve(**TRADE))
    first = shop.ok("run", "shop", "orders")
    since = "2026-09-29"

    plan = shop.ok("plan", "shop", "orders", "--since", since)
    assert plan["wanted_since"].startswith(since) and plan["chosen"]["orders"] > 50
    assert plan["chosen"]["words"].endswith("at once.")
    assert "Read them: ml-connector run shop orders" in shop("plan", "shop", "orders", "--since", since).out
    report = shop.ok("run", "shop", "orders", "--since", since)

    assert report["new"] > 50 and report["read_since"].startswith(since)
    assert report["states"]["released"] > first["states"]["released"]
    assert shop.ok("run", "shop", "orders", "--since", since)["new"] == 0
    with shop.database() as conn:
        events = {event for (event,) in conn.execute("SELECT event FROM audit")}
    assert {"orders_wanted", "orders_read"} <= events


def test_orders_are_found_since_a_day_and_by_the_quicker_way(serve: Serve, shop: Installation) -> None:
    world = serve(**TRADE)
    shop.link(world)
    since = "2026-11-25"

    assert "--since" in shop.refused(2, "run", "shop", "orders", "--only-find")
    assert "for orders" in shop.refused(2, "run", "shop", "settlements", "--only-find")
    found = shop.ok("run", "shop", "orders", "--only-find", "--since", since)

    assert (found["flow"], found["kind"], found["reports"]) == ("orders", "order", 0)  # a few days are searched at once
    assert found["new"] > 5


def test_a_missing_role_is_named_and_what_was_read_stays(serve: Serve, shop: Installation) -> None:
    shop.link(serve(**TRADE, missing_roles=["searchOrders"]))

    said = shop("run", "shop", "orders", "--json")

    assert said.code == 2
    assert "role" in said.json["trouble"] and "Inventory and Order Tracking" in said.json["trouble"]


def test_when_amazon_goes_away_in_the_middle_what_came_is_kept_and_told(serve: Serve, shop: Installation) -> None:
    """The second call, and each try of it, is answered with an error."""
    broken = {"system": "amazon", "operation": "searchOrders", "fault": "http_503", "nth": 2, "count": 5}
    shop.link(serve(**TRADE, faults=(broken,)))

    said = shop("run", "shop", "orders", "--json")

    assert said.code == 3 and said.json["trouble"]
    assert said.json["new"] == sum(said.json["states"].values()) > 0
    assert said.json["left"]["words"].startswith("About ")
    assert shop.ok("run", "shop", "orders")["left"] is None


def test_buyers_are_not_asked_for_unless_somebody_says_so(serve: Serve, shop: Installation) -> None:
    world = serve(**TRADE)
    shop.link(world)
    shop.ok("run", "shop", "orders")

    assert not PERSONAL.findall("\n".join(world.said))
    with shop.database() as conn:
        assert conn.execute("SELECT count(*) FROM buyer_data").fetchone() == (0,)


def test_buyers_are_kept_sealed_nowhere_else_and_not_longer_than_allowed(
    serve: Serve, tmp_path: Path, clock: SetClock, log: io.StringIO
) -> None:
    world = serve(**TRADE)
    shop = Installation(tmp_path, clock, ML_CONNECTOR_LOG_LEVEL="debug")
    shop.link(world)
    shop.ok("connection", "add", "amazon", "--kind", "amazon", "--set", "buyer_data=on", "--secrets-stdin", stdin="{}")
    told = [shop("run", "shop", "orders"), shop("plan", "shop", "orders"), shop("purge")]
    told += [shop("record", "list", "--kind", "order", "--json")]
    told += [
        shop("record", "show", each["key"], "--json") for each in shop.ok("record", "list", "--kind", "order")[-5:]
    ]
    told += [shop("secrets", "rotate"), shop("audit", "verify")]

    canaries = set(PERSONAL.findall("\n".join(world.said)))
    assert len(canaries) > 20, "nothing to look for"
    places = {f"what was said {n}": said.out + said.err for n, said in enumerate(told)} | {"the log": log.getvalue()}
    with shop.database() as conn:
        kept = conn.execute("SELECT count(*) FROM buyer_data").fetchone()[0]
        places["the database"] = "\n".join(conn.iterdump())
    for file in tmp_path.rglob("*"):
        if file.is_file():
            places[str(file)] = file.read_bytes().decode("latin-1")
    assert not {(canary, place) for place, text in places.items() for canary in canaries if canary in text}

    assert kept > 20
    assert shop.ok("purge") == {"removed": 0, "left": kept}
    with shop.database() as conn:
        conn.execute("UPDATE buyer_data SET delete_after = '2026-01-01T00:00:00.000000+00:00' WHERE rowid % 2 = 0")
        due = conn.execute("SELECT count(*) FROM buyer_data WHERE delete_after < '2026-02'").fetchone()[0]
    assert shop.ok("purge") == {"removed": due, "left": kept - due}
    assert f"{kept - due} may still be kept" in shop("purge").out


def test_a_reading_that_waits_for_its_quota_stops_when_it_is_asked_to(serve: Serve, shop: Installation) -> None:
    """The burst is 20 calls; the next one would come in three minutes."""
    world = serve(settlements=3, period_days=14, orders_per_day=80)
    shop.link(world)
    with shop.running("run", "shop", "orders") as process:
        until(lambda: len(asked(world)) == 20, "the burst is spent")
        process.send_signal(signal.SIGTERM)
        said, trouble = process.communicate(timeout=60)

    report = json.loads(said)
    assert process.returncode == 1 and "Traceback" not in trouble
    assert report["trouble"] == "Stopped as asked; the next run goes on from here."
    assert report["left"]["calls"]["searchOrders"] >= 1 and report["left"]["seconds"] > 100
    assert sum(report["states"].values()) == report["new"] > 1_500
    assert (report["calls"], report["quota_refusals"]) == (20, 0)
