"""Grouping settlement files in tests: calendar months, one zone unless said otherwise."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Any

from ml_connector.accounting.settlement_groups import Grouping, group_settlement
from ml_connector.accounting.vocabulary import shipped
from ml_connector.amazon.settlement_bytes import Limits
from ml_connector.amazon.settlement_file import SettlementFile
from ml_connector.domain.settlement_rows import RefusedSettlement
from ml_connector.domain.settlements import SettlementGroups


def month(day: date) -> str:
    return f"{day:%Y-%m}"


def grouping(**more: Any) -> Grouping:
    given: dict[str, Any] = {"vocabulary": shipped(), "zone_of": lambda _: "UTC", "bucket_of": month}
    return Grouping(**(given | more))


def grouped(content: bytes, chunk_bytes: int = 100_000, **more: Any) -> SettlementGroups:
    """The groups of a file that must not be refused."""
    found = group_settlement(SettlementFile.of(content, Limits(chunk_bytes=chunk_bytes)), grouping(**more))
    assert not isinstance(found, RefusedSettlement), found.findings
    return found


def by_category(groups: SettlementGroups) -> dict[str | None, Decimal]:
    sums: Counter[str | None] = Counter()
    for group in groups.groups:
        sums[group.category] += group.amount  # type: ignore[assignment]
    return dict(sums)  # type: ignore[arg-type]
