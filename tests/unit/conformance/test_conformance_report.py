"""Promises about the table of a connector: it says what was shown, what does not apply and why, and what is open."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ml_connector.conformance.report import Line, Part, is_whole, pairs, replaced, section, switches
from ml_connector.conformance.suite import plain_cases

NO = "This ledger | keeps journals."


def line(rule: str, kind: str) -> Line:
    known = kind in ("", "JE")
    return Line(
        "tally", "Tally", rule, kind, "", Part.PLAIN, "passed" if known else "not applicable", "1" if known else NO
    )


LINES = [line(case.rule.name, case.kind.value if case.kind else "") for case in plain_cases()]


def changed(rule: str, **change: str) -> list[Line]:
    return [replace(each, **change) if (each.rule, each.kind) == (rule, "JE") else each for each in LINES]


def test_a_run_is_whole_when_every_rule_was_held_against_every_kind() -> None:
    assert is_whole(LINES)
    assert not is_whole(LINES[:-1])
    assert not is_whole([*LINES[:-1], replace(LINES[-1], part=Part.FLIPPED)])


def test_figures_stand_in_a_column_for_each_kind_that_is_taken() -> None:
    told = section(changed("created", words="5 requests")).splitlines()

    assert "| rule | promise | JE |" in told
    assert any(row.startswith("| `created` |") and row.endswith("| 5 requests |") for row in told)


def test_a_kind_that_is_not_taken_is_told_with_the_connectors_own_sentence_on_one_line() -> None:
    assert "- INV, CM, RC, RP, SO, BT, II: This ledger \\| keeps journals." in section(LINES).splitlines()


def test_what_does_not_apply_points_to_its_reason() -> None:
    told = section(changed("race", outcome="not applicable", words="There is one worker."))

    assert "| n/a [1] |" in told
    assert "- [1] There is one worker." in told


def test_a_known_gap_is_open_and_not_passed_over() -> None:
    assert "| **open**: counts 2 times |" in section(changed("race", outcome="failed", words="counts 2 times"))


def test_switches_are_told_by_name_and_pairs_by_number() -> None:
    flipped = [replace(LINES[0], part=Part.FLIPPED, setting=name) for name in ("page=3", "old=True")]
    paired = [replace(LINES[0], part=Part.PAIRS, setting=name) for name in ("page=3,old=True", "old=True")]

    lines = [*LINES, *flipped, *paired]

    assert "`page=3`, `old=True` (2 cases hold)" in switches(lines)
    assert "In 2 settings in which every two positions of any two meet, every rule: 2 cases hold." in pairs(lines)


def test_a_section_replaces_the_one_between_its_own_markers_only() -> None:
    page = f"# Tally\n\n{section(LINES)}\n\nThe end.\n"
    new = section(changed("created", words="7 requests"))

    assert replaced(page, "Tally", new) == f"# Tally\n\n{new}\n\nThe end.\n"
    with pytest.raises(ValueError, match="has no"):
        replaced(page, "Another", new)
