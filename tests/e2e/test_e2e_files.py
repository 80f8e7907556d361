"""Files given by hand: imported, restated, refused. The data is small enough to be checked with a pencil."""

from __future__ import annotations

import gzip
from decimal import Decimal
from pathlib import Path

import pytest

from tests.e2e.conftest import Serve
from tests.support.installation import Installation
from tests.support.sandbox_server import SandboxServer
from tests.support.settlement_files import account_row, row, settlement

# The files are of October 2026; the world begins a month later and has traded nothing.
SALE = row("100.00")
FEE = row("-15.00", "Order", "ItemFees", "Commission")
RESERVE = account_row("-20.00", "Current Reserve Amount")


def written(place: Path, content: bytes, name: str = "settlement.txt") -> str:
    file = place / name
    file.write_bytes(content)
    return str(file)


def balance(world: SandboxServer) -> dict[str, Decimal]:
    """Credit less debit by account, over the whole ledger; accounts that are even are left out."""
    sums: dict[str, Decimal] = {}
    for entry in world.entries():
        for line in entry["JournalEntryLines"]:
            change = Decimal(str(line["Credit"])) - Decimal(str(line["Debit"]))
            sums[line["AccountCode"]] = sums.get(line["AccountCode"], Decimal(0)) + change
    return {account: amount for account, amount in sums.items() if amount}


@pytest.fixture
def world(serve: Serve, shop: Installation) -> SandboxServer:
    """A linked shop and an Amazon that lists nothing."""
    server = serve(settlements=0)
    shop.link(server)
    return server


def imported(shop: Installation, content: bytes, name: str = "settlement.txt") -> None:
    answer = shop.ok("settlement", "import", written(shop.place, content, name), "--link", "shop")
    assert answer["settlement_id"] == "90000000777"


def test_a_file_is_imported_posted_and_proved(world: SandboxServer, shop: Installation) -> None:
    imported(shop, settlement([SALE, FEE, RESERVE]))
    report = shop.ok("run", "shop")
    assert (report["posted"], report["proved"]) == (1, 1)
    assert balance(world) == {
        "401000": Decimal("100.00"),  # product sales
        "611000": Decimal("-15.00"),  # referral fees
        "114000": Decimal("-20.00"),  # reserve
        "114100": Decimal("-65.00"),  # payout in transit
    }
    proof = shop.ok("settlement", "prove", "90000000777")
    assert [check["ok"] for check in proof["checks"]] == [True, True, True, True, True, True, None]
    assert proof["total"] == "65.00"


def test_a_file_that_came_before_is_not_posted_again(world: SandboxServer, shop: Installation) -> None:
    content = settlement([SALE, FEE])
    imported(shop, content)
    shop.ok("run", "shop")
    answer = shop.ok("settlement", "import", written(shop.place, content), "--link", "shop")
    assert answer["words"] == "Settlement 90000000777 is here already."
    imported(shop, gzip.compress(content), "again.gz")
    assert shop.ok("run", "shop")["posted"] == 0
    assert len(world.entries()) == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (settlement([SALE], total="100.01"), "100.01"),
        (gzip.compress(settlement([SALE]))[:-20], "ends too early"),
        (b"order-id\tprice\n1\t2\n", ""),
    ],
    ids=["sum", "gzip", "not a settlement"],
)
def test_a_file_that_cannot_be_used_is_not_kept(
    world: SandboxServer, shop: Installation, content: bytes, says: str
) -> None:
    said = shop("settlement", "import", written(shop.place, content), "--link", "shop", "--json")
    assert said.code == 1 and said.json["refused"] is True
    assert said.json["words"].startswith("The file is refused, and nothing was kept.")
    assert says in said.json["words"]
    assert shop.records() == []
    assert "Post it" not in shop("settlement", "import", written(shop.place, content), "--link", "shop").out


