"""What is said about kinds of rows that no rule knows, also where their labels are out of all proportion."""

from __future__ import annotations

from tests.support.groupings import grouped
from tests.support.settlement_files import row, settlement


def test_a_label_of_a_whole_line_is_cut_in_the_message_and_kept_in_the_group() -> None:
    label = "Storage Fee of the new kind " + "x" * 60_000

    groups = grouped(settlement([row("1.00", "other-transaction", "other-transaction", label)]))

    [finding] = groups.findings
    assert len(finding.message) < 1_000
    assert "Storage Fee of the new kind xx" in finding.message
    assert "other-transaction | other-transaction | Storage Fee -> storage_fees" in finding.message
    assert groups.groups[0].key.triple.amount_description == label
