"""Every way in which this program says that something is wrong.

Two forms, never mixed:

* a :class:`Finding` is a *value*: something about the data that a person has to know. It never stops the good parts.
* a :class:`MlConnectorError` is *raised*: this piece of work cannot go on. The message is one sentence for a person that
  says what to do; it never carries a secret, a body or an address with a query.

::

    MlConnectorError                    exit
    ├── WrongUse                        2     the command or the configuration is wrong
    │   ├── SignInFailed                2     credentials refused; names which
    │   ├── NotPermitted                2     signed in, but a right or role is missing; names which
    │   └── KeyProblem                  2     master key missing, wrong or unreadable
    ├── Unavailable                     3     the outside system did not answer or is overloaded: try later
    │   └── RateLimited                 3     it asked us to slow down
    ├── BadAnswer                       3     it answered something that cannot be understood
    ├── RefusedByServer                 1     it understood and refused; carries its code and words
    ├── LimitExceeded                   1     a limit of ours was hit; names it
    └── Inconsistent                    1     our own books do not agree with themselves: stop, tell a person
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a person has to know, as a value.

    ``code`` is stable and machine-readable (``unknown_triple``); ``message`` is a sentence that says what to do;
    ``line`` is the 1-based line of the file where it was found (the header is line 1), None when it is about the whole.
    ``holds`` is False for notes that stop nothing.
    """

    code: str
    message: str
    line: int | None = None
    holds: bool = True


class MlConnectorError(Exception):
    """The root of the tree above. ``code`` is stable; ``str(error)`` is the sentence for a person."""

    code = "error"
    exit_code = 1

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class WrongUse(MlConnectorError):
    code, exit_code = "wrong_use", 2


class SignInFailed(WrongUse):
    code = "sign_in_failed"


class NotPermitted(WrongUse):
    code = "not_permitted"


class KeyProblem(WrongUse):
    code = "key_problem"


class Unavailable(MlConnectorError):
    code, exit_code = "unavailable", 3


class RateLimited(Unavailable):
    """``retry_after_s`` is the server's own word, or None where it gave none."""

    code = "rate_limited"

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class BadAnswer(MlConnectorError):
    code, exit_code = "bad_answer", 3


class RefusedByServer(MlConnectorError):
    """The server's own ``server_code`` and words; ``str(error)`` puts them in a sentence."""

    code = "refused_by_server"

    def __init__(self, message: str, *, server_code: str, words: str, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.server_code = server_code
        self.words = words


class LimitExceeded(MlConnectorError):
    code = "limit_exceeded"


class Inconsistent(MlConnectorError):
    code = "inconsistent"
