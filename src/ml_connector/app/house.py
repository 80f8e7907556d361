"""The opened data folder: database, keys, audit trail, clock. What every part of ``app`` stands on."""

from __future__ import annotations

import logging
import os
import random
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import structlog
from sqlalchemy import Connection

from ml_connector.app import settings as configuration
from ml_connector.app.scratch import Scratch
from ml_connector.app.settings import Settings
from ml_connector.domain.clock import Clock
from ml_connector.domain.errors import Inconsistent, KeyProblem, WrongUse
from ml_connector.domain.sealed import SecretId
from ml_connector.engine.clock import SystemClock
from ml_connector.store import audit, audit_head, installation, secrets, watermarks
from ml_connector.store.audit_head import Standing
from ml_connector.store.door import Store
from ml_connector.store.installation import Installation
from ml_connector.transport.redaction import Redactor
from ml_connector.vault import envelopes, keys
from ml_connector.vault.keys import KeyPlaces, KeyRing

DATABASE: Final = "ml-connector.db"
#: Under this name the installation's own secrets and marks are kept. No connection may have it: removing one removes its
#: secrets, and the audit key with them.
OWN: Final = "installation"
_AUDIT: Final = (OWN, "audit_key")

#: After the database was found older than its audit head, nothing is written to an ERP for this long: what was sent by the
#: time that is missing from it may still land. The longest settle window of any connector (DESIGN 3.2).
RECOVERY: Final = timedelta(seconds=900)
_RECOVERY_MARK: Final = (OWN, "recover_until")


@dataclass(slots=True)
class House:
    """One installation, opened."""

    folder: Path
    settings: Settings
    store: Store
    clock: Clock
    random: random.Random
    ring: KeyRing
    audit_key: bytes = field(repr=False)
    installation: Installation
    redactor: Redactor
    scratch: Scratch
    standing: Standing
    actor: str = "system"

    def note(self, conn: Connection, event: str, subject: str, data: Mapping[str, Any]) -> None:
        """Write an audit event in the caller's transaction."""
        audit.append(conn, self.audit_key, actor=self.actor, event=event, subject=subject, data=data)

    def unseal(self, found: tuple[SecretId, Any]) -> str:
        """A secret in the clear, and from now on in no log."""
        value = envelopes.unseal(self.ring, *found).decode()
        self.redactor.learn([value])
        return value

    def seal(self, conn: Connection, connection: str, field_name: str, value: str) -> None:
        """Keep a secret in place of the one before."""
        self.redactor.learn([value])
        secret = secrets.next_id(conn, connection, field_name)
        secrets.put(conn, secret, envelopes.seal(self.ring.primary, secret, value.encode()))

    async def recovering_until(self) -> datetime | None:
        """Until when nothing may be written to an ERP, because the database was restored; None in the normal case."""
        mark = await self.store.call(lambda conn: watermarks.get(conn, *_RECOVERY_MARK))
        until = datetime.fromisoformat(mark) if mark is not None else None
        return until if until is not None and until > self.clock.now() else None

    async def write_head(self) -> None:
        """Keep the head of the audit chain beside the database. Not where the database is not what it was: that must be seen
        until :meth:`recover`."""
        if self.standing is Standing.CURRENT:
            head = await self.store.call(audit.head)
            audit_head.write(self.folder / audit_head.NAME, head)

    async def recover(self) -> datetime | None:
        """Begin to recover when the database is older than the head beside it, and say until when; None in the normal case.

        It was restored: what it forgot may have been sent, so nothing is written to an ERP for a while.
        """
        if self.standing is Standing.CURRENT:
            return None
        until, unreadable = self.clock.now() + RECOVERY, self.standing is Standing.UNREADABLE
        before = None if unreadable else audit_head.read(self.folder / audit_head.NAME)

        def mark(conn: Connection) -> None:
            watermarks.put(conn, *_RECOVERY_MARK, until.isoformat())
            self.note(
                conn,
                "restored",
                "installation",
                {"head_on_file": self.standing if unreadable else str(before), "until": until.isoformat()},
            )

        await self.store.call(mark)
        self.standing = Standing.CURRENT
        await self.write_head()
        return until

    async def close(self) -> None:
        try:
            await self.write_head()
        finally:  # a full disk takes the head, not the end of the database
            await self.store.close()
            self.scratch.cleanup()


