"""A key is never lost, never shown, and never written where others read it."""

import asyncio
import os
from pathlib import Path

import pytest

from ml_connector.vault.keys import VARIABLE, KeyPlaces, MasterKey, read_file, write_file
from ml_connector.vault.rotation import rotate_file
from tests.unit.vault.test_vault_rotation import Rows

OLD = MasterKey.of(b"o" * 32)


def test_the_key_before_a_rotation_is_put_aside_because_backups_need_it(tmp_path: Path) -> None:
    file = tmp_path / "master.key"
    write_file(file, [OLD])

    done = asyncio.run(rotate_file(file, Rows(OLD)))

    (aside,) = done.kept
    assert read_file(aside).primary == OLD
    assert aside.stat().st_mode & 0o777 == 0o600


def test_a_partial_file_that_others_left_is_not_written_into(tmp_path: Path) -> None:
    # given: a file that everybody reads, and one that leads elsewhere
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("")
    (tmp_path / "a.key.partial").write_text("")
    (tmp_path / "a.key.partial").chmod(0o644)
    (tmp_path / "b.key.partial").symlink_to(elsewhere)

    # when
    for name in ("a.key", "b.key"):
        write_file(tmp_path / name, [OLD])

    # then
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("a.key", "b.key")] == [0o600, 0o600]
    assert elsewhere.read_text() == ""


def test_where_a_key_may_be_does_not_show_the_environment() -> None:
    assert OLD.text not in repr(KeyPlaces({VARIABLE: OLD.text}, Path("config"), None))


def test_the_name_of_a_new_key_file_is_on_disk_before_anything_is_sealed_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bool] = []
    really = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(os.path.isdir(f"/proc/self/fd/{descriptor}"))
        really(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    write_file(tmp_path / "master.key", [OLD])

    if os.path.isdir("/proc/self/fd"):
        assert synced == [False, True]
