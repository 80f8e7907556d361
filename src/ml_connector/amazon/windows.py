"""Windows of time. What Amazon answers wrongly is refused here before any call: a window that is too long comes back empty, as if
there were no data (SP-API dossier, sections 14.2, 15.1 and 16).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from ml_connector.domain.errors import WrongUse

#: Finances: a longer window is empty.
FINANCES_MAX: Final = timedelta(days=180)
#: Order reports: a longer window is empty.
ORDER_REPORT_MAX: Final = timedelta(days=30)

#: How far Amazon's clock and ours may be apart.
_CLOCKS_APART: Final = timedelta(days=1)


def refuse_wrong(after: datetime, before: datetime, longest: timedelta, what: str) -> None:
    """Raise :class:`WrongUse` for a window that ends before it begins, or that Amazon would answer with nothing."""
    if before < after:
        raise WrongUse(f"A window of {what} ends before it begins.")
    _refuse_long(before - after, longest, what)


def refuse_wrong_open(after: datetime, now: datetime, longest: timedelta, what: str) -> None:
    """The same for a window that reaches as far as Amazon shows anything. Where that is, its clock says and not ours, so that a
    day less is allowed, and a beginning in our future is none of our business."""
    _refuse_long(now - after, longest - _CLOCKS_APART, what)


def _refuse_long(length: timedelta, longest: timedelta, what: str) -> None:
    if length > longest:
        raise WrongUse(
            f"A window of {what} of more than {longest.days} days: Amazon would answer as if there were none. Split it."
        )
