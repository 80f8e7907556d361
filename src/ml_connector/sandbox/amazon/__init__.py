"""Amazon: Login with Amazon, Sellers, Reports, and the engine that closes settlements. Written from the two dossiers.

In process, the :class:`Doors` of ``world.systems["amazon"].control`` change the account under a running client.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.sandbox.amazon.account import Account
from ml_connector.sandbox.amazon.documents import Documents
from ml_connector.sandbox.amazon.filing import Filing
from ml_connector.sandbox.amazon.gateway import TOKEN_PATH, Gateway, Parts, operation_of
from ml_connector.sandbox.amazon.marketplaces import STORES
from ml_connector.sandbox.amazon.messages import general_error
from ml_connector.sandbox.amazon.reports import Reports
from ml_connector.sandbox.amazon.scenario import read_scenario
from ml_connector.sandbox.faults import Refusal
from ml_connector.sandbox.world import System

if TYPE_CHECKING:
    from ml_connector.sandbox.world import World

NAME = "amazon"


@dataclass(frozen=True, slots=True)
class Doors:
    """For tests in process: the account (revoke, rotate the secret, take roles away) and what was filed."""

    account: Account
    filing: Filing


def build(world: World) -> System:
    """Amazon in this world. Raises ValueError where the scenario's ``[amazon]`` table is not understood."""
    scenario, switches = read_scenario(world.scenario_of(NAME))
    clock, faults = world.clock_of(NAME), world.faults_of(NAME)
    account = Account(world.random(f"{NAME}:account"), clock, scenario, switches)
    filing = Filing(world, world.book(NAME), scenario, switches, account.seller_id)
    reports = Reports(world.book(NAME), filing, clock, scenario, switches)
    documents = Documents(world, filing, reports, clock, faults)
    stores = [STORES[code] for code in scenario.stores]
    gateway = Gateway(Parts(account, reports, documents, stores, clock, faults, switches))

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

    return System(
        name=NAME,
        app=gateway,
        credentials=credentials,
        operation=operation_of,
        refusal=lambda status: Refusal(status, json.dumps(general_error(status)).encode()),
        control=Doors(account, filing),
    )
