"""A plan says exactly what would be posted; applying it posts exactly that, or nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.e2e.conftest import Serve
from tests.support.installation import Installation
from tests.support.sandbox_server import ServiceLayerClient, entry_body


def lines_of(entry: dict[str, Any]) -> list[tuple[str, Decimal, Decimal]]:
    """Account, debit and credit of every line of an entry in local currency."""
    return [
        (line["AccountCode"], Decimal(str(line["Debit"])), Decimal(str(line["Credit"])))
        for line in entry["JournalEntryLines"]
    ]


def planned_lines(document: dict[str, Any]) -> list[tuple[str, Decimal, Decimal]]:
    return [
        (line["account"], Decimal(line["debit"]), Decimal(line["credit"]))
        for line in document["lines"]
        if line["posts"]
    ]


def test_a_plan_prints_what_the_apply_then_posts(serve: Serve, shop: Installation) -> None:
    world = serve()
    shop.link(world, "--approval", "person")

    plan = shop.ok("plan", "shop")
    assert world.entries() == []
    report = shop.ok("apply", plan["id"])

    assert (report["posted"], report["proved"]) == (len(plan["documents"]), 2)
    assert len(world.entries()) == len(plan["documents"]) >= 2
    for document in plan["documents"]:
        entry = world.entry(document["key"])
        assert {name: entry[name] for name in document["references"]} == document["references"]
        assert entry["ReferenceDate"][:10] == document["posting_date"]
        assert lines_of(entry) == planned_lines(document)
        assert document["class"] == "refused" and document["target"] == "absent" and len(document["hash"]) == 64
        assert document["references"] == {
            "Reference": document["settlement_id"],
            "Reference2": document["key"].rpartition("-")[2],
            "Reference3": document["key"],
            "U_ML_KEY": document["key"],
        }


def test_planning_twice_gives_the_same_plan(serve: Serve, shop: Installation) -> None:
    shop.link(serve(), "--approval", "person")
    first = shop.ok("plan", "shop")
    assert shop.ok("plan", "shop") == first


def test_a_plan_is_applied_once(serve: Serve, shop: Installation) -> None:
    world = serve(settlements=1)
    shop.link(world, "--approval", "person")
    plan = shop.ok("plan", "shop")
    shop.ok("apply", plan["id"])
    before = world.entries()

    message = shop.refused(2, "apply", plan["id"])

    assert message == f"Plan {plan['id']} is applied: make a new one with ml-connector plan shop."
    assert world.entries() == before
    assert "There is no plan 'none'" in shop.refused(2, "apply", "none")
    assert shop("plan", "shop").out == "Nothing to post.\n"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("mapping", "the mapping"),
        ("frozen", "the ERP's accounts, periods or currencies"),
        ("settings", "the link's settings"),
    ],
)
def test_a_plan_whose_inputs_changed_is_refused(serve: Serve, shop: Installation, change: str, named: str) -> None:
    world = serve(settlements=1)
    shop.link(world, "--approval", "person")
    plan = shop.ok("plan", "shop")
    if change == "mapping":
        shop.ok("mapping", "import", "shop", str(shop.mapping_with({"referral_fees": "611900"})))
    elif change == "frozen":
        world.sap("freeze_account", code="611000")
    else:
        shop.ok(
            "link", "add", "shop", "--amazon", "amazon", "--erp", "books", "--stores", "US",
            "--policy", "settlement_summary", "--closed-period", "next_open_day", "--approval", "person",
        )  # fmt: skip

    message = shop.refused(2, "apply", plan["id"])

    assert message == (
        f"Plan {plan['id']} no longer fits: {named} changed. Make a new one with ml-connector plan shop."
    )
    assert world.entries() == []


def test_a_plan_made_of_the_old_inputs_again_can_be_applied(serve: Serve, shop: Installation) -> None:
    """The mapping goes there and back: the second plan is another one, although it says the same."""
    world = serve(settlements=1)
    shop.link(world, "--approval", "person")
    first = shop.ok("plan", "shop")
    shop.ok("mapping", "import", "shop", str(shop.mapping_with({"referral_fees": "611900"})))
    between = shop.ok("plan", "shop")
    assert {line["account"] for line in between["documents"][-1]["lines"]} >= {"611900"}
    shop.ok("mapping", "import", "shop", str(shop.mapping_with({})))

    last = shop.ok("plan", "shop")

    assert last["hash"] == first["hash"] and last["documents"] == first["documents"]
    assert last["id"] != between["id"]
    assert shop.ok("apply", last["id"])["proved"] == 1


def test_a_person_approves_or_the_rule_does(serve: Serve, shop: Installation) -> None:
    world = serve(settlements=1)
    shop.link(world, "--approval", "person")

    said = shop("run", "shop", "--json")
    assert (said.code, said.json["posted"], world.entries()) == (0, 0, [])
    waits = said.json["awaiting_approval"]
    assert f"ml-connector apply {waits}" in shop("run", "shop").out

    assert shop.ok("apply", waits)["proved"] == 1
    assert shop.ok("run", "shop")["awaiting_approval"] is None


def test_a_plan_for_people_names_the_class_in_words(serve: Serve, shop: Installation) -> None:
    shop.link(serve(settlements=1), "--approval", "person")
    out = shop("plan", "shop").out
    assert "The server itself refuses a second posting." in out
    assert "class refused" not in out and "1 document. Post it: ml-connector apply" in out


def test_without_the_prepared_table_the_class_is_a_window(serve: Serve, shop: Installation) -> None:
    world = serve(settlements=1, sap={"switches": {"user_may_create_tables": False}})
    shop.link(world)
    said = shop.ok("connection", "prepare", "books")
    assert any("Ask the SAP administrator" in sentence for sentence in said["done"])
    assert {each["class"] for each in shop.ok("plan", "shop")["documents"]} == {"window"}
    assert shop.ok("run", "shop")["proved"] == 1


# --- planted by hand ---------------------------------------------------------------------------------------------------


def test_a_document_planted_by_hand_is_adopted_when_it_is_equal(serve: Serve, shop: Installation) -> None:
    world = serve(stores=["DE"], settlements=1)
    shop.link(world, "--approval", "person")
    plan = shop.ok("plan", "shop")
    person = ServiceLayerClient(world.credentials["sap_business_one"])
    for document in plan["documents"]:
        person.post_entry(entry_body(document))
    person.close()
    assert {each["target"] for each in shop.ok("plan", "shop")["documents"]} == {"equal"}

    report = shop.ok("apply", plan["id"])

    assert (report["posted"], report["adopted"]) == (0, len(plan["documents"]))
    assert len(world.entries()) == len(plan["documents"])
    assert report["proved"] == 1
    assert {each["adopted"] for each in report["proofs"][0]["documents"]} == {True}
    assert {each["state"] for each in shop.records()} == {"posted"}


def test_a_document_planted_by_hand_that_differs_is_a_conflict(serve: Serve, shop: Installation) -> None:
    world = serve(settlements=1)
    shop.link(world)
    (document,) = shop.ok("plan", "shop")["documents"]
    body = entry_body(document)
    body["JournalEntryLines"] = [
        {"AccountCode": "401000", "Debit": 0, "Credit": 1},
        {"AccountCode": "114100", "Debit": 1, "Credit": 0},
    ]
    person = ServiceLayerClient(world.credentials["sap_business_one"])
    number = person.post_entry(body)
    person.close()
    assert shop.ok("plan", "shop")["documents"][0]["target"].startswith("different: ")

    said = shop("run", "shop", "--json")

    (held,) = said.json["held"]
    assert (said.code, held["code"]) == (1, "conflict")
    assert f"JdtNum {number}" in held["reason"] and "Correct or reverse it there, then replay" in held["reason"]
    assert [entry["JdtNum"] for entry in world.entries()] == [number]
    (settlement,) = shop.settlements()
    assert shop("settlement", "prove", settlement, "--json").code == 1

    world.sap("cancel_entry", jdt_num=number)
    again = shop("record", "replay", held["key"], "--json")
    assert [each["code"] for each in again.json["held"]] == ["ended_in_target"]


@pytest.mark.parametrize("adopts", [False, True])
def test_a_document_that_only_a_person_would_recognise_is_foreign(
    serve: Serve, shop: Installation, adopts: bool
) -> None:
    world = serve(settlements=1)
    shop.link(world, *(["--adopt-equal"] if adopts else []))
    (document,) = shop.ok("plan", "shop")["documents"]
    body = {
        key: value for key, value in entry_body(document).items() if key not in {"Reference2", "Reference3", "U_ML_KEY"}
    }
    person = ServiceLayerClient(world.credentials["sap_business_one"])
    number = person.post_entry(body)
    person.close()

    said = shop("run", "shop", "--json")

    assert [entry["JdtNum"] for entry in world.entries()] == [number]
    if adopts:
        assert (said.code, said.json["adopted"], said.json["proved"]) == (0, 1, 1)
        assert said.json["proofs"][0]["documents"][0]["adopted"] is True
    else:
        (held,) = said.json["held"]
        assert (said.code, held["code"]) == (1, "foreign")
        assert "It is equal to the planned one" in held["reason"]


def test_what_one_link_adopts_another_on_the_same_erp_does_not(serve: Serve, shop: Installation) -> None:
    """A poster drains the documents of every link on its connection, each by its own rules."""
    world = serve(stores=["US", "DE"], settlements=1)
    shop.connect(world)
    for name, store, more in (("us", "US", ["--adopt-equal"]), ("de", "DE", ["--approval", "person"])):
        shop.ok(
            "link", "add", name, "--amazon", "amazon", "--erp", "books", "--stores", store,
            "--policy", "settlement_summary", "--closed-period", "hold", *more,
        )  # fmt: skip
        shop.ok("mapping", "import", name, str(shop.mapping_with({})))
    person = ServiceLayerClient(world.credentials["sap_business_one"])
    planned = [document for name in ("us", "de") for document in shop.ok("plan", name)["documents"]]
    for document in planned:
        body = entry_body(document)
        person.post_entry({name: body[name] for name in body if name not in {"Reference3", "U_ML_KEY"}})
    person.close()
    with shop.database() as conn:
        conn.execute("UPDATE documents SET state = 'approved'")

    shop("run", "us", "--json")

    states = {(each["link"], each["state"]) for each in shop.records("JE")}
    assert states == {("us", "posted"), ("de", "held")}
    assert len(world.entries()) == len(planned)


# --- restated ----------------------------------------------------------------------------------------------------------


def test_a_settlement_restated_before_it_was_posted_is_planned_from_the_new_file(
    serve: Serve, shop: Installation
) -> None:
    world = serve(settlements=2, restated_settlement=["US:1"])
    shop.link(world)
    report = shop.ok("run", "shop")
    assert report["proved"] == 2
    assert {each["state"] for each in shop.records()} == {"posted"}


def test_a_look_at_recent_days_only_skips_nothing_for_good(serve: Serve, shop: Installation) -> None:
    """Settlements of a week each: the last six days show one of the three."""
    now = datetime.now(UTC)
    shop.link(serve(settlements=3))
    recent = (now - timedelta(days=6)).date().isoformat()

    shop("plan", "shop", "--since", recent)
    assert len(shop.settlements()) == 1
    shop("run", "shop", "--since", recent)
    assert len(shop.settlements()) == 1

    report = shop.ok("run", "shop")

    assert len(shop.settlements()) == report["proved"] == 3


def test_a_run_counts_what_an_earlier_one_had_only_asked_for(serve: Serve, shop: Installation) -> None:
    """Killed between asking for the work and doing it: the next run does both, and tells both."""
    world = serve(settlements=1)
    shop.link(world)
    with shop.database() as conn:
        conn.execute(
            "INSERT INTO slices (id, connection, flow, link, slot, state, cancel_requested, requested_by, result, created_at)"
            " SELECT 'earlier', 'amazon', 'settlements', 'shop', 'asked earlier', 'queued', 0, 'cli', '{}', created_at"
            " FROM connections LIMIT 1"
        )

    report = shop.ok("run", "shop")

    assert (report["posted"], report["proved"]) == (len(world.entries()), len(report["proofs"])) != (0, 0)
