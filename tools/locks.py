"""The locks: ``python -m tools.locks write|check`` (run with the environment's Python, which holds uv and packaging).

``requirements/run.txt`` is what an installation needs to build and run, ``requirements/dev.txt`` the same with the tools
of development. Both hold for every platform and Python >= 3.11, carry the hashes, and name no index.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
COMPILE = (
    *("pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-header"),
    "pyproject.toml",
)
#: uv's words when it could not ask an index, as opposed to an index whose answer does not fit.
OUT_OF_REACH = ("Failed to fetch", "error sending request", "Could not connect")


@dataclass(frozen=True, slots=True)
class Lock:
    """One lock file; ``extras`` are the groups of pyproject.toml that it holds beside the runtime dependencies."""

    path: str
    extras: tuple[str, ...]
    constraint: str | None


LOCKS = (
    Lock("requirements/run.txt", ("build",), None),
    Lock("requirements/dev.txt", ("build", "dev"), "requirements/run.txt"),
)


class OutOfReach(Exception):
    """No index answered."""


def main(arguments: Sequence[str]) -> int:
    match list(arguments):
        case ["write", *options]:
            compile_locks(ROOT, options)
            return 0
        case ["check"]:
            problems = check(ROOT)
            for problem in problems:
                print(f"locks: {problem}", file=sys.stderr)
            return 1 if problems else 0
        case _:
            print("python -m tools.locks write [--upgrade] | check", file=sys.stderr)
            return 2


def check(root: Path) -> list[str]:
    """What is wrong with the locks, in words; empty when they are what pyproject.toml asks for. Changes nothing.

    Compiles a copy that starts from the present pins: a newer version somewhere does not make a lock stale, a changed
    pyproject.toml does. Where no index can be reached, the direct requirements alone are compared with the pins.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        (copy / "requirements").mkdir()
        for name in ("pyproject.toml", *(lock.path for lock in LOCKS)):
            shutil.copyfile(root / name, copy / name)
        try:
            compile_locks(copy, ())
        except OutOfReach:
            print("locks: no index can be reached, so only the direct requirements are compared", file=sys.stderr)
            return unsatisfied(root)
        return [
            f"{lock.path} is not what pyproject.toml asks for; make lock writes it anew"
            for lock in LOCKS
            if (copy / lock.path).read_bytes() != (root / lock.path).read_bytes()
        ]


def compile_locks(root: Path, options: Sequence[str]) -> None:
    """Write the locks below ``root``. Raises OutOfReach; ends the process with uv's words when they cannot be resolved."""
    for lock in LOCKS:
        command = ["uv", *COMPILE, "--output-file", lock.path, *options]
        command += [f"--extra={extra}" for extra in lock.extras]
        if lock.constraint:
            command += ["--constraint", lock.constraint]
        # First with the certificates of the operating system (a company's proxy), then with those uv brings along.
        words = _run_uv(root, [*command, "--system-certs"])
        if _is_out_of_reach(words):
            words = _run_uv(root, command)
        if _is_out_of_reach(words):
            raise OutOfReach
        if words:
            sys.exit(words)


def unsatisfied(root: Path) -> list[str]:
    """The direct requirements of pyproject.toml without a pin that satisfies them. Asks nobody."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    groups = {
        "": [*project["project"]["dependencies"], *project["build-system"]["requires"]],
        **project["project"]["optional-dependencies"],
    }
    problems = []
    for lock in LOCKS:
        pinned = pins((root / lock.path).read_text(encoding="utf-8"))
        for requirement in _requirements(groups[group] for group in ("", *lock.extras)):
            versions = pinned.get(canonicalize_name(requirement.name), [])
            if not any(requirement.specifier.contains(version, prereleases=True) for version in versions):
                problems.append(f"{lock.path} holds no {requirement}; make lock writes it anew")
    return problems


def pins(text: str) -> dict[str, list[Version]]:
    """Name -> pinned versions (several where a marker tells them apart) of a lock."""
    found: dict[str, list[Version]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;\\]+)", text, re.MULTILINE):
        found.setdefault(canonicalize_name(name), []).append(Version(version))
    return found


def _requirements(groups: Iterable[Sequence[str]]) -> list[Requirement]:
    return [Requirement(text) for group in groups for text in group]


def _run_uv(root: Path, command: Sequence[str]) -> str:
    """uv's complaint, or nothing when it succeeded."""
    done = subprocess.run([sys.executable, "-m", *command], cwd=root, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else (done.stderr or done.stdout or "uv failed without a word").strip()


def _is_out_of_reach(words: str) -> bool:
    return any(sign in words for sign in OUT_OF_REACH)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
