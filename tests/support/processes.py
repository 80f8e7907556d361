"""Real processes for tests: a sandbox on a loopback port, and ``ml-connector`` commands on a data folder of their own."""

from __future__ import annotations

import itertools
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Final

import httpx2

from ml_connector.vault.keys import MasterKey, write_file

DEADLINE_S: Final = 120.0

#: Several commands, one after the other, in one process: starting the interpreter takes longer than most of them.
_SEVERAL: Final = """
import json, sys
from ml_connector.cli.demo import _command

for arguments, stdin in json.load(sys.stdin):
    code, said = _command(arguments, stdin)
    print(json.dumps([code, said]), flush=True)
"""
_NUMBERS: Final = itertools.count(1)
_POLL_S: Final = 0.004
_PROGRAM: Final = (sys.executable, "-m", "ml_connector")
_OURS: Final = "ML_CONNECTOR_"
_POLICY: Final = ("--policy", "settlement_summary", "--closed-period", "next_open_day", "--approval", "automatic")
_SECRETS: Final = frozenset({"client_secret", "refresh_token", "password"})


def until(condition: Callable[[], bool], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Wait for a condition. Fails when it does not come true in time."""
    pause = threading.Event()
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, f"not in {deadline_s:g} s: {what}"
        pause.wait(_POLL_S)


# --- the outside world --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox. ``state`` is its ledger file, which may be read while it runs."""

    credentials: Mapping[str, Any]
    state: Path

    def written(self) -> int:
        """How many journal entries the ERP has accepted, read from its ledger file without asking it."""
        return int(_rows(self.state, 'SELECT count(*) FROM "sap_business_one_OJDT"')[0][0])

    def entries(self) -> list[dict[str, Any]]:
        """Every journal entry as the ledger holds it, asked for at the door for tests.

        What reached the server before this question is in the answer.
        """
        door = self.credentials["sap_business_one"]["base_url"].removesuffix("/b1s/v2") + "/_control/entries"
        answer = httpx2.post(door, json={}, trust_env=False, timeout=DEADLINE_S)
        answer.raise_for_status()
        entries: list[dict[str, Any]] = answer.json()["result"]
        return entries


@contextmanager
def sandbox(folder: Path, *, speed: float, scenario: str = "", fault_plan: str = "") -> Iterator[Sandbox]:
    """``ml-connector sandbox serve`` as a process of its own, with ``scenario`` and ``fault_plan`` as TOML text.

    It must end by itself when it is asked to.
    """
    arguments = ["sandbox", "serve", "--json", "--speed", str(speed), "--state", str(folder / "sandbox.db")]
    for option, text in (("scenario", scenario), ("fault-plan", fault_plan)):
        if text:
            file = folder / f"{option}.toml"
            file.write_text(text, encoding="utf-8")
            arguments += [f"--{option}", str(file)]
    with (folder / "sandbox.stderr").open("w") as trouble:
        process = subprocess.Popen(
            [*_PROGRAM, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=trouble, text=True
        )
        with process:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, (folder / "sandbox.stderr").read_text()
            try:
                yield Sandbox(json.loads(line), folder / "sandbox.db")
            finally:
                process.terminate()
                ended = _ended(process, DEADLINE_S)
    assert ended, "the sandbox did not end by itself"


def _rows(database: Path, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """From a database of a process that may be writing, stopped or dead; never in its way."""
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=DEADLINE_S)) as opened:
        return opened.execute(query, values).fetchall()


def _ended(process: subprocess.Popen[str], within_s: float) -> bool:
    try:
        process.wait(within_s)
    except subprocess.TimeoutExpired:
        process.kill()
        return False
    return True


# --- ours ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended: its exit code, its JSON document, what it said on stderr."""

    code: int
    document: Any
    trouble: str


@dataclass(slots=True)
class Started:
    """A running command. Killed or stopped by its own process id, never by name."""

    process: subprocess.Popen[str]
    trouble: Path

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def wait_at_most(self, seconds: float) -> bool:
        """True when it ended by itself meanwhile."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def send(self, what: signal.Signals) -> None:
        self.process.send_signal(what)

    def stop(self) -> None:
        """SIGSTOP, and wait until it is stopped: a signal takes a while to arrive. Fails where the process has ended."""
        self.send(signal.SIGSTOP)
        _, status = os.waitpid(self.process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), f"it ended before it was stopped: {self.trouble.read_text()}"

    def kill(self) -> bool:
        """SIGKILL; True when that is what ended it."""
        self.process.kill()
        self.process.communicate()
        return self.process.returncode == -signal.SIGKILL

    def end(self, within_s: float = DEADLINE_S) -> Said:
        """Wait until it has ended by itself."""
        try:
            said, _ = self.process.communicate(timeout=within_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the command did not end in {within_s:g} s: {self.trouble.read_text()}") from None
        return Said(self.process.returncode, json.loads(said) if said.strip() else None, self.trouble.read_text())


@dataclass(frozen=True, slots=True)
class Installation:
    """A data folder with its own master key outside of it. ``settle_s`` shortens the settle window."""

    folder: Path
    settle_s: float
    _begun: list[subprocess.Popen[str]] = field(default_factory=list, init=False, repr=False)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def database(self) -> Path:
        return self.data / "ml-connector.db"

    def start(self, *arguments: str, stdin: str | None = None) -> Started:
        """Start a command with ``--json``; ``stdin`` is written and closed."""
        trouble = self.folder / f"stderr.{next(_NUMBERS)}"
        with trouble.open("w") as heard:
            process = subprocess.Popen(
                [*_PROGRAM, *arguments, "--json"],
                stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=heard,
                text=True,
                env=self._environment(),
            )
        self._begun.append(process)
        if stdin is not None:
            assert process.stdin is not None
            process.stdin.write(stdin)
            process.stdin.close()
            process.stdin = None
        return Started(process, trouble)

    def end_all(self) -> None:
        """What still runs, or was stopped and left, is killed."""
        for process in self._begun:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def command(self, *arguments: str, stdin: str | None = None, codes: Sequence[int] = (0,)) -> Any:
        """One command to its end; its JSON document. Fails for any other exit code than ``codes``."""
        said = self.start(*arguments, stdin=stdin).end()
        assert said.code in codes, f"{' '.join(arguments)} ended with {said.code}: {said.trouble}"
        return said.document

    def commands(self, *several: Sequence[str], stdin: Mapping[int, str] | None = None) -> list[Any]:
        """Commands in one process, one after the other; their JSON documents. ``stdin`` is by their place. All must succeed."""
        given = [[[*arguments, "--json"], (stdin or {}).get(place, "")] for place, arguments in enumerate(several)]
        done = subprocess.run(
            [sys.executable, "-c", _SEVERAL],
            input=json.dumps(given),
            capture_output=True,
            text=True,
            env=self._environment(),
            timeout=DEADLINE_S,
            check=False,
        )
        ends = [json.loads(line) for line in done.stdout.splitlines()]
        assert [code for code, _ in ends] == [0] * len(several), (ends, done.stderr)
        return [json.loads(said) for _, said in ends]

    def rows(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """From the database, as it is on disk."""
        return _rows(self.database, query, values)

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        return inherited | {
            f"{_OURS}DATA": str(self.data),
            f"{_OURS}MASTER_KEY_FILE": str(self.folder / "master.key"),
            f"{_OURS}TEST_SETTLE_S": str(self.settle_s),
        }


def installation(
    folder: Path, credentials: Mapping[str, Any], *, link: str, stores: str, claims: bool, settle_s: float
) -> Installation:
    """A data folder set up by public commands: two connections, a link that approves by itself, and its mapping.

    With ``claims`` the ERP is prepared: its server refuses a second posting. Without, journals are posted plainly.
    """
    folder.mkdir(exist_ok=True)
    made = Installation(folder, settle_s)
    write_file(folder / "master.key", (MasterKey.new(),), new=True)
    mapping = resources.files("ml_connector.sandbox") / "sap_business_one" / "mapping.csv"
    with resources.as_file(mapping) as file:
        made.commands(
            ["init"],
            _connection("amazon", "amazon", credentials["amazon"]),
            _connection("books", "sap_business_one", credentials["sap_business_one"]),
            ["connection", "prepare" if claims else "test", "books"],
            ["link", "add", link, "--amazon", "amazon", "--erp", "books", "--stores", stores, *_POLICY],
            ["mapping", "import", link, str(file)],
            stdin={1: _secrets(credentials["amazon"]), 2: _secrets(credentials["sap_business_one"])},
        )
    return made


def _connection(name: str, kind: str, fields: Mapping[str, Any]) -> list[str]:
    settings = [
        part
        for key, value in fields.items()
        if key not in _SECRETS
        for part in ("--set", f"{key}={','.join(value) if isinstance(value, list) else value}")
    ]
    return ["connection", "add", name, "--kind", kind, *settings, "--secrets-stdin"]


def _secrets(fields: Mapping[str, Any]) -> str:
    return json.dumps({key: value for key, value in fields.items() if key in _SECRETS})
