"""The suite: every rule, against every kind it is about, with the switches of the world."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from ml_connector.conformance import (
    rules_company,
    rules_content,
    rules_documents,
    rules_feeds,
    rules_line,
    rules_people,
    rules_refusals,
    rules_workers,
)
from ml_connector.conformance.pairs import all_pairs
from ml_connector.conformance.results import Case, NotApplicable, Of, Passed, Result, Rule
from ml_connector.conformance.trial import Trial, hold
from ml_connector.conformance.world import Setting, Switch, Touches, World
from ml_connector.domain.documents import Kind

RULES: Final[tuple[Rule, ...]] = (
    *rules_company.RULES,
    *rules_feeds.RULES,
    *rules_documents.RULES,
    *rules_content.RULES,
    *rules_people.RULES,
    *rules_refusals.RULES,
    *rules_line.RULES,
    *rules_workers.RULES,
)


@dataclass
class Suite:
    """The rules, held against one world. What a company takes is asked once for each setting."""

    world: World
    _refused: dict[str, Mapping[Kind, str]] = field(default_factory=dict)

    def flipped_cases(self) -> Iterator[Case]:
        """Each switch flipped alone, on the rules that it touches and the kinds that the company takes then."""
        for switch in self.world.switches:
            for position in switch.others:
                for case in self._cases(Setting({switch.name: position})):
                    if _touched(switch, case):
                        yield case

    def paired_cases(self) -> Iterator[Case]:
        """Every rule, in settings in which every two positions of any two switches meet."""
        for setting in all_pairs(self.world.switches):
            yield from self._cases(setting)

    def hold(self, case: Case) -> Result:
        """The result of one case."""
        why = self._why_not(case.kind, case.setting) if case.kind is not None else ""
        return Result(case, NotApplicable(why)) if why else hold(self.world, case)

    def _cases(self, setting: Setting) -> Iterator[Case]:
        for case in plain_cases():
            if case.kind is None or not self._why_not(case.kind, setting):
                yield Case(case.rule, case.kind, setting)

    def _why_not(self, kind: Kind, setting: Setting) -> str:
        """Why the company takes no documents of ``kind``, in the connector's own words; "" where it does, or where nobody can
        tell: then the case itself will."""
        if str(setting) not in self._refused:
            self._refused[str(setting)] = self._ask(setting)
        return self._refused[str(setting)].get(kind, "")

    def _ask(self, setting: Setting) -> Mapping[Kind, str]:
        refused: dict[Kind, str] = {}

        async def ask(trial: Trial) -> str:
            capabilities = (await trial.company()).capabilities()
            refused.update({kind: capabilities.unsupported(kind) for kind in Kind})
            return ""

        question = Rule("capabilities", "What does the company take?", Of.COMPANY, frozenset(Touches), ask)
        asked = hold(self.world, Case(question, None, setting))
        return refused if isinstance(asked.outcome, Passed) else {}


def plain_cases() -> Iterator[Case]:
    """Every rule against every kind, all switches in their defaults: also the kinds that the company does not take, so that each
    is told with its reason."""
    for rule in RULES:
        for kind in rule.kinds if rule.of is Of.KIND else (None,):
            yield Case(rule, kind)


def _touched(switch: Switch, case: Case) -> bool:
    touched = bool(switch.touches & case.rule.touches)
    return touched and (case.kind is None or not switch.kinds or case.kind in switch.kinds)
