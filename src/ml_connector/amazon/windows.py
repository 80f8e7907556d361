"""Windows of time. What Amazon answers wrongly is refused here before any call: a window that is too long comes back empty, as if
there were no data (SP-API dossier, sections 14.2, 15.1 and 16).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from ml_connector.domain.errors import WrongUse

#: Finances: a longer window is empty.
FINANCES_MAX: Final = timedelta(days=180)
#: Order reports: a longer window is empty.
ORDER_REPORT_MAX: Final = timedelta(days=30)


def split(after: datetime, before: datetime, longest: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """``after`` until ``before`` as windows that touch, the earliest first, none longer than ``longest``."""
    while after < before:
        end = min(before, after + longest)
        yield after, end
        after = end


def refuse_wrong(after: datetime, before: datetime, longest: timedelta, what: str) -> None:
    """Raise :class:`WrongUse` for a window that ends before it begins, or that Amazon would answer with nothing."""
    if before < after:
        raise WrongUse(f"A window of {what} ends before it begins.")
    if before - after > longest:
        raise WrongUse(
            f"A window of {what} of more than {longest.days} days: Amazon would answer as if there were none. Split it."
        )
