"""The company that a new world begins with: calendars, currencies, taxes, accounts, customers, items, users.

Its home currency is USD. The chart (``chart_of_accounts.csv``) has an account for every category of an Amazon settlement,
matched by ``mapping.csv``, and accounts that must refuse: two control accounts, an inactive one, two that take home
currency only. There is a customer per Amazon store, and an item per article sold there (``items.csv``, with its SKU).
Codes of Sage's sample company that occur in Sage's own payloads exist too.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from importlib import resources

from ml_connector.sandbox.sage_300.calendar import Calendar, month_end
from ml_connector.sandbox.sage_300.context import HOME_CURRENCY, Context
from ml_connector.sandbox.sage_300.inventory import Inventory
from ml_connector.sandbox.sage_300.masters import Masters
from ml_connector.sandbox.sage_300.money import RATE_TYPE
from ml_connector.sandbox.sage_300.schema import Row, blank

COMPANY = "SANDUS"
COMPANY_NAME = "Sandbox Trading Inc."

#: (code, name, decimals, home currency for one unit); rates hold from the first day of the first calendar.
CURRENCIES = (
    ("USD", "US Dollar", 2, ""),
    ("EUR", "Euro", 2, "1.0834"),
    ("GBP", "British Pound", 2, "1.2651"),
    ("CAD", "Canadian Dollar", 2, "0.7312"),
    ("JPY", "Japanese Yen", 0, "0.006712"),
)
#: (group, authorities with their per cent for class 1); class 2 is free of tax.
TAX_GROUPS = (
    ("AMZNTX", (("NOTAX", "0"),)),
    ("USDTAX", (("NOTAX", "0"),)),
    ("CALIF", (("CASALE", "7.25"),)),
    ("BCTAX", (("CAGST", "5"), ("BCPST", "8"))),
    ("DEVAT", (("DEUST", "19"),)),
)
#: (customer, name, group, tax group, price list, location)
CUSTOMERS = (
    ("AMZUS", "Amazon.com marketplace", "AMZUSD", "AMZNTX", "AMZ", "FBA"),
    ("AMZCA", "Amazon.ca marketplace", "AMZCAD", "AMZNTX", "AMZ", "FBA"),
    ("AMZUK", "Amazon.co.uk marketplace", "AMZGBP", "AMZNTX", "AMZ", "FBA"),
    ("AMZDE", "Amazon.de marketplace", "AMZEUR", "AMZNTX", "AMZ", "FBA"),
    ("AMZFR", "Amazon.fr marketplace", "AMZEUR", "AMZNTX", "AMZ", "FBA"),
    ("AMZJP", "Amazon.co.jp marketplace", "AMZJPY", "AMZNTX", "AMZ", "FBA"),
    ("1200", "Mr. Ronald Black", "RTL", "CALIF", "RTL", "1"),
    ("1400", "Bargain Mart", "WHL", "BCTAX", "WHS", "1"),
    ("1500", "Outdoor Lighting", "WHL", "USDTAX", "WHS", "4"),
)
_LOCATIONS = (
    ("1", "Central warehouse"),
    ("2", "Southern warehouse"),
    ("4", "Eastern warehouse"),
    ("FBA", "Amazon FBA"),
    ("MAIN", "Own warehouse"),
)
_DISTRIBUTION = (
    ("CACCSE", "4100", "Cases"), ("DESK", "4030", "Desks"), ("AMZSAL", "4010", "Amazon sales"),
    ("AMZSHP", "4011", "Amazon shipping charged"), ("AMZGFT", "4012", "Amazon gift wrap"),
    ("AMZPRO", "4060", "Amazon promotions"), ("AMZREF", "4050", "Amazon refunds"), ("AMZSRF", "4051", "Amazon shipping refunds"),
    ("AMZTAX", "2200", "Sales tax collected by the seller"), ("OLDFEE", "6900", "Fees of earlier years"),
)  # fmt: skip
_CHARGES = (
    ("HC", "4200", "20.25"),
    ("AMZSHP", "4011", "0"),
    ("AMZGFT", "4012", "0"),
    ("AMZPRO", "4060", "0"),
    ("AMZTAX", "2200", "0"),
    ("AMZRES", "4010", "0"),
)
_SOURCE_CODES = (
    ("GL", "JE", "Journal entry"),
    ("GL", "CL", "Year end"),
    ("AR", "IN", "Invoice"),
    ("AR", "DN", "Debit note"),
    ("AR", "CN", "Credit note"),
    ("AR", "IT", "Interest"),
    ("AR", "PY", "Receipt"),
    ("AR", "AD", "Adjustment"),
)

#: Sage's payload samples are dated 2020.
_FIRST_YEAR = 2019
#: A settlement of the world's 90 days may begin two weeks earlier, so what is closed by default must be older than this.
_CLOSED_BEFORE = timedelta(days=120)


class Founding:
    """Writes the company into empty tables. ``today`` is the last day of its past."""

    def __init__(self, context: Context, calendar: Calendar, masters: Masters, inventory: Inventory) -> None:
        self._context = context
        self._calendar = calendar
        self._masters = masters
        self._inventory = inventory

    def run(self, today: date) -> None:
        """Everything but users, and documents, which are posted through the rooms."""
        self._calendar.found(_FIRST_YEAR, today.year + 1)
        self._close_a_month(today)
        self._insert(
            "CSCompanyProfile",
            DatabaseID=COMPANY,
            Name=COMPANY_NAME,
            FunctionalCurrency=HOME_CURRENCY,
            NumberOfFiscalPeriods=12,
        )
        self._currencies()
        self._accounts()
        self._taxes()
        self._receivables()
        self._items()

    def _close_a_month(self, today: date) -> None:
        """The newest month that is older than the world's past is closed."""
        months = [(year, month) for year in range(today.year - 1, today.year + 1) for month in range(1, 13)]
        newest = max(each for each in months if month_end(*each) < today - _CLOSED_BEFORE)
        self._calendar.lock(date(*newest, 1).isoformat(), locked=True)

    def _currencies(self) -> None:
        for code, name, decimals, _ in CURRENCIES:
            self._create("CSCurrencyCodes", CurrencyCodeKey=code, Description=name, DecimalPlaces=f"Num{decimals}")
        rates = [
            {
                "ToCurrency": HOME_CURRENCY,
                "RateType": RATE_TYPE,
                "FromCurrency": code,
                "RateDate": f"{_FIRST_YEAR}-01-01",
                "Rate": Decimal(rate),
            }
            for code, _, _, rate in CURRENCIES
            if rate
        ]
        self._create(
            "CSCurrencyRates",
            ToCurrency=HOME_CURRENCY,
            RateType=RATE_TYPE,
            TableDescription="Spot rates",
            CurrencyRateDetail=rates,
        )

    def _accounts(self) -> None:
        for ledger, kind, name in _SOURCE_CODES:
            self._create("GLSourceCodes", SourceLedger=ledger, SourceType=kind, Description=name)
        for line in lines_of("chart_of_accounts.csv"):
            self._create(
                "GLAccounts",
                UnformattedAccount=line["code"],
                Description=line["name"],
                AccountType=line["type"],
                NormalBalanceDRCR="Credit" if line["code"][0] in "234" else "Debit",
                Status="Inactive" if line["kind"] == "inactive" else "Active",
                ControlAccount="Yes" if line["kind"] == "control" else "No",
                Multicurrency="No" if line["kind"] == "home" else "Yes",
                PostToAccount="Detail",
                StructureCode="ACC",
            )

    def _taxes(self) -> None:
        for group, authorities in TAX_GROUPS:
            names = {f"TaxAuthority{n}": name for n, (name, _) in enumerate(authorities, start=1)}
            self._insert(
                "TXTaxGroups",
                TaxGroupKey=group,
                TransactionType="Sales",
                Description=f"Tax group {group}",
                TaxReportingCurrency=HOME_CURRENCY,
                **names,
            )
        for name, rate in dict.fromkeys(each for _, authorities in TAX_GROUPS for each in authorities):
            self._insert(
                "TXTaxAuthorities",
                TaxAuthorityKey=name,
                Description=f"Tax authority {name}",
                TaxReportingCurrency=HOME_CURRENCY,
            )
            for buyer in (1, 2):
                rates = {"ItemRate1": Decimal(rate) if buyer == 1 else Decimal(0)}
                self._insert("TXTaxRates", TaxAuthority=name, TransactionType="Sales", BuyerClass=buyer, **rates)

    def _receivables(self) -> None:
        for code, days in (("N30", 30), ("COD", 0)):
            schedule: Row = {
                "TermsCode": code,
                "PaymentNumber": Decimal(1),
                "PercentDue": Decimal(100),
                "DueNumberOfDays": Decimal(days),
            }
            self._create("ARTerms", TermsCode=code, Description=f"Net {days} days", TermsPaymentSchedules=[schedule])
        for code in ("EFT", "CHECK", "CASH"):
            self._create("ARPaymentCodes", PaymentCodeKey=code, Description=code.capitalize())
        for name, currency in (("USA", "USD"), ("TRADE", "USD"), *((f"AMZ{code}", code) for code, *_ in CURRENCIES)):
            accounts = {
                "ReceivablesControlAccount": "1100",
                "PrepaymentLiabilityAccount": "2100",
                "DiscountsAccount": "4100",
                "WriteOffsAccount": "6000",
            }
            self._create(
                "ARAccountSets",
                AccountSetKey=name,
                Description=f"Account set {name}",
                CurrencyCode=currency,
                **accounts,
            )
        groups = (("WHL", "USA"), ("RTL", "USA"), *((f"AMZ{code}", f"AMZ{code}") for code, *_ in CURRENCIES))
        for group, accounts_of in groups:
            self._create(
                "ARCustomerGroups",
                GroupCode=group,
                Description=f"Group {group}",
                AccountSet=accounts_of,
                Terms="N30" if group in ("WHL", "RTL") else "COD",
                RateType=RATE_TYPE,
            )
        for code, account, name in _DISTRIBUTION:
            self._create("ARDistributionCodes", DistributionCodeKey=code, RevenueAccount=account, Description=name)
        self._create(
            "BKBanks",
            BankCode="SEATAC",
            Description="Seattle Tacoma Bank",
            StatementCurrency=HOME_CURRENCY,
            BankAccount="1020",
        )
        for code, name in _LOCATIONS:
            self._create("ICLocations", LocationKey=code, Name=name, LocationType="Physical")
        for code in ("RTL", "WHS", "AMZ"):
            self._create("ICPriceListCodes", PriceListCodeKey=code, Description=f"Price list {code}")
        for number, name, group, tax, prices, location in CUSTOMERS:
            self._create(
                "ARCustomers",
                CustomerNumber=number,
                GroupCode=group,
                CustomerName=name,
                ShortName=number,
                TaxGroup=tax,
                CustomerPriceList=prices,
                InventoryLocation=location,
            )
        for code, account, value in _CHARGES:
            for currency, *_ in CURRENCIES:
                self._create(
                    "OEMiscellaneousCharges",
                    Currency=currency,
                    MiscellaneousChargeCode=code,
                    Description=f"Charge {code}",
                    MiscellaneousChargeRevenueAccount=account,
                    Amount=Decimal(value),
                )

    def _items(self) -> None:
        for line in lines_of("items.csv"):
            item, price = line["item"], Decimal(line["price"])
            units: list[Row] = [{"ItemNumber": item, "UnitOfMeasure": "Ea.", "ConversionFactor": Decimal(1)}]
            self._create(
                "ICItems",
                UnformattedItemNumber=item,
                ItemNumber=line["formatted"],
                Description=line["description"],
                Category=line["category"],
                AccountSetCode="AVG",
                StockItem=True,
                StockingUnitOfMeasure="Ea.",
                DefaultPriceListCode="RTL",
                ItemUnitsOfMeasure=units,
            )
            for prices in ("RTL", "WHS", "AMZ"):
                rows: list[Row] = [
                    {
                        "PriceDetailType": "BasePriceQuantity",
                        "QuantityUnit": "Ea.",
                        "UnitPrice": price,
                        "CurrencyCode": HOME_CURRENCY,
                        "UnformattedItemNumber": item,
                        "PriceListCode": prices,
                    }
                ]
                self._create(
                    "ICItemPricing",
                    CurrencyCode=HOME_CURRENCY,
                    UnformattedItemNumber=item,
                    PriceListCode=prices,
                    Description=line["description"],
                    ItemPricingDetails=rows,
                )
            for place in line["stock"].split():
                location, _, quantity = place.partition("=")
                self._inventory.set_on_hand(item, location, Decimal(quantity))

    def _create(self, resource: str, **values: object) -> None:
        self._masters.create(self._context.schema.resources[resource], dict(values))

    def _insert(self, resource: str, **values: object) -> None:
        row = blank(self._context.schema.model_of(resource))
        row.update(values)
        self._context.records.insert(resource, row)


def lines_of(name: str) -> Iterator[dict[str, str]]:
    """The lines of a table beside this file."""
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return csv.DictReader(text.splitlines())
