"""The suite as tests. A connector's test file is four lines::

    from ml_connector.conformance.testing import conformance
    from my_package.world import MyWorld

    test_my_erp = conformance(MyWorld())

``ML_CONNECTOR_CONFORMANCE`` says how much is run: ``plain`` (every rule, switches in their defaults; what is run where nothing is
said), ``flipped`` (that, and each switch flipped alone on the rules that it touches) or ``pairs`` (that, and every rule in
settings in which every two positions of any two switches meet).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import pytest

from ml_connector.conformance.report import Line, Part
from ml_connector.conformance.results import Case, Failed, NotApplicable
from ml_connector.conformance.suite import Suite, plain_cases
from ml_connector.conformance.world import World

VARIABLE: Final = "ML_CONNECTOR_CONFORMANCE"

#: Under this name each item tells its :class:`~ml_connector.conformance.report.Line`.
PROPERTY: Final = "conformance"


def conformance(world: World, gaps: Mapping[str, str] | None = None) -> Callable[..., None]:
    """A test function with one item for each case. A case that does not apply is skipped with the connector's own sentence.

    ``gaps`` are cases, by name or by ``rule-kind`` for every setting, that are known not to hold, with a sentence: they stand in
    the connector's page as open, and an item is red as soon as its case holds after all.
    """
    suite = Suite(world)
    cases = _cases(suite)
    items = [pytest.param(case, part, id=name, marks=_open(case, gaps or {})) for name, (case, part) in cases.items()]

    @pytest.mark.parametrize(("case", "part"), items)
    def test(case: Case, part: Part, record_property: Callable[[str, Any], None]) -> None:
        result = suite.hold(case)
        record_property(PROPERTY, Line.of(world, part, result).to_json())
        match result.outcome:
            case Failed(words):
                pytest.fail(words, pytrace=False)
            case NotApplicable(why):
                pytest.skip(why)

    return cast("Callable[..., None]", test)


def _open(case: Case, gaps: Mapping[str, str]) -> list[pytest.MarkDecorator]:
    why = gaps.get(case.name) or gaps.get(case.plain_name)
    return [pytest.mark.xfail(reason=why, strict=True)] if why else []


def _cases(suite: Suite) -> dict[str, tuple[Case, Part]]:
    """By name: what would come twice belongs to the part that has it first."""
    how_much = os.environ.get(VARIABLE, "plain")
    if how_much not in ("plain", "flipped", "pairs"):
        raise ValueError(f"{VARIABLE} is {how_much!r}; it may be plain, flipped or pairs.")
    parts = [(Part.PLAIN, plain_cases())]
    if how_much != "plain":
        parts.append((Part.FLIPPED, suite.flipped_cases()))
    if how_much == "pairs":
        parts.append((Part.PAIRS, suite.paired_cases()))
    cases: dict[str, tuple[Case, Part]] = {}
    for part, some in parts:
        for case in some:
            cases.setdefault(case.name, (case, part))
    return cases
