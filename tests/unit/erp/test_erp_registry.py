"""Promises about how an ERP becomes known to the program."""

from pathlib import Path

import pytest

import ml_connector.erp
from ml_connector.domain.errors import WrongUse
from ml_connector.erp.registry import connector, connectors


def test_business_one_registers_itself_under_its_folders_name() -> None:
    assert connector("sap_business_one").label == "SAP Business One"
    assert set(connectors()) >= {"sap_business_one"}


def test_an_unknown_erp_is_refused_naming_those_there_are() -> None:
    with pytest.raises(WrongUse, match="sap_business_one"):
        connector("abacus")


def test_every_erp_has_the_same_rooms() -> None:
    folders = [each for each in Path(ml_connector.erp.__file__).parent.iterdir() if (each / "connector.py").is_file()]
    beside = {"__pycache__", "odata.py"}  # the dialect is the system's own
    rooms = {each.name: {room.name for room in each.iterdir()} - beside for each in folders}

    assert set(rooms) >= {"sap_business_one", "sage_300"}
    assert set(map(frozenset, rooms.values())) == {
        frozenset(
            {"__init__.py", "config.py", "auth.py", "client.py", "errors.py", "values.py", "company.py"}
            | {"documents", "routes", "reads", "connector.py", "quality.toml", "README.md"}
        )
    }
