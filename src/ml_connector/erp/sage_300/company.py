"""What one company can do: found out when it is signed in to, never assumed (Sage dossier, sections 3, 12, 13, 15)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ml_connector.domain.catalog import Currency
from ml_connector.erp.sage_300.config import Config

#: The modules that this product asks, and what for.
MODULES: Final = {
    "GL": "General Ledger",
    "CS": "Common Services",
    "AR": "Accounts Receivable",
    "OE": "Order Entry",
    "IC": "Inventory Control",
    "TX": "Tax Services",
    "BK": "Bank Services",
}


@dataclass(frozen=True, slots=True)
class Company:
    """One company, read once per connection.

    ``modules`` are those whose Web API right the user has. ``receipt_words`` are the transaction types of an ordinary receipt
    and of cash on account, "" where no batch was found from which they could be read. ``charges`` are
    miscellaneous charges by currency and code, ``untaxed`` the tax groups and item classes that bear no tax for any customer,
    ``banks`` the bank codes with the currency of
    their statements. ``order_dates`` are the properties of
    orders that take the dates of shipment and invoice. ``location_details``: stock by location can be read.
    """

    config: Config
    name: str
    home: Currency
    currencies: tuple[Currency, ...]
    modules: frozenset[str]
    receipt_word: str = ""
    unapplied_word: str = ""
    charges: frozenset[tuple[str, str]] = frozenset()
    untaxed: frozenset[tuple[str, int]] = frozenset()
    banks: Mapping[str, str] = field(default_factory=dict)
    order_dates: tuple[str, ...] = ()
    location_details: bool = False

    def currency(self, iso: str) -> Currency | None:
        """Sage's currency for an ISO code: the same three letters."""
        return next((known for known in (self.home, *self.currencies) if known.iso == iso), None)

    def lacks(self, *modules: str) -> str:
        """Why documents that need ``modules`` cannot be posted here, as a sentence; "" where they can."""
        missing = [module for module in modules if module not in self.modules]
        if not missing:
            return ""
        names = ", ".join(f"{module} ({MODULES[module]})" for module in missing)
        return (
            f"The Sage user has no Web API right in {names}. Ask the Sage administrator to tick Sage 300 Web API in a "
            f"security group of that module and to give the group to the user."
        )
