"""How ``.venv`` is made, and that a repeat makes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tools.environment import Refusal, clean_environment, ensure, venv_command

PYTHON = "/opt/python"


class Machine:
    """Stands in for the commands: remembers them, and lets ``venv`` and ``pip`` leave behind what they would."""

    def __init__(self, root: Path, pip: str = "pip 26.3 from /somewhere (python 3.13)", failing: str = "") -> None:
        self.root = root
        self.pip = pip
        self.failing = failing
        self.done: list[str] = []
        self.broken = False
        self.installed = False

    def __call__(self, command: Sequence[str], words: str) -> tuple[int, str]:
        line = " ".join(command)
        if self.failing and self.failing in line:
            return 1, "ERROR: no route to the index"
        if "-c" in command:
            return (1 if self.broken or not ("--empty" in command or self.installed) else 0), ""
        if "--version" in command:
            return (0, self.pip) if self.pip else (1, "No module named pip")
        self.done.append(line)
        if "venv" in command:
            python = venv_command(self.root, "python")
            python.parent.mkdir(parents=True, exist_ok=True)
            python.touch()
            self.broken = False
        self.installed = self.installed or "-e" in command
        return 0, ""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "requirements").mkdir()
    (tmp_path / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    for name in ("run", "dev"):
        (tmp_path / "requirements" / f"{name}.txt").write_text(
            "rich==15.0.0 \\\n    --hash=sha256:00\n", encoding="utf-8"
        )
    return tmp_path


def test_packages_come_from_the_lock_with_hashes_and_the_project_without_an_index(root: Path) -> None:
    machine = Machine(root)

    assert ensure(root, "run", machine, PYTHON) is True

    venv, packages, project = machine.done
    assert venv == f"{PYTHON} -m venv --clear --without-pip .venv"
    assert packages.startswith(f"{PYTHON} -m pip --python {venv_command(root, 'python')} ")
    assert packages.endswith("--require-hashes -r requirements/run.txt")
    assert project.endswith("--no-index --no-deps --no-build-isolation -e .")


def test_a_repeat_installs_nothing(root: Path) -> None:
    machine = Machine(root)
    ensure(root, "run", machine, PYTHON)
    machine.done.clear()

    assert ensure(root, "run", machine, PYTHON) is False
    assert machine.done == []


def test_development_holds_everything_that_running_needs(root: Path) -> None:
    machine = Machine(root)
    ensure(root, "dev", machine, PYTHON)

    assert ensure(root, "run", machine, PYTHON) is False


def test_running_does_not_hold_what_development_needs(root: Path) -> None:
    machine = Machine(root)
    ensure(root, "run", machine, PYTHON)

    assert ensure(root, "dev", machine, PYTHON) is True
    assert machine.done[-2].endswith("-r requirements/dev.txt")


@pytest.mark.parametrize("name", ["pyproject.toml", "requirements/run.txt", "requirements/dev.txt"])
def test_a_changed_input_installs_again_into_the_same_environment(root: Path, name: str) -> None:
    machine = Machine(root)
    ensure(root, "run", machine, PYTHON)
    machine.done.clear()
    with (root / name).open("a", encoding="utf-8") as file:
        file.write("# changed\n")

    assert ensure(root, "run", machine, PYTHON) is True
    assert not any(" venv " in line for line in machine.done)


def test_an_environment_whose_python_is_broken_is_made_anew(root: Path) -> None:
    machine = Machine(root)
    ensure(root, "run", machine, PYTHON)
    machine.done.clear()
    machine.broken = True

    assert ensure(root, "run", machine, PYTHON) is True
    assert machine.done[0] == f"{PYTHON} -m venv --clear --without-pip .venv"


def test_a_checkout_that_was_moved_gets_a_new_environment_because_its_commands_carry_their_path(root: Path) -> None:
    ensure(root, "run", Machine(root), PYTHON)
    moved = root.rename(root.with_name("moved"))
    machine = Machine(moved)

    assert ensure(moved, "run", machine, PYTHON) is True
    assert machine.done[0] == f"{PYTHON} -m venv --clear --without-pip .venv"


def test_an_interrupted_installation_is_repeated(root: Path) -> None:
    with pytest.raises(Refusal):
        ensure(root, "run", Machine(root, failing="-e ."), PYTHON)

    assert ensure(root, "run", Machine(root), PYTHON) is True


def test_pip_explains_its_failure_in_its_own_words(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Refusal, match="the words above say why") as refusal:
        ensure(root, "run", Machine(root, failing="--require-hashes"), PYTHON)

    assert refusal.value.code == 3
    assert "no route to the index" in capsys.readouterr().err


def test_a_pip_that_cannot_install_into_another_environment_is_named_with_the_remedy(root: Path) -> None:
    with pytest.raises(Refusal, match=r"pip 22\.0 of /opt/python is too old, 22\.3 or newer is needed"):
        ensure(root, "run", Machine(root, pip="pip 22.0.2 from /usr/lib (python 3.11)"), PYTHON)


def test_settings_of_the_shell_that_would_lead_an_installation_astray_are_left_out() -> None:
    around = {"PATH": "/bin", "PIP_TARGET": "/x", "PIP_USER": "1", "PYTHONPATH": "/y", "PIP_CERT": "/c"}

    assert clean_environment(around) == {"PATH": "/bin", "PIP_CERT": "/c"}
