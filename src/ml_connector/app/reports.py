"""What the program tells its callers: the command line now, an API and a dashboard later. Plain frozen data.

Field names are part of the command line's ``--json`` contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Initialised:
    data_folder: str
    key_from: str
    created: bool


@dataclass(frozen=True, slots=True)
class DoctorCheck:
    name: str
    ok: bool
    words: str


@dataclass(frozen=True, slots=True)
class ConnectionShown:
    """``secret_fields`` are those that are set; no secret is in here."""

    name: str
    kind: str
    settings: Mapping[str, str]
    secret_fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LinkShown:
    """``goals`` says per document kind whether it is posted, or entered for a person to post; ``classes`` how it is kept from
    counting twice, {} while the ERP cannot be asked."""

    name: str
    amazon: str
    erp: str
    stores: tuple[str, ...]
    policy: str
    closed_period: str
    approval: str
    granularity: str
    presentation: str
    period_split: bool
    suspense: bool
    adopt_equal: bool
    zones: Mapping[str, str]
    every_hours: int
    orders_every_minutes: int
    mapping_version: int | None
    goals: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, str] = field(default_factory=dict)
    branches: Mapping[str, str] = field(default_factory=dict)
    always_facilitated: tuple[str, ...] = ()
    vat_not_deductible: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MappingSaved:
    link: str
    version: int
    rules: int
    sha256: str


@dataclass(frozen=True, slots=True)
class LineShown:
    """``posts`` is False for a zero line, kept for its lineage. ``rows`` counts file rows."""

    account: str
    category: str
    store: str
    text: str
    debit: Decimal
    credit: Decimal
    rows: int
    posts: bool


@dataclass(frozen=True, slots=True)
class DocumentShown:
    """A planned document. ``references`` are the fields by which a person finds it in the ERP, as they are written there.

    ``target`` says what the ERP shows now: absent, equal, or how it differs. ``class_`` is its reliability class.
    """

    key: str
    kind: str
    settlement_id: str
    posting_date: date
    currency: str
    total: Decimal
    class_: str
    references: Mapping[str, str]
    lines: tuple[LineShown, ...]
    hash: str
    target: str


@dataclass(frozen=True, slots=True)
class HeldShown:
    key: str
    settlement_id: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class NoteShown:
    """What stops nothing of a planned settlement and has to be known, such as a break in a chain."""

    settlement_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class PlanShown:
    """``hash`` is over everything the plan was made from; applying it when that changed is refused."""

    id: str
    link: str
    flow: str
    state: str
    hash: str
    inputs: Mapping[str, Any]
    documents: tuple[DocumentShown, ...]
    held: tuple[HeldShown, ...]
    notes: tuple[NoteShown, ...]


@dataclass(frozen=True, slots=True)
class CheckShown:
    number: int
    name: str
    ok: bool | None
    words: str


@dataclass(frozen=True, slots=True)
class ProofShown:
    """The certificate of a settlement. ``documents`` are plain data as :mod:`accounting.proof` writes them."""

    settlement_id: str
    currency: str
    total: str
    sha256: str
    proved: bool
    entered: bool
    checks: tuple[CheckShown, ...]
    documents: tuple[Mapping[str, Any], ...]
    audit_head: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class WaitingShown:
    key: str
    until: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run did. ``exit_code`` is the command's: 0 done, 1 findings, 3 an outside system did not answer. ``notes`` are
    about what it planned."""

    link: str
    flow: str
    discovered: int
    posted: int
    adopted: int
    proved: int
    held: tuple[HeldShown, ...]
    notes: tuple[NoteShown, ...]
    waiting: tuple[WaitingShown, ...]
    proofs: tuple[ProofShown, ...]
    awaiting_approval: str | None
    trouble: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class Imported:
    """``link`` is the one that posts it, "" while none does."""

    settlement_id: str | None
    link: str
    sha256: str
    refused: bool
    words: str


@dataclass(frozen=True, slots=True)
class RecordShown:
    key: str
    kind: str
    link: str
    state: str
    reason_code: str
    reason: str
    ids: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AttemptShown:
    step: str
    sent_at: datetime
    outcome: str
    ids: Mapping[str, str]
    words: str


@dataclass(frozen=True, slots=True)
class EventShown:
    at: datetime
    actor: str
    event: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VersionShown:
    """One version of an order: when Amazon changed it, when it was seen."""

    changed_at: datetime
    seen_at: datetime
    sha256: str


@dataclass(frozen=True, slots=True)
class RecordDetail:
    """``versions`` and ``content`` (the newest version, without its buyer) are an order's."""

    key: str
    kind: str
    link: str
    state: str
    reason_code: str
    reason: str
    ids: Mapping[str, str]
    sha256: str
    lines: tuple[LineShown, ...]
    attempts: tuple[AttemptShown, ...]
    history: tuple[EventShown, ...]
    versions: tuple[VersionShown, ...] = ()
    content: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Spotted:
    """``what``: missing, changed or surplus."""

    what: str
    key: str
    words: str
    ids: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reconciled:
    """``not_counted``: why the ERP could not say what else carries a key of ours."""

    link: str
    period: str
    looked_at: int
    equal: int
    missing: tuple[Spotted, ...]
    changed: tuple[Spotted, ...]
    surplus: tuple[Spotted, ...]
    not_counted: tuple[Spotted, ...] = ()

    def spots(self) -> tuple[Spotted, ...]:
        """Everything that a person has to look at."""
        return (*self.missing, *self.changed, *self.surplus, *self.not_counted)


@dataclass(frozen=True, slots=True)
class Rotated:
    """``kept``: the files that hold the keys before. Older backups open with nothing else."""

    secrets: int
    key_from: str
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    ok: bool
    events: int
    head: str
    words: str


@dataclass(frozen=True, slots=True)
class ForecastShown:
    """A way of reading (``search`` or ``report``) with its calls by operation. ``floor_s`` is what Amazon's limits cost,
    ``seconds`` what is expected; None where nobody knows how many orders there are."""

    way: str
    orders: int | None
    calls: Mapping[str, int]
    floor_s: float | None
    seconds: float | None
    words: str


@dataclass(frozen=True, slots=True)
class OrdersPlanShown:
    """What a run would read. ``only_to_find`` is what it would cost to know no more than which orders there are."""

    link: str
    flow: str
    connection: str
    read_since: datetime | None
    read_to: datetime | None
    wanted_since: datetime | None
    chosen: ForecastShown
    only_to_find: tuple[ForecastShown, ...]


@dataclass(frozen=True, slots=True)
class OrdersReport:
    """What a run read, of which ``kind`` of record. ``states`` counts the orders on record, ``calls_again`` the calls of windows that were read once more,
    ``left`` is what is still to be read, None when there is nothing."""

    link: str
    flow: str
    connection: str
    kind: str
    new: int
    changed: int
    same: int
    calls: int
    calls_again: int
    reports: int
    quota_refusals: int
    states: Mapping[str, int]
    held: tuple[HeldShown, ...]
    read_since: datetime | None
    read_to: datetime | None
    left: ForecastShown | None
    trouble: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class Purged:
    """Buyers that were deleted because their time is over, and those that are left."""

    removed: int
    left: int
