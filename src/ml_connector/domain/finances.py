"""What Amazon says about money beside the settlement file: transactions, balances, summaries, event groups, payouts.

Source of every fact: SP-API dossier, sections 15 to 17. None of it decides an entry: it feeds accruals and the proof (ACCOUNTING 5
and 8). Amounts are exact and signed from the seller's side, except where a payout is shown: a transfer to the bank was seen as a
positive amount.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from ml_connector.domain.money import ZERO, Money

# Statuses of a transaction, as they are compared (Amazon's own case varies).
DEFERRED: Final = "DEFERRED"
RELEASED: Final = "RELEASED"
DEFERRED_RELEASED: Final = "DEFERRED_RELEASED"

# Names of what a transaction is related to. Others are kept as they come.
ORDER_ID: Final = "ORDER_ID"
SHIPMENT_ID: Final = "SHIPMENT_ID"
SETTLEMENT_ID: Final = "SETTLEMENT_ID"
FINANCIAL_EVENT_GROUP_ID: Final = "FINANCIAL_EVENT_GROUP_ID"
REFUND_ID: Final = "REFUND_ID"
DEFERRED_TRANSACTION_ID: Final = "DEFERRED_TRANSACTION_ID"
RELEASE_TRANSACTION_ID: Final = "RELEASE_TRANSACTION_ID"

#: Start and end of a group and of its settlement may differ by so much (section 16).
GROUP_TOLERANCE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Identifier:
    """What something is related to: ``name`` one of the words above, or one that is not known here."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A node of a tree of amounts. Only leaves add up; a branch repeats the sum of what is below, or says zero."""

    kind: str
    amount: Decimal
    below: tuple[Breakdown, ...] = ()


@dataclass(frozen=True, slots=True)
class Leaf:
    """An amount with the kinds on its way from the root: ``("AmazonFees", "Commission", "Base")``."""

    path: tuple[str, ...]
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Deferral:
    """Why money is held back (``DD7``, ``B2B``, or another word), and until when: an instant or a day; None where Amazon does not
    say."""

    reason: str
    matures: datetime | date | None


@dataclass(frozen=True, slots=True)
class TransactionItem:
    """A line of a transaction. ``quantity`` is None where there is none; ``network`` is AFN, MFN or ""."""

    description: str
    amount: Decimal | None
    breakdowns: tuple[Breakdown, ...] = ()
    identifiers: tuple[Identifier, ...] = ()
    sku: str = ""
    asin: str = ""
    quantity: int | None = None
    network: str = ""


@dataclass(frozen=True, slots=True)
class Transaction:
    """One financial transaction, in one ``currency``.

    ``status`` is in capitals, "" where Amazon names none. ``posted`` is UTC. ``kind`` is an open vocabulary (``Shipment``,
    ``Refund``, ``ServiceFee``, ...). ``transaction_id`` may be "".
    """

    transaction_id: str
    kind: str
    status: str
    description: str
    posted: datetime
    currency: str
    amount: Decimal
    account_type: str = ""
    marketplace_id: str = ""
    marketplace: str = ""
    identifiers: tuple[Identifier, ...] = ()
    items: tuple[TransactionItem, ...] = ()
    breakdowns: tuple[Breakdown, ...] = ()
    deferral: Deferral | None = None

    def related(self, name: str) -> str:
        """The first identifier of that name, "" without one."""
        return next((identifier.value for identifier in self.identifiers if identifier.name == name), "")

    def leaves(self) -> tuple[Leaf, ...]:
        """The amounts that add up to the transaction: its items' where they have any, else its own, else one without a path
        (ledger adjustments and reimbursements come without a tree)."""
        trees = [item.breakdowns for item in self.items if item.breakdowns] or [self.breakdowns]
        found = tuple(leaf for tree in trees for leaf in leaves_of(tree))
        return found or (Leaf((), self.amount),)

    @property
    def unexplained(self) -> Decimal:
        """What is left of the amount when its leaves are taken off: zero, or somebody has to look."""
        return self.amount - sum((leaf.amount for leaf in self.leaves()), ZERO)


