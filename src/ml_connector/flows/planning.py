"""Second step of the settlements flow: from archived reports to planned documents.

Reads top to bottom: translate what is new, look at it beside what came before, make the entries, hold them against the ERP,
keep them. Whatever is wrong with one settlement holds that one, with a sentence that says what to do; the others go on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection

from ml_connector.accounting.chains import check_chains, with_main_stores
from ml_connector.accounting.mapping_check import preflight
from ml_connector.accounting.opening import check_opening, opening_payables
from ml_connector.accounting.period_split import calendar_of
from ml_connector.accounting.settlement_journal import SettlementPlan, plan_settlement
from ml_connector.domain.catalog import References
from ml_connector.domain.documents import State
from ml_connector.domain.errors import Finding, WrongUse
from ml_connector.domain.settlements import SettlementFacts
from ml_connector.flows import basis as bases
from ml_connector.flows import restating, translation
from ml_connector.flows.basis import Basis
from ml_connector.flows.books import Books
from ml_connector.flows.discovery import ARCHIVED, FLOW, REFUSED, REPORT, TRANSLATED
from ml_connector.flows.states import (
    BEFORE_OPENING,
    ELSEWHERE,
    HELD,
    NOTHING,
    OPEN,
    PLANNED,
    READ,
    decided,
    set_id_for,
    words,
)
from ml_connector.flows.translation import Translated
from ml_connector.store import archive, documents, plans, posting_sets, records, settlements
from ml_connector.store.documents import DocumentRow, NewDocument
from ml_connector.store.plans import PlanRow, PlanState
from ml_connector.store.records import Record
from ml_connector.store.settlements import SettlementRow

_DOCUMENTS_MAX: Final = 100_000


@dataclass(frozen=True, slots=True)
class Planned:
    """What planning brought: the plan (None when there is nothing to decide) and what is held, by settlement id."""

    plan: PlanRow | None
    documents: tuple[DocumentRow, ...]
    held: Mapping[str, tuple[Finding, ...]]


async def plan(books: Books) -> Planned:
    """Plan every open settlement of the link."""
    references = await books.target.references()
    await books.store.call(lambda conn: _take_over(books, conn))
    fresh = await _translate(books, references)
    open_rows = await books.store.call(lambda conn: _open_settlements(books, conn))
    facts = await facts_of_account(books)
    held: dict[str, tuple[Finding, ...]] = {}
    bases_by_id: dict[str, Basis] = {}
    for done, row in enumerate(open_rows):
        books.progress(done, len(open_rows), "planning")
        translated = fresh.get(row.settlement_id) or await translation.again(books, row, references)
        findings, basis = await _plan_one(books, row, translated, facts, references)
        holding = [finding for finding in findings if finding.holds]
        if any(finding.code == BEFORE_OPENING for finding in holding):
            await books.store.call(lambda conn, row=row, f=findings: _stop(books, conn, row, BEFORE_OPENING, f))  # type: ignore[misc]
        elif holding:
            held[row.settlement_id] = tuple(findings)
            await books.store.call(lambda conn, row=row, f=findings: _stop(books, conn, row, HELD, f))  # type: ignore[misc]
        elif basis is not None:
            bases_by_id[row.settlement_id] = basis
    made, found = await books.store.call(lambda conn: _keep_plan(books, conn, bases_by_id, references))
    return Planned(made, tuple(found), held)


async def check_unchanged(books: Books, row: PlanRow) -> None:
    """Raises :class:`WrongUse` when a plan was decided already, or what it was made from has changed."""
    if row.state is not PlanState.OPEN:
        raise WrongUse(f"Plan {row.id} is {row.state.value}: make a new one with ml-connector plan {row.link}.")
    references = await books.target.references()
    found = await books.store.call(lambda conn: settlements.find(conn, account=books.link.account))
    current = {each.settlement_id: each.sha256 for each in found if each.settlement_id in row.inputs["settlements"]}
    now = bases.inputs(current, row.inputs["restatements"], books.link.policy, books.mapping, references)
    different = bases.changed(row.inputs, now)
    if different:
        raise WrongUse(
            f"Plan {row.id} no longer fits: {' and '.join(different)} changed. "
            f"Make a new one with ml-connector plan {row.link}."
        )


# --- translate ---------------------------------------------------------------------------------------------------------


async def _translate(books: Books, references: References) -> dict[str, Translated]:
    """Read every archived report that nobody has read yet; by settlement id."""
    found = await books.store.call(
        lambda conn: records.find(conn, connection=books.link.amazon, kind=REPORT, state=ARCHIVED)
    )
    fresh: dict[str, Translated] = {}
    calendar = calendar_of(references.periods, books.link.policy, books.mapping)
    for done, record in enumerate(found):
        books.progress(done, len(found), "reading settlements")
        translated = await translation.read(books, record.sha256, calendar)
        if await _take(books, record, translated, references):
            assert translated.facts is not None  # noqa: S101 - what was taken was readable
            fresh[translated.facts.settlement_id] = translated
    return fresh


async def _take(books: Books, record: Record, translated: Translated, references: References) -> bool:
    """Put what was read in its place. False when it changes nothing: unreadable, of another link, or known already."""
    if translated.facts is None:
        await books.store.call(lambda conn: _refuse(books, conn, record, translated.findings))
        return False
    facts = translated.facts
    known = await books.store.call(lambda conn: settlements.get(conn, books.link.account, facts.settlement_id))
    if known is not None and known.state != ELSEWHERE and known.sha256 != translated.sha256:
        if known.link != books.link.name:
            return False  # another link of this selling account has the settlement: its next run takes the file
        return await restating.take(books, record, known, translated, references)
    state = READ if translation.belongs(books.link, facts) else ELSEWHERE

    def keep(conn: Connection) -> bool:
        records.set_state(conn, record.connection, REPORT, record.natural_id, TRANSLATED, facts.settlement_id)
        if known is None or known.state == ELSEWHERE:
            link = books.link.name if state == READ else ""
            settlements.put(conn, books.link.account, link, translated.sha256, facts, state=state)
            return state == READ
        return False

    return await books.store.call(keep)


def _refuse(books: Books, conn: Connection, record: Record, findings: Sequence[Finding]) -> None:
    reason = words(findings)
    records.set_state(conn, record.connection, REPORT, record.natural_id, REFUSED, reason)
    books.note(conn, "report_refused", record.natural_id, {"sha256": record.sha256, "reason": reason})


# --- look beside -------------------------------------------------------------------------------------------------------


def _take_over(books: Books, conn: Connection) -> None:
    """Settlements that no link covered when they were read, and this one does."""
    for row in settlements.find(conn, account=books.link.account, state=ELSEWHERE):
        if translation.belongs(books.link, row.facts):
            settlements.put(conn, row.account, books.link.name, row.sha256, row.facts, state=READ)


def give_back(conn: Connection, link: str) -> None:
    """When a link goes: its settlements of which nothing was decided are free for another one."""
    for row in settlements.find(conn, link=link):
        if not decided(documents.of_settlement(conn, link, row.settlement_id)):
            documents.withdraw(conn, set_id_of(row), keep=[])
            posting_sets.remove(conn, set_id_of(row))
            settlements.put(conn, row.account, "", row.sha256, row.facts, state=ELSEWHERE)


def _open_settlements(books: Books, conn: Connection) -> list[SettlementRow]:
    return [row for row in settlements.find(conn, link=books.link.name) if _is_open(conn, row)]


def _is_open(conn: Connection, row: SettlementRow) -> bool:
    """Whether it is planned again: what a run or a person has decided is left alone."""
    return row.state in OPEN and not decided(documents.of_set(conn, set_id_of(row)))


async def facts_of_account(books: Books) -> list[SettlementFacts]:
    """Every settlement of the selling account with its main store decided: chains need the neighbours too."""
    rows = await books.store.call(lambda conn: settlements.find(conn, account=books.link.account))
    decided, _ = with_main_stores([row.facts for row in rows], books.link.currencies)
    return list(decided)


def context_findings(books: Books, settlement_id: str, facts: Sequence[SettlementFacts]) -> tuple[Finding, ...]:
    """What the settlements around this one, and the opening sheet, say of it."""
    ours = [each for each in facts if translation.belongs(books.link, each)]
    chains = check_chains(ours, opening_payables(books.sheets))
    opening = check_opening(ours, books.sheets)
    return (*opening.get(settlement_id, ()), *chains.get(settlement_id, ()))


# --- make --------------------------------------------------------------------------------------------------------------


async def _plan_one(
    books: Books,
    row: SettlementRow,
    translated: Translated,
    facts: Sequence[SettlementFacts],
    references: References,
) -> tuple[list[Finding], Basis | None]:
    """Findings, and the basis of what was planned (None when it holds, or there is nothing to post)."""
    if translated.groups is None:
        return list(translated.findings), None
    main_store = next((each.main_store for each in facts if each.settlement_id == row.settlement_id), None)
    if main_store is not None and translated.groups.main_store is None:
        # The neighbours decided it: the zone and the tax rules of that store apply, so the file is read once more.
        translated = await translation.again(books, row, references, main_store)
    groups = translated.groups
    if groups is None:
        return list(translated.findings), None
    findings = list(context_findings(books, row.settlement_id, facts))
    claimed = await translation.claimed_elsewhere(books, translated.sha256, row.settlement_id)
    made = plan_settlement(
        groups,
        policy=books.link.policy,
        mapping=books.mapping,
        references=references,
        prefix=books.link.prefix,
        main_store=main_store,
    )
    findings += [*claimed, *made.findings]
    if not any(finding.holds for finding in findings):
        findings += preflight(made.posting, references)
    if any(finding.holds for finding in findings):
        return findings, None
    basis = await _keep_entries(books, row, translated, made, references, main_store or "", words(findings))
    return findings, basis


async def _keep_entries(
    books: Books,
    row: SettlementRow,
    translated: Translated,
    made: SettlementPlan,
    references: References,
    main_store: str,
    notes: str,
) -> Basis:
    """``notes`` are what stops nothing and has to be known before it is approved."""
    packed = bases.pack_lineage(made.lineage)
    raw = await archive.write(books.store, bases.sha256_of_bytes(packed), [packed])
    assert translated.groups is not None  # noqa: S101 - the caller looked
    basis = Basis(
        sha256=translated.sha256,
        main_store=main_store or translated.groups.main_store or "",
        zone=translated.groups.zone,
        mapping_version=books.mapping.version,
        vocabulary_version=translation.VOCABULARY.version,
        accounting_version=bases.ACCOUNTING_VERSION,
        policy=books.link.policy,
        periods=references.periods,
        lineage=raw.sha256,
        unposted=bases.kept(entry for entry in made.entries if entry not in made.posting),
    )
    set_id = set_id_of(row)
    new = [
        NewDocument(
            document=entry,
            connection=books.link.erp,
            link=books.link.name,
            wire_key=books.target.wire_key(entry),
            set_id=set_id,
            position=position,
            goal=books.link.goal(entry.kind).value,
            state=State.PLANNED,
            ranges=[made.lineage[entry.key, line].ranges() for line in range(1, len(entry.lines) + 1)],
        )
        for position, entry in enumerate(made.posting)
    ]

    def keep(conn: Connection) -> None:
        if not _is_open(conn, row):
            return  # approved while we read: that decision stands
        documents.withdraw(conn, set_id, keep=[each.document.key for each in new])
        documents.add(conn, new)
        posting_sets.add(conn, set_id, link=books.link.name, connection=books.link.erp, settlement_id=row.settlement_id)
        posting_sets.set_basis(conn, set_id, basis.to_data())
        facts = replace(row.facts, main_store=basis.main_store)
        state = PLANNED if new else NOTHING
        settlements.put(conn, row.account, books.link.name, basis.sha256, facts, state=state, reason=notes)
        keys = [each.document.key for each in new]
        books.note(conn, "planned", row.settlement_id, {"sha256": basis.sha256, "documents": keys, "notes": notes})

    await books.store.call(keep)
    return basis


# --- keep --------------------------------------------------------------------------------------------------------------


def _stop(books: Books, conn: Connection, row: SettlementRow, state: str, findings: Sequence[Finding]) -> None:
    """Nothing of it is posted, for now; what an earlier plan wanted is taken back."""
    if not _is_open(conn, row):
        return
    reason = words(findings)
    documents.withdraw(conn, set_id_of(row), keep=[])
    if (row.state, row.reason) != (state, reason):
        settlements.set_state(conn, row.account, row.settlement_id, state, reason)
        books.note(conn, state, row.settlement_id, {"reason": reason})


def _keep_plan(
    books: Books, conn: Connection, planned: Mapping[str, Basis], references: References
) -> tuple[PlanRow | None, list[DocumentRow]]:
    """One plan for everything that is open, restatements included, and its documents. The same inputs are the same plan; an
    older open one is superseded."""
    rows = _planned_documents(books, conn, planned)
    restated = {row.set_id for row in rows if row.set_id != set_id_for(books.link.account, row.document.reference)}
    inputs = bases.inputs(
        {settlement_id: basis.sha256 for settlement_id, basis in planned.items()},
        {set_id: bases.from_data(posting_sets.basis(conn, set_id)).sha256 for set_id in restated},
        books.link.policy,
        books.mapping,
        references,
    )
    sha256 = bases.sha256_of(inputs)
    kept = _free_plan(conn, f"{books.link.name}-{sha256[:12]}") if rows else ""
    for other in plans.find(conn, link=books.link.name, state=PlanState.OPEN):
        if other.id != kept:
            plans.decide(conn, other.id, PlanState.SUPERSEDED, "plan")
    if not rows:
        return None, []
    content: dict[str, Any] = {"documents": {row.key: row.sha256 for row in rows}, "settlements": sorted(planned)}
    return plans.add(conn, kept, link=books.link.name, flow=FLOW, sha256=sha256, inputs=inputs, content=content), rows


def _free_plan(conn: Connection, wanted: str) -> str:
    """``wanted``, or with a number where a plan of these inputs was decided before (and something of it is open again)."""
    plan_id, number = wanted, 1
    while (found := plans.get(conn, plan_id)) is not None and found.state is not PlanState.OPEN:
        number += 1
        plan_id = f"{wanted}-{number}"
    return plan_id


def _planned_documents(books: Books, conn: Connection, planned: Mapping[str, Basis]) -> list[DocumentRow]:
    """By settlement: its own entries, then those of a restatement."""
    own = {set_id_for(books.link.account, settlement_id) for settlement_id in planned}
    rows = documents.find(conn, link=books.link.name, state=State.PLANNED, limit=_DOCUMENTS_MAX)
    return sorted(
        (
            row
            for row in rows
            if row.set_id in own or row.set_id != set_id_for(books.link.account, row.document.reference)
        ),
        key=lambda row: (row.set_id, row.position, row.key),
    )


def set_id_of(row: SettlementRow) -> str:
    return set_id_for(row.account, row.settlement_id)
