"""What the simulated Web API serves, as data: models, their properties, resources and enumerations.

The tables are ``models/*.csv`` (one row per model and type, ranges such as ``TaxClass1-5`` spelled once) and
``resources.csv``. Names: Sage's published metadata and payloads and what live clients send (dossier, sections 9 to 16);
contract tests compare both tables name by name. Lengths and decimals: dossier, section 17.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache
from importlib import resources

#: A row in the hands of the company: text and enum members as ``str``, dates as ISO text, decimals as ``Decimal``.
Row = dict[str, object]

_TABLES = ("accounts_receivable", "general_ledger", "order_entry", "inventory", "common")
_TYPE = re.compile(r"(?P<kind>\w+)(?::(?P<of>[\w.]+))?(?:\((?P<size>\d+)(?P<open>\??)\))?")
_RANGE = re.compile(r"(.*\D)(\d+)-(\d+)(\D*)")


@dataclass(frozen=True, slots=True)
class Field:
    """One property.

    ``kind``: text, word (an enumeration whose words nobody wrote down), enum, date, decimal, int, bool, list, or opaque
    (a collection that this company never fills). ``of`` names the enumeration or the model of the rows. ``size`` is the
    greatest length of a text or the decimals of a number; None where nothing is known. ``size_is_open``: the length is
    inferred (switch ``text_length``).
    """

    name: str
    kind: str
    of: str = ""
    size: int | None = None
    size_is_open: bool = False
    default: object = None


@dataclass(frozen=True, slots=True)
class Model:
    """An entity or a detail row. ``name`` is qualified by its module: ``AR.Invoice``."""

    name: str
    fields: tuple[Field, ...]
    by_name: Mapping[str, Field] = field(default_factory=dict, init=False, repr=False, compare=False)
    scalars: tuple[Field, ...] = field(default=(), init=False, repr=False, compare=False)
    collections: tuple[Field, ...] = field(default=(), init=False, repr=False, compare=False)
    defaults: Row = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Derived once: every request walks them.
        object.__setattr__(self, "by_name", {each.name: each for each in self.fields})
        rows = tuple(each for each in self.fields if each.kind in ("list", "opaque"))
        object.__setattr__(self, "collections", rows)
        object.__setattr__(self, "scalars", tuple(each for each in self.fields if each not in rows))
        object.__setattr__(self, "defaults", {each.name: each.default for each in self.scalars})

    @property
    def module(self) -> str:
        return self.name.partition(".")[0]

    @property
    def short_name(self) -> str:
        return self.name.partition(".")[2]


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of a module. ``model`` is "" where the company does not use it; ``key`` names the key's properties."""

    module: str
    name: str
    methods: frozenset[str]
    model: str
    key: tuple[str, ...]

    @property
    def is_process(self) -> bool:
        """Something is started by it, nothing is kept under it."""
        return self.methods == {"POST"} and not self.key


@dataclass(frozen=True, slots=True)
class Schema:
    """Everything there is, by name."""

    models: Mapping[str, Model]
    resources: Mapping[str, Resource]

    def model_of(self, resource: str) -> Model:
        """The model of a resource that the company uses."""
        return self.models[self.resources[resource].model]


_PERIODS = tuple(f"Num{number}" for number in range(1, 14))

