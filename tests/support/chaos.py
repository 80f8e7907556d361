"""A small trade in real processes, with an ERP whose answers to writes are held back; and what must be true of it in the end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from tests.support.processes import Installation, Said, Sandbox, Started, installation, sandbox, until

LINK: Final = "chaos"
SPEED: Final = 300.0
SETTLE_S: Final = 2.0
#: Longer than a killed run takes to be started again, and shorter than it waits for what it may have sent.
LATE_S: Final = 4.0
#: How long a run that waits for its first answer stays where it is, whatever keeps its test from acting meanwhile.
FIRST_HELD_S: Final = 6.0
#: A pass lives 30 s; with the settle window, this long a lost plain write is waited for. Then there is the rest to do.
FINISH_S: Final = 120.0

_STORES: Final = ("US", "CA", "UK", "DE", "FR", "JP")
_WRITES: Final = ("JournalEntries.POST", "$batch")


@dataclass(frozen=True, slots=True)
class Trade:
    """A sandbox and a data folder that is set up for it. Nothing was posted yet."""

    sandbox: Sandbox
    ours: Installation

    def run(self) -> Started:
        return self.ours.start("run", LINK, "settlements")

    def documents(self) -> int:
        """How many are planned."""
        found: int = self.ours.rows("SELECT count(*) FROM documents")[0][0]
        return found

    def newest_attempt(self) -> int:
        found: int = self.ours.rows("SELECT coalesce(max(id), 0) FROM attempts")[0][0]
        return found

    def await_attempt_after(self, attempt: int, running: Started) -> bool:
        """Wait until the command is about to write; False when it ended before that."""
        until(lambda: self.newest_attempt() > attempt or not running.running, "an intent on record")
        return running.running

    def await_write(self, count: int, running: Started) -> bool:
        """Wait until the ERP has accepted ``count`` entries; False when the command ended before that."""
        until(lambda: self.sandbox.written() >= count or not running.running, f"{count} entries in the ERP")
        return running.running


@contextmanager
def trade(
    folder: Path,
    *,
    claims: bool,
    stores: Sequence[str] = _STORES,
    settlements: int = 2,
    held_s: float = 0.2,
    first_held_s: float | None = None,
    late: float = 0.0,
) -> Iterator[Trade]:
    """Two settlements of each of six stores: about twenty entries, four requests in flight at a time. A request holds one
    entry, with ``claims`` two.

    The ERP handles a write at once and holds its answer back for ``held_s`` seconds of real time, the first one's for
    ``first_held_s``: what comes after the documents that went out with it waits for it. A share of ``late`` writes lies in
    the network for ``LATE_S`` seconds instead, and is handled then, whether or not somebody still waits.
    """
    first_s = held_s if first_held_s is None else first_held_s
    scenario = f"[amazon]\nstores = {json.dumps(list(stores))}\nsettlements = {settlements}\norders_per_day = 1\n"
    faults = "".join(
        f'[[faults]]\nsystem = "sap_business_one"\noperation = "{operation}"\nfault = "{fault}"\n'
        f"seconds = {seconds * SPEED}\n{chance}"
        for operation in _WRITES
        for fault, seconds, chance in (
            ("late", LATE_S, f"probability = {late}\n"),
            ("held_reply", first_s, "nth = 1\n"),
            ("held_reply", held_s, ""),
        )
    )
    with sandbox(folder, speed=SPEED, scenario=scenario, fault_plan=faults) as world:
        books = {**world.credentials["sap_business_one"], "batch_size": "2"}
        ours = installation(
            folder / "ours",
            {**world.credentials, "sap_business_one": books},
            link=LINK,
            stores=",".join(stores),
            claims=claims,
            settle_s=SETTLE_S,
        )
        try:
            yield Trade(world, ours)
        finally:
            ours.end_all()


# --- where a kill fell ---------------------------------------------------------------------------------------------------

BEFORE: Final = "before the ERP accepted"
BETWEEN: Final = "accepted, outcome not recorded"
AFTER: Final = "outcome recorded"
KINDS: Final = (BEFORE, BETWEEN, AFTER)


@dataclass(frozen=True, slots=True)
class Fall:
    """One kill: how far each write of the killed process had come, in the order of their intents. The newest one says where
    the kill fell."""

    writes: tuple[str, ...]

    @property
    def kind(self) -> str:
        return self.writes[-1]


def fall(world: Trade, since_attempt: int) -> Fall:
    """Where the process that made the attempts after ``since_attempt`` was killed: our database against the ERP's ledger."""
    accepted = {key_of(entry) for entry in world.sandbox.entries()}
    attempts = world.ours.rows(
        "SELECT d.wire_key, a.outcome FROM attempts a JOIN documents d ON d.key = a.key WHERE a.id > ? ORDER BY a.id",
        [since_attempt],
    )
    return Fall(
        tuple(
            AFTER if outcome != "intent" else BETWEEN if wire_key in accepted else BEFORE
            for wire_key, outcome in attempts
        )
    )


