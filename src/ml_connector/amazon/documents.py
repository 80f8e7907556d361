"""Report documents: an address for five minutes, and the bytes behind it (SP-API dossier, section 14.1).

The address is a bearer secret on another host, is fetched without any Amazon header, and is never written down.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from email.message import Message
from io import BytesIO
from ipaddress import ip_address
from random import Random
from typing import BinaryIO, Final, Protocol

import httpx2
import structlog

from ml_connector.amazon import limits
from ml_connector.amazon.client import AmazonClient
from ml_connector.amazon.fetched import Fetched
from ml_connector.amazon.wire import Id, Wire
from ml_connector.domain.clock import Clock
from ml_connector.domain.errors import BadAnswer, RefusedByServer, Unavailable
from ml_connector.transport.http import Answer, HttpClient

DOWNLOAD_MAX_BYTES: Final = 512 * 1024 * 1024
DOWNLOAD_TRIES: Final = 4

#: An address is good for five minutes; one of the last minute is not worth starting with.
_ADDRESS_LIFE: Final = timedelta(minutes=4)
_RETRY_FIRST_S: Final = 2.0
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})

_log = structlog.get_logger(__name__)


class ReportDocument(Wire, frozen=True):
    """Where a document can be fetched for the next five minutes. ``url`` is a secret and is never written down."""

    report_document_id: Id
    url: str
    compression_algorithm: str | None = None

    def __repr__(self) -> str:
        return f"ReportDocument({self.report_document_id!r})"


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


class Documents:
    """The documents of one selling account. ``downloads`` fetches them: another host, no sign-in."""

    def __init__(self, client: AmazonClient, downloads: HttpClient, clock: Clock, random: Random) -> None:
        self._client = client
        self._downloads = downloads
        self._clock = clock
        self._random = random

    async def address(self, document_id: str) -> ReportDocument:
        """Mint an address for the document. Once a minute after the burst: keep the document id, not the address."""
        return await self._client.read(
            limits.GET_REPORT_DOCUMENT, ReportDocument, path={"reportDocumentId": document_id}
        )

    async def download(self, document_id: str, sink: Sink, *, max_bytes: int = DOWNLOAD_MAX_BYTES) -> Download:
        """The document's raw bytes into ``sink``, from the start again after each cut.

        An address that has died is minted anew. A packed document that ends too early is fetched again; when it comes a second
        time just so, it is handed over as it is, and whoever unpacks it will say so. Raises :class:`Unavailable` after
        ``DOWNLOAD_TRIES`` tries, :class:`LimitExceeded` beyond ``max_bytes``, :class:`RefusedByServer` when it is gone.
        """
        document: ReportDocument | None = None
        minted_at = self._clock.now()
        problem = ""
        damaged: Fetched | None = None
        for attempt in range(DOWNLOAD_TRIES):
            if attempt:
                await self._clock.sleep(self._random.uniform(0, _RETRY_FIRST_S * 2**attempt))
                sink.restart()
            if document is None or self._clock.now() - minted_at > _ADDRESS_LIFE:
                document = await self.address(document_id)
                minted_at = self._clock.now()
            try:
                answer, fetched = await self._fetch(document.url, sink, max_bytes)
            except Unavailable as error:
                problem = str(error).rstrip(".")
                continue
            if answer.ok and (fetched.is_whole or fetched.is_same(damaged)):
                return Download(fetched.size, _charset(answer), document.compression_algorithm or "")
            if answer.ok:
                problem, damaged = "it is packed, and damaged or without its end, each time in another way", fetched
            elif answer.status in (400, 401, 403):
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

    async def _fetch(self, url: str, sink: Sink, max_bytes: int) -> tuple[Answer, Fetched]:
        """One try. A body shorter than its announced length is a cut, whatever the transport makes of it."""
        fetched = Fetched()

        def write(piece: bytes) -> None:
            fetched.see(piece)
            sink.write(piece)

        answer = await self._downloads.stream(
            "GET", _checked_address(url, self._downloads.base_url), sink=write, max_bytes=max_bytes
        )
        announced = answer.headers.get("content-length", "")
        if answer.ok and announced.isdecimal() and int(announced) != fetched.size:
            raise Unavailable(f"{fetched.size} of {announced} bytes came.")
        return answer, fetched


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


def _charset(answer: Answer) -> str:
    """The charset of Content-Type, lower-case; "" where there is none."""
    header = Message()
    header["content-type"] = answer.headers.get("content-type", "")
    return (header.get_content_charset() or "").casefold()
