"""Rules that journal entries, documents and payments have in common: periods, accounts, dimensions, branches, currencies.

``where`` is how a refusal names the place, in the form of real texts: ``[OJDT.RefDate]``, ``[JournalEntryLines.BPLID][line: 2]``
(dossier, section 12).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

from ml_connector.sandbox.sap_business_one.catalog import Catalog
from ml_connector.sandbox.sap_business_one.company import LOCAL_CURRENCY, TOTALS_ACCURACY, rate_of
from ml_connector.sandbox.sap_business_one.errors import rejected
from ml_connector.sandbox.sap_business_one.schema import Row
from ml_connector.sandbox.sap_business_one.tables import Tables
from ml_connector.sandbox.switches import Switches

ZERO = Decimal(0)
COSTING = ("CostingCode", "CostingCode2", "CostingCode3", "CostingCode4", "CostingCode5")
_DECIMALS = {"cdDefault": TOTALS_ACCURACY, "cdWithoutDecimals": 0}


class Checks:
    """What the company allows. Every method raises :class:`ServiceLayerError` where it says no."""

    def __init__(self, tables: Tables, catalog: Catalog, switches: Switches) -> None:
        self._tables = tables
        self._catalog = catalog
        self._switches = switches

    def period(self, day: str, due: str, tax: str, names: tuple[str, str, str], *, sales: bool = False) -> None:
        """The posting period is there and open; due date and document date lie in its ranges.

        ``names`` words the three dates. ``sales``: a period that is closed for sales only refuses.
        """
        period_type = self._catalog.schema.types["FinancePeriod"]
        found = self._tables.select(period_type, '"PostingDateFrom" <= ? AND "PostingDateTo" >= ?', [day, day], limit=1)
        if not found:
            raise rejected(f"Date deviates from permissible range [{names[0]}].")
        period = found[0]
        closed = ("ltLocked", "ltPeriodClosing", *(("ltUnlockedExceptSales",) if sales else ()))
        if period["PeriodStatus"] in closed:
            raise rejected(f"Posting period '{period['PeriodCode']}' is locked [{names[0]}].")
        for value, name, first, last in (
            (due, names[1], "ValueDateFrom", "ValueDateTo"),
            (tax, names[2], "TaxDateFrom", "TaxDateTo"),
        ):
            if not str(period[first]) <= value <= str(period[last]):
                raise rejected(f"Date deviates from permissible range [{name}].")

    def project(self, code: object) -> None:
        if not code:
            return
        found = self._tables.one(self._catalog.schema.types["Project"], {"Code": code})
        if found is None or found["Active"] == "tNO":
            raise rejected(f"Project '{code}' does not exist or is not active [ProjectCode].")

    def account(self, code: object, day: str, where: str) -> Row:
        """The account, postable on that day."""
        account = self._tables.one(self._catalog.schema.types["ChartOfAccount"], {"Code": code})
        if account is None:
            raise rejected(f"Invalid G/L account {where} , '{code}'")
        if account["ActiveAccount"] != "tYES":
            raise rejected(f"G/L account '{code}' is a title; specify an active account {where}")
        if account["FrozenFor"] == "tYES" and within(day, account["FrozenFrom"], account["FrozenTo"]):
            raise rejected(f"G/L account '{code}' is frozen {where}")
        if account["ValidFor"] == "tYES" and not within(day, account["ValidFrom"], account["ValidTo"]):
            raise rejected(f"G/L account '{code}' is not valid on {day} {where}")
        return account

    def manual_account(self, account: Row, currency: object, where: str) -> None:
        """A person or a client may post to the account directly, in that currency."""
        code = account["Code"]
        control = self._tables.book.row('SELECT 1 FROM {control_accounts} WHERE "Code" = ?', (str(code),)) is not None
        if control or "tYES" in (account["LockManualTransaction"], account["BlockManualPosting"]):
            raise rejected(f"G/L account '{code}' is locked for manual transactions {where}")
        self.account_currency(account, currency, where)

    def account_currency(self, account: Row, currency: object, where: str) -> None:
        if account["AcctCurrency"] not in ("##", currency or LOCAL_CURRENCY):
            raise rejected(f"G/L account '{account['Code']}' is kept in {account['AcctCurrency']} {where}")

    def dimensions(self, line: Mapping[str, object], collection: str, number: int) -> None:
        rule_type = self._catalog.schema.types["DistributionRule"]
        for dimension, name in enumerate(COSTING, start=1):
            code = line[name]
            if not code:
                continue
            rule = self._tables.one(rule_type, {"FactorCode": code})
            if rule is None or rule["Active"] != "tYES" or rule["InWhichDimension"] != dimension:
                raise rejected(f"Invalid distribution rule [{collection}.{name}][line: {number}] , '{code}'")
        self.project(line["ProjectCode"])

    def branch(self, number: object, where: str) -> object:
        """The branch's name; None where the company does not work with branches and none was named."""
        if not self._switches.on("enable_branches"):
            if number is not None:
                raise rejected(f"Branches are not enabled {where}")
            return None
        if number is None:
            raise rejected(f"Specify an active branch {where}")
        branch = self._tables.one(self._catalog.schema.types["BusinessPlace"], {"BPLID": number})
        if branch is None or branch["Disabled"] == "tYES":
            raise rejected(f"Specify an active branch {where}")
        return branch["BPLName"]

    def foreign_terms(self, currency: str, day: str, where: str) -> tuple[int, Decimal]:
        """Decimals of a foreign currency and its rate on the day."""
        known = self._tables.one(self._catalog.schema.types["Currency"], {"Code": currency})
        if known is None or currency == LOCAL_CURRENCY:
            raise rejected(f"Invalid foreign currency {where} , '{currency}'")
        rate = rate_of(self._tables, currency, day)
        if rate is None:
            raise rejected(f"Update the exchange rate , '{currency}' {where}")
        kind = str(known["Decimals"])
        return _DECIMALS[kind] if kind in _DECIMALS else int(kind[2]), rate

    def terms(self, currency: str, day: str, where: str) -> tuple[int, Decimal]:
        """Decimals of any currency and its rate: 1 for the local one."""
        return (TOTALS_ACCURACY, Decimal(1)) if currency == LOCAL_CURRENCY else self.foreign_terms(currency, day, where)


def within(day: str, first: object, last: object) -> bool:
    """Is the day inside a range whose ends may be open?"""
    return (first is None or str(first) <= day) and (last is None or day <= str(last))


def money(row: Mapping[str, object], name: str) -> Decimal:
    """An amount of a row, zero where there is none."""
    value = row.get(name)
    return value if isinstance(value, Decimal) else ZERO


def rounded(value: Decimal, decimals: int) -> Decimal:
    """Half up."""
    return value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
