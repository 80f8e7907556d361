"""What the tree as a whole promises: no trace of one machine, nothing missing from the wheel."""

from __future__ import annotations

import re
import subprocess
import tomllib
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

import ml_connector

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "src" / "ml_connector"

#: Addresses of package indexes, options that name one, and folders of the machine at hand (written so as not to match itself).
TRACES = re.compile(
    r"py[p]i\.org|python[h]osted|--(?:extra-)?index-ur[l]|--find-link[s]|(?<![\w.])/(?:wor[k]|roo[t]|hom[e])/|/tm[p]/\w"
)


def tracked_texts() -> list[tuple[str, str]]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("this tree is not a git checkout")
    found = []
    for name in filter(None, listed.stdout.decode().split("\0")):
        path = ROOT / name
        content = path.read_bytes() if path.is_file() else b""
        if b"\0" not in content:
            found.append((name, content.decode("utf-8", errors="replace")))
    return found


def test_no_file_names_a_package_index_or_a_folder_of_one_machine() -> None:
    traces = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in tracked_texts()
        for number, line in enumerate(text.splitlines(), 1)
        if TRACES.search(line)
    ]

    assert traces == []


def test_the_wheel_holds_every_file_of_the_package(tmp_path: Path) -> None:
    wheel = next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"]))

    with zipfile.ZipFile(wheel) as archive:
        packed = {name.removeprefix("ml_connector/") for name in archive.namelist() if name.startswith("ml_connector/")}
    expected = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert expected - packed == set()


def test_the_version_stands_in_one_voice() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == ml_connector.__version__


def test_every_link_between_the_texts_leads_somewhere() -> None:
    broken = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *PACKAGE.rglob("*.md")]
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
        if not (path.parent / target).exists()
    ]

    assert broken == []
