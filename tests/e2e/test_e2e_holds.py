"""A bad input stops itself and nothing else: held before the first write, with a sentence that says what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import Serve
from tests.support.installation import Installation, Said


def held_reasons(said: Said) -> dict[str, str]:
    return {each["code"]: each["reason"] for each in said.json["held"]}


def test_an_unknown_triple_holds_its_settlement_and_the_others_go_on(serve: Serve, shop: Installation) -> None:
    world = serve(unknown_triple=["US:2"])
    shop.link(world)

    said = shop("run", "shop", "--json")

    assert said.code == 1
    (held,) = said.json["held"]
    assert held["code"] == "unknown_triple"
    assert "line" in held["reason"]
    assert said.json["posted"] >= 1 and said.json["proved"] == 1
    assert held["settlement_id"] not in {entry["Reference"] for entry in world.entries()}
    assert "unknown_triple" in shop("run", "shop").out


def test_with_a_suspense_account_an_unknown_triple_is_posted(serve: Serve, shop: Installation) -> None:
    world = serve(unknown_triple=["US:2"])
    shop.link(world)
    (held,) = shop("run", "shop", "--json").json["held"]

    shop.ok(
        "link", "add", "shop", "--amazon", "amazon", "--erp", "books", "--stores", "US",
        "--policy", "settlement_summary", "--closed-period", "hold", "--suspense",
    )  # fmt: skip
    report = shop.ok("record", "replay", held["key"])

    assert report["proved"] == 1
    assert any(
        line["AccountCode"] == "229000"
        for entry in world.entries()
        if entry["Reference"] == held["key"]
        for line in entry["JournalEntryLines"]
    )


@pytest.mark.parametrize("approval", ["automatic", "person"])
def test_after_the_mapping_is_mended_a_replay_posts_it_whoever_approves(
    serve: Serve, shop: Installation, approval: str
) -> None:
    world = serve(settlements=1)
    shop.link(world, "--approval", approval, mapping=shop.mapping_without("referral_fees"))

    said = shop("run", "shop", "--json")
    assert said.code == 1 and world.entries() == []
    reason = held_reasons(said)["unmapped_category"]
    assert 'category "referral_fees"' in reason and "mapping import" in reason

    (settlement,) = shop.settlements()
    still = shop("record", "replay", settlement, "--json")
    assert still.code == 1 and world.entries() == []

    shop.ok("mapping", "import", "shop", str(shop.mapping_with({})))
    report = shop.ok("record", "replay", settlement)
    assert report["posted"] == len(world.entries()) >= 1
    assert [proof["proved"] for proof in report["proofs"]] == [True]
    assert shop.refused(2, "record", "replay", settlement).startswith(f"Settlement {settlement} is not held")


def test_an_account_that_is_missing_holds_until_the_mapping_names_another(serve: Serve, shop: Installation) -> None:
    world = serve(settlements=1)
    shop.link(world, mapping=shop.mapping_with({"referral_fees": "999999"}))

    reason = held_reasons(shop("run", "shop", "--json"))
    assert world.entries() == []
    assert any("999999" in words for words in reason.values())

    shop.ok("mapping", "import", "shop", str(shop.mapping_with({})))
    assert shop.ok("record", "replay", *shop.settlements())["proved"] == 1


def test_a_frozen_account_holds_until_it_is_thawed(serve: Serve, shop: Installation) -> None:
    world = serve(settlements=1)
    world.sap("freeze_account", code="611000")
    shop.link(world)

    reasons = held_reasons(shop("run", "shop", "--json"))
    assert world.entries() == []
    assert any("611000" in words and "frozen" in words for words in reasons.values())

    world.sap("freeze_account", code="611000", frozen=False)
    assert shop.ok("record", "replay", *shop.settlements())["proved"] == 1


def test_a_closed_period_holds_until_it_is_opened(serve: Serve, shop: Installation) -> None:
    world = serve(settlements=1)
    shop.link(world, "--closed-period", "hold")
    day = shop.ok("plan", "shop")["documents"][-1]["posting_date"]
    world.sap("set_period", day=day, status="ltLocked")

    reasons = held_reasons(shop("run", "shop", "--json"))
    assert world.entries() == []
    assert "Open it in the ERP" in reasons["closed_period"]

    world.sap("set_period", day=day, status="ltUnlocked")
    assert shop.ok("record", "replay", *shop.settlements())["proved"] == 1


def test_a_closed_period_is_dated_on_the_next_open_day_where_the_link_says_so(serve: Serve, shop: Installation) -> None:
    world = serve(settlements=1)
    shop.link(world, "--closed-period", "next_open_day")
    day = shop.ok("plan", "shop")["documents"][-1]["posting_date"]
    world.sap("set_period", day=day, status="ltLocked")

    report = shop("run", "shop", "--json")

    assert report.code == 0, report
    assert all(entry["ReferenceDate"][:10] > day for entry in world.entries())


@pytest.mark.parametrize("by", ["settlement", "document"])
def test_what_the_server_refuses_at_posting_is_held_and_replayed(serve: Serve, shop: Installation, by: str) -> None:
    """An account is frozen after the approval: nobody looked again, but the server does."""
    world = serve(settlements=1)
    shop.link(world, "--approval", "person")
    shop.ok("plan", "shop")
    with shop.database() as conn:
        conn.execute("UPDATE documents SET state = 'approved'")
    world.sap("freeze_account", code="611000")

    said = shop("run", "shop", "--json")
    assert said.code == 1 and world.entries() == []
    refused = [each for each in said.json["held"] if each["code"] == "refused"]
    assert refused and "Mend the cause, then replay it" in refused[0]["reason"]

    world.sap("freeze_account", code="611000", frozen=False)
    key = refused[0]["settlement_id" if by == "settlement" else "key"]
    assert shop.ok("record", "replay", key)["proved"] == 1
    detail = shop.ok("record", "show", refused[0]["key"])
    assert [each["outcome"] for each in detail["attempts"]] == ["refused", "replayed", "accepted"]
    assert {"planned", "held", "replayed", "posted"} <= {
        each["event"] for each in detail["history"] + shop.ok("record", "show", refused[0]["settlement_id"])["history"]
    }


@pytest.mark.parametrize(
    ("mark", "code", "kind"),
    [
        ("sum_off_by_a_cent", "sum_not_total", "settlement"),
        ("truncated_gzip", "truncated_gzip", "settlement_report"),
        ("v1_by_mistake", "v1_layout", "settlement_report"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_listed_and_the_others_go_on(
    serve: Serve, shop: Installation, mark: str, code: str, kind: str
) -> None:
    world = serve(**{mark: ["US:2"]}, switches={"compression": "gzip"})
    shop.link(world)

    said = shop("run", "shop", "--json")

    assert said.code == 1
    assert said.json["proved"] == 1
    (refused,) = [each for each in shop.records(kind) if each["state"] == "held"]
    assert refused["reason_code"] == code
    assert [each["key"] for each in said.json["held"]] == [refused["key"]]
    assert refused["key"] in shop("record", "list", "--link", "shop").out
    assert shop.ok("record", "show", refused["key"])["reason"] == refused["reason"]

    shop.ok("record", "drop", refused["key"])
    assert shop("run", "shop", "--json").code == 0


def test_a_missing_settlement_is_named_by_the_proof_of_the_next_one(serve: Serve, shop: Installation) -> None:
    world = serve(settlements=3, missing_settlement=["US:2"])
    shop.link(world)

    said = shop("run", "shop", "--json")

    assert said.code == 1
    first, third = shop.settlements()
    assert shop("settlement", "prove", first, "--json").code == 0
    proof = shop("settlement", "prove", third, "--json")
    assert proof.code == 1
    (failed,) = [check for check in proof.json["checks"] if check["ok"] is False]
    assert failed["name"] == "chains"
    assert first in failed["words"] and "missing: import it" in failed["words"]


def test_a_first_file_with_a_reserve_waits_for_the_opening_sheet(serve: Serve, shop: Installation) -> None:
    world = serve(settlements=3, missing_settlement=["US:1"], deferred_rate=1.0)
    shop.link(world)
    said = shop("run", "shop", "--json")
    held = next(each for each in said.json["held"] if each["code"] == "opening_sheet_missing")
    assert "link open" in held["reason"]
    reserve = held["reason"].partition("reserve of ")[2].partition(" USD")[0]

    sheet = shop.place / "opening.toml"
    sheet.write_text(
        '[[store]]\ncurrency = "USD"\nstore = "Amazon.com"\nboundary = 2020-01-01T00:00:00Z\nreserve = "0.01"\n'
    )
    shop.ok("link", "open", "shop", "--from", str(sheet))
    said = shop("record", "replay", held["key"], "--json")
    assert held_reasons(said)["opening_reserve_differs"]

    sheet.write_text(sheet.read_text().replace("0.01", reserve))
    (opened,) = shop.ok("link", "open", "shop", "--from", str(sheet))
    assert opened["reserve"] == reserve
    assert shop("record", "replay", held["key"], "--json").json["posted"] >= 1


def test_an_opening_sheet_that_is_wrong_is_refused_with_the_member(serve: Serve, shop: Installation) -> None:
    shop.link(serve(settlements=1))
    sheet = shop.place / "opening.toml"
    sheet.write_text(
        '[[store]]\ncurrency = "USD"\nstore = "Amazon.com"\nboundary = 2020-01-01T00:00:00Z\nreserve = 1\n'
    )
    assert "reserve" in shop.refused(2, "link", "open", "shop", "--from", str(sheet))
    assert "cannot be read" in shop.refused(2, "link", "open", "shop", "--from", str(shop.place / "none.toml"))


@pytest.mark.parametrize(("store", "currency"), [("Amazon.ca", "CAD"), ("Amazon.com", "EUR"), ("US", "USD")])
def test_an_opening_sheet_of_a_store_that_the_link_does_not_have_is_refused(
    serve: Serve, shop: Installation, store: str, currency: str
) -> None:
    shop.link(serve(settlements=1))
    sheet = shop.place / "opening.toml"
    sheet.write_text(
        f'[[store]]\ncurrency = "{currency}"\nstore = "{store}"\nboundary = 2020-01-01T00:00:00Z\nreserve = "1.00"\n'
    )
    message = shop.refused(2, "link", "open", "shop", "--from", str(sheet))
    assert message == f"Link shop has no store {store} in {currency}; it has: Amazon.com in USD."


def test_orders_that_another_policy_has_claimed_hold_the_settlement(
    serve: Serve, shop: Installation, tmp_path: Path
) -> None:
    world = serve(settlements=1)
    elsewhere = Installation(tmp_path / "elsewhere", shop.clock)
    elsewhere.link(world)
    elsewhere.ok("run", "shop")
    with elsewhere.database() as conn:
        (claim,) = conn.execute(
            "SELECT account, order_id, settlement_id, claimed_at FROM order_claims LIMIT 1"
        ).fetchall()
    account, order, settlement, when = claim
    shop.link(world)
    with shop.database() as conn:
        conn.execute(
            "INSERT INTO order_claims (account, order_id, policy, link, settlement_id, claimed_at) "
            "VALUES (?, ?, 'invoice_per_order', 'invoices', 'none', ?)",
            (account, order, when),
        )

    said = shop("run", "shop", "--json")

    assert (said.code, said.json["posted"], said.json["adopted"]) == (1, 0, 0)
    reason = held_reasons(said)["order_claimed_elsewhere"]
    assert order in reason and "invoice_per_order" in reason
    assert shop.settlements() == [settlement]


def test_two_links_may_not_cover_one_store(serve: Serve, shop: Installation) -> None:
    shop.link(serve(settlements=1))
    message = shop.refused(
        2, "link", "add", "twice", "--amazon", "amazon", "--erp", "books", "--stores", "US",
        "--policy", "settlement_summary", "--closed-period", "hold",
    )  # fmt: skip
    assert message == "Link shop covers US of this selling account already: a store belongs to one link."


def test_a_goal_that_the_company_cannot_reach_is_refused_when_the_link_is_saved(
    serve: Serve, shop: Installation
) -> None:
    shop.connect(serve(settlements=1))
    wanted = (
        "link", "add", "shop", "--amazon", "amazon", "--erp", "books", "--stores", "US",
        "--policy", "settlement_summary", "--closed-period", "hold",
    )  # fmt: skip
    message = shop.refused(2, *wanted, "--goal", "JE=entered")
    assert message == "books has no state between nothing and posted for JE: goal posted only."

    assert shop.ok(*wanted)["classes"] == {"JE": "window"}
    shop.ok("connection", "prepare", "books")
    shown = shop.ok("link", "show", "shop")
    assert (shown["classes"], shown["goals"]) == ({"JE": "refused"}, {"JE": "posted"})


def test_each_link_of_a_selling_account_gets_its_own_settlements(serve: Serve, shop: Installation) -> None:
    world = serve(stores=["US", "DE"], settlements=1)
    shop.connect(world)
    for name, store in (("us", "US"), ("de", "DE")):
        shop.ok(
            "link", "add", name, "--amazon", "amazon", "--erp", "books", "--stores", store,
            "--policy", "settlement_summary", "--closed-period", "hold",
        )  # fmt: skip
        shop.ok("mapping", "import", name, str(shop.mapping_with({})))

    proof = shop.ok("run", "us")["proofs"][0]
    assert proof["currency"] == "USD"
    assert all(check["ok"] for check in proof["checks"])  # Amazon's own summary agrees, too
    assert shop.ok("run", "de")["proofs"][0]["currency"] == "EUR"


def test_an_application_that_may_not_read_finances_proves_without_a_second_opinion(
    serve: Serve, shop: Installation
) -> None:
    shop.link(serve(settlements=1, missing_roles=["listSummary"]))
    (proof,) = shop.ok("run", "shop")["proofs"]
    assert (proof["proved"], [check["ok"] for check in proof["checks"]]) == (True, [True] * 6 + [None])


def test_settlements_of_a_removed_link_go_to_the_one_that_follows(serve: Serve, shop: Installation) -> None:
    world = serve(settlements=1)
    shop.link(world, "--approval", "person")
    assert shop.ok("plan", "shop")["documents"]
    shop.ok("link", "remove", "shop")
    shop.ok(
        "link", "add", "other", "--amazon", "amazon", "--erp", "books", "--stores", "US",
        "--policy", "settlement_summary", "--closed-period", "hold",
    )  # fmt: skip
    shop.ok("mapping", "import", "other", str(shop.mapping_with({})))
    assert shop.ok("run", "other")["proved"] == 1


def test_what_a_removed_link_posted_can_still_be_proved(serve: Serve, shop: Installation) -> None:
    shop.link(serve(settlements=1))
    shop.ok("run", "shop")
    (settlement,) = shop.settlements()
    shop.ok("link", "remove", "shop")

    assert shop.ok("settlement", "prove", settlement)["proved"] is True
    assert "There is no link 'shop'" in shop.refused(2, "run", "shop")


def test_a_posted_settlement_is_left_alone_by_what_changes_later(
    serve: Serve, shop: Installation, tmp_path: Path
) -> None:
    """Books close every month, accounts are frozen, mappings change: what is posted stays posted and proved."""
    world = serve(settlements=1)
    shop.link(world)
    assert shop.ok("run", "shop")["proved"] == 1
    before = world.entries()

    day = before[-1]["ReferenceDate"][:10]
    world.sap("set_period", day=day, status="ltLocked")
    world.sap("freeze_account", code="611000")
    shop.ok("mapping", "import", "shop", str(shop.mapping_with({"referral_fees": "611900"})))

    report = shop.ok("run", "shop")
    assert (report["posted"], report["held"]) == (0, [])
    assert world.entries() == before
    assert shop.ok("plan", "shop")["documents"] == []
    (settlement,) = shop.settlements()
    assert shop.ok("settlement", "prove", settlement)["proved"] is True
    assert {each["state"] for each in shop.records()} == {"posted"}


def test_what_ended_before_the_opening_is_neither_posted_nor_in_the_way(serve: Serve, shop: Installation) -> None:
    world = serve(settlements=2, deferred_rate=0.0)
    shop.link(world, "--approval", "person")
    plan = shop.ok("plan", "shop")
    first, second = shop.settlements()
    with shop.database() as conn:
        ((start,),) = conn.execute("SELECT starts_at FROM settlements WHERE settlement_id = ?", (second,)).fetchall()
        ((facts,),) = conn.execute("SELECT facts FROM settlements WHERE settlement_id = ?", (second,)).fetchall()
    reserve = json.loads(facts)["previous_reserve"]
    sheet = shop.place / "opening.toml"
    sheet.write_text(
        f'[[store]]\ncurrency = "USD"\nstore = "Amazon.com"\nboundary = {start[:19].replace(" ", "T")}Z\nreserve = "{reserve}"\n'
    )
    shop.ok("link", "open", "shop", "--from", str(sheet))

    again = shop.ok("plan", "shop")

    assert {each["settlement_id"] for each in plan["documents"]} == {first, second}
    assert {each["settlement_id"] for each in again["documents"]} == {second}
    assert {each["key"]: each["state"] for each in shop.records("settlement")} == {
        first: "before_opening",
        second: "planned",
    }


def test_a_held_settlement_can_be_dropped_and_taken_up_again(serve: Serve, shop: Installation) -> None:
    world = serve(settlements=1)
    shop.link(world, mapping=shop.mapping_without("referral_fees"))
    assert shop("run", "shop").code == 1
    (settlement,) = shop.settlements()

    shop.ok("record", "drop", settlement)
    assert shop.ok("run", "shop")["held"] == []
    assert [each["state"] for each in shop.records("settlement")] == ["dropped"]

    shop.ok("mapping", "import", "shop", str(shop.mapping_with({})))
    assert shop.ok("record", "replay", settlement)["proved"] == 1
    assert "cannot be dropped" in shop.refused(2, "record", "drop", settlement)
