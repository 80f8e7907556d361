"""Report documents: an address of each, and what the storage has there.

Source: SP-API dossier, section 14.1: a presigned GET that takes no header of Amazon's, 403 with XML once it is over. Parts of
a document can be asked for, as S3 allows it (RFC 9110, section 14): a broken download goes on where it broke.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from ml_connector.sandbox.amazon.filing import Filing
from ml_connector.sandbox.amazon.messages import Refused, Reply, Request
from ml_connector.sandbox.amazon.parameters import truth
from ml_connector.sandbox.amazon.reports import Reports
from ml_connector.sandbox.amazon.storage import Storage, document_of, xml_error
from ml_connector.sandbox.faults import SystemFaults


class Documents:
    """``faults`` is Amazon's plan: ``expired_address`` and ``truncated_gzip`` happen to ``downloadDocument``."""

    def __init__(self, storage: Storage, filing: Filing, reports: Reports, faults: SystemFaults) -> None:
        self._storage = storage
        self._filing = filing
        self._reports = reports
        self._faults = faults

    def mint(self, seller_id: str, document_id: str, request: Request) -> Reply:
        """``GET /documents/{reportDocumentId}``: the address, and whether its content is zipped."""
        filed = self._filing.document(document_id) if self._reports.holds_document(seller_id, document_id) else None
        if filed is None:
            raise Refused.not_found(f"Report document {document_id} was not found")
        encoded = truth(request.query, "enableContentEncodingUrlHeader") and filed.says_zipped
        more = {"response-content-encoding": "gzip"} if encoded else {}
        answer = {"reportDocumentId": document_id, "url": self._storage.address(document_id, more)}
        if filed.says_zipped:
            answer["compressionAlgorithm"] = "GZIP"
        return Reply.of_json(200, answer)

    def download(self, request: Request) -> Reply:
        """The presigned GET, of whatever lies in the storage."""
        ended = self._faults.ask("downloadDocument", "expired_address") is not None
        refused = self._storage.refusal(request, ended=ended)
        if refused is not None:
            return refused
        filed = self._filing.document(document_of(request))
        if filed is None:
            return xml_error(404, "NoSuchKey", "The specified key does not exist.")
        content = filed.content
        if content[:2] == b"\x1f\x8b" and self._faults.ask("downloadDocument", "truncated_gzip"):
            content = content[: len(content) // 2]
        headers = {"content-type": f"text/plain; charset={filed.charset}" if filed.charset else "text/plain"}
        if "response-content-encoding" in request.query:
            headers["content-encoding"] = request.query["response-content-encoding"]
        return _in_part(content, headers, request.headers)


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
        reply = xml_error(416, "InvalidRange", "The requested range is not satisfiable")
        return Reply(416, reply.body, {**reply.headers, "content-range": f"bytes */{size}"})
    upto = last + 1
    return Reply(206, content[first:upto], {**headers, "content-range": f"bytes {first}-{last}/{size}"})
