"""The suite as tests. A connector's test file is four lines::

from ml_connector.conformance.testing import conformance
from my_package.world import MyWorld

test_my_erp = conformance(MyWorld())
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from ml_connector.conformance.results import Case, Failed, NotApplicable
from ml_connector.conformance.suite import flipped_cases, plain_cases
from ml_connector.conformance.trial import hold
from ml_connector.conformance.world import World


def conformance(world: World) -> Callable[..., None]:
    """A test function with one item for each case. A case that does not apply is skipped with the connector's own sentence."""
    cases = [*plain_cases(), *flipped_cases(world)]

    @pytest.mark.parametrize("case", cases, ids=[case.name for case in cases])
    def test(case: Case, record_property: Callable[[str, Any], None]) -> None:
        match hold(world, case).outcome:
            case Failed(words):
                pytest.fail(words, pytrace=False)
            case NotApplicable(why):
                pytest.skip(why)
            case passed:
                record_property("figure", passed.figure)

    return cast("Callable[..., None]", test)
