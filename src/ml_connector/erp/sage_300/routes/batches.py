"""Batches: the containers in which G/L and A/R documents live, their life cycle, and which of them is which document
(Sage dossier, sections 1, 11, 14; posting stages, S4). Pure.

Open -> ReadyToPost -> PostInProgress -> Posted; a person may delete one that is not posted. *Ready counts*: from then on
anybody's "post all" takes it along. A batch of ours holds one document and is made by one POST; anything but exactly that
document in it is a matter for a person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ml_connector.domain.target import (
    Absent,
    Case,
    Ended,
    Ids,
    Many,
    Outcome,
    Partial,
    Present,
    Seen,
    Shown,
    Step,
    Unclear,
    Working,
)
from ml_connector.erp.sage_300.values import list_of, number, text

ENTER: Final = "enter"
BALANCE: Final = "balance"
READY: Final = "ready"
POST: Final = "post"

OPEN_STATUS: Final = "Open"
READY_STATUS: Final = "ReadyToPost"
BUSY_STATUS: Final = "PostInProgress"
POSTED_STATUS: Final = "Posted"
DELETED_STATUS: Final = "Deleted"

#: What the batch's own number is called in ids, and that of the batch into which posting moved what it could not post.
NUMBER: Final = "BatchNumber"
ERROR_BATCH: Final = "ErrorBatch"


def steps(settle_s: float, *, balances: bool = False, leaves_ready: bool = False) -> tuple[Step, ...]:
    """Enter, (balance,) mark ready, post. A second ready or post of the same number changes nothing; a second enter is a
    second batch, which counts for nothing until somebody marks it ready. ``leaves_ready``: what is only to be entered is
    marked ready all the same, and people post it."""
    entering = [Step(ENTER, counts=False, refuses_twice=False, settle_s=settle_s)]
    if balances:
        entering.append(Step(BALANCE, counts=False, refuses_twice=True, settle_s=settle_s))
    return (
        *entering,
        Step(READY, counts=True, refuses_twice=True, settle_s=settle_s, hands_over=leaves_ready),
        Step(POST, counts=True, refuses_twice=True, settle_s=settle_s),
    )


@dataclass(frozen=True, slots=True)
class Names:
    """The properties that one kind of batch has for the same thing. ``digits``: its number is zero-padded text. ``given`` are
    the numbers of an entry that Sage gives and that are kept."""

    what: str
    status: str
    entries: str
    digits: int = 0
    given: tuple[str, ...] = ("EntryNumber",)

    def padded(self, value: Any) -> str:
        """A batch number as the key has it."""
        found = text(value)
        return found.zfill(self.digits) if found.isascii() and found.isdigit() else found


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as Sage shows it. ``entries`` are its documents as they came; ``ids`` name the first of them."""

    number: str
    description: str
    status: str
    errors: int
    entries: tuple[Mapping[str, Any], ...]
    ids: Ids


def batch_from(row: Mapping[str, Any], names: Names) -> Batch:
    """Read a batch. Raises :class:`~ml_connector.domain.errors.BadAnswer`."""
    entries = tuple(list_of(row, names.entries))
    given = names.padded(row.get(NUMBER))
    return Batch(
        number=given,
        description=text(row.get("Description")),
        status=text(row.get(names.status)),
        errors=int(number(row.get("NumberOfErrors"), "a count")),
        entries=entries,
        ids=((NUMBER, given), *(entry_ids(entries[0], names) if entries else ())),
    )


def entry_ids(entry: Mapping[str, Any], names: Names) -> Ids:
    """The numbers that Sage gave an entry."""
    return tuple((name, found) for name in names.given if (found := text(entry.get(name))))


@dataclass(frozen=True, slots=True)
class Content:
    """What a batch holds, as far as it decides what comes next. ``next`` is the step that an open batch needs; ``problem`` is
    why a person has to look, "" where nobody has to."""

    shown: Shown | None
    next: str = READY
    problem: str = ""


def known_numbers(case: Case, names: Names) -> frozenset[str]:
    """The numbers that Sage gave this document, newest and earlier."""
    return _numbers([case.ids, *(attempt.ids for attempt in case.trail)], names)


