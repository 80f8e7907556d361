"""A link as the flows see it: settings read, stores resolved, ready to be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ml_connector.domain.documents import Kind, State
from ml_connector.domain.mapping import AccountingPolicy
from ml_connector.domain.settlements import store_key


@dataclass(frozen=True, slots=True)
class Link:
    """One Amazon connection joined to one ERP connection (DESIGN 2).

    ``account`` names the selling account in our tables (``seller id / region``), ``prefix`` in document keys.
    ``currencies`` are the link's stores by ISO currency, in the file's spelling. ``zones`` are the shipped zones of every
    store there is, by folded marketplace-name; the policy's own come first.
    """

    name: str
    amazon: str
    erp: str
    account: str
    prefix: str
    policy: AccountingPolicy
    currencies: Mapping[str, tuple[str, ...]]
    zones: Mapping[str, str]
    approval_automatic: bool
    adopt_equal: bool
    started_at: datetime
    goals: Mapping[Kind, State] = field(default_factory=dict)

    def goal(self, kind: Kind) -> State:
        """Where documents of ``kind`` are to arrive: ``posted``, or ``entered`` for a person to post."""
        return self.goals.get(kind, State.POSTED)

    def covers(self, store: str) -> bool:
        """Whether the marketplace-name is one of this link's stores."""
        return any(store_key(store) == store_key(name) for name in self.policy.stores)

    def takes(self, store: str | None, currency: str) -> bool:
        """Whether a settlement is this link's: by its main store, or by its currency while that is undecided."""
        return self.covers(store) if store is not None else bool(self.currencies.get(currency))

    def zone(self, store: str) -> str | None:
        """The IANA zone in which rows of ``store`` are dated; None for a store that nobody knows."""
        for name, settings in self.policy.stores.items():
            if store_key(name) == store_key(store):
                return settings.zone
        return self.zones.get(store_key(store))
