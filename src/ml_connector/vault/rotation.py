"""A new master key. Only data keys are rewrapped, in portions; it may be stopped anywhere and simply started again.

The order is what makes it safe: the new key is on disk before anything is sealed under it, both keys open until nothing is
left under the old one, and only then is the old one forgotten: first by the database, then by the file. It is put aside, not
destroyed: backups from before, and other data folders of the same user, open with nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

from ml_connector.domain.errors import Inconsistent
from ml_connector.domain.sealed import Envelope, KeyCheck, SecretId
from ml_connector.vault import envelopes
from ml_connector.vault.keys import KeyRing, MasterKey, read_file, require, write_file

_PORTION: Final = 200


class SealedRows(Protocol):
    """Where the envelopes are kept. Each call is one transaction."""

    async def checks(self) -> Sequence[KeyCheck]:
        """The master keys that are known there."""
        ...

    async def add_check(self, check: KeyCheck) -> None:
        """From now ``check`` is known as well. Idempotent."""
        ...

    async def sealed_otherwise(self, kid: str, limit: int) -> Sequence[tuple[SecretId, Envelope]]:
        """Some secrets that are not sealed under ``kid``; none when all are."""
        ...

    async def rewrapped(self, rows: Sequence[tuple[SecretId, Envelope, Envelope]]) -> None:
        """Replace (which, before, after), except where it is not ``before`` any more."""
        ...

    async def forget_others(self, kid: str) -> bool:
        """Only ``kid`` is known from now; False, and nothing happens, while something is sealed under another."""
        ...


@dataclass(frozen=True, slots=True)
class Rotated:
    """``kid`` is the master key from now; ``rewrapped`` counts the secrets that were touched; ``kept`` are the files with the
    keys before."""

    kid: str
    rewrapped: int
    kept: tuple[Path, ...] = ()


async def rotate_file(file: Path, rows: SealedRows) -> Rotated:
    """Change the master key in its file. A rotation that was interrupted (two keys in the file) is finished instead.

    One at a time: the caller sees to it. Each key before is kept beside the file, under its own name.
    """
    ring = read_file(file)
    if not ring.others:
        require(ring, await rows.checks())
        write_file(file, (MasterKey.new(), ring.primary))
        ring = read_file(file)
    done = await rotate(ring, rows)
    kept = [file.with_name(f"{file.name}.{key.kid}") for key in ring.others]
    for aside, key in zip(kept, ring.others, strict=True):
        write_file(aside, (key,))
    write_file(file, (ring.primary,))
    return replace(done, kept=tuple(kept))


async def rotate(ring: KeyRing, rows: SealedRows) -> Rotated:
    """Bring every secret under ``ring.primary``; the other keys of the ring may be thrown away afterwards.

    Raises :class:`KeyProblem` when a key of the database is not in the ring; nothing was changed then.
    """
    kid = ring.primary.kid
    known = await rows.checks()
    require(ring, known)
    await rows.add_check(ring.primary.check)
    count = 0
    while left := await rows.sealed_otherwise(kid, _PORTION):
        await rows.rewrapped([(secret, before, envelopes.rewrap(ring, secret, before)) for secret, before in left])
        count += len(left)
    if not await rows.forget_others(kid):
        raise Inconsistent("A secret was sealed under the old master key meanwhile: run secrets rotate again.")
    return Rotated(kid, count)
