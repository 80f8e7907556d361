"""Requests to entity sets: read, count, create, change, remove, and the actions bound to an entity."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from ml_connector.sandbox.sap_business_one.batch import Answer
from ml_connector.sandbox.sap_business_one.context import Context
from ml_connector.sandbox.sap_business_one.desk import SETS as DESK_SETS
from ml_connector.sandbox.sap_business_one.errors import (
    MODIFIED,
    NOT_PERMITTED,
    ServiceLayerError,
    invalid_option,
    malformed,
    not_found,
    not_supported,
)
from ml_connector.sandbox.sap_business_one.exact_json import from_json, to_json
from ml_connector.sandbox.sap_business_one.query import (
    PAGE_SIZE,
    Comparing,
    Options,
    check_selected,
    matching,
    next_link,
    page_size,
    read_page,
    with_collections,
)
from ml_connector.sandbox.sap_business_one.schema import INTEGER, EntitySet, Row, Type
from ml_connector.sandbox.sap_business_one.values import accepted
from ml_connector.sandbox.sap_business_one.wire import etag

_RESOURCE = re.compile(r"(?P<name>\$?\w+)(?:\((?P<key>.*)\))?(?:/(?P<tail>\$?\w+))?")
_KEY_PART = re.compile(r"\s*(?:(?P<name>\w+)\s*=\s*)?(?:'(?P<text>(?:[^']|'')*)'|(?P<number>-?\d{1,10}))\s*(?:,|$)")


@dataclass(frozen=True, slots=True)
class Call:
    """One request, alone or inside a batch. ``path`` is relative to the service root and still percent-encoded."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    superuser: bool


@dataclass(frozen=True, slots=True)
class Resource:
    """What a path names: ``JournalEntries(98001)/Cancel``. ``key`` is None where no entity is named."""

    name: str
    key: str | None
    tail: str

    @classmethod
    def of(cls, path: str) -> Resource:
        """Raises :class:`ServiceLayerError` (400) for a path that is not of that form."""
        match = _RESOURCE.fullmatch(unquote(path))
        if match is None:
            raise malformed(f"The resource path '{path}' is not understood.")
        return cls(match["name"], match["key"], match["tail"] or "")


def operation_of(method: str, path: str) -> str:
    """The name of a request in a fault plan: ``JournalEntries.POST``, ``JournalEntries.Cancel``, ``Login``, ``$batch``."""
    match = _RESOURCE.fullmatch(unquote(path))
    if match is None:
        return f"{path}.{method}"
    name, tail = match["name"], match["tail"]
    if name.startswith("$") or name in ("Login", "Logout", "ping") or "Service_" in name:
        return name
    return f"{name}.{tail}" if tail and not tail.startswith("$") else f"{name}.{method}"


