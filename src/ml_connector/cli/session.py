"""Opens the program for one command, and closes it whatever happens."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from ml_connector.cli import output

if TYPE_CHECKING:
    from ml_connector.app import App
    from ml_connector.domain.clock import Clock

T = TypeVar("T")

DATA_VARIABLE = "ML_CONNECTOR_DATA"
#: The clock that the command was given; None: the machine's.
CLOCK: ContextVar[Clock | None] = ContextVar("clock", default=None)

Data = Annotated[
    Path | None,
    typer.Option("--data", help="The data folder.", envvar=DATA_VARIABLE, show_default="in your user data folder"),
]


def data_folder(given: Path | None) -> Path:
    """Where the data is: as given, or in the user's own data folder."""
    if given is not None:
        return given
    base = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    return Path(base) / "ml-connector"


def with_app(data: Path | None, work: Callable[[App], Awaitable[T]], *, look_only: bool = False) -> T:
    """Run ``work`` on the opened data folder."""

    async def opened() -> T:
        from ml_connector.app import App

        app = await App.open(data_folder(data), look_only=look_only, clock=CLOCK.get())
        if app.notice:
            sys.stderr.write(f"{app.notice}\n")
        try:
            return await work(app)
        finally:
            await app.close()

    return asyncio.run(opened())


def who() -> str:
    """Whoever is at the keyboard, for the audit trail."""
    return output.shown(os.environ.get("USER") or os.environ.get("USERNAME") or "cli")
