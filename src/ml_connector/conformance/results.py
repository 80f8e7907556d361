"""What comes out of a case, as values, and what a rule is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from ml_connector.conformance.world import Setting, Touches
from ml_connector.domain.documents import Kind

if TYPE_CHECKING:
    from ml_connector.conformance.trial import Trial


@dataclass(frozen=True, slots=True)
class Passed:
    """The rule holds. ``figure`` says how much was looked at: ``41 kills, 41 documents``."""

    figure: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The rule does not hold, in words."""

    words: str


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """There is nothing to hold the connector to. ``why`` is the connector's own sentence (its capabilities), or the world's
    about the system: never the suite's."""

    why: str


Outcome = Passed | Failed | NotApplicable


class Broken(AssertionError):
    """Raised inside of a rule that does not hold."""


class Beside(Exception):
    """Raised inside of a rule that does not apply; carries the connector's own sentence."""


class Of(StrEnum):
    """What a rule is held against: the company as a whole, or each kind of document."""

    COMPANY = "company"
    KIND = "kind"


@dataclass(frozen=True, slots=True)
class Rule:
    """A promise that every connector has to keep. ``check`` returns the figure, or raises :class:`Broken` or :class:`Beside`.

    ``kinds`` are those that it is about; a rule about the company has none.
    """

    name: str
    says: str
    of: Of
    touches: frozenset[Touches]
    check: Callable[[Trial], Awaitable[str]]
    kinds: tuple[Kind, ...] = tuple(Kind)


@dataclass(frozen=True, slots=True)
class Case:
    """One rule against one kind (None: the company) with the switches in one setting."""

    rule: Rule
    kind: Kind | None
    setting: Setting = field(default_factory=Setting)

    @property
    def name(self) -> str:
        """``lost_reply-JE``, ``lost_reply-JE-storno_sign=negative``: stable, for test ids and quality.toml."""
        return "-".join(part for part in (self.plain_name, str(self.setting)) if part)

    @property
    def plain_name(self) -> str:
        """As :attr:`name`, whatever the setting."""
        return f"{self.rule.name}-{self.kind.value}" if self.kind is not None else self.rule.name


@dataclass(frozen=True, slots=True)
class Result:
    case: Case
    outcome: Outcome
