"""Amazon's stores as the simulator knows them: identity, currency, and how each store's settlement file is written.

Source: SP-API dossier, section 3 (ids, regions, currencies); settlement dossier, section 2 (dates, numbers, encodings).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Dates = Literal["iso", "eu", "jp"]
"""``2026-03-07``, ``07.03.2026`` or ``2026/03/07``."""


@dataclass(frozen=True, slots=True)
class Store:
    """One marketplace. ``code`` is what people say (UK), ``country`` what the API says (GB).

    ``name`` is the spelling of ``marketplace-name``. ``minor_digits`` is the number of decimals of the currency.
    ``closes_at`` is the time of day, UTC, at which its settlements close (never midnight: dossier section 10).
    ``pseudo_id`` is the Non-Amazon marketplace that goes with it, "" where there is none.
    """

    code: str
    country: str
    marketplace_id: str
    pseudo_id: str
    region: str
    currency: str
    minor_digits: int
    name: str
    domain: str
    language: str
    closes_at: tuple[int, int, int]
    dates: Dates
    decimal_comma: bool

    def money(self, amount: int) -> str:
        """Minor units as text with a point and the currency's own number of decimals."""
        if self.minor_digits == 0:
            return str(amount)
        whole, rest = divmod(abs(amount), 10**self.minor_digits)
        return f"{'-' if amount < 0 else ''}{whole}.{rest:0{self.minor_digits}d}"


STORES: dict[str, Store] = {
    store.code: store
    for store in (
        Store(
            "US",
            "US",
            "ATVPDKIKX0DER",
            "A2ZV50J4W1RKNI",
            "na",
            "USD",
            2,
            "Amazon.com",
            "www.amazon.com",
            "en_US",
            (17, 45, 0),
            "iso",
            decimal_comma=False,
        ),
        Store(
            "CA",
            "CA",
            "A2EUQ1WTGCTBG2",
            "A1MQXOICRS2Z7M",
            "na",
            "CAD",
            2,
            "Amazon.ca",
            "www.amazon.ca",
            "en_CA",
            (6, 12, 40),
            "iso",
            decimal_comma=False,
        ),
        Store(
            "UK",
            "GB",
            "A1F83G8C2ARO7P",
            "AZMDEXL2RVFNN",
            "eu",
            "GBP",
            2,
            "Amazon.co.uk",
            "www.amazon.co.uk",
            "en_GB",
            (20, 31, 7),
            "eu",
            decimal_comma=False,
        ),
        Store(
            "DE",
            "DE",
            "A1PA6795UKMFR9",
            "A38D8NSA03LJTC",
            "eu",
            "EUR",
            2,
            "Amazon.de",
            "www.amazon.de",
            "de_DE",
            (21, 13, 5),
            "eu",
            decimal_comma=True,
        ),
        Store(
            "FR",
            "FR",
            "A13V1IB3VIYZZH",
            "A1ZFFQZ3HTUKT9",
            "eu",
            "EUR",
            2,
            "Amazon.fr",
            "www.amazon.fr",
            "fr_FR",
            (19, 2, 51),
            "eu",
            decimal_comma=True,
        ),
        Store(
            "JP",
            "JP",
            "A1VC38T7YXB528",
            "",
            "fe",
            "JPY",
            0,
            "Amazon.co.jp",
            "www.amazon.co.jp",
            "ja_JP",
            (8, 3, 13),
            "jp",
            decimal_comma=False,
        ),
    )
}
