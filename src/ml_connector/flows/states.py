"""The states of a settlement, and the names that flows share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from ml_connector.domain.documents import State
from ml_connector.domain.errors import Finding
from ml_connector.store.documents import DocumentRow

#: ``ELSEWHERE``: of a store that this link does not cover. ``RESTATED``: Amazon sent another file after it was posted.
READ: Final = "read"
HELD: Final = "held"
PLANNED: Final = "planned"
NOTHING: Final = "nothing_to_post"
ELSEWHERE: Final = "not_covered"
RESTATED: Final = "restated"
#: Of the time before the link's opening sheet: what was before has posted it.
BEFORE_OPENING: Final = "before_opening"
#: A person took care of it otherwise.
DROPPED: Final = "dropped"

#: Settlements in these states are planned again by every run, while nothing of them is decided: what held them may be mended.
OPEN: Final = frozenset({READ, HELD, PLANNED, BEFORE_OPENING})

#: Why a planned document waits for a person although the link approves by itself.
NEEDS_PERSON: Final = "restated_total"

_FINDINGS_MAX: Final = 5


def set_id_for(account: str, settlement_id: str) -> str:
    """The posting set of a settlement's own entries; a restatement has a set of its own beside it."""
    return f"{account}/{settlement_id}"


def decided(rows: Iterable[DocumentRow]) -> bool:
    """Whether somebody has decided about one of the documents: then their settlement is not planned anew. What is approved
    goes on as it was approved, and what may be in the ERP stays as it was planned (DESIGN 2)."""
    return any(row.tried or row.state not in {State.PLANNED, State.HELD} for row in rows)


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
