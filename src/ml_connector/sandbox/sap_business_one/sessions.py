"""Login, sessions and their end (dossier, sections 3.2 to 3.4)."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ml_connector.sandbox.clock import WorldClock
from ml_connector.sandbox.sap_business_one.company import COMPANY_DB
from ml_connector.sandbox.sap_business_one.errors import (
    REJECTED,
    USER_LOCKED,
    ServiceLayerError,
    invalid_session,
    malformed,
)
from ml_connector.sandbox.sap_business_one.tables import Tables
from ml_connector.sandbox.switches import Switches


@dataclass(slots=True)
class Session:
    """Who is signed in, on which node, and when they were last heard of."""

    id: str
    user: str
    node: int
    version: str
    last_used: datetime

    @property
    def route(self) -> str:
        """Its node as ROUTEID names it."""
        return f".node{self.node}"


class Sessions:
    """Sessions live in memory: a server that starts again has forgotten them. The idle time runs on the world's clock."""

    def __init__(self, tables: Tables, switches: Switches, clock: WorldClock, chance: random.Random) -> None:
        self._tables = tables
        self._switches = switches
        self._clock = clock
        self._random = chance
        self._open: dict[str, Session] = {}
        self._down = ""

    @property
    def timeout_minutes(self) -> int:
        return self._switches.number("session_timeout_minutes")

    def log_in(self, body: object, version: str) -> Session:
        """A new session, made on one version of the protocol. Raises :class:`ServiceLayerError` 401; too many wrong passwords in a row lock the user."""
        if not isinstance(body, Mapping):
            raise malformed("The request body is not an object.")
        user, password = body.get("UserName"), body.get("Password")
        known = self._tables.book.row('SELECT * FROM {passwords} WHERE "UserCode" = ?', (str(user),))
        if known is not None and self._locked(str(user)):
            raise ServiceLayerError(401, USER_LOCKED, "The user is locked.")
        if known is None or body.get("CompanyDB") != COMPANY_DB or known["Password"] != password:
            self._count_failure(str(user))
            raise ServiceLayerError(
                401, self._switches.text("wrong_password_code"), "Wrong company, user name or password."
            )
        self._tables.book.execute('UPDATE {passwords} SET "Failures" = 0 WHERE "UserCode" = ?', (str(user),))
        limit, live = self._switches.number("sessions_max"), [each for each in self._open.values() if self._lives(each)]
        if limit and len([each for each in live if each.user == user]) >= limit:
            raise ServiceLayerError(
                401, self._switches.text("wrong_password_code"), "The number of sessions of this user is used up."
            )
        session = Session(self._new_id(), str(user), self._random.randint(1, 2), version, self._clock.now())
        self._open[session.id] = session
        return session

    def use(self, session_id: str | None, version: str, route: str | None = None) -> Session:
        """The session behind a cookie, its idle time begun anew. Raises :class:`ServiceLayerError` where there is none.

        ``route`` is the node that a request names. Where that one is down, the balancer asks the session's own.
        """
        session = self._open.get(session_id or "")
        if session is not None and self._switches.on("sticky_sessions") and route != self._down:
            session = session if route == session.route else None
            if session is None:
                raise self.lost()
        if session is not None and session.version != version and not self._switches.on("session_on_both_versions"):
            raise self.lost()
        if session is None or not self._lives(session):
            self.end(session_id)
            raise self.lost()
        session.last_used = self._clock.now()
        return session

    def lost(self) -> ServiceLayerError:
        """What a lost session answers: 401/301, or -5002 where a switch says so (dossier, section 3.4)."""
        refusal = invalid_session()
        if self._switches.on("expiry_as_5002"):
            return ServiceLayerError(400, REJECTED, refusal.message)
        return refusal

    def end(self, session_id: str | None) -> None:
        self._open.pop(session_id or "", None)

    def fail_over(self) -> None:
        """The node of the first session dies; whatever lived on it lives on the other one now (dossier, section 3.6)."""
        for session in list(self._open.values())[:1]:
            self._down = session.route
        for session in self._open.values():
            if session.route == self._down:
                session.node = 3 - session.node

    def end_all(self) -> None:
        """Every session ends now, as when the server starts again."""
        self._open.clear()

    def lock(self, user: str, *, locked: bool) -> None:
        """A person locks or unlocks a user; locking ends the user's sessions."""
        value = "tYES" if locked else "tNO"
        self._tables.book.execute('UPDATE {OUSR} SET "Locked" = ? WHERE "UserCode" = ?', (value, user))
        self._tables.book.execute('UPDATE {passwords} SET "Failures" = 0 WHERE "UserCode" = ?', (user,))
        if locked:
            self._open = {key: each for key, each in self._open.items() if each.user != user}

    def password_of(self, user: str) -> str:
        """The password in force, for the world's list of credentials."""
        row = self._tables.book.row('SELECT "Password" FROM {passwords} WHERE "UserCode" = ?', (user,))
        return "" if row is None else str(row[0])

    def is_superuser(self, session: Session) -> bool:
        row = self._tables.book.row('SELECT "Superuser" FROM {OUSR} WHERE "UserCode" = ?', (session.user,))
        return row is not None and row[0] == "tYES"

    def _lives(self, session: Session) -> bool:
        return self._clock.now() - session.last_used <= timedelta(minutes=self.timeout_minutes)

    def _locked(self, user: str) -> bool:
        row = self._tables.book.row('SELECT "Locked" FROM {OUSR} WHERE "UserCode" = ?', (user,))
        return row is not None and row[0] == "tYES"

    def _count_failure(self, user: str) -> None:
        book = self._tables.book
        book.execute('UPDATE {passwords} SET "Failures" = "Failures" + 1 WHERE "UserCode" = ?', (user,))
        row = book.row('SELECT "Failures" FROM {passwords} WHERE "UserCode" = ?', (user,))
        if row is not None and int(row[0]) >= self._switches.number("lock_after"):
            book.execute('UPDATE {OUSR} SET "Locked" = ? WHERE "UserCode" = ?', ("tYES", user))

    def _new_id(self) -> str:
        text = f"{self._random.getrandbits(128):032x}"
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
