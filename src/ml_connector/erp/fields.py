"""Fields of sign-in forms that every ERP on a customer's premises asks for, and what is checked of an address."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from ml_connector.domain.errors import WrongUse
from ml_connector.domain.forms import Field, whole_number
from ml_connector.transport.trust import trusting

#: The longest a server may still finish a request whose reply was lost (DESIGN 3.2).
SETTLE_S: Final = 600

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def address(text: str, what: str, shape: str) -> str:
    """An address without credentials, which would be kept and shown with the settings, and without a query; by https, unless it
    is this very machine. ``what`` names it and ``shape`` says what it looks like, each for a sentence. Raises
    :class:`WrongUse`."""
    url = text.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        _ = parts.port
        usable = bool(parts.hostname) and re.fullmatch(r"[!-~]+", url) is not None
        usable = usable and not any(mark in url for mark in "@?#")
    except ValueError:
        usable = False
    if not usable:
        raise WrongUse(f"{what} must look like {shape}.")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise WrongUse(f"{what} must begin with https://: a password goes over that line.")
    return url


def _ca_pem(text: str) -> str:
    trusting(text)
    return text


CA_PEM: Final = Field(
    "ca_pem",
    "Certificate to trust",
    "The server's own certificate or the authority that signed it, as PEM text. Leave empty where the "
    "certificate comes from a public authority. Only this connection trusts it.",
    required=False,
    clean=_ca_pem,
)

CONNECT_TIMEOUT_S: Final = Field(
    "connect_timeout_s",
    "Time to connect (s)",
    "Seconds to wait for a connection.",
    default="10",
    clean=whole_number("Time to connect", 1, 120),
)

SETTLE: Final = Field(
    "settle_s",
    "Settle window (s)",
    "Seconds in which the server may still finish a request whose answer was lost. May be raised, not lowered.",
    default=str(SETTLE_S),
    clean=whole_number("Settle window", SETTLE_S, 86_400),
)