class Resources:
    """Entity sets of one company. Writes are called inside a transaction."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def answer(self, call: Call, resource: Resource, entity_set: EntitySet) -> Answer:
        """Do what the method says. Raises :class:`ServiceLayerError`."""
        if resource.tail == "$count" and resource.key is None and call.method == "GET":
            return self._count(call, entity_set)
        if resource.tail:
            return self._act(call, resource, entity_set)
        if call.method == "GET":
            return (
                self._read_one(call, resource, entity_set) if resource.key is not None else self._list(call, entity_set)
            )
        method = call.headers.get("x-http-method-override", call.method)
        if method not in entity_set.methods or (resource.key is None) != (method == "POST"):
            raise not_supported()
        match method:
            case "POST":
                return self._create(call, entity_set)
            case "PATCH":
                return self._change(call, resource, entity_set)
            case _:
                return self._remove(call, resource, entity_set)

    # --- reading -------------------------------------------------------------------------------------------------------

    def _list(self, call: Call, entity_set: EntitySet) -> Answer:
        context, entity = self._context, self._context.type_of(entity_set)
        options = Options.of(call.query, self._context.wire)
        size, preferred = page_size(call.headers)
        page = read_page(
            context.tables, context.schema, entity, options, size=size, comparing=self._comparing(call.headers)
        )
        members: dict[str, object] = {}
        if options.count:
            as_text = context.wire.version == "v1" or context.switches.on("count_as_text")
            total = str(page.total) if as_text else page.total
            members[f"{context.wire.annotation}count"] = total
        if entity_set.name == "Items" and context.switches.on("bulk_items_without_collections"):
            for row in page.rows:
                row.update({each.name: [] for each in entity.collections})
        members["value"] = [self._shown(entity, row, options.select) for row in page.rows]
        if page.next_skip is not None:
            reading = context.switches.text("next_link")
            members[f"{context.wire.annotation}nextLink"] = next_link(
                entity_set.name, call.query, page.next_skip, reading
            )
        headers = (("Preference-Applied", f"odata.maxpagesize={size}"),) if preferred else ()
        return self._json(200, context.annotated(entity_set.name, members), headers)

    def _count(self, call: Call, entity_set: EntitySet) -> Answer:
        context, entity = self._context, self._context.type_of(entity_set)
        options = Options.of(call.query, context.wire)
        where, values = matching(options, entity, context.schema, self._comparing(call.headers))
        total = context.tables.count(entity, where, values)
        return Answer(
            200, (("Content-Type", "text/plain;charset=utf-8"), context.wire.version_header), str(total).encode()
        )

    def _read_one(self, call: Call, resource: Resource, entity_set: EntitySet) -> Answer:
        entity = self._context.type_of(entity_set)
        options = Options.of(call.query, self._context.wire)
        check_selected(options.select, entity)
        row = self._existing(resource, entity)
        return self._entity(200, entity_set, row, options.select)

    # --- writing -------------------------------------------------------------------------------------------------------

    def _create(self, call: Call, entity_set: EntitySet) -> Answer:
        entity = self._context.type_of(entity_set)
        sent = accepted(_body(call), entity, self._context.schema, wire=self._context.wire)
        match entity_set.name:
            case "JournalEntries":
                key: Row = {"JdtNum": self._context.journal.post(sent)}
            case name if name in DESK_SETS:
                return self._create_document(call, entity_set, sent)
            case "UserTablesMD" | "UserFieldsMD":
                key = self._create_metadata(call, entity_set, sent)
            case "SQLQueries":
                self._context.queries.check_permitted()
                key = self._context.queries.create(sent)
            case _:
                key = self._context.masters.create(entity_set, sent)
        return self._created(call, entity_set, key)

    def _create_document(self, call: Call, entity_set: EntitySet, sent: Row) -> Answer:
        """A document or payment; a draft instead where a person has to approve it first (dossier, section 7)."""
        context = self._context
        made = context.desk.create(entity_set.name, sent)
        made_set = context.schema.sets[made.set]
        if made.waits and context.switches.text("approval_procedure") == "draft_204":
            location = ("Location", f"{context.service_root()}/{made.set}({made.entry})")
            return Answer(204, (location, context.wire.version_header))
        return self._created(call, made_set, {"DocEntry": made.entry})

    def _create_metadata(self, call: Call, entity_set: EntitySet, sent: Row) -> Row:
        """User tables and fields need a super user (dossier, section 6.7)."""
        self._demand_superuser(call)
        catalog = self._context.catalog
        if entity_set.name == "UserTablesMD":
            return {"TableName": catalog.add_table(sent)["TableName"]}
        added = catalog.add_field(sent)
        return {"TableName": added["TableName"], "FieldID": added["FieldID"]}

    def _created(self, call: Call, entity_set: EntitySet, key: Row) -> Answer:
        entity = self._context.type_of(entity_set)
        link = f"{entity_set.name}({_written(key)})"
        if "return-no-content" in call.headers.get("prefer", ""):
            root = self._context.wire.root
            return Answer(
                204,
                (
                    ("Location", f"{root}/{link}"),
                    self._context.wire.version_header,
                    ("Preference-Applied", "return-no-content"),
                ),
            )
        row = self._context.tables.one(entity, key)
        if row is None:
            raise AssertionError(f"{link} was not written")
        return self._entity(201, entity_set, row, location=f"{self._context.service_root()}/{link}")

    def _change(self, call: Call, resource: Resource, entity_set: EntitySet) -> Answer:
        entity = self._context.type_of(entity_set)
        row = self._existing(resource, entity)
        self._check_version(call, entity, row)
        changes = accepted(_body(call), entity, self._context.schema, wire=self._context.wire)
        if entity_set.name == "JournalEntries":
            self._context.journal.amend(int(str(row["JdtNum"])), changes)
        elif entity_set.name in DESK_SETS:
            self._context.desk.change(entity_set.name, row, changes)
        elif entity_set.name == "SQLQueries":
            self._context.queries.check_permitted()
            self._context.queries.change(row, changes)
        else:
            replaces = call.headers.get("b1s-replacecollectionsonpatch", "").lower() == "true"
            self._context.masters.change(entity_set, row, changes, replace_collections=replaces)
        return Answer(204, (self._context.wire.version_header,))

    def _remove(self, call: Call, resource: Resource, entity_set: EntitySet) -> Answer:
        entity = self._context.type_of(entity_set)
        row = self._existing(resource, entity)
        self._check_version(call, entity, row)
        key: Row = {name: row[name] for name in entity.key}
        if entity_set.name in DESK_SETS:
            self._context.desk.remove(entity_set.name, row)
        elif entity_set.name in ("UserTablesMD", "UserFieldsMD"):
            self._demand_superuser(call)
            catalog = self._context.catalog
            (catalog.remove_table if entity_set.name == "UserTablesMD" else catalog.remove_field)(key)
        else:
            self._context.masters.remove(entity_set, row)
        return Answer(204, (self._context.wire.version_header,))

    def _act(self, call: Call, resource: Resource, entity_set: EntitySet) -> Answer:
        """An action bound to an entity: ``JournalEntries(98001)/Cancel``."""
        bound = {(each.bound_to, each.name) for each in self._context.schema.operations}
        if entity_set.name == "SQLQueries" and resource.tail == "List" and resource.key is not None:
            return self._run_query(call, resource, entity_set)
        if call.method != "POST" or resource.key is None or (entity_set.type, resource.tail) not in bound:
            raise not_supported()
        entity = self._context.type_of(entity_set)
        row = self._existing(resource, entity)
        self._check_version(call, entity, row)
        if entity_set.name in DESK_SETS:
            shown = self._context.desk.act(entity_set.name, row, resource.tail)
            if shown is not None:
                return self._entity(200, entity_set, shown)
        else:
            self._context.journal.cancel(int(str(row["JdtNum"])))
        return Answer(204, (self._context.wire.version_header,))

    def _run_query(self, call: Call, resource: Resource, entity_set: EntitySet) -> Answer:
        """``SQLQueries('x')/List``: a page of rows, always paged (dossier, section 5.6)."""
        context = self._context
        context.queries.check_permitted()
        row = self._existing(resource, context.type_of(entity_set))
        parameters, skip = _list_parameters(call)
        size, preferred = page_size(call.headers)
        result = context.queries.run(row, parameters, skip, size or PAGE_SIZE)
        members: dict[str, object] = {"SqlText": row["SqlText"], "value": result.rows}
        if result.next_skip is not None:
            link = f"SQLQueries('{row['SqlCode']}')/List?&$skip={result.next_skip}"
            members[f"{context.wire.annotation}nextLink"] = link
        headers = (("Preference-Applied", f"odata.maxpagesize={size}"),) if preferred else ()
        return self._json(200, context.annotated("SAPB1.SQLQueryResult", members), headers)

    # --- parts ---------------------------------------------------------------------------------------------------------

    def _existing(self, resource: Resource, entity: Type) -> Row:
        row = self._context.tables.one(entity, parse_key(resource.key or "", entity))
        if row is None:
            raise not_found()
        return row

    def _shown(self, entity: Type, row: Row, select: tuple[str, ...]) -> dict[str, object]:
        shown: dict[str, object] = {}
        if entity.versioned and (self._context.wire.version == "v2" or self._context.switches.on("etag_in_v1_bodies")):
            shown[f"{self._context.wire.annotation}etag"] = etag(int(str(row["DataVersion"])))
        only = () if "*" in select else select
        return {**shown, **self._context.renderer.row(entity, row, self._context.schema, only)}

    def _entity(
        self, status: int, entity_set: EntitySet, row: Row, select: tuple[str, ...] = (), location: str = ""
    ) -> Answer:
        context, entity = self._context, self._context.type_of(entity_set)
        if row[entity.key[0]] is not None:
            with_collections(context.tables, context.schema, entity, [row], select)
        headers: list[tuple[str, str]] = []
        if entity.versioned:
            headers.append(("ETag", etag(int(str(row["DataVersion"])))))
        if location:
            headers.append(("Location", location))
        members = context.annotated(f"{entity_set.name}{context.wire.single}", self._shown(entity, row, select))
        return self._json(status, members, tuple(headers))

    def _json(self, status: int, members: Mapping[str, object], headers: tuple[tuple[str, str], ...] = ()) -> Answer:
        return Answer(status, self._context.wire.headers(*headers), to_json(members).encode())

    def _comparing(self, headers: Mapping[str, str]) -> Comparing:
        switches = self._context.switches
        asked = headers.get("b1s-caseinsensitive", "").lower() == "true"
        return Comparing(asked or switches.on("case_insensitive_text"), switches.text("time_filters"))

    def _demand_superuser(self, call: Call) -> None:
        if not call.superuser:
            raise ServiceLayerError(403, NOT_PERMITTED, "You are not permitted to perform this action")

    def _check_version(self, call: Call, entity: Type, row: Row) -> None:
        """``If-Match``; without it the last write wins (dossier, section 4.3)."""
        wanted = call.headers.get("if-match", "*")
        if entity.versioned and wanted not in ("*", etag(int(str(row["DataVersion"])))):
            text = "Another user or another operation modified data; to continue, open the window again (ODBC -2039)"
            raise ServiceLayerError(412, MODIFIED, text)


def parse_key(text: str, entity: Type) -> Row:
    """A key as written in a path: ``98001``, ``'A''B'`` or ``TableName='OJDT',FieldID=0``.

    Raises :class:`ServiceLayerError` (400) where it does not fit the entity's key.
    """
    wrong = invalid_option(f"Invalid key '{text}' for '{entity.name}'.")
    parts: Row = {}
    at = 0
    while at < len(text):
        match = _KEY_PART.match(text, at)
        if match is None:
            raise wrong
        name = match["name"] or (entity.key[0] if len(entity.key) == 1 else "")
        declared = entity.get(name)
        if declared is None or name in parts or (declared.type == INTEGER) != (match["number"] is not None):
            raise wrong
        parts[name] = int(match["number"]) if match["number"] is not None else match["text"].replace("''", "'")
        at = match.end()
    if set(parts) != set(entity.key):
        raise wrong
    return parts


def _written(key: Row) -> str:
    """A key as a path has it."""
    words = {
        name: f"'{value.replace(chr(39), chr(39) * 2)}'" if isinstance(value, str) else str(value)
        for name, value in key.items()
    }
    return next(iter(words.values())) if len(words) == 1 else ",".join(f"{name}={word}" for name, word in words.items())


def _list_parameters(call: Call) -> tuple[str, int]:
    """Parameters and skip of a query's List: in the query string of a GET, as ParamList in the body of a POST."""
    given = parse_qsl(call.query, keep_blank_values=True)
    skips = [value for name, value in given if name == "$skip"]
    if any(not value.isdecimal() for value in skips):
        raise invalid_option("Invalid query option: $skip is not a number.")
    parameters = "&".join(f"{name}={value}" for name, value in given if not name.startswith("$"))
    if call.method == "POST" and call.body:
        sent = _body(call)
        listed = sent.get("ParamList") if isinstance(sent, Mapping) else None
        parameters = listed if isinstance(listed, str) else parameters
    return parameters, int(skips[0]) if skips else 0


def _body(call: Call) -> object:
    try:
        return from_json(call.body)
    except ValueError as error:
        raise malformed("The request body is not JSON.") from error
