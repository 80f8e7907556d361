"""The orders flow on the command line: ``plan LINK orders`` and ``run LINK orders``."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ml_connector.cli import output
from ml_connector.cli.session import who, with_app

if TYPE_CHECKING:
    from ml_connector.app.reports import OrdersPlanShown, OrdersReport


def plan(link: str, since: date | None, data: Path | None, *, as_json: bool) -> None:
    """What a run would read, and how long it would take. Amazon is not asked."""
    shown = with_app(data, lambda app: app.plan_orders(link, since))
    if as_json:
        output.emit(shown)
    else:
        _print_plan(shown)


def run(link: str, since: date | None, data: Path | None, *, wait: bool, only_find: bool, as_json: bool) -> None:
    """Read orders until all that is wanted is read. Stopped and started again, it goes on where it was."""
    with output.progress("reading orders") as bar:
        report = with_app(data, lambda app: app.run_orders(link, since, who(), bar, wait=wait, only_find=only_find))
    if as_json:
        output.emit(report)
    else:
        _print_report(report)
    if report.trouble:
        output.trouble().print(report.trouble)
    if report.exit_code:
        raise typer.Exit(report.exit_code)


def _print_plan(shown: OrdersPlanShown) -> None:
    say = output.console().print
    if shown.read_since is not None:
        say(f"Read: from {_minute(shown.read_since)} to {_minute(shown.read_to)}.")
    say(f"Wanted: since {_minute(shown.wanted_since)}.")
    say(f"To be read: {shown.chosen.words}")
    for way in shown.only_to_find:
        say(f"Only to know which orders there are, by {way.way}: {way.words}")
    say(f"Read them: ml-connector run {shown.link} orders")


def _print_report(report: OrdersReport) -> None:
    say = output.console().print
    for held in report.held:
        say(output.styled("held", "yellow"), f"   {held.key}: {held.reason}")
    states = "  ".join(f"{state}: {count:,}" for state, count in report.states.items())
    by = f"reports: {report.reports:,}" if report.reports else f"calls: {report.calls:,}"
    say(f"new: {report.new:,}  changed: {report.changed:,}  {by}")
    say(f"On record: {states or 'no order'}")
    if report.read_since is not None:
        say(f"Read: from {_minute(report.read_since)} to {_minute(report.read_to)}.")
    if report.left is not None:
        say(f"Still to be read: {report.left.words}")


def _minute(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC" if instant is not None else "-"
