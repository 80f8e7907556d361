"""A world on a loopback port, over real HTTP, until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import socket
import sqlite3
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import uvicorn

from ml_connector.sandbox.clock import RealClock, present
from ml_connector.sandbox.faults import ASGIApp, ConnectionBroken, FaultPlan, Receive, Scope, Send
from ml_connector.sandbox.ledger import Ledger
from ml_connector.sandbox.world import World, kept_instant, load_scenario

LOOPBACK = "127.0.0.1"
_STOP_GRACE_S = 2
"""How long open requests may finish after a stop; what a fault holds back for longer is dropped."""
_TICKS_A_SECOND = 10
"""How often the web server looks around."""


def serve(
    *,
    port: int = 0,
    speed: float = 1.0,
    state: Path | None = None,
    scenario: Path | None = None,
    fault_plan: Path | None = None,
    tls: bool = False,
    ready: Callable[[dict[str, object]], None],
) -> None:
    """Serve a world on 127.0.0.1 until SIGTERM or SIGINT; returns then.

    ``port`` 0 takes a free one. ``ready`` is called once, when connections are accepted, with the credentials of every
    system (and ``ca_pem``, the authority to trust, with ``tls``). Raises ValueError for a scenario or fault plan that is
    not understood, OSError where the port or a file cannot be had.
    """
    plan = FaultPlan() if fault_plan is None else FaultPlan.load(fault_plan)
    told = {} if scenario is None else load_scenario(scenario)
    seed = _seed(told)
    ledger, kept = _open(state)
    clock = RealClock(speed, present() if kept is None else max(kept, present()))
    with closing(ledger), socket.create_server((LOOPBACK, port)) as listener:
        # Accepted connections inherit it: head and body of an answer must not wait for an acknowledgement in between.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        address = f"{'https' if tls else 'http'}://{LOOPBACK}:{listener.getsockname()[1]}"
        world = World(clock, seed=seed, state=ledger, faults=plan, scenario=told, base_url=address)
        _run(world, listener, tls=tls, ready=ready)
        world.keep()


def _run(world: World, listener: socket.socket, *, tls: bool, ready: Callable[[dict[str, object]], None]) -> None:
    announcement: dict[str, object] = dict(world.credentials())
    with _certificate(announcement, tls=tls) as (certificate, key):
        config = uvicorn.Config(
            _loud(world.app),
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=_STOP_GRACE_S,
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
        asyncio.run(_Server(config, lambda: ready(announcement), world.keep).serve([listener]))


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it accepts connections and ends without raising the signal again.

    ``keep`` is called about once a second: a sandbox that is killed does not go back in its own time.
    """

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], keep: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self._keep = keep

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def on_tick(self, counter: int) -> bool:
        if counter % _TICKS_A_SECOND == 0:
            self._keep()
        return await super().on_tick(counter)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for stop in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(stop, self.handle_exit, stop, None)
        yield


@contextmanager
def _certificate(announcement: dict[str, object], *, tls: bool) -> Iterator[tuple[str | None, str | None]]:
    """The server's certificate and key as files for as long as it runs, with the authority put into the announcement."""
    if not tls:
        yield None, None
        return
    from ml_connector.sandbox.tls import throw_away_tls  # only --tls needs the cryptography package

    made = throw_away_tls(present())
    announcement["ca_pem"] = made.ca_pem
    with tempfile.TemporaryDirectory(prefix="ml-connector-sandbox-") as folder:
        certificate, key = Path(folder, "certificate.pem"), Path(folder, "key.pem")
        certificate.write_text(made.certificate_pem, encoding="ascii")
        key.touch(mode=0o600)
        key.write_text(made.key_pem, encoding="ascii")
        yield str(certificate), str(key)


def _open(state: Path | None) -> tuple[Ledger, datetime | None]:
    """The ledger, and the last instant noted in it."""
    try:
        ledger = Ledger(state)
        return ledger, kept_instant(ledger)
    except sqlite3.DatabaseError as error:
        raise ValueError(f"{state} cannot be used as a sandbox state file: {error}") from error


def _loud(app: ASGIApp) -> ASGIApp:
    """The web server's log is silent, because broken connections are the point; a defect of a simulator is not silent."""

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except ConnectionBroken:
            raise
        except Exception:
            traceback.print_exc(file=sys.stderr)
            raise

    return watched


def _seed(scenario: dict[str, object]) -> int:
    seed = scenario.get("seed", 1)
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise ValueError("seed in the scenario must be a whole number")
    return seed
