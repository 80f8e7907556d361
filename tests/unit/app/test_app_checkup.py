"""The doctor's word on the clock: tokens, accounting dates and settle windows are reckoned by it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from ml_connector.app import App
from ml_connector.app.checkup import doctor
from ml_connector.app.reports import DoctorCheck
from ml_connector.domain.catalog import Identity
from ml_connector.domain.target import Company
from ml_connector.erp import registry
from ml_connector.vault.keys import MasterKey, write_file
from tests.support.target import FakeTarget


class Elsewhen(FakeTarget):
    """A company whose clock is ahead of ours."""

    ahead_s: float | None = None

    async def ping(self) -> Identity:
        return Identity("Acme", "1", clock_ahead_s=self.ahead_s)


@pytest.fixture
def clock_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[float | None], DoctorCheck]:
    """What the doctor says of the clock, beside a company whose clock is so many seconds ahead."""
    write_file(tmp_path / "master.key", (MasterKey.new(),), new=True)
    monkeypatch.setenv("ML_CONNECTOR_MASTER_KEY_FILE", str(tmp_path / "master.key"))
    known = registry.connector("sap_business_one")

    async def connect(settings: Mapping[str, str], secrets: Mapping[str, str], tools: registry.Tools) -> Company:
        return Elsewhen()

    monkeypatch.setattr(registry, "connector", lambda _kind: replace(known, connect=connect))

    async def ask() -> list[DoctorCheck]:
        await App.init(tmp_path / "data", moved=False)
        app = await App.open(tmp_path / "data")
        settings = {"base_url": "https://sap.example/b1s/v2", "company_db": "SBO_ACME", "username": "mlconnector"}
        await app.connections.add("books", "sap_business_one", settings, {"password": "correct horse"}, "a test")
        await app.close()
        return await doctor(tmp_path / "data")

    def check(ahead_s: float | None) -> DoctorCheck:
        monkeypatch.setattr(Elsewhen, "ahead_s", ahead_s)
        return next(each for each in asyncio.run(ask()) if each.name == "clock")

    return check


def test_a_clock_that_agrees_with_every_server_is_well(clock_check: Callable[[float | None], DoctorCheck]) -> None:
    check = clock_check(-2.0)
    assert (check.ok, check.words) == (True, "at most 2 s from the database, books")


def test_a_server_that_does_not_say_is_not_reckoned_with(clock_check: Callable[[float | None], DoctorCheck]) -> None:
    check = clock_check(None)
    assert (check.ok, check.words) == (True, "at most 0 s from the database")


@pytest.mark.parametrize(
    ("ahead_s", "words"), [(3600.0, "3600 s behind books"), (-315_360_000.0, "315360000 s ahead of books")]
)
def test_a_clock_that_is_far_from_a_server_is_called_wrong(
    clock_check: Callable[[float | None], DoctorCheck], ahead_s: float, words: str
) -> None:
    check = clock_check(ahead_s)
    assert not check.ok
    assert check.words == f"This machine's clock is {words}: set it right before anything is posted."
