"""The ``$filter`` language as far as the Web API speaks it (dossier, section 5), from text to a condition of the ledger.

Comparisons with ``and`` and ``or``, and three functions, on properties of the header only. Enumerations compare with their
member's name as quoted text, dates with an unquoted instant. Parentheses, ``not`` and ``contains`` are an open question.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ml_connector.sandbox.ledger import Value
from ml_connector.sandbox.sage_300.errors import SageError, bad_parameters
from ml_connector.sandbox.sage_300.records import column, millionths
from ml_connector.sandbox.sage_300.schema import Field, Model
from ml_connector.sandbox.sage_300.values import member

Condition = tuple[str, list[Value]]

_OPERATORS = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_FUNCTIONS = ("startswith", "endswith", "contains")
_RICH = ("(", "not", "contains")

#: A URL has an end, and so has a parser's stack.
LENGTH_MAX = 8_000
DEPTH_MAX = 40

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')"
    r"|(?P<date>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,7})?)?(?:Z|[+-]\d{2}:\d{2}))"
    r"|(?P<number>-?\d+(?:\.\d+)?)m?(?![\w.'-])"
    r"|(?P<name>[A-Za-z_]\w*)(?!['\w])"
    r"|(?P<mark>[(),]))"
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """Which of the open words this server understands."""

    rich: bool
    ge_le: bool


def condition(text: str, model: Model, dialect: Dialect) -> Condition:
    """An SQL condition with its values. Raises 400 ``InvalidParameters``."""
    if len(text) > LENGTH_MAX:
        raise bad_parameters("The $filter is too long.")
    parser = _Parser(_tokens(text), model, dialect)
    found = parser.either()
    parser.end()
    return found


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise bad_parameters(f"Syntax error in $filter at position {at}.")
        kind = str(match.lastgroup)
        tokens.append((kind, match[kind]))
        at = match.end()
    return tokens


class _Parser:
    """Recursive descent, one method per level of precedence: or, and, the rest."""

    def __init__(self, tokens: Sequence[tuple[str, str]], model: Model, dialect: Dialect) -> None:
        self._tokens = tokens
        self._model = model
        self._dialect = dialect
        self._at = 0
        self._depth = 0

    def either(self) -> Condition:
        sql, values = self._both()
        while self._take("name", "or"):
            more, others = self._both()
            sql, values = f"({sql} OR {more})", values + others
        return sql, values

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise self._unexpected()

    def _both(self) -> Condition:
        sql, values = self._primary()
        while self._take("name", "and"):
            more, others = self._primary()
            sql, values = f"({sql} AND {more})", values + others
        return sql, values

    def _primary(self) -> Condition:
        kind, text = self._next()
        if text in _RICH and kind != "text" and not self._dialect.rich:
            raise self._unexpected(back=1)
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise bad_parameters("The $filter is nested too deeply.")
        found = self._one(kind, text)
        self._depth -= 1
        return found

    def _one(self, kind: str, text: str) -> Condition:
        if (kind, text) == ("mark", "("):
            found = self.either()
            self._demand(")")
            return found
        if (kind, text) == ("name", "not"):
            sql, values = self._primary()
            return f"(NOT {sql})", values
        if kind != "name":
            raise self._unexpected(back=1)
        if text in _FUNCTIONS:
            return self._match(text)
        left = f"length({column(self._argument())})" if text == "length" else None
        declared = None if left else self._property(text)
        operator = self._operator()
        literal = self._next()
        if declared is None:
            return f"{left} {operator} ?", [int(_number(literal))]
        return f"{column(declared)} {operator} ?", [_literal(declared, *literal)]

    def _match(self, function: str) -> Condition:
        """``startswith(F,'x')`` and its like."""
        self._demand("(")
        name = self._next()
        declared = self._property(name[1])
        self._demand(",")
        kind, quoted = self._next()
        self._demand(")")
        if kind != "text" or declared.kind not in ("text", "word"):
            raise bad_parameters(f"{function} compares text.")
        text = _unquoted(quoted)
        found = column(declared)
        if function == "startswith":
            return f"substr({found}, 1, {len(text)}) = ?", [text]
        if function == "contains":
            return f"instr({found}, ?) > 0", [text]
        # A negative start of zero would mean the whole text.
        return (f"substr({found}, {-len(text)}) = ?", [text]) if text else ("1", [])

    def _argument(self) -> Field:
        self._demand("(")
        _, name = self._next()
        self._demand(")")
        return self._property(name)

    def _property(self, name: str) -> Field:
        return header_property(name, self._model)

    def _operator(self) -> str:
        kind, text = self._next()
        if kind != "name" or text not in _OPERATORS or (text in ("ge", "le") and not self._dialect.ge_le):
            raise self._unexpected(back=1)
        return _OPERATORS[text]

    def _take(self, kind: str, text: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == (kind, text):
            self._at += 1
            return True
        return False

    def _demand(self, mark: str) -> None:
        if not self._take("mark", mark):
            raise self._unexpected()

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise self._unexpected()
        self._at += 1
        return self._tokens[self._at - 1]

    def _unexpected(self, back: int = 0) -> SageError:
        at = self._at - back
        what = f"'{self._tokens[at][1]}'" if at < len(self._tokens) else "the end"
        return bad_parameters(f"Syntax error in $filter: {what} is not expected here.")


def header_property(name: str, model: Model) -> Field:
    """A property that can be filtered or ordered by. Raises 400 for anything else, collections among them."""
    found = model.by_name.get(name)
    if found is None or found.kind in ("list", "opaque"):
        raise bad_parameters(f"Could not find a property named '{name}' on type '{model.name}'.")
    return found


def _literal(declared: Field, kind: str, text: str) -> Value:
    """A literal as the ledger holds values of this property."""
    wrong = bad_parameters(f"'{text}' cannot be compared with {declared.name}.")
    match declared.kind:
        case "text" | "word" if kind == "text":
            return _unquoted(text)
        case "enum" if kind == "text":
            found = member(declared.of, _unquoted(text))
            if found is None:
                raise wrong
            return found
        case "date" if kind == "date":
            return _day(text, wrong)
        case "decimal" if kind == "number":
            return millionths(Decimal(text))
        case "int" if kind == "number" and "." not in text:
            return int(text)
        case "bool" if text in ("true", "false"):
            return int(text == "true")
    raise wrong


def _number(token: tuple[str, str]) -> Decimal:
    if token[0] != "number":
        raise bad_parameters("length() compares with a number.")
    return Decimal(token[1])


def _day(text: str, wrong: SageError) -> str:
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).date().isoformat()
    except ValueError as error:
        raise wrong from error


def _unquoted(text: str) -> str:
    return text[1:-1].replace("''", "'")
