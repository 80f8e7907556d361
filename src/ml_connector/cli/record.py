"""``ml-connector record``: what was read and what became of it."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ml_connector.cli import output
from ml_connector.cli.session import Data, who, with_app
from ml_connector.cli.work import print_report

commands = typer.Typer(no_args_is_help=True, help="Records: settlements and documents, their state and their trail.")

Key = Annotated[str, typer.Argument(help="A document key, a settlement id or an order id.")]


@commands.command("list")
def list_(
    link: Annotated[str | None, typer.Option(help="Only this link's.")] = None,
    state: Annotated[str | None, typer.Option(help="Only in this state, such as held.")] = None,
    kind: Annotated[
        str | None, typer.Option(help="Only of this kind, such as settlement, JournalEntry or order.")
    ] = None,
    data: Data = None,
    as_json: output.AsJson = False,
) -> None:
    """Every settlement and document with its state, why it is held, and its ids in the ERP; orders with --kind order."""
    found = with_app(data, lambda app: app.records.all(link, state, kind))
    if as_json:
        output.emit(found)
    elif found:
        rows = [(r.key, r.kind, r.state, r.reason, " ".join(f"{k}={v}" for k, v in r.ids.items())) for r in found]
        output.table("", ("key", "kind", "state", "reason", "ids"), rows)
    else:
        chosen = state is not None or kind is not None
        output.console().print("No record is of that kind and in that state." if chosen else "Nothing was read yet.")


@commands.command("show")
def show(key: Key, data: Data = None, as_json: output.AsJson = False) -> None:
    """One record: content, every attempt, every audit event."""
    found = with_app(data, lambda app: app.records.show(key))
    if as_json:
        output.emit(found)
        return
    output.console().print(f"{found.key}  {found.kind}  {found.state}  {found.reason}")
    if found.lines:
        rows = [(line.account, line.text, line.debit, line.credit, line.rows) for line in found.lines]
        output.table(
            "Lines", ("account", "text", "debit", "credit", "file rows"), rows, right=("debit", "credit", "file rows")
        )
    if found.versions:
        rows3 = [
            (f"{v.changed_at:%Y-%m-%d %H:%M:%S}", f"{v.seen_at:%Y-%m-%d %H:%M:%S}", v.sha256) for v in found.versions
        ]
        output.table("Versions", ("changed at Amazon", "seen", "sha256"), rows3)
    if found.content:
        output.console().print(json.dumps(found.content, indent=2, ensure_ascii=False))
    if found.attempts:
        rows2 = [(f"{a.sent_at:%Y-%m-%d %H:%M:%S}", a.step, a.outcome, a.words) for a in found.attempts]
        output.table("Attempts", ("sent", "step", "outcome", "words"), rows2)
    output.table(
        "History", ("when", "who", "event"), [(f"{e.at:%Y-%m-%d %H:%M:%S}", e.actor, e.event) for e in found.history]
    )


@commands.command("replay")
def replay(key: Key, data: Data = None, as_json: output.AsJson = False) -> None:
    """Try a held record again: a settlement is planned anew, a document is looked at and posted."""
    with output.progress("replaying") as bar:
        report = with_app(data, lambda app: app.replay(key, who(), bar))
    if as_json:
        output.emit(report)
    else:
        print_report(report)
    if report.exit_code:
        raise typer.Exit(report.exit_code)


@commands.command("drop")
def drop(key: Key, data: Data = None, as_json: output.AsJson = False) -> None:
    """Never post a held document, leave a posted settlement as it is although another file of it came, or forget a refused
    report: you took care of it otherwise."""
    with_app(data, lambda app: app.records.drop(key, who()))
    if as_json:
        output.emit({"dropped": key})
    else:
        output.console().print(f"{key} is out of the way: nothing more is done with it.")
