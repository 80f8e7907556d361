"""What goes wrong on the way to Amazon: each thing is got over, or says exactly what it is, and nothing is lost.

Every story is told against the simulated Amazon behind a line of its own, in virtual time, with real time-outs.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from io import BytesIO

import pytest

from ml_connector.amazon.documents import FileSink
from ml_connector.amazon.finances import PostedWindow
from ml_connector.amazon.order_report import OrderReport
from ml_connector.amazon.orders import By, OrderWindow
from ml_connector.amazon.settlement_file import SettlementFile
from ml_connector.conformance.clock import BORN, SimulationClock
from ml_connector.domain.errors import BadAnswer, MlConnectorError, RefusedByServer, SignInFailed, Unavailable
from ml_connector.domain.finances import Transaction, once
from ml_connector.domain.order_form import store_form
from ml_connector.sandbox.faults import Fault
from tests.support.amazon_story import Scene, in_virtual_time

Virtual = Scene[SimulationClock]

#: Some 30 orders, in pages of 10.
SMALL = {"stores": ["US"], "orders_per_day": 1}
WINDOW = OrderWindow(BORN - timedelta(days=30))
PAGE = 10


def fault(operation: str, kind: str, **more: float) -> Fault:
    return Fault("amazon", operation, kind, **more)  # type: ignore[arg-type]


async def read(scene: Virtual, seen: dict[str, str], window: OrderWindow = WINDOW) -> list[int]:
    """Read a window into ``seen`` (order id: content hash), as a flow would store it; the sizes of the pages."""
    sizes = []
    async for page in scene.account.orders.search(window, scene.account.config.marketplace_ids, page_size=PAGE):
        assert page.unreadable == ()
        for order in page.orders:
            kept = store_form(order).sha256
            assert seen.setdefault(order.order_id, kept) == kept
        sizes.append(len(page.orders))
    return sizes


def everything() -> dict[str, str]:
    """What the window holds when nothing goes wrong."""
    seen: dict[str, str] = {}

    async def tell(scene: Virtual) -> None:
        await read(scene, seen)

    in_virtual_time(tell, scenario=SMALL)
    assert len(seen) > 2 * PAGE
    return seen


def told(*faults: Fault) -> tuple[dict[str, str], dict[str, str], list[MlConnectorError], Virtual]:
    """What was seen when the window was read with these faults, what after a second reading, and what was said."""
    at_first: dict[str, str] = {}
    later: dict[str, str] = {}
    said: list[MlConnectorError] = []

    async def tell(scene: Virtual) -> Virtual:
        try:
            await read(scene, at_first)
        except MlConnectorError as error:
            said.append(error)
        later.update(at_first)
        await read(scene, later)
        return scene

    return at_first, later, said, in_virtual_time(tell, faults=faults, scenario=SMALL)


# --- got over ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "faults",
    [
        [fault("searchOrders", "expired_session", nth=2)],
        [fault("searchOrders", "empty_page", nth=1)],
        [fault("searchOrders", "empty_page", nth=2, count=3)],
        [fault("searchOrders", "http_500", nth=2, count=4)],
        [fault("searchOrders", "http_503", nth=1, count=4)],
        [fault("searchOrders", "http_429", nth=2, count=2)],
        [fault("searchOrders", "error_after_commit", nth=2)],
        [fault("searchOrders", "reset", nth=2)],
        [fault("searchOrders", "lost_reply", nth=2)],
        [fault("searchOrders", "truncated_body", nth=1), fault("searchOrders", "truncated_body", nth=3)],
        [fault("searchOrders", "slow_body", nth=2, seconds=250)],
        [fault("searchOrders", "slow_body", nth=2, seconds=900)],
        [fault("searchOrders", "late", nth=2, seconds=400)],
        [fault("searchOrders", "html_error", nth=2, status=502)],
        [fault("token", "http_500", nth=1, count=2), fault("token", "html_error", nth=3)],
        [fault("*", "http_503", probability=0.3, seed=4)],
    ],
    ids=lambda faults: (
        "+".join(f"{each.operation} {each.kind}" for each in faults) if isinstance(faults, list) else None
    ),
)
def test_a_window_of_orders_comes_whole_in_spite_of(faults: Sequence[Fault]) -> None:
    at_first, _, said, _ = told(*faults)

    assert said == []
    assert at_first == everything()


def test_a_token_that_expires_between_two_pages_costs_one_more_call_of_that_page() -> None:
    *_, calm = told()
    *_, scene = told(fault("searchOrders", "expired_session", nth=2))

    def calls(of: Virtual) -> int:
        return of.buckets.journal.count("debit searchOrders")

    assert calls(scene) == calls(calm) + 1


def test_html_instead_of_a_page_begins_the_window_again() -> None:
    at_first, _, said, _ = told(fault("searchOrders", "html_error", nth=2, status=400))

    assert said == []
    assert at_first == everything()


def test_a_body_that_never_stops_coming_is_given_up_and_asked_for_again() -> None:
    async def tell(scene: Virtual) -> float:
        await read(scene, {})
        return scene.clock.monotonic()

    took_s = in_virtual_time(tell, faults=[fault("searchOrders", "slow_body", nth=1, seconds=100_000)], scenario=SMALL)
    assert 120 <= took_s <= 300 + 60


# --- said exactly, and nothing lost ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("faults", "kind", "words"),
    [
        (
            [fault("searchOrders", "http_500", nth=2, count=5)],
            Unavailable,
            r"in trouble \(HTTP 500\).*Try again later.*\(searchOrders",
        ),
        (
            [fault("searchOrders", "reset", nth=1, count=5)],
            Unavailable,
            r"did not answer \(connection broken\).*searchOrders",
        ),
        (
            [fault("searchOrders", "repeated_token", nth=1)],
            BadAnswer,
            "goes in circles: the same page token came twice",
        ),
        ([fault("searchOrders", "html_error", nth=1, status=400)], RefusedByServer, r"edge refused.*HTTP 400, no JSON"),
        ([fault("searchOrders", "slow_body", nth=1, count=5, seconds=100_000)], Unavailable, "time-out"),
        ([fault("token", "http_500", nth=1, count=4)], Unavailable, "Login with Amazon"),
    ],
    ids=lambda value: "" if isinstance(value, str | type) else value[0].kind,
)
def test_what_is_not_got_over_says_what_it_is_and_the_next_reading_has_everything(
    faults: Sequence[Fault], kind: type[MlConnectorError], words: str
) -> None:
    at_first, later, said, _ = told(*faults)

    [problem] = said
    assert type(problem) is kind
    with pytest.raises(kind, match=words):
        raise problem
    assert later == everything()
    assert at_first.items() <= later.items()


def test_a_page_that_goes_in_circles_takes_nothing_from_the_pages_before_it() -> None:
    at_first, _, _, _ = told(fault("searchOrders", "repeated_token", nth=1))

    assert len(at_first) >= 2 * PAGE


def test_a_secret_rotated_while_pages_are_read_is_noticed_at_the_next_sign_in_and_named() -> None:
    seen: dict[str, str] = {}

    async def tell(scene: Virtual) -> str:
        with pytest.raises(
            SignInFailed, match=r"client secret was rotated.*enter the new one.*refresh token stays valid"
        ) as refused:
            await read(scene, seen)
        assert len(seen) == PAGE
        scene.account = scene.sign_up(client_secret=scene.doors.account.rotate_secret())
        await read(scene, seen)
        return refused.value.code

    faults = [fault("searchOrders", "rotated_secret", nth=2), fault("searchOrders", "expired_session", nth=2)]
    assert in_virtual_time(tell, faults=faults, scenario=SMALL) == "client_secret_refused"
    assert seen == everything()


def test_an_authorisation_revoked_while_pages_are_read_is_named_and_asks_for_a_new_one() -> None:
    seen: dict[str, str] = {}

    async def tell(scene: Virtual) -> SignInFailed:
        with pytest.raises(SignInFailed, match=r"Re-authorise") as refused:
            await read(scene, seen)
        return refused.value

    refused = in_virtual_time(tell, faults=[fault("searchOrders", "revoked_token", nth=2)], scenario=SMALL)
    assert refused.code == "refresh_token_refused"
    assert len(seen) == PAGE


# --- money -------------------------------------------------------------------------------------------------------------


async def transactions(scene: Virtual) -> list[Transaction]:
    found: list[Transaction] = []
    async for page in scene.account.finances.transactions(PostedWindow(BORN - timedelta(days=60))):
        assert page.unreadable == ()
        found += page.transactions
    return found


@pytest.mark.parametrize(
    "faults",
    [
        [fault("listTransactions", "expired_session", nth=2)],
        [fault("listTransactions", "empty_page", nth=2, count=2)],
        [fault("listTransactions", "http_500", nth=2, count=4)],
        [fault("listTransactions", "truncated_body", nth=2)],
        [fault("listTransactions", "html_error", nth=2, status=400)],
    ],
    ids=lambda faults: faults[0].kind,
)
def test_every_transaction_comes_in_spite_of(faults: Sequence[Fault]) -> None:
    scenario = {"stores": ["US"], "orders_per_day": 1, "switches": {"transactions_page_size": 20}}

    calm = in_virtual_time(transactions, scenario=scenario)
    found = in_virtual_time(transactions, scenario=scenario, faults=faults)

    assert len(calm) > 40
    assert once(found) == once(calm)


# --- downloads ---------------------------------------------------------------------------------------------------------


async def document(scene: Virtual) -> bytes:
    """The bytes of the first settlement's document, as they came."""
    found = await scene.account.discover_settlements(BORN - timedelta(days=90))
    kept = BytesIO()
    await scene.account.download(str(found[0].report_document_id), FileSink(kept))
    return kept.getvalue()


