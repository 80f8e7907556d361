"""What a company looks like: its abilities, and the reference data that plans are checked against (Sage dossier, 14.4, 16).

Property names of fiscal calendars and the company profile are not verified: they are recognised by their shape, and what
cannot be recognised is said.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

from ml_connector.domain import money
from ml_connector.domain.catalog import Account, ControlAccount, Currency, FiscalPeriod, References, TaxCode, Warehouse
from ml_connector.domain.errors import BadAnswer, NotPermitted, RefusedByServer, SignInFailed
from ml_connector.erp.sage_300.client import WebApi, exists
from ml_connector.erp.sage_300.company import MODULES, Company
from ml_connector.erp.sage_300.config import Config
from ml_connector.erp.sage_300.odata import equal, path
from ml_connector.erp.sage_300.reads import receipt_words
from ml_connector.erp.sage_300.values import flag, number, optional_day, text

_T = TypeVar("_T")

#: The cheapest question to each module (dossier, section 2.5).
_PROBES: Final = {
    "GL": path("GL/GLJournalBatches", top="1", select="BatchNumber"),
    "AR": path("AR/ARCustomers", top="1", select="CustomerNumber"),
    "OE": path("OE/OEOrders", top="1", select="OrderNumber"),
    "IC": path("IC/ICItems", top="1", select="ItemNumber"),
    "TX": path("TX/TXTaxGroups", top="1", select="TaxGroupKey"),
    "BK": path("BK/BKBanks", top="1", select="BankCode"),
}
_ACCOUNT_FIELDS: Final = (
    "UnformattedAccount",
    "AccountNumber",
    "Description",
    "AccountType",
    "Status",
    "PostToAccount",
    "Multicurrency",
    "ControlAccount",
)
_PROFIT_AND_LOSS: Final = {"IncomeStatement": True, "BalanceSheet": False, "RetainedEarnings": False}
_HOME: Final = re.compile(r"(?:Functional|Home)Currency(?:Code)?")
_NAME: Final = re.compile(r"(?:Company)?Name")
_PERIOD_START: Final = re.compile(r"FiscalPeriod(\d{1,2})StartDate")
#: Tax classes of items (dossier, section 19).
_CLASSES: Final = range(1, 11)
_ISO: Final = re.compile(r"[A-Z]{3}", re.ASCII)


async def company(api: WebApi, config: Config) -> Company:
    """What this company can do, read now. Raises :class:`NotPermitted` where Common Services may not be read."""
    profile = await _profile(api)
    currencies = await _currencies(api)
    iso = config.home_currency or next((text(profile[name]) for name in profile if _HOME.fullmatch(name)), "")
    home = next((currency for currency in currencies if currency.iso == iso), None)
    if home is None:
        raise BadAnswer(
            f"Sage 300 does not say what the functional currency of {config.company} is. Enter it in the connection's field "
            f"home_currency."
        )
    modules = {"CS"} | {module for module, probe in _PROBES.items() if await _allowed(api, module, probe)}

    async def found(module: str, read: Callable[[WebApi], Awaitable[_T]], nothing: _T) -> _T:
        """What only some kinds of documents need: where it cannot be read, those are unsupported and the others go on."""
        if module not in modules:
            return nothing
        try:
            return await read(api)
        except (BadAnswer, NotPermitted, RefusedByServer):
            return nothing

    words = await found("AR", receipt_words.read, receipt_words.Words("", ""))
    return Company(
        config=config,
        name=next((text(profile[name]) for name in profile if _NAME.fullmatch(name)), "") or config.company,
        home=home,
        currencies=currencies,
        modules=frozenset(modules),
        receipt_word=words.receipt,
        unapplied_word=words.unapplied,
        charges=await found("OE", _charges, frozenset()),
        untaxed=await found("TX", _untaxed, frozenset()),
        banks=await found("BK", _banks, {}),
        order_dates=await found("OE", _order_dates, ()),
        location_details=await found("IC", _location_details, nothing=False),
    )


async def references(api: WebApi, known: Company) -> References:
    """Accounts, fiscal periods, currencies, tax groups and locations, read now; the last two where their modules may be read."""
    receivables = await _receivables(api) if "AR" in known.modules else frozenset()
    accounts = await api.rows(
        "read the chart of accounts", "GL/GLAccounts", key=("UnformattedAccount",), select=_ACCOUNT_FIELDS
    )
    calendars = await api.rows("read fiscal calendars", "CS/CSFiscalCalendars", key=("FiscalYear",))
    periods = tuple(period for row in calendars for period in _periods(row))
    if not periods:
        raise BadAnswer("Sage 300 shows no fiscal period that can be recognised.")
    return References(
        company=known.config.company,
        local_currency=known.home.iso,
        accounts=tuple(_account(row, known, receivables) for row in accounts),
        periods=periods,
        currencies=known.currencies,
        tax_codes=await _tax_groups(api) if "TX" in known.modules else (),
        warehouses=await _locations(api) if "IC" in known.modules else (),
    )


async def _profile(api: WebApi) -> Mapping[str, Any]:
    try:
        rows = await api.rows("read the company profile", "CS/CSCompanyProfile", key=())
    except RefusedByServer as refused:
        if refused.server_code != "ResourceNotFound":
            raise
        raise SignInFailed(
            "There is no such company, tenant or application at this address. Check base_url, company and tenant."
        ) from refused
    return rows[0] if rows else {}


async def _currencies(api: WebApi) -> tuple[Currency, ...]:
    fields = ("CurrencyCodeKey", "DecimalPlaces")
    rows = await api.rows("read currencies", "CS/CSCurrencyCodes", key=("CurrencyCodeKey",), select=fields)
    found = []
    for row in rows:
        code, decimals = text(row.get("CurrencyCodeKey")), text(row.get("DecimalPlaces")).removeprefix("Num")
        if _ISO.fullmatch(code):
            places = int(decimals) if decimals.isdigit() else money.minor_units(code)
            found.append(Currency(code, code, places))
    return tuple(found)


async def _allowed(api: WebApi, module: str, probe: str) -> bool:
    """Whether the user has the Web API right in a module: it is given one by one (dossier, section 3)."""
    try:
        await api.get(f"use {MODULES[module]}", probe)
    except (NotPermitted, RefusedByServer):
        return False
    return True


async def _charges(api: WebApi) -> frozenset[tuple[str, str]]:
    """Miscellaneous charges by currency and code."""
    fields = ("Currency", "MiscellaneousChargeCode")
    rows = await api.rows("read miscellaneous charges", "OE/OEMiscellaneousCharges", key=fields, select=fields)
    return frozenset((text(row.get(fields[0])), text(row.get(fields[1]))) for row in rows)


async def _untaxed(api: WebApi) -> frozenset[tuple[str, int]]:
    """Tax groups for sales and classes of items that bear no tax, whatever the class of the customer."""
    taxed: set[tuple[str, int]] = set()
    known: set[str] = set()
    for row in await _tax_rates(api, equal("TransactionType", "Sales")):
        authority = text(row.get("TaxAuthority"))
        known.add(authority)
        taxed |= {(authority, place) for place in _CLASSES if number(row.get(f"ItemRate{place}"), "a rate")}
    found: set[tuple[str, int]] = set()
    for row in await _sales_tax_groups(api):
        authorities = {text(row.get(f"TaxAuthority{place}")) for place in range(1, 6)} - {""}
        if authorities <= known:
            found |= {
                (text(row.get("TaxGroupKey")), place)
                for place in _CLASSES
                if not any((authority, place) in taxed for authority in authorities)
            }
    return frozenset(found)


async def _sales_tax_groups(api: WebApi) -> list[dict[str, Any]]:
    key = ("TaxGroupKey", "TransactionType")
    return await api.rows("read tax groups", "TX/TXTaxGroups", key=key, condition=equal("TransactionType", "Sales"))


async def _tax_rates(api: WebApi, condition: str) -> list[dict[str, Any]]:
    key = ("TaxAuthority", "TransactionType", "BuyerClass")
    return await api.rows("read tax rates", "TX/TXTaxRates", key=key, condition=condition)


async def _banks(api: WebApi) -> dict[str, str]:
    """Bank codes with the currency of their statements."""
    fields = ("BankCode", "StatementCurrency")
    rows = await api.rows("read banks", "BK/BKBanks", key=("BankCode",), select=fields)
    return {text(row.get("BankCode")): text(row.get("StatementCurrency")) for row in rows}


async def _location_details(api: WebApi) -> bool:
    """Whether this version shows stock by location."""
    return await exists(api, "read stock by location", path("IC/ICLocationDetails", top="1"))


async def _order_dates(api: WebApi) -> tuple[str, ...]:
    """The date properties that orders of this version have, from ``$metadata`` (dossier, section 13.2)."""
    document = await api.text("read the description of order entry", "/OE/$metadata")
    order = re.search(
        r'<(?:Entity|Complex)Type [^>]*Name="Order"[^>]*>(.*?)</(?:Entity|Complex)Type>', document, re.DOTALL
    )
    names = set(re.findall(r'<Property [^>]*?Name="(\w+)"', order[1])) if order else set()
    return tuple(name for name in ("ShipmentDate", "InvoiceDate") if name in names)


async def _receivables(api: WebApi) -> frozenset[str]:
    """The control accounts of receivables, as the account sets of customers name them."""
    rows = await api.rows(
        "read account sets",
        "AR/ARAccountSets",
        key=("AccountSetKey",),
        select=("AccountSetKey", "ReceivablesControlAccount"),
    )
    return frozenset(text(row.get("ReceivablesControlAccount")) for row in rows)


def _account(row: Mapping[str, Any], known: Company, receivables: frozenset[str]) -> Account:
    """Control accounts of other ledgers than receivables take no journal line of ours either."""
    code, shown = text(row.get("UnformattedAccount")), text(row.get("AccountNumber"))
    if not code:
        raise BadAnswer("Sage 300 shows an account without a number.")
    control = flag(row.get("ControlAccount"))
    ours = bool({code, shown} & receivables)
    return Account(
        code=code,
        shown_as=shown or code,
        name=text(row.get("Description")),
        postable=not re.match(r"no|prohibit", text(row.get("PostToAccount")), re.IGNORECASE),
        frozen=text(row.get("Status")) != "Active",
        manual_locked=control and not ours,
        control=ControlAccount.RECEIVABLES if control and ours else None,
        currency="" if flag(row.get("Multicurrency")) else known.home.iso,
        profit_and_loss=_PROFIT_AND_LOSS.get(text(row.get("AccountType"))),
    )


def _periods(row: Mapping[str, Any]) -> list[FiscalPeriod]:
    """The periods of one year. Where the calendar does not show which are locked, all count as open, and Sage refuses a
    document in a locked one before it counts."""
    year = text(row.get("FiscalYear"))
    if not (year.isascii() and year.isdigit() and len(year) == 4):
        raise BadAnswer(f"Sage 300 shows a fiscal calendar of the year {year[:20]!r}.")
    active = flag(row.get("Active", "Yes"))
    found = []
    for name in row:
        match = _PERIOD_START.fullmatch(name)
        first = optional_day(row[name]) if match else None
        last = optional_day(row.get(f"FiscalPeriod{match[1]}EndDate")) if match else None
        if match is None or first is None or last is None:
            continue
        place = int(match[1])
        opened = active and text(row.get(f"FiscalPeriod{match[1]}Status")) in ("", "Open", "Unlocked")
        found.append(FiscalPeriod(f"{year}-{place:02d}", int(year), place, first, last, opened))
    return sorted(found, key=lambda period: period.number)


async def _tax_groups(api: WebApi) -> tuple[TaxCode, ...]:
    """Tax groups for sales. The rate is that of class 1 for buyer and item, all authorities together."""
    groups = await _sales_tax_groups(api)
    rates = await _tax_rates(api, f"{equal('TransactionType', 'Sales')} and {equal('BuyerClass', 1)}")
    by_authority = {text(row.get("TaxAuthority")): number(row.get("ItemRate1"), "a rate") for row in rates}
    found = []
    for row in groups:
        authorities = [text(row.get(f"TaxAuthority{place}")) for place in range(1, 6)]
        known = [by_authority.get(each) for each in authorities if each]
        rate = None if None in known else sum((each for each in known if each is not None), money.ZERO)
        found.append(TaxCode(text(row.get("TaxGroupKey")), text(row.get("Description")), rate, active=True))
    return tuple(found)


async def _locations(api: WebApi) -> tuple[Warehouse, ...]:
    rows = await api.rows("read locations", "IC/ICLocations", key=("LocationKey",), select=("LocationKey", "Name"))
    return tuple(Warehouse(text(row.get("LocationKey")), text(row.get("Name"))) for row in rows)
