"""What ``run.py`` says where Python or pip is missing: one sentence, and what to do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
NO_OTHER_PYTHON = {"PATH": "/nowhere"}


def run(command: list[str], environment: dict[str, str], cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def copied_checkout(folder: Path) -> Path:
    """The files an installation needs, without an environment."""
    checkout = folder / "checkout"
    checkout.mkdir()
    for name in ("run.py", "Makefile", "pyproject.toml"):
        shutil.copyfile(ROOT / name, checkout / name)
    for name in ("tools", "requirements"):
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    return checkout


def pretending(version: str) -> str:
    """Python code that runs ``run.py`` as an interpreter of that version would."""
    return (
        f"import runpy, sys; sys.version_info = {version}; sys.argv = ['run.py', 'demo']; "
        "runpy.run_path('run.py', run_name='__main__')"
    )


@pytest.mark.parametrize("version", ["(2, 7, 18)", "(3, 6, 15)", "(3, 10, 13)"])
def test_an_old_python_gets_one_sentence(version: str) -> None:
    done = run([sys.executable, "-c", pretending(version)], NO_OTHER_PYTHON)

    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "needs Python 3.11 or newer" in done.stderr


def test_the_door_is_written_in_a_syntax_that_old_pythons_read() -> None:
    text = (ROOT / "run.py").read_text(encoding="utf-8")

    compile(text, "run.py", "exec", flags=0, dont_inherit=True)
    assert not any(sign in text for sign in ('f"', "->", ":=", "__future__", "print("))


def test_an_old_python_hands_over_to_a_newer_one(tmp_path: Path) -> None:
    executable(tmp_path / "bin" / "python3.12", f'#!/bin/sh\necho "3.12 was asked" >&2\nexec {sys.executable} "$@"\n')

    code = pretending("(3, 9, 18)").replace("'demo'", "'help'")
    done = run([sys.executable, "-c", code], {"PATH": str(tmp_path / "bin")})

    assert done.returncode == 0
    assert "3.12 was asked" in done.stderr
    assert "run.py VERB" in done.stdout


def test_make_without_python_gets_one_sentence() -> None:
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not here")

    done = run([make, "demo"], {"PATH": "/nowhere", "PYTHON": "python3", "SHELL": "/bin/sh"})

    sentences = [line for line in done.stderr.splitlines() if not line.startswith("make: ***")]
    assert done.returncode == 2
    assert len(sentences) == 1
    assert "needs Python 3.11 or newer" in sentences[0]


@pytest.mark.parametrize("verb", ["demo", "test"])
def test_a_missing_pip_gets_one_sentence(tmp_path: Path, verb: str) -> None:
    checkout = copied_checkout(tmp_path)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)

    done = run([str(tmp_path / "bare" / "bin" / "python"), "run.py", verb], {"PATH": os.defpath}, checkout)

    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "pip is missing" in done.stderr
    assert not (checkout / ".venv").exists()


def test_an_unknown_verb_is_wrong_use() -> None:
    done = run([sys.executable, "run.py", "dance"], {"PATH": os.defpath})

    assert done.returncode == 2
    assert done.stderr == "There is no verb 'dance': python3 run.py help lists them.\n"
