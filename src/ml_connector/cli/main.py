"""The command ``ml-connector``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from ml_connector import __version__
from ml_connector.cli import connection, demo, keeping, link, mapping, record, sandbox, settlement, work
from ml_connector.domain.errors import MlConnectorError

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


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command. Our own errors end it with one sentence and their exit code; never a traceback for an outside
    cause."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        app(args=given)
    except MlConnectorError as error:
        if "--json" in given:
            sys.stdout.write(json.dumps({"error": {"code": error.code, "message": str(error)}}) + "\n")
        sys.stderr.write(f"{error}\n")
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        sys.stderr.write("Stopped. What was begun is finished by the next run.\n")
        raise SystemExit(130) from None
