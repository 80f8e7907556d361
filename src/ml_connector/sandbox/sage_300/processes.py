"""Process resources: what ``('$process')`` starts (dossier, sections 11.4, 11.5, 12, 13.3 and 14.2)."""

from __future__ import annotations

from datetime import datetime

from ml_connector.sandbox.sage_300.company_rooms import Company
from ml_connector.sandbox.sage_300.errors import field_invalid
from ml_connector.sandbox.sage_300.general_ledger import padded_batch
from ml_connector.sandbox.sage_300.records import amount, text
from ml_connector.sandbox.sage_300.schema import Row

_LAST_NUMBER = 10**18
_KINDS = (
    ("ProcessInvoiceBatch", "Invoice"),
    ("ProcessReceiptBatch", "Receipt"),
    ("ProcessAdjustmentBatch", "Adjustment"),
)


class Processes:
    """What one company can be told to do. Every method is called inside a transaction."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._records = company.context.records
        self._first_name, self._last_name = company.context.switches.text("gl_post_names").split()

    def run(self, resource: str, row: Row, now: datetime) -> None:
        """Start the process with its parameters as put. Raises :class:`SageError`."""
        match resource:
            case "ARPostInvoices":
                self._company.invoices.process(*self._range(row), now)
            case "ARPostReceiptsAndAdjustments":
                kind = text(row, "BatchType")
                if kind not in ("CA", "AD"):
                    raise field_invalid("BatchType must be entered: CA or AD.")
                self._company.receipts.process(*self._range(row, kind), now)
            case "ARCreateGLBatch":
                self._create_ledger_batches(row)
            case "GLPostJournal":
                first, last = padded_batch(row[self._first_name]), padded_batch(row[self._last_name])
                if not first or first > last:
                    raise field_invalid("The range of batches is not valid.")
                self._company.ledger.process(first, last, now)
            case "ICDayEndProcessing":
                self._company.day_end.run()
            case _:
                raise AssertionError(f"no such process: {resource}")

    def _range(self, row: Row, *prefix: str) -> tuple[str, str]:
        """The keys from first to last; all there are where everybody's batches are to be posted."""
        first, last = int(amount(row, "PostBatchFrom")), int(amount(row, "PostBatchTo"))
        if row["PostAllBatches"] == "Postallbatches":
            first, last = 0, _LAST_NUMBER
        if first > last:
            raise field_invalid("The range of batches is not valid.")
        return self._records.key_of(*prefix, first), self._records.key_of(*prefix, last)

    def _create_ledger_batches(self, row: Row) -> None:
        for switch, kind in _KINDS:
            if text(row, switch).startswith("Post"):
                through = int(amount(row, f"{kind}ThroughPostingSequenceNumber"))
                self._company.subledger.on_request(kind.lower(), through)