def _current(case: Case, names: Names) -> frozenset[str]:
    """The numbers that Sage gave since a person last asked to try again."""
    marks = [place for place, attempt in enumerate(case.trail) if attempt.outcome is Outcome.REPLAYED]
    if not marks:
        return known_numbers(case, names)
    return _numbers([attempt.ids for attempt in case.trail[marks[-1] + 1 :]], names)


def _numbers(given: Sequence[Ids], names: Names) -> frozenset[str]:
    return frozenset(names.padded(value) for ids in given for name, value in ids if name in (NUMBER, ERROR_BATCH))


def is_ours(case: Case, batch: Batch, names: Names) -> bool:
    """Whether a batch is the document: Sage gave its number for it, or it carries the key."""
    return batch.number in known_numbers(case, names) or batch.description == case.wire_key


def judge(
    case: Case,
    found: Sequence[Batch],
    names: Names,
    content: Callable[[Batch], Content],
    undone: Callable[[Shown, Shown], bool] = lambda _one, _other: False,
) -> Seen | None:
    """What is seen of the document in its batches; None where no batch is, or was, this document or a person's.

    ``content`` reads a batch, from the ledger where it is posted. ``undone`` says whether one posted document takes another
    back.
    """
    ours = sorted((batch for batch in found if is_ours(case, batch, names)), key=_in_order)
    failed = {number for batch in ours for number in _error_batches(batch, names)}
    alive = [_one(case, batch, names, content, ours) for batch in ours if batch.number not in failed]
    live, ended = _without_undone([each for each in alive if each is not None], undone)
    removed = [batch for batch in ours if batch.status == DELETED_STATUS and batch.number in _current(case, names)]
    if removed and not any(isinstance(each, Present) for each in live):
        # Not a surplus one in its place: what a person ended stays ended until a person asks again.
        return Ended(removed[-1].ids, "deleted by a person")
    if len(live) > 1:
        return Many(tuple(live))
    if live:
        return live[0]
    if ended is not None:
        return ended
    return _persons(case, sorted((batch for batch in found if batch not in ours), key=_in_order), content, undone)


def may_stand_twice(seen: Seen) -> bool:
    """Whether a document that a batch holds is posted, or about to be: whatever else is posted under its key matters then."""
    return isinstance(seen, Many | Present) or (isinstance(seen, Partial) and seen.next == READY)


def with_others(seen: Seen, posted: Seen, undone: Callable[[Shown, Shown], bool]) -> Seen:
    """What is ``seen`` of a document in its batches, and what is ``posted`` under its key in batches with another description:
    people copied it there, or took it back."""
    if isinstance(posted, Unclear):
        return posted
    found = _each(seen)
    known = {dict(each.ids).get(NUMBER, "") for each in found}
    others = [each for each in _each(posted) if isinstance(each, Present) and each.ours]
    others = [each for each in others if dict(each.ids).get(NUMBER, "") not in known]
    if not others:
        return seen
    live, ended = _without_undone(sorted((*found, *others), key=lambda each: _order(dict(each.ids)[NUMBER])), undone)
    if len(live) > 1:
        return Many(tuple(live))
    return live[0] if live else ended or seen


def _each(seen: Seen) -> tuple[Partial | Working | Present, ...]:
    if isinstance(seen, Many):
        return seen.found
    return (seen,) if isinstance(seen, Partial | Working | Present) else ()


def _in_order(batch: Batch) -> tuple[int, str]:
    return _order(batch.number)


def _order(number: str) -> tuple[int, str]:
    """Numbers that are not padded grow longer."""
    return len(number), number


def _one(
    case: Case, batch: Batch, names: Names, content: Callable[[Batch], Content], ours: Sequence[Batch]
) -> Partial | Working | Present | None:
    """One batch of ours; None where somebody deleted it."""
    ids = batch.ids
    if batch.status == DELETED_STATUS:
        return None
    if batch.status == BUSY_STATUS:
        return Working(ids, f"{names.what} {batch.number} is being posted.", by_person=False)
    if batch.status == POSTED_STATUS and batch.errors:
        return _after_errors(batch, names, content, ours)
    if batch.status not in (OPEN_STATUS, READY_STATUS, POSTED_STATUS):
        return Working(ids, f"{names.what} {batch.number} is {batch.status}: finish it in Sage.", by_person=True)
    if len(batch.entries) != 1:
        return Working(
            ids,
            f"{names.what} {batch.number} holds {len(batch.entries)} entries instead of this document alone. "
            f"{'See in Sage what was posted with it.' if batch.status == POSTED_STATUS else 'Delete it in Sage.'}",
            by_person=True,
        )
    if batch.description != case.wire_key and case.wire_key.startswith(batch.description or " "):
        return Working(
            ids,
            f"Sage keeps only {len(batch.description)} characters of the key in {names.what} {batch.number}. Delete it, and "
            f"do not post such documents to this company.",
            by_person=True,
        )
    return _whole(batch, names, content)


