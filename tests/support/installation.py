"""One installation of the program, driven as a person drives it: by its commands."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from ml_connector.cli.main import main
from tests.support.elsewhen import SetClock
from tests.support.sandbox_server import SandboxServer

_CHECKOUT = Path(__file__).parents[2]

STORES = {"ATVPDKIKX0DER": "US", "A1PA6795UKMFR9": "DE", "A1F83G8C2ARO7P": "UK", "A2EUQ1WTGCTBG2": "CA"}


def mapping_of(erp: str) -> Path:
    """The mapping that the sandbox ships with its company."""
    return Path(str(resources.files("ml_connector.sandbox") / erp / "mapping.csv"))


MAPPING = mapping_of("sap_business_one")


@dataclass(frozen=True)
class Said:
    """What a command did: its exit code, and what it said where."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout: two, or anything beside it, is an error."""
        return json.loads(self.out)

    @property
    def message(self) -> str:
        """The sentence of an error, which a program reads and a person sees."""
        message: str = self.json["error"]["message"]
        assert message in self.err
        return message


class Installation:
    """A data folder and its master key, apart from everything of the machine's user. Its commands go by ``clock``, or by the
    machine's where none is given."""

    def __init__(self, place: Path, clock: SetClock | None = None, **environment: str) -> None:
        self.place = place
        self.clock = clock
        self.data = place / "data"
        self.key = place / "key" / "master.key"
        self.environment = {
            "ML_CONNECTOR_DATA": str(self.data),
            "XDG_CONFIG_HOME": str(place / "config"),
            "USER": "tester",
            **environment,
        }

    def __call__(self, *arguments: str, stdin: str = "") -> Said:
        """Run a command in this process."""
        out, err = io.StringIO(), io.StringIO()
        code = 0
        with (
            surroundings(self.environment),
            _standard_input(stdin),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            try:
                main(arguments, self.clock)
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        return Said(code, out.getvalue(), err.getvalue())

    @contextlib.contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """The same command with ``--json`` as a process of its own, which has no standard input and ends with the block at the
        latest."""
        program = ["ml_connector"] if self.clock is None else ["tests.support.elsewhen", str(self.clock)]
        with surroundings(self.environment):
            process = subprocess.Popen(
                [sys.executable, "-m", *program, *arguments, "--json"],
                cwd=_CHECKOUT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        with process:
            try:
                yield process
            finally:
                process.kill()

    def ok(self, *arguments: str, stdin: str = "") -> Any:
        """Run a command with ``--json`` that has to end well; its document."""
        said = self(*arguments, "--json", stdin=stdin)
        assert said.code == 0, (arguments, said)
        return said.json

    def refused(self, code: int, *arguments: str, stdin: str = "") -> str:
        """Run a command that has to end with an error and this exit code; its sentence, the same in both forms."""
        said = self(*arguments, "--json", stdin=stdin)
        assert said.code == code, (arguments, said)
        assert "Traceback" not in said.err
        return said.message

    # --- setting up ----------------------------------------------------------------------------------------------------

    def connect(
        self,
        sandbox: SandboxServer,
        *,
        erp: str = "sap_business_one",
        settings: Mapping[str, str] | None = None,
        **secrets: str,
    ) -> None:
        """``init`` and both sign-ins. ``settings`` are further ones of the ERP's, ``secrets`` replaces what the sandbox gave."""
        self.ok("init")
        amazon, books = sandbox.credentials["amazon"], sandbox.credentials[erp]
        self.ok(*connection("amazon", "amazon", amazon), stdin=_secrets(amazon, secrets))
        self.ok(*connection("books", erp, books, **(settings or {})), stdin=_secrets(books, secrets))

    def link(
        self,
        sandbox: SandboxServer,
        *more: str,
        mapping: Path | None = None,
        prepare: bool = True,
        erp: str = "sap_business_one",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Everything up to the mapping of a link named ``shop``: the one that the sandbox ships, unless another is given."""
        self.connect(sandbox, erp=erp, settings=settings)
        if prepare:
            self.ok("connection", "prepare", "books")
        stores = ",".join(STORES[each] for each in sandbox.credentials["amazon"]["marketplace_ids"])
        chosen = () if "--closed-period" in more else ("--closed-period", "hold")
        self.ok(
            "link", "add", "shop", "--amazon", "amazon", "--erp", "books", "--stores", stores,
            "--policy", "settlement_summary", *chosen, *more,
        )  # fmt: skip
        self.ok("mapping", "import", "shop", str(mapping or mapping_of(erp)))

    def mapping_without(self, *categories: str) -> Path:
        """The shipped mapping without some categories, as a file."""
        return self.mapping_with(dict.fromkeys(categories))

    def mapping_with(self, accounts: Mapping[str, str | None]) -> Path:
        """The shipped mapping with other accounts for some categories (None: without the category), as a file."""
        lines = []
        for line in MAPPING.read_text().splitlines():
            cells = line.split(",")
            if cells[0] in accounts:
                account = accounts[cells[0]]
                if account is None:
                    continue
                cells[8] = account
            lines.append(",".join(cells))
        file = self.place / "mapping.csv"
        file.write_text("\n".join(lines) + "\n")
        return file

    # --- looking inside ------------------------------------------------------------------------------------------------

    def records(self, kind: str | None = None) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ok("record", "list")
        return [each for each in found if kind in {None, each["kind"]}]

    def settlements(self) -> list[str]:
        """The ids of the link's settlements, in order of time."""
        return [each["key"] for each in self.records("settlement")]

    @contextlib.contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        """The database file itself, as an intruder or an administrator has it."""
        with contextlib.closing(sqlite3.connect(self.data / "ml-connector.db", isolation_level=None)) as conn:
            yield conn


def connection(name: str, kind: str, fields: Mapping[str, Any], **changes: str) -> tuple[str, ...]:
    """The command that adds a connection, secrets from standard input."""
    public = {key: value for key, value in {**fields, **changes}.items() if key not in _SECRET}
    settings = [f"{key}={','.join(value) if isinstance(value, list) else value}" for key, value in public.items()]
    return (
        "connection", "add", name, "--kind", kind, *(part for each in settings for part in ("--set", each)),
        "--secrets-stdin",
    )  # fmt: skip


_SECRET = frozenset({"client_secret", "refresh_token", "password"})


def _secrets(fields: Mapping[str, Any], changes: Mapping[str, str]) -> str:
    return json.dumps({key: changes.get(key, value) for key, value in fields.items() if key in _SECRET})


@contextlib.contextmanager
def surroundings(environment: Mapping[str, str]) -> Iterator[None]:
    """Only these of the program's variables are set."""
    before = dict(os.environ)
    for name in [name for name in before if name.startswith(("ML_CONNECTOR_", "XDG_"))]:
        del os.environ[name]
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def _standard_input(text: str) -> Iterator[None]:
    before, sys.stdin = sys.stdin, io.StringIO(text)
    try:
        yield
    finally:
        sys.stdin = before