def test_a_file_finds_the_link_of_its_store_by_itself(world: SandboxServer, shop: Installation) -> None:
    file = written(shop.place, settlement([SALE, FEE]))
    answer = shop.ok("settlement", "import", file)
    assert (answer["settlement_id"], answer["link"]) == ("90000000777", "shop")
    assert shop.ok("run", "shop")["posted"] == 1
    canadian = written(shop.place, settlement([row("10.00", marketplace_name="Amazon.ca")], currency="CAD"))
    message = shop.refused(2, "settlement", "import", canadian)
    assert message == "No link covers Amazon.ca: add its store to a link, or name one with --link."


def test_an_import_into_a_link_without_its_store_says_that_it_waits(world: SandboxServer, shop: Installation) -> None:
    file = written(shop.place, settlement([row("10.00", marketplace_name="Amazon.ca")], currency="CAD"))
    said = shop("settlement", "import", file, "--link", "shop")
    assert "Link shop does not cover Amazon.ca: it waits until a link does." in said.out
    assert "Post it" not in said.out


def test_a_file_with_a_store_of_nobody_waits_for_its_link(world: SandboxServer, shop: Installation) -> None:
    imported(shop, settlement([row("10.00", marketplace_name="Amazon.ca")], currency="CAD"))
    report = shop.ok("run", "shop")
    assert report["posted"] == 0
    assert shop.records() == []
    (note,) = report["notes"]
    assert note["settlement_id"] == "90000000777"
    assert note["reason"] == (
        "not_covered: 1 settlement of Amazon.ca in CAD, the last one of 10.00 CAD, is in no link: nobody books it. "
        "Add the store to a link."
    )
    assert shop.ok("plan", "shop")["notes"] == [note]
    shop.ok(
        "link", "add", "shop", "--amazon", "amazon", "--erp", "books", "--stores", "US,CA",
        "--policy", "settlement_summary", "--closed-period", "hold",
    )  # fmt: skip
    assert shop.ok("run", "shop")["posted"] == 1


LATER = {
    "settlement_id": "90000000778",
    "settlement_start_date": "2026-10-26 17:45:00 UTC",
    "settlement_end_date": "2026-11-09 17:45:00 UTC",
}


@pytest.mark.parametrize(
    ("account_cells", "code", "says"),
    [
        (("25.00", "Previous Reserve Amount Balance"), "reserve_chain_break", "kept 20.00 USD"),
        (("-12.00", "Payable to Amazon"), "payable_chain_break", "a debt of 12.00 USD that no earlier settlement left"),
        (("77.00", "Failed Disbursement"), "failed_payout_unmatched", "no earlier settlement paid that amount"),
    ],
)
def test_a_break_in_a_chain_is_told_before_anything_is_approved(
    world: SandboxServer, shop: Installation, account_cells: tuple[str, str], code: str, says: str
) -> None:
    shop.ok(
        "link", "add", "shop", "--amazon", "amazon", "--erp", "books", "--stores", "US",
        "--policy", "settlement_summary", "--closed-period", "hold", "--approval", "person",
    )  # fmt: skip
    imported(shop, settlement([SALE, RESERVE]))
    when = {"settlement_id": "90000000778", "posted_date": "2026-10-28", "posted_date_time": "2026-10-28 09:00:00 UTC"}
    rows = [row("50.00", **when), account_row(*account_cells, **when)]
    if code != "reserve_chain_break":
        rows.append(account_row("20.00", "Previous Reserve Amount Balance", **when))
    content = settlement(rows, **LATER)
    shop.ok("settlement", "import", written(shop.place, content, "later.txt"), "--link", "shop")

    plan = shop.ok("plan", "shop")

    (note,) = plan["notes"]
    assert note["settlement_id"] == "90000000778"
    assert note["reason"].startswith(f"{code}: ") and says in note["reason"]
    told = " ".join(shop("plan", "shop").out.split())
    assert "note 90000000778: " + note["reason"] in told
    (planned,) = [each for each in shop.records("settlement") if each["key"] == "90000000778"]
    assert planned["reason"] == note["reason"]
    report = shop("run", "shop", "--json")
    assert [each["reason"] for each in report.json["notes"]] == [note["reason"]]
    report = shop("apply", plan["id"], "--json")
    assert (report.code, report.json["posted"], report.json["proved"]) == (1, 3, 1)


