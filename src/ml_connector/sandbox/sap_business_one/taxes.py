"""Which tax a row bears: its code, where that comes from when none is sent, and its rate on the day.

A company works with sales tax codes (TaxCode) or with VAT groups (VatGroup), not with both: which one is a setting of the
scenario (dossier, sections 6.3 and 6.6).
"""

from __future__ import annotations

from decimal import Decimal

from ml_connector.sandbox.sap_business_one.catalog import Catalog
from ml_connector.sandbox.sap_business_one.checks import ZERO, money
from ml_connector.sandbox.sap_business_one.errors import rejected
from ml_connector.sandbox.sap_business_one.schema import Row
from ml_connector.sandbox.sap_business_one.tables import Tables
from ml_connector.sandbox.switches import Switches

EXEMPT = "EX"


class Taxes:
    """Tax codes of one company."""

    def __init__(self, tables: Tables, catalog: Catalog, switches: Switches) -> None:
        self._tables = tables
        self._catalog = catalog
        self._switches = switches

    @property
    def by_vat_group(self) -> bool:
        return self._switches.text("tax_system") == "vat"

    def of_line(self, line: Row, item: Row | None, partner: Row, day: str, where: str) -> tuple[str, Decimal]:
        """The code and the rate in percent of a line; what was not sent is determined from item and customer.

        Sets the line's property. Raises :class:`ServiceLayerError` for a code that does not exist, is not active, or belongs
        to the other system.
        """
        determined = item["SalesVATGroup" if self.by_vat_group else "ArTaxCode"] if item else None
        return self._settle(line, determined, partner, day, where)

    def of_freight(self, line: Row, expense: Row, partner: Row, day: str, where: str) -> tuple[str, Decimal]:
        """The same for a freight row."""
        return self._settle(line, expense["OutputVATGroup"] if self.by_vat_group else None, partner, day, where)

    def _settle(self, line: Row, determined: object, partner: Row, day: str, where: str) -> tuple[str, Decimal]:
        name, other = ("VatGroup", "TaxCode") if self.by_vat_group else ("TaxCode", "VatGroup")
        if line[other]:
            raise rejected(f"This company does not use {other} {where} , '{line[other]}'")
        if line.get("TaxLiable") == "tNO" and not line[name]:
            return "", ZERO
        fallback = partner["VatGroup"] if self.by_vat_group else EXEMPT
        code = str(line[name] or determined or fallback or "")
        line[name] = code or None
        return code, self._vat_rate(code, day, where) if self.by_vat_group else self._sales_rate(code, where)

    def _sales_rate(self, code: str, where: str) -> Decimal:
        row = self._tables.one(self._catalog.schema.types["SalesTaxCode"], {"Code": code})
        if row is None or row["Inactive"] == "tYES" or row["ValidForAR"] != "tYES":
            raise rejected(f"Invalid tax code {where} , '{code}'")
        return money(row, "Rate")

    def _vat_rate(self, code: str, day: str, where: str) -> Decimal:
        group_type = self._catalog.schema.types["VatGroup"]
        row = self._tables.one(group_type, {"Code": code})
        if row is None or row["Inactive"] == "tYES" or row["Category"] != "bovcOutputTax":
            raise rejected(f"Invalid tax group {where} , '{code}'")
        lines = self._tables.children(self._catalog.schema.types["VatGroups_Line"], group_type.key, [row])[(code,)]
        rates = [(str(line["Effectivefrom"]), money(line, "Rate")) for line in lines]
        return max(((since, rate) for since, rate in rates if since <= day), default=("", ZERO))[1]

    def account(self, code: str) -> object:
        """Where a VAT group's tax is posted; None: the company's account for sales tax."""
        if not self.by_vat_group or not code:
            return None
        row = self._tables.one(self._catalog.schema.types["VatGroup"], {"Code": code})
        return None if row is None else row["TaxAccount"]
