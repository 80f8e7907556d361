"""The suite: every rule, against every kind it is about, with the switches of the world."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ml_connector.conformance import rules_company, rules_documents, rules_feeds, rules_line
from ml_connector.conformance.results import Case, Of, Rule
from ml_connector.conformance.world import Setting, Switch, World
from ml_connector.domain.documents import Kind

RULES: Final[tuple[Rule, ...]] = (
    *rules_company.RULES,
    *rules_feeds.RULES,
    *rules_documents.RULES,
    *rules_line.RULES,
)


def plain_cases() -> Iterator[Case]:
    """Every rule against every kind, all switches in their defaults."""
    for rule in RULES:
        for kind in _kinds(rule):
            yield Case(rule, kind)


def flipped_cases(world: World) -> Iterator[Case]:
    """Each switch flipped alone, on the rules that it touches."""
    for switch in world.switches:
        for position in switch.others:
            for rule in RULES:
                for kind in _kinds(rule):
                    if _touched(switch, rule, kind):
                        yield Case(rule, kind, Setting({switch.name: position}))


def _kinds(rule: Rule) -> tuple[Kind | None, ...]:
    return rule.kinds if rule.of is Of.KIND else (None,)


def _touched(switch: Switch, rule: Rule, kind: Kind | None) -> bool:
    return bool(switch.touches & rule.touches) and (kind is None or not switch.kinds or kind in switch.kinds)
