"""The states of a settlement, and the names that flows share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ml_connector.domain.errors import Finding

#: ``ELSEWHERE``: of a store that this link does not cover. ``RESTATED``: Amazon sent another file after it was posted.
READ: Final = "read"
HELD: Final = "held"
PLANNED: Final = "planned"
NOTHING: Final = "nothing_to_post"
ELSEWHERE: Final = "not_covered"
RESTATED: Final = "restated"

#: Settlements in these states are planned again by every run: what held them may be mended.
OPEN: Final = frozenset({READ, HELD, PLANNED})

_FINDINGS_MAX: Final = 5


def set_id_for(account: str, settlement_id: str) -> str:
    """The posting set of a settlement's own entries; a restatement has a set of its own beside it."""
    return f"{account}/{settlement_id}"


def words(findings: Sequence[Finding]) -> str:
    """The findings that hold, as sentences with their codes and lines."""
    holding = [finding for finding in findings if finding.holds] or list(findings)
    said = [
        f"{each.code}: {each.message}" + (f" (line {each.line})" if each.line is not None else "")
        for each in holding[:_FINDINGS_MAX]
    ]
    if len(holding) > len(said):
        said.append(f"and {len(holding) - len(said)} more")
    return " | ".join(said)
