"""The face of the command line: every command explains itself, and speaks to programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from typer.main import get_command

from ml_connector.cli import output
from ml_connector.cli.main import app, main
from ml_connector.domain.documents import State

#: DESIGN 6, as far as this version goes.
NAMES = {
    "demo", "sandbox serve", "init", "doctor", "connection add", "connection list", "connection show", "connection test",
    "connection prepare", "connection remove", "link add", "link list", "link show", "link remove", "link open",
    "mapping import", "mapping export", "mapping check", "mapping suggest", "plan", "apply", "run",
    "settlement inspect", "settlement import", "settlement prove", "record list", "record show", "record replay",
    "record drop", "reconcile", "serve", "secrets rotate", "audit verify", "purge", "backup",
}  # fmt: skip


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


COMMANDS = dict(commands(get_command(app)))


def test_the_commands_are_those_of_the_design() -> None:
    assert set(COMMANDS) == NAMES


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_explains_itself_and_has_json(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = COMMANDS[name]
    assert command.help, "a sentence"
    assert "--json" in {option for parameter in command.params for option in parameter.opts}
    assert all(parameter.help for parameter in command.params), "every argument and option"

    main([*name.split(), "--help"])
    assert "--json" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [[], ["connection"], ["link"], ["mapping"], ["record"], ["settlement"], ["audit"]]
)
def test_a_group_without_a_command_shows_what_there_is(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    said = capsys.readouterr()
    assert end.value.code == 2
    assert "Commands" in said.out + said.err


def test_no_command_takes_a_secret_as_an_argument() -> None:
    words = ("password", "secret", "token")
    options = {
        option
        for command in COMMANDS.values()
        for parameter in command.params
        for option in parameter.opts
        if any(word in option for word in words)
    }
    assert options == {"--secrets-stdin"}


def test_the_version_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--version"])
    assert capsys.readouterr().out.startswith("ml-connector ")


def test_one_is_said_otherwise_than_many() -> None:
    assert output.count(1, "document") == "1 document"
    assert output.count(2, "document") == "2 documents"
    assert output.count(0, "entry", "entries") == "0 entries"


@dataclass(frozen=True)
class Shape:
    class_: str
    amount: Decimal
    day: date
    at: datetime
    state: State
    _hidden: int = 0


def test_json_has_no_binary_fractions_and_no_python(capsys: pytest.CaptureFixture[str]) -> None:
    shape = Shape("refused", Decimal("10.10"), date(2026, 10, 1), datetime(2026, 10, 1, 12, tzinfo=UTC), State.HELD)
    output.emit({"one": shape, "many": (1, None)})
    assert json.loads(capsys.readouterr().out) == {
        "one": {
            "class": "refused",
            "amount": "10.10",
            "day": "2026-10-01",
            "at": "2026-10-01T12:00:00Z",
            "state": "held",
        },
        "many": [1, None],
    }
    with pytest.raises(TypeError):
        output.emit({"object": object()})
