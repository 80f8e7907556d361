"""Which ERPs there are. Each registers a :class:`Connector` under the entry-point group ``ml_connector.erp``."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import entry_points
from random import Random
from typing import Final, Protocol

import httpx2

from ml_connector.domain.clock import Clock
from ml_connector.domain.errors import MlConnectorError, WrongUse
from ml_connector.domain.forms import Form
from ml_connector.domain.target import Company
from ml_connector.transport.http import HttpClient, Timeouts

GROUP: Final = "ml_connector.erp"


@dataclass(frozen=True, slots=True)
class Tools:
    """What the caller lends a connector: time, chance, and the seam at which a simulator is mounted.

    ``settle_s`` shortens the settle window of every step, in seconds. Only tests and demonstrations on the sandbox may
    set it: in production the window is what the server may still need, and a setting can only raise it.
    """

    clock: Clock
    random: Random
    transport: httpx2.AsyncBaseTransport | None = None
    settle_s: float | None = None

    def client(
        self, label: str, base_url: str, ssl_context: ssl.SSLContext | None, connect_s: float, read_s: float
    ) -> HttpClient:
        """A client of one server. A whole exchange may take five minutes, and two of its longest silences."""
        timeouts = Timeouts(connect_s, read_s, max(300.0, 2 * read_s))
        return HttpClient(
            label,
            base_url,
            self.clock,
            self.random,
            transport=self.transport,
            ssl_context=ssl_context,
            timeouts=timeouts,
        )


class Closable(Protocol):
    async def close(self) -> None: ...


@asynccontextmanager
async def closed_on_error(opened: Closable) -> AsyncIterator[None]:
    """For what comes between signing in and handing over a target: who is told that it failed gets nothing to close."""
    try:
        yield
    except MlConnectorError:
        await opened.close()
        raise


class Connect(Protocol):
    """Signs in to one company."""

    async def __call__(self, settings: Mapping[str, str], secrets: Mapping[str, str], tools: Tools) -> Company:
        """A target that is signed in and knows what its company can do, so that its pure methods can answer.

        Raises :class:`~ml_connector.domain.errors.WrongUse` for settings that do not fit the form,
        :class:`~ml_connector.domain.errors.SignInFailed`, :class:`~ml_connector.domain.errors.NotPermitted` and
        :class:`~ml_connector.domain.errors.Unavailable`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Connector:
    """What an ERP's folder says of itself. ``name`` is the folder's, ``label`` what people call the system."""

    name: str
    label: str
    form: Form
    connect: Connect


def connectors() -> dict[str, Connector]:
    """Every installed connector by name."""
    found: dict[str, Connector] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        connector = entry.load()
        if not isinstance(connector, Connector) or connector.name != entry.name:
            raise WrongUse(f"The package that registers {entry.name!r} as an ERP does not describe a connector.")
        found[entry.name] = connector
    return found


def connector(name: str) -> Connector:
    """The connector called ``name``. Raises :class:`WrongUse` naming those there are."""
    known = connectors()
    if name not in known:
        raise WrongUse(f"There is no ERP called {name!r}; there are: {', '.join(known)}.")
    return known[name]
