"""Keeping the house: keys, audit trail, restored and copied folders, what goes wrong outside."""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
from pathlib import Path

import pytest

from ml_connector.store import audit_head
from tests.e2e.conftest import Serve
from tests.support.installation import Installation, Said

NOBODY = "http://127.0.0.1:1"


def no_traceback(said: Said) -> Said:
    assert "Traceback" not in said.err and "Traceback" not in said.out
    return said


# --- outside causes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["plan", "run", "doctor"])
def test_without_a_data_folder_the_sentence_says_what_to_do(shop: Installation, command: str) -> None:
    said = no_traceback(shop(command, *(["shop"] if command != "doctor" else []), "--json"))
    words = said.json["checks"][-1]["words"] if command == "doctor" else said.message
    assert (said.code, words) == (
        1 if command == "doctor" else 2,
        f"There is no data folder at {shop.data}: run ml-connector init first.",
    )


@pytest.mark.parametrize(
    ("name", "secret", "says"),
    [
        ("books", "password", "SAP refused the sign-in of 'mlconnector'"),
        ("amazon", "client_secret", "enter the new one"),
        ("amazon", "refresh_token", "Re-authorise"),
    ],
)
def test_a_wrong_secret_is_named_by_the_test_of_its_connection(
    serve: Serve, shop: Installation, name: str, secret: str, says: str
) -> None:
    world = serve(settlements=1)
    shop.connect(world)
    shop.ok("connection", "test", name)
    kind = "amazon" if name == "amazon" else "sap_business_one"
    shop.ok("connection", "add", name, "--kind", kind, "--secrets-stdin", stdin=json.dumps({secret: "Atzr|wrong-one"}))

    message = shop.refused(2, "connection", "test", name)

    assert says in message and "wrong-one" not in message


def test_a_withdrawn_authorisation_ends_the_run_with_a_sentence(serve: Serve, shop: Installation) -> None:
    world = serve(settlements=1)
    shop.link(world)
    world.amazon(lambda doors: doors.account.revoke())
    said = no_traceback(shop("run", "shop", "--json"))
    assert said.code == 2
    assert "Re-authorise" in said.json["trouble"]
    assert said.json["trouble"] in said.err


def test_a_locked_user_ends_the_posting_and_the_next_run_goes_on(serve: Serve, shop: Installation) -> None:
    world = serve(settlements=1)
    shop.link(world, "--approval", "person")
    plan = shop.ok("plan", "shop")
    with shop.database() as conn:
        conn.execute("UPDATE documents SET state = 'approved'")
    world.sap("change_password", password="another one")

    said = no_traceback(shop("record", "replay", shop.settlements()[0], "--json"))
    assert said.code == 2
    said = no_traceback(shop("run", "shop", "--json"))
    assert said.code == 2 and "SAP refused the sign-in" in said.json["trouble"]
    assert world.entries() == []

    shop.ok(
        "connection", "add", "books", "--kind", "sap_business_one", "--secrets-stdin",
        stdin=json.dumps({"password": "another one"}),
    )  # fmt: skip
    assert shop.ok("run", "shop")["posted"] == len(plan["documents"])


@pytest.mark.parametrize("system", ["amazon", "books"])
def test_a_system_that_is_down_is_exit_3(serve: Serve, shop: Installation, system: str) -> None:
    world = serve(settlements=1)
    shop.link(world)
    if system == "books":
        shop.ok("connection", "add", "books", "--kind", "sap_business_one", "--set", f"base_url={NOBODY}/b1s/v2")
    else:
        shop.ok(
            "connection", "add", "amazon", "--kind", "amazon",
            "--set", f"base_url={NOBODY}/amazon", "--set", f"token_url={NOBODY}/token",
        )  # fmt: skip

    message = shop.refused(3, "connection", "test", system)
    assert "did not answer" in message and "Try again later" in message
    said = no_traceback(shop("run", "shop", "--json"))
    assert (said.code, said.json["exit_code"]) == (3, 3)
    assert "did not answer" in said.json["trouble"]
    if system == "books":
        checks = shop("doctor", "--json").json["checks"]
        assert [each["name"] for each in checks if not each["ok"]] == ["connection books"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("plan",), "Missing argument"),
        (("plan", "shop", "--colour"), "No such option"),
        (("nonsense",), "No such command"),
        (("run", "shop", "--since", "soon"), "YYYY-MM-DD"),
        (("plan", "shop", "prices"), "There is no flow 'prices'; there are: settlements, orders."),
        (("connection", "add", "x", "--kind", "oracle", "--secrets-stdin"), "There is no kind 'oracle'"),
        (("connection", "add", "x", "--kind", "amazon", "--set", "region"), "--set takes field=value"),
        (("connection", "show", "x"), "There is no connection 'x'"),
        (("link", "show", "x"), "There is no link 'x'"),
        (("plan", "x"), "There is no link 'x'"),
        (("record", "show", "x"), "No record 'x' is known here"),
        (("record", "replay", "x"), "No document X is known here"),
        (("settlement", "prove", "x"), "Settlement x is not known here"),
        (("reconcile", "x", "--period", "2026-10"), "There is no link 'x'"),
        (("mapping", "import", "x", "/nowhere"), "There is no link 'x'"),
    ],
)
def test_wrong_use_is_one_sentence_and_one_document(shop: Installation, arguments: tuple[str, ...], says: str) -> None:
    shop.ok("init")
    said = no_traceback(shop(*arguments, "--json", stdin="{}"))
    assert said.code == 2
    assert says in said.message
    assert shop(*arguments, stdin="{}").out == ""


