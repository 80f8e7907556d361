"""The setting that shortens the settle window is for tests on this machine only: anywhere else it would post twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from ml_connector.app import App
from ml_connector.domain.errors import WrongUse
from ml_connector.domain.target import Company
from ml_connector.erp import registry
from ml_connector.vault.keys import MasterKey, write_file
from tests.support.target import FakeTarget


@pytest.fixture
def target_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Company]:
    """Opens a company at an address, in an installation with a settle window of two seconds."""
    write_file(tmp_path / "master.key", (MasterKey.new(),), new=True)
    monkeypatch.setenv("ML_CONNECTOR_MASTER_KEY_FILE", str(tmp_path / "master.key"))
    monkeypatch.setenv("ML_CONNECTOR_TEST_SETTLE_S", "2")

    async def opened(base_url: str) -> Company:
        await App.init(tmp_path / "data", moved=False)
        app = await App.open(tmp_path / "data")
        settings = {"base_url": base_url, "company_db": "SBO_ACME", "username": "mlconnector"}
        try:
            await app.connections.add("books", "sap_business_one", settings, {"password": "correct horse"}, "a test")
            return await app.connections.target("books")
        finally:
            await app.close()

    return lambda base_url: asyncio.run(opened(base_url))


@pytest.mark.parametrize(
    "base_url",
    ["https://sap.example:50000/b1s/v2", "https://127.0.0.1.sap.example/b1s/v2", "https://10.0.0.7:50000/b1s/v2"],
)
def test_a_shortened_settle_window_is_refused_for_a_company_that_is_not_on_this_machine(
    target_at: Callable[[str], Company], base_url: str
) -> None:
    with pytest.raises(WrongUse, match=r"test_settle_s is set, and books is not on this machine\. Remove the setting"):
        target_at(base_url)


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:50000/b1s/v2", "http://localhost:50000/b1s/v2"])
def test_on_this_machine_it_reaches_the_connector(
    target_at: Callable[[str], Company], base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lent: list[registry.Tools] = []

    async def connect(settings: Mapping[str, str], secrets: Mapping[str, str], tools: registry.Tools) -> Company:
        lent.append(tools)
        return FakeTarget()

    known = registry.connector("sap_business_one")
    monkeypatch.setattr(registry, "connector", lambda _kind: replace(known, connect=connect))

    target_at(base_url)

    assert [tools.settle_s for tools in lent] == [2.0]
