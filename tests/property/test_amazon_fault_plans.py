"""Whatever goes wrong, and in whatever order: a window of orders comes whole, or one typed error says why, and the next reading has
everything. No order is ever seen that is not there, and none in another version."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from ml_connector.amazon.orders import OrderWindow
from ml_connector.conformance.clock import BORN, SimulationClock
from ml_connector.domain.errors import MlConnectorError
from ml_connector.domain.order_form import store_form
from ml_connector.sandbox.faults import Fault
from tests.support.amazon_story import Scene, in_virtual_time

WINDOW = OrderWindow(BORN - timedelta(days=20))
SCENARIO = {"stores": ["US"], "orders_per_day": 1}
LINE = [
    "reset",
    "lost_reply",
    "late",
    "http_429",
    "http_500",
    "http_503",
    "error_after_commit",
    "slow_body",
    "truncated_body",
]
PAGE = ["expired_session", "empty_page", "repeated_token"]

FAULTS = st.builds(
    lambda operation, kind, nth, count, seconds: Fault(
        "amazon", operation, kind, nth=nth, count=count, seconds=seconds
    ),
    st.sampled_from(["searchOrders", "searchOrders", "token"]),
    st.sampled_from([*LINE, *PAGE]),
    st.integers(1, 6),
    st.integers(1, 6),
    st.sampled_from([1.0, 130.0, 400.0]),
)


async def read(scene: Scene[SimulationClock], seen: dict[str, str]) -> None:
    async for page in scene.account.orders.search(WINDOW, scene.account.config.marketplace_ids, page_size=7):
        assert page.unreadable == ()
        for order in page.orders:
            kept = store_form(order).sha256
            assert seen.setdefault(order.order_id, kept) == kept


@cache
def everything() -> dict[str, str]:
    seen: dict[str, str] = {}

    async def tell(scene: Scene[SimulationClock]) -> None:
        await read(scene, seen)

    in_virtual_time(tell, scenario=SCENARIO)
    assert len(seen) > 14
    return seen


@settings(max_examples=40)
@given(st.lists(FAULTS, max_size=4))
def test_a_window_comes_whole_or_says_why_and_nothing_is_lost(faults: Sequence[Fault]) -> None:
    whole = everything()

    said: list[str] = []

    async def tell(scene: Scene[SimulationClock]) -> dict[str, str]:
        seen: dict[str, str] = {}
        for _ in range(12):  # each fault ends after so many occasions; each reading meets some of them
            try:
                await read(scene, seen)
            except MlConnectorError as error:
                said.append(str(error))
            else:
                return seen
            assert seen.items() <= whole.items()
        raise AssertionError("the faults were over, and the window did not come")

    assert in_virtual_time(tell, faults=faults, scenario=SCENARIO) == whole
    assert all(sentence.endswith((".", ")")) for sentence in said)
