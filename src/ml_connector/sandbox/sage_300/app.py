"""The simulated server as an ASGI app, and how a world builds it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from datetime import datetime, timedelta

from ml_connector.sandbox.clock import WorldClock
from ml_connector.sandbox.faults import ASGIApp, Receive, Refusal, Scope, Send
from ml_connector.sandbox.sage_300.catalog import installed
from ml_connector.sandbox.sage_300.company import COMPANY, Founding
from ml_connector.sandbox.sage_300.company_rooms import Company, assemble
from ml_connector.sandbox.sage_300.context import Context
from ml_connector.sandbox.sage_300.control import LOOPBACK, Control, describe
from ml_connector.sandbox.sage_300.errors import SageError
from ml_connector.sandbox.sage_300.history import post_history
from ml_connector.sandbox.sage_300.puts import Puts
from ml_connector.sandbox.sage_300.records import Records
from ml_connector.sandbox.sage_300.security import ADMIN, MODULES, USERNAME
from ml_connector.sandbox.sage_300.switches import SWITCHES
from ml_connector.sandbox.sage_300.web_api import APPLICATION, Call, WebApi, operation_name, parse_path
from ml_connector.sandbox.sage_300.wire import Answer, from_json, refusal, to_json
from ml_connector.sandbox.switches import Switches
from ml_connector.sandbox.world import System, World

NAME = "sage_300"
_SERVER = (("Server", "Microsoft-IIS/10.0"), ("X-Powered-By", "ASP.NET"))
_PAGE = b"<!DOCTYPE html>\r\n<html><head><title>%s</title></head><body><h2>%s</h2></body></html>\r\n"
_NOT_FOUND = b"404 - File or directory not found."
_STARTING = b"Service Unavailable"


def build(world: World) -> System:
    """The system for a world. Its scenario table may hold ``switches``, and ``password`` for the connector's user."""
    scenario = world.scenario_of(NAME)
    switches = Switches(SWITCHES, scenario.get("switches"))
    clock = world.clock_of(NAME)
    # Lower-case letters in it on purpose: who folds passwords is found out.
    drawn = f"Sage-{world.random(f'{NAME}.password').getrandbits(64):016x}"
    password = str(scenario.get("password", drawn))
    book = world.book(NAME)
    schema = installed(switches)
    asking = [USERNAME]
    context = Context(
        schema,
        Records(book, schema),
        Puts(schema, switches),
        switches,
        today=lambda: clock.now().date().isoformat(),
        user=lambda: asking[0][:8],
    )
    company = assemble(context)
    if not context.records.count("GLAccounts"):
        with book.transaction():
            _found(world, company, password)

    def asks(user: str) -> None:
        asking[0] = user

    api = WebApi(company, world.faults_of(NAME), clock.now, asks)
    control = Control(company, clock.now)
    return System(
        name=NAME,
        app=_app(api, control, _Pool(switches, clock)),
        credentials=lambda base_url: {
            "base_url": f"{base_url}/{NAME}/{APPLICATION}",
            "company": COMPANY,
            "username": USERNAME,
            "password": company.security.announced(),
        },
        operation=_operation,
        refusal=_refusal,
        control=control,
    )


def _found(world: World, company: Company, password: str) -> None:
    company.security.add(USERNAME, password, MODULES)
    company.security.add(ADMIN, f"Admin-{world.random(f'{NAME}.admin').getrandbits(64):016x}", MODULES)
    Founding(company.context, company.calendar, company.masters, company.inventory).run(world.born.date())
    post_history(company, world.born.date())


class _Pool:
    """The application pool, which sleeps when nobody asks (dossier, section 22)."""

    def __init__(self, switches: Switches, clock: WorldClock) -> None:
        self._idle = timedelta(minutes=switches.number("idle_minutes"))
        self._start_s = switches.number("cold_start_s")
        self._waits = switches.text("cold_start") == "waits"
        self._clock = clock
        self._asked: datetime | None = None
        self._ready: datetime | None = None

    async def awake(self) -> bool:
        """Has the pool started? Waits for it, or says no until it has."""
        if not self._start_s:
            return True
        now = self._clock.now()
        if self._asked is None or now - self._asked > self._idle:
            self._ready = now + timedelta(seconds=self._start_s)
        self._asked = now
        if self._ready is None or now >= self._ready:
            return True
        if not self._waits:
            return False
        await self._clock.sleep((self._ready - now).total_seconds())
        self._asked = self._clock.now()
        return True


def _app(api: WebApi, control: Control, pool: _Pool) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body = await _body(receive)
        path = (scope.get("raw_path") or scope["path"].encode()).partition(b"?")[0].decode("latin-1")
        if path.lstrip("/").partition("/")[0] == "_control":
            answer = _control(control, scope, path.lstrip("/"), body)
        elif not await pool.awake():
            answer = _page(503, _STARTING)
        else:
            answer = _answer(api, scope, path, body)
        await _send(send, answer)

    return app


def _answer(api: WebApi, scope: Scope, path: str, body: bytes) -> Answer:
    match = parse_path(path)
    if match is None or match["version"] != "v1.0":
        return _page(404, _NOT_FOUND)
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    company = f"{match['tenant']}/{match['company']}"
    query = scope["query_string"].decode("latin-1")
    return api.answer(
        Call(scope["method"], company, match["module"], match["resource"], match["key"], query, headers, body)
    )


def _operation(method: str, path: str) -> str:
    """What a fault plan calls a request (see the package's docstring)."""
    match = parse_path(path)
    if match is None:
        return path.lstrip("/").partition("/")[0]
    key = match["key"] or ""
    return operation_name(method, match["resource"], key[1:-1] if key.startswith("'$") else "")


def _refusal(status: int) -> Refusal:
    """What is said without the company: TooManyRequests and errors by the application, 503 by the server in front."""
    if status == 503:
        return Refusal(503, _PAGE % (_STARTING, _STARTING), "text/html; charset=us-ascii")
    code = "TooManyRequests" if status == 429 else "InternalServerError"
    answer = refusal(SageError(status, code, "The request could not be handled."))
    return Refusal(status, answer.body)


def _page(status: int, text: bytes) -> Answer:
    return Answer(status, (("Content-Type", "text/html"),), _PAGE % (text, text))


def _control(control: Control, scope: Scope, path: str, body: bytes) -> Answer:
    """The door for tests, open to this machine only."""
    client = scope.get("client")
    if client is None or client[0] not in LOOPBACK:
        return _plain(403, {"error": "the control path answers to this machine only"})
    acts = control.acts()
    name = path.removeprefix("_control").strip("/")
    if scope["method"] == "GET" and not name:
        return _plain(200, {"acts": describe(acts)})
    if scope["method"] != "POST" or name not in acts:
        return _plain(404, {"error": f"there is no act {name!r}; there are: {', '.join(acts)}"})
    try:
        arguments = from_json(body or b"{}")
        if not isinstance(arguments, dict):
            raise TypeError("the arguments must be an object")
        inspect.signature(acts[name]).bind(**arguments)
        return _plain(200, {"result": acts[name](**arguments)})
    except (SageError, TypeError, ValueError, ArithmeticError) as error:
        return _plain(400, {"error": str(error)})


def _plain(status: int, members: Mapping[str, object]) -> Answer:
    return Answer(status, (("Content-Type", "application/json"),), to_json(members).encode())


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        chunk: bytes = message.get("body", b"")
        body += chunk
        if not message.get("more_body", False):
            return body


async def _send(send: Send, answer: Answer) -> None:
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in (*answer.headers, *_SERVER)]
    if answer.status != 204:
        raw.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": answer.body})
