"""What the dossier leaves open and a connector would notice: each reading can be chosen in the scenario.

Open points that are not here cannot change what a connector does, or cannot be met in this company:

* Swagger's address and text: nothing is read from it; ``$metadata`` is served.
* Cookies (3): one is set, none is needed; a client that sends it back is answered alike.
* Number formats of generated documents (17): the company has its own, nobody may rely on them.
* Concurrency threshold (22): core faults answer TooManyRequests.
* Words of ``CheckForDuplicatePOs`` (26.13), of the return type for price adjustments (13.5), and property names of
  fiscal calendars and company profile (16): as naming rule 4.3 gives them; they stand in ``$metadata``.
* ``PATCH`` on orders in later releases (26.16): not there; using it would need a table of versions nobody has.
"""

from __future__ import annotations

from ml_connector.sandbox.switches import Switch


def _yes(name: str, section: str, meaning: str) -> Switch:
    return Switch(name, f"sage-300 {section}", default=True, meaning=meaning)


def _no(name: str, section: str, meaning: str) -> Switch:
    return Switch(name, f"sage-300 {section}", default=False, meaning=meaning)


def _is(name: str, section: str, default: int | str, meaning: str) -> Switch:
    return Switch(name, f"sage-300 {section}", default, meaning)


_SIGN_IN = (
    _no("upper_case_password", "3", "The site keeps passwords in upper case and compares them so."),
    _no("folds_user_id", "3", "A user id in the wrong case is accepted."),
    _no("admin_allowed", "3", "ADMIN may use the Web API."),
    _is("lock_after", "3", 5, "A user is locked out after so many wrong passwords in a row; 0: never."),
    _is("wrong_company", "24.1, 26.12", "404", "A wrong company or tenant answers 404 or 401."),
    _is("missing_right", "3, 8", "403", "A missing right answers 403 Forbidden or 401 Unauthorized."),
)
_WIRE = (
    _is("create_status", "7, 26.2", 201, "A POST that creates answers 201 or 200."),
    _is("change_status", "7, 26.2", 204, "PUT, PATCH, DELETE and $process answer 204 or 200, without a body."),
    _no("old_annotations", "5", "Feeds are annotated `odata.context` and `odata.count`, the count as text."),
    _is("next_link", "5, 26.10", "bare", "nextLink carries $skip only (bare) or the other options too (keeps)."),
    _is("page_size", "5", 100, "Rows of a page, default and maximum."),
    _no("rich_queries", "5, 26.9", "$orderby, parentheses, `not` and `contains` are understood; if not, 400."),
    _yes("has_ge_le", "5, 26.9", "`ge` and `le` are understood; if not, 400."),
    _no("padded_text", "4.2", "Text is answered padded with spaces to the length of its column."),
    _yes("dates_with_z", "4.4", "Dates are answered as midnight with Z; if not, without zone."),
    _is("day_shift_hours", "4.4, 26.6", 0, "The server is so many hours west of UTC and keeps the day there."),
    _is("over_long_text", "17, 26.11", "refuse", "Text longer than its column: refuse (409) or cut."),
    _is("text_length", "17", 60, "Length of descriptions and references of batches, entries and lines."),
)
_BATCHES = (
    _yes("ready_in_post", "1.3", "A batch may be created ready to post; if not, it is created open."),
    _is("failed_batch", "11.2, 26.8", "rolled_back", "A POST whose nth entry fails: rolled_back or part_filled."),
    _is("gl_ready_by", "14.2, 26.3", "ReadyToPost", "What marks a G/L batch ready: ReadyToPost, Status or both; the other is ignored."),
    _is("gl_post_names", "14.2, 26.3", "FromBatchNumber ToBatchNumber", "The properties of GLPostJournal."),
    _no("print_before_posting", "14.2", "Batches that nobody printed are not posted."),
    _is("posting_s", "11.4", 0, "A posting is in progress for so many seconds."),
    _is("inactive_account", "14.4", "entry", "An inactive account is refused at entry, or found at posting."),
    _yes("control_accounts_refuse", "14.4", "Control accounts refuse lines whose source is G/L."),
    _is("ledger_from_receivables", "11.5", "posted", "A/R posting makes a G/L batch: posted, open, or only on request."),
    _no("calendar_shows_locks", "16", "Fiscal calendars show which periods are locked."),
)  # fmt: skip
_RECEIVABLES = (
    _is("ar_duplicate", "11, 21, 26.7", "entry", "A second document number of a customer is refused at entry, against posted documents only (posted), or at posting."),
    _is("ar_duplicate_code", "21, 26.7", "FieldInvalid", "The code of that refusal."),
    _yes("applies_to_posted_only", "11.2", "ApplytoDocument must be posted; if not, any number is taken."),
    _is("receipt_words", "12", "Receipt UnappliedCash", "The words of an ordinary receipt and of unapplied cash."),
)  # fmt: skip
_ORDERS = (
    _is("oe_duplicate_code", "21, 26.7", "RecordDuplicate", "The code with which a second order number is refused."),
    _yes("note_number_is_unique", "21", "A second credit note number is refused."),
    _is("invoiced_by", "13.2", "both", "What makes an order invoice itself: InvoiceWillBeProduced, PostInvoice or both."),
    _is("invoice_date", "13.2, 23, 26.4", "order", "An invoice takes the order's date, or today's (session)."),
    _yes("order_has_invoice_date", "13.2, 26.4", "Orders have InvoiceDate and ShipmentDate; if not, 400."),
    _yes("negative_charges", "13.2, 26.15", "A miscellaneous charge may be negative."),
    _no("address_is_checked", "8, 19", "A tax service refuses orders without a complete ship-to address."),
    _no("negative_inventory", "13.2", "Stock may go below zero."),
    _yes("location_details", "15.2, 26.5", "ICLocationDetails exists."),
    _is("location_detail_has", "15.2", "QuantityCommitted QuantityAvailableToShip", "What ICLocationDetails has besides QuantityOnHand: both, one of them, or -."),
    _no("formatted_location_items", "15.2, 26.5", "ICLocationDetails names items in their formatted form."),
    _no("on_hand_waits_for_day_end", "15.2", "Shipments lower QuantityOnHand at day end only."),
)  # fmt: skip
_SERVER = (
    _is("idle_minutes", "22", 20, "Idle minutes after which the application pool sleeps."),
    _is("cold_start_s", "22", 0, "Seconds the first request after that takes."),
    _is("cold_start", "22, 24.10", "waits", "The first request waits, or all answer 503 until the pool has started (503)."),
)  # fmt: skip

SWITCHES = (*_SIGN_IN, *_WIRE, *_BATCHES, *_RECEIVABLES, *_ORDERS, *_SERVER)
