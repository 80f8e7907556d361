"""``ml-connector link``: one Amazon account joined to one ERP company."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ml_connector.cli import output
from ml_connector.cli.session import Data, who, with_app
from ml_connector.domain.errors import WrongUse

commands = typer.Typer(no_args_is_help=True, help="Links: which stores go into which books, and how.")

Name = Annotated[str, typer.Argument(help="The link's name.")]


@commands.command("add")
def add(
    name: Annotated[str, typer.Argument(help="A name of your choice.")],
    amazon: Annotated[str, typer.Option(help="The Amazon connection.")],
    erp: Annotated[str, typer.Option(help="The ERP connection.")],
    stores: Annotated[str, typer.Option(help="Stores by country code, comma separated: US,CA.")],
    policy: Annotated[str, typer.Option(help="How revenue is recognised: settlement_summary.")],
    closed_period: Annotated[str, typer.Option(help="A row whose fiscal period is closed: hold or next_open_day.")],
    approval: Annotated[str, typer.Option(help="Who approves plans: automatic or person.")] = "automatic",
    granularity: Annotated[
        str, typer.Option(help="What one journal line sums: settlement, day or order.")
    ] = "settlement",
    presentation: Annotated[str, typer.Option(help="net or gross lines.")] = "net",
    period_split: Annotated[bool, typer.Option(help="An entry per fiscal period.")] = True,
    suspense: Annotated[bool, typer.Option("--suspense", help="Unknown rows go to the suspense account.")] = False,
    adopt_equal: Annotated[
        bool, typer.Option("--adopt-equal", help="Adopt an equal ERP document that carries no key of ours.")
    ] = False,
    zone: Annotated[list[str] | None, typer.Option(help="STORE=IANA zone, where it is not the store's own.")] = None,
    branch: Annotated[list[str] | None, typer.Option(help="STORE=branch of the ERP, where it has branches.")] = None,
    always_facilitated: Annotated[
        str, typer.Option(help="Stores where Amazon always collects the tax, comma separated.")
    ] = "",
    vat_not_deductible: Annotated[
        str,
        typer.Option(
            help="Stores where tax on Amazon's fees is not given back: it goes with the fee. Comma separated."
        ),
    ] = "",
    goal: Annotated[
        list[str] | None,
        typer.Option(help="KIND=entered: leave documents of a kind (JE) for a person to post in the ERP."),
    ] = None,
    every_hours: Annotated[int, typer.Option(help="How often settlements are looked for.", min=1, max=168)] = 6,
    orders_every_minutes: Annotated[
        int, typer.Option(help="How often orders are looked for; 0: not by themselves.", min=0, max=1440)
    ] = 0,
    data: Data = None,
    as_json: output.AsJson = False,
) -> None:
    """Join two connections."""
    settings = {
        "amazon": amazon,
        "erp": erp,
        "stores": _codes(stores),
        "policy": policy,
        "closed_period": closed_period,
        "approval": approval,
        "granularity": granularity,
        "presentation": presentation,
        "period_split": period_split,
        "suspense": suspense,
        "adopt_equal": adopt_equal,
        "zones": _pairs("--zone", zone),
        "branches": _pairs("--branch", branch),
        "always_facilitated": _codes(always_facilitated),
        "vat_not_deductible": _codes(vat_not_deductible),
        "goals": _pairs("--goal", goal),
        "every_hours": every_hours,
        "orders_every_minutes": orders_every_minutes,
    }
    shown = with_app(data, lambda app: app.links.add(name, settings, who()))
    if as_json:
        output.emit(shown)
    else:
        output.console().print(
            f"Link {name} is saved. Next: ml-connector mapping import {name} FILE, then ml-connector run {name} settlements"
        )


@commands.command("list")
def list_(data: Data = None, as_json: output.AsJson = False) -> None:
    """All links."""
    found = with_app(data, lambda app: app.links.all())
    if as_json:
        output.emit(found)
    elif found:
        rows = [(each.name, each.amazon, each.erp, ",".join(each.stores), each.policy) for each in found]
        output.table("", ("name", "amazon", "erp", "stores", "policy"), rows)
    else:
        output.console().print("No link yet. Add one: ml-connector link add NAME --amazon A --erp E ...")


@commands.command("show")
def show(name: Name, data: Data = None, as_json: output.AsJson = False) -> None:
    """One link with all its settings, and how safe each document kind is on its ERP."""
    found = with_app(data, lambda app: app.links.show(name))
    if as_json:
        output.emit(found)
    else:
        output.table(
            name, ("setting", "value"), [(key, output.words(value)) for key, value in output.plain(found).items()]
        )


@commands.command("remove")
def remove(name: Name, data: Data = None, as_json: output.AsJson = False) -> None:
    """Take a link out of use. What it posted stays on record, and can still be proved."""
    with_app(data, lambda app: app.links.remove(name, who()))
    if as_json:
        output.emit({"removed": name})
    else:
        output.console().print(f"Link {name} is gone; what it posted stays on record.")


@commands.command("open")
def open_(
    name: Name,
    source: Annotated[
        Path,
        typer.Option(
            "--from", help="TOML: reserve, payable and payouts in transit at the start; docs/accounting.md shows one."
        ),
    ],
    data: Data = None,
    as_json: output.AsJson = False,
) -> None:
    """Enter the opening sheet: what Amazon owed and was owed when this link begins."""
    sheets = with_app(data, lambda app: app.links.open(name, source, who()))
    if as_json:
        output.emit(sheets)
    else:
        output.table(
            f"Opening of {name}",
            ("store", "currency", "boundary", "reserve", "payable", "in transit"),
            [
                (s.store, s.currency, f"{s.boundary:%Y-%m-%d %H:%M} UTC", s.reserve, s.payable, s.in_transit)
                for s in sheets
            ],
            right=("reserve", "payable", "in transit"),
        )


def _codes(text: str) -> list[str]:
    return [code.strip().upper() for code in text.split(",") if code.strip()]


def _pairs(option: str, given: list[str] | None) -> dict[str, str]:
    out = {}
    for text in given or ():
        store, separator, value = text.partition("=")
        if not separator or not value:
            raise WrongUse(f"{option} takes NAME=value, not {text!r}.")
        out[store.strip().upper()] = value.strip()
    return out
