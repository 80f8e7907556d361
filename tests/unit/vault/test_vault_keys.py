"""The master key: found where it should be, refused where it should not, never made anew over an old one."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from ml_connector.domain.errors import KeyProblem
from ml_connector.domain.sealed import KeyCheck
from ml_connector.vault.keys import (
    FILE_VARIABLE,
    VARIABLE,
    KeyPlaces,
    KeyRing,
    MasterKey,
    default_config_folder,
    load,
    load_or_create,
    read_file,
    require,
    write_file,
)

OLD, NEW = MasterKey.of(b"o" * 32), MasterKey.of(b"n" * 32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("data", "config"):
        (tmp_path / name).mkdir()
    return tmp_path


def places(folder: Path, **environment: str) -> KeyPlaces:
    return KeyPlaces(environment, folder / "config", folder / "data")


def test_the_variable_comes_first(folder: Path) -> None:
    write_file(folder / "config" / "master.key", [OLD])

    ring = load(places(folder, **{VARIABLE: NEW.text}))

    assert ring is not None
    assert ring.primary == NEW


def test_the_named_file_comes_before_the_default_one(folder: Path) -> None:
    write_file(folder / "config" / "master.key", [OLD])
    write_file(folder / "named.key", [NEW])

    ring = load(places(folder, **{FILE_VARIABLE: str(folder / "named.key")}))

    assert ring is not None
    assert ring.primary == NEW


def test_no_key_anywhere_is_none(folder: Path) -> None:
    assert load(places(folder)) is None


def test_a_named_file_that_is_missing_is_a_problem_and_not_a_reason_to_look_elsewhere(folder: Path) -> None:
    write_file(folder / "config" / "master.key", [OLD])

    with pytest.raises(KeyProblem, match="does not exist"):
        load(places(folder, **{FILE_VARIABLE: str(folder / "nowhere.key")}))


def test_the_first_key_seals_and_all_open(folder: Path) -> None:
    ring = load(places(folder, **{VARIABLE: f"{NEW.text},{OLD.text}"}))

    assert ring is not None
    assert ring.primary == NEW
    assert ring.find(OLD.kid) == OLD
    assert ring.find("nobody") is None


@pytest.mark.parametrize(
    "text",
    ["not base64!", base64.b64encode(b"short").decode(), base64.b64encode(bytes(33)).decode(), "  ", "ü"],
)
def test_what_is_no_key_is_refused_without_repeating_it(folder: Path, text: str) -> None:
    with pytest.raises(KeyProblem) as problem:
        load(places(folder, **{VARIABLE: text}))

    assert not text.strip() or text.strip() not in str(problem.value)


def test_a_key_inside_the_data_folder_is_refused(folder: Path) -> None:
    inside = folder / "data" / "master.key"
    write_file(inside, [OLD])

    with pytest.raises(KeyProblem, match="inside the data folder"):
        load(places(folder, **{FILE_VARIABLE: str(inside)}))


def test_a_link_into_the_data_folder_is_refused_too(folder: Path) -> None:
    write_file(folder / "data" / "hidden", [OLD])
    (folder / "config" / "master.key").symlink_to(folder / "data" / "hidden")

    with pytest.raises(KeyProblem, match="inside the data folder"):
        load(places(folder))


@pytest.mark.skipif(os.name == "nt", reason="file modes are POSIX")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o606])
def test_a_key_that_others_may_read_is_refused(folder: Path, mode: int) -> None:
    file = folder / "config" / "master.key"
    write_file(file, [OLD])
    file.chmod(mode)

    with pytest.raises(KeyProblem, match="chmod 600"):
        load(places(folder))


def test_a_new_installation_gets_a_new_key_for_its_owner_only(folder: Path) -> None:
    made = load_or_create(KeyPlaces({}, folder / "config" / "deeper", folder / "data"), known=[])

    file = folder / "config" / "deeper" / "master.key"
    assert read_file(file).primary == made.primary
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o077 == 0


def test_the_second_start_finds_the_key_of_the_first(folder: Path) -> None:
    first = load_or_create(places(folder), known=[])

    assert load_or_create(places(folder), known=[first.primary.check]).primary == first.primary


def test_no_key_is_ever_made_for_a_database_that_knows_one(folder: Path) -> None:
    with pytest.raises(KeyProblem, match=f"{OLD.kid}.*missing"):
        load_or_create(places(folder), known=[OLD.check])

    assert list((folder / "config").iterdir()) == []


def test_another_key_than_the_databases_is_refused(folder: Path) -> None:
    write_file(folder / "config" / "master.key", [NEW])

    with pytest.raises(KeyProblem, match="not the one of this database"):
        load_or_create(places(folder), known=[OLD.check])


def test_during_a_rotation_both_keys_of_the_database_must_be_at_hand() -> None:
    require(KeyRing(NEW, (OLD,)), [OLD.check, NEW.check])
    with pytest.raises(KeyProblem):
        require(KeyRing(NEW), [OLD.check, NEW.check])


def test_a_key_check_that_was_exchanged_is_found() -> None:
    with pytest.raises(KeyProblem):
        require(KeyRing(OLD), [KeyCheck(OLD.kid, NEW.check.value)])


def test_neither_the_name_nor_the_check_of_a_key_is_part_of_it() -> None:
    assert OLD.kid not in OLD.value.hex()
    assert OLD.check.value != OLD.value.hex()
    assert OLD.kid != NEW.kid


def test_a_key_is_never_shown() -> None:
    shown = f"{OLD!r} {KeyRing(OLD, (NEW,))!r}"

    assert OLD.text not in shown
    assert "oooo" not in shown


def test_making_a_key_file_never_overwrites_one(folder: Path) -> None:
    file = folder / "config" / "master.key"
    write_file(file, [OLD], new=True)

    with pytest.raises(KeyProblem):
        write_file(file, [NEW], new=True)
    assert read_file(file).primary == OLD


def test_an_empty_key_file_is_a_problem(folder: Path) -> None:
    write_file(folder / "config" / "master.key", [])

    with pytest.raises(KeyProblem, match="no master key"):
        load(places(folder))


def test_the_config_folder_is_the_users(folder: Path) -> None:
    assert default_config_folder({"XDG_CONFIG_HOME": str(folder)}) == folder / "ml-connector"
    assert default_config_folder({}).name == "ml-connector"
