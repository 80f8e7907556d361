"""A month of trade: every document with its own entry, nothing twice, the trial balance zero at every step."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from tests.support.sap_client import Sap

DOLLARS = ("STOOL-OAK-45", "LANTERN-S", "BOWL-SET-6", "GIFT-WRAP")
EUROS = ("HOCKER-EICHE-45", "LATERNE-GRÜN", "TABOURET-CHÊNE")
ALL = {"Prefer": "odata.maxpagesize=0"}
ORIGINS = {
    "Invoices": "ttARInvoice",
    "CreditNotes": "ttARCredItnote",
    "DeliveryNotes": "ttDelivery",
    "InventoryGenExits": "ttGeneralReleaseFromStock",
}


class Month:
    """One seed's month: what is posted is drawn, and what came of it is read from the ledger."""

    def __init__(self, seed: int, **switches: object) -> None:
        self.sap = Sap(seed=seed, switches=switches)
        self.chance = Random(seed)
        self.sap.control.set_rate("EUR", "", "1.0834")

    def play(self, steps: int) -> None:
        for _ in range(steps):
            day = f"2026-11-{self.chance.randint(1, 20):02d}"
            act = self.chance.choices(
                (
                    self.invoice,
                    self.order,
                    self.credit,
                    self.receipt,
                    self.refund,
                    self.issue,
                    self.journal,
                    self.cancel,
                ),
                (8, 3, 3, 5, 2, 1, 2, 2),
            )[0]
            act(day)
            assert sum(row["balance"] for row in self.sap.control.trial_balance()) == 0  # type: ignore[misc]

    def invoice(self, day: str) -> None:
        card, items, place = self.chance.choice((("C-AMZ-US", DOLLARS, "FBA-US"), ("C-AMZ-DE", EUROS, "FBA-EU")))
        lines = [
            {
                "ItemCode": self.chance.choice(items),
                "Quantity": self.chance.randint(1, 3),
                "UnitPrice": str(Decimal(self.chance.randint(199, 9999)) / 100),
                "DiscountPercent": self.chance.choice((0, 0, 12.5)),
                "TaxCode": self.chance.choice(("EX", "EX", "TX8")),
                "WarehouseCode": place,
            }
            for _ in range(self.chance.randint(1, 3))
        ]
        freight = [{"ExpenseCode": 1, "LineTotal": 4.99}] if self.chance.random() < 0.4 else []
        self.sent("Invoices", CardCode=card, DocDate=day, DocumentLines=lines, DocumentAdditionalExpenses=freight)

    def order(self, day: str) -> None:
        line = {"ItemCode": "LANTERN-S", "Quantity": 2, "UnitPrice": 20, "WarehouseCode": "01"}
        common = {"CardCode": "C-AMZ-US", "DocDate": day, "DocDueDate": day}
        entry = self.sent("Orders", **common, DocumentLines=[line])
        based = [{"BaseType": 17, "BaseEntry": entry, "BaseLine": 0}]
        delivery = self.sent("DeliveryNotes", **common, DocumentLines=based)
        if self.chance.random() < 0.7:
            self.sent("Invoices", **common, DocumentLines=[{"BaseType": 15, "BaseEntry": delivery, "BaseLine": 0}])

    def credit(self, day: str) -> None:
        invoice = self.some("Invoices", lambda row: not row["PaidToDate"] and row["DocumentStatus"] == "bost_Open")
        if invoice is not None and self.chance.random() < 0.5:
            lines: list[dict[str, object]] = [{"BaseType": 13, "BaseEntry": invoice["DocEntry"], "BaseLine": 0}]
        else:
            lines = [{"ItemCode": "LANTERN-S", "Quantity": 1, "UnitPrice": 9.99, "WithoutInventoryMovement": "tYES"}]
        card = invoice["CardCode"] if invoice is not None else "C-AMZ-US"
        self.sent("CreditNotes", CardCode=card, DocDate=day, DocumentLines=lines)

    def receipt(self, day: str) -> None:
        self.pay("IncomingPayments", "Invoices", "it_Invoice", day)

    def refund(self, day: str) -> None:
        self.pay("VendorPayments", "CreditNotes", "it_CredItnote", day)

    def pay(self, entity_set: str, paid: str, kind: str, day: str) -> None:
        document = self.some(paid, lambda row: row["DocumentStatus"] == "bost_Open")
        if document is None:
            return
        foreign = document["DocCurrency"] != "USD"
        left = (
            document["DocTotalFc"] - document["PaidToDateFC"]
            if foreign
            else document["DocTotal"] - document["PaidToDate"]
        )
        part = left if self.chance.random() < 0.6 else (left / 2).quantize(Decimal("0.01"))
        applied = {
            "DocEntry": document["DocEntry"],
            "InvoiceType": kind,
            "AppliedFC" if foreign else "SumApplied": str(part),
        }
        more = self.chance.choice((0, 0, 5))
        self.sent(
            entity_set,
            CardCode=document["CardCode"],
            DocDate=day,
            TransferAccount="114500",
            TransferSum=str(part + more),
            PaymentInvoices=[applied] if part else [],
        )

    def issue(self, day: str) -> None:
        self.sent(
            "InventoryGenExits", DocDate=day, DocumentLines=[{"ItemCode": "LANTERN-S", "WarehouseCode": "FBA-US"}]
        )

    def journal(self, day: str) -> None:
        fee = str(Decimal(self.chance.randint(1, 99_999)) / 100)
        lines = [{"AccountCode": "611000", "Debit": fee}, {"AccountCode": "114500", "Credit": fee}]
        self.sent("JournalEntries", ReferenceDate=day, JournalEntryLines=lines)

    def cancel(self, day: str) -> None:
        if self.chance.random() < 0.5:
            payment = self.some("IncomingPayments", lambda row: row["Cancelled"] == "tNO")
            if payment is not None:
                self.sap.control.cancel_document("IncomingPayments", payment["DocEntry"])
            return
        untouched = self.some(
            "Invoices",
            lambda row: (
                row["CancelStatus"] == "csNo" and row["DocumentStatus"] == "bost_Open" and not row["PaidToDate"]
            ),
        )
        if untouched is not None:
            self.sap.control.cancel_document("Invoices", untouched["DocEntry"])

    def sent(self, entity_set: str, **body: object) -> int:
        said = self.sap.send("POST", entity_set, body)
        assert said.status == 201, said.text
        return int(said.json.get("DocEntry", 0))

    def some(self, entity_set: str, wanted: Any) -> Any:
        rows = [row for row in self.sap.control.documents(entity_set) if wanted(row)]
        return self.chance.choice(rows) if rows else None


