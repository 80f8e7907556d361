"""The results of a suite as a table for people: rule, what it promises, and a figure for each kind of document."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final

from ml_connector.conformance.results import Failed, NotApplicable, Of, Passed, Result, Rule
from ml_connector.conformance.suite import RULES, plain_cases
from ml_connector.conformance.world import World
from ml_connector.domain.documents import Kind

#: What stands after a world's label in the markers of :func:`switches` and of :func:`pairs`.
SWITCHES: Final = ", switches"
PAIRS: Final = ", pairs"

_PASSED: Final = "passed"
_NOT_APPLICABLE: Final = "not applicable"


class Part(StrEnum):
    """Which part of the suite a case belongs to."""

    PLAIN = "plain"
    FLIPPED = "flipped"
    PAIRS = "pairs"


@dataclass(frozen=True, slots=True)
class Line:
    """One result as plain data. ``world`` and ``label`` are the world's; ``outcome`` is passed, failed or not applicable; ``words`` its figure or its reason."""

    world: str
    label: str
    rule: str
    kind: str
    setting: str
    part: str
    outcome: str
    words: str

    @classmethod
    def of(cls, world: World, part: Part, result: Result) -> Line:
        match result.outcome:
            case Passed(figure):
                outcome, words = _PASSED, figure
            case Failed(told):
                outcome, words = "failed", told
            case NotApplicable(why):
                outcome, words = _NOT_APPLICABLE, why
        case = result.case
        kind = case.kind.value if case.kind is not None else ""
        return cls(world.name, world.label, case.rule.name, kind, str(case.setting), part.value, outcome, words)

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Line:
        return cls(**json.loads(text))


def is_whole(lines: Iterable[Line]) -> bool:
    """Whether every rule was held against every kind with the switches in their defaults."""
    told = {(line.rule, line.kind) for line in lines if line.part == Part.PLAIN}
    wanted = {(case.rule.name, case.kind.value if case.kind is not None else "") for case in plain_cases()}
    return told == wanted


def section(lines: Sequence[Line]) -> str:
    """The world's section, with its markers. ``lines`` are one world's and whole (see :func:`is_whole`)."""
    table = _Table({(line.rule, line.kind): line for line in lines if line.part == Part.PLAIN})
    rows = [
        f"| `{rule.name}` | {rule.says} | {' | '.join(table.cells(rule))} |" for rule in RULES if any(table.cells(rule))
    ]
    told = [
        _begin(lines[0].label),
        "",
        f"| rule | promise | {' | '.join(kind.value for kind in table.kinds)} |",
        f"|---|---|{'---|' * len(table.kinds)}",
        *rows,
        "",
        *(f"- [{number}] {_safe(why)}" for why, number in table.reasons.items()),
        *(f"- {', '.join(kinds)}: {_safe(why)}" for why, kinds in table.unsupported.items()),
        "",
        _end(lines[0].label),
    ]
    return "\n".join(told)


def replaced(page: str, label: str, new: str) -> str:
    """``page`` with ``new`` in the place of the section of the world called ``label``. Raises ValueError where it has none."""
    before, begin, rest = page.partition(_begin(label))
    _old, end, after = rest.partition(_end(label))
    if not begin or not end:
        raise ValueError(f"The page has no {_begin(label)} ... {_end(label)}.")
    return before + new + after


def _begin(label: str) -> str:
    return f"<!-- conformance of {label}: begin. Written by make conformance -->"


def _end(label: str) -> str:
    return f"<!-- conformance of {label}: end -->"


class _Table:
    """The cases with all switches in their defaults."""

    def __init__(self, plain: Mapping[tuple[str, str], Line]) -> None:
        self._plain = plain
        self.kinds = [kind for kind in Kind if plain["created", kind.value].outcome != _NOT_APPLICABLE]
        self.reasons: dict[str, int] = {}
        self.unsupported: dict[str, list[str]] = {}
        for kind in Kind:
            if kind not in self.kinds:
                self.unsupported.setdefault(plain["created", kind.value].words, []).append(kind.value)

    def cells(self, rule: Rule) -> list[str]:
        """A figure for each kind; for a rule about the company the same in the first column only."""
        if rule.of is Of.COMPANY:
            return [self._cell(rule.name, ""), *[""] * (len(self.kinds) - 1)]
        return [self._cell(rule.name, kind.value) for kind in self.kinds]

    def _cell(self, rule: str, kind: str) -> str:
        line = self._plain.get((rule, kind))
        if line is None:
            return ""
        if line.outcome == _NOT_APPLICABLE:
            return f"n/a [{self.reasons.setdefault(line.words, len(self.reasons) + 1)}]"
        return _safe(line.words) if line.outcome == _PASSED else f"**open**: {_safe(line.words)}"


def switches(lines: Sequence[Line]) -> str:
    """The world's section about its switches: in which positions, and in how many cases, the rules hold."""
    flipped = [line for line in lines if line.part == Part.FLIPPED and line.outcome == _PASSED]
    names = ", ".join(f"`{name}`" for name in dict.fromkeys(line.setting for line in flipped))
    told = f"Flipped alone, on the rules that each touches: {names or 'none'} ({len(flipped)} cases hold)."
    return _section(f"{lines[0].label}{SWITCHES}", told)


def pairs(lines: Sequence[Line]) -> str:
    """The world's section about pairs of switches: in how many settings, and in how many cases, the rules hold."""
    paired = [line for line in lines if line.part == Part.PAIRS]
    settings, passed = {line.setting for line in paired}, sum(line.outcome == _PASSED for line in paired)
    told = f"In {len(settings)} settings in which every two positions of any two meet, every rule: {passed} cases hold."
    return _section(f"{lines[0].label}{PAIRS}", told)


def _section(label: str, told: str) -> str:
    return "\n".join((_begin(label), "", told, "", _end(label)))


def _safe(text: str) -> str:
    """On one line of a table."""
    return " ".join(text.replace("|", "\\|").split())
