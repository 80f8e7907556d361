"""Reading a set: the query options, pages, and what one page answers (dossier, sections 5.1 and 5.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote

from ml_connector.sandbox.ledger import Value
from ml_connector.sandbox.sap_business_one.errors import invalid_option, invalid_property
from ml_connector.sandbox.sap_business_one.filters import Vocabulary, condition, parse, scalar
from ml_connector.sandbox.sap_business_one.schema import Row, Schema, Type
from ml_connector.sandbox.sap_business_one.tables import Tables
from ml_connector.sandbox.sap_business_one.wire import Wire

PAGE_SIZE = 20
_OPTIONS = ("$select", "$filter", "$orderby", "$top", "$skip", "$count", "$inlinecount")


@dataclass(frozen=True, slots=True)
class Options:
    """Query options as text, checked against each other but not yet against an entity."""

    select: tuple[str, ...] = ()
    filter: str = ""
    orderby: str = ""
    top: int | None = None
    skip: int = 0
    count: bool = False

    @classmethod
    def of(cls, query: str, wire: Wire) -> Options:
        """Parse a query string as this version writes it. Raises :class:`ServiceLayerError` (400) for an option that is unknown or given twice."""
        given: dict[str, str] = {}
        for name, value in parse_qsl(query, keep_blank_values=True):
            if name.startswith("$") and (name not in _OPTIONS or name in given):
                raise invalid_option(f"Invalid query option: {name} is not supported here.")
            given[name] = value
        name, value = wire.count_option
        if {"$count", "$inlinecount"} & set(given) - {name}:
            raise invalid_option(f"Invalid query option: this version counts by {name}={value}.")
        return cls(
            select=tuple(name.strip() for name in given["$select"].split(",")) if "$select" in given else (),
            filter=given.get("$filter", ""),
            orderby=given.get("$orderby", ""),
            top=_number(given, "$top"),
            skip=_number(given, "$skip") or 0,
            count=given.get(name, "").lower() == value,
        )


@dataclass(frozen=True, slots=True)
class Comparing:
    """How text and times compare: see :class:`~ml_connector.sandbox.sap_business_one.filters.Vocabulary`."""

    fold_case: bool = False
    times: str = "minute"


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one page with their collections. ``next_skip`` is None on the last page; ``total`` counts all that match."""

    rows: list[Row]
    total: int
    next_skip: int | None


def page_size(headers: Mapping[str, str]) -> tuple[int, bool]:
    """Rows per page, 0 for no paging, and whether a preference was applied: Prefer, else B1S-PageSize, else 20."""
    for preference in headers.get("prefer", "").split(","):
        name, _, value = preference.strip().partition("=")
        if name.lower() == "odata.maxpagesize" and value.isdecimal():
            return int(value), True
    option = headers.get("b1s-pagesize", "")
    return (int(option) if option.isdecimal() else PAGE_SIZE), False


def matching(options: Options, entity: Type, schema: Schema, comparing: Comparing) -> tuple[str, list[Value]]:
    """The condition that ``$filter`` names; everything where there is none."""
    if not options.filter:
        return "1", []
    return condition(parse(options.filter), Vocabulary(entity, schema.enums, comparing.fold_case, comparing.times))


def read_page(
    tables: Tables, schema: Schema, entity: Type, options: Options, *, size: int, comparing: Comparing
) -> Page:
    """One page. ``$skip`` comes before ``$top``; a page holds at most ``size`` rows (0: no limit)."""
    where, values = matching(options, entity, schema, comparing)
    check_selected(options.select, entity)
    limit = min((each for each in (size, options.top) if each), default=-1) if options.top != 0 else 0
    rows = tables.select(entity, where, values, _order(options.orderby, entity), limit, options.skip)
    total = tables.count(entity, where, values)
    end = options.skip + len(rows)
    wanted_end = total if options.top is None else min(total, options.skip + options.top)
    return Page(
        with_collections(tables, schema, entity, rows, options.select), total, end if end < wanted_end else None
    )


def with_collections(
    tables: Tables, schema: Schema, entity: Type, rows: list[Row], select: Sequence[str] = ()
) -> list[Row]:
    """The rows with their collections, which come by default and can be named in ``$select``."""
    for each in entity.collections:
        if select and each.name not in select:
            continue
        members = tables.children(schema.child(entity, each), entity.key, rows)
        for row in rows:
            row[each.name] = members[tuple(row[name] for name in entity.key)]
    return rows


def check_selected(select: Sequence[str], entity: Type) -> None:
    """Every selected property exists, or 400 with code 201 (dossier, section 5.1)."""
    for name in select:
        if name != "*" and entity.get(name) is None:
            raise invalid_property(name)


def next_link(resource: str, query: str, next_skip: int, reading: str) -> str:
    """The relative link to the next page; what becomes of the other options is an open question (switch)."""
    if reading == "drops":
        return f"{resource}?$skip={next_skip}"
    others = [
        (name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name not in ("$skip", "$top")
    ]
    tops = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name == "$top"]
    skipped = next((int(value) for name, value in parse_qsl(query) if name == "$skip"), 0)
    # The rest of $top is what the following pages still owe.
    others += [("$top", str(int(value) - (next_skip - skipped))) for _, value in tops]
    text = "&".join([*(f"{name}={quote(value, safe='$,()')}" for name, value in others), f"$skip={next_skip}"])
    return f"{resource}?{'&' if reading == 'odd' else ''}{text}"


def _order(orderby: str, entity: Type) -> str:
    """An ORDER BY with the key as last word, so that pages do not depend on chance."""
    words = []
    for part in orderby.split(",") if orderby else []:
        name, _, direction = part.strip().partition(" ")
        if direction.strip().lower() not in ("", "asc", "desc"):
            raise invalid_option(f"Invalid query option: $orderby does not allow '{direction}'.")
        words.append(f'"{scalar(name, entity).name}" {direction.strip().upper()}'.strip())
    return ", ".join([*words, *(f'"{name}"' for name in entity.key)])


def _number(given: Mapping[str, str], name: str) -> int | None:
    if name not in given:
        return None
    if not given[name].isdecimal() or len(given[name]) > 9:
        raise invalid_option(f"Invalid query option: {name} is not a number.")
    return int(given[name])
