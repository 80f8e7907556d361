"""Reports 2021-06-30: settlements are discovered, ordinary reports are ordered; :mod:`ml_connector.amazon.documents` fetches
what they hold. Facts: SP-API dossier, section 14. Reports and their documents live 90 days.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import structlog

from ml_connector.amazon import errors, limits, windows
from ml_connector.amazon.client import AmazonClient, QueryValue, utc_text
from ml_connector.amazon.documents import Documents
from ml_connector.amazon.order_report import ORDER_REPORT
from ml_connector.amazon.paging import REPORTS, pages
from ml_connector.amazon.wire import Id, Wire
from ml_connector.domain.clock import Clock
from ml_connector.domain.errors import MlConnectorError, RefusedByServer, Unavailable, WrongUse
from ml_connector.domain.target import Unknown

SETTLEMENT_REPORT: Final = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"

DONE: Final = "DONE"
CANCELLED: Final = "CANCELLED"
FATAL: Final = "FATAL"

PAGE_SIZE: Final = 100
PAGES_MAX: Final = 100
MARKETPLACES_MAX: Final = 25

_EXPLANATION_MAX_BYTES: Final = 64 * 1024
_GZIP: Final = 31  # zlib's word for "a gzip container"
_POLL_FIRST_S: Final = 15.0
_POLL_MAX_S: Final = 300.0
_POLLS_MAX: Final = 40
#: Within this time of its like an order of a report may be cancelled: half an hour, and some.
_NEAR: Final = timedelta(minutes=35)
#: The clocks of two computers may differ by this much when we look for a report that we may have ordered.
_CLOCK_SKEW: Final = timedelta(minutes=5)


_log = structlog.get_logger(__name__)


class ReportInfo(Wire, frozen=True):
    """A report as Amazon lists it. ``report_id`` is unique within the selling account only. Times carry their zone.

    ``marketplace_ids`` of a settlement are all stores of the account, whichever store it is for (dossier, section 14.2).
    ``processing_status`` may be a word that was not known when this was written.
    """

    report_id: Id
    report_type: str
    processing_status: str
    created_time: datetime
    data_start_time: datetime | None = None
    data_end_time: datetime | None = None
    report_document_id: Id | None = None
    marketplace_ids: tuple[str, ...] = ()


class ReportPage(Wire, frozen=True):
    """One page of a listing; ``next_token`` is None or "" on the last."""

    reports: tuple[ReportInfo, ...]
    next_token: str | None = None


class _CreatedReport(Wire, frozen=True):
    report_id: Id


class Reports:
    """The reports of one selling account. ``documents`` are what they become."""

    def __init__(self, client: AmazonClient, documents: Documents, clock: Clock) -> None:
        self._client = client
        self._documents = documents
        self._clock = clock

    # --- the operations ------------------------------------------------------------------------------------------------

    async def get_reports(self, query: Mapping[str, QueryValue]) -> ReportPage:
        """One page: either filters, or ``nextToken`` alone."""
        return await self._client.read(limits.GET_REPORTS, ReportPage, query=query)

    async def get_report(self, report_id: str) -> ReportInfo:
        return await self._client.read(limits.GET_REPORT, ReportInfo, path={"reportId": report_id})

    async def create_report(
        self,
        report_type: str,
        marketplace_ids: Sequence[str],
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        options: Mapping[str, str] | None = None,
    ) -> str:
        """Order a report; its id. Raises :class:`WrongUse` before any call for the types that Amazon makes itself.

        There is no idempotency key: when the answer was lost, a report of that kind that was created meanwhile is taken for
        ours, and :class:`Unavailable` is raised where there is none.
        """
        refuse_unorderable(report_type, marketplace_ids)
        order: dict[str, object] = {"reportType": report_type, "marketplaceIds": list(marketplace_ids)}
        if start is not None:
            order["dataStartTime"] = utc_text(start)
        if end is not None:
            order["dataEndTime"] = utc_text(end)
        if options:
            order["reportOptions"] = dict(options)
        asked_at = self._clock.now()
        outcome = await self._client.write(limits.CREATE_REPORT, _CreatedReport, body=msgspec.json.encode(order))
        if isinstance(outcome, _CreatedReport):
            return outcome.report_id
        if isinstance(outcome, Unknown):
            found = await self._ordered_meanwhile(order, asked_at)
            if found is not None:
                return found
        raise Unavailable(f"Amazon did not take the order of a {report_type} report ({outcome.why}). Try again later.")

    async def create_order_report(self, after: datetime, before: datetime, marketplace_ids: Sequence[str]) -> str:
        """Order the orders placed from ``after`` until ``before``; the report's id. Raises as :meth:`create_report` does, and
        :class:`WrongUse` for more than 30 days, which Amazon would answer with an empty file."""
        windows.refuse_wrong(after, before, windows.ORDER_REPORT_MAX, "the order report")
        return await self.create_report(ORDER_REPORT, marketplace_ids, start=after, end=before)

    # --- what is done with them ----------------------------------------------------------------------------------------

    async def list_reports(self, query: Mapping[str, QueryValue]) -> tuple[ReportInfo, ...]:
        """All pages of a listing, each report once, oldest first.

        Raises what :func:`ml_connector.amazon.paging.pages` does.
        """
        listing = pages(self.get_reports, REPORTS, query, pages_max=PAGES_MAX)
        by_id = {report.report_id: report async for page in listing for report in page.reports}
        return tuple(sorted(by_id.values(), key=lambda report: (report.created_time, report.report_id)))

    async def discover_settlements(self, created_since: datetime) -> tuple[ReportInfo, ...]:
        """Every finished settlement report created since then and still kept (90 days), oldest first.

        One settlement may come under more than one report id: what it is, only the file says.
        """
        found = await self.list_reports(
            {
                "reportTypes": (SETTLEMENT_REPORT,),
                "processingStatuses": (DONE,),
                "pageSize": str(PAGE_SIZE),
                "createdSince": utc_text(created_since),
            }
        )
        return tuple(
            report
            for report in found
            if report.report_type == SETTLEMENT_REPORT
            and report.processing_status == DONE
            and report.report_document_id
        )

    async def wait_for(self, report_id: str) -> ReportInfo | None:
        """Ask until the report is finished: DONE, or None where Amazon cancelled it because there is no data. Where it cancelled it
        because of another that was ordered shortly before, that one is waited for if it is of the same data.

        Raises :class:`RefusedByServer` for FATAL, with Amazon's explanation where there is one, and :class:`Unavailable` when it
        takes longer than hours, or when nobody can tell why it was cancelled.
        """
        pause_s = _POLL_FIRST_S
        for _ in range(_POLLS_MAX):
            report = await self.get_report(report_id)
            match report.processing_status:
                case "DONE":
                    return report
                case "CANCELLED":
                    twin = await self._instead_of(report)
                    if twin is None:
                        return None
                    report_id = twin.report_id
                    continue
                case "FATAL":
                    raise await self._fatal(report)
            await self._clock.sleep(pause_s)
            pause_s = min(_POLL_MAX_S, pause_s * 2)
        raise Unavailable(f"Amazon has not finished report {report_id} yet. Try again later.")

    async def _instead_of(self, report: ReportInfo) -> ReportInfo | None:
        """The report because of which Amazon cancelled ``report``; None where there is no data.

        Amazon may cancel what was ordered half an hour after its like (section 14.1, inferred). Taken for no data, orders would be
        lost: so it is looked for. Raises :class:`Unavailable` where one was ordered that holds other data.
        """
        listed = await self.list_reports(
            {
                "reportTypes": (report.report_type,),
                "pageSize": str(PAGE_SIZE),
                "createdSince": utc_text(report.created_time - _NEAR),
                "createdUntil": utc_text(report.created_time + _CLOCK_SKEW),
            }
        )
        others = [
            other
            for other in listed
            if other.report_id != report.report_id
            and other.processing_status not in (CANCELLED, FATAL)
            and set(other.marketplace_ids) == set(report.marketplace_ids)
            and other.created_time <= report.created_time
        ]
        window = (report.data_start_time, report.data_end_time)
        alike = [other for other in others if (other.data_start_time, other.data_end_time) == window]
        if others and not alike:
            raise Unavailable(
                f"Amazon cancelled report {report.report_id}, perhaps because there is no data, perhaps because another report of "
                "its type was ordered shortly before. Order it again in half an hour."
            )
        return alike[-1] if alike else None

    async def _fatal(self, report: ReportInfo) -> RefusedByServer:
        """The refusal of a report that Amazon failed to make. Its document, if there is one, says why; that it cannot be read
        changes nothing about the refusal."""
        words = ""
        if report.report_document_id:
            try:
                body, _ = await self._documents.read_document(
                    report.report_document_id, max_bytes=_EXPLANATION_MAX_BYTES
                )
                words = errors.cut(_unpacked(body).decode("utf-8", errors="replace"))
            except MlConnectorError as error:
                _log.info("amazon.explanation_not_read", report=report.report_id, why=str(error))
        told = f"; Amazon explains in document {report.report_document_id}" if report.report_document_id else ""
        more = f": {words.rstrip('.')}" if words else told
        return RefusedByServer(
            f"Amazon failed to make report {report.report_id} of type {report.report_type}{more}.",
            server_code=FATAL,
            words=words,
        )

    async def _ordered_meanwhile(self, order: Mapping[str, Any], asked_at: datetime) -> str | None:
        """The newest report like the one whose order went unanswered. Another one like it holds the same data."""
        listed = await self.list_reports(
            {
                "reportTypes": (order["reportType"],),
                "pageSize": str(PAGE_SIZE),
                "createdSince": utc_text(asked_at - _CLOCK_SKEW),
            }
        )
        alike = [report.report_id for report in listed if _answers(report, order)]
        return alike[-1] if alike else None


def refuse_unorderable(report_type: str, marketplace_ids: Sequence[str]) -> None:
    """Raise :class:`WrongUse` for what Amazon takes neither as an order nor as a schedule."""
    if not 1 <= len(marketplace_ids) <= MARKETPLACES_MAX:
        raise WrongUse(f"A report needs 1 to {MARKETPLACES_MAX} marketplaces.")
    if "SETTLEMENT_REPORT" in report_type.upper():
        raise WrongUse(
            f"{report_type} cannot be ordered: Amazon makes settlement reports itself when a settlement closes. They are "
            "discovered: run the settlements flow.",
            code="report_type_not_requestable",
        )


def _answers(report: ReportInfo, order: Mapping[str, Any]) -> bool:
    """Whether ``report`` is what was ordered. Times that were left out were Amazon's to choose."""

    def same(name: str, shown: datetime | None) -> bool:
        return name not in order or (shown is not None and utc_text(shown) == order[name])

    return (
        set(report.marketplace_ids) == set(order["marketplaceIds"])
        and same("dataStartTime", report.data_start_time)
        and same("dataEndTime", report.data_end_time)
    )


def _unpacked(body: bytes) -> bytes:
    """A small text, unpacked where it is packed; only its beginning."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    try:
        return zlib.decompressobj(_GZIP).decompress(body, _EXPLANATION_MAX_BYTES)
    except zlib.error:
        return b""
