"""The storage behind documents: addresses that are signed for one method and five minutes, and what it answers in XML.

Source: SP-API dossier, sections 14.1 and 19: no header of Amazon's, an upload with the very content type it was asked for with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from ml_connector.sandbox.amazon.messages import Reply, Request
from ml_connector.sandbox.clock import WorldClock

if TYPE_CHECKING:
    from ml_connector.sandbox.world import World

LIFE_S = 300
PREFIX = "/storage/"
_STAMP = "%Y%m%dT%H%M%SZ"


class Storage:
    """Makes addresses and knows its own."""

    def __init__(self, world: World, clock: WorldClock) -> None:
        self._world = world
        self._clock = clock
        self._secret = world.random("amazon:storage").getrandbits(128)

    def address(self, document_id: str, more: Mapping[str, str], *, method: str = "GET", content_type: str = "") -> str:
        """Where a document can be had, or put, from now on. ``more`` is signed with it."""
        query = {"X-Amz-Date": self._clock.now().strftime(_STAMP), "X-Amz-Expires": str(LIFE_S), **more}
        query["X-Amz-Signature"] = self._signature(document_id, query, method, content_type)
        return f"{self._world.base_url}/amazon{PREFIX}{quote(document_id, safe='')}?{urlencode(query)}"

    def refusal(self, request: Request, *, content_type: str = "", ended: bool = False) -> Reply | None:
        """Why a request is not served, None where it is. Any second way of signing is refused: a token must not travel here.

        ``content_type`` is the one that is signed. ``ended``: its time is over already.
        """
        if "authorization" in request.headers:
            return xml_error(400, "InvalidArgument", "Only one auth mechanism allowed")
        if any(name.startswith("x-amz-") for name in request.headers):
            return xml_error(403, "AccessDenied", "There were headers present in the request which were not signed")
        query = dict(request.query)
        signature = query.pop("X-Amz-Signature", "")
        if signature != self._signature(document_of(request), query, request.method, content_type):
            return xml_error(403, "SignatureDoesNotMatch", "The request signature we calculated does not match")
        minted = datetime.strptime(f"{query['X-Amz-Date']}+0000", f"{_STAMP}%z")
        if ended or self._clock.now() > minted + timedelta(seconds=LIFE_S):
            return xml_error(403, "AccessDenied", "Request has expired")
        return None

    def _signature(self, document_id: str, query: Mapping[str, str], method: str, content_type: str) -> str:
        material = f"{self._secret}:{method}:{document_id}:{content_type}:{sorted(query.items())}"
        return hashlib.sha256(material.encode()).hexdigest()


def document_of(request: Request) -> str:
    """The document that a request to the storage means."""
    return request.path.removeprefix(PREFIX)


def xml_error(status: int, code: str, message: str) -> Reply:
    """An error as the storage words it."""
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Reply(status, body.encode(), {"content-type": "application/xml"})