def test_files_that_cannot_be_written_are_one_sentence(shop: Installation, tmp_path: Path) -> None:
    shop.ok("init")
    assert "missing" in shop.refused(2, "backup", str(tmp_path / "missing" / "copy.db"))
    (tmp_path / "file").write_text("")
    message = no_traceback(shop("init", "--data", str(tmp_path / "file"), "--json"))
    assert message.code == 2 and "file" in message.message


# --- keys --------------------------------------------------------------------------------------------------------------


def test_the_master_key_is_made_apart_from_the_data(shop: Installation) -> None:
    made = shop.ok("init")
    key = Path(made["key_from"])
    assert made["created"] is True and key.stat().st_mode & 0o777 == 0o600
    assert not key.is_relative_to(shop.data)
    assert shop.ok("init")["created"] is False
    assert shop.data.stat().st_mode & 0o077 == 0


def test_a_missing_or_wrong_master_key_stops_everything(shop: Installation) -> None:
    key = Path(shop.ok("init")["key_from"])
    content = key.read_text()
    key.unlink()
    assert "put it back" in shop.refused(2, "connection", "list")
    assert "is missing" in shop.refused(2, "init")
    other = Installation(shop.place / "other", shop.clock)
    shutil.copy(Path(other.ok("init")["key_from"]), key)
    assert "is not the one of this database" in shop.refused(2, "connection", "list")
    key.write_text(content)
    key.chmod(0o644)
    assert f"chmod 600 {key}" in shop.refused(2, "connection", "list")
    key.chmod(0o600)
    assert shop.ok("connection", "list") == []


def test_a_rotation_seals_everything_anew_and_the_sign_ins_go_on(serve: Serve, shop: Installation) -> None:
    world = serve(settlements=1)
    shop.link(world)
    key = next((shop.place / "config").rglob("master.key"))
    before = key.read_text()

    done = shop.ok("secrets", "rotate")

    assert done["secrets"] >= 4 and done["key_from"] == str(key)
    assert key.read_text() != before
    assert shop.ok("run", "shop")["proved"] == 1
    assert shop.ok("audit", "verify")["ok"] is True


def test_a_key_from_the_environment_is_rotated_with_both_in_it(shop: Installation) -> None:
    from ml_connector.vault.keys import MasterKey

    old, new = MasterKey.new().text, MasterKey.new().text
    shop.environment["ML_CONNECTOR_MASTER_KEY"] = old
    shop.ok("init")
    assert "separated by a comma" in shop.refused(2, "secrets", "rotate")
    shop.environment["ML_CONNECTOR_MASTER_KEY"] = f"{new},{old}"
    assert shop.ok("secrets", "rotate")["key_from"] == "ML_CONNECTOR_MASTER_KEY"
    shop.environment["ML_CONNECTOR_MASTER_KEY"] = new
    assert shop.ok("audit", "verify")["ok"] is True


# --- audit, restore, copies --------------------------------------------------------------------------------------------


