"""SAP Business One as the suite's world: the simulated Service Layer, with every kind of document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from typing import Any, Final

from ml_connector.conformance.world import (
    Codes,
    Desk,
    Held,
    NotHere,
    Position,
    Surroundings,
    Switch,
    Touches,
    Traffic,
)
from ml_connector.domain import keys
from ml_connector.domain.documents import Document, InventoryIssue, JournalEntry, Kind, Payment, SalesDocument
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import Company, Ids
from ml_connector.erp.sap_business_one.connector import SapBusinessOne, connect
from ml_connector.erp.sap_business_one.documents import rooms
from ml_connector.erp.sap_business_one.documents.places import DRAFTS, PAYMENT_DRAFTS, PLACES
from ml_connector.sandbox.sap_business_one import NAME, SWITCHES, Control
from ml_connector.sandbox.sap_business_one.errors import ServiceLayerError
from ml_connector.sandbox.sap_business_one.resources import operation_of
from tests.conformance.on_sandbox import Founded, SandboxSite
from tests.conformance.sap_desk import SapDesk

CODES: Final = Codes(
    day=date(2026, 10, 26),
    closing_day=date(2026, 9, 15),
    accounts=("114100", "401000"),
    currencies={2: "USD", 0: "JPY", 3: "KWD"},
    no_account="999999",
    no_currency="XTS",
    # A customer in every currency, with a discount of his own that must not apply.
    customer="C-SHOP",
    goods="STOOL-OAK-45",
    service="SHIPPING",
    tax_code="EX",
    warehouse="FBA-US",
    bank="114500",
    no_item="NO-SUCH-ITEM",
    customers={0: "C-SHOP", 3: "C-SHOP"},
    banks={0: "114500", 3: "114500"},
)

#: Not the simulator's: whether ``connection prepare`` was run, so that documents are posted with a claim.
PREPARED: Final = "prepared"

#: Neither: the version of the protocol that is spoken.
WIRE: Final = "wire"
#: Not the simulator's: whether documents are entered as drafts, because claims are switched off.
DRAFTED: Final = "drafted"

_APPROVES_EVERY_S: Final = 3600.0

#: Characters of our key in a reference field.
_KEY_MAX: Final = 100

_DECLARED: Final = frozenset(switch.name for switch in SWITCHES)
_PEOPLE: Final = frozenset({Touches.PEOPLE})
_SIGN_IN: Final = frozenset({Touches.SIGN_IN})
_FEEDS: Final = frozenset({Touches.FEEDS})
_CONTENT: Final = frozenset({Touches.CONTENT})
_LOOKS: Final = frozenset({Touches.LOOKS})
_WRITES: Final = frozenset({Touches.WRITES})
_PERIODS: Final = frozenset({Touches.PERIODS})
_ROUTES: Final = frozenset({Touches.WRITES, Touches.LOOKS, Touches.PEOPLE})
_JOURNALS: Final = frozenset({Kind.JOURNAL_ENTRY, Kind.BANK_TRANSFER})
_SALES: Final = frozenset({Kind.INVOICE, Kind.CREDIT_MEMO, Kind.SALES_ORDER})
_PAYMENTS: Final = frozenset({Kind.RECEIPT, Kind.REFUND_PAYMENT})
_GOODS: Final = frozenset({Kind.INVOICE, Kind.CREDIT_MEMO, Kind.INVENTORY_ISSUE})
#: Of documents that may begin as drafts.
_DRAFTED: Final = _SALES | _PAYMENTS | {Kind.INVENTORY_ISSUE}


class SapWorld:
    """One company each time; it is founded once in a process and copied."""

    name = NAME
    label = "SAP Business One"
    switches: Sequence[Switch] = (
        Switch(PREPARED, True, (False,), frozenset({Touches.ROUTES, Touches.LOOKS, Touches.PEOPLE, Touches.FEEDS})),
        Switch(WIRE, "v2", ("v1",), frozenset(Touches) - {Touches.ROUTES}),
        Switch("wrong_password_code", "100000027", ("-304",), _SIGN_IN),
        Switch("expiry_as_5002", False, (True,), _SIGN_IN),
        Switch("expiry_body", "v2", ("v1",), _SIGN_IN),
        Switch("company_info_wrapped", False, (True,), _SIGN_IN | _LOOKS),
        Switch("service_value_wrapped", True, (False,), _SIGN_IN | _LOOKS),
        Switch("batch_status_on_v2", 200, (202,), _WRITES),
        Switch("url_characters_max", 8190, (2000,), _LOOKS | _FEEDS),
        Switch("case_insensitive_text", False, (True,), _LOOKS | _FEEDS),
        Switch("count_as_text", False, (True,), _FEEDS),
        Switch("server_utc_offset_minutes", 0, (-720, 840), _FEEDS),
        Switch("time_filters", "minute", ("second", "literal"), _FEEDS),
        Switch("new_rows_without_update_date", False, (True,), _FEEDS),
        Switch("bulk_items_without_collections", False, (True,), _FEEDS),
        Switch("next_link", "keeps", ("drops", "odd"), _FEEDS),
        Switch("sql_queries", "allowed", ("missing", "forbidden"), _FEEDS),
        Switch("stock_touches_items", False, (True,), _FEEDS),
        Switch("price_touches_items", False, (True,), _FEEDS),
        Switch("special_prices_of_lists", True, (False,), _FEEDS),
        Switch("sticky_sessions", False, (True,), _SIGN_IN),
        Switch("storno_marking", "memo", ("none",), _PEOPLE, _JOURNALS),
        Switch("storno_sign", "opposite", ("negative",), _PEOPLE, _JOURNALS),
        Switch("storno_copies_fields", True, (False,), _PEOPLE, _JOURNALS),
        Switch("storno_date", "original", ("today",), _PEOPLE, _JOURNALS),
        Switch(
            "approval_procedure", "off", ("draft_201", "draft_204"), _ROUTES | _CONTENT | {Touches.ROUTES}, _DRAFTED
        ),
        Switch(DRAFTED, False, (True,), _ROUTES, _DRAFTED),
        Switch("saved_draft", "closed", ("removed",), _ROUTES, _DRAFTED),
        Switch("enable_branches", False, (True,), _LOOKS | _CONTENT),
        Switch("account_segmentation", False, (True,), _LOOKS | _PERIODS, _JOURNALS),
        Switch("control_accounts_show_lock", True, (False,), _PERIODS, _JOURNALS),
        Switch("foreign_rounding", "absorb", ("line", "refuse"), _CONTENT, _JOURNALS),
        Switch("tax_system", "sales_tax", ("vat",), _LOOKS | _CONTENT, _SALES),
        Switch("foreign_line_total", "document", ("local",), _CONTENT, _SALES),
        Switch("foreign_sum_applied", "local", ("document",), _CONTENT, _PAYMENTS),
        Switch("foreign_transfer_sum", "document", ("local",), _CONTENT, _PAYMENTS),
        Switch("max_documents_in_payment", 1000, (1,), _CONTENT, _PAYMENTS),
        Switch("block_negative_stock", False, (True,), _CONTENT, _GOODS),
        Switch("perpetual_inventory", True, (False,), _CONTENT, _GOODS),
        Switch("without_movement_honoured", True, (False,), _CONTENT, frozenset({Kind.CREDIT_MEMO})),
        Switch("paid_base_refused", True, (False,), _CONTENT, frozenset({Kind.CREDIT_MEMO})),
        Switch("sent_line_total", "kept", ("recomputed", "ignored"), _CONTENT, _SALES),
        Switch("special_discount_applies", True, (False,), _CONTENT, _SALES),
        Switch("cancellation_copies_fields", True, (False,), _PEOPLE, _SALES),
        Switch("cancellation_date", "original", ("today",), _PEOPLE, _SALES | _PAYMENTS),
        Switch(
            "copied_credit_notes_settle", True, (False,), _CONTENT, frozenset({Kind.CREDIT_MEMO, Kind.REFUND_PAYMENT})
        ),
        Switch("credit_note_sign", "positive", ("negative",), _CONTENT, frozenset({Kind.REFUND_PAYMENT})),
        Switch("unconfirmed_commits", False, (True,), _CONTENT, frozenset({Kind.SALES_ORDER})),
        Switch("block_duplicate_references", False, (True,), _CONTENT | _ROUTES, _SALES),
        Switch("payment_touches_documents", True, (False,), _CONTENT, _PAYMENTS),
    )

    def __init__(self) -> None:
        self._founded = Founded()

    def open(self, surroundings: Surroundings, positions: Mapping[str, Position]) -> SapSite:
        return SapSite(surroundings, positions, self._founded)


class SapSite(SandboxSite):
    def __init__(self, surroundings: Surroundings, positions: Mapping[str, Position], founded: Founded) -> None:
        scenario = {"version": positions.get(WIRE, "v2")}
        super().__init__(
            NAME, surroundings, positions, founded, traffic_of=_traffic, declared=_DECLARED, scenario=scenario
        )
        self.codes = _codes(positions)
        self._prepared = bool(positions.get(PREPARED, True))
        self._approves = positions.get("approval_procedure", "off") != "off"
        self._unique_references = bool(positions.get("block_duplicate_references", False))
        self._settings = {
            "claims": "off" if positions.get(DRAFTED, False) else "auto",
            # What somebody found out by trying, as `connection prepare` asks for.
            "credit_note_sign": str(positions.get("credit_note_sign", "positive")),
            "foreign_payments": "proven" if positions.get("foreign_transfer_sum") != "local" else "unproven",
        }
        self._target: SapBusinessOne | None = None
        if not self.ready:
            dinar = {"Code": "KWD", "Name": "Kuwaiti Dinar", "DocumentsCode": "KWD", "Decimals": "cd3Digits"}
            self.control.enter("Currencies", dinar)
            self.control.set_rate("KWD", "", "3.25")
            if positions.get("block_negative_stock", False):
                for warehouse in (CODES.warehouse, "01"):
                    self.control.move_stock(CODES.goods, warehouse, "100000")

    @property
    def control(self) -> Control:
        assert isinstance(self.door, Control)
        return self.door

    async def connect(self, wrong: str = "") -> Company:
        target = await self.sign_in(connect, **self.credentials(wrong), **self._settings)
        if not self.ready:
            if self._prepared:
                await target.prepare()
            self.keep()
        self._target = target
        if self._approves:
            self._approves = False
            self.surroundings.start(self._approvals())
        return target

    async def _approvals(self) -> None:
        """Every hour a person approves what the company's procedure keeps back, and makes its document, unless the
        company refuses that."""
        while True:
            await self.surroundings.clock.sleep(_APPROVES_EVERY_S)
            for name in (DRAFTS, PAYMENT_DRAFTS):
                drafts: list[dict[str, Any]] = self.control.documents(name, bare=True)
                for draft in drafts:
                    if str(draft["AuthorizationStatus"]).endswith("Pending"):
                        with suppress(ServiceLayerError):
                            self.control.approve(draft["DocEntry"], name, generate=True)

    def can_be_wrong(self) -> Sequence[str]:
        return ("company_db", "username", "password")

    def desk(self) -> Desk:
        return SapDesk(self.control, self.codes.branch)

    def held(self, document: Document) -> Held:
        rows = self._rows(document)
        unconfirmed = [row for row in rows if document.kind is Kind.SALES_ORDER and row["Confirmed"] == "tNO"]
        return Held(len(rows) - len(unconfirmed), len(unconfirmed) + len(self._open_drafts(document)))

    # --- what people do -----------------------------------------------------------------------------------------------

    def cancel(self, document: Document) -> None:
        place, row = PLACES[document.kind], self._rows(document)[0]
        if isinstance(document, JournalEntry):
            self.control.cancel_entry(row["JdtNum"])
        else:
            self.control.cancel_document(place.set, row["DocEntry"])

    def change(self, document: Document) -> None:
        """In the database where it is posted, where nothing else changes an amount; a draft as people do."""
        place, rows = PLACES[document.kind], self._rows(document)
        if not rows:
            self._change_draft(document)
        elif isinstance(document, JournalEntry):
            self.control.nudge_line(rows[0]["JdtNum"], 0)
        elif isinstance(document, InventoryIssue):
            raise NotHere(
                "A goods issue has no amount of ours, and its quantities cannot be changed once it is posted."
            )
        else:
            self.control.nudge_document(place.set, rows[0]["DocEntry"])

    def _change_draft(self, document: Document) -> None:
        """One more is paid, costs, or leaves the warehouse."""
        (draft,) = self._open_drafts(document)
        if isinstance(document, Payment):
            changes: dict[str, Any] = {"TransferSum": draft["TransferSum"] + 1}
        else:
            drafts: list[dict[str, Any]] = self.control.documents(DRAFTS)
            line = next(each for each in drafts if each["DocEntry"] == draft["DocEntry"])["DocumentLines"][0]
            changed = {"Quantity": line["Quantity"] + 1}
            if isinstance(document, SalesDocument):
                price = line["UnitPrice"] + 1
                changed = {"UnitPrice": price, "LineTotal": price * line["Quantity"]}
            changes = {"DocumentLines": [{"LineNum": line["LineNum"], **changed}]}
        self.control.edit(PLACES[document.kind].drafts, {"DocEntry": draft["DocEntry"]}, changes)

    def type_in(self, document: Document) -> None:
        if isinstance(document, InventoryIssue):
            raise NotHere("A goods issue has no reference of people's, so one that was typed by hand cannot be told.")
        body = self._body(document)
        body.pop("U_ML_KEY", None)
        if isinstance(document, JournalEntry):
            body.pop("Reference3")
        else:
            texts = ("TransferReference", "Remarks") if isinstance(document, Payment) else ("NumAtCard", "Comments")
            body |= {texts[0]: document.reference, texts[1]: document.memo}
        self._plant(document, body)

    def copy(self, document: Document) -> None:
        if isinstance(document, Payment):
            raise NotHere("What is paid in full cannot be paid a second time.")
        body = self._body(document)
        if self._unique_references and "NumAtCard" in body:
            # Whom the company refuses a known reference, changes it; our key stands in the other fields still.
            body["NumAtCard"] = f"{body['NumAtCard']} (2)"
        self._plant(document, body)

    def finish(self, document: Document) -> None:
        if document.kind is Kind.SALES_ORDER:
            self.control.edit("Orders", {"DocEntry": self._rows(document)[0]["DocEntry"]}, {"Confirmed": "tYES"})
            return
        (draft,) = self._open_drafts(document)
        self.control.save_draft(draft["DocEntry"], PLACES[document.kind].drafts)

    def remove(self, document: Document) -> None:
        if document.kind is Kind.SALES_ORDER:
            self.control.lose_document("Orders", self._rows(document)[0]["DocEntry"])
        # What an order was made of by approval goes with it.
        for draft in self._drafts(document):
            self.control.remove_draft(draft["DocEntry"], PLACES[document.kind].drafts)

    def close_period(self, day: date) -> None:
        self.control.set_period(day.isoformat())

    def freeze_account(self, account: str) -> None:
        self.control.freeze_account(account)

    def blind(self, document: Document) -> None:
        if not self._prepared:
            raise NotHere(
                "Without the key field there is no place that posting looks into and somebody could take away."
            )
        # Documents share their user fields, and so do payments.
        table = "OJDT" if isinstance(document, JournalEntry) else "ORCT" if isinstance(document, Payment) else "OINV"
        self.control.drop_user_field(table, "ML_KEY")

    def _body(self, document: Document) -> dict[str, Any]:
        """What a person would type, our keys and all."""
        assert self._target is not None
        return dict(rooms.payload(document, self._target._company, self._numbers(document)))

    def _plant(self, document: Document, body: dict[str, Any]) -> None:
        if isinstance(document, JournalEntry):
            self.control.plant_entry(body)
            return
        confirmed = {"Confirmed": "tYES"} if document.kind is Kind.SALES_ORDER else {}
        self.control.plant_document(PLACES[document.kind].set, body | confirmed)

    def _rows(self, document: Document) -> list[dict[str, Any]]:
        """What stands for ``document`` in its set and was not cancelled, whatever its key fields say: by the references."""
        name = PLACES[document.kind].set
        if isinstance(document, JournalEntry):
            return [
                entry
                for entry in self.control.entries()
                if entry["Reference"] == document.reference or entry["Reference3"] == document.key
            ]
        return [row for row in self.control.documents(name, bare=True) if _stands_for(row, document) and _counts(row)]

    def _open_drafts(self, document: Document) -> list[dict[str, Any]]:
        """Those that somebody could make ``document`` of."""
        return [row for row in self._drafts(document) if not _spent(row)]

    def _drafts(self, document: Document) -> list[dict[str, Any]]:
        place = PLACES[document.kind]
        rows = self.control.documents(place.drafts, bare=True) if place.drafts else []
        return [row for row in rows if row["DocObjectCode"] == place.object and _stands_for(row, document)]

    def _numbers(self, document: Document) -> dict[DocumentKey, Ids]:
        """The numbers of what ``document`` comes after, as the company shows them."""
        kinds = {key: Kind(key.split("-")[1]) for key in document.depends_on}
        return {
            key: (("DocEntry", str(row["DocEntry"])), ("DocNum", str(row["DocNum"])))
            for key, kind in kinds.items()
            for row in self.control.documents(PLACES[kind].set, bare=True)
            if str(row["Comments"]).startswith(keys.wire_key(key, _KEY_MAX))
        }


def _codes(positions: Mapping[str, Position]) -> Codes:
    """What documents can name in this company."""
    codes = replace(CODES, branch="1" if positions.get("enable_branches", False) else "")
    if positions.get("tax_system") == "vat":
        codes = replace(codes, tax_code="O0")
    if positions.get("account_segmentation", False):
        codes = replace(
            codes,
            accounts=(_internal(codes.accounts[0]), _internal(codes.accounts[1])),
            no_account=_internal(codes.no_account),
            bank=_internal(codes.bank),
            banks={decimals: _internal(bank) for decimals, bank in codes.banks.items()},
        )
    return codes


def _internal(account: str) -> str:
    """As an account is called where accounts are segmented, and people see something else."""
    return f"_SYS{int(account):011d}"


def _stands_for(row: Mapping[str, Any], document: Document) -> bool:
    remarks = str(row.get("Comments") or row.get("Remarks") or "")
    human = row.get("TransferReference") if isinstance(document, Payment) else row.get("NumAtCard")
    return remarks.startswith(keys.wire_key(document.key, _KEY_MAX)) or (bool(human) and human == document.reference)


def _counts(row: Mapping[str, Any]) -> bool:
    return row.get("CancelStatus", "csNo") == "csNo" and row.get("Cancelled") != "tYES"


def _spent(row: Mapping[str, Any]) -> bool:
    """A draft that was saved to a document."""
    return row.get("DocumentStatus") == "bost_Close" or "Generated" in str(row["AuthorizationStatus"])


def _traffic(method: str, path: str) -> Traffic | None:
    name = operation_of(method, path.removeprefix("/b1s/v2/").removeprefix("/b1s/v1/"))
    if name in ("Login", "Logout"):
        return None
    if name == "$batch" or (name.partition(".")[2] not in ("GET", "") and "Service_" not in name):
        return Traffic.WRITES
    return Traffic.READS
