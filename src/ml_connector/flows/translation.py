"""From archived bytes to a settlement in a link's terms: checked, dated, classified, grouped."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from ml_connector.accounting import vocabulary
from ml_connector.accounting.order_claims import order_ids
from ml_connector.accounting.period_split import Calendar, calendar_of
from ml_connector.accounting.settlement_facts import settlement_facts
from ml_connector.accounting.settlement_groups import Grouping, group_settlement
from ml_connector.accounting.vocabulary import Vocabulary
from ml_connector.amazon.settlement_file import SettlementFile
from ml_connector.domain.catalog import References
from ml_connector.domain.errors import Finding
from ml_connector.domain.links import Link
from ml_connector.domain.mapping import AccountingPolicy, StoreSettings
from ml_connector.domain.settlement_rows import RefusedSettlement
from ml_connector.domain.settlements import SettlementFacts, SettlementGroups, store_key
from ml_connector.flows.basis import Basis
from ml_connector.flows.books import Books
from ml_connector.store import archive, claims
from ml_connector.store.claims import OrderClaim
from ml_connector.store.reading import portions
from ml_connector.store.settlements import SettlementRow

VOCABULARY: Final = vocabulary.shipped()

#: Orders are claimed so many at a time: one short transaction each.
_CLAIMS_AT_ONCE: Final = 5_000


@dataclass(frozen=True, slots=True)
class Translated:
    """A file as it was read. ``groups`` and ``facts`` are None for one that cannot be used; ``findings`` say why."""

    sha256: str
    groups: SettlementGroups | None
    facts: SettlementFacts | None
    findings: tuple[Finding, ...]


async def read(books: Books, sha256: str, calendar: Calendar, main_store: str | None = None) -> Translated:
    """Read an archived file with the link's settings of today; ``main_store`` overrules the file."""
    return await _read(books, sha256, _grouping(books.link, books.link.policy, VOCABULARY, calendar, main_store))


async def again(books: Books, row: SettlementRow, references: References, main_store: str | None = None) -> Translated:
    """Read the file of a known settlement anew."""
    return await read(books, row.sha256, calendar_of(references.periods, books.link.policy, books.mapping), main_store)


async def as_planned(books: Books, basis: Basis, calendar: Calendar, sha256: str | None = None) -> Translated:
    """Read a file with the settings and the vocabulary of an earlier plan: its own file, or ``sha256`` with its settings.

    Raises :class:`Inconsistent` for a plan of a vocabulary that this program does not have.
    """
    words = vocabulary.of_version(basis.vocabulary_version)
    grouping = _grouping(books.link, basis.policy, words, calendar, basis.main_store or None)
    return await _read(books, sha256 or basis.sha256, grouping)


def belongs(link: Link, facts: SettlementFacts) -> bool:
    """Whether the settlement is this link's: by its main store, or by its currency while that is undecided."""
    return link.takes(facts.main_store, facts.currency)


async def claimed_elsewhere(books: Books, sha256: str, settlement_id: str) -> tuple[Finding, ...]:
    """A finding that holds when orders of the file are booked under another policy or link: never the same sale twice."""
    others: list[OrderClaim] = []
    policy = books.link.policy.policy.value
    if not await books.store.call(lambda conn: claims.by_others(conn, books.link.account, policy, books.link.name)):
        return ()
    async for some in _orders(books, sha256):
        found = await books.store.call(lambda conn, some=some: claims.of(conn, books.link.account, some))  # type: ignore[misc]
        others += [each for each in found if not _ours(books.link, each)]
    return _claim_findings(others, settlement_id)


async def claim(books: Books, sha256: str, settlement_id: str) -> tuple[Finding, ...]:
    """Claim every order of the file for this link's policy, before the first of its documents may be posted."""
    others: list[OrderClaim] = []
    async for some in _orders(books, sha256):
        others += await books.store.call(
            lambda conn, some=some: claims.claim(  # type: ignore[misc]
                conn,
                books.link.account,
                some,
                policy=books.link.policy.policy.value,
                link=books.link.name,
                settlement_id=settlement_id,
            )
        )
    return _claim_findings(others, settlement_id)


async def _read(books: Books, sha256: str, grouping: Grouping) -> Translated:
    async with _file(books, sha256) as file:
        found = group_settlement(file, grouping)
        if isinstance(found, RefusedSettlement):
            return Translated(sha256, None, None, found.findings)
        return Translated(sha256, found, settlement_facts(found, file), found.findings)


async def _orders(books: Books, sha256: str) -> AsyncIterator[list[str]]:
    async with _file(books, sha256) as file:
        ids = list(order_ids(file))
    for some in portions(ids, _CLAIMS_AT_ONCE):
        yield list(some)


@asynccontextmanager
async def _file(books: Books, sha256: str) -> AsyncIterator[SettlementFile]:
    """The archived file on disk for as long as it is read: a big one does not go through memory."""
    path = books.scratch / sha256
    await archive.to_file(books.store, sha256, path)
    try:
        yield SettlementFile.at(path)
    finally:
        path.unlink(missing_ok=True)


def _grouping(
    link: Link, policy: AccountingPolicy, words: Vocabulary, calendar: Calendar, main_store: str | None
) -> Grouping:
    settings = {store_key(name): store for name, store in policy.stores.items()}
    usual = StoreSettings(zone=next(iter(policy.stores.values())).zone)

    def of(store: str) -> StoreSettings:
        return settings.get(store_key(store), usual)

    return Grouping(
        vocabulary=words,
        zone_of=lambda store: (link.zone(store) if store else None) or usual.zone,
        bucket_of=calendar.bucket,
        granularity=policy.granularity,
        main_store=main_store,
        always_facilitated=lambda store: of(store).always_facilitated,
        vat_on_fees_deductible=lambda store: of(store).vat_on_fees_deductible,
        item_groups=policy.item_groups,
    )


def _ours(link: Link, each: OrderClaim) -> bool:
    return (each.policy, each.link) == (link.policy.policy.value, link.name)


def _claim_findings(others: list[OrderClaim], settlement_id: str) -> tuple[Finding, ...]:
    if not others:
        return ()
    first = others[0]
    return (
        Finding(
            "order_claimed_elsewhere",
            f"{len(others)} orders of settlement {settlement_id} are booked by {first.policy} of link {first.link} "
            f"(the first is {first.order_id}). One sale belongs to one policy: check which link covers the store.",
        ),
    )
