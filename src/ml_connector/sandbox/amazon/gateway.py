"""The front door: which operation a request means, who may call it, how often, and how a refusal is worded.

Source: SP-API dossier, sections 5-7. The order of checks is the edge, the route, the token, the bucket (a refused call
spends quota, section 6), the role, the operation.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from ml_connector.sandbox.amazon.account import Account
from ml_connector.sandbox.amazon.limits import LIMITS, Buckets, announced
from ml_connector.sandbox.amazon.messages import Refused, Reply, Request, general_error
from ml_connector.sandbox.amazon.operations import Operations
from ml_connector.sandbox.amazon.storage import PREFIX
from ml_connector.sandbox.clock import WorldClock
from ml_connector.sandbox.faults import Receive, Scope, Send, SystemFaults
from ml_connector.sandbox.switches import Switches

TOKEN_PATH = "/auth/o2/token"  # noqa: S105 - a path
_USER_AGENT_MAX = 500
_BODY_MAX_BYTES = 10 * 1024 * 1024
_HTML_400 = (
    b"<html><head><title>400 Bad Request</title></head><body><center><h1>400 Bad Request</h1></center></body></html>"
)

ROUTES: Sequence[tuple[str, str, str]] = (
    ("GET", r"/sellers/v1/marketplaceParticipations", "getMarketplaceParticipations"),
    ("GET", r"/sellers/v1/account", "getAccount"),
    ("GET", r"/reports/2021-06-30/reports", "getReports"),
    ("POST", r"/reports/2021-06-30/reports", "createReport"),
    ("GET", r"/reports/2021-06-30/reports/([^/]+)", "getReport"),
    ("DELETE", r"/reports/2021-06-30/reports/([^/]+)", "cancelReport"),
    ("GET", r"/reports/2021-06-30/schedules", "getReportSchedules"),
    ("POST", r"/reports/2021-06-30/schedules", "createReportSchedule"),
    ("GET", r"/reports/2021-06-30/schedules/([^/]+)", "getReportSchedule"),
    ("DELETE", r"/reports/2021-06-30/schedules/([^/]+)", "cancelReportSchedule"),
    ("GET", r"/reports/2021-06-30/documents/([^/]+)", "getReportDocument"),
    ("GET", r"/orders/2026-01-01/orders", "searchOrders"),
    ("GET", r"/orders/2026-01-01/orders/([^/]+)", "getOrder"),
    ("POST", r"/orders/v0/orders/([^/]+)/shipmentConfirmation", "confirmShipment"),
    ("GET", r"/finances/2024-06-19/transactions", "listTransactions"),
    ("GET", r"/finances/2024-06-19/summary", "listSummary"),
    ("GET", r"/finances/2024-06-19/balances", "listBalances"),
    ("GET", r"/finances/v0/financialEventGroups", "listFinancialEventGroups"),
    ("GET", r"/finances/transfers/2024-06-01/payouts", "listPayouts"),
    ("GET", r"/catalog/2022-04-01/items", "searchCatalogItems"),
    ("GET", r"/catalog/2022-04-01/items/([^/]+)", "getCatalogItem"),
    ("GET", r"/listings/2021-08-01/items/([^/]+)", "searchListingsItems"),
    ("GET", r"/listings/2021-08-01/items/([^/]+)/(.+)", "getListingsItem"),
    ("PATCH", r"/listings/2021-08-01/items/([^/]+)/(.+)", "patchListingsItem"),
    ("POST", r"/feeds/2021-06-30/documents", "createFeedDocument"),
    ("GET", r"/feeds/2021-06-30/documents/([^/]+)", "getFeedDocument"),
    ("GET", r"/feeds/2021-06-30/feeds", "getFeeds"),
    ("POST", r"/feeds/2021-06-30/feeds", "createFeed"),
    ("GET", r"/feeds/2021-06-30/feeds/([^/]+)", "getFeed"),
    ("DELETE", r"/feeds/2021-06-30/feeds/([^/]+)", "cancelFeed"),
    ("GET", r"/fba/inventory/v1/summaries", "getInventorySummaries"),
)


def operation_of(method: str, path: str) -> str:
    """How the fault plan names a request: the operation id, ``token``, ``downloadDocument``, ``uploadDocument`` or ``unknown``.

    ``path`` is decoded: the slash of a SKU is one like others there.
    """
    if path == TOKEN_PATH:
        return "token"
    if path.startswith(PREFIX):
        return "uploadDocument" if method == "PUT" else "downloadDocument"
    return _route(method, path)[0] or "unknown"


@dataclass(frozen=True, slots=True)
class Parts:
    """What the gateway puts together."""

    account: Account
    operations: Operations
    clock: WorldClock
    faults: SystemFaults
    switches: Switches


class Gateway:
    """The ASGI app."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._buckets = Buckets()
        self._answered = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = await _request(scope, receive)
        reply = self._answer(request)
        headers = {**reply.headers, "content-length": str(len(reply.body)), "x-amzn-RequestId": self.request_id()}
        start = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": start})
        await send({"type": "http.response.body", "body": reply.body})

    def _answer(self, request: Request) -> Reply:
        if _is_strange(request):
            return Reply(400, _HTML_400, {"content-type": "text/html"})
        if request.path == TOKEN_PATH and request.method == "POST":
            self._play_faults("token")
            return self._parts.account.exchange(request)
        if request.path.startswith(PREFIX) and request.method in ("GET", "PUT"):
            operations = self._parts.operations
            return (
                operations.documents.download(request) if request.method == "GET" else operations.feeds.upload(request)
            )
        operation, found = _route(request.method, request.raw_path)
        if any("/" in each for each in found):
            operation = ""
        try:
            reply = self._operate(operation, [unquote(each) for each in found], request)
        except Refused as refused:
            reply = refused.reply
        if (
            operation
            and self._parts.switches.on("announces_rate")
            and (reply.status < 300 or reply.status in (400, 404))
        ):
            rate = announced(operation, self._parts.clock.speed)
            return Reply(reply.status, reply.body, {**reply.headers, "x-amzn-RateLimit-Limit": rate})
        return reply

    def _operate(self, operation: str, path: Sequence[str], request: Request) -> Reply:
        self._check_user_agent(request)
        if not operation:
            raise Refused.access(code=self._parts.switches.text("unknown_route_code"))
        seller_id = self._caller(operation, request)
        if operation in self._parts.account.missing_roles:
            raise Refused.access(message=self._parts.switches.text("missing_role_message"))
        if len(request.body) > _BODY_MAX_BYTES:
            raise Refused(413, "RequestEntityTooLarge", "The request body is too large")
        if request.method in ("POST", "PATCH") and not request.headers.get("content-type", "").startswith(
            "application/json"
        ):
            raise Refused(415, "UnsupportedMediaType", "The media type is not supported")
        self._parts.operations.up_to(self._parts.clock.now())
        return self._parts.operations.handlers[operation](seller_id, path, request)

    def _check_user_agent(self, request: Request) -> None:
        user_agent = request.headers.get("user-agent", "")
        if user_agent and len(user_agent) <= _USER_AGENT_MAX:
            return
        status = self._parts.switches.number("user_agent_status")
        if status == 400:
            raise Refused.input("The User-Agent header is missing or too long")
        raise Refused.access()

    def _caller(self, operation: str, request: Request) -> str:
        """The selling account behind the access token. Raises Refused in the words of section 6."""
        account, now = self._parts.account, self._parts.clock.now()
        status = 401 if self._parts.switches.on("token_errors_are_401") else 403
        value = request.headers.get("x-amz-access-token", "")
        if not value:
            raise Refused.access(status=status, code="MissingAuthenticationToken")
        self._play_faults(operation)
        token = account.token(value)
        if token is None:
            raise Refused.access(self._details("is revoked, malformed or invalid."), status=status)
        if not self._buckets.take(token.seller_id, account.client_id, operation, now):
            raise Refused.of(429, general_error(429))
        if token.expires <= now:
            raise Refused.access(self._details("has expired."), status=status)
        if not token.seller_id or account.other_region:
            raise Refused.access()
        return token.seller_id

    def _play_faults(self, operation: str) -> None:
        if self._parts.faults.ask(operation, "expired_session"):
            self._parts.account.expire_tokens()
        if self._parts.faults.ask(operation, "revoked_token"):
            self._parts.account.revoke()
        if self._parts.faults.ask(operation, "rotated_secret"):
            self._parts.account.rotate_secret()

    def _details(self, ending: str) -> str:
        told = self._parts.switches.on("expired_token_has_details")
        return f"The access token you provided {ending}" if told else ""

    def request_id(self) -> str:
        """The id of one more answer: every one has its own, what goes wrong too (section 5)."""
        self._answered += 1
        digits = hashlib.sha256(f"{self._parts.account.seller_id}:{self._answered}".encode()).hexdigest()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}"


def _is_strange(request: Request) -> bool:
    """What the edge refuses before anybody reads it: a body on a GET, a NUL anywhere (section 5)."""
    has_nul = any("\0" in text for pair in request.query.items() for text in pair)
    return (request.method == "GET" and request.body != b"") or "%00" in request.raw_path or has_nul


def _route(method: str, path: str) -> tuple[str, Sequence[str]]:
    """Operation id and path parameters; both empty for what there is not."""
    for wanted, pattern, operation in ROUTES:
        found = re.fullmatch(pattern, path) if wanted == method and operation in LIMITS else None
        if found:
            return operation, found.groups()
    return "", ()


async def _request(scope: Scope, receive: Receive) -> Request:
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    query = scope.get("query_string", b"").decode("ascii", errors="replace")
    return Request(
        method=scope["method"],
        path=scope["path"],
        raw_path=scope["raw_path"].decode("latin-1"),
        query=_joined(parse_qsl(query, keep_blank_values=True)),
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
        body=body,
    )


def _joined(pairs: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """A parameter that comes several times is a list, as if its values stood beside each other with commas."""
    query: dict[str, str] = {}
    for name, value in pairs:
        query[name] = f"{query[name]},{value}" if name in query else value
    return query