VAT_ON_A_FEE = row(
    "-0.82", "FBAFees", "FBA Inventory Storage Fee", "Tax on fee", order_id="", order_item_code="", sku=""
)


@pytest.mark.parametrize(
    ("more", "account"), [((), "115000"), (("--vat-not-deductible", "US"), "622000")], ids=["deductible", "not"]
)
def test_tax_on_a_fee_is_an_expense_where_the_store_cannot_deduct_it(
    world: SandboxServer, shop: Installation, more: tuple[str, ...], account: str
) -> None:
    settings = (
        "link", "add", "shop", "--amazon", "amazon", "--erp", "books", "--stores", "US",
        "--policy", "settlement_summary", "--closed-period", "hold", *more,
    )  # fmt: skip
    shop.ok(*settings)
    imported(shop, settlement([SALE, VAT_ON_A_FEE]))
    shop.ok("run", "shop")
    assert balance(world)[account] == Decimal("-0.82")


def test_inspect_needs_no_installation_and_says_how_it_went_by_its_exit_code(shop: Installation) -> None:
    good = shop("settlement", "inspect", written(shop.place, settlement([SALE, FEE])), "--json")
    assert good.code == 0
    assert (good.json["settlement_id"], good.json["total"], good.json["foots"]) == ("90000000777", "85.00", True)

    bad = shop("settlement", "inspect", written(shop.place, settlement([SALE], total="1.00")), "--json")
    assert bad.code == 1 and bad.json["foots"] is False
    v1 = shop("settlement", "inspect", written(shop.place, b"settlement-id\tsku\n"), "--json")
    assert v1.code == 1 and v1.json["groups"] is None and v1.json["findings"]

    assert shop.refused(2, "settlement", "inspect", str(shop.place / "none.txt")).startswith("There is no file")
    assert "is no file" in shop.refused(2, "settlement", "inspect", str(shop.place))
    assert "It foots." in shop("settlement", "inspect", written(shop.place, settlement([SALE]))).out
    for content in (settlement([SALE], total="1.00"), b"settlement-id\tsku\n", b""):
        refused = shop("settlement", "inspect", written(shop.place, content)).out
        assert "Refused." in refused and "None" not in refused


def test_an_empty_settlement_posts_nothing_and_is_proved(world: SandboxServer, shop: Installation) -> None:
    imported(shop, settlement([row("5.00"), row("-5.00")]))
    report = shop.ok("run", "shop")
    assert (report["posted"], report["proved"]) == (0, 1)
    assert world.entries() == []
    assert shop.ok("settlement", "prove", "90000000777")["documents"][0]["posts"] is False
    assert shop.ok("plan", "shop")["documents"] == []


def test_a_proof_is_not_made_by_another_vocabulary_than_the_posting(world: SandboxServer, shop: Installation) -> None:
    imported(shop, settlement([SALE, FEE]))
    shop.ok("run", "shop")
    with shop.database() as conn:
        conn.execute("UPDATE posting_sets SET basis = json_set(basis, '$.vocabulary_version', 99)")

    message = shop.refused(1, "settlement", "prove", "90000000777")

    assert message.startswith("This was planned by version 99 of the vocabulary")


# --- restated ----------------------------------------------------------------------------------------------------------


def test_a_restated_settlement_posts_the_difference_and_both_prove_together(
    world: SandboxServer, shop: Installation
) -> None:
    imported(shop, settlement([SALE, FEE]))
    shop.ok("run", "shop")

    refund = row("-30.00", "Refund", "ItemPrice", "Principal")
    goodwill = row("30.00", "Refund", "ItemPrice", "Goodwill")
    imported(shop, settlement([SALE, FEE, refund, goodwill]), "restated.txt")
    report = shop.ok("run", "shop")

    assert (report["posted"], report["proved"], report["held"]) == (1, 1, [])
    first, delta = world.entries()
    assert delta["Reference3"].startswith(f"{first['Reference3']}-")
    assert balance(world) == {
        "401000": Decimal("100.00"),
        "611000": Decimal("-15.00"),
        "405000": Decimal("-30.00"),
        "405300": Decimal("30.00"),
        "114100": Decimal("-85.00"),
    }
    assert {each["posts"] for each in shop.ok("settlement", "prove", "90000000777")["documents"]} == {True}

    world.sap("nudge_line", jdt_num=delta["JdtNum"], line_id=0)
    assert shop("settlement", "prove", "90000000777", "--json").code == 1