@pytest.fixture(scope="module", params=(1, 2, 3))
def month(request: pytest.FixtureRequest) -> Month:
    played = Month(request.param)
    played.play(60)
    return played


def test_every_document_has_exactly_one_entry_of_its_own(month: Month) -> None:
    entries = month.sap.control.entries()
    by_origin = Counter((entry["OriginalJournal"], entry["Original"]) for entry in entries)
    by_number = {entry["JdtNum"]: entry for entry in entries}

    for entity_set, origin in ORIGINS.items():
        for document in month.sap.control.documents(entity_set):
            moved = document["DocTotal"] or document["TransNum"] is not None
            if document["TransNum"] is None:
                assert not moved or entity_set == "DeliveryNotes"
                continue
            own = by_number[document["TransNum"]]
            assert (own["OriginalJournal"], own["Original"]) == (origin, document["DocEntry"])
            assert by_origin[(origin, document["DocEntry"])] == 1
    # A payment that was cancelled has the opposite entry too.
    for entity_set, origin in (("IncomingPayments", "ttReceipt"), ("VendorPayments", "ttVendorPayment")):
        for payment in month.sap.control.documents(entity_set):
            assert by_origin[(origin, payment["DocEntry"])] == (2 if payment["Cancelled"] == "tYES" else 1)


def test_no_entry_is_without_its_document(month: Month) -> None:
    sets = {origin: name for name, origin in ORIGINS.items()}
    sets |= {"ttReceipt": "IncomingPayments", "ttVendorPayment": "VendorPayments"}
    known = {name: {row["DocEntry"] for row in month.sap.control.documents(name)} for name in sets.values()}

    for entry in month.sap.control.entries():
        origin = entry["OriginalJournal"]
        assert origin == "ttJournalEntry" or entry["Original"] in known[sets[str(origin)]]


def test_every_entry_balances_in_both_currencies(month: Month) -> None:
    for entry in month.sap.control.entries():
        lines: Any = entry["JournalEntryLines"]
        assert sum(line["Debit"] - line["Credit"] for line in lines) == 0
        foreign = {line["FCCurrency"] for line in lines if line["FCCurrency"]}
        if foreign and entry["OriginalJournal"] in ("ttARInvoice", "ttARCredItnote"):
            assert sum(line["FCDebit"] - line["FCCredit"] for line in lines) == 0


def test_partners_owe_what_their_open_documents_say(month: Month) -> None:
    """The balance of each customer is open invoices less open credit notes less what payments left on account."""
    for code in ("C-AMZ-US", "C-AMZ-DE"):
        balance = month.sap.send("GET", f"BusinessPartners('{code}')").json["CurrentAccountBalance"]
        lines = [
            line
            for entry in month.sap.control.entries()
            for line in entry["JournalEntryLines"]  # type: ignore[attr-defined]
            if line["ShortName"] == code
        ]
        assert balance == sum(line["Debit"] - line["Credit"] for line in lines)
        assert all(line["AccountCode"] == "113000" for line in lines)


def test_inventory_in_the_books_is_worth_what_moved(month: Month) -> None:
    opened = {row["ItemCode"]: row["QuantityOnStock"] for row in Sap().get("Items", headers=ALL).rows}
    worth: Any = sum(
        (row["QuantityOnStock"] - opened[row["ItemCode"]]) * row["AvgStdPrice"]
        for row in month.sap.get("Items", headers=ALL).rows
    )
    balances: Any = {row["account"]: row["balance"] for row in month.sap.control.trial_balance()}

    assert worth != 0
    assert balances["116000"] + balances["116100"] == worth


def test_a_document_posted_twice_is_seen_in_the_ledger() -> None:
    """The double count that a connector must avoid: two documents, two entries, revenue twice."""
    sap = Sap()
    body = {"CardCode": "C-AMZ-US", "NumAtCard": "113-1", "DocumentLines": [{"ItemCode": "LANTERN-S", "UnitPrice": 20}]}
    for _ in range(2):
        sap.send("POST", "Invoices", body)

    revenue: Any = {row["account"]: row["balance"] for row in sap.control.trial_balance()}["401000"]
    references = Counter(entry["Reference2"] for entry in sap.control.entries())
    assert (revenue, references["113-1"]) == (-40, 2)
