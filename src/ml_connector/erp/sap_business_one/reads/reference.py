"""What a company looks like: its abilities, and the reference data that plans are checked against (SAP dossier 6.6, 7)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from ml_connector.domain.catalog import Account, ControlAccount, Currency, FiscalPeriod, References
from ml_connector.domain.errors import BadAnswer, NotPermitted, RefusedByServer
from ml_connector.erp.sap_business_one.client import ServiceLayer
from ml_connector.erp.sap_business_one.company import Company
from ml_connector.erp.sap_business_one.config import Config
from ml_connector.erp.sap_business_one.documents.common import CLAIM_SET, KEY_FIELD
from ml_connector.erp.sap_business_one.odata import listed, path
from ml_connector.erp.sap_business_one.reads import abilities, rights, setup
from ml_connector.erp.sap_business_one.reads.periods import numbered, of_category
from ml_connector.erp.sap_business_one.values import inside, yes

#: AcctCurrency of an account that takes every currency.
_EVERY_CURRENCY: Final = "##"

_ACCOUNT_FIELDS: Final = (
    "Code",
    "Name",
    "FormatCode",
    "ActiveAccount",
    "AccountType",
    "AcctCurrency",
    "LockManualTransaction",
    "BlockManualPosting",
    "FrozenFor",
    "FrozenFrom",
    "FrozenTo",
    "ValidFor",
    "ValidFrom",
    "ValidTo",
)

#: Enum members by name and by database code (contracts, ``enum-names-to-db-codes.json``): servers answer with names.
_PROFIT_AND_LOSS: Final = {
    "at_Revenues": True,
    "I": True,
    "at_Expenses": True,
    "E": True,
    "at_Other": False,
    "N": False,
}
_DECIMALS: Final = {
    "cdWithoutDecimals": 0,
    "cd1Digit": 1,
    "cd2Digits": 2,
    "cd3Digits": 3,
    "cd4Digits": 4,
    "cd5Digits": 5,
    "cd6Digits": 6,
}

#: The control accounts that a period's account determination names.
_RECEIVABLES: Final = ("DebitorsFollowUpAccount", "ForeignAccountsReceivables", "EUAccountsReceivable")
_PAYABLES: Final = ("CreditorsFollowUpAccount", "EUAccountsPayable")

_ISO: Final = re.compile(r"[A-Z]{3}", re.ASCII)


async def company(layer: ServiceLayer, config: Config) -> Company:
    """What this company can do, read now.

    Raises :class:`NotPermitted` naming the right that the user lacks.
    """
    admin = await info(layer, "AdminInfo")
    currencies = await _currencies(layer, admin)
    local_code = admin.get("LocalCurrency")
    local = next((currency for currency in currencies if currency.code == local_code), None)
    if local is None or not local.iso:
        raise BadAnswer(
            f"The local currency {local_code!r} of {config.company_db} has no international code (ISO 4217) in SAP. "
            "Enter it there under Administration, Setup, Financials, Currencies."
        )
    branches = await _branches(layer, admin)
    key_field = await has_key_field(layer)
    claims = config.claims and await has_claim_table(layer)
    return Company(
        database=config.company_db,
        local=local,
        currencies=currencies,
        branches=branches,
        key_field=key_field,
        claims=claims,
        features=(
            ("branches", ", ".join(branches) or "off"),
            ("key field", KEY_FIELD if key_field else "Reference3"),
            ("posting", "claim: SAP refuses a second posting" if claims else "plain: looking and waiting"),
            *rights.settings_in_words(admin),
        ),
        trade=await abilities.trade(layer, config, admin, await info(layer, "CompanyInfo")),
    )


async def info(layer: ServiceLayer, name: str) -> Mapping[str, Any]:
    """``AdminInfo`` or ``CompanyInfo``: bare, or as a member of that name (dossier 16: not verified which)."""
    data = await layer.call("read the company's settings", f"CompanyService_Get{name}")
    inner = data.get(name, data) if isinstance(data, dict) else None
    if not isinstance(inner, dict):
        raise BadAnswer("SAP Business One answered something else than the company's settings.")
    return inner


async def has_key_field(layer: ServiceLayer) -> bool:
    """Whether journal entries have U_ML_KEY. Reading them at all is a right of its own: :class:`NotPermitted`."""
    what = "read journal entries"
    await layer.get(what, path("JournalEntries", select="JdtNum", top="1"))
    return await _readable(layer, what, path("JournalEntries", select=f"JdtNum,{KEY_FIELD}", top="1"))


async def has_claim_table(layer: ServiceLayer) -> bool:
    """Whether the user table U_ML_LINK is there and readable."""
    return await _readable(layer, f"read {CLAIM_SET}", path(CLAIM_SET, select="Code", top="1"))


async def references(layer: ServiceLayer, known: Company, today: date) -> References:
    """Everything that a plan is checked against, read now."""
    categories = listed(await layer.act("read posting periods", "CompanyService_GetPeriods"))
    numbers = sorted(row["AbsoluteEntry"] for row in categories if isinstance(row.get("AbsoluteEntry"), int))
    control = await _control_accounts(layer, numbers)
    rows = await layer.rows("read the chart of accounts", "ChartOfAccounts", key="Code", select=_ACCOUNT_FIELDS)
    periods: list[FiscalPeriod] = []
    for number in numbers:
        params = {"PeriodCategoryParams": {"AbsoluteEntry": number}}
        data = await layer.act("read posting periods", "CompanyService_GetFinancePeriods", params)
        periods += of_category(listed(data))
    return References(
        company=known.database,
        local_currency=known.local.iso,
        accounts=tuple(_account(row, known, control, today) for row in rows),
        periods=numbered(periods),
        currencies=tuple(currency for currency in known.currencies if currency.iso),
        branches=known.branches,
        tax_codes=await setup.tax_codes(layer, today),
        dimensions=await setup.dimensions(layer, today),
        warehouses=await setup.warehouses(layer),
    )


async def _readable(layer: ServiceLayer, what: str, where: str) -> bool:
    """Whether a resource or field is there: the server says 400 or 404 where it is not (dossier 6.7)."""
    try:
        await layer.get(what, where)
    except (RefusedByServer, NotPermitted):
        return False
    return True


async def _currencies(layer: ServiceLayer, admin: Mapping[str, Any]) -> tuple[Currency, ...]:
    fields = ("Code", "Name", "DocumentsCode", "InternationalDescription", "Decimals")
    rows = await layer.rows("read currencies", "Currencies", key="Code", select=fields)
    accuracy = admin.get("TotalsAccuracy")
    default = accuracy if isinstance(accuracy, int) else 2
    return tuple(
        Currency(str(row["Code"]), _iso(row), _DECIMALS.get(str(row.get("Decimals")), default)) for row in rows
    )


def _iso(row: Mapping[str, Any]) -> str:
    """The ISO code of a currency row, "" where none of its fields holds one. Local codes such as ``$`` are common."""
    values = (row.get("DocumentsCode"), row.get("InternationalDescription"), row.get("Code"))
    return next((value for value in values if isinstance(value, str) and _ISO.fullmatch(value)), "")


async def _branches(layer: ServiceLayer, admin: Mapping[str, Any]) -> tuple[str, ...]:
    if not yes(admin.get("EnableBranches")):
        return ()
    rows = await layer.rows("read branches", "BusinessPlaces", key="BPLID", select=("BPLID", "BPLName", "Disabled"))
    return tuple(str(row["BPLID"]) for row in rows if not yes(row.get("Disabled")))


async def _control_accounts(layer: ServiceLayer, categories: Sequence[int]) -> dict[str, ControlAccount]:
    """Accounts that the account determination of any period names as receivables or payables.

    No field of an account tells (dossier 6.6); where the user may not read the determination, none is known, and
    Business One itself refuses a journal line on such an account.
    """
    found: dict[str, ControlAccount] = {}
    for number in categories:
        params = {"PeriodCategoryParams": {"AbsoluteEntry": number}}
        try:
            category = await layer.act("read account determination", "CompanyService_GetPeriod", params)
        except (RefusedByServer, NotPermitted):
            return found
        if not isinstance(category, dict):
            continue
        for kind, fields in ((ControlAccount.RECEIVABLES, _RECEIVABLES), (ControlAccount.PAYABLES, _PAYABLES)):
            found.update({category[name]: kind for name in fields if category.get(name)})
    return found


def _account(row: Mapping[str, Any], known: Company, control: Mapping[str, ControlAccount], today: date) -> Account:
    code = str(row["Code"])
    currency = row.get("AcctCurrency")
    return Account(
        code=code,
        shown_as=str(row.get("FormatCode") or code),
        name=str(row.get("Name") or ""),
        postable=yes(row.get("ActiveAccount")),
        frozen=_frozen(row, today),
        manual_locked=yes(row.get("LockManualTransaction")) or yes(row.get("BlockManualPosting")),
        control=control.get(code),
        currency="" if not currency or currency == _EVERY_CURRENCY else known.iso(str(currency)),
        profit_and_loss=_PROFIT_AND_LOSS.get(str(row.get("AccountType"))),
    )


def _frozen(row: Mapping[str, Any], today: date) -> bool:
    """Inside its frozen days, or outside its valid days. Neither flag set means active."""
    if yes(row.get("FrozenFor")) and inside(row.get("FrozenFrom"), row.get("FrozenTo"), today):
        return True
    return yes(row.get("ValidFor")) and not inside(row.get("ValidFrom"), row.get("ValidTo"), today)
