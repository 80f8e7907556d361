"""The company that a new world begins with: chart of accounts, currencies, rates, periods, users; and its settings.

Its local currency is USD. The chart (``chart_of_accounts.csv``) has an account for every category of an Amazon settlement,
matched by ``mapping.csv``, and accounts that must refuse: titles, a frozen one, two control accounts, a locked one.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from importlib import resources

from ml_connector.sandbox.sap_business_one.company_goods import found_goods
from ml_connector.sandbox.sap_business_one.schema import Row, Schema
from ml_connector.sandbox.sap_business_one.tables import Tables
from ml_connector.sandbox.sap_business_one.values import with_defaults
from ml_connector.sandbox.switches import Switches

COMPANY_DB = "SBO_SANDBOX_US"
COMPANY_NAME = "Sandbox Trading Inc."
LOCAL_CURRENCY = "USD"
USERNAME = "mlconnector"
ROUNDING_ACCOUNT = "689000"
TOTALS_ACCURACY = 2

#: (code, ISO code, name, decimals, local currency for one unit); the rate holds for every day without one of its own.
CURRENCIES = (
    ("USD", "US Dollar", "cdDefault", None),
    ("EUR", "Euro", "cdDefault", "1.0834"),
    ("GBP", "British Pound", "cdDefault", "1.2651"),
    ("CAD", "Canadian Dollar", "cdDefault", "0.7312"),
    ("JPY", "Japanese Yen", "cdWithoutDecimals", "0.006712"),
)
BRANCHES = ((1, "US", "tYES", "tNO"), (2, "Europe", "tNO", "tNO"), (3, "Closed branch", "tNO", "tYES"))

#: A settlement of the world's 90 days may begin two weeks earlier, so what is closed by default must be older than this.
_CLOSED_BEFORE = timedelta(days=120)

_KINDS: dict[str, Row] = {
    "": {},
    "title": {"ActiveAccount": "tNO"},
    "euro": {"AcctCurrency": "EUR"},
    "control": {"LockManualTransaction": "tYES"},
    "frozen": {"FrozenFor": "tYES"},
    "locked": {"LockManualTransaction": "tYES"},
}


def found(tables: Tables, schema: Schema, switches: Switches, today: date, password: str) -> None:
    """Write the company into empty tables. ``today`` is the last day of its past."""
    create_private_tables(tables)
    _chart(tables, schema, switches)
    for code, name, decimals, rate in CURRENCIES:
        row: Row = {
            "Code": code,
            "Name": name,
            "DocumentsCode": code,
            "InternationalDescription": name,
            "Decimals": decimals,
        }
        _insert(tables, schema, "Currency", row)
        if rate is not None:
            set_rate(tables, code, "", Decimal(rate))
    for number, name, main, disabled in BRANCHES if switches.on("enable_branches") else ():
        branch: Row = {"BPLID": number, "BPLName": name, "MainBPL": main, "Disabled": disabled, "Country": "US"}
        _insert(tables, schema, "BusinessPlace", branch)
    for number in range(1, 6):
        used = number == 1
        dimension: Row = {"DimensionCode": number, "DimensionName": f"Dimension {number}"}
        dimension["IsActive"] = "tYES" if used else "tNO"
        dimension["DimensionDescription"] = "Channel" if used else f"Dimension {number}"
        _insert(tables, schema, "Dimension", dimension)
    for code, description in (("AMZ", "Amazon"), ("AMZ-US", "Amazon US"), ("AMZ-EU", "Amazon Europe")):
        rule: Row = {"FactorCode": code, "FactorDescription": description, "TotalFactor": Decimal(100)}
        _insert(tables, schema, "DistributionRule", rule)
    _insert(tables, schema, "Project", {"Code": "AMAZON", "Name": "Amazon"})
    _insert(
        tables,
        schema,
        "AdditionalExpense",
        {
            "ExpensCode": 1,
            "Name": "Shipping",
            "RevenuesAccount": account_code(switches, "401100"),
            "OutputVATGroup": "O1",
            "DataVersion": 1,
        },
    )
    gift_wrap: Row = {"ExpensCode": 2, "Name": "Gift wrap", "RevenuesAccount": account_code(switches, "401200")}
    _insert(tables, schema, "AdditionalExpense", {**gift_wrap, "OutputVATGroup": "O1", "DataVersion": 1})
    branches = switches.on("enable_branches")
    found_goods(tables, schema, today, lambda readable: account_code(switches, readable), branches=branches)
    _periods(tables, schema, today)
    _users(tables, schema, switches, password)


def create_private_tables(tables: Tables) -> None:
    """Tables of the company that have no entity: rates, passwords, control accounts, cancellations, counters."""
    tables.book.create("ORTT", '"Currency" TEXT, "RateDate" TEXT, "Rate" TEXT, PRIMARY KEY ("Currency", "RateDate")')
    tables.book.create("passwords", '"UserCode" TEXT PRIMARY KEY, "Password" TEXT, "Failures" INTEGER')
    tables.book.create("control_accounts", '"Code" TEXT PRIMARY KEY')
    tables.book.create(
        "payment_entries", '"Set" TEXT, "DocEntry" INTEGER, "TransNum" INTEGER, PRIMARY KEY ("Set", "DocEntry")'
    )
    tables.book.create("counters", '"Name" TEXT PRIMARY KEY, "Last" INTEGER')
    tables.book.create("storno", '"Original" INTEGER PRIMARY KEY, "Storno" INTEGER UNIQUE')


def set_rate(tables: Tables, currency: str, day: str, rate: Decimal | None) -> None:
    """The rate of one day, or of every day without one (``day`` ""). None: there is none on that day."""
    tables.book.execute(
        "INSERT OR REPLACE INTO {ORTT} VALUES (?, ?, ?)", (currency, day, None if rate is None else str(rate))
    )


def rate_of(tables: Tables, currency: str, day: str) -> Decimal | None:
    """Local currency for one unit of ``currency`` on that day; None where nobody entered it."""
    row = tables.book.row(
        'SELECT "Rate" FROM {ORTT} WHERE "Currency" = ? AND "RateDate" IN (?, \'\') ORDER BY "RateDate" DESC',
        (currency, day),
    )
    return None if row is None or row[0] is None else Decimal(row[0])


def account_code(switches: Switches, readable: str) -> str:
    """The internal code of an account, which differs from what people see where accounts are segmented."""
    return f"_SYS{int(readable):011d}" if switches.on("account_segmentation") else readable


def _chart(tables: Tables, schema: Schema, switches: Switches) -> None:
    for line in _csv("chart_of_accounts.csv"):
        code, father = account_code(switches, line["code"]), line["father"]
        if line["kind"] == "control":
            tables.book.execute("INSERT INTO {control_accounts} VALUES (?)", (code,))
        row: Row = {
            "Code": code,
            "Name": line["name"],
            "FormatCode": line["code"],
            "FatherAccountKey": account_code(switches, father) if father else None,
            "AccountLevel": 2 if father else 1,
            "AccountType": line["type"],
            **_KINDS[line["kind"]],
        }
        if line["kind"] == "control" and not switches.on("control_accounts_show_lock"):
            row["LockManualTransaction"] = "tNO"
        _insert(tables, schema, "ChartOfAccount", row)


def _periods(tables: Tables, schema: Schema, today: date) -> None:
    """Calendar months of last year, this year and the next; the newest month older than the world's past is closed."""
    entry = 0
    months = [(year, month) for year in range(today.year - 1, today.year + 2) for month in range(1, 13)]
    ends = {each: _month_end(*each) for each in months}
    closed = max((each for each in months if ends[each] < today - _CLOSED_BEFORE), default=None)
    for year in range(today.year - 1, today.year + 2):
        first, last = f"{year}-01-01", f"{year}-12-31"
        category: Row = {
            "AbsoluteEntry": year - today.year + 2,
            "BeginningofFinancialYear": first,
            "PeriodCategoryProperty": str(year),
            "PeriodName": str(year),
            "FromPostingDate": first,
            "ToPostingDate": last,
            "FromDueDate": first,
            "ToDueDate": last,
            "FromDocumentDate": first,
            "ToDocumentDate": last,
            "FinancialYear": year,
        }
        _insert(tables, schema, "PeriodCategory", category)
        for month in range(1, 13):
            entry += 1
            period: Row = {
                "AbsoluteEntry": entry,
                "PeriodCode": f"{year}-{month:02d}",
                "PeriodName": f"{year}-{month:02d}",
                "PostingDateFrom": f"{year}-{month:02d}-01",
                "PostingDateTo": ends[(year, month)].isoformat(),
                "ValueDateFrom": f"{year - 1}-01-01",
                "ValueDateTo": f"{year + 1}-12-31",
                "TaxDateFrom": f"{year - 1}-01-01",
                "TaxDateTo": f"{year + 1}-12-31",
                "PeriodIndicator": "Default",
                "SubNum": month,
                "PeriodStatus": "ltLocked" if (year, month) == closed else "ltUnlocked",
                "Locked": "tYES" if (year, month) == closed else "tNO",
            }
            _insert(tables, schema, "FinancePeriod", period)


def _users(tables: Tables, schema: Schema, switches: Switches, password: str) -> None:
    superuser = "tYES" if switches.on("user_may_create_tables") else "tNO"
    for key, code, right in ((1, "manager", "tYES"), (2, USERNAME, superuser)):
        _insert(tables, schema, "User", {"InternalKey": key, "UserCode": code, "UserName": code, "Superuser": right})
    tables.book.execute("INSERT INTO {passwords} VALUES (?, ?, 0)", (USERNAME, password))


def _insert(tables: Tables, schema: Schema, name: str, row: Row) -> None:
    tables.insert(schema.types[name], with_defaults(row, schema.types[name]))


def _csv(name: str) -> Iterator[dict[str, str]]:
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return csv.DictReader(text.splitlines())


def _month_end(year: int, month: int) -> date:
    following = date(year + month // 12, month % 12 + 1, 1)
    return following - timedelta(days=1)
