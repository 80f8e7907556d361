"""Sage 300 in the place of Business One: settlements into batches, which people post where the link says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_connector.sandbox.clock import present
from ml_connector.sandbox.tls import ThrowAwayTls, throw_away_tls
from tests.e2e.conftest import Serve
from tests.support.installation import Installation, Said, connection
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


# --- a server on the customer's premises, with an authority of its own -------------------------------------------------


@pytest.fixture
def authority() -> ThrowAwayTls:
    return throw_away_tls(present())


@pytest.fixture
def on_premises(authority: ThrowAwayTls, tmp_path: Path) -> Iterator[SandboxServer]:
    file = tmp_path / "server.pem"
    file.write_text(authority.certificate_pem + authority.key_pem)
    server = SandboxServer({}, certificate=file)
    yield server
    server.stop()


def add_books(shop: Installation, world: SandboxServer, **trusted: str) -> Said:
    books = world.credentials["sage_300"]
    shop.ok("init")
    return shop(
        *connection("books", "sage_300", books, **trusted), "--json", stdin=json.dumps({"password": books["password"]})
    )


def test_a_server_with_the_customers_own_authority_is_trusted_once_that_is_given(
    on_premises: SandboxServer, shop: Installation, authority: ThrowAwayTls
) -> None:
    assert on_premises.credentials["sage_300"]["base_url"].startswith("https://")

    added = add_books(shop, on_premises, ca_pem=authority.ca_pem)

    assert added.code == 0, added.err
    assert shop.ok("connection", "test", "books")["identity"]["name"] == "Sandbox Trading Inc."


@pytest.mark.parametrize("given", ["nothing", "another authority"])
def test_without_that_authority_a_sentence_says_what_to_give_and_nothing_of_the_sign_in_is_sent(
    on_premises: SandboxServer, shop: Installation, given: str
) -> None:
    trusted = {} if given == "nothing" else {"ca_pem": throw_away_tls(present()).ca_pem}

    added = add_books(shop, on_premises, **trusted)

    tested = shop("connection", "test", "books", "--json")
    assert (added.code, tested.code) == (0, 3)
    assert "The certificate of Sage 300 is not trusted here" in tested.message
    assert "give the connection the authority that signed it (ca_pem)" in tested.message
    assert on_premises.said == []


def test_what_is_no_certificate_is_refused_when_it_is_given(on_premises: SandboxServer, shop: Installation) -> None:
    added = add_books(shop, on_premises, ca_pem="/etc/ssl/company-ca.pem")

    assert added.code == 2
    assert "PEM text" in added.message
