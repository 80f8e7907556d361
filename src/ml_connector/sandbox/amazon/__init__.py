"""Amazon: Login with Amazon, Sellers, Orders, Finances, Transfers, Reports and Catalog, and the engine that closes settlements.

One ledger of events is behind all of it. Written from the two dossiers.

In process, the :class:`Doors` of ``world.systems["amazon"].control`` change the account under a running client.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.sandbox.amazon.account import Account, lwa_error
from ml_connector.sandbox.amazon.filing import Filing
from ml_connector.sandbox.amazon.gateway import TOKEN_PATH, Gateway, Parts, operation_of
from ml_connector.sandbox.amazon.marketplaces import STORES
from ml_connector.sandbox.amazon.messages import Reply, general_error
from ml_connector.sandbox.amazon.operations import Operations
from ml_connector.sandbox.amazon.order_ledger import OrderLedger
from ml_connector.sandbox.amazon.scenario import read_scenario
from ml_connector.sandbox.amazon.storage import xml_error
from ml_connector.sandbox.faults import Refusal
from ml_connector.sandbox.world import System

if TYPE_CHECKING:
    from ml_connector.sandbox.world import World

NAME = "amazon"
_DRAWN_BEFOREHAND = 5_000
"""A world of more orders than that is drawn when it is made: its first caller would not wait so long."""


@dataclass(frozen=True, slots=True)
class Doors:
    """For tests in process: the account (revoke, rotate the secret, take roles away) and what was filed; orders can be touched."""

    account: Account
    filing: Filing
    orders: OrderLedger


def build(world: World) -> System:
    """Amazon in this world. Raises ValueError where the scenario's ``[amazon]`` table is not understood."""
    scenario, switches = read_scenario(world.scenario_of(NAME))
    clock, faults, book = world.clock_of(NAME), world.faults_of(NAME), world.book(NAME)
    account = Account(world.random(f"{NAME}:account"), clock, scenario, switches)
    filing = Filing(world, book, scenario, switches, account.seller_id)
    operations = Operations(world, book, account, filing, scenario, switches)
    if filing.orders_expected > _DRAWN_BEFOREHAND:
        operations.up_to(clock.now())
    stores = [STORES[code] for code in scenario.stores]
    gateway = Gateway(Parts(account, operations, clock, faults, switches))

    def credentials(base_url: str) -> dict[str, object]:
        return {
            "base_url": f"{base_url}/{NAME}",
            "token_url": f"{base_url}/{NAME}{TOKEN_PATH}",
            "client_id": account.client_id,
            "client_secret": account.client_secret,
            "refresh_token": account.refresh_token,
            "seller_id": account.seller_id,
            "marketplace_ids": [store.marketplace_id for store in stores],
        }

    def refusal(status: int) -> Refusal:
        body = json.dumps(general_error(status)).encode()
        return Refusal(status, body, headers=(("x-amzn-requestid", gateway.request_id()),))

    return System(
        name=NAME,
        app=gateway,
        credentials=credentials,
        operation=operation_of,
        refusal=refusal,
        refusals={"token": _of_login, "downloadDocument": _of_storage, "uploadDocument": _of_storage},
        control=Doors(account, filing, OrderLedger(book)),
    )


def _of_login(status: int) -> Refusal:
    """As Login with Amazon words what passes (section 4.4)."""
    error = "server_error" if status == 500 else "temporarily_unavailable"
    return _worded(lwa_error(status, error, "The service could not answer. Please try again."))


def _of_storage(status: int) -> Refusal:
    if status == 500:
        return _worded(xml_error(status, "InternalError", "We encountered an internal error. Please try again."))
    return _worded(xml_error(status, "SlowDown", "Please reduce your request rate."))


def _worded(reply: Reply) -> Refusal:
    return Refusal(reply.status, reply.body, reply.headers["content-type"])
