"""The demo does the main job, and believes nobody: one cent in the ledger makes it fail."""

from __future__ import annotations

import os
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.installation import Installation
from tests.support.sandbox_server import SandboxServer


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """A working folder of its own, and settings of a user that the demo must not touch."""
    monkeypatch.chdir(tmp_path)
    return Installation(tmp_path / "users", ML_CONNECTOR_DATABASE="postgresql://nobody@127.0.0.1:1/production")


def periods(settlement: dict[str, Any]) -> set[str]:
    return {document["key"].rpartition("-")[2] for document in settlement["documents"]}


@pytest.mark.parametrize("erp", ["sap_business_one", "sage_300"])
def test_the_demo_posts_and_proves_and_its_repeat_posts_nothing(here: Installation, tmp_path: Path, erp: str) -> None:
    first = here.ok("demo", "--keep", "--erp", erp)

    assert set(first) == {"settlements", "posted", "held", "proved"}
    assert all(set(each) >= {"id", "total", "currency", "proved", "documents"} for each in first["settlements"])
    assert {each["currency"] for each in first["settlements"]} == {"USD", "EUR"}
    assert any(len(periods(each)) == 2 for each in first["settlements"]), "none crosses a fiscal period"
    assert len(first["settlements"]) == first["proved"] >= 3
    assert first["posted"] == sum(len(each["documents"]) for each in first["settlements"])
    assert first["held"] == 0
    assert all(Decimal(each["total"]) for each in first["settlements"])
    assert not (here.data).exists() and not (here.place / "config").exists()

    second = here.ok("demo", "--keep", "--erp", erp)

    assert second["posted"] == 0
    without = [{k: v for k, v in each.items() if k != "audit_head"} for each in second["settlements"]]
    assert without == [{k: v for k, v in each.items() if k != "audit_head"} for each in first["settlements"]]

    nudge_a_cent(tmp_path / ".demo" / "sandbox.db", erp, first["settlements"][0])
    third = here("demo", "--keep", "--erp", erp)

    assert third.code == 1
    assert f"posted: 0  held: 0  proved: {first['proved'] - 1} of {first['proved']}" in third.out
    assert "NOT PROVED" in third.out and "check 5 (ledger)" in third.out


def nudge_a_cent(state: Path, erp: str, settlement: dict[str, Any]) -> None:
    """One cent, in one line of the kept sandbox's ledger."""
    kept = SandboxServer(state=state)
    ids = settlement["documents"][0]["ids"]
    if erp == "sap_business_one":
        kept.sap("nudge_line", jdt_num=int(ids["JdtNum"]), line_id=0)
    else:
        kept.sage("nudge_line", number=ids["BatchNumber"])
    kept.stop()


def test_a_demo_without_keep_leaves_nothing_behind(here: Installation, tmp_path: Path) -> None:
    before = dict(os.environ)
    told = here("demo")
    assert told.code == 0, told
    for word in ("$ ml-connector init", "$ ml-connector apply", "proved: 6 of 6", "audit head "):
        assert word in told.out
    assert "class refused" not in told.out and "the server itself refuses a second posting" in told.out
    assert list(tmp_path.iterdir()) == []
    assert dict(os.environ) == before


def test_an_erp_that_the_sandbox_has_not_is_named(here: Installation) -> None:
    message = here.refused(2, "demo", "--erp", "oracle")
    assert message.startswith("The sandbox has no ERP 'oracle'; it has: ") and "sap_business_one" in message


def test_a_sandbox_that_does_not_start_ends_the_demo_in_one_sentence(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/true")
    assert here.refused(3, "demo").startswith("The sandbox did not start")


def test_a_kept_demo_stays_with_its_erp(here: Installation, tmp_path: Path) -> None:
    (tmp_path / ".demo").mkdir()
    (tmp_path / ".demo" / "erp").write_text("sage_300")
    message = here.refused(2, "demo", "--keep")
    assert message.endswith("holds a demo with sage_300: go on with --erp sage_300, or remove the folder.")


def test_a_command_that_fails_ends_the_demo_with_its_own_sentence_and_exit_code(
    here: Installation, tmp_path: Path
) -> None:
    (tmp_path / ".demo").mkdir()
    (tmp_path / ".demo" / "data").write_text("this should be a folder")

    said = here("demo", "--keep")
    assert said.code == 2
    assert said.err.count("Check the path") == 1
    assert "Check the path" in here.refused(2, "demo", "--keep")
