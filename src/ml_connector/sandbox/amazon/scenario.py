"""What a scenario may say about Amazon: the ``[amazon]`` table of a scenario file, checked.

::

    [amazon]
    stores = ["US", "DE"]             # one selling account holds them all, whatever their region (a simplification)
    settlements = 3                   # closed per store when the world begins; more close as time passes
    period_days = 14                  # 1 is daily
    orders_per_day = 2
    refund_rate = 0.08
    deferred_rate = 0.35              # orders whose money is released only days later (DD+7)
    shrinking_rate = 0.1              # of the seller's own shipments: units or a line cancelled before they ship
    cancelled_rate = 0.06             # orders beside those, for each of them, that come to nothing
    replacement_rate = 0.03           # orders sent once more for nothing
    reserve_rates = [0.0, 0.05, 0.1, 0.15]   # one is drawn at each close, and held back until the next
    bank_currency = "EUR"             # payouts are converted into it; "" (the default): not at all
    labels_renamed_from = "2026-11-01"   # a known label has a new name in all files from this day on; "": never
    late_issues = ["LANTERN-S-MFN"]   # SKUs whose accepted submissions fail when they are worked on
    unknown_triple = ["US:2"]         # the second settlement of the US store; so for every mark below
    revoked = true                    # conditions of the account
    [amazon.switches]
    compression = "plain"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from ml_connector.sandbox.amazon.marketplaces import STORES
from ml_connector.sandbox.amazon.switches import SWITCHES
from ml_connector.sandbox.switches import Switches

MARKS: Mapping[str, str] = {
    "unknown_triple": "The file holds a fee that no table knows.",
    "renamed_label": "A known label comes under a new name.",
    "duplicate_rows": "Two rows are alike in every cell; both count.",
    "blank_store": "No row names its store.",
    "sum_off_by_a_cent": "total-amount is one hundredth (JPY: one yen) more than the rows.",
    "truncated_gzip": "The document is gzip and its end is missing, for good.",
    "two_report_ids": "The settlement is listed twice under two report ids.",
    "v1_by_mistake": "The document has the retired 36 columns.",
    "missing_settlement": "The settlement closed, but its report is never listed.",
    "restated_settlement": "Four days later a second report with the same settlement id has two more rows that cancel out.",
    "a_to_z": "One claim more is paid back to a buyer, as an A-to-z refund.",
    "negative": "The seller owes: advertising eats more than the sales. The next file shows the debt and its charge.",
    "failed_payout": "The payout of this settlement comes back in the next file.",
}
"""Marks on single settlements, as ``STORE:n`` with n counted from the start of the chain."""

Mark = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Scenario:
    """The Amazon side of a world. ``marks`` holds for each name of MARKS the settlements that have it.

    ``missing_roles`` are operations the application has no role for, and BUYER or RECIPIENT. ``fatal_types`` are report
    types that end FATAL. ``late_issues`` are SKUs whose submissions are accepted and come to nothing. ``bank_currency`` is what every payout is converted into; "" leaves them in the store's currency.
    ``reserve_rates``: of which share a reserve is held back, one is drawn at each close. ``labels_renamed_from`` is a day
    (ISO 8601, UTC) from which files name advertising otherwise; "" for never.
    """

    stores: tuple[str, ...] = ("US", "DE")
    settlements: int = 3
    period_days: int = 14
    orders_per_day: int = 2
    refund_rate: float = 0.08
    deferred_rate: float = 0.35
    shrinking_rate: float = 0.1
    cancelled_rate: float = 0.06
    replacement_rate: float = 0.03
    reserve_rates: tuple[float, ...] = (0.0, 0.05, 0.1, 0.15)
    bank_currency: str = ""
    labels_renamed_from: str = ""
    revoked: bool = False
    secret_rotated: bool = False
    other_region: bool = False
    missing_roles: tuple[str, ...] = ()
    fatal_types: tuple[str, ...] = ()
    late_issues: tuple[str, ...] = ()
    marks: Mapping[str, frozenset[Mark]] = field(default_factory=dict)

    def marked(self, mark: str, store: str, number: int) -> bool:
        """Does the ``number``-th settlement of the store's chain carry the mark?"""
        return (store, number) in self.marks.get(mark, frozenset())


def read_scenario(table: Mapping[str, object]) -> tuple[Scenario, Switches]:
    """Check an ``[amazon]`` table. Raises ValueError with a sentence that names the entry."""
    given = dict(table)
    switches = Switches(SWITCHES, given.pop("switches", None))
    marks = {name: _marks(name, given.pop(name)) for name in MARKS if name in given}
    marks.setdefault("negative", frozenset({("UK", 2)}))
    known: dict[str, object] = {}
    for name, value in given.items():
        if name not in _READERS:
            raise ValueError(f"[amazon] has no entry {name!r}")
        known[name] = _READERS[name](name, value)
    return Scenario(**known, marks=marks), switches  # type: ignore[arg-type]  # checked entry by entry above


def _count(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 10_000:
        raise ValueError(f"[amazon] {name} must be a whole number, not {value!r}")
    return value


def _period(name: str, value: object) -> int:
    days = _count(name, value)
    if not 1 <= days <= 60:
        raise ValueError(f"[amazon] {name} must be between 1 and 60 days")
    return days


def _share(name: str, value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise ValueError(f"[amazon] {name} must lie between 0 and 1")
    return float(value)


def _truth(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"[amazon] {name} must be true or false")
    return value


def _texts(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"[amazon] {name} must be a list of texts")
    return tuple(value)


def _currency(name: str, value: object) -> str:
    currencies = ("", *sorted({store.currency for store in STORES.values()}))
    if value not in currencies:
        raise ValueError(f"[amazon] {name} must be one of {', '.join(currencies[1:])}, or empty")
    return str(value)


def _rates(name: str, value: object) -> tuple[float, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError(f"[amazon] {name} must be a list of shares")
    return tuple(_share(name, each) for each in value)


def _day(name: str, value: object) -> str:
    text = value.isoformat() if isinstance(value, date) else value
    try:
        return date.fromisoformat(text).isoformat() if text else ""  # type: ignore[arg-type]  # caught below
    except (TypeError, ValueError):
        raise ValueError(f"[amazon] {name} must be a day, as 2026-11-01") from None


def _stores(name: str, value: object) -> tuple[str, ...]:
    stores = _texts(name, value)
    unknown = [store for store in stores if store not in STORES]
    if unknown or not stores or len(set(stores)) != len(stores):
        raise ValueError(f"[amazon] {name} must name some of {', '.join(STORES)}, each once")
    return stores


def _marks(name: str, value: object) -> frozenset[Mark]:
    marks = set()
    for text in _texts(name, value):
        store, _, number = text.partition(":")
        if store not in STORES or not number.isascii() or not number.isdigit():
            raise ValueError(f"[amazon] {name}: {text!r} must be STORE:n, as US:2")
        marks.add((store, int(number)))
    return frozenset(marks)


_READERS = {
    "stores": _stores,
    "settlements": _count,
    "period_days": _period,
    "orders_per_day": _count,
    "refund_rate": _share,
    "deferred_rate": _share,
    "shrinking_rate": _share,
    "cancelled_rate": _share,
    "replacement_rate": _share,
    "reserve_rates": _rates,
    "bank_currency": _currency,
    "labels_renamed_from": _day,
    "revoked": _truth,
    "secret_rotated": _truth,
    "other_region": _truth,
    "missing_roles": _texts,
    "fatal_types": _texts,
    "late_issues": _texts,
}
