"""What is said about triples that no rule knows (ACCOUNTING 2: they hold the settlement)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, islice
from typing import Final

from ml_connector.accounting.lineage import merge_ranges
from ml_connector.accounting.vocabulary import Vocabulary
from ml_connector.domain import money
from ml_connector.domain.errors import Finding
from ml_connector.domain.settlements import Group, Triple

_FINDINGS_MAX: Final = 50
_LINES_SHOWN: Final = 5
_LABEL_SHOWN: Final = 80


def unknown_triples(groups: Iterable[Group], vocabulary: Vocabulary, currency: str) -> list[Finding]:
    """A finding per triple without a category: its lines, its amount, and the nearest known rules with the reason."""
    unknown: dict[Triple, list[Group]] = {}
    for group in groups:
        if group.category is None:
            unknown.setdefault(group.key.triple, []).append(group)
    found = [
        _finding(triple, members, vocabulary, currency) for triple, members in islice(unknown.items(), _FINDINGS_MAX)
    ]
    if len(unknown) > _FINDINGS_MAX:
        found.append(Finding("unknown_triple", f"{len(unknown) - _FINDINGS_MAX} more kinds of rows are not known."))
    return found


def _finding(triple: Triple, members: list[Group], vocabulary: Vocabulary, currency: str) -> Finding:
    ranges = merge_ranges(group.rows for group in members)
    count = sum(group.rows.count for group in members)
    lines = list(islice(chain.from_iterable(range(first, last + 1) for first, last in ranges), _LINES_SHOWN))
    shown = ", ".join(map(str, lines)) + (" ..." if count > len(lines) else "")
    amount = money.text(sum((group.amount for group in members), money.ZERO), currency)
    near = "; ".join(
        f"{hint.rule.triple} -> {hint.rule.category} ({hint.reason})" for hint in vocabulary.suggest(triple)
    )
    return Finding(
        "unknown_triple",
        f"No rule knows {_shown(triple)}: {count} row(s) on line {shown}, {amount} {currency}. "
        "Import a mapping rule that names these three labels, a category and an account."
        + (f" Nearest: {near}." if near else ""),
        lines[0],
    )


def _shown(triple: Triple) -> str:
    """Labels are free text, as long as a line may be."""
    return str(Triple(*(cell if len(cell) <= _LABEL_SHOWN else f"{cell[:_LABEL_SHOWN]}..." for cell in triple)))
