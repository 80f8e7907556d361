"""``ml-connector sandbox``: the outside world, simulated, for trying everything without an account."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from ml_connector.cli import output
from ml_connector.domain.errors import WrongUse

commands = typer.Typer(no_args_is_help=True, help="Simulated Amazon and ERPs on this machine.")


@commands.command("serve")
def serve(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.", min=0, max=65535)] = 0,
    speed: Annotated[float, typer.Option(help="How many times faster quotas, expiries and delays run.")] = 1.0,
    state: Annotated[Path | None, typer.Option(help="Keep the world in this file, and go on from it.")] = None,
    scenario: Annotated[Path | None, typer.Option(help="TOML: what the world looks like.")] = None,
    fault_plan: Annotated[
        Path | None, typer.Option(help="TOML: [[faults]] tables of system, operation, nth or probability, fault, seed.")
    ] = None,
    tls: Annotated[
        bool, typer.Option("--tls", help="HTTPS with a throw-away CA, printed with the credentials.")
    ] = False,
    list_faults: Annotated[bool, typer.Option("--list-faults", help="Say what can go wrong, and stop.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Serve the simulated systems until stopped. Prints what the sign-in forms ask for, once it accepts connections."""
    if list_faults:
        _list_faults(as_json=as_json)
        return
    from ml_connector.sandbox.serve import serve as serve_world

    try:
        serve_world(
            port=port,
            speed=speed,
            state=state,
            scenario=scenario,
            fault_plan=fault_plan,
            tls=tls,
            ready=_announce_json if as_json else _announce,
        )
    except ValueError as error:
        raise WrongUse(f"The sandbox cannot start: {error}.") from error
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise WrongUse(f"The sandbox cannot start: {where}{error.strerror or error}.") from error


def _announce_json(credentials: dict[str, object]) -> None:
    # One line, not a pretty document: whoever started this process reads exactly one line.
    sys.stdout.write(json.dumps(credentials) + "\n")
    sys.stdout.flush()


def _announce(credentials: dict[str, object]) -> None:
    for system, fields in credentials.items():
        if isinstance(fields, dict):
            output.table(system, ("field", "value"), [(name, output.words(value)) for name, value in fields.items()])
        else:
            output.console().print(f"{system}:\n{fields}")
    output.trouble().print("The sandbox is running. Ctrl-C stops it.")


def _list_faults(*, as_json: bool) -> None:
    from ml_connector.sandbox.faults import list_faults

    faults = dict(list_faults())
    if as_json:
        output.emit(faults)
    else:
        output.table("What can go wrong", ("fault", "what happens"), faults.items())
