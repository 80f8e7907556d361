"""The sandbox over real loopback HTTP, served by a thread of this process: quick to start, and open to the test's hands."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import uvicorn

from ml_connector.sandbox.clock import RealClock, present
from ml_connector.sandbox.faults import ASGIApp, ConnectionBroken, FaultPlan, Message, Receive, Scope, Send
from ml_connector.sandbox.ledger import Ledger
from ml_connector.sandbox.world import World

T = TypeVar("T")

#: For what takes a blink: the machine may be busy with other things.
_PATIENT_S = 60


class SandboxServer:
    """A world that is served until :meth:`stop`. ``scenario`` and ``faults`` as in the sandbox's own files,
    ``state`` a kept one. ``certificate`` is a file with certificate and key in it: served over TLS then."""

    def __init__(
        self,
        scenario: Mapping[str, object] | None = None,
        *,
        faults: Sequence[Mapping[str, object]] = (),
        start: datetime | None = None,
        state: Path | None = None,
        certificate: Path | None = None,
    ) -> None:
        self._scenario = dict(scenario or {})
        self._faults = FaultPlan.of({"faults": list(faults)})
        self._start = start or present()
        self._state = state
        self._certificate = certificate
        #: Every answer's head and body, as they went over the line.
        self.said: list[str] = []
        self._ready = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port: int = self._listener.getsockname()[1]
        self._origin = f"{'https' if certificate else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(_PATIENT_S)

    # --- what a person or an accident does -----------------------------------------------------------------------------

    def sap(self, act: str, **arguments: object) -> Any:
        """One act of the simulated Business One company's control path."""
        return self._act("sap_business_one", act, arguments)

    def sage(self, act: str, **arguments: object) -> Any:
        """One act of the simulated Sage company's control path."""
        return self._act("sage_300", act, arguments)

    def _act(self, system: str, act: str, arguments: Mapping[str, object]) -> Any:
        address = f"{self._origin}/{system}/_control/{act}"
        with httpx2.Client() as client:
            answer = client.post(address, json=arguments, timeout=_PATIENT_S)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]

    def entries(self) -> list[dict[str, Any]]:
        """The ledger: every journal entry, in order of its number."""
        found: list[dict[str, Any]] = self.sap("entries")
        return found

    def entry(self, key: str) -> dict[str, Any]:
        """The one entry with this document key."""
        (found,) = [each for each in self.entries() if each["Reference3"] == key]
        return found

    def amazon(self, do: Callable[[Any], T]) -> T:
        """Something with the doors of the simulated Amazon, in the thread it lives in."""

        async def there() -> T:
            return do(self.world.systems["amazon"].control)

        return asyncio.run_coroutine_threadsafe(there(), self._loop).result(_PATIENT_S)

    def stop(self) -> None:
        """The end of the server: nobody answers on its port from now."""
        self._server.should_exit = True
        self._thread.join(_PATIENT_S)
        self._listener.close()

    # --- serving -------------------------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ledger = Ledger(self._state)
        self.world = World(
            RealClock(1.0, self._start),
            state=self._ledger,
            faults=self._faults,
            scenario=self._scenario,
            base_url=self._origin,
        )
        self.credentials: dict[str, Any] = self.world.credentials()
        config = uvicorn.Config(
            _loud(self.world.app, self.said),
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            timeout_graceful_shutdown=1,
            ssl_certfile=self._certificate,
        )
        self._server = _Server(config, self._ready)
        try:
            await self._server.serve([self._listener])
        finally:
            self._ledger.close()


class _Server(uvicorn.Server):
    """Says when it accepts connections."""

    def __init__(self, config: uvicorn.Config, ready: threading.Event) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()


def _loud(app: ASGIApp, said: list[str]) -> ASGIApp:
    """The web server's log is off, because broken connections are the point; a defect of the simulator is not silent. What
    was answered is kept in ``said``."""

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        async def hear(message: Message) -> None:
            said.extend(value.decode("latin-1") for _, value in message.get("headers", ()))
            said.append(message.get("body", b"").decode("latin-1"))
            await send(message)

        try:
            await app(scope, receive, hear)
        except ConnectionBroken:
            raise
        except Exception:
            traceback.print_exc(file=sys.__stderr__)
            raise

    return watched


class ServiceLayerClient:
    """A person with an HTTP client: signs in to the simulated SAP and posts what he likes."""

    def __init__(self, credentials: Mapping[str, Any]) -> None:
        self._client = httpx2.Client(base_url=credentials["base_url"], timeout=_PATIENT_S)
        answer = self._client.post(
            "/Login",
            json={
                "CompanyDB": credentials["company_db"],
                "UserName": credentials["username"],
                "Password": credentials["password"],
            },
        )
        assert answer.status_code == 200, answer.text
        self._cookie = f"B1SESSION={answer.json()['SessionId']}"

    def post_entry(self, body: Mapping[str, Any]) -> int:
        """``POST JournalEntries``; the new entry's JdtNum."""
        answer = self._client.post("/JournalEntries", json=body, headers={"Cookie": self._cookie})
        assert answer.status_code == 201, answer.text
        number: int = answer.json()["JdtNum"]
        return number

    def close(self) -> None:
        self._client.close()


def entry_body(document: Mapping[str, Any], local_currency: str = "USD", **changes: object) -> dict[str, Any]:
    """A document of ``plan --json`` as a person would type it into SAP: its references and its lines."""
    foreign = document["currency"] != local_currency
    debit, credit = ("FCDebit", "FCCredit") if foreign else ("Debit", "Credit")
    return {
        "ReferenceDate": document["posting_date"],
        "DueDate": document["posting_date"],
        "TaxDate": document["posting_date"],
        **document["references"],
        "JournalEntryLines": [
            {
                "AccountCode": line["account"],
                **({"FCCurrency": document["currency"]} if foreign else {}),
                debit: float(Decimal(line["debit"])),
                credit: float(Decimal(line["credit"])),
            }
            for line in document["lines"]
            if line["posts"]
        ],
        **changes,
    }
