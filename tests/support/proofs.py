"""What an ERP shows that took every entry as planned, for tests of the proof."""

from __future__ import annotations

from ml_connector.accounting.lineage import LineageOf
from ml_connector.accounting.proof import Evidence
from ml_connector.domain.documents import JournalEntry, label
from ml_connector.domain.target import Present, Seen, Shown, ShownLine


def shown(entry: JournalEntry) -> Shown:
    return Shown(
        posting_date=entry.posting_date,
        document_date=entry.document_date,
        currency=entry.currency,
        total=entry.total,
        lines=tuple(
            ShownLine(line.account, line.debit, line.credit, label(line.category, line.store))
            for line in entry.lines
            if line.posts
        ),
    )


def evidence(entry: JournalEntry, lineage: LineageOf, source_sha256: str, *, seen: Seen | None = None) -> Evidence:
    """The entry as planned, and as the ERP shows it unless ``seen`` says otherwise."""
    posts = any(line.posts for line in entry.lines)
    return Evidence(
        entry=entry,
        source_sha256=source_sha256,
        lineage={number: part for (key, number), part in lineage.items() if key == entry.key},
        seen=seen or (Present((("JdtNum", "1"),), shown(entry)) if posts else None),
    )