def test_a_download_that_is_cut_and_whose_address_is_refused_then_is_fetched_whole_from_a_new_address() -> None:
    async def tell(scene: Virtual) -> tuple[bytes, int]:
        return await document(scene), scene.buckets.journal.count("debit getReportDocument")

    faults = [
        fault("downloadDocument", "truncated_body", nth=1),
        fault("downloadDocument", "expired_address", nth=2),
    ]
    gzipped = {"switches": {"compression": "gzip"}}

    body, minted = in_virtual_time(tell, faults=faults, scenario=gzipped)

    assert (body, minted) == (in_virtual_time(document, scenario=gzipped), 2)


@pytest.mark.parametrize("kind", ["truncated_gzip", "slow_body", "truncated_body", "reset"])
def test_a_document_comes_whole_in_spite_of(kind: str) -> None:
    gzipped = {"switches": {"compression": "gzip"}}

    body = in_virtual_time(document, faults=[fault("downloadDocument", kind, nth=1)], scenario=gzipped)

    assert body == in_virtual_time(document, scenario=gzipped)


def test_a_document_that_is_always_cut_is_handed_over_and_its_reader_names_it() -> None:
    scenario = {"stores": ["US"], "switches": {"compression": "gzip"}}

    body = in_virtual_time(document, faults=[fault("downloadDocument", "truncated_gzip")], scenario=scenario)

    [finding] = SettlementFile.of(body).findings
    assert finding.code == "truncated_gzip"
    assert "Download it again" in finding.message


