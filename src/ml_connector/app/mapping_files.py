"""Mappings as files: CSV for spreadsheets, TOML for people who keep them under version control.

Columns (CSV) or members of each ``[[rule]]`` (TOML): category, store, channel, item_group, transaction_type, amount_type,
amount_description, since, account, dimensions. Empty means "every". Dimensions are ``name=value`` pairs joined by ``;``.
"""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final

from ml_connector.domain.errors import WrongUse
from ml_connector.domain.mapping import CATEGORIES, AccountRule, Placement
from ml_connector.domain.settlements import Triple

COLUMNS: Final = (
    "category",
    "store",
    "channel",
    "item_group",
    "transaction_type",
    "amount_type",
    "amount_description",
    "since",
    "account",
    "dimensions",
)
_TRIPLE: Final = COLUMNS[4:7]
_RULES_MAX: Final = 10_000
TEXT_MAX: Final = 8 * 1024 * 1024
#: A cell that a spreadsheet would take for a formula gets an apostrophe before it when it is written, and loses it when read.
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")


def read(text: str, form: str) -> tuple[AccountRule, ...]:
    """The rules in ``text``; ``form`` is csv or toml. Raises :class:`WrongUse` naming the rule that is wrong."""
    if len(text) > TEXT_MAX:
        raise WrongUse(f"A mapping has at most {TEXT_MAX:,} characters.")
    if "\0" in text:
        raise WrongUse("The mapping holds a NUL character: save it as UTF-8 text.")
    rows = _toml_rows(text) if form == "toml" else _csv_rows(text)
    if not rows:
        raise WrongUse("The mapping has no rules in it.")
    if len(rows) > _RULES_MAX:
        raise WrongUse(f"A mapping has at most {_RULES_MAX} rules, this one has {len(rows)}.")
    rules: list[AccountRule] = []
    seen: dict[tuple[object, ...], str] = {}
    for place, row in rows:
        rule = _rule(place, row)
        identity = (rule.category, rule.triple, rule.store, rule.channel, rule.item_group, rule.since)
        if identity in seen:
            raise WrongUse(f"{place} says the same thing as {seen[identity]}: which account is meant?")
        seen[identity] = place
        rules.append(rule)
    return tuple(rules)


def write(rules: Iterable[AccountRule], form: str) -> str:
    """The file that :func:`read` reads back to the same rules."""
    rows = [_row(rule) for rule in rules]
    if form == "toml":
        return "\n".join(_toml_table(row) for row in rows)
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: f"'{cell}" if _FORMULA.match(cell) else cell for name, cell in row.items()} for row in rows)
    return out.getvalue()


def from_data(rules: Iterable[Mapping[str, Any]]) -> tuple[AccountRule, ...]:
    """From what :func:`ml_connector.domain.mapping.rules_to_data` made."""
    return tuple(
        AccountRule(
            placement=Placement(rule["account"], tuple(sorted(rule["dimensions"].items()))),
            category=rule["category"],
            triple=Triple(*rule["triple"]) if rule["triple"] else None,
            store=rule["store"],
            channel=rule["channel"],
            item_group=rule["item_group"],
            since=date.fromisoformat(rule["since"]),
        )
        for rule in rules
    )


def _rows_of(reader: csv.DictReader[str]) -> Iterator[dict[str, str]]:
    try:
        yield from reader
    except csv.Error as error:
        raise WrongUse(f"Line {reader.line_num} of the mapping cannot be read as CSV: {error}.") from error


def _csv_rows(text: str) -> list[tuple[str, Mapping[str, str]]]:
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    try:
        unknown = set(reader.fieldnames or ()) - set(COLUMNS)
    except csv.Error as error:
        raise WrongUse(f"The first line of the mapping cannot be read as CSV: {error}.") from error
    if unknown or "account" not in (reader.fieldnames or ()):
        raise WrongUse(f"The first line must name columns among: {', '.join(COLUMNS)}; account is needed.")
    rows: list[tuple[str, Mapping[str, str]]] = []
    for row in _rows_of(reader):
        if None in row:
            raise WrongUse(f"Line {reader.line_num} has more cells than the first line.")
        rows.append((f"Line {reader.line_num}", {name: _cell(value) for name, value in row.items()}))
    return rows