#: Members by enumeration (dossier, sections 4.2, 5, 10 to 16). The position counts from 0 where Sage's number is unknown.
ENUMS: Mapping[str, tuple[str, ...]] = {
    "YesNo": ("No", "Yes"),
    "ActiveStatus": ("Inactive", "Active"),
    "PeriodStatus": ("Open", "Locked"),
    "UpdateOperation": ("Unspecified", "Insert", "Update", "Delete"),
    "CustomerAccountType": ("OpenItem", "BalanceForward"),
    "CheckForDuplicatePOs": ("None", "Warning", "Error"),
    "BatchType": ("Entered", "Imported", "Generated", "Recurring", "External", "Retainage"),
    "BatchStatus": ("Open", "ReadyToPost", "Posted", "PostInProgress", "Deleted"),
    "ReceiptBatchStatus": (
        "Open", "ReadyToPost", "Posted", "PostInProgress", "Deleted", "CheckCreationInProgress",
    ),
    "BatchRecordType": ("CA", "AD"),
    "InvoiceType": ("Item", "Summary"),
    "DocumentType": ("Invoice", "DebitNote", "CreditNote", "4"),
    "PostAllBatches": ("Donotpostallbatches", "Postallbatches"),
    "JournalBatchStatus": ("Open", "ReadyToPost", "Posted", "PostInProgress", "Deleted"),
    "AccountType": ("IncomeStatement", "BalanceSheet", "RetainedEarnings"),
    "NormalBalance": ("Debit", "Credit"),
    "OrderType": ("Active", "Future", "Standing", "Quote"),
    "LineType": ("Item", "Miscellaneous"),
    "CreditDebitNoteType": ("CreditNote", "DebitNote"),
    "ReturnType": ("ItemsReturnedToInventory", "ItemsDamaged", "PriceAdjustment"),
    "FiscalPeriod": _PERIODS,
    "PriceDetailType": ("BasePriceQuantity", "SalePriceQuantity"),
    "DecimalPlaces": ("Num0", "Num1", "Num2", "Num3"),
    "DateMatching": ("Earlier", "Later", "Exact"),
    "RateOperation": ("Multiply", "Divide"),
    "TaxTransactionType": ("Sales", "Purchases"),
}  # fmt: skip

#: The number of a member where Sage's own sample sends it as text (``"DocumentType": "4"``; dossier, section 4.2).
NUMBERED: Mapping[str, Mapping[str, str]] = {
    "DocumentType": {"1": "Invoice", "2": "DebitNote", "3": "CreditNote", "4": "4"}
}


@cache
def shipped() -> Schema:
    """The tables as they lie beside this file."""
    fields: dict[str, list[Field]] = {}
    for table in _TABLES:
        for line in _lines(f"models/{table}.csv"):
            for name in _spelled(line["properties"]):
                fields.setdefault(line["model"], []).append(_field(name, line["type"], line["default"]))
    update = Field("UpdateOperation", "enum", "UpdateOperation", default="Unspecified")
    models = {name: Model(name, (*own, update)) for name, own in fields.items()}
    found = {}
    for line in _lines("resources.csv"):
        model = f"{line['module']}.{line['model']}" if line["model"] else ""
        methods = frozenset(line["methods"].split())
        found[line["resource"]] = Resource(line["module"], line["resource"], methods, model, tuple(line["key"].split()))
    return Schema(models, found)


def with_text_length(schema: Schema, length: int) -> Schema:
    """The same schema with another length for descriptions and references, which is inferred only."""
    models = {
        name: Model(name, tuple(replace(each, size=length) if each.size_is_open else each for each in model.fields))
        for name, model in schema.models.items()
    }
    return replace(schema, models=models)


def without(schema: Schema, model: str, *names: str) -> Schema:
    """The same schema on a version that lacks some properties."""
    kept = tuple(each for each in schema.models[model].fields if each.name not in names)
    return replace(schema, models={**schema.models, model: Model(model, kept)})


def blank(model: Model) -> Row:
    """A row in which every property has its default; collections are empty."""
    row: Row = dict(model.defaults)
    row.update({each.name: [] for each in model.collections})
    return row


_BLANKS: Mapping[str, object] = {"text": "", "decimal": Decimal(0), "int": 0, "bool": False}


def _field(name: str, text: str, default: str) -> Field:
    match = _TYPE.fullmatch(text)
    if match is None:
        raise ValueError(f"not a type: {text!r}")
    kind = match["kind"]
    return Field(
        name,
        kind,
        match["of"] or "",
        size=int(match["size"]) if match["size"] else None,
        size_is_open=bool(match["open"]),
        default=default or _BLANKS.get(kind),
    )


def _spelled(names: str) -> Iterator[str]:
    for name in names.split():
        match = _RANGE.fullmatch(name)
        if match is None:
            yield name
        else:
            yield from (f"{match[1]}{number}{match[4]}" for number in range(int(match[2]), int(match[3]) + 1))


def _lines(name: str) -> Iterator[dict[str, str]]:
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return csv.DictReader(text.splitlines())
