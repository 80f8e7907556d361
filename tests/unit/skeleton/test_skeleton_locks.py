"""The locks carry names, versions and hashes, and nothing of the machine that wrote them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools import locks

ROOT = Path(__file__).resolve().parents[3]
LOCK_PATHS = [lock.path for lock in locks.LOCKS]


@pytest.mark.parametrize("path", LOCK_PATHS)
def test_every_pin_has_a_hash(path: str) -> None:
    blocks = re.split(r"\n(?=[\w.-]+==)", (ROOT / path).read_text(encoding="utf-8"))

    assert all("--hash=sha256:" in block for block in blocks)


@pytest.mark.parametrize("path", LOCK_PATHS)
def test_a_lock_names_no_index(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")

    assert "://" not in text
    assert not re.search(r"^--?(i|index|extra-index|find-links|trusted-host)", text, re.MULTILINE)


def test_development_pins_whatever_running_pins() -> None:
    run, dev = (locks.pins((ROOT / path).read_text(encoding="utf-8")) for path in LOCK_PATHS)

    assert {name: dev.get(name) for name in run} == run


def test_every_direct_requirement_has_a_pin_that_satisfies_it() -> None:
    assert locks.unsatisfied(ROOT) == []


def test_a_requirement_without_a_satisfying_pin_is_named(tmp_path: Path) -> None:
    (tmp_path / "requirements").mkdir()
    (tmp_path / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\n'
        '[project]\ndependencies = ["rich>=15", "typer"]\n'
        '[project.optional-dependencies]\nbuild = []\ndev = ["pytest>=9"]\n',
        encoding="utf-8",
    )
    (tmp_path / "requirements/run.txt").write_text("hatchling==1.33.0\nrich==14.1.0\ntyper==0.29.2\n", encoding="utf-8")
    (tmp_path / "requirements/dev.txt").write_text("hatchling==1.33.0\nrich==15.0.0\ntyper==0.29.2\n", encoding="utf-8")

    assert locks.unsatisfied(tmp_path) == [
        "requirements/run.txt holds no rich>=15; make lock writes it anew",
        "requirements/dev.txt holds no pytest>=9; make lock writes it anew",
    ]


def test_without_an_index_the_direct_requirements_are_compared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(locks, "_run_uv", lambda root, command: "error: Failed to fetch: no route")

    assert locks.check(ROOT) == []
    assert "no index can be reached" in capsys.readouterr().err