# --- reports that are ordered ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["lost_reply", "error_after_commit", "reset", "http_500", "slow_body", "http_429"])
def test_an_order_report_is_ordered_once_and_read_whole_in_spite_of(kind: str) -> None:
    after, before = BORN - timedelta(days=30), BORN - timedelta(hours=1)

    async def tell(scene: Virtual) -> tuple[set[str], set[str], int]:
        stores = scene.account.config.marketplace_ids
        try:
            report_id = await scene.account.reports.create_order_report(after, before, stores)
        except Unavailable:  # it says so where nothing was ordered: then it is ordered now
            report_id = await scene.account.reports.create_order_report(after, before, stores)
        report = await scene.account.reports.wait_for(report_id)
        assert report is not None
        body, _ = await scene.account.documents.read_document(str(report.report_document_id), max_bytes=10_000_000)
        listed = await scene.account.reports.list_reports({"reportTypes": (report.report_type,)})
        reading = OrderReport.of(body).read()
        reported = {line.order_id for line in reading}
        assert reading.findings == ()
        seen: dict[str, str] = {}
        await read(scene, seen, OrderWindow(after, before, By.CREATED))
        return reported, set(seen), len(listed)

    faults = [fault("createReport", kind, nth=1, seconds=400)]
    reported, searched, reports = in_virtual_time(tell, faults=faults, scenario=SMALL)
    assert len(reported) > 2 * PAGE
    assert reported == searched
    assert reports == 1


def test_near_duplicates_that_amazon_cancels_lose_no_orders() -> None:
    after, before = BORN - timedelta(days=30), BORN - timedelta(hours=1)

    async def tell(scene: Virtual) -> tuple[str, str]:
        stores, reports = scene.account.config.marketplace_ids, scene.account.reports
        first = await reports.wait_for(await reports.create_order_report(after, before, stores))
        again = await reports.wait_for(await reports.create_order_report(after, before, stores))
        assert first is not None and again is not None
        other = await reports.create_order_report(after - timedelta(days=30), after, stores)
        with pytest.raises(Unavailable, match="again in half an hour"):
            await reports.wait_for(other)
        return first.report_id, again.report_id

    first, again = in_virtual_time(tell, scenario={**SMALL, "switches": {"near_duplicates_are_cancelled": True}})
    assert first == again
