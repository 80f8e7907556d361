"""The environment of a checkout: ``.venv``, made from the locks with the hashes checked.

Works without root and without ``ensurepip`` (Debian leaves it out): the environment is made without pip, and the pip of
the interpreter at hand installs into it. A stamp inside ``.venv`` names what was installed, so a repeat costs one probe.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

Level = Literal["run", "dev"]
#: Runs a command in the checkout, shows the words to whoever waits, gives exit code and everything the command said.
Call = Callable[[Sequence[str], str], tuple[int, str]]

PIP_OLDEST = (22, 3)  # the first with ``pip --python``
STAMP = "ml-connector.installed"
#: Settings of the surrounding shell that would send an installation elsewhere, or refuse the project itself.
FOREIGN = (
    "PYTHONHOME",
    "PYTHONPATH",
    "PIP_PREFIX",
    "PIP_REQUIRE_HASHES",
    "PIP_ROOT",
    "PIP_TARGET",
    "PIP_USER",
    "VIRTUAL_ENV",
)

_PROBE = """
import importlib.util, pathlib, sys
made_for = pathlib.Path(sys.prefix, "pyvenv.cfg").read_text(encoding="utf-8")
same = "version = %d.%d." % sys.version_info[:2] in made_for
found = importlib.util.find_spec("ml_connector") is not None
sys.exit(0 if same and sys.version_info >= (3, 11) and (found or "--empty" in sys.argv) else 1)
"""


class Refusal(Exception):
    """Something outside the checkout is missing. The sentence says what to do; ``code`` is the exit code (2 or 3)."""

    def __init__(self, sentence: str, code: int = 2) -> None:
        super().__init__(sentence)
        self.code = code


def clean_environment(around: Mapping[str, str] | None = None) -> dict[str, str]:
    """The surrounding variables without those that would lead an installation or a test astray."""
    return {name: value for name, value in (around or os.environ).items() if name not in FOREIGN}


def venv_command(root: Path, name: str) -> Path:
    """Where the environment keeps the command ``name``."""
    if os.name == "nt":
        return root / ".venv" / "Scripts" / f"{name}.exe"
    return root / ".venv" / "bin" / name


def patient_call(root: Path) -> Call:
    """A ``Call`` that shows its words once, and the seconds passed where standard error is a terminal."""

    def call(command: Sequence[str], words: str) -> tuple[int, str]:
        live = sys.stderr.isatty()
        if words:
            print(words, end="" if live else "\n", file=sys.stderr, flush=True)
        process = subprocess.Popen(
            command,
            cwd=root,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        waited_s = 0
        while True:
            try:
                said, _ = process.communicate(timeout=1)
            except subprocess.TimeoutExpired:
                waited_s += 1
                if words and live:
                    print(f"\r{words} {waited_s} s", end="", file=sys.stderr, flush=True)
                continue
            if words and live:
                print(file=sys.stderr)
            return process.returncode, said

    return call


def ensure(root: Path, level: Level, call: Call, interpreter: str = sys.executable) -> bool:
    """Make ``.venv`` hold what the lock of ``level`` names, and the project itself. True when something was installed.

    The development lock holds everything the running lock holds. Raises Refusal.
    """
    stamp = root / ".venv" / STAMP
    wanted = _digest(root)
    held, digest, place = _read_stamp(stamp)
    moved = place not in ("", str(root))  # the commands in .venv carry their path
    if not moved and digest == wanted and held in (level, "dev") and _usable(root, call):
        return False
    _require_pip(interpreter, call)
    if not moved and _usable(root, call, empty=True):
        stamp.unlink(missing_ok=True)  # before anything changes: an interrupted installation is repeated
    else:
        version = ".".join(str(part) for part in sys.version_info[:3])
        _do(
            call,
            [interpreter, "-m", "venv", "--clear", "--without-pip", ".venv"],
            f"Making .venv with Python {version}",
        )
    python = str(venv_command(root, "python"))
    pip = [interpreter, "-m", "pip", "--python", python, "--disable-pip-version-check", "--no-input", "--quiet"]
    install = [*pip, "install", "--root-user-action=ignore", "--no-warn-script-location"]
    lock = f"requirements/{level}.txt"
    number = len(re.findall(r"^[\w.-]+==", (root / lock).read_text(encoding="utf-8"), re.MULTILINE))
    _do(call, [*install, "--require-hashes", "-r", lock], f"Installing {number} locked packages into .venv (once)", 3)
    _do(call, [*install, "--no-index", "--no-deps", "--no-build-isolation", "-e", "."], "")
    stamp.write_text(f"{level} {wanted} {root}\n", encoding="utf-8")
    return True


def _digest(root: Path) -> str:
    """Of everything that says what belongs into the environment."""
    digest = hashlib.sha256()
    for name in ("pyproject.toml", "requirements/run.txt", "requirements/dev.txt"):
        digest.update(hashlib.sha256((root / name).read_bytes()).digest())
    return digest.hexdigest()


def _read_stamp(stamp: Path) -> tuple[str, str, str]:
    """Level, digest and checkout of the last installation that came to its end; empty words where there was none."""
    words = stamp.read_text(encoding="utf-8").strip().split(" ", 2) if stamp.is_file() else []
    level, digest, place = words if len(words) == 3 else ("", "", "")
    return level, digest, place


def _usable(root: Path, call: Call, *, empty: bool = False) -> bool:
    """Whether the environment's Python starts, is the one it was made for, and (unless ``empty``) finds the project."""
    python = venv_command(root, "python")
    if not python.exists():  # also a link to an interpreter that was removed
        return False
    code, _ = call([str(python), "-c", _PROBE, *(["--empty"] if empty else [])], "")
    return code == 0


def _require_pip(interpreter: str, call: Call) -> None:
    code, said = call([interpreter, "-m", "pip", "--version"], "")
    found = re.search(r"pip (\d+)\.(\d+)", said) if code == 0 else None
    if found is None:
        raise Refusal(
            f"pip is missing for {interpreter}: install it (on Debian and Ubuntu: apt install python3-pip) and repeat the command."
        )
    if (int(found[1]), int(found[2])) < PIP_OLDEST:
        raise Refusal(
            f"pip {found[1]}.{found[2]} of {interpreter} is too old, 22.3 or newer is needed: "
            f"{interpreter} -m pip install --user --upgrade pip brings a new one."
        )


def _do(call: Call, command: Sequence[str], words: str, code_if_failed: int = 2) -> None:
    code, said = call(command, words)
    if code:
        print(said.strip(), file=sys.stderr)
        raise Refusal(
            "The environment could not be made; the words above say why "
            "(a proxy or an index of your own belongs into pip's configuration).",
            code_if_failed,
        )
