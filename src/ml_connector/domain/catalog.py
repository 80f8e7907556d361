"""Reference data of an ERP, as the rest of the program sees it. Every ``id`` is the ERP's own."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from ml_connector.domain.documents import Kind


class ControlAccount(StrEnum):
    """A control account belongs to a sub-ledger and takes no journal line of ours."""

    RECEIVABLES = "receivables"
    PAYABLES = "payables"


@dataclass(frozen=True, slots=True)
class Account:
    """A G/L account. ``code`` is what documents carry, ``shown_as`` what people see (equal where the ERP has one code).

    ``currency`` is ISO 4217, or "" where the account takes every currency. ``profit_and_loss`` is None where unknown.
    """

    code: str
    shown_as: str
    name: str
    postable: bool
    frozen: bool
    manual_locked: bool
    control: ControlAccount | None
    currency: str
    profit_and_loss: bool | None


@dataclass(frozen=True, slots=True)
class FiscalPeriod:
    """A period of the ERP's own calendar. ``open`` is for the general ledger; ``adjustment`` periods are never a target.

    ``name`` is unique in a company and is what people see. ``closed_in`` are the kinds of documents whose own sub-ledger is
    closed in it although the general ledger is open.
    """

    name: str
    year: int
    number: int
    first_day: date
    last_day: date
    open: bool
    adjustment: bool = False
    closed_in: tuple[Kind, ...] = ()

    def takes(self, kind: Kind) -> bool:
        """Whether a document of ``kind`` may be dated in it."""
        return self.open and not self.adjustment and kind not in self.closed_in

    @property
    def key(self) -> str:
        """The period in a document key: ``2026P10``."""
        return f"{self.year}P{self.number:02d}"


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency of the ERP: ``code`` is the ERP's own (may be ``$``), ``iso`` ISO 4217."""

    code: str
    iso: str
    decimals: int


@dataclass(frozen=True, slots=True)
class TaxCode:
    """A sales tax code, group or class of the ERP. ``rate`` in percent, None where it depends on the address."""

    code: str
    name: str
    rate: Decimal | None
    active: bool


@dataclass(frozen=True, slots=True)
class Dimension:
    """Something a line may carry beside its account (a cost centre, a project). ``values`` are the codes that exist."""

    name: str
    label: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Warehouse:
    """A place with stock. ``branch`` is "" where the ERP has none."""

    code: str
    name: str
    branch: str = ""


@dataclass(frozen=True, slots=True)
class References:
    """What the ERP company looked like when a plan was made."""

    company: str
    local_currency: str
    accounts: tuple[Account, ...]
    periods: tuple[FiscalPeriod, ...]
    currencies: tuple[Currency, ...]
    branches: tuple[str, ...] = ()
    tax_codes: tuple[TaxCode, ...] = ()
    dimensions: tuple[Dimension, ...] = ()
    warehouses: tuple[Warehouse, ...] = ()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Identity:
    """Who answered a ping: what a person recognises as their own system.

    ``clock_ahead_s``: by how many seconds its clock is ahead of ours, None where it does not say.
    """

    name: str
    version: str
    details: tuple[tuple[str, str], ...] = ()
    clock_ahead_s: float | None = None


# --- what goes back to Amazon, and who is invoiced ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Item:
    """An item. ``stocked`` is False for a service or non-stock item; ``sellable``: the ERP takes it on a sales document now.

    ``changed`` is the ERP's own change stamp as text, "" where it keeps none: shown, never compared.
    """

    code: str
    name: str
    stocked: bool
    sellable: bool
    unit: str
    barcode: str
    changed: str


@dataclass(frozen=True, slots=True)
class Price:
    """What one ``unit`` costs on a price list from ``quantity`` on. ``first_day`` and ``last_day`` bound it where it is dated.

    ``includes_tax``: the amount is gross, None where the ERP does not say. ``customer`` is "" for a list that is for everybody.
    """

    item: str
    price_list: str
    currency: str
    amount: Decimal
    unit: str
    quantity: Decimal
    includes_tax: bool | None
    customer: str = ""
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class Stock:
    """Quantities of one item in one warehouse, in the item's own unit. ``available`` is what may still be promised: how the ERP
    means it stands in :attr:`~ml_connector.domain.target.Capabilities.stock_is`. It may be negative."""

    item: str
    warehouse: str
    on_hand: Decimal
    committed: Decimal
    on_order: Decimal
    available: Decimal


@dataclass(frozen=True, slots=True)
class ShippedLine:
    """``line`` is the line of the order it was shipped for, as text, "" where the ERP does not say."""

    item: str
    quantity: Decimal
    line: str = ""


@dataclass(frozen=True, slots=True)
class Shipment:
    """Goods that left. ``reference`` is what the order carries (the Amazon order id, where it came from Amazon); ``order`` the
    ERP's own number of the order. ``cancelled``: taken back since."""

    id: str
    reference: str
    order: str
    day: date
    carrier: str
    tracking: tuple[str, ...]
    lines: tuple[ShippedLine, ...]
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer. ``currency`` is "" where it takes every currency. ``hindrances`` are settings that would get in the way of the
    Amazon customer, in words (a credit limit, dunning, finance charges: ACCOUNTING 3)."""

    code: str
    name: str
    currency: str
    active: bool
    hindrances: tuple[str, ...] = ()
