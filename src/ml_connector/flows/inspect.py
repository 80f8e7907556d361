"""``settlement inspect``: what a settlement file says, without a database and without a link (DESIGN 6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from ml_connector.accounting import vocabulary
from ml_connector.accounting.settlement_groups import Grouping, group_settlement, main_store_of
from ml_connector.amazon.marketplaces import zone_of
from ml_connector.amazon.settlement_bytes import Limits
from ml_connector.amazon.settlement_file import SettlementFile
from ml_connector.domain import money
from ml_connector.domain.errors import Finding
from ml_connector.domain.settlement_rows import RefusedSettlement
from ml_connector.domain.settlements import Group, SettlementGroups, SettlementHead


def inspect_file(path: Path | str, limits: Limits | None = None) -> dict[str, Any]:
    """The JSON object of DESIGN 6. Amounts are text in the currency's own minor units, instants ISO 8601 in UTC.

    ``zone`` is the main store's, in which ``month`` was taken. For a refused file unknown members are None and ``foots`` is
    False. OSError where the file cannot be read at all.
    """
    file = SettlementFile.at(Path(path), limits)
    shipped = vocabulary.shipped()
    found = group_settlement(file, Grouping(vocabulary=shipped, zone_of=zone_of, bucket_of=_month))
    if isinstance(found, RefusedSettlement):
        return _refused(found)
    return {
        **_head(found.head),
        "rows": found.rows,
        "encoding": found.encoding,
        "sha256": found.sha256,
        "foots": found.foots,
        "zone": found.zone,
        "groups": _groups(found),
        "findings": _findings(found.findings),
    }


def main_store(found: Mapping[str, Any]) -> str | None:
    """The store that an inspected file is of; None where it does not say."""
    rows: Counter[str] = Counter()
    for group in found["groups"]:
        rows[group["marketplace"]] += group["rows"]
    return main_store_of(rows)


def _month(day: date) -> str:
    return f"{day.year:04d}-{day.month:02d}"


def _refused(found: RefusedSettlement) -> dict[str, Any]:
    return {
        **_head(found.head),
        "rows": found.rows,
        "encoding": found.encoding,
        "sha256": found.sha256,
        "foots": False,
        "zone": None,
        "groups": None,
        "findings": _findings(found.findings),
    }


def _head(head: SettlementHead | None) -> dict[str, Any]:
    if head is None:
        return dict.fromkeys(("settlement_id", "currency", "total", "start", "end", "deposit"))
    return {
        "settlement_id": head.settlement_id,
        "currency": head.currency,
        "total": money.text(head.total, head.currency),
        "start": _instant(head.start),
        "end": _instant(head.end),
        "deposit": _instant(head.deposit) if head.deposit else None,
    }


def _instant(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _groups(found: SettlementGroups) -> list[dict[str, Any]]:
    """Groups of one triple, store, month and category are one here, whatever else tells them apart."""
    merged: dict[tuple[object, ...], list[Group]] = {}
    for group in found.groups:
        key = group.key
        merged.setdefault((key.triple, key.store, key.bucket, group.category), []).append(group)
    return [
        {
            "transaction_type": members[0].key.triple.transaction_type,
            "amount_type": members[0].key.triple.amount_type,
            "amount_description": members[0].key.triple.amount_description,
            "marketplace": members[0].key.store,
            "month": members[0].key.bucket,
            "category": members[0].category,
            "amount": money.text(sum((group.amount for group in members), money.ZERO), found.head.currency),
            "rows": sum(group.rows.count for group in members),
        }
        for members in merged.values()
    ]


def _findings(findings: tuple[Finding, ...]) -> list[dict[str, Any]]:
    return [{"code": finding.code, "line": finding.line, "message": finding.message} for finding in findings]
