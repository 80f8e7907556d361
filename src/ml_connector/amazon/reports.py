"""Reports 2021-06-30: settlements are discovered, ordinary reports are ordered, documents are downloaded.

Facts: Amazon dossier, sections 8 (paging) and 14. Reports and documents live 90 days; a document's address lives five
minutes, is a bearer secret, and is fetched without any Amazon header.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import Message
from io import BytesIO
from ipaddress import ip_address
from random import Random
from typing import Annotated, Any, BinaryIO, Final, Protocol

import httpx2
import msgspec
import structlog

from ml_connector.amazon import limits
from ml_connector.amazon.client import AmazonClient, QueryValue, utc_text
from ml_connector.domain.clock import Clock
from ml_connector.domain.errors import BadAnswer, LimitExceeded, RefusedByServer, Unavailable, WrongUse
from ml_connector.domain.target import Unknown
from ml_connector.transport.http import Answer, HttpClient

SETTLEMENT_REPORT: Final = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"

DONE: Final = "DONE"
CANCELLED: Final = "CANCELLED"
FATAL: Final = "FATAL"

PAGE_SIZE: Final = 100
PAGES_MAX: Final = 100
MARKETPLACES_MAX: Final = 25
DOWNLOAD_MAX_BYTES: Final = 512 * 1024 * 1024
DOWNLOAD_TRIES: Final = 4

#: An address is good for five minutes; one of the last minute is not worth starting with.
_ADDRESS_LIFE: Final = timedelta(minutes=4)
_RETRY_FIRST_S: Final = 2.0
_POLL_FIRST_S: Final = 15.0
_POLL_MAX_S: Final = 300.0
_POLLS_MAX: Final = 40
#: The clocks of two computers may differ by this much when we look for a report that we may have ordered.
_CLOCK_SKEW: Final = timedelta(minutes=5)

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})

_log = structlog.get_logger(__name__)


#: An id as Amazon gives it: it goes into names, addresses and the database, so nothing else passes.
Id = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z][0-9A-Za-z._\-]{0,199}$")]


class ReportInfo(msgspec.Struct, frozen=True, rename="camel"):
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


class ReportPage(msgspec.Struct, frozen=True, rename="camel"):
    """One page of a listing; ``next_token`` is None or "" on the last."""

    reports: tuple[ReportInfo, ...]
    next_token: str | None = None


class ReportDocument(msgspec.Struct, frozen=True, rename="camel"):
    """Where a document can be fetched for the next five minutes. ``url`` is a secret and is never written down."""

    report_document_id: Id
    url: str
    compression_algorithm: str | None = None

    def __repr__(self) -> str:
        return f"ReportDocument({self.report_document_id!r})"


class _CreatedReport(msgspec.Struct, frozen=True, rename="camel"):
    report_id: Id


class Sink(Protocol):
    """Where a download goes. A cut download starts again, so a sink can forget."""

    def write(self, piece: bytes) -> None: ...

    def restart(self) -> None:
        """Forget everything written so far."""
        ...


@dataclass(frozen=True, slots=True)
class FileSink:
    """A seekable binary file as a sink."""

    file: BinaryIO

    def write(self, piece: bytes) -> None:
        self.file.write(piece)

    def restart(self) -> None:
        self.file.seek(0)
        self.file.truncate()


@dataclass(frozen=True, slots=True)
class Download:
    """What came: ``size`` raw bytes, still packed if Amazon packed them. ``charset`` is the one of Content-Type, "" where
    it names none; ``compression`` is what the document said. Neither is proof: look at the first bytes."""

    size: int
    charset: str
    compression: str


class Reports:
    """The reports of one selling account. ``downloads`` fetches documents: another host, no sign-in."""

    def __init__(self, client: AmazonClient, downloads: HttpClient, clock: Clock, random: Random) -> None:
        self._client = client
        self._downloads = downloads
        self._clock = clock
        self._random = random

    # --- the operations ------------------------------------------------------------------------------------------------

    async def get_reports(self, query: Mapping[str, QueryValue]) -> ReportPage:
        """One page: either filters, or ``nextToken`` alone."""
        return await self._client.read(limits.GET_REPORTS, ReportPage, query=query)

    async def get_report(self, report_id: str) -> ReportInfo:
        return await self._client.read(limits.GET_REPORT, ReportInfo, path={"reportId": report_id})

    async def get_report_document(self, document_id: str) -> ReportDocument:
        """Mint an address for the document. Once a minute after the burst: keep the document id, not the address."""
        return await self._client.read(
            limits.GET_REPORT_DOCUMENT, ReportDocument, path={"reportDocumentId": document_id}
        )

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
        _refuse_settlement_types(report_type)
        if not 1 <= len(marketplace_ids) <= MARKETPLACES_MAX:
            raise WrongUse(f"A report needs 1 to {MARKETPLACES_MAX} marketplaces.")
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

    # --- what is done with them ----------------------------------------------------------------------------------------

    async def list_reports(self, query: Mapping[str, QueryValue]) -> tuple[ReportInfo, ...]:
        """All pages of a listing, each report once, oldest first.

        A page token may die on the way; then the window is read from its start, once. Raises :class:`LimitExceeded` beyond
        ``PAGES_MAX`` pages and :class:`BadAnswer` when Amazon hands out the same token twice.
        """
        try:
            found = [report async for page in self._pages(query) for report in page.reports]
        except _PageTokenRefused:
            found = [report async for page in self._pages(query) for report in page.reports]
        by_id = {report.report_id: report for report in found}
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
        """Ask until the report is finished: DONE, or None where Amazon cancelled it because there is no data.

        Raises :class:`RefusedByServer` for FATAL and :class:`Unavailable` when it takes longer than hours.
        """
        pause_s = _POLL_FIRST_S
        for _ in range(_POLLS_MAX):
            report = await self.get_report(report_id)
            match report.processing_status:
                case "DONE":
                    return report
                case "CANCELLED":
                    return None
                case "FATAL":
                    raise _fatal(report)
            await self._clock.sleep(pause_s)
            pause_s = min(_POLL_MAX_S, pause_s * 2)
        raise Unavailable(f"Amazon has not finished report {report_id} yet. Try again later.")

    async def download(self, document_id: str, sink: Sink, *, max_bytes: int = DOWNLOAD_MAX_BYTES) -> Download:
        """The document's raw bytes into ``sink``, from the start again after each cut.

        An address that has died is minted anew. Raises :class:`Unavailable` after ``DOWNLOAD_TRIES`` tries,
        :class:`LimitExceeded` beyond ``max_bytes``, :class:`RefusedByServer` when the document is gone.
        """
        document: ReportDocument | None = None
        minted_at = self._clock.now()
        problem = ""
        for attempt in range(DOWNLOAD_TRIES):
            if attempt:
                await self._clock.sleep(self._random.uniform(0, _RETRY_FIRST_S * 2**attempt))
                sink.restart()
            if document is None or self._clock.now() - minted_at > _ADDRESS_LIFE:
                document = await self.get_report_document(document_id)
                minted_at = self._clock.now()
            try:
                answer, size = await self._fetch(document.url, sink, max_bytes)
            except Unavailable as error:
                problem = str(error).rstrip(".")
                continue
            if answer.ok:
                return Download(size, _charset(answer), document.compression_algorithm or "")
            if answer.status in (400, 401, 403):
                # The storage behind the address says so with XML when the address has expired.
                problem, document = f"its address was refused (HTTP {answer.status})", None
            elif answer.status >= 500 or answer.status == 429:
                problem = f"HTTP {answer.status}"
            else:
                raise RefusedByServer(
                    f"The document {document_id} cannot be fetched (HTTP {answer.status}). Amazon keeps reports for 90 days.",
                    server_code=f"HTTP {answer.status}",
                    words="",
                )
            _log.info("amazon.download_again", document=document_id, why=problem)
        raise Unavailable(f"The document {document_id} could not be fetched: {problem}. Try again later.")

    async def read_document(self, document_id: str, *, max_bytes: int) -> tuple[bytes, Download]:
        """A small document in memory, packed as it came."""
        kept = BytesIO()
        download = await self.download(document_id, FileSink(kept), max_bytes=max_bytes)
        return kept.getvalue(), download

    async def _fetch(self, url: str, sink: Sink, max_bytes: int) -> tuple[Answer, int]:
        """One try. A body shorter than its announced length is a cut, whatever the transport makes of it."""
        size = 0

        def write(piece: bytes) -> None:
            nonlocal size
            size += len(piece)
            sink.write(piece)

        answer = await self._downloads.stream(
            "GET", _checked_address(url, self._downloads.base_url), sink=write, max_bytes=max_bytes
        )
        announced = answer.headers.get("content-length", "")
        if answer.ok and announced.isdecimal() and int(announced) != size:
            raise Unavailable(f"{size} of {announced} bytes came.")
        return answer, size

    async def _pages(self, query: Mapping[str, QueryValue]) -> AsyncIterator[ReportPage]:
        seen: set[str] = set()
        page = await self.get_reports(query)
        yield page
        while token := page.next_token:
            if token in seen:
                raise BadAnswer("Amazon's list of reports goes in circles: the same page token came twice.")
            seen.add(token)
            if len(seen) >= PAGES_MAX:
                raise LimitExceeded(f"Amazon lists more than {PAGES_MAX} pages of reports; ask for a shorter time.")
            try:
                page = await self.get_reports({"nextToken": token})
            except RefusedByServer as error:
                raise _PageTokenRefused(str(error), server_code=error.server_code, words=error.words) from error
            yield page

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


class _PageTokenRefused(RefusedByServer):
    """Amazon no longer takes a page token it gave."""


def _refuse_settlement_types(report_type: str) -> None:
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


def _checked_address(url: str, api: str) -> str:
    """An address that may be fetched: TLS to a public host, or to this very machine where the API is there too (the sandbox).
    Nobody may have us ask a service of the inner network. The address is a secret, so no error shows it."""
    try:
        address, ours = httpx2.URL(url), httpx2.URL(api)
    except httpx2.InvalidURL:
        raise BadAnswer("Amazon named an address for a document that is none.") from None
    if address.userinfo or not address.host or address.scheme not in ("https", "http"):
        raise BadAnswer("Amazon named an address for a document that is none.")
    if address.host in _LOOPBACK and ours.host in _LOOPBACK:
        return url
    if address.scheme != "https" or not _public(address.host):
        raise BadAnswer("Amazon named an address for a document that is not protected by TLS, or of an inner network.")
    return url


def _public(host: str) -> bool:
    """Whether a host may be one of the Internet: a full name, or an address of it. Where a name leads is not looked up."""
    try:
        return ip_address(host).is_global
    except ValueError:
        name, _, top = host.rstrip(".").rpartition(".")
        # A top-level name begins with a letter: 0x7f.1 is another way to write 127.0.0.1.
        return bool(name) and top[:1].isalpha() and top not in {"localhost", "local", "internal"}


def _fatal(report: ReportInfo) -> RefusedByServer:
    more = f"; Amazon explains in document {report.report_document_id}" if report.report_document_id else ""
    return RefusedByServer(
        f"Amazon failed to make report {report.report_id} of type {report.report_type}{more}.",
        server_code=FATAL,
        words="",
    )


def _charset(answer: Answer) -> str:
    """The charset of Content-Type, lower-case; "" where there is none."""
    header = Message()
    header["content-type"] = answer.headers.get("content-type", "")
    return (header.get_content_charset() or "").casefold()
