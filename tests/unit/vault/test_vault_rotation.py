"""Rotation: only data keys are rewrapped; stopped anywhere, everything still opens, and starting again finishes it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from ml_connector.domain.errors import Inconsistent, KeyProblem
from ml_connector.domain.sealed import Envelope, KeyCheck, SecretId
from ml_connector.vault.envelopes import seal, unseal
from ml_connector.vault.keys import KeyRing, MasterKey, read_file, require, write_file
from ml_connector.vault.rotation import Rotated, rotate, rotate_file

OLD, NEW = MasterKey.of(b"o" * 32), MasterKey.of(b"n" * 32)
SECRETS = [SecretId("sap", field, 1) for field in ("username", "password", "company")]


class Killed(Exception):
    """The process died here."""


class Rows:
    """Envelopes in memory; dies before call number ``dies_at``."""

    def __init__(self, key: MasterKey, dies_at: int | None = None) -> None:
        self.known = [key.check]
        self.rows = {secret: seal(key, secret, secret.field.encode()) for secret in SECRETS}
        self.dies_at = dies_at
        self.calls = 0

    def _step(self) -> None:
        self.calls += 1
        if self.calls == self.dies_at:
            raise Killed

    async def checks(self) -> Sequence[KeyCheck]:
        self._step()
        return list(self.known)

    async def add_check(self, check: KeyCheck) -> None:
        self._step()
        if check not in self.known:
            self.known.append(check)

    async def sealed_otherwise(self, kid: str, limit: int) -> Sequence[tuple[SecretId, Envelope]]:
        self._step()
        return [(secret, each) for secret, each in self.rows.items() if each.kid != kid][: min(limit, 2)]

    async def rewrapped(self, rows: Sequence[tuple[SecretId, Envelope, Envelope]]) -> None:
        self._step()
        for secret, before, after in rows:
            if self.rows[secret] == before:
                self.rows[secret] = after

    async def forget_others(self, kid: str) -> bool:
        self._step()
        if any(each.kid != kid for each in self.rows.values()):
            return False
        self.known = [check for check in self.known if check.kid == kid]
        return True

    def opened(self, ring: KeyRing) -> list[str]:
        return [unseal(ring, secret, each).decode() for secret, each in self.rows.items()]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "master.key"
    write_file(path, [OLD])
    return path


def test_afterwards_the_new_key_alone_opens_everything(file: Path) -> None:
    rows = Rows(OLD)

    done = asyncio.run(rotate_file(file, rows))

    ring = read_file(file)
    assert ring.others == ()
    assert done == Rotated(ring.primary.kid, 3, (file.with_name(f"master.key.{OLD.kid}"),))
    assert ring.primary.kid != OLD.kid
    assert rows.known == [ring.primary.check]
    assert rows.opened(ring) == ["username", "password", "company"]


def test_the_encrypted_contents_are_not_touched(file: Path) -> None:
    rows = Rows(OLD)
    before = [each.ciphertext for each in rows.rows.values()]

    asyncio.run(rotate_file(file, rows))

    assert [each.ciphertext for each in rows.rows.values()] == before


@pytest.mark.parametrize("dies_at", range(1, 10))
def test_stopped_anywhere_everything_opens_and_the_next_start_finishes(file: Path, dies_at: int) -> None:
    rows = Rows(OLD, dies_at)
    with pytest.raises(Killed):
        asyncio.run(rotate_file(file, rows))

    in_between = read_file(file)
    require(in_between, rows.known)
    assert rows.opened(in_between) == ["username", "password", "company"]

    rows.dies_at = None
    asyncio.run(rotate_file(file, rows))
    ring = read_file(file)
    assert ring.others == ()
    assert rows.known == [ring.primary.check]
    assert rows.opened(ring) == ["username", "password", "company"]


def test_an_interrupted_rotation_makes_no_third_key(file: Path) -> None:
    rows = Rows(OLD, dies_at=4)
    with pytest.raises(Killed):
        asyncio.run(rotate_file(file, rows))
    begun = read_file(file).primary

    rows.dies_at = None
    assert asyncio.run(rotate_file(file, rows)).kid == begun.kid


def test_a_key_that_is_not_the_databases_rotates_nothing(tmp_path: Path) -> None:
    file = tmp_path / "master.key"
    write_file(file, [NEW])

    with pytest.raises(KeyProblem):
        asyncio.run(rotate_file(file, Rows(OLD)))

    assert read_file(file) == KeyRing(NEW, source=str(file))


def test_keys_from_the_environment_rotate_to_the_first_of_them() -> None:
    rows = Rows(OLD)

    assert asyncio.run(rotate(KeyRing(NEW, (OLD,)), rows)) == Rotated(NEW.kid, 3)
    assert rows.opened(KeyRing(NEW)) == ["username", "password", "company"]


def test_a_secret_sealed_under_the_old_key_at_the_last_moment_keeps_the_old_key(file: Path) -> None:
    class Late(Rows):
        async def forget_others(self, kid: str) -> bool:
            self.rows[SECRETS[0]] = seal(OLD, SECRETS[0], b"entered meanwhile")
            return await super().forget_others(kid)

    rows = Late(OLD)
    with pytest.raises(Inconsistent, match="again"):
        asyncio.run(rotate_file(file, rows))

    assert rows.opened(read_file(file)) == ["entered meanwhile", "password", "company"]
