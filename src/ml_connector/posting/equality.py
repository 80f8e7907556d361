"""Is what the target shows the document that was planned?

Date, currency, party, total and the lines as a multiset decide. Texts never do: a person may rename a line. Lines that the
target added by a named rule of its connector are outside the comparison (ACCOUNTING 9).
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from ml_connector.domain import money
from ml_connector.domain.target import Shown, ShownLine

_SHOWN_MAX = 5


def differences(expected: Shown, found: Shown) -> tuple[str, ...]:
    """What differs, each as a phrase for a person; empty when the two are equal."""
    out: list[str] = []
    if found.posting_date != expected.posting_date:
        out.append(f"is dated {found.posting_date} instead of {expected.posting_date}")
    if found.currency != expected.currency:
        out.append(f"is in {found.currency} instead of {expected.currency}")
    if found.party != expected.party:
        out.append(f"is for {found.party or 'nobody'} instead of {expected.party or 'nobody'}")
    if found.total != expected.total:
        out.append(f"totals {_amount(found, found.total)} instead of {_amount(expected, expected.total)}")
    planned = Counter(_comparable(line) for line in expected.lines)
    shown = Counter(_comparable(line) for line in found.lines)
    out += [f"lacks {_line(expected, line)}" for line in (planned - shown).elements()]
    out += [f"has {_line(found, line)} which was not planned" for line in (shown - planned).elements()]
    if len(out) > _SHOWN_MAX:
        return (*out[:_SHOWN_MAX], f"and {len(out) - _SHOWN_MAX} differences more")
    return tuple(out)


_Comparable = tuple[str, Decimal, Decimal, Decimal | None, str]


def _comparable(line: ShownLine) -> _Comparable:
    return line.what, line.debit, line.credit, line.quantity, line.tax


def _line(shown: Shown, line: _Comparable) -> str:
    what, debit, credit, quantity, tax = line
    side, value = ("debit", debit) if debit else ("credit", credit)
    taxed = f" with tax code {tax}" if tax else ""
    if quantity is not None:
        return f"{quantity:f} of {what} for {_amount(shown, value)}{taxed}"
    return f"{side} {_amount(shown, value)} on {what}{taxed}"


def _amount(shown: Shown, value: Decimal) -> str:
    return f"{money.text(value, shown.currency)} {shown.currency}"
