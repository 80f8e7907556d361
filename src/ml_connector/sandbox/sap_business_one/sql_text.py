"""The SQL of queries stored in the Service Layer: one SELECT over allowed tables, and nothing else (dossier, section 5.6).

Text to tokens to a statement of the ledger's own database. Only words that were recognised are ever written, so a query
cannot reach what it may not; values are bound. Known and not offered here: nested SELECT, UNION, CASE.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ml_connector.sandbox.sap_business_one.errors import ServiceLayerError

TEXT_MAX = 16_000
_KEYWORDS = frozenset(
    [
        "SELECT",
        "DISTINCT",
        "FROM",
        "INNER",
        "LEFT",
        "OUTER",
        "JOIN",
        "ON",
        "WHERE",
        "AND",
        "OR",
        "NOT",
        "IN",
        "IS",
        "NULL",
        "LIKE",
        "BETWEEN",
        "GROUP",
        "BY",
        "HAVING",
        "ORDER",
        "ASC",
        "DESC",
        "AS",
    ]
)
_FUNCTIONS: Mapping[str, str] = {
    "SUM": "SUM",
    "COUNT": "COUNT",
    "MIN": "MIN",
    "MAX": "MAX",
    "AVG": "AVG",
    "ABS": "ABS",
    "ROUND": "ROUND",
    "UPPER": "UPPER",
    "LOWER": "LOWER",
    "IFNULL": "IFNULL",
    "COALESCE": "COALESCE",
}
_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')"
    r"|(?P<number>\d+(?:\.\d+)?)(?![A-Za-z_])"
    r'|(?P<quoted>"[^"]+"|\[[^\]]+\])'
    r"|:(?P<parameter>[A-Za-z_]\w*)"
    r"|(?P<word>@?[A-Za-z_]\w*)"
    r"|(?P<mark><=|>=|<>|!=|\|\||[-+*/=<>(),.]))"
)


def syntax(words: str) -> ServiceLayerError:
    return ServiceLayerError(400, "701", f"Invalid SQL syntax: {words}")


def no_table(name: str) -> ServiceLayerError:
    return ServiceLayerError(400, "702", f"Table '{name}' not accessible")


def no_column(name: str, table: str) -> ServiceLayerError:
    return ServiceLayerError(400, "703", f"Column '{name}' from table '{table}' not accessible")


@dataclass(frozen=True, slots=True)
class Source:
    """A table that queries may read: how its rows are selected in the ledger, and the columns they then have."""

    name: str
    select: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """A query of the ledger. ``parameters`` in the order of their marks; ``ordered``: it says in which order rows come."""

    sql: str
    parameters: tuple[str, ...]
    ordered: bool


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str

    def is_word(self, *words: str) -> bool:
        return self.kind == "word" and self.text.upper() in words


def compile_query(text: str, sources: Mapping[str, Source]) -> Statement:
    """The statement of a query. ``sources`` by upper-case name. Raises :class:`ServiceLayerError` 701, 702 or 703."""
    tokens = _tokens(text)
    if not tokens or not tokens[0].is_word("SELECT"):
        raise syntax("only SELECT is allowed.")
    return _Writer(tokens, _from(tokens, sources)).statement()


def _tokens(text: str) -> list[_Token]:
    if len(text) > TEXT_MAX:
        raise syntax("the text is too long.")
    tokens, at, end = [], 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise syntax(f"unexpected '{text[at : at + 10].strip()}'.")
        kind = str(match.lastgroup)
        found = match[kind]
        if kind == "quoted":
            kind, found = "word", found[1:-1]
        tokens.append(_Token(kind, found))
        at = match.end()
    return tokens


def _from(tokens: Sequence[_Token], sources: Mapping[str, Source]) -> dict[str, Source]:
    """The tables of a query by their aliases, upper case."""
    aliases: dict[str, Source] = {}
    for at, token in enumerate(tokens[:-1]):
        if not token.is_word("FROM", "JOIN"):
            continue
        name = tokens[at + 1].text
        source = sources.get(name.upper())
        if source is None:
            raise no_table(name)
        after = tokens[at + 2 : at + 4]
        if after and after[0].is_word("AS"):
            after = after[1:]
        named = bool(after) and after[0].kind == "word" and after[0].text.upper() not in _KEYWORDS
        alias = after[0].text if named else name
        if alias.upper() in aliases:
            raise syntax(f"'{alias}' stands twice.")
        aliases[alias.upper()] = source
    if not aliases:
        raise syntax("FROM is missing.")
    return aliases


class _Writer:
    """Writes a statement token by token; whatever it does not know is refused."""

    def __init__(self, tokens: Sequence[_Token], aliases: Mapping[str, Source]) -> None:
        self._tokens = tokens
        self._aliases = aliases
        self._at = 0
        self._written: list[str] = []
        self._parameters: list[str] = []
        self._results: set[str] = set()
        self._ordered = False

    def statement(self) -> Statement:
        while self._at < len(self._tokens):
            self._one(self._tokens[self._at])
        return Statement(" ".join(self._written), tuple(self._parameters), self._ordered)

    def _one(self, token: _Token) -> None:
        match token.kind:
            case "string" | "number":
                self._write(token.text)
            case "parameter":
                self._parameters.append(token.text)
                self._write("?")
            case "mark":
                self._mark(token)
            case _:
                self._word(token)

    def _mark(self, token: _Token) -> None:
        before = self._tokens[self._at - 1]
        if token.text == "*" and (before.is_word("SELECT", "DISTINCT") or before.text in (",", ".")):
            raise syntax("Cannot support asterisk(*) in select list.")
        self._write(token.text)

    def _word(self, token: _Token) -> None:
        word = token.text.upper()
        following = self._tokens[self._at + 1] if self._at + 1 < len(self._tokens) else _Token("end", "")
        if word in ("FROM", "JOIN"):
            self._table(word)
        elif word == "AS":
            self._write("AS")
            self._result(following)
        elif word in _KEYWORDS:
            if word == "SELECT" and self._at:
                raise syntax("nested SELECT is not supported.")
            self._ordered = self._ordered or word == "ORDER"
            self._write(word)
        elif following.text == "(" and word in _FUNCTIONS:
            self._write(_FUNCTIONS[word])
        elif following.text == "." and following.kind == "mark":
            self._qualified(token)
        else:
            self._bare(token)

    def _table(self, word: str) -> None:
        """``FROM OITM T0``: the rows of a table under its alias."""
        self._write(word)
        name = self._tokens[self._at].text
        self._at += 1
        if self._at < len(self._tokens) and self._tokens[self._at].is_word("AS"):
            self._at += 1
        alias = name
        if self._at < len(self._tokens):
            token = self._tokens[self._at]
            if token.kind == "word" and token.text.upper() not in _KEYWORDS:
                alias = token.text
                self._at += 1
        self._written.append(f"({self._aliases[alias.upper()].select}) AS {_name(alias)}")

    def _result(self, token: _Token) -> None:
        if token.kind != "word":
            raise syntax("AS needs a name.")
        self._results.add(token.text.upper())
        self._write(f'"{token.text}"')

    def _qualified(self, alias: _Token) -> None:
        source = self._aliases.get(alias.text.upper())
        if source is None:
            raise no_table(alias.text)
        if self._at + 2 >= len(self._tokens):
            raise syntax("a column is missing.")
        column = self._tokens[self._at + 2]
        if column.text == "*":
            raise syntax("Cannot support asterisk(*) in select list.")
        self._at += 3
        self._written.append(f'{_name(alias.text)}."{_column(column.text, source)}"')

    def _bare(self, token: _Token) -> None:
        """A column of the only table that has it, or a name that the query gave."""
        if token.text.upper() in self._results:
            self._write(f'"{token.text}"')
            return
        holders = {
            alias: source
            for alias, source in self._aliases.items()
            if token.text.upper() in {each.upper() for each in source.columns}
        }
        if len(holders) != 1:
            raise no_column(token.text, next(iter(self._aliases.values())).name)
        alias, source = next(iter(holders.items()))
        self._write(f'"{alias}"."{_column(token.text, source)}"')

    def _write(self, text: str) -> None:
        # The ledger reads table names in braces; those of a client are not meant so.
        self._written.append(text.replace("{", "{{").replace("}", "}}"))
        self._at += 1


def _name(alias: str) -> str:
    return '"' + alias.upper().replace("{", "{{").replace("}", "}}") + '"'


def _column(name: str, source: Source) -> str:
    for column in source.columns:
        if column.upper() == name.upper():
            return column
    raise no_column(name, source.name)
