"""The sign-in form of a connection, described once: the command line, the dashboard and the checks read the same fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ml_connector.domain.errors import WrongUse

#: What no database takes: NUL, and halves of characters.
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")


def _as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Field:
    """One thing to ask for. ``clean`` returns the value as it is kept, or raises :class:`WrongUse` with a sentence.

    A ``secret`` goes to the vault and is never shown again. ``default`` is used where nothing is given. ``whose`` marks what
    says which account or company it is: once something was booked through a connection, that does not change any more.
    """

    name: str
    label: str
    help: str
    secret: bool = False
    required: bool = True
    default: str = ""
    clean: Callable[[str], str] = _as_it_is
    whose: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """Every field of one kind of connection, in the order in which they are asked."""

    fields: tuple[Field, ...]

    def clean(self, settings: Mapping[str, str], secrets: Mapping[str, str]) -> dict[str, str]:
        """Every field by name, checked, defaults filled in. Raises :class:`WrongUse` naming everything that is wrong.

        What is no secret may come with the secrets (a whole sign-in as one document), never the other way round.
        """
        problems: list[str] = []
        values: dict[str, str] = {}
        known = {field.name for field in self.fields}
        problems += [f"There is no field {_named(name)}." for name in sorted({*settings, *secrets} - known)]
        for field in self.fields:
            if field.secret and field.name in settings:
                problems.append(f"{field.label} ({field.name}) is a secret: give it by prompt or standard input.")
                continue
            given = (
                secrets.get(field.name, "") or ("" if field.secret else settings.get(field.name, "")) or field.default
            )
            if not given and field.required:
                problems.append(f"{field.label} ({field.name}) is missing.")
                continue
            if _UNSTORABLE.search(given):
                problems.append(f"{field.label} ({field.name}) has characters in it that are none: enter it again.")
                continue
            try:
                values[field.name] = field.clean(given) if given else ""
            except WrongUse as error:
                problems.append(str(error))
        if problems:
            raise WrongUse(" ".join(problems), code="bad_settings")
        return values


def _named(name: str) -> str:
    """The name as it was given, where it can be one: what looks otherwise may be a secret in the wrong place."""
    return (
        repr(name) if re.fullmatch(r"[a-z][a-z_]{0,39}", name, re.ASCII) else "of that name (it is not repeated here)"
    )


def whole_number(label: str, least: int, most: int) -> Callable[[str], str]:
    """A check for a whole number between ``least`` and ``most``."""

    def clean(text: str) -> str:
        digits = text.strip()
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 9 and least <= int(digits) <= most):
            raise WrongUse(f"{label} must be a whole number from {least} to {most}.")
        return str(int(digits))

    return clean


def one_of(label: str, *choices: str) -> Callable[[str], str]:
    """A check for one of a few words."""

    def clean(text: str) -> str:
        word = text.strip()
        if word not in choices:
            raise WrongUse(f"{label} must be one of: {', '.join(choices)}.")
        return word

    return clean
