"""``ml-connector plan``, ``apply``, ``run`` and ``serve``: the work itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ml_connector.cli import orders, output
from ml_connector.cli.session import Data, data_folder, who, with_app
from ml_connector.domain.errors import WrongUse

if TYPE_CHECKING:
    from ml_connector.app.reports import NoteShown, PlanShown, RunReport

Link = Annotated[str, typer.Argument(help="The link's name.")]
Flow = Annotated[str, typer.Argument(help="What to do: settlements or orders.")]
Since = Annotated[str | None, typer.Option(help="Settlements created, or orders changed, since this day (YYYY-MM-DD).")]
#: Named here, so that showing the help loads no database.
_ORDERS: Final = "orders"


def plan(
    link: Link, flow: Flow = "settlements", since: Since = None, data: Data = None, as_json: output.AsJson = False
) -> None:
    """Show what a run would post, and save it as a plan. Nothing is written to the ERP. For orders: what a run would read,
    and how long Amazon's limits will make it last."""
    day = _day(since)
    if flow == _ORDERS:
        orders.plan(link, day, data, as_json=as_json)
        return
    with output.progress("reading") as bar:
        shown = with_app(data, lambda app: app.plan(link, flow, day, who(), bar))
    if as_json:
        output.emit(shown)
    else:
        print_plan(shown)
    if shown.held:
        raise typer.Exit(1)


def apply(
    plan_id: Annotated[str, typer.Argument(metavar="PLAN", help="The plan's id, as plan printed it.")],
    data: Data = None,
    as_json: output.AsJson = False,
) -> None:
    """Approve a plan and post it. Refused when what it was made from has changed."""
    with output.progress("posting") as bar:
        report = with_app(data, lambda app: app.apply(plan_id, who(), bar))
    _end(report, as_json=as_json)


def run(
    link: Link,
    flow: Flow = "settlements",
    since: Since = None,
    wait: Annotated[bool, typer.Option(help="Wait until a lost reply can no longer land, then finish.")] = True,
    only_find: Annotated[
        bool,
        typer.Option("--only-find", help="Orders: only to know which there are, by the quicker way. Needs --since."),
    ] = False,
    data: Data = None,
    as_json: output.AsJson = False,
) -> None:
    """Read, plan, post and prove, in one go. Whatever stopped it before, it goes on where that ended."""
    day = _day(since)
    if flow == _ORDERS:
        orders.run(link, day, data, wait=wait, only_find=only_find, as_json=as_json)
        return
    if only_find:
        raise WrongUse("--only-find is for orders: ml-connector run LINK orders --only-find --since YYYY-MM-DD.")
    with output.progress("reading") as bar:
        report = with_app(data, lambda app: app.run(link, flow, day, who(), bar, wait=wait))
    _end(report, as_json=as_json)


def serve(data: Data = None, as_json: output.AsJson = False) -> None:
    """Run all links on their schedules until stopped."""
    folder = data_folder(data)

    def begun() -> None:
        if as_json:
            output.emit({"serving": str(folder)})
        output.trouble().print(f"Serving {folder}. Ctrl-C stops it when what is being written is finished.")

    with_app(folder, lambda app: app.serve(begun))


def print_plan(shown: PlanShown) -> None:
    """A plan for people: every document with its lines, then what is held and why."""
    for document in shown.documents:
        output.table(
            f"{document.key}  {document.posting_date}  {document.total} {document.currency}",
            ("account", "text", "debit", "credit", "file rows"),
            [
                (line.account, line.text, _side(line.debit), _side(line.credit), line.rows or "")
                for line in document.lines
                if line.posts
            ],
            right=("debit", "credit", "file rows"),
        )
        output.console().print(f"In the ERP now: {document.target}. {_sentence(output.class_words(document.class_))}\n")
    for held in shown.held:
        output.console().print(output.styled("held", "yellow"), f"{held.key}: {held.reason}")
    _print_notes(shown.notes)
    if shown.documents:
        documents = output.count(len(shown.documents), "document")
        output.console().print(f"Plan {shown.id}: {documents}. Post it: ml-connector apply {shown.id}")
    elif not shown.held:
        output.console().print("Nothing to post.")


def _print_notes(notes: Sequence[NoteShown]) -> None:
    for note in notes:
        output.console().print(output.styled("note", "yellow"), f"{note.settlement_id}: {note.reason}")


def _side(amount: Decimal) -> str:
    return str(amount) if amount else ""


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."


def print_report(report: RunReport) -> None:
    """A run for people."""
    for proof in report.proofs:
        mark = output.styled("proved", "green") if proof.proved else output.styled("not proved", "red")
        output.console().print(mark, f" {proof.settlement_id}  {proof.total} {proof.currency}")
        for check in proof.checks:
            if check.ok is False:
                output.console().print(f"    check {check.number} ({check.name}): {check.words}")
    for held in report.held:
        output.console().print(output.styled("held", "yellow"), f"   {held.key}: {held.reason}")
    _print_notes(report.notes)
    for waiting in report.waiting:
        output.console().print(f"waiting {waiting.key}: {waiting.reason}")
    output.console().print(
        f"posted: {report.posted}  adopted: {report.adopted}  held: {len(report.held)}  proved: {report.proved}"
    )
    if report.awaiting_approval:
        output.console().print(
            f"Plan {report.awaiting_approval} waits for approval: ml-connector apply {report.awaiting_approval}"
        )


def _end(report: RunReport, *, as_json: bool) -> None:
    if as_json:
        output.emit(report)
    else:
        print_report(report)
    if report.trouble:
        output.trouble().print(report.trouble)
    if report.exit_code:
        raise typer.Exit(report.exit_code)


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise WrongUse(f"--since takes a day as YYYY-MM-DD, not {text!r}.") from error
