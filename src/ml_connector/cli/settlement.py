"""``ml-connector settlement``: one settlement file or one settlement."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ml_connector.cli import output
from ml_connector.cli.session import Data, who, with_app
from ml_connector.domain.errors import WrongUse

commands = typer.Typer(no_args_is_help=True, help="Settlements: look into a file, import one, prove one.")


@commands.command("inspect")
def inspect(
    file: Annotated[Path, typer.Argument(help="A settlement file (flat file V2), plain or gzip.")],
    as_json: output.AsJson = False,
) -> None:
    """Read a settlement file without any database: does it foot, what is in it, what is unknown. Exit 1 when refused."""
    from ml_connector.flows.inspect import inspect_file

    _check_file(file)
    found = inspect_file(file)
    if as_json:
        output.emit(found)
    else:
        _print_inspection(found)
    if not found["foots"]:
        raise typer.Exit(1)


def _print_inspection(found: dict[str, Any]) -> None:
    known = (
        ("Settlement {settlement_id}", "settlement_id"),
        ("{total} {currency}", "total"),
        ("{rows} rows", "rows"),
        ("{encoding}", "encoding"),
        ("{start} to {end}", "start"),
        ("zone {zone}", "zone"),
    )
    # Of a refused file some of it is not known.
    told = [words.format_map(found) for words, member in known if found[member] is not None]
    output.console().print("  ".join(told) or "Unreadable.")
    if found["groups"]:
        output.table(
            "",
            ("label and category", "store", "month", "amount", "rows"),
            [
                (
                    f"{g['transaction_type']} | {g['amount_type']} | {g['amount_description']}\n= {g['category'] or 'UNKNOWN'}",
                    g["marketplace"],
                    g["month"],
                    g["amount"],
                    g["rows"],
                )
                for g in found["groups"]
            ],
            right=("amount", "rows"),
        )
    for finding in found["findings"]:
        where = f" (line {finding['line']})" if finding["line"] is not None else ""
        output.console().print(output.styled(finding["code"], "yellow"), f"{where}: {finding['message']}", sep="")
    output.console().print(output.styled("It foots.", "green") if found["foots"] else output.styled("Refused.", "red"))


def _check_file(file: Path) -> None:
    """A settlement is read more than once, so that it has to be a file."""
    if not file.exists():
        raise WrongUse(f"There is no file {file}.")
    if not file.is_file():
        raise WrongUse(f"{file} is no file: save the report as one, and give its path.")


@commands.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A settlement file that Amazon no longer lists (older than 90 days).")],
    link: Annotated[str | None, typer.Option(help="The link it belongs to, where its store does not tell.")] = None,
    data: Data = None,
    as_json: output.AsJson = False,
) -> None:
    """Treat a file as if it had been discovered: archived and planned by the next run of the link."""
    _check_file(file)
    imported = with_app(data, lambda app: app.import_settlement(link, file, who()))
    if as_json:
        output.emit(imported)
    else:
        after = f" Post it: ml-connector run {imported.link} settlements" if imported.link else ""
        output.console().print(f"{imported.words}{after}")
    if imported.refused:
        raise typer.Exit(1)


@commands.command("prove")
def prove(
    settlement_id: Annotated[str, typer.Argument(metavar="ID", help="The settlement's id.")],
    data: Data = None,
    as_json: output.AsJson = False,
) -> None:
    """Recompute everything from the archived bytes and hold it against what the ERP holds now. Exit 1 when it differs."""
    proof = with_app(data, lambda app: app.prove(settlement_id, who()))
    if as_json:
        output.emit(proof)
    else:
        output.table(
            f"Settlement {proof.settlement_id}  {proof.total} {proof.currency}",
            ("", "check", "result"),
            [({True: "ok", False: "FAILED", None: "-"}[check.ok], check.name, check.words) for check in proof.checks],
        )
        output.console().print(f"audit head {proof.audit_head}")
        output.console().print(
            output.styled("Proved.", "green") if proof.proved else output.styled("Not proved.", "red")
        )
    if not proof.proved:
        raise typer.Exit(1)
