"""The command ``ml-connector``."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer
from typer.exceptions import TyperException

from ml_connector import __version__
from ml_connector.cli import (
    connection,
    demo,
    keeping,
    link,
    mapping,
    output,
    record,
    sandbox,
    session,
    settlement,
    streams,
    work,
)
from ml_connector.domain.errors import MlConnectorError

if TYPE_CHECKING:
    from ml_connector.domain.clock import Clock

#: What the framework makes of Ctrl-C.
_INTERRUPTED: Final = 130
_LOG_LEVEL: Final = "ML_CONNECTOR_LOG_LEVEL"

app = typer.Typer(
    name="ml-connector",
    help="Amazon's trade in your books: settlements become balanced journals in your ERP, proved to the cent.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("demo")(demo.demo)
app.add_typer(sandbox.commands, name="sandbox")
app.command("init")(keeping.init)
app.command("doctor")(keeping.doctor)
app.add_typer(connection.commands, name="connection")
app.add_typer(link.commands, name="link")
app.add_typer(mapping.commands, name="mapping")
app.command("plan")(work.plan)
app.command("apply")(work.apply)
app.command("run")(work.run)
app.add_typer(settlement.commands, name="settlement")
app.add_typer(record.commands, name="record")
app.command("reconcile")(keeping.reconcile)
app.command("serve")(work.serve)
app.add_typer(keeping.secrets, name="secrets")
app.add_typer(keeping.audit, name="audit")
app.command("purge")(keeping.purge)
app.command("backup")(keeping.backup)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ml-connector {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """What all commands share."""


def main(arguments: Sequence[str] | None = None, clock: Clock | None = None) -> None:
    """Run one command, by ``clock`` instead of the machine's where one is given. What goes wrong outside of it ends it with one
    sentence and an exit code, never with a traceback."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    streams.prepare()
    by_clock = session.CLOCK.set(clock)
    try:
        _run(given)
    finally:
        session.CLOCK.reset(by_clock)


def _run(given: Sequence[str]) -> None:
    try:
        code = app(args=list(given), prog_name="ml-connector", standalone_mode=False)
    except MlConnectorError as error:
        _fail(given, error.code, str(error), error.exit_code)
    except TyperException as error:
        _misused(given, error)
    except typer.Abort:
        _fail(given, "aborted", "Nothing was entered, so nothing was done.", 2)
    except BrokenPipeError:
        streams.give_up(sys.stdout)  # whoever read it has seen enough
        raise SystemExit(1) from None
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _fail(
            given,
            "file_unusable",
            f"{where}{error.strerror or error}. Check the path, its permissions and the room on the disk.",
            2,
        )
    except UnicodeEncodeError:
        _fail(given, "wrong_use", "A name or a path has characters in it that are none: give it without them.", 2)
    except Exception as error:
        if os.environ.get(_LOG_LEVEL) == "debug":
            raise  # whoever looks for a defect gets all of it
        _fail(given, "defect", defect_words(error), 1)
    if code == _INTERRUPTED:
        _fail(given, "interrupted", "Stopped. What was begun is finished by the next run.", _INTERRUPTED)
    if code:
        raise SystemExit(code)


def defect_words(error: Exception) -> str:
    """Where a defect of ours is, without what the exception says: words of others, even a secret, may be in that."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"This is a defect of ml-connector {__version__} ({type(error).__name__}, {Path(place.filename).name} line "
        f"{place.lineno}): report it. What was begun is finished by the next run; {_LOG_LEVEL}=debug shows more."
    )


def _misused(given: Sequence[str], error: TyperException) -> NoReturn:
    """Wrong arguments: how the command is used, and what is wrong with them. A group without a command shows its help."""
    context, words = getattr(error, "ctx", None), error.format_message()
    if context is None or not words.strip():
        raise SystemExit(error.exit_code)
    streams.last_words(sys.stderr, f"{context.get_usage()}\nMore: {context.command_path} --help\n")
    _fail(given, "usage", words, error.exit_code)


def _fail(given: Sequence[str], code: str, message: str, exit_code: int) -> NoReturn:
    """One sentence on stderr, and with ``--json`` the same as the one document on stdout."""
    if "--json" in given:
        streams.last_words(sys.stdout, json.dumps({"error": {"code": code, "message": message}}) + "\n")
    streams.last_words(sys.stderr, f"{output.shown(message)}\n")
    raise SystemExit(exit_code) from None
