"""Secrets that can be recognised, and a search for them wherever this program writes something down."""

from __future__ import annotations

import asyncio
import io
import json
import re
import traceback
from pathlib import Path

from ml_connector.app import App
from ml_connector.domain.errors import MlConnectorError
from tests.e2e.conftest import Serve
from tests.support.elsewhen import SetClock
from tests.support.installation import Installation, surroundings
from tests.support.sandbox_server import SandboxServer

PASSWORD = "Canary-Passw0rd-7f3a"
WRONG = {"password": "Canary-wrong-pass", "client_secret": "Canary-wrong-secret", "refresh_token": "Atzr|Canary-wrong"}

#: What the simulated systems hand out: access tokens, session ids and cookies, signatures of presigned addresses.
HANDED_OUT = re.compile(
    r'"access_token":\s*"([^"]+)"|"SessionId":\s*"([^"]+)"|B1SESSION=([^;\s"]+)|(?:Signature|Token)=([^&"\s]{8,})'
)


def handed_out(world: SandboxServer) -> set[str]:
    return {group for said in world.said for found in HANDED_OUT.findall(said) for group in found if group}


def test_no_secret_is_written_down_anywhere(serve: Serve, tmp_path: Path, clock: SetClock, log: io.StringIO) -> None:
    world = serve(
        sap={"password": PASSWORD},
        faults=({"system": "amazon", "operation": "downloadDocument", "fault": "http_503", "nth": 1},),
    )
    shop = Installation(tmp_path, clock, ML_CONNECTOR_LOG_LEVEL="debug")
    told: list[str] = []

    def tell(*arguments: str, stdin: str = "") -> int:
        for form in ((), ("--json",)):
            said = shop(*arguments, *form, stdin=stdin)
            told.extend((said.out, said.err))
        return said.code

    # A whole life: set up, planned, posted, proved, looked at from every side.
    shop.link(world, "--approval", "person")
    for name in ("amazon", "books"):
        assert tell("connection", "test", name) == 0
        assert tell("connection", "show", name) == 0
    assert tell("plan", "shop") == 0
    plan = shop.ok("plan", "shop")
    assert tell("apply", plan["id"]) == 2  # the first of the two forms has applied it
    for settlement in shop.settlements():
        assert tell("settlement", "prove", settlement) == 0
    for key in [each["key"] for each in shop.records()]:
        assert tell("record", "show", key) == 0
    for command in (
        ("link", "show", "shop"),
        ("doctor",),
        ("audit", "verify"),
        ("secrets", "rotate"),
        ("connection", "list"),
    ):
        assert tell(*command) == 0

    # Everything goes wrong.
    for name, kind, secret in (
        ("books", "sap_business_one", "password"),
        ("amazon", "amazon", "client_secret"),
        ("amazon", "amazon", "refresh_token"),
    ):
        before = world.credentials["amazon" if name == "amazon" else kind][secret]
        replace(shop, name, kind, secret, WRONG[secret])
        assert tell("connection", "test", name) == 2
        assert tell("run", "shop") == 2 or name == "amazon"  # an access token bought before is good for an hour
        told.extend(raised(shop, name))
        replace(shop, name, kind, secret, before)
    world.amazon(lambda doors: doors.account.revoke())
    assert tell("run", "shop") == 2
    world.sap("lock_user")
    assert tell("connection", "test", "books") == 2
    assert tell("backup", str(tmp_path / "copy.db")) == 2  # the second form: the file is there

    secrets = {
        PASSWORD,
        world.credentials["amazon"]["client_secret"],
        world.credentials["amazon"]["refresh_token"],
        *WRONG.values(),
        *handed_out(world),
    }
    assert all(any(kind) for kind in zip(*HANDED_OUT.findall("\n".join(world.said)), strict=True)), (
        "nothing to look for"
    )
    places = {f"what was said {n}": text for n, text in enumerate(told)} | {"the log": log.getvalue()}
    with shop.database() as conn:
        places["the database"] = "\n".join(conn.iterdump())
    for file in [*tmp_path.rglob("*")]:
        if file.is_file() and "config" not in file.parts:
            places[str(file)] = file.read_bytes().decode("latin-1")
    found = {(secret, place) for place, text in places.items() for secret in secrets if secret in text}
    assert not found


def replace(shop: Installation, name: str, kind: str, secret: str, value: str) -> None:
    shop.ok("connection", "add", name, "--kind", kind, "--secrets-stdin", stdin=json.dumps({secret: value}))


def raised(shop: Installation, name: str) -> list[str]:
    """An error as a program that embeds this one would log it: with its causes, and what was on the stack."""

    async def fail() -> list[str]:
        app = await App.open(shop.data, clock=shop.clock)
        try:
            await app.connections.test(name)
        except MlConnectorError as error:
            captured = traceback.TracebackException.from_exception(error, capture_locals=False)
            return ["".join(captured.format()), repr(error), repr(app)]
        finally:
            await app.close()
        return []

    with surroundings(shop.environment):
        return asyncio.run(fail())
