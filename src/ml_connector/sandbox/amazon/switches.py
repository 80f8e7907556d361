"""What the dossiers mark as not verified about Amazon, as switches; and what cannot matter, with the reason.

No switch, because no reading changes what a client does: whether REPORT_PROCESSING_FINISHED arrives (settlements are
discovered by polling), spelling of 413/415 codes (status decides), XML structure and SEK/PLN numbers (no such file is
served), COD labels (a label is a label).
"""

from __future__ import annotations

from ml_connector.sandbox.switches import Switch

SWITCHES = (
    Switch(
        "refresh_token_rotates",
        "amazon-sp-api 4.1, 26.3",
        default=False,
        meaning="Each exchange answers with a new refresh token and the old one stops working.",
    ),
    Switch(
        "announces_rate",
        "amazon-sp-api 5, 7",
        default=True,
        meaning="x-amzn-RateLimit-Limit stands on 2xx, 400 and 404; if not, it never comes.",
    ),
    Switch(
        "expired_token_has_details",
        "amazon-sp-api 1.6, 6",
        default=True,
        meaning="A 403 for an expired or malformed token says so in details; if not, details is empty.",
    ),
    Switch(
        "token_errors_are_401",
        "amazon-sp-api 6",
        default=False,
        meaning="Token errors answer 401 as some models declare, instead of 403.",
    ),
    Switch(
        "missing_role_message",
        "amazon-sp-api 6, 14.2",
        default="Access to requested resource is denied.",
        meaning="The message of a 403 for a missing role; `Access to the resource is forbidden` was seen too.",
    ),
    Switch(
        "unknown_route_code",
        "amazon-sp-api 6",
        default="Unauthorized",
        meaning="The code of the gateway's 403 for a wrong path; MissingAuthenticationToken, AccessDenied and Forbidden are reported.",
    ),
    Switch(
        "user_agent_status",
        "amazon-sp-api 25",
        default=403,
        meaning="The status for a missing or overlong User-Agent: 403 or 400.",
    ),
    Switch(
        "near_duplicates_are_cancelled",
        "amazon-sp-api 14.1",
        default=False,
        meaning="An ordinary report asked for again within 30 minutes ends CANCELLED.",
    ),
    Switch(
        "fatal_has_document",
        "amazon-sp-api 14.1",
        default=True,
        meaning="A FATAL report has a document that explains it.",
    ),
    Switch(
        "flat_files_are_regional",
        "settlement 2",
        default=True,
        meaning="Reports that are asked for come in UTF-8 (NA), Windows-1252 (EU) or cp932 (JP), as other flat files do; if not, in UTF-8.",
    ),
    Switch(
        "compression",
        "amazon-sp-api 14.1, 25",
        default="mixed",
        meaning="Documents are gzip, plain, or mixed (every other settlement).",
    ),
    Switch(
        "says_gzip",
        "amazon-sp-api 26.1",
        default=True,
        meaning="A zipped document is announced by compressionAlgorithm; if not, only its first bytes tell.",
    ),
    Switch(
        "document_charset",
        "settlement 2",
        default="",
        meaning="The charset in the document's Content-Type; empty: none is said.",
    ),
    Switch(
        "downloads_are_stable",
        "settlement 1.6, 15.4",
        default=True,
        meaning="A second document of one settlement holds the same bytes; if not, the rows come in another order.",
    ),
    Switch("newline", "settlement 2, 15.4", default="lf", meaning="Line ends of settlement files: lf or crlf."),
    Switch(
        "byte_order_mark",
        "settlement 2, 15.4",
        default=False,
        meaning="Settlement files in UTF-8 begin with a byte order mark.",
    ),
    Switch(
        "trailing_cells",
        "settlement 2",
        default=True,
        meaning="Empty cells at the end of a row are there; if not, they are trimmed.",
    ),
    Switch(
        "settlement_id_on_details", "settlement 4, 15.4", default=True, meaning="Detail rows repeat the settlement id."
    ),
    Switch("currency_on_details", "settlement 3, 15.4", default=False, meaning="Detail rows repeat the currency."),
    Switch("eu_encoding", "settlement 2", default="utf-8", meaning="The encoding of EU files: utf-8 or cp1252."),
    Switch("jp_encoding", "settlement 2, 15.4", default="cp932", meaning="The encoding of JP files: cp932 or utf-8."),
    Switch("jp_dates", "settlement 2, 15.4", default="jp", meaning="Dates in JP files: jp (with slashes) or iso."),
    Switch("gbp_decimals", "settlement 2", default="point", meaning="Decimals in GBP files: point or comma."),
    Switch("thousands_are_grouped", "settlement 2", default=False, meaning="Comma files group thousands with points."),
    Switch(
        "debt_skips_a_settlement",
        "settlement 9, 15.4",
        default=False,
        meaning="The debt of a negative settlement comes in the file after the next one.",
    ),
    Switch(
        "failed_payout_label",
        "settlement 6.1, 9",
        default="Transfer of funds unsuccessful: Your bank account details could not be confirmed. Please update your bank information.",
        meaning="How a payout that came back is labelled; `Failed Disbursement` has one source.",
    ),
    Switch(
        "a_to_z_label",
        "settlement 7, 15.4",
        default="A-to-z Guarantee Refund",
        meaning="The transaction type of A-to-z refunds.",
    ),
    Switch(
        "discount_is_negative",
        "amazon-sp-api 10.5, 26.3",
        default=True,
        meaning="DISCOUNT amounts of orders are negative; if not, positive as v0's were.",
    ),
    Switch(
        "grand_total_has_withheld_tax",
        "amazon-sp-api 10.5, 26.3",
        default=True,
        meaning="Totals of orders hold the tax that Amazon withholds; if not, TAX is shown and not added.",
    ),
    Switch(
        "eu_item_is_gross",
        "amazon-sp-api 10.5, 12.3, 26.3",
        default=False,
        meaning="In EU stores ITEM and SHIPPING hold the tax and there is no TAX; if not, they are net with TAX beside them.",
    ),
    Switch(
        "pending_shows_prices",
        "amazon-sp-api 10.5, 26.3",
        default=False,
        meaning="PENDING orders carry prices.",
    ),
    Switch(
        "personal_data_without_role",
        "amazon-sp-api 13, 26.3",
        default="absent",
        meaning="BUYER or RECIPIENT asked for without a role (named in missing_roles): the members are absent, or the call is refused with 403.",
    ),
    Switch(
        "transactions_page_size",
        "amazon-sp-api 15.1",
        default=100,
        meaning="How many transactions a page holds: there is no parameter for it.",
    ),
    Switch(
        "empty_page_every",
        "amazon-sp-api 8, 15.1",
        default=4,
        meaning="In Finances and Transfers each n-th page of a list is empty and has a token; 0: never.",
    ),
    Switch(
        "listing_delay_minutes",
        "amazon-sp-api 18.3",
        default=15,
        meaning="After an accepted submission a listing changes a minute to so many minutes later, and shows it then; 0: at once.",
    ),
    Switch(
        "default_on_fba",
        "amazon-sp-api 18.2, 25",
        default="flips",
        meaning="A quantity for DEFAULT on a SKU that Amazon ships adds a merchant's channel beside Amazon's (flips), or is INVALID (refused).",
    ),
    Switch(
        "inventory_page_size",
        "amazon-sp-api 20",
        default=50,
        meaning="How many SKUs a page of inventory summaries holds: there is no parameter for it.",
    ),
    Switch(
        "groups_may_lack_totals",
        "amazon-sp-api 16",
        default=False,
        meaning="Every third closed event group comes without totals.",
    ),
    Switch(
        "payouts_outside_eu",
        "amazon-sp-api 17, 26.3",
        default=False,
        meaning="listPayouts answers for every store; if not, for the EU stores that its description names.",
    ),
    Switch(
        "payouts_refusal_status",
        "amazon-sp-api 17",
        default=403,
        meaning="How listPayouts refuses a store that it is not there for: 403 or 400.",
    ),
    Switch(
        "release_makes_a_twin",
        "amazon-sp-api 15.1, 26.3",
        default=True,
        meaning="A released sale shows as DEFERRED_RELEASED and again as RELEASED; if not, its one transaction changes its status.",
    ),
    Switch(
        "released_twin_keeps_its_date",
        "amazon-sp-api 15.1, 26.3",
        default=False,
        meaning="The RELEASED twin has the sale's postedDate; if not, the day of its release.",
    ),
    Switch(
        "transaction_lag_hours",
        "amazon-sp-api 1.15, 15.1",
        default=48,
        meaning="How long after it happened a transaction may take to show; each takes its own time up to that, and none longer than its settlement's report.",
    ),
    Switch(
        "other_stores_in_na",
        "settlement 11, 15.4",
        default=False,
        meaning="US files hold rows of Non-Amazon US (multi-channel fulfilment).",
    ),
)
