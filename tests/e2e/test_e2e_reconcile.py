"""Looking again: missing, changed, surplus. Nothing is repaired unasked."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import Serve
from tests.support.installation import Installation
from tests.support.sandbox_server import SandboxServer


@pytest.fixture
def world(serve: Serve, shop: Installation) -> SandboxServer:
    """A posted and proved settlement."""
    server = serve(settlements=1)
    shop.link(server)
    assert shop.ok("run", "shop")["proved"] == 1
    return server


def month(world: SandboxServer) -> str:
    day: str = world.entries()[0]["ReferenceDate"]
    return day[:7]


def test_what_is_as_it_was_left_is_said_so(world: SandboxServer, shop: Installation) -> None:
    found = shop.ok("reconcile", "shop", "--period", month(world))
    assert (found["looked_at"], found["equal"]) == (1, 1)
    assert found["missing"] == found["changed"] == found["surplus"] == []
    assert "1 document looked at, 1 as posted." in shop("reconcile", "shop", "--period", month(world)).out
    assert "YYYY-MM" in shop.refused(2, "reconcile", "shop", "--period", "last")


def test_a_missing_entry_is_posted_again_only_when_a_person_asks_and_with_the_same_key(
    world: SandboxServer, shop: Installation
) -> None:
    (entry,) = world.entries()
    period = month(world)
    world.sap("lose_entry", jdt_num=entry["JdtNum"])

    said = shop("reconcile", "shop", "--period", period, "--json")
    assert (said.code, [each["key"] for each in said.json["missing"]]) == (1, [entry["Reference3"]])
    assert shop("run", "shop", "--json").code == 1
    assert world.entries() == []

    assert shop.ok("record", "replay", entry["Reference3"])["posted"] == 1
    (again,) = world.entries()
    assert again["Reference3"] == entry["Reference3"]
    assert shop.ok("reconcile", "shop", "--period", period)["equal"] == 1
    assert shop.ok("settlement", "prove", entry["Reference"])["proved"] is True


def test_a_changed_cent_is_found_held_and_fine_again_when_it_is_mended(
    world: SandboxServer, shop: Installation
) -> None:
    (entry,) = world.entries()
    world.sap("nudge_line", jdt_num=entry["JdtNum"], line_id=1)

    said = shop("reconcile", "shop", "--period", month(world), "--json")
    assert (said.code, [each["key"] for each in said.json["changed"]]) == (1, [entry["Reference3"]])
    assert shop("settlement", "prove", entry["Reference"], "--json").code == 1
    assert shop("record", "replay", entry["Reference3"], "--json").json["held"][0]["code"] == "conflict"

    world.sap("nudge_line", jdt_num=entry["JdtNum"], line_id=1, by="-0.01")
    assert shop("record", "replay", entry["Reference3"], "--json").code == 0
    assert len(world.entries()) == 1


def test_an_entry_with_a_key_of_ours_that_nobody_knows_is_surplus(world: SandboxServer, shop: Installation) -> None:
    (entry,) = world.entries()
    stranger = f"{entry['Reference3'][:4]}-JE-99999999999-2026P01"
    number = world.sap(
        "plant_entry",
        entry={
            "ReferenceDate": entry["ReferenceDate"][:10],
            "Reference3": stranger,
            "JournalEntryLines": [
                {"AccountCode": "401000", "Debit": 1, "Credit": 0},
                {"AccountCode": "402000", "Debit": 0, "Credit": 1},
            ],
        },
    )
    said = shop("reconcile", "shop", "--period", month(world), "--json")
    assert said.code == 1
    (surplus,) = said.json["surplus"]
    assert (surplus["key"], surplus["ids"]["JdtNum"]) == (stranger, str(number))
    assert len(world.entries()) == 2


def test_an_entry_that_a_person_reversed_is_missing_and_dropped_for_good(
    world: SandboxServer, shop: Installation
) -> None:
    (entry,) = world.entries()
    world.sap("cancel_entry", jdt_num=entry["JdtNum"])

    said = shop("reconcile", "shop", "--period", month(world), "--json")
    assert [each["key"] for each in said.json["missing"]] == [entry["Reference3"]]

    shop.ok("record", "drop", entry["Reference3"])
    assert shop.ok("run", "shop")["posted"] == 0
    assert len(world.entries()) == 2
