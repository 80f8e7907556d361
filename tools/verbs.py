"""The verbs of ``run.py`` and ``make``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from tools.environment import Refusal, clean_environment, ensure, patient_call, venv_command

ROOT = Path(__file__).resolve().parent.parent
WORKERS_MAX = 4
CHAOS_KILLS = 30
#: The simulation's tests are long and stand together: a process that is done takes over what waits behind another.
_SHARED_OUT = ("--dist", "worksteal")
#: What the checks, tests and demo leave behind. ``.venv`` goes as well: the next verb makes it again.
LEFT_BEHIND = (".venv", ".demo", ".mypy_cache", ".ruff_cache", ".hypothesis", ".import_linter_cache", "dist", "build")

Arguments = Sequence[str]


def main(arguments: Arguments) -> int:
    """Do one verb. The exit code is that of the command it stands for; 2 for wrong use, 3 when an index is out of reach."""
    verb, rest = (arguments[0], arguments[1:]) if arguments else ("help", ())
    if verb not in VERBS:
        print(f"There is no verb '{verb}': python3 run.py help lists them.", file=sys.stderr)
        return 2
    try:
        return VERBS[verb](rest)
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return refusal.code
    except KeyboardInterrupt:
        return 130


def show_help(arguments: Arguments) -> int:
    """list the verbs"""
    print("python3 run.py VERB [ARGS...]   or   make VERB [ARGS=...]\n")
    for name, verb in VERBS.items():
        print(f"  {name:<14} {verb.__doc__}")
    return 0


def demo(arguments: Arguments) -> int:
    """the main job against the built-in sandbox, with proof; --keep keeps its data in ./.demo"""
    ensure(ROOT, "run", patient_call(ROOT))
    _become(venv_command(ROOT, "ml-connector"), ["demo", *arguments])


def test(arguments: Arguments) -> int:
    """the tests, several at a time; with ARGS: pytest with exactly these"""
    workers = str(min(WORKERS_MAX, os.cpu_count() or 1))
    _become_pytest(arguments or ["-n", workers, *_SHARED_OUT])


def check(arguments: Arguments) -> int:
    """format, lint, types, import direction, freshness of the locks"""
    ensure(ROOT, "dev", patient_call(ROOT))
    python = str(venv_command(ROOT, "python"))
    checks = {
        "format": [python, "-m", "ruff", "format", "--check", "--quiet", "."],
        "lint": [python, "-m", "ruff", "check", "--quiet", "."],
        "types": [python, "-m", "mypy"],
        "imports": [str(venv_command(ROOT, "lint-imports"))],
        "locks": [python, "-m", "tools.locks", "check"],
    }
    failed = [name for name, command in checks.items() if not _passes(name, command)]
    print(f"check: {'failed: ' + ', '.join(failed) if failed else 'everything passed'}")
    return 1 if failed else 0


def chaos(arguments: Arguments) -> int:
    """kill the real process between first and last write, 30 times, and print where it died"""
    os.environ.setdefault("ML_CONNECTOR_CHAOS_KILLS", str(CHAOS_KILLS))
    _become_pytest(["tests/chaos", "-s", *arguments])


def conformance(arguments: Arguments) -> int:
    """the conformance suite with every switch flipped alone and all pairs; brings docs/connectors up to date"""
    os.environ.setdefault("ML_CONNECTOR_CONFORMANCE", "pairs")
    os.environ.setdefault("ML_CONNECTOR_CONFORMANCE_WRITE", "1")
    workers = str(min(WORKERS_MAX, os.cpu_count() or 1))
    _become_pytest(["tests/conformance", "-n", workers, *_SHARED_OUT, *arguments])


def bench(arguments: Arguments) -> int:
    """the benchmarks, side by side with their baselines"""
    ensure(ROOT, "dev", patient_call(ROOT))
    codes = [
        _run([str(venv_command(ROOT, "python")), f"bench/{name}.py", *arguments])
        for name in ("settlement", "posting", "orders", "erp")
    ]
    return max(codes)


def lock(arguments: Arguments) -> int:
    """write requirements/*.txt anew from pyproject.toml; --upgrade takes newer versions"""
    ensure(ROOT, "dev", patient_call(ROOT))
    return _run([str(venv_command(ROOT, "python")), "-m", "tools.locks", "write", *arguments])


def install(arguments: Arguments) -> int:
    """make .venv for running, or with the word 'dev' for development"""
    made = ensure(ROOT, "dev" if "dev" in arguments else "run", patient_call(ROOT))
    print("installed" if made else "nothing to do: .venv holds what the locks name")
    return 0


def install_check(arguments: Arguments) -> int:
    """a whole installation from a copy of the tree, for each supported Python at hand"""
    os.environ["ML_CONNECTOR_SLOW"] = "install"
    _become_pytest(["tests/unit/skeleton/test_skeleton_install.py", "-m", "install", "-s", *arguments])


def clean(arguments: Arguments) -> int:
    """remove what the other verbs made"""
    for name in LEFT_BEHIND:
        shutil.rmtree(ROOT / name, ignore_errors=True)
    return 0


VERBS: dict[str, Callable[[Arguments], int]] = {
    "demo": demo,
    "test": test,
    "check": check,
    "chaos": chaos,
    "conformance": conformance,
    "bench": bench,
    "lock": lock,
    "install": install,
    "install-check": install_check,
    "clean": clean,
    "help": show_help,
}


def _become_pytest(arguments: Arguments) -> NoReturn:
    ensure(ROOT, "dev", patient_call(ROOT))
    os.chdir(ROOT)
    _become(venv_command(ROOT, "python"), ["-m", "pytest", *arguments])


def _become(command: Path, arguments: Arguments) -> NoReturn:
    """Hand over to the command: its terminal, its signals, its last line and its exit code are its own."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "nt":
        sys.exit(subprocess.call([str(command), *arguments], env=clean_environment()))
    os.execve(command, [str(command), *arguments], clean_environment())


def _passes(name: str, command: Sequence[str]) -> bool:
    print(f"check: {name}", flush=True)
    return _run(command) == 0


def _run(command: Sequence[str]) -> int:
    return subprocess.call(command, cwd=ROOT, env=clean_environment())
