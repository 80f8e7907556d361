"""What a person may type, or a server send, that must not harm the installation nor show a secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ml_connector.app import mapping_files
from ml_connector.domain.errors import WrongUse
from ml_connector.domain.mapping import AccountRule, Placement
from tests.support.installation import Installation

CANARY = "canary-0ddba11"
SAP = ("--kind", "sap_business_one", "--set", "base_url=https://erp.example/b1s/v2", "--set", "company_db=C")


@pytest.fixture
def shop(tmp_path: Path) -> Installation:
    made = Installation(tmp_path)
    made.ok("init")
    return made


def test_no_connection_can_have_the_name_under_which_the_audit_key_is_kept(shop: Installation) -> None:
    # given, when: whoever removes a connection removes its secrets
    added = shop(
        "connection",
        "add",
        "installation",
        *SAP,
        "--set",
        "username=u",
        "--secrets-stdin",
        "--json",
        stdin='{"password": "x"}',
    )
    shop("connection", "remove", "installation")

    # then
    assert added.code == 2
    assert shop.ok("audit", "verify")["ok"]


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        (("--set", CANARY), "{}"),
        (("--set", f"password:{CANARY}"), "{}"),
        (("--set", f"password={CANARY}"), "{}"),
        (("--set", f"{CANARY}=="), "{}"),
        ((), f'{{"password": "{CANARY}'),
        ((), f'["{CANARY}"]'),
        ((), f'{{"password": {{"is": "{CANARY}"}}}}'),
        ((), f'{{"{CANARY}": "x"}}'),
        ((), json.dumps({"password": f"{CANARY}\ud800"})),
        ((), json.dumps({"password": f"{CANARY}\0"})),
        ((), "[" * 60_000),
    ],
)
def test_a_sign_in_that_is_refused_repeats_nothing_of_it(
    shop: Installation, arguments: tuple[str, ...], stdin: str
) -> None:
    said = shop(
        "connection", "add", "books", *SAP, "--set", "username=u", *arguments, "--secrets-stdin", "--json", stdin=stdin
    )

    assert said.code == 2
    assert said.message
    assert CANARY not in said.out + said.err


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("m.csv", "category,account\nproduct_sales," + "a" * 200_000 + "\n"),
        ("m.toml", "rule=" + "[" * 100_000),
        ("m.toml", "rule=[1]"),
        ("m.csv", "category,account\nproduct_sales,1\r2\n" + "\0"),
    ],
)
def test_a_mapping_that_is_none_is_refused_with_a_sentence(name: str, text: str) -> None:
    with pytest.raises(WrongUse):
        mapping_files.read(text, name.removeprefix("m."))


def test_a_cell_that_a_spreadsheet_would_run_is_written_as_text_and_read_back_as_it_was() -> None:
    rules = tuple(
        AccountRule(Placement(account, ()), category="product_sales", store=f"S{number}")
        for number, account in enumerate(("=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "'=1", "''-1", "'plain", "4000"))
    )

    text = mapping_files.write(rules, "csv")

    cells = [cell for line in text.splitlines()[1:] for cell in line.split(",")]
    assert not [cell for cell in cells if cell.lstrip('"')[:1] in tuple("=+-@")]
    assert [rule.placement for rule in mapping_files.read(text, "csv")] == [rule.placement for rule in rules]


def test_a_chain_whose_head_was_removed_does_not_verify(shop: Installation) -> None:
    # given: whoever cuts events off the end removes what would tell
    shop.ok("connection", "add", "books", *SAP, "--set", "username=u", "--secrets-stdin", stdin='{"password": "x"}')
    (shop.data / "audit-head.json").unlink()

    said = shop("audit", "verify", "--json")

    assert said.code == 1
    assert "cut off" in said.json["words"]


def test_a_new_data_folder_has_its_head_from_the_start(shop: Installation) -> None:
    assert (shop.data / "audit-head.json").is_file()