def test_the_audit_trail_verifies_until_somebody_changes_it(serve: Serve, shop: Installation) -> None:
    shop.link(serve(settlements=1))
    shop.ok("run", "shop")
    good = shop.ok("audit", "verify")
    assert good["ok"] is True and good["events"] > 5
    with shop.database() as conn, pytest.raises(sqlite3.DatabaseError):
        conn.execute("UPDATE audit SET actor = 'nobody' WHERE seq = 3")

    with shop.database() as conn:
        drop_triggers(conn)
        conn.execute("UPDATE audit SET actor = 'nobody' WHERE seq = 3")

    said = shop("audit", "verify", "--json")
    assert (said.code, said.json["ok"]) == (1, False)
    assert said.json["words"].startswith("Event 3 does not hold")


def test_a_trail_that_was_cut_at_its_end_is_found_out(shop: Installation) -> None:
    shop.ok("init")
    shop.ok("backup", str(shop.place / "copy.db"))
    with shop.database() as conn:
        drop_triggers(conn)
        conn.execute("DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)")
    for _ in range(2):
        said = shop("audit", "verify", "--json")
        assert said.code == 1 and "ends before the head beside it" in said.json["words"]
        assert shop("doctor", "--json").code == 1


def test_a_head_file_that_was_spoilt_is_said_and_the_next_run_recovers(serve: Serve, shop: Installation) -> None:
    shop.link(serve(settlements=1))
    head = shop.data / audit_head.NAME
    head.write_text("half a he")

    said = shop("audit", "verify", "--json")
    assert said.code == 1 and "audit-head.json beside it cannot be read" in said.json["words"]
    assert shop("run", "shop", "--json").code == 3  # nothing is written to the ERP for a while

    assert audit_head.read(head) is not None
    assert shop.ok("audit", "verify")["ok"] is True


@pytest.mark.parametrize("kept", [0.5, 0.0])
def test_a_damaged_database_is_called_damaged(shop: Installation, kept: float) -> None:
    shop.ok("init")
    file = shop.data / "ml-connector.db"
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * kept)] + bytes(range(1, 256)) * 100)

    assert "put the newest backup in its place" in shop.refused(3, "record", "list")
    assert shop("doctor", "--json").code == 1


def drop_triggers(conn: sqlite3.Connection) -> None:
    for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        conn.execute(f"DROP TRIGGER {name}")


def test_a_restored_database_says_so_and_writes_nothing_for_a_while(serve: Serve, shop: Installation) -> None:
    world = serve(settlements=1)
    shop.link(world)
    shop.ok("backup", str(shop.place / "copy.db"))
    shop.ok("run", "shop")
    posted = world.entries()
    for file in shop.data.glob("ml-connector.db*"):
        file.unlink()
    shutil.copy(shop.place / "copy.db", shop.data / "ml-connector.db")

    said = shop("run", "shop", "--json")

    assert said.code == 3
    assert "it was restored" in said.err and "it was restored" in said.json["trouble"]
    assert world.entries() == posted
    recovery = [each for each in shop("doctor", "--json").json["checks"] if each["name"] == "recovery"]
    assert [each["ok"] for each in recovery] == [False]

    with shop.database() as conn:  # the while is over
        conn.execute("UPDATE watermarks SET value = '2020-01-01T00:00:00+00:00' WHERE flow = 'recover_until'")
    report = shop.ok("run", "shop")
    assert (report["posted"], report["adopted"], report["proved"]) == (0, len(posted), 1)
    assert world.entries() == posted


def test_a_database_made_anew_beside_an_older_trail_writes_nothing_for_a_while(
    serve: Serve, shop: Installation
) -> None:
    """Somebody lost the database and began again: what the old one had sent may still land."""
    world = serve(settlements=1)
    shop.link(world)
    shop.ok("run", "shop")
    posted = world.entries()
    for file in shop.data.glob("ml-connector.db*"):
        file.unlink()

    shop.link(world)
    said = shop("run", "shop", "--json")

    assert (said.code, world.entries()) == (3, posted)
    assert "nothing is written there before" in said.json["trouble"]


