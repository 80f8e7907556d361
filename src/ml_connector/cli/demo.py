"""``ml-connector demo``: the main job on the sandbox, end to end, through the public commands only."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ml_connector.cli import output
from ml_connector.cli.session import DATA_VARIABLE
from ml_connector.domain.errors import Unavailable, WrongUse

_KEPT: Final = ".demo"
_LINK: Final = "demo"
_PREFIX: Final = "ML_CONNECTOR_"
_STOP_S: Final = 10


def demo(
    erp: Annotated[str, typer.Option(help="The ERP to post to.")] = "sap_business_one",
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep data folder and sandbox in ./.demo, and go on from there.")
    ] = False,
    as_json: output.AsJson = False,
) -> None:
    """Do the main job on simulated systems, end to end, with proof. Exit 0 only if everything was proved."""
    with _place(keep=keep) as place, _sandbox(place / "sandbox.db") as credentials, _environment(place):
        if erp not in credentials or erp == "amazon":
            raise WrongUse(
                f"The sandbox has no ERP {erp!r}; it has: {', '.join(sorted(set(credentials) - {'amazon'}))}."
            )
        _one_erp(place, erp)
        story = _Story(quiet=as_json)
        _set_up(story, credentials, erp)
        posted = _post(story)
        settlements = _prove(story)
    held = len(story.held)
    proved = sum(each["proved"] for each in settlements)
    if as_json:
        output.emit({"settlements": settlements, "posted": posted, "held": held, "proved": proved})
    else:
        _summary(settlements, posted, held, proved)
    if held or not settlements or proved != len(settlements):
        raise typer.Exit(1)


# --- the story ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Story:
    """Calls public commands and says which. ``held`` collects the keys of what was held on the way."""

    quiet: bool
    held: set[str] = field(default_factory=set)

    def tell(self, sentence: str) -> None:
        if not self.quiet:
            output.console().print(output.styled(f"\n{sentence}", "bold"))

    def call(self, *arguments: str, stdin: str = "", may_fail: bool = False) -> Any:
        """One command with ``--json``; its document. A command that fails ends the demo, unless its findings are asked for."""
        if not self.quiet:
            output.console().print(output.styled(f"$ ml-connector {' '.join(arguments)}", "dim"))
        code, text = _command([*arguments, "--json"], stdin)
        document = json.loads(text) if text.strip() else {}
        failed = "error" in document if isinstance(document, dict) else False
        if failed or (code and not (may_fail and code == 1)):
            if self.quiet and failed:
                output.emit(document)
            raise typer.Exit(code)  # the command itself has said why
        return document


def _set_up(story: _Story, credentials: Mapping[str, Any], erp: str) -> None:
    story.tell("A data folder with its own master key, and two sign-ins")
    story.call("init")
    _connect(story, "amazon", "amazon", credentials["amazon"], {"client_secret", "refresh_token"})
    _connect(story, "books", erp, credentials[erp], {"password"})
    for name in ("amazon", "books"):
        identity = story.call("connection", "test", name)["identity"]
        if not story.quiet:
            output.console().print(f"  {identity['name']}, {identity['version']}")
    for sentence in story.call("connection", "prepare", "books")["done"]:
        if not story.quiet:
            output.console().print(f"  {sentence}")
    story.tell("A link between them, and which account each of Amazon's categories goes to")
    stores = ",".join(_codes(credentials["amazon"]["marketplace_ids"]))
    story.call(
        "link", "add", _LINK, "--amazon", "amazon", "--erp", "books", "--stores", stores, "--policy", "settlement_summary",
        "--closed-period", "hold", "--approval", "person",
    )  # fmt: skip
    story.call("mapping", "import", _LINK, str(_mapping_of(erp)))
    story.call("mapping", "check", _LINK)


def _connect(story: _Story, name: str, kind: str, fields: Mapping[str, Any], secret: set[str]) -> None:
    settings = [
        f"{key}={','.join(value) if isinstance(value, list) else value}"
        for key, value in fields.items()
        if key not in secret
    ]
    arguments = [part for setting in settings for part in ("--set", setting)]
    secrets = json.dumps({key: value for key, value in fields.items() if key in secret})
    story.call("connection", "add", name, "--kind", kind, *arguments, "--secrets-stdin", stdin=secrets)


def _post(story: _Story) -> int:
    """Plan, show, approve, post; how many documents were posted."""
    story.tell("The closed settlements, read, checked, grouped: this would be posted")
    plan = story.call("plan", _LINK, may_fail=True)
    story.held |= {each["key"] for each in plan["held"]}
    if not story.quiet:
        _show_plan(plan)
    if not plan["documents"]:
        return 0
    story.tell("Approved, posted, read back")
    report = story.call("apply", plan["id"], may_fail=True)
    story.held |= {each["key"] for each in report["held"]}
    if not story.quiet:
        output.console().print(f"  posted: {report['posted']}")
    return int(report["posted"])


def _prove(story: _Story) -> list[dict[str, Any]]:
    story.tell("The proof of each settlement: Amazon's bytes against what the ERP holds now")
    records = story.call("record", "list", "--link", _LINK)
    out = []
    for record in records:
        if record["kind"] != "settlement" or record["state"] == "held":
            continue
        proof = story.call("settlement", "prove", record["key"], may_fail=True)
        out.append(
            {
                "id": proof["settlement_id"],
                "total": proof["total"],
                "currency": proof["currency"],
                "proved": proof["proved"],
                "documents": proof["documents"],
                "checks": proof["checks"],
                "audit_head": proof["audit_head"],
            }
        )
    return out


# --- for people --------------------------------------------------------------------------------------------------------


def _show_plan(plan: Mapping[str, Any]) -> None:
    for document in plan["documents"]:
        output.table(
            f"{document['key']}  {document['posting_date']}  {document['total']} {document['currency']}",
            ("account", "text", "debit", "credit", "file rows"),
            [
                (
                    line["account"],
                    line["text"],
                    _amount(line["debit"]),
                    _amount(line["credit"]),
                    line["rows"] or "",
                )
                for line in document["lines"]
                if line["posts"]
            ],
            right=("debit", "credit", "file rows"),
        )
    for words in sorted({output.class_words(document["class"]) for document in plan["documents"]}):
        output.console().print(f"Posting twice: {words}.")
    for held in plan["held"]:
        output.console().print(output.styled("held", "yellow"), f"{held['key']}: {held['reason']}")


def _summary(settlements: Sequence[Mapping[str, Any]], posted: int, held: int, proved: int) -> None:
    for each in settlements:
        mark = output.styled("proved", "green") if each["proved"] else output.styled("NOT PROVED", "red")
        ids = "  ".join(f"{d['key']} ({', '.join(f'{k} {v}' for k, v in d['ids'].items())})" for d in each["documents"])
        output.console().print(mark, f" {each['id']}  {each['total']:>12} {each['currency']}  {ids}")
        for check in each["checks"]:
            if check["ok"] is False:
                output.console().print(f"          check {check['number']} ({check['name']}): {check['words']}")
    if settlements:
        output.console().print(f"audit head {settlements[-1]['audit_head']}")
    output.console().print(f"\nposted: {posted}  held: {held}  proved: {proved} of {len(settlements)}")


def _amount(text: str) -> str:
    return "" if not text.strip("0.") else text


# --- the surroundings --------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _place(*, keep: bool) -> Iterator[Path]:
    """A fresh folder that goes away, or ``./.demo``."""
    if keep:
        place = Path(_KEPT).resolve()
        place.mkdir(mode=0o700, exist_ok=True)
        yield place
        return
    place = Path(tempfile.mkdtemp(prefix="ml-connector-demo-"))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _one_erp(place: Path, erp: str) -> None:
    """A place that is kept is one of one ERP."""
    file = place / "erp"
    if not file.exists():
        file.write_text(erp)
    elif (kept := file.read_text()) != erp:
        raise WrongUse(f"{place} holds a demo with {kept}: go on with --erp {kept}, or remove the folder.")


@contextlib.contextmanager
def _sandbox(state: Path) -> Iterator[Mapping[str, Any]]:
    """The simulated systems as a process of their own, over real loopback HTTP; what their sign-in forms ask for."""
    with subprocess.Popen(  # noqa: S603 - this very program
        [sys.executable, "-m", "ml_connector", "sandbox", "serve", "--json", "--state", str(state)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        # The user's own master key and database are none of its business.
        env={name: value for name, value in os.environ.items() if not name.startswith(_PREFIX)},
    ) as process:
        try:
            assert process.stdout is not None  # noqa: S101 - it was asked for
            line = process.stdout.readline()
            if not line:
                raise Unavailable("The sandbox did not start; what it said stands above.")
            yield json.loads(line)
        finally:
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()


@contextlib.contextmanager
def _environment(place: Path) -> Iterator[None]:
    """The demo's own data folder and key file: nothing that the user has set up is touched, nor his database used."""
    if not (place / "master.key").exists():
        _make_key(place / "master.key")
    before = {name: value for name, value in os.environ.items() if name.startswith(_PREFIX)}
    ours = {DATA_VARIABLE: str(place / "data"), f"{_PREFIX}MASTER_KEY_FILE": str(place / "master.key")}
    _replace_variables(ours)
    try:
        yield
    finally:
        _replace_variables(before)


def _replace_variables(values: Mapping[str, str]) -> None:
    for name in [name for name in os.environ if name.startswith(_PREFIX)]:
        del os.environ[name]
    os.environ.update(values)


def _make_key(file: Path) -> None:
    from ml_connector.vault.keys import MasterKey, write_file

    write_file(file, (MasterKey.new(),), new=True)


def _command(arguments: Sequence[str], stdin: str) -> tuple[int, str]:
    """One public command in this process: (exit code, what it printed on stdout)."""
    from ml_connector.cli.main import main

    said = io.StringIO()
    heard, sys.stdin = sys.stdin, io.StringIO(stdin)
    try:
        with contextlib.redirect_stdout(said):
            main(arguments)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    finally:
        sys.stdin = heard
    return code, said.getvalue()


def _codes(marketplace_ids: Sequence[str]) -> list[str]:
    from ml_connector.amazon.marketplaces import store_by_id

    return [store.code for each in marketplace_ids if (store := store_by_id(each)) is not None]


def _mapping_of(erp: str) -> Path:
    """The mapping that the sandbox ships with its chart of accounts."""
    from importlib import resources

    file = resources.files("ml_connector.sandbox") / erp / "mapping.csv"
    with resources.as_file(file) as path:
        return path
