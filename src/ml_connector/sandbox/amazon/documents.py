"""Report documents: minting an address that is good for five minutes, and answering it as the storage behind it does.

Source: SP-API dossier, section 14.1: a presigned GET that takes no header of Amazon's, 403 with XML once it is over. Parts of
a document can be asked for, as S3 allows it (RFC 9110, section 14): a broken download goes on where it broke.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from ml_connector.sandbox.amazon.filing import Filing
from ml_connector.sandbox.amazon.messages import Refused, Reply, Request
from ml_connector.sandbox.amazon.parameters import truth
from ml_connector.sandbox.amazon.reports import Reports
from ml_connector.sandbox.clock import WorldClock
from ml_connector.sandbox.faults import SystemFaults

if TYPE_CHECKING:
    from ml_connector.sandbox.world import World

LIFE_S = 300
PREFIX = "/storage/"
_STAMP = "%Y%m%dT%H%M%SZ"


class Documents:
    """``clock`` is Amazon's, ``faults`` its plan: ``expired_address`` and ``truncated_gzip`` happen to ``downloadDocument``."""

    def __init__(self, world: World, filing: Filing, reports: Reports, clock: WorldClock, faults: SystemFaults) -> None:
        self._world = world
        self._filing = filing
        self._reports = reports
        self._clock = clock
        self._faults = faults
        self._secret = world.random("amazon:storage").getrandbits(128)

    def mint(self, seller_id: str, document_id: str, request: Request) -> Reply:
        """``GET /documents/{reportDocumentId}``: the address, and whether its content is zipped."""
        filed = self._filing.document(document_id) if self._reports.holds_document(seller_id, document_id) else None
        if filed is None:
            raise Refused.not_found(f"Report document {document_id} was not found")
        minted = self._clock.now().strftime(_STAMP)
        query = {"X-Amz-Date": minted, "X-Amz-Expires": str(LIFE_S)}
        if truth(request.query, "enableContentEncodingUrlHeader") and filed.says_zipped:
            query["response-content-encoding"] = "gzip"
        query["X-Amz-Signature"] = self._signature(document_id, query)
        address = f"{self._world.base_url}/amazon{PREFIX}{quote(document_id, safe='')}?{urlencode(query)}"
        answer = {"reportDocumentId": document_id, "url": address}
        if filed.says_zipped:
            answer["compressionAlgorithm"] = "GZIP"
        return Reply.of_json(200, answer)

    def download(self, request: Request) -> Reply:
        """The presigned GET. Any second way of signing is refused: a token must not travel here."""
        document_id = request.path.removeprefix(PREFIX)
        if "authorization" in request.headers:
            return _xml(400, "InvalidArgument", "Only one auth mechanism allowed")
        if any(name.startswith("x-amz-") for name in request.headers):
            return _xml(403, "AccessDenied", "There were headers present in the request which were not signed")
        query = dict(request.query)
        if query.pop("X-Amz-Signature", "") != self._signature(document_id, query):
            return _xml(403, "SignatureDoesNotMatch", "The request signature we calculated does not match")
        minted = datetime.strptime(f"{query['X-Amz-Date']}+0000", f"{_STAMP}%z")
        ended = self._faults.ask("downloadDocument", "expired_address") is not None
        if ended or self._clock.now() > minted + timedelta(seconds=LIFE_S):
            return _xml(403, "AccessDenied", "Request has expired")
        filed = self._filing.document(document_id)
        if filed is None:
            return _xml(404, "NoSuchKey", "The specified key does not exist.")
        content = filed.content
        if content[:2] == b"\x1f\x8b" and self._faults.ask("downloadDocument", "truncated_gzip"):
            content = content[: len(content) // 2]
        headers = {"content-type": f"text/plain; charset={filed.charset}" if filed.charset else "text/plain"}
        if "response-content-encoding" in query:
            headers["content-encoding"] = query["response-content-encoding"]
        return _in_part(content, headers, request.headers)

    def _signature(self, document_id: str, query: dict[str, str]) -> str:
        material = f"{self._secret}:{document_id}:{sorted(query.items())}"
        return hashlib.sha256(material.encode()).hexdigest()


def _in_part(content: bytes, headers: dict[str, str], asked: Mapping[str, str]) -> Reply:
    """The bytes that ``Range`` asks for, or all of them: where it is not understood, or means another version."""
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {**headers, "accept-ranges": "bytes", "etag": tag}
    found = re.fullmatch(r"bytes=(\d{1,18})?-(\d{1,18})?", asked.get("range", ""), re.ASCII)
    if found is None or not any(found.groups()) or asked.get("if-range", tag) != tag:
        return Reply(200, content, headers)
    size = len(content)
    first = int(found[1]) if found[1] else max(0, size - int(found[2]))
    last = min(int(found[2]), size - 1) if found[1] and found[2] else size - 1
    if first > last:
        reply = _xml(416, "InvalidRange", "The requested range is not satisfiable")
        return Reply(416, reply.body, {**reply.headers, "content-range": f"bytes */{size}"})
    upto = last + 1
    return Reply(206, content[first:upto], {**headers, "content-range": f"bytes {first}-{last}/{size}"})


def _xml(status: int, code: str, message: str) -> Reply:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Reply(status, body.encode(), {"content-type": "application/xml"})
