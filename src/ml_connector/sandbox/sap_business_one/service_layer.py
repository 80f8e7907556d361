"""The Service Layer: sessions in front, resources behind, batches around them (dossier, sections 3, 4 and 9).

A write is one transaction, answered only after it is kept. What a fault plan asks of the system's inside happens here.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TypeVar
from urllib.parse import urlsplit

from ml_connector.sandbox.faults import SystemFaults
from ml_connector.sandbox.sap_business_one.batch import Answer, Answers, ChangeSet, Part, parse_batch, write_batch
from ml_connector.sandbox.sap_business_one.company import USERNAME
from ml_connector.sandbox.sap_business_one.context import Context
from ml_connector.sandbox.sap_business_one.desk import SETS as DESK_SETS
from ml_connector.sandbox.sap_business_one.errors import (
    NOT_FOUND,
    NOT_PERMITTED,
    NOTIFICATION,
    ServiceLayerError,
    invalid_session,
    malformed,
    not_supported,
    rejected,
)
from ml_connector.sandbox.sap_business_one.exact_json import from_json, to_json
from ml_connector.sandbox.sap_business_one.metadata import metadata
from ml_connector.sandbox.sap_business_one.resources import Call, Resource, Resources, operation_of
from ml_connector.sandbox.sap_business_one.services import Services
from ml_connector.sandbox.sap_business_one.sessions import Session, Sessions
from ml_connector.sandbox.sap_business_one.wire import BUILD, error_of_v1, error_of_v2

_T = TypeVar("_T", Answer, Answers)
#: Sets whose rows are booked, and the date that their period is found by.
_BOOKED = {
    "JournalEntries": "OJDT.RefDate",
    "Invoices": "OINV.DocDate",
    "CreditNotes": "ORIN.DocDate",
    "DeliveryNotes": "ODLN.DocDate",
    "Orders": "ORDR.DocDate",
    "InventoryGenEntries": "OIGN.DocDate",
    "InventoryGenExits": "OIGE.DocDate",
    "IncomingPayments": "ORCT.DocDate",
    "VendorPayments": "OVPM.DocDate",
}
_TOO_LONG = b"<html><head><title>414 Request-URI Too Long</title></head><body></body></html>\n"
_CENT = Decimal("0.01")
_METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")
_REJECTED_INSIDE = "Internal error (-5002) occurred"


class ServiceLayer:
    """Answers whole HTTP requests, one after the other; nothing here awaits."""

    def __init__(self, context: Context, sessions: Sessions, faults: SystemFaults, chance: random.Random) -> None:
        self._context = context
        self._sessions = sessions
        self._faults = faults
        self._random = chance
        self._resources = Resources(context)
        self._services = Services(context)

    def answer(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """One request. ``path`` is relative to the service root; header names are lower case."""
        if "expect" in headers:
            # The balancer in front cannot handle it (dossier, section 3.2).
            return Answer(500)
        if len(path) + len(query) > self._context.switches.number("url_characters_max"):
            return Answer(414, (("Content-Type", "text/html; charset=iso-8859-1"),), _TOO_LONG)
        try:
            return self._answer(method, path, query, headers, body)
        except ServiceLayerError as refusal:
            return self._refusal(refusal)

    def _answer(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Answer:
        operation = operation_of(method, path)
        if path == "Login" and method == "POST":
            return self._log_in(body)
        route = _cookies(headers.get("cookie", "")).get("ROUTEID")
        session = self._session(headers, operation, route)
        answer = self._in_session(method, path, query, headers, body, session, operation)
        if route not in (None, session.route):
            # The balancer found the node that was asked for down, and says which one it is now.
            return Answer(answer.status, (*answer.headers, _route(session)), answer.body)
        return answer

    def _in_session(
        self,
        method: str,
        path: str,
        query: str,
        headers: Mapping[str, str],
        body: bytes,
        session: Session,
        operation: str,
    ) -> Answer:
        call = Call(method, path, query, headers, body, self._sessions.is_superuser(session))
        match path:
            case "Logout" if method == "POST":
                self._sessions.end(session.id)
                return Answer(204, (self._context.wire.version_header,))
            case "$metadata" if method == "GET":
                document = metadata(self._context.schema, self._context.wire)
                return Answer(200, (("Content-Type", "application/xml;charset=utf-8"),), document)
            case "$batch" if method == "POST":
                return self._batch(call, session)
            case _:
                return self._kept(lambda: self._one(call, operation))

    # --- sessions ------------------------------------------------------------------------------------------------------

    def _log_in(self, body: bytes) -> Answer:
        try:
            sent = from_json(body)
        except ValueError as error:
            raise malformed("The request body is not JSON.") from error
        if self._faults.ask("Login", "revoked_token"):
            self._sessions.lock(USERNAME, locked=True)
        session = self._sessions.log_in(sent, self._context.wire.version)
        members: dict[str, object] = {
            "SessionId": session.id,
            "Version": BUILD,
            "SessionTimeout": self._sessions.timeout_minutes,
        }
        headers = (
            ("Content-Type", self._context.wire.content_type),
            # No Path and a dangling semicolon, exactly (dossier, section 3.2).
            ("Set-Cookie", f"B1SESSION={session.id};HttpOnly;"),
            _route(session),
        )
        fragment = f"B1Sessions{self._context.wire.single}"
        return Answer(200, headers, to_json(self._context.annotated(fragment, members)).encode())

    def _session(self, headers: Mapping[str, str], operation: str, route: str | None) -> Session:
        """The session of a request. ROUTEID is not needed (dossier, section 3.2), but for a switch."""
        session_id = _cookies(headers.get("cookie", "")).get("B1SESSION")
        if self._faults.ask(operation, "revoked_token"):
            self._sessions.lock(USERNAME, locked=True)
        if self._faults.ask(operation, "expired_session"):
            self._sessions.end(session_id)
        return self._sessions.use(session_id, self._context.wire.version, route)

    # --- one request ---------------------------------------------------------------------------------------------------

    def _kept(self, work: Callable[[], _T]) -> _T:
        """Do work in one transaction. Whatever it was, the catalog is what the ledger says afterwards."""
        try:
            with self._context.tables.book.transaction():
                answer = work()
        except ServiceLayerError:
            self._context.catalog.refresh()
            raise
        self._context.catalog.refresh()
        return answer

    def _one(self, call: Call, operation: str) -> Answer:
        """One resource request inside a transaction."""
        if call.method not in _METHODS:
            raise not_supported()
        resource = Resource.of(call.path)
        entity_set = self._context.schema.sets.get(resource.name)
        if entity_set is not None:
            if resource.name in self._context.forbidden:
                raise ServiceLayerError(403, NOT_PERMITTED, "You are not permitted to perform this action")
            posts = call.method == "POST" and resource.key is None and resource.name in _BOOKED
            if posts and self._faults.ask(operation, "closed_period"):
                raise rejected(f"Posting period is locked [{_BOOKED[resource.name]}].")
            if posts and resource.name in self._context.notifications:
                raise ServiceLayerError(400, NOTIFICATION, self._context.notifications[resource.name])
            answer = self._resources.answer(call, resource, entity_set)
            if posts:
                self._people(operation, dict(answer.headers).get("Location", ""))
            return answer
        service = self._services.find(resource.name)
        if service is not None and resource.key is None and not resource.tail:
            return self._services.answer(service, call)
        raise self._unknown(resource.name)

    def _unknown(self, name: str) -> ServiceLayerError:
        """A name in the wrong case answers as a lost session (dossier, section 3.2), any other is not found."""
        known = (*self._context.schema.sets, *(each.name for each in self._context.schema.operations))
        if name.lower() in {each.lower() for each in known}:
            return invalid_session()
        return ServiceLayerError(404, NOT_FOUND, f"Unrecognized resource path '{name}'.")

    def _people(self, operation: str, location: str) -> None:
        """A person is quick: the entry or document just written is changed by a cent, or taken back."""
        edits = self._faults.ask(operation, "person_edits")
        cancels = self._faults.ask(operation, "person_cancels")
        if not edits and not cancels:
            return
        made = Resource.of(location.rpartition("/")[2])
        entry = int(made.key or 0)
        journal = made.name == "JournalEntries"
        if edits and journal:
            self._context.journal.nudge(entry, 0, _CENT)
        elif edits and made.name in DESK_SETS:
            self._context.accidents.nudge(made.name, entry, _CENT)
        if cancels and journal:
            self._context.journal.cancel(entry)
        elif cancels and made.name in DESK_SETS:
            entity = self._context.schema.of_set(made.name)
            row = self._context.tables.one(entity, {"DocEntry": entry})
            if row is not None:
                self._context.desk.act(made.name, row, "Close" if made.name == "Drafts" else "Cancel")

    def _refusal(self, refusal: ServiceLayerError) -> Answer:
        wire = self._context.wire
        worded = wire.error
        if refusal.status == 401:
            reading = self._context.switches.text("expiry_body" if wire.version == "v2" else "expiry_body_on_v1")
            worded = error_of_v1 if reading == "v1" else error_of_v2
        return Answer(refusal.status, wire.headers(), to_json(worded(refusal)).encode())

    # --- batches -------------------------------------------------------------------------------------------------------

    def _batch(self, call: Call, session: Session) -> Answer:
        """Requests in order until the first that fails; one answer for a failed change set (dossier, section 9)."""
        wire = self._context.wire
        items = parse_batch(call.headers.get("content-type", ""), call.body, content_id_needed=wire.content_id_needed)
        fails_at = len(items) // 2 if self._faults.ask("$batch", "partial_batch") else -1
        answers: list[Answer | Answers] = []
        for number, item in enumerate(items):
            try:
                if number == fails_at:
                    raise rejected(_REJECTED_INSIDE)
                answers.append(
                    self._change_set(item, call, session)
                    if isinstance(item, ChangeSet)
                    else self._single(item, call, session)
                )
            except ServiceLayerError as refusal:
                if isinstance(item, ChangeSet) and refusal.status != 401:
                    refusal = ServiceLayerError(400, refusal.code, refusal.message)
                answers.append(self._refusal(refusal))
                break
        content_type, body = write_batch(answers, self._boundary(), content_id_in_part=wire.content_id_in_part)
        status = self._context.switches.number("batch_status_on_v2") if wire.version == "v2" else 202
        return Answer(status, (("Content-Type", content_type), wire.version_header), body)

    def _single(self, part: Part, outer: Call, session: Session) -> Answer:
        return self._kept(lambda: self._inner(part, outer, session, {}))

    def _change_set(self, item: ChangeSet, outer: Call, session: Session) -> Answers:
        if not self._context.switches.on("claim_change_set") and any("/U_" in part.target for part in item.parts):
            raise rejected(_REJECTED_INSIDE)
        made: dict[str, str] = {}

        def work() -> Answers:
            return Answers(tuple(self._inner(part, outer, session, made) for part in item.parts))

        return self._kept(work)

    def _inner(self, part: Part, outer: Call, session: Session, made: dict[str, str]) -> Answer:
        """One request of a batch. ``made`` holds what earlier parts of its change set created, by Content-ID."""
        target = urlsplit(part.target)
        path = self._inner_path(target.path, made)
        operation = f"$batch/{operation_of(part.method, path)}"
        if self._faults.ask(operation, "expired_session"):
            self._sessions.end(session.id)
        self._sessions.use(session.id, session.version, session.route)
        call = Call(part.method, path, target.query, {**part.headers}, part.body, outer.superuser)
        answer = self._one(call, operation)
        location = dict(answer.headers).get("Location", "")
        if part.content_id and location:
            made[part.content_id] = location.rpartition("/")[2]
        length = (("Content-Length", str(len(answer.body))),) if answer.body else ()
        return Answer(answer.status, (*answer.headers[:1], *length, *answer.headers[1:]), answer.body, part.content_id)

    def _inner_path(self, path: str, made: Mapping[str, str]) -> str:
        """A path inside a batch, relative to the service root; ``$1`` is what part 1 created."""
        root = f"{self._context.wire.root}/"
        relative = path.partition(root)[2] if root in path else path.lstrip("/")
        first, _, rest = relative.partition("/")
        if first.startswith("$") and first[1:] in made:
            return f"{made[first[1:]]}/{rest}" if rest else made[first[1:]]
        return relative

    def _boundary(self) -> str:
        text = f"{self._random.getrandbits(128):032x}"
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _route(session: Session) -> tuple[str, str]:
    return ("Set-Cookie", f"ROUTEID={session.route}; path=/b1s")


def _cookies(header: str) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in header.split(";"))
    return {name: value for name, _, value in pairs if name}