def test_a_copied_folder_on_another_host_is_refused_until_it_is_said_to_have_moved(
    shop: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.ok("init")
    monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere")
    for command in (("connection", "list"), ("init",)):
        assert "run init --moved" in shop.refused(2, *command)
    shop.ok("init", "--moved")
    assert shop.ok("connection", "list") == []


def test_a_backup_is_a_whole_database_without_the_key(serve: Serve, shop: Installation) -> None:
    shop.link(serve(settlements=1))
    shop.ok("run", "shop")
    target = shop.place / "copy.db"
    shop.ok("backup", str(target))
    with sqlite3.connect(target) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert conn.execute("SELECT count(*) FROM documents").fetchone() == (1,)
    conn.close()
    assert target.stat().st_mode & 0o077 == 0
    assert "exists already" in shop.refused(2, "backup", str(target))


# --- doctor, connections, links, mappings ------------------------------------------------------------------------------


def test_the_doctor_looks_at_everything(serve: Serve, shop: Installation) -> None:
    shop.link(serve(settlements=1))
    checks = shop.ok("doctor")["checks"]
    assert [each["name"] for each in checks] == [
        "versions", "data folder", "master key", "database", "audit trail", "connection amazon", "connection books",
        "clock",
    ]  # fmt: skip
    assert all(each["ok"] for each in checks)
    assert "Sandbox Trading Inc." in shop("doctor").out


def test_connections_are_listed_shown_changed_and_removed(serve: Serve, shop: Installation) -> None:
    world = serve(settlements=1)
    shop.connect(world)
    assert [each["name"] for each in shop.ok("connection", "list")] == ["amazon", "books"]
    shown = shop.ok("connection", "show", "books")
    assert shown["secret_fields"] == ["password"] and "password" not in shown["settings"]
    assert "(set, encrypted)" in shop("connection", "show", "books").out

    changed = shop.ok("connection", "add", "books", "--kind", "sap_business_one", "--set", "page_size=50")
    assert changed["settings"] == {**shown["settings"], "page_size": "50"}
    assert "choose another name" in shop.refused(
        2, "connection", "add", "books", "--kind", "amazon", "--secrets-stdin", stdin="{}"
    )

    shop.ok("connection", "remove", "books")
    assert [each["name"] for each in shop.ok("connection", "list")] == ["amazon"]


@pytest.mark.parametrize(
    ("name", "kind", "change"),
    [
        ("amazon", "amazon", "seller_id=A00000000000X"),
        ("amazon", "amazon", "region=EU"),
        ("books", "sap_business_one", "company_db=ANOTHER"),
    ],
)
def test_a_connection_that_something_was_booked_through_stays_with_its_account(
    serve: Serve, shop: Installation, name: str, kind: str, change: str
) -> None:
    """Document keys are made of the seller id: with another one, what is posted already would be posted once more."""
    shop.link(serve(settlements=1))
    shop.ok("run", "shop")

    message = shop.refused(2, "connection", "add", name, "--kind", kind, "--set", change, "--secrets-stdin", stdin="{}")

    assert change.partition("=")[0] in message and "another name" in message
    assert shop.ok("connection", "add", name, "--kind", kind, "--secrets-stdin", stdin="{}")["name"] == name


def test_until_something_was_booked_through_it_a_connection_takes_another_account(
    serve: Serve, shop: Installation
) -> None:
    shop.link(serve(settlements=1))
    for name, kind, change in (
        ("amazon", "amazon", "seller_id=A00000000000X"),
        ("books", "sap_business_one", "company_db=ANOTHER"),
    ):
        saved = shop.ok("connection", "add", name, "--kind", kind, "--set", change, "--secrets-stdin", stdin="{}")
        assert change.partition("=")[2] in saved["settings"].values()


def test_links_are_listed_shown_and_keep_their_connections(serve: Serve, shop: Installation) -> None:
    shop.link(serve(settlements=1))
    assert [each["name"] for each in shop.ok("link", "list")] == ["shop"]
    shown = shop.ok("link", "show", "shop")
    assert (shown["stores"], shown["closed_period"], shown["mapping_version"]) == (["US"], "hold", 1)
    for_people = shop("link", "show", "shop").out
    assert "US=America/Los_Angeles" in for_people and "yes" in for_people and "{" not in for_people
    assert "is used by the link 'shop'" in shop.refused(2, "connection", "remove", "books")
    for arguments, says in (
        (("--stores", "XX"), "There is no store XX"),
        (("--stores", "US", "--zone", "US=Mars/Olympus"), "no IANA time zone"),
        (("--stores", "US", "--policy", "cash"), "settlement_summary"),
        (("--stores", "US", "--closed-period", "maybe"), "next_open_day"),
        (("--stores", "US", "--erp", "amazon"), "There is no ERP connection 'amazon'"),
    ):
        message = shop.refused(
            2, "link", "add", "other", "--amazon", "amazon", "--erp", "books", "--policy", "settlement_summary",
            "--closed-period", "hold", *arguments,
        )  # fmt: skip
        assert says in message
    shop.ok("link", "remove", "shop")
    assert shop("link", "list").out.startswith("No link yet.")


@pytest.mark.parametrize("ending", ["csv", "toml"])
def test_a_mapping_goes_out_and_comes_back_the_same(serve: Serve, shop: Installation, ending: str) -> None:
    shop.link(serve(settlements=1))
    rules = shop.ok("mapping", "export", "shop")
    file = shop.place / f"out.{ending}"
    assert shop("mapping", "export", "shop", str(file)).code == 0
    assert shop.ok("mapping", "import", "shop", str(file))["version"] == 1, "the same content is the same version"
    assert shop.ok("mapping", "export", "shop") == rules


def test_a_mapping_is_checked_against_the_accounts_and_gaps_get_suggestions(serve: Serve, shop: Installation) -> None:
    world = serve(settlements=1)
    shop.link(world)
    assert shop.ok("mapping", "check", "shop")["findings"] == []
    assert shop("mapping", "check", "shop").out == "Every category has an account that can be posted to.\n"

    world.sap("freeze_account", code="611000")
    shop.ok("mapping", "import", "shop", str(shop.mapping_with({"advertising": None, "reserve": "401000"})))
    said = shop("mapping", "check", "shop", "--json")
    assert said.code == 1
    words = {each["code"]: each["message"] for each in said.json["findings"]}
    assert any("611000" in message for message in words.values())
    assert "advertising" in words["unmapped_category"]
    suggested = {each["category"]: each["account"] for each in shop.ok("mapping", "suggest", "shop")}
    assert suggested.get("advertising") == "631000"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("category,account\n", "no rules"),
        ("category,account\nproduct_sale,401000\n", "there is no category 'product_sale'"),
        ("category,account\nproduct_sales,\n", "the account is missing"),
        ("category,account\nproduct_sales,401000\nproduct_sales,402000\n", "says the same thing as Line 2"),
        ("category,konto\nproduct_sales,401000\n", "must name columns"),
    ],
)
def test_a_mapping_that_is_wrong_is_refused_with_its_line(
    serve: Serve, shop: Installation, text: str, says: str
) -> None:
    shop.link(serve(settlements=1))
    file = shop.place / "wrong.csv"
    file.write_text(text)
    assert says in shop.refused(2, "mapping", "import", "shop", str(file))
    assert shop.ok("link", "show", "shop")["mapping_version"] == 1


