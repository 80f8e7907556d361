"""What one company can do: found out when it is signed in to, never assumed (SAP dossier, sections 6 and 7)."""

from __future__ import annotations

from dataclasses import dataclass, field

from ml_connector.domain.catalog import Currency
from ml_connector.domain.errors import BadAnswer


@dataclass(frozen=True, slots=True)
class Trade:
    """What a company can do with documents that are no journal entries, read once per connection.

    ``readable``: entity sets that the user may read. ``key_fields``: those whose rows have U_ML_KEY. ``drafts``: they may be
    entered as drafts. ``credit_note_sign``: the sign of a credit note in an outgoing payment, 0 where nobody has proven it.
    ``foreign_payments``: somebody has proven that the sum of a payment is in the payment's own currency.
    ``applications_max``: documents of one payment. ``price_decimals``: of a price. ``vat_groups``: tax codes that are VAT groups.
    """

    readable: frozenset[str] = frozenset()
    key_fields: frozenset[str] = frozenset()
    drafts: bool = True
    credit_note_sign: int = 0
    foreign_payments: bool = False
    applications_max: int = 1
    price_decimals: int = 2
    vat_groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Company:
    """What one company can do, read once per connection. ``branches`` is empty where branches are off.

    ``key_field``: U_ML_KEY is there on journal entries. ``claims``: the user table U_ML_LINK is there and may be used.
    ``features`` say in words what the company has switched on.
    """

    database: str
    local: Currency
    currencies: tuple[Currency, ...]
    branches: tuple[str, ...]
    key_field: bool
    claims: bool
    features: tuple[tuple[str, str], ...] = ()
    trade: Trade = field(default_factory=Trade)

    def currency(self, iso: str) -> Currency | None:
        """Business One's currency for an ISO code: the local one first, then the one whose own code is the ISO code."""
        same = [self.local, *sorted(self.currencies, key=lambda known: (known.code != iso, known.code))]
        return next((known for known in same if known.iso == iso), None)

    def code(self, iso: str) -> str:
        """Business One's own code for an ISO code. Raises :class:`BadAnswer` where it has none."""
        currency = self.currency(iso)
        if currency is None:
            raise BadAnswer(f"Business One has no currency {iso}.")
        return currency.code

    def iso(self, code: str) -> str:
        """The ISO code of Business One's currency ``code``; ``code`` itself where Business One does not say."""
        return next((known.iso for known in (self.local, *self.currencies) if known.code == code and known.iso), code)

    def foreign(self, iso: str) -> bool:
        """Whether a document in ``iso`` is in another currency than the company's own."""
        return self.code(iso) != self.local.code
