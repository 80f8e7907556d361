"""What tests of the connectors share."""

from collections.abc import Iterator

import pytest

from tests.support.sap_scene import SPOKEN


@pytest.fixture(params=["v2", "v1"])
def both_versions(request: pytest.FixtureRequest) -> Iterator[str]:
    """A test that uses it runs once on each version of the Service Layer's protocol."""
    token = SPOKEN.set(request.param)
    yield request.param
    SPOKEN.reset(token)
