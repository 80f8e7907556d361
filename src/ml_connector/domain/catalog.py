"""Reference data of an ERP, as the rest of the program sees it. Every ``id`` is the ERP's own."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum


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

    ``name`` is unique in a company and is what people see.
    """

    name: str
    year: int
    number: int
    first_day: date
    last_day: date
    open: bool
    adjustment: bool = False

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
class References:
    """What the ERP company looked like when a plan was made."""

    company: str
    local_currency: str
    accounts: tuple[Account, ...]
    periods: tuple[FiscalPeriod, ...]
    currencies: tuple[Currency, ...]
    branches: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Identity:
    """Who answered a ping: what a person recognises as their own system."""

    name: str
    version: str
    details: tuple[tuple[str, str], ...] = ()
