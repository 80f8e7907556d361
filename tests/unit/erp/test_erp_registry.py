"""Promises about how an ERP becomes known to the program."""

import pytest

from ml_connector.domain.errors import WrongUse
from ml_connector.erp.registry import connector, connectors


def test_business_one_registers_itself_under_its_folders_name() -> None:
    assert connector("sap_business_one").label == "SAP Business One"
    assert set(connectors()) >= {"sap_business_one"}


def test_an_unknown_erp_is_refused_naming_those_there_are() -> None:
    with pytest.raises(WrongUse, match="sap_business_one"):
        connector("abacus")
