"""The master key: where it comes from, and how a wrong one is recognised before it does harm.

In this order: ``ML_CONNECTOR_MASTER_KEY`` (base64 of 32 bytes), the file named by ``ML_CONNECTOR_MASTER_KEY_FILE``, the file
``master.key`` in the user's config folder. Each may hold several keys, one a line (or separated by commas): the first seals,
the others only open, until a rotation is done. A key file is mode 0600 and never inside the data folder: a copied or stolen
data folder must not bring its key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ml_connector.domain.errors import KeyProblem
from ml_connector.domain.sealed import KeyCheck

KEY_BYTES: Final = 32
VARIABLE: Final = "ML_CONNECTOR_MASTER_KEY"
FILE_VARIABLE: Final = "ML_CONNECTOR_MASTER_KEY_FILE"
FILE_NAME: Final = "master.key"


@dataclass(frozen=True, slots=True)
class MasterKey:
    """``kid`` names it without saying anything about it."""

    kid: str
    value: bytes = field(repr=False)

    @classmethod
    def of(cls, value: bytes) -> MasterKey:
        """Raises :class:`KeyProblem` when it is not 32 bytes."""
        if len(value) != KEY_BYTES:
            raise KeyProblem(f"A master key is {KEY_BYTES} bytes in base64; this one has {len(value)}.")
        return cls(_derived(value, "kid")[:16], value)

    @classmethod
    def new(cls) -> MasterKey:
        return cls.of(os.urandom(KEY_BYTES))

    @classmethod
    def read(cls, text: str) -> MasterKey:
        """From base64. Raises :class:`KeyProblem`, which never shows the text."""
        try:
            return cls.of(base64.b64decode(text, validate=True))
        except ValueError as error:
            raise KeyProblem("The master key is not base64: give 32 random bytes in base64.") from error

    @property
    def text(self) -> str:
        return base64.b64encode(self.value).decode()

    @property
    def check(self) -> KeyCheck:
        """What the database keeps to recognise it."""
        return KeyCheck(self.kid, _derived(self.value, "check"))


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The master keys at hand: ``primary`` seals, all of them open. ``source`` says to people where they came from."""

    primary: MasterKey
    others: tuple[MasterKey, ...] = ()
    source: str = ""

    def find(self, kid: str) -> MasterKey | None:
        return next((key for key in (self.primary, *self.others) if key.kid == kid), None)


@dataclass(frozen=True, slots=True)
class KeyPlaces:
    """Where a master key may be. ``data_folder`` is where it must not be; None where there is none (PostgreSQL)."""

    environment: Mapping[str, str] = field(repr=False)
    config_folder: Path
    data_folder: Path | None

    @property
    def file(self) -> Path:
        """The key file: the one named, or the default."""
        named = self.environment.get(FILE_VARIABLE, "")
        return Path(named) if named else self.config_folder / FILE_NAME


def default_config_folder(environment: Mapping[str, str]) -> Path:
    """The user's config folder for this program."""
    base = environment.get("XDG_CONFIG_HOME") or environment.get("APPDATA")
    return (Path(base) if base else Path.home() / ".config") / "ml-connector"


def load(places: KeyPlaces) -> KeyRing | None:
    """The keys at hand; None where there are none. Raises :class:`KeyProblem` for what cannot be used."""
    text = places.environment.get(VARIABLE, "")
    if text:
        return _ring(text.replace(",", "\n"), VARIABLE)
    file = places.file
    _refuse_data_folder(file, places.data_folder)
    if not file.exists():
        if places.environment.get(FILE_VARIABLE):
            raise KeyProblem(f"{FILE_VARIABLE} names {file}, which does not exist.")
        return None
    return read_file(file)


def load_or_create(places: KeyPlaces, known: Sequence[KeyCheck]) -> KeyRing:
    """The keys at hand, compared with what the database knows. A new key is made only for a database that knows none."""
    ring = load(places)
    if ring is None:
        if known:
            raise KeyProblem(
                f"The master key {known[-1].kid} of this database is missing: put it back to {places.file} or set "
                f"{VARIABLE}. Without it the stored secrets cannot be opened."
            )
        ring = KeyRing(MasterKey.new(), source=str(places.file))
        places.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_file(places.file, (ring.primary,), new=True)
    require(ring, known)
    return ring


def require(ring: KeyRing, known: Sequence[KeyCheck]) -> None:
    """Raises :class:`KeyProblem` unless every master key that the database knows is at hand, and is the right one."""
    for check in known:
        key = ring.find(check.kid)
        if key is None or not hmac.compare_digest(key.check.value, check.value):
            raise KeyProblem(
                f"The master key from {ring.source} ({ring.primary.kid}) is not the one of this database ({check.kid}): "
                "provide the right key. Nothing was changed."
            )


def read_file(file: Path) -> KeyRing:
    """Raises :class:`KeyProblem` for a file that others may read, or that holds no key."""
    try:
        mode = file.stat().st_mode
        if os.name != "nt" and stat.S_IMODE(mode) & 0o077:
            raise KeyProblem(f"Others may read the master key in {file}: run chmod 600 {file}.")
        text = file.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise KeyProblem(f"The master key in {file} cannot be read: check the file and its owner.") from error
    return _ring(text, str(file))


def write_file(file: Path, keys: Iterable[MasterKey], *, new: bool = False) -> None:
    """Replace the key file, atomically and durably; with ``new`` it must not exist. Raises :class:`KeyProblem`."""
    target = file if new else file.with_name(f"{file.name}.partial")
    try:
        if not new:
            # What somebody left there may be readable to others, or lead elsewhere.
            target.unlink(missing_ok=True)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as out:
            out.writelines(f"{key.text}\n" for key in keys)
            out.flush()
            os.fsync(out.fileno())
        if not new:
            os.replace(target, file)
        _sync_folder(file.parent)
    except FileExistsError as error:
        raise KeyProblem(f"{file} was made meanwhile by somebody else: try again.") from error
    except OSError as error:
        raise KeyProblem(f"The master key cannot be written to {file}: {error.strerror}.") from error


def _sync_folder(folder: Path) -> None:
    """Make the new name itself durable, where the system can: what is sealed next must not outlive its key."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def _ring(text: str, source: str) -> KeyRing:
    keys = [MasterKey.read(line.strip()) for line in text.splitlines() if line.strip()]
    if not keys:
        raise KeyProblem(f"There is no master key in {source}.")
    return KeyRing(keys[0], tuple(keys[1:]), source)


def _refuse_data_folder(file: Path, data_folder: Path | None) -> None:
    if data_folder is not None and file.resolve().is_relative_to(data_folder.resolve()):
        raise KeyProblem(
            f"The master key {file} is inside the data folder: whoever copies the folder would have the key. Move it out."
        )


def _derived(value: bytes, purpose: str) -> str:
    return hmac.new(value, f"ml-connector master key {purpose}".encode(), hashlib.sha256).hexdigest()