def key_of(entry: dict[str, Any]) -> str:
    """Our key on a journal entry."""
    return str(entry["Reference3"])


# --- what must be true in the end ----------------------------------------------------------------------------------------


def finish(world: Trade, tries: int = 3) -> Said:
    """Run until nothing is left to do, and once more: the last run posts nothing."""
    for _ in range(tries):
        said = world.run().end(FINISH_S)
        assert said.code in (0, 1), said.trouble
        if said.code == 0:
            break
    assert (said.code, said.document["held"], said.document["waiting"]) == (0, [], []), said.document
    again = world.run().end(FINISH_S)
    assert (again.code, again.document["posted"], again.document["adopted"]) == (0, 0, 0), again.document
    return again


def require_the_plan_once(world: Trade, *, proofs: bool = False) -> None:
    """One live entry for each document, equal to it; every document posted; the audit chain whole. With ``proofs``, every
    settlement is proved again by a command of its own."""
    documents = world.ours.rows("SELECT wire_key, state, canonical FROM documents")
    entries = world.sandbox.entries()
    assert documents
    assert Counter(map(key_of, entries)) == Counter(wire_key for wire_key, _, _ in documents)
    assert world.ours.rows("SELECT count(*) FROM settlements")[0][0] == len(
        world.ours.rows("SELECT DISTINCT account, settlement_id FROM proofs WHERE proved")
    )
    assert {state for _, state, _ in documents} == {"posted"}
    ledger = {key_of(entry): _posted(entry) for entry in entries}
    assert ledger == {wire_key: _planned(json.loads(canonical)) for wire_key, _, canonical in documents}
    assert not world.ours.rows("SELECT id FROM slices WHERE state IN ('queued', 'running')")
    if proofs:
        require_proofs(world)
    verdict = world.ours.command("audit", "verify")
    assert verdict["ok"], verdict


def require_proofs(world: Trade) -> None:
    """``settlement prove`` of every settlement."""
    ids = [settlement_id for (settlement_id,) in world.ours.rows("SELECT settlement_id FROM settlements")]
    proofs = world.ours.commands(*(["settlement", "prove", settlement_id] for settlement_id in ids))
    assert [(proof["settlement_id"], proof["proved"]) for proof in proofs] == [(each, True) for each in ids]


_Lines = Counter[tuple[str, Decimal, Decimal]]


def _planned(document: dict[str, Any]) -> tuple[str, _Lines]:
    """Date and lines (account, debit, credit in the entry's currency); a line without an amount is not posted."""
    lines = ((line["account"], Decimal(line["debit"]), Decimal(line["credit"])) for line in document["lines"])
    return document["posting_date"], Counter(line for line in lines if line[1] or line[2])


def _posted(entry: dict[str, Any]) -> tuple[str, _Lines]:
    lines: _Lines = Counter()
    for line in entry["JournalEntryLines"]:
        foreign = "FC" if line["FCCurrency"] else ""
        lines[line["AccountCode"], Decimal(str(line[f"{foreign}Debit"])), Decimal(str(line[f"{foreign}Credit"]))] += 1
    return str(entry["ReferenceDate"])[:10], lines
