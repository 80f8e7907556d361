"""One process serves; what others ask for in the meantime is done by it, and followed."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest

from tests.e2e.conftest import Serve
from tests.support.installation import Installation
from tests.support.processes import until


@contextmanager
def serving(shop: Installation) -> Iterator[subprocess.Popen[str]]:
    """``ml-connector serve`` as a process of its own, once it has done what was due; it must end in order when it is asked to."""
    with shop.running("serve") as process:
        try:
            assert process.stdout is not None
            assert json.loads("".join(process.stdout.readline() for _ in range(3))) == {"serving": str(shop.data)}
            until(lambda: idle(shop), "what was due is done")
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            _, trouble = process.communicate(timeout=60)
        assert process.returncode == 0, trouble
        assert "Traceback" not in trouble


def idle(shop: Installation) -> bool:
    """Every schedule has moved on, and nothing that was asked for is left to do."""
    assert shop.clock is not None
    with shop.database() as conn:
        nexts = [datetime.fromisoformat(at) for (at,) in conn.execute("SELECT next_at FROM schedules").fetchall()]
        left = conn.execute("SELECT id FROM slices WHERE state IN ('queued', 'running')").fetchall()
    return not left and all(at > shop.clock.now() for at in nexts)


def states(shop: Installation) -> set[str]:
    return {each["state"] for each in shop.records()}


def test_schedules_bring_settlements_into_the_books_without_anybody_asking(serve: Serve, shop: Installation) -> None:
    world = serve(settlements=1)
    shop.link(world)
    assert not idle(shop)
    with serving(shop):
        assert states(shop) == {"posted"}
    assert len(world.entries()) == 1


def test_a_run_beside_a_serving_process_is_done_by_it(serve: Serve, shop: Installation) -> None:
    world = serve(settlements=1)
    shop.link(world, "--approval", "person")
    with serving(shop):
        waits = shop.ok("run", "shop")["awaiting_approval"]
        plan = shop.ok("plan", "shop")
        assert plan["id"] == waits
        report = shop.ok("apply", waits)
        assert (report["posted"], report["proved"]) == (1, 1)
        assert "already serves this data folder" in shop.refused(2, "serve")
    assert len(world.entries()) == 1


def test_a_replay_beside_a_serving_process_is_done_by_it(serve: Serve, shop: Installation) -> None:
    world = serve(settlements=1)
    shop.link(world, mapping=shop.mapping_without("referral_fees"))
    with serving(shop):
        assert shop("run", "shop", "--json").code == 1
        shop.ok("mapping", "import", "shop", str(shop.mapping_with({})))
        assert shop("record", "replay", *shop.settlements(), "--json").code == 0
    assert len(world.entries()) == 1
    assert states(shop) == {"posted"}


def test_a_serving_process_follows_a_changed_sign_in(serve: Serve, shop: Installation) -> None:
    world = serve(settlements=1)
    shop.link(world, "--approval", "person")
    world.sap("change_password", password="another one")
    with serving(shop):
        assert shop("run", "shop", "--json").code == 2
        shop.ok(
            "connection", "add", "books", "--kind", "sap_business_one", "--secrets-stdin",
            stdin=json.dumps({"password": "another one"}),
        )  # fmt: skip
        assert shop.ok("apply", shop.ok("run", "shop")["awaiting_approval"])["posted"] == 1
        assert "stop it, then rotate" in shop.refused(3, "secrets", "rotate")


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_serving_ends_when_it_is_asked_to(shop: Installation, stop: signal.Signals) -> None:
    shop.ok("init")
    with serving(shop) as process:
        process.send_signal(stop)
        assert process.wait(30) == 0


def test_orders_are_read_on_their_schedule_where_a_link_asks_for_it(serve: Serve, shop: Installation) -> None:
    def orders() -> int:
        return len(shop.ok("record", "list", "--kind", "order"))

    shop.link(serve(settlements=1), "--orders-every-minutes", "15")
    with serving(shop):
        assert orders() > 5
        report = shop.ok("run", "shop", "orders")  # done by the serving process, and followed
        assert report["trouble"] == "" and report["left"] is None
    assert shop.ok("link", "show", "shop")["orders_every_minutes"] == 15
