"""What a plan of one settlement was made from, kept so that the same entries can be made again (DESIGN 3.3, ACCOUNTING 8).

A proof must not use today's fiscal periods or today's settings: periods close and settings change while what was posted stays.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from ml_connector.accounting import vocabulary
from ml_connector.accounting.lineage import Lineage, LineageOf, Part, Sign
from ml_connector.accounting.period_split import Calendar, calendar_of
from ml_connector.domain.catalog import FiscalPeriod, References
from ml_connector.domain.documents import JournalEntry
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.mapping import AccountingPolicy
from ml_connector.domain.mapping import Mapping as AccountMapping
from ml_connector.domain.settlements import RowRanges
from ml_connector.domain.stored_documents import entry_from_stored, store_form

#: Raised by hand whenever the same inputs would give other entries.
ACCOUNTING_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Basis:
    """Of one posting set. ``zone`` dates the rows of its file; ``lineage`` is the sha256 of the archived lineage.

    ``unposted`` are the entries of zero lines only, by schema number and canonical form: planned and proved, never sent.
    ``newer_mapping_version`` is the one that a restatement asked where ``mapping_version`` had no rule.
    """

    sha256: str
    main_store: str
    zone: str
    mapping_version: int
    vocabulary_version: int
    accounting_version: int
    policy: AccountingPolicy
    periods: tuple[FiscalPeriod, ...]
    lineage: str
    unposted: tuple[tuple[int, str], ...] = ()
    newer_mapping_version: int | None = None

    def calendar(self, *mappings: AccountMapping) -> Calendar:
        """The calendar of the plan, not of today; ``mappings`` are those of the plan."""
        return calendar_of(self.periods, self.policy, *mappings)

    def entries_unposted(self) -> tuple[JournalEntry, ...]:
        return tuple(entry_from_stored(schema, text.encode()) for schema, text in self.unposted)

    def to_data(self) -> dict[str, Any]:
        data: dict[str, Any] = msgspec.to_builtins(self)
        return data


def from_data(data: Mapping[str, Any]) -> Basis:
    return msgspec.convert(data, Basis)


def inputs(
    settlements: Mapping[str, str],
    restatements: Mapping[str, str],
    policy: AccountingPolicy,
    mapping: AccountMapping,
    references: References,
) -> dict[str, Any]:
    """What a plan's hash is over: the files by settlement id (of restatements by posting set), the versions, the choices,
    the ERP as it was."""
    return {
        "settlements": dict(sorted(settlements.items())),
        "restatements": dict(sorted(restatements.items())),
        "mapping": mapping.sha256,
        "vocabulary": vocabulary.shipped().version,
        "accounting": ACCOUNTING_VERSION,
        "policy": _sha256(msgspec.to_builtins(policy)),
        "references": references.sha256,
    }


def sha256_of(plan_inputs: Mapping[str, Any]) -> str:
    return _sha256(plan_inputs)


def changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Which inputs differ, in words."""
    names = {
        "settlements": "a settlement file",
        "restatements": "a restated settlement file",
        "mapping": "the mapping",
        "vocabulary": "the vocabulary of this program",
        "accounting": "the accounting of this program",
        "policy": "the link's settings",
        "references": "the ERP's accounts, periods or currencies",
    }
    return [words for name, words in names.items() if before.get(name) != now.get(name)]


def pack_lineage(lineage: LineageOf) -> bytes:
    """The lineage as it is archived."""
    return msgspec.msgpack.encode(
        [
            [
                key,
                line,
                [[part.rows_sha256, part.sign.value, part.rows.encoded, part.rows.count] for part in each.parts],
            ]
            for (key, line), each in sorted(lineage.items())
        ]
    )


def unpack_lineage(packed: bytes) -> LineageOf:
    rows = msgspec.msgpack.decode(packed, type=list[tuple[str, int, list[tuple[str, str, bytes, int]]]])
    return {
        (DocumentKey(key), line): Lineage(
            tuple(Part(sha256, RowRanges(encoded, count), Sign(sign)) for sha256, sign, encoded, count in parts)
        )
        for key, line, parts in rows
    }


def sha256_of_bytes(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def restated(
    first: Basis, *, sha256: str, lineage: str, unposted: Iterable[JournalEntry], newer_mapping_version: int
) -> Basis:
    """The choices of the first plan for another file of the same settlement."""
    return replace(
        first, sha256=sha256, lineage=lineage, unposted=kept(unposted), newer_mapping_version=newer_mapping_version
    )


def kept(entries: Iterable[JournalEntry]) -> tuple[tuple[int, str], ...]:
    """Entries as :attr:`Basis.unposted` keeps them: schema number and canonical form."""
    return tuple((stored.schema, stored.canonical.decode()) for stored in map(store_form, entries))


def with_periods(references: References, periods: tuple[FiscalPeriod, ...]) -> References:
    """Today's accounts with the periods of an earlier plan: a delta is planned into the original periods."""
    return replace(references, periods=periods)


def _sha256(data: object) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
