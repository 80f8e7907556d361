"""The first half of the mapping: from Amazon's triple to one category (ACCOUNTING 2).

The rules ship with the product as ``vocabulary.csv`` (first line: version); when they change, the table before stays beside it
as ``vocabulary_<version>.csv``, because what was posted by it is proved by it. Labels are compared folded. A cell may be exact
or hold ``*`` for any text; an exact rule wins over one with a wildcard, the most specific wildcard over the others, and two
that are equally specific and could meet fail at load. What Amazon renames or adds is unknown until a rule is there
(settlement dossier, section 1.5): unknown triples hold a settlement.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from importlib import resources
from itertools import combinations, groupby
from typing import Final

from ml_connector.domain.errors import Inconsistent
from ml_connector.domain.mapping import CATEGORIES, fold_label
from ml_connector.domain.settlements import Triple

#: Not categories but classes of rows whose category is decided per event (``accounting.tax_events``).
TAX: Final = "tax"
WITHHELD: Final = "withheld"

_ANY: Final = "*"
_ALIKE_MIN: Final = 0.5
#: Likeness is taken of so many characters: its cost grows with their square, and a cell may be a whole line long.
_LABEL_MAX: Final = 120
_CELLS: Final = ("transaction-type", "amount-type", "amount-description")


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table. ``triple`` is Amazon's spelling, with ``*`` for any text.

    ``category`` is one of ``domain.mapping.CATEGORIES``, or :data:`TAX` or :data:`WITHHELD`. ``if_not_deductible`` is the
    fee's own category for the VAT on it, used for stores where that VAT is a cost; "" on all other rules.
    """

    triple: Triple
    category: str
    if_not_deductible: str = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A known rule near an unknown triple, and in words why it is near."""

    rule: Rule
    reason: str


class Vocabulary:
    """A version of the table. Raises :class:`Inconsistent` for rules of which none wins."""

    def __init__(self, version: int, rules: Iterable[Rule]) -> None:
        self.version = version
        self.rules = tuple(rules)
        self._exact: dict[Triple, Rule] = {}
        self._folded = [(_fold(rule.triple), rule) for rule in self.rules]
        wildcards: list[tuple[Triple, Rule]] = []
        for folded, rule in self._folded:
            _check(rule)
            if any(_ANY in cell for cell in folded):
                wildcards.append((folded, rule))
            elif self._exact.setdefault(folded, rule) is not rule:
                raise Inconsistent(f"The vocabulary has two rules for {rule.triple}.")
        wildcards.sort(key=lambda pair: _specificity(pair[0]), reverse=True)
        for _, equals in groupby(wildcards, key=lambda pair: _specificity(pair[0])):
            for (one, rule), (other, rival) in combinations(equals, 2):
                if all(map(_globs_meet, one, other)):
                    raise Inconsistent(f"The vocabulary cannot choose between {rule.triple} and {rival.triple}.")
        self._wildcards = tuple(wildcards)

    def find(self, triple: Triple) -> Rule | None:
        """The rule that decides ``triple``, None when it is unknown."""
        folded = _fold(triple)
        if (rule := self._exact.get(folded)) is not None:
            return rule
        return next((rule for globs, rule in self._wildcards if all(map(_matches, globs, folded))), None)

    def suggest(self, triple: Triple, count: int = 3) -> tuple[Suggestion, ...]:
        """The nearest known rules for an unknown triple, best first."""
        folded = Triple(*(cell[:_LABEL_MAX] for cell in _fold(triple)))
        scored = [(_nearness(folded, known), rule) for known, rule in self._folded]
        scored = [(score, rule) for score, rule in scored if score[0] >= _ALIKE_MIN]
        scored.sort(key=lambda pair: (-pair[0][0], pair[1].triple))
        return tuple(Suggestion(rule, reason) for (_, reason), rule in scored[:count])


@cache
def shipped() -> Vocabulary:
    """The newest table that comes with this program."""
    return _read("vocabulary.csv")


@cache
def of_version(version: int) -> Vocabulary:
    """The table by which something was planned. Raises :class:`Inconsistent` for one that this program does not have."""
    if version == shipped().version:
        return shipped()
    try:
        return _read(f"vocabulary_{version}.csv")
    except FileNotFoundError:
        raise Inconsistent(
            f"This was planned by version {version} of the vocabulary, and this program has none beside version "
            f"{shipped().version}: use the program that planned it, or a newer one."
        ) from None


def _read(name: str) -> Vocabulary:
    return from_csv(resources.files("ml_connector.accounting").joinpath(name).read_text("utf-8").splitlines())


def from_csv(lines: Sequence[str]) -> Vocabulary:
    """A table in the form of the shipped one: a line with the version, a header, a rule per line."""
    reader = csv.reader(lines)
    version = int(next(reader)[1])
    next(reader)
    return Vocabulary(version, (Rule(Triple(*row[:3]), row[3], row[4]) for row in reader))


def _check(rule: Rule) -> None:
    if rule.category not in CATEGORIES and rule.category not in (TAX, WITHHELD):
        raise Inconsistent(f"The vocabulary maps {rule.triple} to {rule.category!r}, which is no category.")
    if rule.if_not_deductible and rule.if_not_deductible not in CATEGORIES:
        raise Inconsistent(f"The vocabulary maps {rule.triple} to {rule.if_not_deductible!r}, which is no category.")


def _fold(triple: Triple) -> Triple:
    return Triple(*map(fold_label, triple))


def _specificity(globs: Triple) -> tuple[int, int]:
    """Greater wins: cells without a wildcard, then characters that must be there."""
    return sum(_ANY not in cell for cell in globs), sum(len(cell.replace(_ANY, "")) for cell in globs)


def _matches(glob: str, text: str) -> bool:
    first, *others = glob.split(_ANY)
    if not others:
        return glob == text
    last = others.pop()
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    at, end = len(first), len(text) - len(last)
    for part in others:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _globs_meet(a: str, b: str) -> bool:
    """Whether a text exists that both patterns match. Patterns are short: a table of len(a) x len(b) is small."""
    meets = [[False] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in range(len(a), -1, -1):
        for j in range(len(b), -1, -1):
            if i == len(a) and j == len(b):
                meets[i][j] = True
            elif i < len(a) and a[i] == _ANY:
                meets[i][j] = meets[i + 1][j] or (j < len(b) and meets[i][j + 1])
            elif j < len(b) and b[j] == _ANY:
                meets[i][j] = meets[i][j + 1] or (i < len(a) and meets[i + 1][j])
            else:
                meets[i][j] = i < len(a) and j < len(b) and a[i] == b[j] and meets[i + 1][j + 1]
    return meets[0][0]


def _nearness(folded: Triple, known: Triple) -> tuple[float, str]:
    """How near, from 0 to 1, and why. An equal cell counts twice as much as one that is merely alike."""
    equal = [a == b for a, b in zip(folded, known, strict=True)]
    alike = [1.0 if same else _alike(a, b) for same, a, b in zip(equal, folded, known, strict=True)]
    score = (sum(equal) + sum(alike)) / (2 * len(_CELLS))
    same_names = [name for name, same in zip(_CELLS, equal, strict=True) if same]
    near = [f"{name} {ratio:.0%} alike" for name, same, ratio in zip(_CELLS, equal, alike, strict=True) if not same]
    return score, ", ".join(([f"same {' and '.join(same_names)}"] if same_names else []) + near)


def _alike(a: str, b: str) -> float:
    return SequenceMatcher(None, a, b.replace(_ANY, ""), autojunk=False).ratio()
