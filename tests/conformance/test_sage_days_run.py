"""A whole day through the shipped posting loop, on a server that drops connections after it has done what was asked."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from ml_connector.conformance.clock import SimulationClock
from ml_connector.conformance.loop import SimulationLoop
from ml_connector.conformance.office import Office
from ml_connector.conformance.papers import journal, papers, payment, sale, transfer
from ml_connector.conformance.world import Codes, Fault, Surroundings, Traffic
from ml_connector.domain.documents import Document, Kind, SalesDocument, State
from tests.conformance.sage_world import SageWorld

_DAY_S = 24 * 3600.0
_INVOICES = range(1, 13)


def the_day(codes: Codes) -> list[Sequence[Document]]:
    """Posting sets of one day: twelve invoices, three credit memos, the receipt of a settlement with its journals, a transfer."""
    invoices: list[SalesDocument] = [sale(Kind.INVOICE, codes, number) for number in _INVOICES]
    memos = [papers(Kind.CREDIT_MEMO, codes, number).document for number in (1, 2, 3)]
    settled = [payment(Kind.RECEIPT, codes, 1, tuple(invoices[3:]))]
    # Of different content each: the ledger is counted by what stands in it.
    journals = [journal(codes, number, pairs=number) for number in (2, 3)]
    return [*[[each] for each in invoices], *[[each] for each in memos], [*settled, *journals], [transfer(codes, 4)]]


@pytest.mark.parametrize("mode", ["AR", "OE"])
def test_with_every_tenth_connection_dropped_after_commit_everything_is_posted_once(mode: str) -> None:
    # given: of all requests that write, and of all that look, the answer to every tenth is lost after it was done
    loop = SimulationLoop(1, steps_max=20_000_000)
    clock = SimulationClock(loop)
    office = Office(clock)
    chance = Random(1)
    site = SageWorld(mode).open(Surroundings(clock, chance, lambda work: loop.start("server", work)), {})
    for traffic in Traffic:
        for nth in range(10, 2000, 10):
            site.befall(Fault.LOST_REPLY, traffic, nth=nth)
    sets = the_day(site.codes)

    # when
    async def run() -> None:
        company = await site.connect()
        for members in sets:
            await office.plan(company, *members)
        await office.work(office.poster(company), _DAY_S)

    async def rows() -> list[tuple[str, str, int]]:
        documents = [document for members in sets for document in members]
        return [
            (row.state.value, row.reason or "", site.held(document).count)
            for document in documents
            if (row := await office.row(document.key))
        ]

    try:
        loop.run(run())
        found = loop.run(rows())
        lost = site.asked(Traffic.WRITES) // 10
    finally:
        office.close()
        loop.bury()

    # then
    assert lost >= 2
    assert found == [(State.POSTED.value, "", 1)] * 19