def recovering(until: datetime) -> str:
    """What a restored database means, as a sentence."""
    return (
        "The database is older than its audit trail: it was restored. What it has forgotten may still arrive in the ERP, so "
        f"nothing is written there before {until:%Y-%m-%d %H:%M} UTC; then what is found is adopted, not posted again."
    )


def places(folder: Path, environment: Mapping[str, str]) -> KeyPlaces:
    return KeyPlaces(environment, keys.default_config_folder(environment), folder)


async def create(folder: Path, *, moved: bool, clock: Clock | None) -> tuple[str, bool]:
    """Make the data folder, its database and the master key, or move an existing one to this host.

    (Where the key is kept, whether the installation is new.)
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings = configuration.load(folder, os.environ)
    store = Store.open(settings.database or folder / DATABASE, clock or SystemClock())
    try:
        known = await store.call(secrets.checks)
        ring = keys.load_or_create(places(folder, os.environ), known)
        await store.call(lambda conn: secrets.add_check(conn, ring.primary.check))
        found = await store.call(installation.get)
        if found is None:
            await store.call(lambda conn: _found(conn, ring))
            if not (folder / audit_head.NAME).exists():
                # From now a head that is missing was removed. One of an earlier database stays: it says that there was one.
                audit_head.write(folder / audit_head.NAME, await store.call(audit.head))
        elif moved:
            await store.call(lambda conn: installation.move(conn, socket.gethostname()))
        else:
            await store.call(lambda conn: installation.require_host(conn, socket.gethostname()))
    finally:
        await store.close()
    return ring.source, found is None


async def open_house(folder: Path, clock: Clock | None) -> House:
    """Open an initialised data folder. Raises :class:`WrongUse` and :class:`KeyProblem`."""
    settings = configuration.load(folder, os.environ)
    if not settings.database and not (folder / DATABASE).is_file():
        raise WrongUse(f"There is no data folder at {folder}: run ml-connector init first.")
    if settings.database and "://" not in settings.database and not Path(settings.database).is_file():
        raise WrongUse(f"There is no database at {settings.database}: run ml-connector init first.")
    clock = clock or SystemClock()
    redactor = Redactor()
    redactor.learn([settings.database] if "://" in settings.database else [])
    _configure_logging(settings, redactor.event)
    store = Store.open(settings.database or folder / DATABASE, clock)
    try:
        here = await store.call(lambda conn: installation.require_host(conn, socket.gethostname()))
        ring = keys.load(places(folder, os.environ))
        known = await store.call(secrets.checks)
        if ring is None:
            raise KeyProblem(f"The master key is missing: put it back to {places(folder, os.environ).file}.")
        keys.require(ring, known)
        sealed = await store.call(lambda conn: secrets.get(conn, *_AUDIT))
        if sealed is None:
            raise WrongUse("This data folder was never finished: run ml-connector init again.")
        return House(
            folder=folder,
            settings=settings,
            store=store,
            clock=clock,
            random=random.Random(os.urandom(16)),  # noqa: S311 - jitter, no secret
            ring=ring,
            audit_key=envelopes.unseal(ring, *sealed),
            installation=here,
            redactor=redactor,
            scratch=Scratch.make(folder),
            standing=await _standing(store, folder),
        )
    except BaseException:
        await store.close()
        raise


async def _standing(store: Store, folder: Path) -> Standing:
    """The database against the head beside it."""
    try:
        on_file = audit_head.read(folder / audit_head.NAME)
    except Inconsistent:
        return Standing.UNREADABLE
    return await store.call(lambda conn: audit_head.compare(conn, on_file))


def _found(conn: Connection, ring: KeyRing) -> None:
    installation.create(conn, os.urandom(8).hex(), socket.gethostname())
    secret = secrets.next_id(conn, *_AUDIT)
    secrets.put(conn, secret, envelopes.seal(ring.primary, secret, os.urandom(32)))


def _configure_logging(settings: Settings, redact: Callable[..., Any]) -> None:
    """JSON lines on stderr, each through the redactor."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, settings.log_level.upper())),
        logger_factory=structlog.PrintLoggerFactory(file=_stderr()),
        cache_logger_on_first_use=False,
    )


def _stderr() -> Any:
    import sys

    return sys.stderr