def _whole(batch: Batch, names: Names, content: Callable[[Batch], Content]) -> Partial | Working | Present:
    """A batch with exactly one entry."""
    ids, read = batch.ids, content(batch)
    if read.problem or (batch.status == POSTED_STATUS and read.shown is None):
        return Working(ids, read.problem or f"{names.what} {batch.number} is posted and shows nothing.", by_person=True)
    if batch.status == POSTED_STATUS and read.shown is not None:
        return Present(ids, read.shown)
    return Partial(ids, POST if batch.status == READY_STATUS else read.next, read.shown)


def _after_errors(
    batch: Batch, names: Names, content: Callable[[Batch], Content], ours: Sequence[Batch]
) -> Working | Present:
    """Entries that cannot be posted move to a batch of their own, which a person mends and posts (dossier, section 11.4)."""
    moved_to = _error_batches(batch, names)
    posted = next(
        (each for each in ours if each.number in moved_to and each.status == POSTED_STATUS and not each.errors), None
    )
    if posted is not None:
        seen = _whole(posted, names, content)
        if isinstance(seen, Present):
            return seen
    where = f"batch {', '.join(moved_to)}" if moved_to else "a batch of its own"
    return Working(
        (*batch.ids, *((ERROR_BATCH, number) for number in moved_to[:1])),
        f"Posting {names.what} {batch.number} failed; the entry is now in {where}. Mend and post that one in Sage.",
        by_person=True,
    )


def _error_batches(batch: Batch, names: Names) -> tuple[str, ...]:
    if batch.status != POSTED_STATUS or not batch.errors:
        return ()
    numbers = (number(entry.get(ERROR_BATCH), "a batch number") for entry in batch.entries)
    return tuple(names.padded(int(each)) for each in numbers if each)


def _without_undone(
    seen: Sequence[Partial | Working | Present], undone: Callable[[Shown, Shown], bool]
) -> tuple[list[Partial | Working | Present], Ended | None]:
    """What counts or may yet count, and how the last one ended that a later batch took back."""
    live: list[Partial | Working | Present] = []
    ended: Ended | None = None
    for each in seen:
        earlier = next(
            (
                other
                for other in live
                if isinstance(each, Present) and isinstance(other, Present) and undone(other.shown, each.shown)
            ),
            None,
        )
        if earlier is None:
            live.append(each)
        else:
            live.remove(earlier)
            ended = Ended(earlier.ids, f"reversed by batch {dict(each.ids).get(NUMBER, '')}")
    return live, ended


def _persons(
    case: Case, found: Sequence[Batch], content: Callable[[Batch], Content], undone: Callable[[Shown, Shown], bool]
) -> Seen | None:
    """A batch that a person typed for the same thing: its description is the human reference, and it has no key of ours. One
    that was taken back again stands for nothing."""
    reference = case.document.reference
    typed = [batch for batch in found if reference and batch.description == reference]
    typed = [batch for batch in typed if batch.status != DELETED_STATUS and len(batch.entries) == 1]
    out: list[Working | Present] = []
    for batch in typed:
        read = content(batch) if batch.status == POSTED_STATUS else Content(None)
        if read.shown is not None:
            out.append(Present(batch.ids, read.shown, ours=False))
        else:
            out.append(Working(batch.ids, f"A person entered batch {batch.number} for {reference}.", by_person=True))
    live, _ = _without_undone(out, undone)
    return Many(tuple(live)) if len(live) > 1 else live[0] if live else None


def absent(case: Case, where: str) -> Absent:
    """Nothing in any of the places."""
    return Absent(f"{where} with the key {case.wire_key} or for {case.document.reference}")
