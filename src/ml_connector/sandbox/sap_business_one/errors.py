"""How the Service Layer says no.

Codes and texts are the dossier's (section 12) where it has them. Most journal rejections were never captured there: those
are -5002 (or -10, -1000) with a text of our own, so a client must not depend on them.
"""

from __future__ import annotations

INVALID_SESSION = "301"
BAD_CREDENTIALS = "100000027"
USER_LOCKED = "100000055"
REJECTED = "-5002"
OBJECT_REJECTED = "-10"
NOT_FOUND = "-2028"
DUPLICATE = "-2035"
MODIFIED = "-2039"
NOT_SUPPORTED = "-5006"
NOT_PERMITTED = "-6006"
MALFORMED = "-1000"
NOTIFICATION = "-1"
INVALID_OPTION = "201"


class ServiceLayerError(Exception):
    """One refusal: an HTTP status, a code and the words for a person. What was begun is rolled back."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message


def rejected(message: str) -> ServiceLayerError:
    """A business rule says no."""
    return ServiceLayerError(400, REJECTED, message)


def invalid_session() -> ServiceLayerError:
    return ServiceLayerError(401, INVALID_SESSION, "Invalid session or session already timeout.")


def not_found() -> ServiceLayerError:
    return ServiceLayerError(404, NOT_FOUND, "No matching records found (ODBC -2028)")


def duplicate() -> ServiceLayerError:
    return ServiceLayerError(400, DUPLICATE, "This entry already exists in the following tables (ODBC -2035)")


def not_supported() -> ServiceLayerError:
    return ServiceLayerError(400, NOT_SUPPORTED, "The requested action is not supported for this object.")


def malformed(message: str) -> ServiceLayerError:
    return ServiceLayerError(400, MALFORMED, message)


def invalid_option(message: str) -> ServiceLayerError:
    return ServiceLayerError(400, INVALID_OPTION, message)


def invalid_property(name: str, of: str = "") -> ServiceLayerError:
    """An option or a body names a property that this company does not have (dossier, section 5.1)."""
    where = f" of '{of}'" if of else ""
    return invalid_option(f"Invalid query option: {name} is an invalid property{where}.")
