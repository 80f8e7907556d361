"""A month of generated documents through the connector and the posting loop: in the ledger, each once, with its own entry."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from ml_connector.conformance.office import Office
from ml_connector.domain.documents import (
    Document,
    IssueLine,
    JournalEntry,
    Kind,
    Payment,
    SalesDocument,
    SalesLine,
    State,
)
from ml_connector.domain.keys import document_key
from ml_connector.erp.sap_business_one.documents.places import PLACES
from tests.support.entries import entry, line
from tests.support.sap_scene import OneClock, Scene, play
from tests.support.trade import invoice, issue, payment

FIRST = date(2026, 10, 1)
ITEMS = ("STOOL-OAK-45", "LANTERN-S", "BOWL-SET-6")
#: The transaction type of the entry behind a document of each kind.
ORIGINS = {
    Kind.INVOICE: "ttARInvoice",
    Kind.CREDIT_MEMO: "ttARCredItnote",
    Kind.RECEIPT: "ttReceipt",
    Kind.REFUND_PAYMENT: "ttVendorPayment",
    Kind.INVENTORY_ISSUE: "ttGeneralReleaseFromStock",
}


class Month:
    """One seed's month: posting sets in the order in which they are planned."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.numbers = iter(range(1, 10_000))
        self.sets: list[list[Document]] = []
        self.open: list[SalesDocument] = []
        for day in range(30):
            for _ in range(self.chance.randint(0, 3)):
                self.sets.append([self.invoice(FIRST + timedelta(days=day))])
            if day in (13, 27):
                self.settle(FIRST + timedelta(days=day))

    @property
    def documents(self) -> list[Document]:
        return [document for some in self.sets for document in some]

    def invoice(self, day: date) -> SalesDocument:
        order = f"113-{next(self.numbers):07d}-0000001"
        lines = tuple(self.line() for _ in range(self.chance.randint(1, 3)))
        sold = invoice(order, lines=lines)
        found = replace(sold, posting_date=day, document_date=day, customer="C-AMZ-US")
        self.open.append(found)
        return found

    def line(self) -> SalesLine:
        gross = Decimal(self.chance.randint(199, 9999)) / 100
        return SalesLine(
            self.chance.choice(ITEMS),
            "goods",
            Decimal(self.chance.randint(1, 3)),
            gross,
            discount=self.chance.choice((Decimal(0), Decimal(0), Decimal("0.99"))),
            tax_code="EX",
            warehouse="FBA-US",
        )

    def settle(self, day: date) -> None:
        """Everything open is paid, one invoice in ten is taken back and refunded, the rest is a journal; units are issued."""
        settlement = f"9000000{next(self.numbers):04d}"
        refunded = [invoice for invoice in self.open if self.chance.random() < 0.1] or self.open[:1]
        memos = [
            replace(
                invoice,
                key=document_key("ABCD", "CM", invoice.reference, "R1"),
                kind=Kind.CREDIT_MEMO,
                posting_date=day,
                document_date=day,
                corrects=invoice.key,
            )
            for invoice in refunded
        ]
        rows = (line("referral_fees", "611000", debit="48.38"), line("payout", "114100", credit="48.38"))
        journal: JournalEntry = entry(settlement, lines=rows, day=day)
        units = replace(
            issue(),
            key=document_key("ABCD", "II", settlement),
            posting_date=day,
            document_date=day,
            reference=settlement,
            lines=(IssueLine("LANTERN-S", Decimal(1), "FBA-US"),),
        )
        receipt = self.payment(Kind.RECEIPT, settlement, day, self.open)
        self.sets.append([*memos, receipt, self.payment(Kind.REFUND_PAYMENT, settlement, day, memos), journal, units])
        self.open = []

    def payment(self, kind: Kind, settlement: str, day: date, paid: list[SalesDocument]) -> Payment:
        return replace(
            payment(*((each.key, str(each.total)) for each in paid), kind=kind),
            key=document_key("ABCD", kind.value, settlement),
            posting_date=day,
            document_date=day,
            customer="C-AMZ-US",
            account="114500",
            reference=settlement,
        )


def faults(*operations: str) -> list[dict[str, object]]:
    """Now and then an answer is lost after the work was done, a request before it, and a batch stops in its middle."""
    found: list[dict[str, object]] = []
    for operation in operations:
        found += [{"operation": operation, "fault": "lost_reply", "nth": nth} for nth in (2, 7)]
        found += [{"operation": operation, "fault": "reset", "nth": nth} for nth in (3, 9)]
    return [*found, {"operation": "$batch", "fault": "partial_batch", "nth": 4}]


@pytest.mark.parametrize(
    ("settings", "lossy"),
    [
        ({}, faults("$batch")),
        ({"claims": "off"}, faults("Drafts.POST", "DraftsService_SaveDraftToDocument", "PaymentDrafts.POST")),
    ],
    ids=["claim", "draft"],
)
def test_after_a_month_every_document_counts_once_with_its_own_entry_and_the_trial_balance_is_zero(
    settings: dict[str, str], lossy: list[dict[str, object]]
) -> None:
    month = Month(7)
    # The first office of a process migrates its database under a loop of its own, which must not happen inside another one.
    Office(OneClock()).close()

    async def act(scene: Scene) -> tuple[list[Any], dict[str, list[dict[str, Any]]], list[dict[str, Any]], Decimal]:
        office = Office(scene.clock)
        try:
            for some in month.sets:
                await office.plan(scene.target, *some)
            await office.work(office.poster(scene.target), patience_s=3 * 3600)
            refused = [row for some in month.sets for row in [await office.row(each.key) for each in some]]
            for row in refused:
                if row.state is State.HELD and "Internal error" in row.reason:
                    # what a person does about the part that the simulated server would not take
                    await office.replay(row.key)
            await office.work(office.poster(scene.target), patience_s=3 * 3600)
            rows = [await office.row(document.key) for document in month.documents]
        finally:
            office.close()
        found = {place.set: list(scene.control.documents(place.set)) for place in PLACES.values() if place.drafts}
        balance = sum((Decimal(str(each["balance"])) for each in scene.control.trial_balance()), Decimal(0))
        return rows, found, list(scene.control.entries()), balance

    rows, found, entries, balance = play(act, settings={"credit_note_sign": "positive", **settings}, faults=lossy)

    assert [(row.key, row.state, row.reason) for row in rows if row.state is not State.POSTED] == []
    assert balance == 0
    behind = Counter((each["OriginalJournal"], each["Original"]) for each in entries)
    for document in month.documents:
        if isinstance(document, JournalEntry):
            assert sum(each["Reference3"] == document.key for each in entries) == 1
            continue
        (row,) = [each for each in found[PLACES[document.kind].set] if each["U_ML_KEY"] == document.key]
        assert behind[ORIGINS[document.kind], row["DocEntry"]] == 1
        if isinstance(document, SalesDocument):
            assert row["DocTotal"] == document.total
            assert row["DocumentStatus"] == ("bost_Close" if row["PaidToDate"] == document.total else "bost_Open")
    assert len(entries) == len(month.documents) == sum(len(some) for some in found.values()) + 2
