"""Documents in two acts: an invoice, a credit memo and the receipt that names the invoice, entered as drafts and saved, while
everything goes wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.domain.documents import Document, Kind
from ml_connector.domain.keys import document_key
from ml_connector.domain.target import Case
from ml_connector.erp.sap_business_one.documents.places import PLACES
from ml_connector.posting.decide import Done, decide
from ml_connector.store import attempts, documents
from tests.simulation import conditions
from tests.simulation.conditions import Conditions
from tests.simulation.network import Exchange
from tests.simulation.simulation import Simulation
from tests.simulation.world import Templates, Violated
from tests.support.trade import invoice, payment, sales_line

SEEDS = 24
CHUNK = 6


def trade(number: int) -> list[Document]:
    """One posting set: two mugs sold, one taken back, the invoice paid. The receipt cannot be written before the invoice has a
    number."""
    order = f"113-{number:07d}-0000001"
    lines = (replace(sales_line("STOOL-OAK-45", "59.98", "2"), warehouse="FBA-US"),)
    sold = replace(invoice(order, lines=lines), customer="C-AMZ-US", reference=order)
    back = replace(
        sold,
        key=document_key("ABCD", "CM", order, "R1"),
        kind=Kind.CREDIT_MEMO,
        lines=(replace(lines[0], quantity=Decimal(1), gross=Decimal("29.99")),),
        corrects=sold.key,
    )
    paid = replace(
        payment((sold.key, "59.98")),
        key=document_key("ABCD", "RC", f"9000000{number:04d}"),
        customer="C-AMZ-US",
        account="114500",
        reference=f"9000000{number:04d}",
    )
    return [sold, back, paid]


class Trade(Simulation):
    """A history of such sets. The books are watched after every write."""

    def _handled(self, exchange: Exchange) -> None:
        counted = Counter(key for key, _ in self._standing())
        twice = [key for key, count in counted.items() if count > 1]
        if twice:
            self._violated("counts twice", ", ".join(twice))

    def _standing(self) -> list[tuple[str, Decimal]]:
        """Key and total of everything that counts."""
        found = []
        for document in self.planned:
            place = PLACES[document.kind]
            for row in self.control.documents(place.set):
                remarks, total = (
                    str(row.get("Comments") or row.get("Remarks")),
                    row.get("DocTotal", row.get("TransferSum")),
                )
                if remarks.startswith(f"{document.key} "):
                    found.append((str(document.key), Decimal(str(total))))
        return found

    async def last_look(self) -> None:
        """Everything is seen once more, by a fresh connection, with the numbers of what it names."""
        target = await self.connected("auditor")
        with self.store.engine.connect() as conn, conn.begin():
            rows = documents.find(conn, connection="sap")
            trails = attempts.trails(conn, [row.key for row in rows])
        linked = {row.key: row.ids for row in rows}
        cases = [Case(row.document, row.wire_key, trails[row.key], row.ids, linked=linked) for row in rows]
        seen = await target.observe(cases)
        for case in cases:
            steps: Any = target.steps(case.document, case.trail)
            expected = target.project(case.document, linked)
            decision = decide(case, steps, seen[case.key], expected, self.clock.now(), self.rules)
            if not isinstance(decision, Done):
                raise Violated("posted and not seen", f"{case.key}: {decision}")
        await target.close()

    def _check_the_end(self) -> None:
        held = {key: state for key, state in self.states().items() if state[0] != "posted"}
        if held:
            raise Violated("lost", str(held))
        expected = sorted((str(each.key), each.total) for each in self.planned)
        if sorted(self._standing()) != expected:
            raise Violated("books", f"{self._standing()} instead of {expected}")
        self.check_the_record()


@pytest.mark.parametrize("chunk", range(SEEDS // CHUNK))
def test_an_invoice_a_credit_memo_and_their_receipt_count_once_whatever_happens(
    templates: Templates, chunk: int
) -> None:
    for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        kind = (conditions.Kind.PLAIN, conditions.Kind.CLAIM)[seed % 2]
        drawn = replace(Conditions.of_seed(seed, kind), branches=False, bare_lists=False)
        sets: Any = [trade(number) for number in range(1, 3)]
        with Trade(templates, seed, drawn, sets=sets) as simulation:
            simulation.play()
