"""The simulated server as an ASGI app, and how a world builds it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ml_connector.sandbox.faults import ASGIApp, Receive, Refusal, Scope, Send
from ml_connector.sandbox.sap_business_one.accidents import Accidents
from ml_connector.sandbox.sap_business_one.batch import Answer
from ml_connector.sandbox.sap_business_one.catalog import Catalog
from ml_connector.sandbox.sap_business_one.checks import Checks
from ml_connector.sandbox.sap_business_one.company import COMPANY_DB, USERNAME, create_private_tables, found
from ml_connector.sandbox.sap_business_one.context import Context
from ml_connector.sandbox.sap_business_one.control import LOOPBACK, Control, describe
from ml_connector.sandbox.sap_business_one.desk import Desk
from ml_connector.sandbox.sap_business_one.errors import ServiceLayerError
from ml_connector.sandbox.sap_business_one.exact_json import from_json, to_json
from ml_connector.sandbox.sap_business_one.journal import Journal
from ml_connector.sandbox.sap_business_one.masters import Masters
from ml_connector.sandbox.sap_business_one.prices import Prices
from ml_connector.sandbox.sap_business_one.resources import operation_of
from ml_connector.sandbox.sap_business_one.service_layer import ServiceLayer
from ml_connector.sandbox.sap_business_one.sessions import Sessions
from ml_connector.sandbox.sap_business_one.sql_queries import SqlQueries
from ml_connector.sandbox.sap_business_one.stock import Stock
from ml_connector.sandbox.sap_business_one.switches import SWITCHES
from ml_connector.sandbox.sap_business_one.tables import Tables
from ml_connector.sandbox.sap_business_one.wall import Wall
from ml_connector.sandbox.sap_business_one.wire import V2, WIRES, Renderer, Wire
from ml_connector.sandbox.switches import Switches
from ml_connector.sandbox.world import System, World

NAME = "sap_business_one"
_SERVER = ("Server", "Apache/2.4.61 (Unix)")
_HTML = b"<html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>\n"


def build(world: World) -> System:
    """The system for a world.

    Its scenario table may hold ``switches``, ``password`` for the connector's user, and ``version``, the protocol of the
    address in the credentials: "v2" or "v1".
    """
    scenario = world.scenario_of(NAME)
    switches = Switches(SWITCHES, scenario.get("switches"))
    announced = _wire(scenario.get("version", "v2"))
    clock = world.clock_of(NAME)
    password = str(scenario.get("password", f"sb1-{world.random(f'{NAME}.password').getrandbits(64):016x}"))
    tables = Tables(world.book(NAME))
    create_private_tables(tables)
    catalog = Catalog(tables, switches)
    wall = Wall(clock, switches.number("server_utc_offset_minutes"))
    checks = Checks(tables, catalog, switches)
    journal = Journal(tables, catalog, switches, checks, wall.day)
    if not tables.count(catalog.schema.types["ChartOfAccount"]):
        with tables.book.transaction():
            found(tables, catalog.schema, switches, world.born.date(), password)
    prices = Prices(tables, catalog, switches)
    stock = Stock(tables, catalog, switches, wall)
    masters = Masters(tables, catalog, switches, prices, wall)
    desk = Desk(tables, catalog, switches, checks, journal, prices, stock, wall)
    accidents = Accidents(tables, catalog, journal, stock, desk)
    queries = SqlQueries(tables, catalog, switches, wall, world.seed)
    notifications: dict[str, str] = {}
    forbidden: set[str] = set()

    def context_of(wire: Wire) -> Context:
        return Context(
            tables,
            catalog,
            journal,
            prices,
            stock,
            masters,
            desk,
            accidents,
            queries,
            switches,
            Renderer(wire, world.seed, _date_suffix(wire, switches)),
            wall,
            service_root=lambda: f"{world.base_url}/{NAME}{wire.root}",
            notifications=notifications,
            forbidden=forbidden,
        )

    # With the instant in it, a server that starts again does not give out the cookies of its former life.
    sessions = Sessions(tables, switches, clock, world.random(f"{NAME}.sessions:{clock.now().isoformat()}"))
    boundaries = world.random(f"{NAME}.boundaries")
    layers = {
        wire.root.lstrip("/"): ServiceLayer(context_of(wire), sessions, world.faults_of(NAME), boundaries)
        for wire in WIRES
    }
    control = Control(context_of(V2), sessions)
    return System(
        name=NAME,
        app=_app(layers, control, lambda: f"{clock.now().timestamp():.3f}"),
        credentials=lambda base_url: {
            "base_url": f"{base_url}/{NAME}{announced.root}",
            "company_db": COMPANY_DB,
            "username": USERNAME,
            "password": sessions.password_of(USERNAME),
        },
        operation=_operation,
        refusal=_refusal,
        control=control,
    )


def _wire(version: object) -> Wire:
    for wire in WIRES:
        if wire.version == version:
            return wire
    raise ValueError("version of sap_business_one in the scenario must be v1 or v2")


def _date_suffix(wire: Wire, switches: Switches) -> str:
    """What follows a date: midnight in v2; nothing in v1, or midnight without a zone (switch)."""
    if wire.version == "v2":
        return "T00:00:00Z"
    return "T00:00:00" if switches.text("dates_on_v1") == "datetime" else ""


def _app(layers: Mapping[str, ServiceLayer], control: Control, timestamp: Callable[[], str]) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body = await _body(receive)
        raw_path = (scope.get("raw_path") or scope["path"].encode()).partition(b"?")[0].decode("latin-1")
        path = raw_path.lstrip("/")
        root, resource = _split(path)
        if path.partition("/")[0] == "_control":
            answer = _control(control, scope, path, body)
        elif path.partition("/")[0] == "ping":
            answer = _ping(path, timestamp())
        elif root in layers:
            headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
            query = scope["query_string"].decode("latin-1")
            answer = layers[root].answer(scope["method"], resource, query, headers, body)
        else:
            answer = Answer(404, (("Content-Type", "text/html; charset=iso-8859-1"),), _HTML)
        await _send(send, answer)

    return app


def _operation(method: str, path: str) -> str:
    """What a fault plan calls a request (see the package's docstring)."""
    root, resource = _split(path.lstrip("/"))
    return operation_of(method, resource) if root else path.lstrip("/").partition("/")[0]


def _split(path: str) -> tuple[str, str]:
    """A path as service root and what comes after it; the root is "" where there is none."""
    for wire in WIRES:
        root = wire.root.lstrip("/")
        if path.startswith(f"{root}/"):
            return root, path[len(root) + 1 :]
    return "", path


def _refusal(status: int) -> Refusal:
    """What the balancer in front says: an empty 500, or a word in JSON (dossier, sections 3.6 and 3.8)."""
    if status == 503:
        return Refusal(status, b'{"message":"Service Unavailable"}')
    return Refusal(status, b"")


def _ping(path: str, timestamp: str) -> Answer:
    """Liveness without a login (dossier, section 3.8): the balancer, or one of two nodes."""
    who = path.removeprefix("ping").strip("/")
    if who in ("", "load-balancer"):
        return _plain(200, {"message": "pong", "sender": "load balancer", "timestamp": timestamp})
    if who in ("node/1", "node/2"):
        return _plain(200, {"message": "pong", "sender": who.replace("/", " "), "timestamp": timestamp})
    text = f"{who.replace('/', ' ')} does not exist"
    return _plain(503, {"message": text, "sender": "load balancer", "timestamp": timestamp})


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
        return _plain(200, {"result": acts[name](**arguments)})
    except (ServiceLayerError, TypeError, ValueError, ArithmeticError) as error:
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
    headers: Iterable[tuple[str, str]] = (*answer.headers, _SERVER, ("Vary", "Accept-Encoding"))
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    if answer.status != 204:
        raw.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": answer.body})
