"""Which ERPs there are. Each registers a :class:`Connector` under the entry-point group ``ml_connector.erp``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from random import Random
from typing import Final, Protocol

import httpx2

from ml_connector.domain.clock import Clock
from ml_connector.domain.errors import WrongUse
from ml_connector.domain.forms import Form
from ml_connector.domain.target import Company

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
