"""The ``$filter`` language as far as the Service Layer speaks it (dossier, sections 5.1 and 5.3).

Text to tree (:func:`parse`), then tree to a condition of the ledger (:func:`condition`), where identifiers and literals are
checked against the entity's properties. A null compares as in SQL: neither true nor false.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from ml_connector.sandbox.ledger import Value
from ml_connector.sandbox.sap_business_one.errors import invalid_option, invalid_property
from ml_connector.sandbox.sap_business_one.schema import AMOUNT, DATE, INTEGER, STRING, TIME, Enum, Field, Type

OPERATORS: Mapping[str, str] = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
FUNCTIONS = ("startswith", "endswith", "contains", "substringof")
_FLIPPED: Mapping[str, str] = {"eq": "eq", "ne": "ne", "gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}

#: Longer or deeper filters are refused: a URL has an end, and so has a parser's stack.
LENGTH_MAX = 16_000
DEPTH_MAX = 60

Literal = str | Decimal | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """``property operator literal``. A ``datetime'...'`` literal is its text."""

    name: str
    operator: str
    literal: Literal


@dataclass(frozen=True, slots=True)
class Call:
    """One of :data:`FUNCTIONS` on a property; ``substringof`` has been turned into ``contains``."""

    function: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Not:
    operand: Expression


@dataclass(frozen=True, slots=True)
class And:
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Or:
    left: Expression
    right: Expression


Expression = Comparison | Call | Not | And | Or

_TOKEN = re.compile(
    r"\s*(?:(?P<string>(?:datetime)?'(?:[^']|'')*')"
    r"|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![A-Za-z0-9_.])"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<mark>[(),]))"
)


def parse(text: str) -> Expression:
    """The tree of a filter. Raises :class:`ServiceLayerError` (400) for anything that is not in the language."""
    if len(text) > LENGTH_MAX:
        raise invalid_option("Invalid query option: $filter is too long.")
    parser = _Parser(_tokens(text))
    tree = parser.either()
    parser.end()
    return tree


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise invalid_option(f"Invalid query option: $filter is not understood at '{text[at : at + 20].strip()}'.")
        tokens.append((str(match.lastgroup), match.group().strip()))
        at = match.end()
    return tokens


class _Parser:
    """Recursive descent, one method per level of precedence: or, and, not, the rest."""

    def __init__(self, tokens: Sequence[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def either(self) -> Expression:
        tree = self._both()
        while self._take("name", "or"):
            tree = Or(tree, self._both())
        return tree

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise self._unexpected()

    def _both(self) -> Expression:
        tree = self._negation()
        while self._take("name", "and"):
            tree = And(tree, self._negation())
        return tree

    def _negation(self) -> Expression:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise invalid_option("Invalid query option: $filter is nested too deeply.")
        tree = Not(self._negation()) if self._take("name", "not") else self._primary()
        self._depth -= 1
        return tree

    def _primary(self) -> Expression:
        if self._take("mark", "("):
            tree = self.either()
            self._demand("mark", ")")
            return tree
        kind, text = self._next()
        if kind == "name" and text in FUNCTIONS:
            return self._call(text)
        if kind == "name" and text != "null":
            return Comparison(text, self._operator(), self._literal(*self._next()))
        literal = self._literal(kind, text)
        operator = _FLIPPED[self._operator()]
        return Comparison(self._name(), operator, literal)

    def _call(self, function: str) -> Call:
        self._demand("mark", "(")
        if function == "substringof":
            text = self._text()
            self._demand("mark", ",")
            name = self._name()
        else:
            name = self._name()
            self._demand("mark", ",")
            text = self._text()
        self._demand("mark", ")")
        return Call("contains" if function == "substringof" else function, name, text)

    def _operator(self) -> str:
        kind, text = self._next()
        if kind != "name" or text not in OPERATORS:
            raise self._unexpected(back=1)
        return text

    def _name(self) -> str:
        kind, text = self._next()
        if kind != "name" or text == "null":
            raise self._unexpected(back=1)
        return text

    def _text(self) -> str:
        kind, text = self._next()
        if kind != "string":
            raise self._unexpected(back=1)
        return _unquoted(text)

    def _literal(self, kind: str, text: str) -> Literal:
        if kind == "string":
            return _unquoted(text)
        if kind == "number":
            return Decimal(text)
        if (kind, text) == ("name", "null"):
            return None
        raise self._unexpected(back=1)

    def _take(self, kind: str, text: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == (kind, text):
            self._at += 1
            return True
        return False

    def _demand(self, kind: str, text: str) -> None:
        if not self._take(kind, text):
            raise self._unexpected()

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise self._unexpected()
        self._at += 1
        return self._tokens[self._at - 1]

    def _unexpected(self, back: int = 0) -> Exception:
        at = self._at - back
        what = f"'{self._tokens[at][1]}'" if at < len(self._tokens) else "the end"
        return invalid_option(f"Invalid query option: $filter does not allow {what} here.")


def _unquoted(text: str) -> str:
    return text.removeprefix("datetime")[1:-1].replace("''", "'")


# --- from the tree to the ledger ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a filter's names and literals mean: the entity's properties, the enums, how text and times compare.

    ``times``: "minute" compares hours and minutes only, "literal" cuts the seconds of the literal, "second" compares all.
    """

    type: Type
    enums: Mapping[str, Enum]
    fold_case: bool = False
    times: str = "minute"


