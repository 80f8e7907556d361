"""Sage 300 in the place of Business One: settlements into batches, which people post where the link says so."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import Serve
from tests.support.installation import Installation
from tests.support.sandbox_server import SandboxServer


def statuses(world: SandboxServer) -> dict[str, str]:
    """The batches of the company that carry a key of ours, with their status."""
    return {
        each["Description"]: each["Status"]
        for each in world.sage("batches", kind="GL")
        if "-JE-" in each["Description"]
    }


@pytest.mark.parametrize(("left", "status"), [("open", "Open"), ("ready", "ReadyToPost")])
def test_with_the_goal_entered_batches_are_left_for_a_person_as_the_connection_says(
    serve: Serve, shop: Installation, left: str, status: str
) -> None:
    world = serve()
    shop.link(world, "--goal", "JE=entered", erp="sage_300", settings={"entered_batches": left})

    shop("run", "shop", "--json")

    records = shop.records("JE")
    assert records
    assert {each["state"] for each in records} == {"entered"}
    assert statuses(world) == {each["key"]: status for each in records}
    assert shop.ok("link", "show", "shop")["classes"] == {"JE": "window"}


def test_a_period_that_sage_has_locked_holds_its_settlement_before_anything_is_there(
    serve: Serve, shop: Installation
) -> None:
    world = serve()
    shop.link(world, erp="sage_300")
    plan = shop.ok("plan", "shop")
    for day in {document["posting_date"] for document in plan["documents"]}:
        world.sage("set_period", day=day)

    report = shop("apply", plan["id"], "--json")

    assert report.code == 1
    assert report.json["posted"] == 0
    assert all("locked" in each["reason"] or "same settlement" in each["reason"] for each in report.json["held"])
    assert statuses(world) == {}


def test_the_company_that_answers_is_named_with_the_modules_that_may_be_used(serve: Serve, shop: Installation) -> None:
    world = serve()
    world.sage("set_rights", modules=["CS", "GL"])
    shop.connect(world, erp="sage_300")

    said = shop.ok("connection", "test", "books")["identity"]

    assert said["name"] == "Sandbox Trading Inc."
    assert dict(said["details"])["modules"] == "GL, CS"