def test_a_record_shows_its_lines_attempts_and_history(serve: Serve, shop: Installation) -> None:
    shop.link(serve(settlements=1))
    shop.ok("run", "shop")
    (key,) = [each["key"] for each in shop.records("JE")]
    detail = shop.ok("record", "show", key.lower())
    assert [each["outcome"] for each in detail["attempts"]] == ["accepted"]
    assert [each["event"] for each in detail["history"]] == ["approved", "attempt", "posted"]
    assert detail["ids"]["JdtNum"] and detail["lines"]
    out = shop("record", "show", key).out
    assert all(word in out for word in ("Lines", "Attempts", "History", "accepted"))
    assert [each["key"] for each in shop.ok("record", "list", "--state", "posted", "--link", "shop")][1:] == [key]


def test_records_are_listed_by_link_state_and_kind(serve: Serve, shop: Installation) -> None:
    assert shop.ok("init")
    assert shop("record", "list").out == "Nothing was read yet.\n"
    shop.link(serve(settlements=1))
    shop.ok("run", "shop")
    entries = shop.ok("record", "list", "--kind", "JE")
    assert entries and entries == shop.ok("record", "list", "--kind", "JournalEntry", "--link", "shop")
    assert {each["kind"] for each in shop.ok("record", "list", "--kind", "settlement")} == {"settlement"}
    assert shop("record", "list", "--state", "held").out == "No record is of that kind and in that state.\n"
    assert shop.refused(2, "record", "list", "--kind", "journal").startswith("There is no kind 'journal'; there are: ")
    assert shop.refused(2, "record", "list", "--link", "none").startswith("There is no link 'none'")


def test_the_audit_head_beside_the_database_is_written_by_every_command(shop: Installation) -> None:
    shop.ok("init")
    shop.ok("backup", str(shop.place / "copy.db"))
    head = audit_head.read(shop.data / audit_head.NAME)
    assert head is not None and head.seq == shop.ok("audit", "verify")["events"]
