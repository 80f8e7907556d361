"""A newcomer's machine: a copy of the tree, an empty environment, an empty home, and one Python after another.

Not part of ``make test``, because it fetches every package again; ``make install-check`` runs it and prints the figures.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
VERSION = "import sys; print('%d.%d.%d' % sys.version_info[:3])"


def pythons_at_hand() -> dict[str, Path]:
    """Version -> folder of its ``python3``: those on the path, the system's own and those of pyenv; 3.11 and newer."""
    candidates = [Path(sys.base_prefix, "bin", "python3"), Path("/usr/bin/python3")]
    candidates += [Path(there) for name in ("python3.11", "python3.12", "python3.13") if (there := shutil.which(name))]
    candidates += sorted(Path.home().glob(".pyenv/versions/3.1[1-9]*/bin/python3"))
    found: dict[str, Path] = {}
    for python in candidates:
        if (python.parent / "python3").exists():
            asked = subprocess.run([python, "-c", VERSION], capture_output=True, text=True, check=False)
            version = asked.stdout.strip()
            if asked.returncode == 0 and tuple(map(int, version.split("."))) >= (3, 11):
                found.setdefault(version, python.parent)
    return found


PYTHONS = pythons_at_hand() if "install" in os.environ.get("ML_CONNECTOR_SLOW", "") else {}


def copy_of_the_tree(folder: Path) -> Path:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    checkout = folder / "a fresh clone"  # with spaces, as folders of people have them
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, checkout / name)
    return checkout


@pytest.mark.install
@pytest.mark.parametrize("version", sorted(PYTHONS))
def test_the_two_commands_work_on_a_machine_with_python_pip_and_make_only(tmp_path: Path, version: str) -> None:
    checkout = copy_of_the_tree(tmp_path)
    (tmp_path / "home").mkdir()
    environment = {"PATH": f"{PYTHONS[version]}:/usr/bin:/bin", "HOME": str(tmp_path / "home")}

    def timed(*command: str) -> tuple[str, float]:
        start = time.perf_counter()
        done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
        return done.stdout, time.perf_counter() - start

    _, install_s = timed("make", "install")
    again, again_s = timed("python3", "run.py", "install")
    shown, demo_s = timed("make", "demo", "ARGS=--json")
    _, develop_s = timed("make", "install", "ARGS=dev")
    tested, _ = timed("make", "test", "ARGS=tests/unit/domain")

    assert again.startswith("nothing to do")
    demo = json.loads(shown)
    assert demo["proved"] == len(demo["settlements"]) >= 3
    assert demo["held"] == 0
    assert " passed" in tested.strip().splitlines()[-1]
    sys.stdout.write(
        f"\nPython {version}: install {install_s:.1f} s, repeat {again_s:.2f} s, "
        f"demo {demo_s:.1f} s, tools of development {develop_s:.1f} s\n"
    )
