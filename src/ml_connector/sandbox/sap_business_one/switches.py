"""What the dossier leaves open and a connector would notice: each reading can be chosen in the scenario.

Open points that are not here cannot change what a connector does: licences and OAuth (only session login is offered),
Set-Cookie attributes of newest builds (a client reads the text before the first semicolon), webhooks (polling stays the
source of truth).
"""

from __future__ import annotations

from ml_connector.sandbox.switches import Switch

SWITCHES = (
    Switch(
        "wrong_password_code",
        "sap-business-one 3.2, 16",
        "100000027",
        "The code of a refused login: 100000027 or -304.",
    ),
    Switch("lock_after", "sap-business-one 3.2", 5, "A user is locked after so many wrong passwords in a row."),
    Switch("session_timeout_minutes", "sap-business-one 3.4", 30, "Idle minutes after which a session ends."),
    Switch(
        "expiry_as_5002",
        "sap-business-one 3.4, 15",
        default=False,
        meaning="A lost session answers 400/-5002 instead of 401/301.",
    ),
    Switch(
        "expiry_body",
        "sap-business-one 3.4",
        "v2",
        "The 401 body on v2: v2 (code is text) or v1 (code is a number, message an object).",
    ),
    Switch(
        "expiry_body_on_v1",
        "sap-business-one 3.4",
        "v1",
        "The 401 body on v1: v1 as documented, or v2 as seen in production.",
    ),
    Switch(
        "session_on_both_versions",
        "sap-business-one 16",
        default=False,
        meaning="A session made on one version is good on the other.",
    ),
    Switch(
        "sessions_max",
        "sap-business-one 16",
        0,
        "A user who has so many sessions is refused another one, with the code of a refused login; 0: no limit.",
    ),
    Switch(
        "sticky_sessions",
        "sap-business-one 3.2, 14",
        default=False,
        meaning="A session is known on its own node only: a request without its ROUTEID has lost it.",
    ),
    Switch("batch_status_on_v2", "sap-business-one 4", 200, "The HTTP status of a batch on v2: 200 or 202."),
    Switch(
        "dates_on_v1",
        "sap-business-one 4, 11",
        "date",
        "Dates of v1 are YYYY-MM-DD (date) or carry a midnight (datetime).",
    ),
    Switch(
        "server_utc_offset_minutes",
        "sap-business-one 5.3, 16",
        0,
        "Minutes between UTC and the server's wall clock, which dates and times of rows are read from.",
    ),
    Switch(
        "new_rows_without_update_date",
        "sap-business-one 5.4",
        default=False,
        meaning="UpdateDate and UpdateTime stay null until the first change.",
    ),
    Switch(
        "stock_touches_items",
        "sap-business-one 5.5",
        default=False,
        meaning="A movement of stock sets the item's UpdateDate.",
    ),
    Switch(
        "price_touches_items",
        "sap-business-one 5.5, 16",
        default=False,
        meaning="A change of prices sets the item's UpdateDate.",
    ),
    Switch(
        "bulk_items_without_collections",
        "sap-business-one 5.1",
        default=False,
        meaning="Lists of items answer empty ItemPrices and ItemWarehouseInfoCollection; the single item has them.",
    ),
    Switch(
        "block_negative_stock",
        "sap-business-one 6.3, 7",
        default=False,
        meaning="Stock may not fall below nothing; BlockStockNegativeQuantity says so.",
    ),
    Switch(
        "tax_system",
        "sap-business-one 6.3",
        "sales_tax",
        "Rows bear a TaxCode (sales_tax) or a VatGroup (vat); the other one is refused.",
    ),
    Switch(
        "tax_rounding",
        "sap-business-one 11",
        "row",
        "Tax is rounded row by row (row), or once for all rows with one code (document).",
    ),
    Switch(
        "gross_prices",
        "sap-business-one 13, point 16",
        "kept",
        "Gross totals are kept to the cent (kept), or the net price is rounded first (net_first).",
    ),
    Switch(
        "discounted_price",
        "sap-business-one 11",
        "rounded",
        "The price after discount is rounded before it multiplies (rounded), or only the total is (exact).",
    ),
    Switch(
        "sent_line_total",
        "sap-business-one 11",
        "kept",
        "LineTotal of an item row is kept, recomputed where a price was sent too, or ignored.",
    ),
    Switch(
        "foreign_line_total",
        "sap-business-one 11",
        "document",
        "LineTotal sent in a foreign document is in its currency (document) or in local currency (local).",
    ),
    Switch(
        "special_discount_applies",
        "sap-business-one 13, point 11",
        default=True,
        meaning="A special price's discount applies to a UnitPrice that was sent without DiscountPercent.",
    ),
    Switch(
        "perpetual_inventory",
        "sap-business-one 7",
        default=True,
        meaning="Stock that moves is booked: cost of goods sold against inventory.",
    ),
    Switch(
        "unconfirmed_commits",
        "sap-business-one 6.3",
        default=False,
        meaning="An order that is not confirmed commits stock like any other.",
    ),
    Switch(
        "block_duplicate_references",
        "sap-business-one 16",
        default=False,
        meaning="A customer's reference number (NumAtCard) that is known already is refused.",
    ),
    Switch(
        "paid_base_refused",
        "sap-business-one 6.3",
        default=True,
        meaning="A credit note cannot be copied from an invoice that is paid and closed.",
    ),
    Switch(
        "cancellation_date",
        "sap-business-one 7, 16",
        "original",
        "A cancelled document or payment is taken back on its own date (original) or on the current one (today).",
    ),
    Switch(
        "cancellation_copies_fields",
        "sap-business-one 8",
        default=True,
        meaning="A cancellation document carries the user fields of the document that it cancels.",
    ),
    Switch(
        "create_cancellation_persists",
        "sap-business-one 16",
        default=False,
        meaning="CreateCancellationDocument cancels; otherwise it only answers a prefilled document.",
    ),
    Switch(
        "approval_procedure",
        "sap-business-one 7, 16",
        "off",
        "What is posted becomes a draft that waits for approval, answered 201 with the draft (draft_201) or 204 (draft_204).",
    ),
    Switch(
        "saved_draft",
        "sap-business-one 7",
        "closed",
        "A draft that was saved to a document stays, closed (closed), or is gone (removed).",
    ),
    Switch(
        "payment_touches_documents",
        "sap-business-one 5.4, 6.4",
        default=True,
        meaning="A payment sets UpdateDate and DataVersion of the documents that it settles.",
    ),
    Switch(
        "max_documents_in_payment",
        "sap-business-one 6.4",
        1000,
        "MaxNumberOfDocumentsInPmt: a payment with more documents is refused.",
    ),
    Switch(
        "credit_note_sign",
        "sap-business-one 6.4, 16",
        "positive",
        "SumApplied of a credit note in a payment is positive, or negative; the other one is refused.",
    ),
    Switch(
        "foreign_sum_applied",
        "sap-business-one 6.4",
        "local",
        "SumApplied of a foreign document, sent without AppliedFC, is in local currency (local) or its own (document).",
    ),
    Switch(
        "foreign_transfer_sum",
        "sap-business-one 6.4",
        "document",
        "TransferSum and CashSum of a foreign payment are in its currency (document) or in local currency (local).",
    ),
    Switch(
        "url_characters_max",
        "sap-business-one 9, 16",
        8190,
        "A longer path with query is refused with 414.",
    ),
    Switch(
        "etag_in_v1_bodies",
        "sap-business-one 4",
        default=True,
        meaning="Bodies of v1 carry odata.etag; otherwise only the header of a single row does.",
    ),
    Switch(
        "special_prices_of_lists",
        "sap-business-one 5.5",
        default=True,
        meaning="A special price with CardCode *1 holds for everybody on price list 1.",
    ),
    Switch(
        "without_movement_honoured",
        "sap-business-one 6.3",
        default=True,
        meaning="A row with WithoutInventoryMovement moves no stock; if not, the property is ignored.",
    ),
    Switch(
        "copied_credit_notes_settle",
        "sap-business-one 6.3",
        default=True,
        meaning="A credit note copied from an open invoice is set off against it at once.",
    ),
    Switch(
        "sql_queries",
        "sap-business-one 5.6",
        "allowed",
        "The user may store and run queries (allowed), may not (forbidden), or the build has none (missing).",
    ),
    Switch(
        "time_filters",
        "sap-business-one 5.3",
        "minute",
        "Times compare by minute, with the literal cut to its minute (literal), or to the second (second).",
    ),
    Switch(
        "user_may_create_tables",
        "sap-business-one 6.7",
        default=True,
        meaning="The user is a super user and may create tables and fields.",
    ),
    Switch(
        "new_fields_need_restart",
        "sap-business-one 6.7",
        default=False,
        meaning="New user tables and fields are seen only after a restart.",
    ),
    Switch(
        "user_table_code_length", "sap-business-one 8, point 5", 50, "The longest Code of a user table, in characters."
    ),
    Switch(
        "claim_change_set",
        "sap-business-one 8, point 5",
        default=True,
        meaning="A change set may hold a user table's row and a document; if not, the set is refused.",
    ),
    Switch(
        "reference3_length", "sap-business-one 8, DESIGN", 100, "The longest journal Reference3: 100 or 27 characters."
    ),
    Switch(
        "storno_marking",
        "sap-business-one 6.5, 16",
        "memo",
        "A cancelling entry's memo says so (memo) or is a copy (none).",
    ),
    Switch(
        "storno_sign",
        "sap-business-one 6.5, 16",
        "opposite",
        "A cancelling entry swaps sides (opposite) or turns signs (negative).",
    ),
    Switch(
        "storno_copies_fields",
        "sap-business-one 6.5, 16",
        default=True,
        meaning="A cancelling entry carries the references and user fields of its original.",
    ),
    Switch(
        "storno_date", "sap-business-one 6.5, 16", "original", "A cancelling entry is dated as its original, or today."
    ),
    Switch(
        "control_accounts_show_lock",
        "sap-business-one 6.5",
        default=True,
        meaning="Control accounts show LockManualTransaction; if not, only posting refuses.",
    ),
    Switch(
        "foreign_rounding",
        "sap-business-one 11",
        "absorb",
        "Local cents left by converting lines: absorb (largest line), line (a line on the rounding account) or refuse.",
    ),
    Switch(
        "foreign_needs_local",
        "sap-business-one 11",
        default=False,
        meaning="Foreign lines are refused without amounts in local currency.",
    ),
    Switch(
        "enable_branches",
        "sap-business-one 11",
        default=False,
        meaning="The company works with branches: every line needs a BPLID.",
    ),
    Switch(
        "branch_balance",
        "sap-business-one 6.5",
        default=True,
        meaning="With branches on, an entry must balance for each branch.",
    ),
    Switch(
        "account_segmentation",
        "sap-business-one 6.5, 11",
        default=False,
        meaning="Accounts have internal codes (_SYS...); people see FormatCode.",
    ),
    Switch(
        "count_as_text", "sap-business-one 4, 16", default=False, meaning="@odata.count is text instead of a number."
    ),
    Switch(
        "service_value_wrapped",
        "sap-business-one 7",
        default=True,
        meaning="Scalar results come as an object with `value`, else bare.",
    ),
    Switch(
        "company_info_wrapped",
        "sap-business-one 16",
        default=False,
        meaning="GetCompanyInfo and GetAdminInfo come inside a member of that name.",
    ),
    Switch(
        "next_link",
        "sap-business-one 5.2",
        "keeps",
        "nextLink keeps the other options (keeps), drops them (drops) or starts with ?& (odd).",
    ),
    Switch(
        "case_insensitive_text",
        "sap-business-one 5.1",
        default=False,
        meaning="Text compares without case, as some SQL Server collations do.",
    ),
)
