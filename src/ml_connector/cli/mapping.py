"""``ml-connector mapping``: which account each category goes to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ml_connector.cli import output
from ml_connector.cli.session import Data, who, with_app

commands = typer.Typer(no_args_is_help=True, help="Mappings: from Amazon's categories to the accounts of the ERP.")

Link = Annotated[str, typer.Argument(help="The link's name.")]


@commands.command("import")
def import_(
    link: Link,
    file: Annotated[Path, typer.Argument(help="CSV or TOML.")],
    data: Data = None,
    as_json: output.AsJson = False,
) -> None:
    """Take over a mapping as the link's next version. What is planned keeps the version it was planned with."""
    saved = with_app(data, lambda app: app.mappings.import_file(link, file, who()))
    if as_json:
        output.emit(saved)
    else:
        output.console().print(
            f"Version {saved.version} with {saved.rules} rules. Check it: ml-connector mapping check {link}"
        )


@commands.command("export")
def export(
    link: Link,
    file: Annotated[Path | None, typer.Argument(help="CSV or TOML by its ending; standard output without it.")] = None,
    data: Data = None,
    as_json: output.AsJson = False,
) -> None:
    """Write the link's mapping, in the form that import takes."""
    if as_json:
        output.emit(with_app(data, lambda app: app.mappings.rules(link)))
        return
    text = with_app(
        data, lambda app: app.mappings.export_text(link, "toml" if file and file.suffix == ".toml" else "csv")
    )
    if file is None:
        typer.echo(text, nl=False)
    else:
        file.write_text(text, encoding="utf-8")
        output.console().print(f"Written to {file}.")


@commands.command("check")
def check(link: Link, data: Data = None, as_json: output.AsJson = False) -> None:
    """Hold the mapping against the ERP's accounts as they are now. Exit 1 when something would be refused."""
    findings = with_app(data, lambda app: app.mappings.check(link))
    if as_json:
        output.emit({"link": link, "findings": findings})
    elif findings:
        output.table(f"Mapping of {link}", ("finding", "what to do"), [(f.code, f.message) for f in findings])
    else:
        output.console().print("Every category has an account that can be posted to.")
    if any(finding.holds for finding in findings):
        raise typer.Exit(1)


@commands.command("suggest")
def suggest(link: Link, data: Data = None, as_json: output.AsJson = False) -> None:
    """Accounts of the ERP whose names look like the categories that are not mapped yet. Nothing is saved."""
    found = with_app(data, lambda app: app.mappings.suggest(link))
    if as_json:
        output.emit(found)
    elif found:
        rows = [(s.category, s.account, s.name) for s in found]
        output.table("Suggestions", ("category", "account", "its name"), rows)
    else:
        output.console().print("Every category is mapped.")
