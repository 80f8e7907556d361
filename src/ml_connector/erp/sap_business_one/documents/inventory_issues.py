"""Goods issues: ours into Business One's words, and back (SAP dossier, section 6.3; ACCOUNTING 10). Pure.

The units go at SAP's own cost, so nothing here has an amount. A goods issue has no customer and no reference number: it is
recognised by U_ML_KEY alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ml_connector.domain import money
from ml_connector.domain.documents import InventoryIssue, IssueLine
from ml_connector.domain.target import Shown, ShownLine
from ml_connector.erp.sap_business_one.documents.common import KEY_FIELD, MEMO_MAX, remarks, stored, wire_key
from ml_connector.erp.sap_business_one.documents.sales_documents import FREE_TEXT_MAX
from ml_connector.erp.sap_business_one.values import day_of, rows_in, words


def unsupported(issue: InventoryIssue) -> str | None:
    """Why Business One cannot hold ``issue``, beyond what is true of every kind; None where it can."""
    return None if all(line.item for line in issue.lines) else "A line has no item of Business One."


def payload(issue: InventoryIssue) -> dict[str, Any]:
    """The body of ``POST InventoryGenExits``, or of its draft."""
    day = issue.posting_date.isoformat()
    body: dict[str, Any] = {
        "DocDate": day,
        "DocDueDate": day,
        "TaxDate": issue.document_date.isoformat(),
        "JournalMemo": issue.memo[:MEMO_MAX].rstrip(),
        "Comments": remarks(issue, issue.memo),
        KEY_FIELD: wire_key(issue),
        "DocumentLines": [_line(line, issue) for line in issue.lines],
    }
    if issue.branch:
        body["BPL_IDAssignedToInvoice"] = int(issue.branch)
    return body


def references(issue: InventoryIssue) -> tuple[tuple[str, str], ...]:
    """The fields by which a person finds the goods issue in Business One."""
    return (("Comments", wire_key(issue)), (KEY_FIELD, wire_key(issue)))


def project(issue: InventoryIssue) -> Shown:
    """What Business One will show for ``issue``."""
    lines = tuple(_shown(line.item, line.warehouse, line.quantity) for line in issue.lines)
    return Shown(issue.posting_date, issue.document_date, issue.currency, money.ZERO, lines)


def shown(row: Mapping[str, Any], issue: InventoryIssue) -> Shown:
    """``row`` in the words all targets share. A warehouse is shown where ``issue`` names one for the item."""
    silent = {line.item for line in issue.lines if not line.warehouse}
    lines = []
    for line in rows_in(row, "DocumentLines"):
        item = words(line.get("ItemCode"))
        warehouse = "" if item in silent else words(line.get("WarehouseCode"))
        lines.append(_shown(item, warehouse, stored(line.get("Quantity"))))
    # A goods issue has no currency of its own: it is at cost, in the company's.
    return Shown(day_of(row["DocDate"]), day_of(row["TaxDate"]), issue.currency, money.ZERO, tuple(lines))


def _shown(item: str, warehouse: str, quantity: Decimal) -> ShownLine:
    what = f"{item} in {warehouse}" if warehouse else item
    return ShownLine(what, money.ZERO, money.ZERO, quantity=quantity)


def _line(line: IssueLine, issue: InventoryIssue) -> dict[str, Any]:
    data: dict[str, Any] = {"ItemCode": line.item, "Quantity": line.quantity}
    if line.warehouse:
        data["WarehouseCode"] = line.warehouse
    if issue.account:
        data["AccountCode"] = issue.account
    if line.text:
        data["FreeText"] = line.text[:FREE_TEXT_MAX].rstrip()
    return data