def condition(tree: Expression, words: Vocabulary) -> tuple[str, list[Value]]:
    """An SQL condition and its values. Raises :class:`ServiceLayerError` (400) for unknown names and wrong literals."""
    match tree:
        case And(left, right) | Or(left, right):
            left_sql, left_values = condition(left, words)
            right_sql, right_values = condition(right, words)
            joint = "AND" if isinstance(tree, And) else "OR"
            return f"({left_sql} {joint} {right_sql})", left_values + right_values
        case Not(operand):
            sql, values = condition(operand, words)
            return f"(NOT {sql})", values
        case Comparison():
            return _comparison(tree, words)
        case Call():
            return _call(tree, words)


def scalar(name: str, entity: Type) -> Field:
    """The property a query option names. Raises :class:`ServiceLayerError` (400, 201) where there is none."""
    found = entity.get(name)
    if found is None or found.member_type:
        raise invalid_property(name)
    return found


def _comparison(tree: Comparison, words: Vocabulary) -> tuple[str, list[Value]]:
    found = scalar(tree.name, words.type)
    column = f'"{found.name}"'
    if tree.literal is None:
        if tree.operator not in ("eq", "ne"):
            raise invalid_option(f"Invalid query option: null cannot be compared by {tree.operator}.")
        return f"{column} IS {'NOT ' if tree.operator == 'ne' else ''}NULL", []
    value = as_stored(found, tree.literal, words.enums)
    mark = "?"
    if words.fold_case and found.type == STRING:
        column, mark = f"lower({column})", "lower(?)"
    if found.type == TIME and words.times != "second":
        value = f"{str(value)[:5]}:00" if words.times == "literal" else str(value)[:5]
        column = column if words.times == "literal" else f"substr({column}, 1, 5)"
    return f"{column} {OPERATORS[tree.operator]} {mark}", [value]


def _call(tree: Call, words: Vocabulary) -> tuple[str, list[Value]]:
    found = scalar(tree.name, words.type)
    if found.type != STRING:
        raise invalid_option(f"Invalid query option: {tree.function} needs a text property, not {tree.name}.")
    column, text = f'"{found.name}"', tree.text
    if words.fold_case:
        column, text = f"lower({column})", text.lower()
    match tree.function:
        case "contains":
            return f"instr({column}, ?) > 0", [text]
        case "startswith":
            return f"substr({column}, 1, {len(text)}) = ?", [text]
        case _:
            # A negative start of zero would mean the whole text.
            return (f"substr({column}, {-len(text)}) = ?", [text]) if text else (f"{column} IS NOT NULL", [])


def as_stored(found: Field, literal: str | Decimal, enums: Mapping[str, Enum]) -> Value:
    """A literal as the ledger holds values of this property: amounts in millionths, dates as ISO text, enums by name."""
    wrong = invalid_option(f"Invalid query option: '{literal}' is not a value of {found.name}.")
    if found.type == STRING:
        if not isinstance(literal, str):
            raise wrong
        return literal
    if found.type == DATE:
        day = iso_date(literal) if isinstance(literal, str) else None
        if day is None:
            raise wrong
        return day
    if found.type == TIME:
        moment = clock_time(literal) if isinstance(literal, str) else None
        if moment is None:
            raise wrong
        return moment
    if found.type in (INTEGER, AMOUNT):
        number = exact(literal)
        if number is None or (found.type == INTEGER and number != int(number)):
            raise wrong
        return int(number) if found.type == INTEGER else millionths(number)
    member = enums[found.type].member(literal) if isinstance(literal, str) else None
    if member is None:
        raise wrong
    return member


_DATE = re.compile(r"(\d{4})(-?)(\d{2})\2(\d{2})(?:[T ]?\d{2}:?\d{2}(?::?\d{2}(?:\.\d+)?)?Z?)?")


def iso_date(text: str) -> str | None:
    """A date literal as ``YYYY-MM-DD``, its time ignored (dossier, section 5.3); None where it is not one."""
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    try:
        return date(int(match[1]), int(match[3]), int(match[4])).isoformat()
    except ValueError:
        return None


_TIME = re.compile(r"(\d{2})(:?)(\d{2})(?:\2(\d{2})(?:\.\d+)?)?")


def clock_time(text: str) -> str | None:
    """A time literal as ``HH:MM:SS`` (dossier, section 5.3); None where it is not one."""
    match = _TIME.fullmatch(text)
    if match is None or int(match[1]) > 23 or int(match[3]) > 59 or int(match[4] or 0) > 59:
        return None
    return f"{match[1]}:{match[3]}:{match[4] or '00'}"


def exact(literal: object) -> Decimal | None:
    """A number sent as JSON number or as numeric text (dossier, section 4.2), below 10^12; None for anything else."""
    if isinstance(literal, bool) or not isinstance(literal, (int, str, Decimal)):
        return None
    try:
        number = Decimal(literal)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < Decimal(10) ** 12 else None


def millionths(number: Decimal) -> int:
    """An amount as the database keeps it: six decimals, half up, without a point."""
    return int((number * 1_000_000).to_integral_value(rounding="ROUND_HALF_UP"))
