"""``ml-connector init``, ``doctor``, ``reconcile``, ``secrets``, ``audit`` and ``backup``: keeping the house in order."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from ml_connector.cli import output
from ml_connector.cli.session import CLOCK, Data, data_folder, who, with_app

secrets = typer.Typer(no_args_is_help=True, help="The master key.")
audit = typer.Typer(no_args_is_help=True, help="The audit trail.")


def init(
    moved: Annotated[
        bool, typer.Option("--moved", help="This data folder was moved here; the old place is no more.")
    ] = False,
    data: Data = None,
    as_json: output.AsJson = False,
) -> None:
    """Create the data folder, its database and the master key. Harmless when they are there."""
    from ml_connector.app import App

    made = asyncio.run(App.init(data_folder(data), moved=moved, clock=CLOCK.get()))
    if as_json:
        output.emit(made)
    else:
        output.console().print(f"Data folder {made.data_folder}\nMaster key  {made.key_from}")
        output.console().print("Keep a copy of the key elsewhere: without it the stored sign-ins are lost.")


def doctor(data: Data = None, as_json: output.AsJson = False) -> None:
    """Check configuration, database, key, clock, reachability and versions. Exit 1 when something is wrong."""
    from ml_connector.app import App

    checks = asyncio.run(App.doctor(data_folder(data), CLOCK.get()))
    if as_json:
        output.emit({"checks": checks})
    else:
        output.table("", ("", "what", "words"), [("ok" if c.ok else "WRONG", c.name, c.words) for c in checks])
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


def reconcile(
    link: Annotated[str, typer.Argument(help="The link's name.")],
    period: Annotated[str, typer.Option(help="The month to look at again, YYYY-MM.")],
    data: Data = None,
    as_json: output.AsJson = False,
) -> None:
    """Look again at everything that was posted: missing, changed, surplus. Exit 1 when something is."""
    found = with_app(data, lambda app: app.reconcile(link, period, who()))
    if as_json:
        output.emit(found)
    else:
        rows = [(each.what, each.key, each.words) for each in found.spots()]
        output.table(f"{link} {period}", ("what", "key", "words"), rows)
        output.console().print(f"{output.count(found.looked_at, 'document')} looked at, {found.equal} as posted.")
    if found.spots():
        raise typer.Exit(1)


@secrets.command("rotate")
def rotate(data: Data = None, as_json: output.AsJson = False) -> None:
    """Make a new master key and seal every secret with it. Safe to interrupt and repeat."""
    done = with_app(data, lambda app: app.rotate_secrets(who()))
    if as_json:
        output.emit(done)
    else:
        output.console().print(f"Sealed {output.count(done.secrets, 'secret')} with the new key from {done.key_from}.")
        for file in done.kept:
            output.console().print(
                f"The key before is in {file}: older backups need it. Destroy it when none are left."
            )


@audit.command("verify")
def verify(data: Data = None, as_json: output.AsJson = False) -> None:
    """Recompute the chain of audit events. Exit 1 when one was changed or is missing."""
    verdict = with_app(data, lambda app: app.verify_audit(), look_only=True)
    if as_json:
        output.emit(verdict)
    else:
        output.console().print(verdict.words)
    if not verdict.ok:
        raise typer.Exit(1)


def backup(
    target: Annotated[Path, typer.Argument(help="The file to write.")],
    data: Data = None,
    as_json: output.AsJson = False,
) -> None:
    """Write a consistent copy of the database, also while it is in use. The master key is not in it."""
    with_app(data, lambda app: app.backup(target, who()))
    if as_json:
        output.emit({"backup": str(target)})
    else:
        output.console().print(f"Written to {target}. Keep it apart from the master key.")


def purge(data: Data = None, as_json: output.AsJson = False) -> None:
    """Delete what may be kept no longer: what Amazon told about buyers. Happens by itself whenever orders are read."""
    done = with_app(data, lambda app: app.purge(who()))
    if as_json:
        output.emit(done)
    else:
        output.console().print(f"Deleted {output.count(done.removed, 'buyer')}; {done.left:,} may still be kept.")
