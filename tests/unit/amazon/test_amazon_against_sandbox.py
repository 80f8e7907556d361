"""The Amazon room as shipped, driven against the simulated Amazon over a simulated line, in virtual time."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from ml_connector.amazon import limits
from ml_connector.amazon.reports import SETTLEMENT_REPORT
from ml_connector.domain.errors import NotPermitted, RefusedByServer, SignInFailed
from ml_connector.sandbox.faults import Fault
from tests.support.amazon_story import Story

ORDINARY = "GET_MERCHANT_LISTINGS_ALL_DATA"


def test_what_the_sandbox_announces_is_what_the_sign_in_form_asks_for() -> None:
    story = Story()

    identity = asyncio.run(story.account.ping())

    stores = dict(identity.details)
    assert stores["ATVPDKIKX0DER"].endswith("USD")
    assert stores["A1PA6795UKMFR9"].endswith("EUR")
    assert "A2ZV50J4W1RKNI" not in stores.get("other stores", "")


def test_every_settlement_is_discovered_and_comes_whole() -> None:
    story = Story()

    async def tell() -> list[bytes]:
        found = await story.account.discover_settlements(story.clock.now() - timedelta(days=90))
        return [await story.download(str(report.report_document_id)) for report in found]

    bodies = asyncio.run(tell())
    assert len(bodies) >= 3
    assert all(body.startswith(b"settlement-id\t") for body in bodies)
    assert story.quota_refusals == {}


def test_many_pages_hold_every_report_once() -> None:
    story = Story({"settlements": 30, "period_days": 1, "stores": ["US"]})

    async def tell() -> list[str]:
        listed = await story.account.reports.list_reports(
            {"reportTypes": (SETTLEMENT_REPORT,), "processingStatuses": ("DONE",), "pageSize": "4"}
        )
        return [report.report_id for report in listed]

    found = asyncio.run(tell())
    assert len(found) == len(set(found)) >= 25


def test_a_backfill_meets_no_429_and_costs_what_the_quota_costs() -> None:
    story = Story()
    calls = 15 + 20

    async def tell() -> None:
        document = await story.first_document()
        for _ in range(calls):
            await story.account.documents.address(document)

    asyncio.run(tell())
    assert story.quota_refusals == {}
    floor_s = (calls - limits.GET_REPORT_DOCUMENT.burst) / 0.0167
    assert story.clock.monotonic() <= floor_s * 1.02


def test_a_quota_that_another_process_spent_is_waited_for() -> None:
    story = Story()

    async def tell() -> None:
        await story.first_document()
        story.buckets.buckets.clear()
        for _ in range(limits.GET_REPORTS.burst):
            await story.first_document()

    asyncio.run(tell())
    assert story.quota_refusals == {"getReports": 1}


def test_a_token_that_ended_early_costs_one_repetition() -> None:
    story = Story()

    async def tell() -> None:
        await story.account.ping()
        story.doors.account.expire_tokens()
        await story.account.sellers.participations(fresh=True)

    asyncio.run(tell())
    assert story.buckets.journal.count("debit getMarketplaceParticipations") == 3


def test_a_fresh_ping_signs_in_anew_however_good_the_token_at_hand() -> None:
    story = Story()

    async def tell() -> None:
        await story.account.ping()
        story.doors.account.rotate_secret()
        with pytest.raises(SignInFailed) as refused:
            await story.account.ping(fresh=True)
        assert refused.value.code == "client_secret_refused"

    asyncio.run(tell())


def test_work_of_many_hours_signs_in_again_by_itself() -> None:
    story = Story()

    async def tell() -> None:
        for _ in range(5):
            await story.account.ping(fresh=True)
            story.clock.advance(3599)

    asyncio.run(tell())
    assert story.buckets.journal.count("debit getMarketplaceParticipations") == 5


def test_a_refresh_token_that_amazon_replaces_is_handed_over() -> None:
    story = Story({"switches": {"refresh_token_rotates": True}})

    async def tell() -> None:
        await story.account.ping()
        story.clock.advance(3600)
        await story.account.ping(fresh=True)

    asyncio.run(tell())
    assert len(story.new_refresh_tokens) == 2


def test_a_revoked_authorisation_asks_for_a_new_one() -> None:
    story = Story()

    async def tell() -> None:
        await story.account.ping()
        story.doors.account.revoke()
        await story.account.ping(fresh=True)

    with pytest.raises(SignInFailed, match="Re-authorise"):
        asyncio.run(tell())


def test_a_rotated_secret_asks_for_the_new_one() -> None:
    with pytest.raises(SignInFailed, match="client secret was rotated"):
        asyncio.run(Story({"secret_rotated": True}).account.ping())


def test_a_missing_role_is_named_as_that_because_the_ping_works() -> None:
    story = Story({"missing_roles": ["getReports"]})

    with pytest.raises(NotPermitted, match=r"the role Finance and Accounting .*is missing") as refused:
        asyncio.run(story.first_document())

    assert refused.value.code == "role_missing"
    assert story.buckets.journal.count("debit getReports") == 1


def test_a_wrong_region_is_named_as_that_because_nothing_works() -> None:
    story = Story({"other_region": True})

    for _ in range(2):
        with pytest.raises(NotPermitted, match="wrong region for the selling account") as refused:
            asyncio.run(story.first_document())

    assert refused.value.code == "account_not_reached"
    assert story.buckets.journal.count("debit getMarketplaceParticipations") == 1


@pytest.mark.parametrize("kind", ["http_500", "http_503", "html_error", "reset", "lost_reply", "truncated_body"])
@pytest.mark.parametrize("operation", ["getReports", "getReportDocument", "downloadDocument", "token"])
def test_a_passing_fault_anywhere_on_the_way_costs_a_repetition_and_nothing_else(kind: str, operation: str) -> None:
    story = Story(faults=[Fault("amazon", operation, kind, nth=1)])

    async def tell() -> bytes:
        return await story.download(await story.first_document())

    assert asyncio.run(tell()).startswith(b"settlement-id\t")
    assert story.clock.slept  # the fault was met


def test_an_address_that_expired_before_it_was_used_is_minted_again() -> None:
    story = Story(faults=[Fault("amazon", "downloadDocument", "late", nth=1, seconds=301)])

    async def tell() -> bytes:
        return await story.download(await story.first_document())

    assert asyncio.run(tell()).startswith(b"settlement-id\t")
    assert story.buckets.journal.count("debit getReportDocument") == 2


def test_a_document_of_nobody_is_refused() -> None:
    with pytest.raises(RefusedByServer, match="does not exist"):
        asyncio.run(Story().download("amzn1.spdoc.1.4.na.unknown"))


def test_an_ordinary_report_is_ordered_awaited_and_fetched() -> None:
    story = Story()

    async def tell() -> bytes:
        report_id = await story.account.reports.create_report(ORDINARY, ["ATVPDKIKX0DER"])
        report = await story.account.reports.wait_for(report_id)
        assert report is not None
        return await story.download(str(report.report_document_id))

    assert asyncio.run(tell()).startswith(b"item-name\t")


def test_an_order_whose_answer_was_lost_is_found_and_not_repeated() -> None:
    story = Story(faults=[Fault("amazon", "createReport", "lost_reply", nth=1)])

    async def tell() -> list[str]:
        report_id = await story.account.reports.create_report(ORDINARY, ["ATVPDKIKX0DER"])
        listed = await story.account.reports.list_reports({"reportTypes": (ORDINARY,)})
        assert report_id in {report.report_id for report in listed}
        return [report.report_id for report in listed]

    assert len(asyncio.run(tell())) == 1


def test_a_fatal_report_is_named() -> None:
    story = Story({"fatal_types": [ORDINARY]})

    async def tell() -> None:
        await story.account.reports.wait_for(await story.account.reports.create_report(ORDINARY, ["ATVPDKIKX0DER"]))

    with pytest.raises(RefusedByServer, match="failed to make report"):
        asyncio.run(tell())