def test_rows_in_another_order_are_the_same_settlement(world: SandboxServer, shop: Installation) -> None:
    imported(shop, settlement([SALE, FEE]))
    shop.ok("run", "shop")
    imported(shop, settlement([FEE, SALE]), "reordered.txt")
    assert shop.ok("run", "shop")["posted"] == 0
    assert len(world.entries()) == 1
    assert shop.ok("settlement", "prove", "90000000777")["proved"] is True


def test_a_difference_of_nothing_is_proved_against_the_new_file(world: SandboxServer, shop: Installation) -> None:
    """Two rows more that even out within one line: nothing is posted, and the certificate is about the new rows."""
    imported(shop, settlement([SALE, FEE]))
    shop.ok("run", "shop")
    imported(shop, settlement([SALE, FEE, row("4.00"), row("-4.00")]), "restated.txt")

    report = shop.ok("run", "shop")

    assert (report["posted"], report["proved"]) == (0, 1)
    proof = shop.ok("settlement", "prove", "90000000777")
    assert "4 rows" in proof["checks"][1]["words"]
    assert [each["posts"] for each in proof["documents"]] == [True, False]


def test_a_changed_payout_waits_for_a_person_even_where_a_rule_approves(
    world: SandboxServer, shop: Installation
) -> None:
    imported(shop, settlement([SALE, FEE]))
    shop.ok("run", "shop")
    imported(shop, settlement([SALE, FEE, account_row("-39.99")]), "restated.txt")

    report = shop.ok("run", "shop")

    assert (report["posted"], len(world.entries())) == (0, 1)
    waits = report["awaiting_approval"]
    plan = shop.ok("plan", "shop")
    assert plan["id"] == waits
    (document,) = plan["documents"]
    assert document["total"] == "39.99"
    assert shop("settlement", "prove", "90000000777", "--json").code == 1

    assert shop.ok("apply", waits)["proved"] == 1
    assert balance(world)["114100"] == Decimal("-45.01")
    assert balance(world)["641000"] == Decimal("-39.99")


def test_a_second_restatement_replaces_the_first_that_nobody_approved(world: SandboxServer, shop: Installation) -> None:
    imported(shop, settlement([SALE, FEE]))
    shop.ok("run", "shop")
    for fee in ("-39.99", "-29.99"):
        imported(shop, settlement([SALE, FEE, account_row(fee)]), f"restated{fee}.txt")
        waits = shop.ok("run", "shop")["awaiting_approval"]

    assert shop.ok("apply", waits)["proved"] == 1

    assert balance(world)["641000"] == Decimal("-29.99")
    assert len(world.entries()) == 2


def test_a_restatement_follows_another_that_was_posted(world: SandboxServer, shop: Installation) -> None:
    imported(shop, settlement([SALE, FEE]))
    shop.ok("run", "shop")
    for fee in ("-39.99", "-29.99"):
        imported(shop, settlement([SALE, FEE, account_row(fee)]), f"restated{fee}.txt")
        report = shop.ok("apply", shop.ok("run", "shop")["awaiting_approval"])
        assert (report["posted"], report["proved"]) == (1, 1)
    assert balance(world)["641000"] == Decimal("-29.99")
    assert len(world.entries()) == 3


def test_a_restatement_uses_the_mapping_of_the_first_posting_and_todays_for_what_is_new(
    world: SandboxServer, shop: Installation
) -> None:
    shop.ok("mapping", "import", "shop", str(shop.mapping_without("goodwill")))
    imported(shop, settlement([SALE, FEE]))
    shop.ok("run", "shop")
    changed = shop.mapping_with({"referral_fees": "611900"})
    changed.write_text(changed.read_text() + "goodwill,,,,,,,2026-10-14,405000,\n")
    shop.ok("mapping", "import", "shop", str(changed))

    goodwill = row("7.00", "Refund", "ItemPrice", "Goodwill")
    refund = row("-7.00", "Refund", "ItemPrice", "Principal")
    imported(shop, settlement([SALE, FEE, refund, goodwill]), "restated.txt")
    report = shop.ok("run", "shop")

    assert report["proved"] == 1
    assert balance(world) == {
        "401000": Decimal("100.00"),
        "611000": Decimal("-15.00"),  # stays where it was posted
        "405000": Decimal("-7.00"),
        "405300": Decimal("7.00"),
        "114100": Decimal("-85.00"),
    }


