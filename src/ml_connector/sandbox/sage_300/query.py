"""Reading a feed: the query options, the page, and the link to the next one (dossier, section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote

from ml_connector.sandbox.ledger import Value
from ml_connector.sandbox.sage_300.errors import bad_parameters
from ml_connector.sandbox.sage_300.filters import Dialect, condition, header_property
from ml_connector.sandbox.sage_300.records import Records, column
from ml_connector.sandbox.sage_300.schema import Model, Row
from ml_connector.sandbox.switches import Switches

_OPTIONS = ("$filter", "$skip", "$top", "$count", "$select", "$orderby", "$expand")


@dataclass(frozen=True, slots=True)
class Options:
    """Query options, checked against a model."""

    where: str = "1"
    values: tuple[Value, ...] = ()
    select: tuple[str, ...] = ()
    order: str = ""
    top: int | None = None
    skip: int = 0
    count: bool = False

    @classmethod
    def of(cls, query: str, model: Model, switches: Switches) -> Options:
        """Parse a query string. Raises 400 ``InvalidParameters`` for what is unknown, malformed or given twice."""
        given: dict[str, str] = {}
        for name, value in parse_qsl(query, keep_blank_values=True):
            if name.startswith("$") and (name not in _OPTIONS or name in given):
                raise bad_parameters(f"The query option '{name}' is not supported.")
            given[name] = value
        dialect = Dialect(rich=switches.on("rich_queries"), ge_le=switches.on("has_ge_le"))
        where, values = condition(given["$filter"], model, dialect) if "$filter" in given else ("1", [])
        count = given.get("$count", "false")
        if count not in ("true", "false"):
            raise bad_parameters("$count is true or false.")
        return cls(
            where,
            tuple(values),
            _selected(given, model),
            _order(given, model, dialect),
            _number(given, "$top"),
            _number(given, "$skip") or 0,
            count == "true",
        )


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one page; ``next_skip`` is None on the last one, ``total`` counts all that match."""

    rows: list[Row]
    total: int
    next_skip: int | None


def read_page(records: Records, resource: str, options: Options, size: int) -> Page:
    """One page. ``$skip`` comes before ``$top``; a page holds at most ``size`` rows, whatever ``$top`` says."""
    limit = size if options.top is None else min(size, options.top)
    rows = records.select(resource, options.where, options.values, options.order, limit, options.skip)
    total = records.count(resource, options.where, options.values)
    end = options.skip + len(rows)
    wanted = total if options.top is None else min(total, options.skip + options.top)
    return Page(rows, total, end if end < wanted else None)


def next_link(address: str, query: str, skip: int, reading: str) -> str:
    """The link as the server writes it, with its own idea of its host; other options are mostly lost (section 5)."""
    kept = [] if reading == "bare" else parse_qsl(query, keep_blank_values=True)
    others = [f"{name}={quote(value, safe='$,()')}" for name, value in kept if name not in ("$skip", "$top")]
    return f"{address}?{'&'.join([*others, f'$skip={skip}'])}"


def _selected(given: Mapping[str, str], model: Model) -> tuple[str, ...]:
    if "$select" not in given:
        return ()
    names = tuple(name.strip() for name in given["$select"].split(","))
    for name in names:
        if name not in model.by_name:
            raise bad_parameters(f"Could not find a property named '{name}' on type '{model.name}'.")
    return names


def _order(given: Mapping[str, str], model: Model, dialect: Dialect) -> str:
    if "$orderby" not in given:
        return ""
    if not dialect.rich:
        raise bad_parameters("The query option '$orderby' is not supported.")
    words = []
    for part in given["$orderby"].split(","):
        name, _, direction = part.strip().partition(" ")
        if direction.strip().lower() not in ("", "asc", "desc"):
            raise bad_parameters(f"$orderby does not allow '{direction}'.")
        words.append(f"{column(header_property(name, model))} {direction.strip().upper()}".strip())
    return ", ".join(words)


def _number(given: Mapping[str, str], name: str) -> int | None:
    if name not in given:
        return None
    if not given[name].isdecimal() or len(given[name]) > 9:
        raise bad_parameters(f"{name} is not a number.")
    return int(given[name])
