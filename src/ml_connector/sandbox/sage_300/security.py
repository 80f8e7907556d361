"""Who may ask, and for what: Basic credentials and the Web API right per module (dossier, section 3)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection

from ml_connector.sandbox.ledger import Book
from ml_connector.sandbox.sage_300.errors import SageError, forbidden, unauthorized
from ml_connector.sandbox.switches import Switches

USERNAME = "WEBAPI"
ADMIN = "ADMIN"
#: Modules in which the connector's user has the right; none in the others of Sage's list.
MODULES = ("AR", "BK", "CS", "GL", "IC", "OE", "TX")


class Security:
    """The users of one company and their rights."""

    def __init__(self, book: Book, switches: Switches) -> None:
        self._book = book
        self._switches = switches
        book.create("users", "id TEXT PRIMARY KEY, password TEXT, modules TEXT, failures INTEGER, locked INTEGER")
        book.create("secrets", "name TEXT PRIMARY KEY, value TEXT NOT NULL")

    def add(self, user: str, password: str, modules: Collection[str]) -> None:
        """A user with the Web API right in those modules."""
        self._book.execute("INSERT OR REPLACE INTO {users} VALUES (?, '', ?, 0, 0)", (user, " ".join(sorted(modules))))
        self.change_password(user, password)

    def change_password(self, user: str, password: str) -> None:
        """Another password, in upper case where the site keeps it so."""
        kept = password.upper() if self._switches.on("upper_case_password") else password
        self._book.execute("UPDATE {users} SET password = ? WHERE id = ?", (kept, user))
        if user == USERNAME:
            self._announce(password)

    def _announce(self, password: str) -> None:
        """What the connector's user was told, which is more than an upper-case site keeps."""
        self._book.execute("INSERT OR REPLACE INTO {secrets} VALUES ('password', ?)", (password,))

    def announced(self) -> str:
        """The password that the connector's user was told."""
        found = self._book.row("SELECT value FROM {secrets} WHERE name = 'password'")
        return "" if found is None else str(found["value"])

    def sign_in(self, header: str) -> str:
        """The user behind an Authorization header. Raises 401, and locks out after wrong passwords in a row."""
        user, password = _basic(header)
        if self._switches.on("folds_user_id"):
            user = user.upper()
        found = self._book.row("SELECT * FROM {users} WHERE id = ?", (user,))
        if found is None or found["locked"]:
            raise unauthorized()
        if found["password"] != password:
            self._wrong(user, found["failures"] + 1)
            raise SageError(401, "Unauthorized", "The credentials are not valid.", keeps=True)
        if user == ADMIN and not self._switches.on("admin_allowed"):
            raise unauthorized("ADMIN has no access to the Web API.")
        if found["failures"]:
            self._book.execute("UPDATE {users} SET failures = 0 WHERE id = ?", (user,))
        return user

    def demand_right(self, user: str, module: str) -> None:
        """The Web API right is given per module. Raises 403, or 401 where a switch says so."""
        found = self._book.row("SELECT modules FROM {users} WHERE id = ?", (user,))
        if found is None or module not in found["modules"].split():
            text = f"User {user} has no right to the Web API of {module}."
            raise forbidden(text) if self._switches.text("missing_right") == "403" else unauthorized(text)

    def grant(self, user: str, modules: Collection[str]) -> None:
        """Exactly these modules from now on."""
        self._book.execute("UPDATE {users} SET modules = ? WHERE id = ?", (" ".join(sorted(modules)), user))

    def lock(self, user: str, *, locked: bool) -> None:
        """Lock a user out, or let it in again."""
        self._book.execute("UPDATE {users} SET locked = ?, failures = 0 WHERE id = ?", (int(locked), user))

    def _wrong(self, user: str, failures: int) -> None:
        limit = self._switches.number("lock_after")
        values = (failures, int(bool(limit) and failures >= limit), user)
        self._book.execute("UPDATE {users} SET failures = ?, locked = ? WHERE id = ?", values)


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise unauthorized("Credentials are required.")
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise unauthorized() from error
    if not colon:
        raise unauthorized()
    return user, password