def test_a_restatement_with_another_period_is_held_and_the_books_stay(world: SandboxServer, shop: Installation) -> None:
    imported(shop, settlement([SALE, FEE]))
    shop.ok("run", "shop")
    other = settlement([SALE, FEE, row("1.00"), row("-1.00")], settlement_end_date="2026-10-27 17:45:00 UTC")
    imported(shop, other, "restated.txt")

    said = shop("run", "shop", "--json")

    (held,) = said.json["held"]
    assert (said.code, held["code"]) == (1, "restated_period")
    assert len(world.entries()) == 1
    assert shop.ok("settlement", "prove", "90000000777")["proved"] is True


def test_a_person_may_leave_a_posted_settlement_as_it_is_whatever_a_second_file_says(
    world: SandboxServer, shop: Installation
) -> None:
    imported(shop, settlement([SALE, FEE]))
    shop.ok("run", "shop")
    other = settlement([SALE, FEE, row("1.00"), row("-1.00")], settlement_end_date="2026-10-27 17:45:00 UTC")
    imported(shop, other, "restated.txt")
    assert shop("run", "shop").code == 1

    shop.ok("record", "drop", "90000000777")

    assert shop.ok("run", "shop")["held"] == []
    assert [each["state"] for each in shop.records()] == ["posted", "posted"]
    assert len(world.entries()) == 1
    assert shop.ok("settlement", "prove", "90000000777")["proved"] is True
    assert "cannot be dropped" in shop.refused(2, "record", "drop", "90000000777")


def test_while_the_first_file_is_not_at_its_end_the_second_waits(world: SandboxServer, shop: Installation) -> None:
    imported(shop, settlement([SALE, FEE]))
    world.sap("freeze_account", code="689000")
    shop.ok("link", "add", "shop", "--amazon", "amazon", "--erp", "books", "--stores", "US",
            "--policy", "settlement_summary", "--closed-period", "hold", "--approval", "person")  # fmt: skip
    shop.ok("plan", "shop")
    with shop.database() as conn:
        conn.execute("UPDATE documents SET state = 'approved'")
    world.sap("freeze_account", code="611000")
    assert shop("run", "shop").code == 1
    refund, goodwill = row("-3.00", "Refund"), row("3.00", "Refund", "ItemPrice", "Goodwill")
    imported(shop, settlement([SALE, FEE, refund, goodwill]), "restated.txt")
    assert shop("run", "shop").code == 1
    assert world.entries() == []
    (waiting,) = shop.records("settlement_report")
    assert waiting["state"] == "archived"

    world.sap("freeze_account", code="611000", frozen=False)
    shop.ok("record", "replay", "90000000777")
    plan = shop.ok("plan", "shop")
    assert shop.ok("apply", plan["id"])["proved"] == 1
    assert len(world.entries()) == 2


def test_a_plan_is_refused_when_its_file_was_restated(world: SandboxServer, shop: Installation) -> None:
    shop.ok("link", "add", "shop", "--amazon", "amazon", "--erp", "books", "--stores", "US",
            "--policy", "settlement_summary", "--closed-period", "hold", "--approval", "person")  # fmt: skip
    imported(shop, settlement([SALE, FEE]))
    old = shop.ok("plan", "shop")
    imported(shop, settlement([SALE, FEE, account_row("-1.00")]), "restated.txt")
    new = shop.ok("plan", "shop")
    assert shop.refused(2, "apply", old["id"]).startswith(f"Plan {old['id']} is superseded")
    assert shop.ok("apply", new["id"])["proved"] == 1
    assert len(world.entries()) == 1