@dataclass(frozen=True, slots=True)
class Balance:
    """A balance of one store and account type. RESERVED = DEFERRED + ACCOUNT_LEVEL_RESERVE, TOTAL = AVAILABLE + RESERVED; such
    parts stand in ``below``. ``as_of`` is a day for a balance of the past, an instant for one of now, None where not said."""

    kind: str
    amount: Money
    account_type: str = ""
    marketplace_id: str = ""
    as_of: date | datetime | None = None
    below: tuple[Balance, ...] = ()

    def find(self, kind: str) -> Balance | None:
        """The balance of that kind, this one or one below it."""
        if self.kind == kind:
            return self
        return next((found for part in self.below if (found := part.find(kind)) is not None), None)


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of a period. ``proceeds`` is what a settlement's total-amount should be: a second opinion (section 15.2)."""

    proceeds: Money
    settlement_id: str = ""
    account_type: str = ""
    marketplace_id: str = ""
    start: date | datetime | None = None
    end: date | datetime | None = None
    breakdowns: tuple[Breakdown, ...] = ()


@dataclass(frozen=True, slots=True)
class EventGroup:
    """A settlement period as Finances v0 sees it: the only place that shows what Amazon converted.

    ``status`` is ``Open`` or ``Closed``. ``total`` is in the store's currency, ``converted`` in the currency of the payout; both
    may be missing even from a closed group. ``id`` is not the settlement id: see :func:`group_of`.
    """

    id: str
    status: str
    start: datetime | None
    end: datetime | None
    total: Money | None = None
    converted: Money | None = None
    beginning: Money | None = None
    transfer_status: str = ""
    transferred: datetime | None = None
    trace_id: str = ""
    account_tail: str = ""


@dataclass(frozen=True, slots=True)
class PayoutStep:
    """A status of a payout and since when; ``failure`` says why it failed, "" otherwise."""

    status: str
    since: datetime
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Payout:
    """A transfer to the seller's bank. ``status``: STARTED, IN_TRANSIT, PAID, FAILED, CANCELLED or NO_PAYOUT. ``amount`` is
    positive when money goes to the seller, in the currency of the payout; None where not shown. ``settlement_id`` is "" where
    Amazon names none. No status of a payout ever posts anything (ACCOUNTING 4)."""

    id: str
    status: str
    steps: tuple[PayoutStep, ...]
    amount: Money | None = None
    settlement_id: str = ""
    kind: str = ""
    created: datetime | None = None
    start: datetime | None = None
    end: datetime | None = None
    account_type: str = ""
    marketplace_id: str = ""
    account_tail: str = ""
    trace_id: str = ""


def leaves_of(breakdowns: Iterable[Breakdown], path: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """The leaves of some trees, each with its path."""
    for breakdown in breakdowns:
        here = (*path, breakdown.kind)
        if breakdown.below:
            yield from leaves_of(breakdown.below, here)
        else:
            yield Leaf(here, breakdown.amount)


def once(transactions: Iterable[Transaction]) -> tuple[Transaction, ...]:
    """Each transaction once, in the given sequence: of one that came again the first, and of a deferred sale and its release, which
    Amazon shows as two linked transactions, the deferred one, which has the day of the sale (section 15.1).

    A release whose deferred twin is not among them stays.
    """
    listed = list(transactions)
    deferred = {each.transaction_id for each in listed if each.status in (DEFERRED, DEFERRED_RELEASED)} - {""}
    released_by = {each.related(RELEASE_TRANSACTION_ID) for each in listed if each.transaction_id in deferred} - {""}
    seen: set[str] = set()
    kept: list[Transaction] = []
    for each in listed:
        is_twin = each.status == RELEASED and (
            each.related(DEFERRED_TRANSACTION_ID) in deferred or each.transaction_id in released_by
        )
        if is_twin or each.transaction_id in seen:
            continue
        if each.transaction_id:
            seen.add(each.transaction_id)
        kept.append(each)
    return tuple(kept)


def group_of(groups: Iterable[EventGroup], start: datetime, end: datetime, total: Money) -> EventGroup | None:
    """The event group of a settlement: the one whose start and end are within a minute of the settlement's and whose total is not
    another one. None where there is none, or where several fit equally well: nothing is guessed.
    """
    fitting = [
        group
        for group in groups
        if group.start is not None
        and group.end is not None
        and abs(group.start - start) <= GROUP_TOLERANCE
        and abs(group.end - end) <= GROUP_TOLERANCE
        and group.total in (None, total)
    ]
    exact = [group for group in fitting if group.total == total] or fitting
    return exact[0] if len(exact) == 1 else None
