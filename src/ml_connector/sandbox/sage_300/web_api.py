"""Requests to the Web API: from a path to the rooms of the company and back (dossier, sections 2 to 8)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from urllib.parse import unquote

from ml_connector.sandbox.faults import SystemFaults
from ml_connector.sandbox.sage_300.batches import DELETED, POSTED, BatchRoom
from ml_connector.sandbox.sage_300.company import COMPANY
from ml_connector.sandbox.sage_300.company_rooms import Company
from ml_connector.sandbox.sage_300.errors import (
    SageError,
    bad_action,
    bad_key,
    bad_payload,
    forbidden,
    internal,
    no_record,
    no_resource,
    not_allowed,
    unauthorized,
)
from ml_connector.sandbox.sage_300.metadata import metadata
from ml_connector.sandbox.sage_300.people import can_edit, edit_first_line
from ml_connector.sandbox.sage_300.processes import Processes
from ml_connector.sandbox.sage_300.query import Options, next_link, read_page
from ml_connector.sandbox.sage_300.schema import Resource, Row, blank
from ml_connector.sandbox.sage_300.security import USERNAME
from ml_connector.sandbox.sage_300.values import Reader
from ml_connector.sandbox.sage_300.wire import JSON, Answer, Renderer, from_json, refusal, to_json

APPLICATION = "Sage300WebApi"
#: The host as the server knows itself (dossier, section 5).
_OWN_ADDRESS = f"http://localhost/{APPLICATION}"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_PATH = re.compile(
    r"/?(?P<application>\w+)/(?P<version>[^/]+)/(?P<tenant>[^/]+)/(?P<company>[^/]+)/(?P<module>[^/]+)/"
    r"(?P<resource>\$?\w+)(?:\((?P<key>.*)\))?"
)
_KEY_PART = re.compile(r"\s*(?:(?P<name>\w+)\s*=\s*)?(?:'(?P<text>(?:[^']|'')*)'|(?P<number>-?\d{1,18}))\s*(?:,|$)")


@dataclass(frozen=True, slots=True)
class Call:
    """One request. ``key`` is what stands in parentheses, None where nothing does."""

    method: str
    company: str
    module: str
    resource: str
    key: str | None
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def action(self) -> str:
        """``$process`` or ``$template``, "" for anything else."""
        return self.key[1:-1] if self.key in ("'$process'", "'$template'") else ""

    @property
    def operation(self) -> str:
        """The name of the request in a fault plan."""
        return operation_name(self.method, self.resource, self.action)


def operation_name(method: str, resource: str, action: str) -> str:
    """``ARInvoiceBatches.POST``, ``ARPostInvoices.$process``, ``$metadata``."""
    return resource if resource == "$metadata" else f"{resource}.{action or method}"


def parse_path(path: str) -> re.Match[str] | None:
    """The parts of a path below the system's own address; None for what the application does not serve.

    An escaped slash in a key is a slash here as in the real server: the path falls apart (dossier, section 6).
    """
    match = _PATH.fullmatch(unquote(path))
    return match if match is not None and match["application"].lower() == APPLICATION.lower() else None


class WebApi:
    """The Web API of one installation with one company."""

    def __init__(
        self, company: Company, faults: SystemFaults, now: Callable[[], datetime], sign_in: Callable[[str], None]
    ) -> None:
        self._company = company
        self._context = company.context
        self._switches = company.context.switches
        self._faults = faults
        self._now = now
        self._remember_user = sign_in
        self._reader = Reader(company.context.schema, self._switches.number("day_shift_hours"))
        self._renderer = Renderer(company.context.schema, self._switches)
        self._processes = Processes(company)

    def answer(self, call: Call) -> Answer:
        """Do what is asked, in one transaction: all of it, or nothing but what a refusal says it keeps."""
        answer = self._kept(call)
        self._company.calendar.close_for_now(closed=False)
        return answer

    def _kept(self, call: Call) -> Answer:
        try:
            with self._context.records.book.transaction():
                try:
                    return self._answer(call)
                except SageError as error:
                    if not error.keeps:
                        raise
                    return refusal(error)
        except SageError as error:
            return refusal(error)

    def _answer(self, call: Call) -> Answer:
        if not call.headers.get("content-type", "").lower().startswith("application/json"):
            raise internal("An error has occurred.")
        user = self._company.security.sign_in(call.headers.get("authorization", ""))
        self._remember_user(user)
        self._demand_company(call)
        if self._faults.ask(call.operation, "revoked_token"):
            self._company.security.grant(USERNAME, ())
            raise SageError(403, "Forbidden", "The user has no right to the Web API.", keeps=True)
        if self._faults.ask(call.operation, "expired_session"):
            raise SageError(500, "SessionError", "The session could not be opened.")
        self._company.security.demand_right(user, call.module)
        for room in self._company.batch_rooms.values():
            room.finish_due(self._now())
        if call.resource == "$metadata":
            return self._metadata(call)
        resource = self._resource(call)
        if call.method not in _METHODS or call.method not in resource.methods:
            raise not_allowed(call.method)
        if call.module in ("OE", "IC"):
            self._company.day_end.demand_finished()
        if not resource.model:
            return self._unused(call, resource)
        return self._read(call, resource) if call.method == "GET" else self._write(call, resource)

    def _demand_company(self, call: Call) -> None:
        if call.company != f"-/{COMPANY}":
            if self._switches.text("wrong_company") == "401":
                raise unauthorized("The company is not valid.")
            raise no_resource(call.company)

    def _resource(self, call: Call) -> Resource:
        found = self._context.schema.resources.get(call.resource)
        hidden = call.resource == "ICLocationDetails" and not self._switches.on("location_details")
        if found is None or found.module != call.module or hidden:
            raise no_resource(call.resource)
        return found

    def _unused(self, call: Call, resource: Resource) -> Answer:
        """Listed, but nothing is kept there, and the connector's user may only look."""
        if call.method != "GET":
            raise forbidden(f"The user has no right to maintain {resource.name}.")
        if call.key is not None:
            raise no_record()
        return self._json(
            200, {**self._annotation("context", self._address(call, f"$metadata#{resource.name}")), "value": []}
        )

    # --- reading -------------------------------------------------------------------------------------------------------

    def _metadata(self, call: Call) -> Answer:
        if call.method != "GET":
            raise not_allowed(call.method)
        hidden = () if self._switches.on("location_details") else ("ICLocationDetails",)
        document = metadata(self._context.schema, call.module, hidden)
        return Answer(200, (("Content-Type", "application/xml"),), document.encode())

    def _read(self, call: Call, resource: Resource) -> Answer:
        model = self._context.model_of(resource)
        options = Options.of(call.query, model, self._switches)
        if call.key is not None:
            row = self._existing(call, resource)
            return self._entity(200, call, resource, row, options.select)
        size = self._switches.number("page_size")
        page = read_page(self._context.records, resource.name, options, size)
        columns = f"({','.join(options.select)})" if options.select else ""
        members = dict(self._annotation("context", self._address(call, f"$metadata#{resource.name}{columns}")))
        if options.count:
            members.update(self._annotation("count", str(page.total) if self._renderer.count_as_text else page.total))
        members["value"] = [self._renderer.row(row, model, options.select) for row in page.rows]
        if page.next_skip is not None:
            address = self._address(call, resource.name)
            link = next_link(address, call.query, page.next_skip, self._switches.text("next_link"))
            members.update(self._annotation("nextLink", link))
        return self._json(200, members)

    def _existing(self, call: Call, resource: Resource) -> Row:
        row = self._context.records.get(resource.name, *self._key(call, resource))
        if row is None:
            raise no_record()
        return row

    def _key(self, call: Call, resource: Resource) -> list[object]:
        """The key's values in the order of the resource's properties; names may be left out (dossier, section 6)."""
        model, wrong = self._context.model_of(resource), bad_key(call.key or "")
        found: dict[str, object] = {}
        at, given = 0, call.key or ""
        while at < len(given):
            match = _KEY_PART.match(given, at)
            if match is None or len(found) == len(resource.key):
                raise wrong
            name = match["name"] or resource.key[len(found)]
            declared = model.by_name.get(name)
            numeric = declared is not None and declared.kind in ("decimal", "int")
            if declared is None or name in found or numeric != (match["number"] is not None):
                raise wrong
            found[name] = int(match["number"]) if numeric else match["text"].replace("''", "'").strip().upper()
            if declared.kind == "enum":
                found[name] = match["text"]
            at = match.end()
        if set(found) != set(resource.key):
            raise wrong
        return [found[name] for name in resource.key]

    # --- writing -------------------------------------------------------------------------------------------------------

    def _write(self, call: Call, resource: Resource) -> Answer:
        if call.method == "POST" and call.key is not None:
            return self._act(call, resource)
        if resource.is_process:
            raise bad_action(call.key or "")
        if call.method == "POST":
            return self._create(call, resource)
        row = self._existing(call, resource)
        room = self._company.batch_rooms.get(resource.name)
        if call.method == "DELETE":
            self._company.masters.remove(resource, row)
            return self._changed()
        self._ask_for_closed_period(call)
        sent = self._sent(call, resource)
        if room is not None:
            room.change(row, sent)
        elif call.method == "PUT":
            self._company.masters.replace(resource, row, sent)
        else:
            self._company.masters.change(resource, row, sent)
        return self._changed()

    def _act(self, call: Call, resource: Resource) -> Answer:
        """``('$process')`` starts a process, ``('$template')`` shows defaults; anything else is no action."""
        model = self._context.model_of(resource)
        if call.action == "$template":
            return self._entity(200, call, resource, blank(model), ())
        if call.action != "$process" or not resource.is_process:
            raise bad_action(call.key or "")
        self._ask_for_closed_period(call)
        row = blank(model)
        self._context.puts.put(row, self._sent(call, resource), model)
        self._processes.run(resource.name, row, self._now())
        return self._changed()

    def _create(self, call: Call, resource: Resource) -> Answer:
        self._ask_for_closed_period(call)
        sent = self._sent(call, resource)
        room = self._company.batch_rooms.get(resource.name)
        if room is not None:
            row = self._new_batch(call, room, sent)
        elif resource.name == "OEOrders":
            row = self._company.orders.create(sent)
        elif resource.name == "OECreditDebitNotes":
            row = self._company.notes.create(sent)
        else:
            row = self._company.masters.create(resource, sent)
        return self._entity(self._switches.number("create_status"), call, resource, row, ())

    def _new_batch(self, call: Call, room: BatchRoom, sent: Row) -> Row:
        rows = sent.get(room.entries)
        half = len(rows) // 2 if isinstance(rows, list) else 0
        batch = room.create(sent, fails_at=half if self._faults.ask(call.operation, "partial_batch") else None)
        # A person is quick: what was just written is changed or deleted; the answer does not know it yet.
        if self._faults.ask(call.operation, "person_edits") and can_edit(room, batch):
            edit_first_line(self._company, room, room.by_key_text(room.key_text(batch)), Decimal("0.01"))
        if self._faults.ask(call.operation, "person_cancels") and batch[room.status] != POSTED:
            room.set_status(room.by_key_text(room.key_text(batch)), DELETED)
        return batch

    def _sent(self, call: Call, resource: Resource) -> Row:
        try:
            body = from_json(call.body)
        except ValueError as error:
            raise bad_payload("The body is not JSON.") from error
        return self._reader.read(body, self._context.model_of(resource))

    def _ask_for_closed_period(self, call: Call) -> None:
        if self._faults.ask(call.operation, "closed_period"):
            self._company.calendar.close_for_now(closed=True)

    # --- answers -------------------------------------------------------------------------------------------------------

    def _entity(self, status: int, call: Call, resource: Resource, row: Row, select: tuple[str, ...]) -> Answer:
        address = self._address(call, f"$metadata#{resource.name}/$entity")
        members = {
            **self._annotation("context", address),
            **self._renderer.row(row, self._context.model_of(resource), select),
        }
        location: tuple[tuple[str, str], ...] = ()
        if call.method == "POST" and resource.key:
            written = ",".join(_written(name, row[name], alone=len(resource.key) == 1) for name in resource.key)
            location = (("Location", self._address(call, f"{resource.name}({written})")),)
        return self._json(status, members, location)

    def _changed(self) -> Answer:
        return Answer(self._switches.number("change_status"))

    def _annotation(self, name: str, value: object) -> dict[str, object]:
        return {f"{self._renderer.prefix}{name}": value}

    def _address(self, call: Call, rest: str) -> str:
        return f"{_OWN_ADDRESS}/v1.0/{call.company}/{call.module}/{rest}"

    def _json(self, status: int, members: Mapping[str, object], headers: tuple[tuple[str, str], ...] = ()) -> Answer:
        return Answer(status, (("Content-Type", JSON), ("OData-Version", "4.0"), *headers), to_json(members).encode())


def _written(name: str, value: object, *, alone: bool) -> str:
    """One part of a key as a path has it."""
    quoted = to_json(value) if isinstance(value, Decimal) else str(value)
    if isinstance(value, str):
        quoted = "'" + value.replace("'", "''") + "'"
    return quoted if alone else f"{name}={quoted}"
