"""How the Web API says no: an HTTP status, one of Sage's codes, and a text for a person (dossier, section 8).

The codes are Sage's, the statuses mostly inferred, the texts our own: a client must decide on status and code, and on the
text only where the dossier says that nothing else tells.
"""

from __future__ import annotations


class SageError(Exception):
    """One refusal. What was begun is rolled back, unless ``keeps`` says that the part before the failure stays."""

    def __init__(self, status: int, code: str, message: str, *, keeps: bool = False) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.keeps = keeps


def unauthorized(message: str = "The credentials are not valid.") -> SageError:
    return SageError(401, "Unauthorized", message)


def forbidden(message: str) -> SageError:
    return SageError(403, "Forbidden", message)


def no_resource(name: str) -> SageError:
    return SageError(404, "ResourceNotFound", f"The resource '{name}' was not found.")


def no_record() -> SageError:
    return SageError(404, "RecordNotFound", "A record cannot be found for the specified key.")


def not_allowed(method: str) -> SageError:
    return SageError(405, "MethodNotAllowed", f"The resource does not support {method}.")


def bad_parameters(message: str) -> SageError:
    """The query string is not understood."""
    return SageError(400, "InvalidParameters", message)


def bad_key(text: str) -> SageError:
    return SageError(400, "InvalidEntityKey", f"The key '{text}' is not valid for the resource.")


def bad_payload(message: str) -> SageError:
    """The body does not fit the model."""
    return SageError(400, "InvalidPayload", message)


def bad_action(text: str) -> SageError:
    return SageError(400, "InvalidAction", f"The action '{text}' is not valid.")


def duplicate(message: str = "The record already exists.") -> SageError:
    return SageError(409, "RecordDuplicate", message)


def field_invalid(message: str) -> SageError:
    """The business layer rejects the value of one field."""
    return SageError(409, "FieldInvalid", message)


def rejected(message: str) -> SageError:
    """The business layer rejects the request as a whole."""
    return SageError(409, "General", message)


def internal(message: str) -> SageError:
    return SageError(500, "InternalServerError", message)