def _cell(value: str | None) -> str:
    text = (value or "").strip()
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def _toml_rows(text: str) -> list[tuple[str, Mapping[str, str]]]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise WrongUse(f"The mapping is not TOML: {error}.") from error
    except RecursionError as error:
        raise WrongUse("The mapping is nested deeper than mappings are.") from error
    rules = document.get("rule", [])
    if set(document) - {"rule"} or not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise WrongUse("A TOML mapping consists of [[rule]] tables only.")
    rows: list[tuple[str, Mapping[str, str]]] = []
    for number, rule in enumerate(rules, start=1):
        unknown = set(rule) - set(COLUMNS)
        if unknown:
            raise WrongUse(f"Rule {number} has {', '.join(sorted(unknown))}; there are: {', '.join(COLUMNS)}.")
        rows.append((f"Rule {number}", {name: str(value).strip() for name, value in rule.items()}))
    return rows


def _rule(place: str, row: Mapping[str, str]) -> AccountRule:
    category = row.get("category", "")
    triple = tuple(row.get(name, "") for name in _TRIPLE)
    if category and category not in CATEGORIES:
        raise WrongUse(f"{place}: there is no category {category!r}; there are: {', '.join(sorted(CATEGORIES))}.")
    if any(triple) and not all(triple):
        raise WrongUse(f"{place}: a rule for a triple names all three of {', '.join(_TRIPLE)}.")
    if not category and not any(triple):
        raise WrongUse(f"{place}: a rule is for a category or for a triple.")
    if not row.get("account"):
        raise WrongUse(f"{place}: the account is missing.")
    if row.get("channel", "") not in {"", "AFN", "MFN"}:
        raise WrongUse(f"{place}: the channel is AFN, MFN or empty.")
    return AccountRule(
        placement=Placement(row["account"], _dimensions(place, row.get("dimensions", ""))),
        category=category,
        triple=Triple(*triple) if any(triple) else None,
        store=row.get("store", ""),
        channel=row.get("channel", ""),
        item_group=row.get("item_group", ""),
        since=_since(place, row.get("since", "")),
    )


def _since(place: str, text: str) -> date:
    try:
        return date.fromisoformat(text) if text else date.min
    except ValueError as error:
        raise WrongUse(f"{place}: since is a day as YYYY-MM-DD, not {text!r}.") from error


def _dimensions(place: str, text: str) -> tuple[tuple[str, str], ...]:
    pairs = [part.partition("=") for part in text.split(";") if part.strip()]
    if any(not separator or not name.strip() for name, separator, _ in pairs):
        raise WrongUse(f"{place}: dimensions are name=value pairs joined by ';', not {text!r}.")
    return tuple(sorted((name.strip(), value.strip()) for name, _, value in pairs))


def _row(rule: AccountRule) -> dict[str, str]:
    triple = rule.triple or Triple("", "", "")
    return {
        "category": rule.category,
        "store": rule.store,
        "channel": rule.channel,
        "item_group": rule.item_group,
        "transaction_type": triple.transaction_type,
        "amount_type": triple.amount_type,
        "amount_description": triple.amount_description,
        "since": "" if rule.since == date.min else rule.since.isoformat(),
        "account": rule.placement.account,
        "dimensions": ";".join(f"{name}={value}" for name, value in rule.placement.dimensions),
    }


def _toml_table(row: Mapping[str, str]) -> str:
    # A JSON string is a TOML basic string.
    members = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in row.items() if value]
    return "\n".join(["[[rule]]", *members, ""])
