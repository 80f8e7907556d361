"""Amazon's stores as data (SP-API dossier, section 3): tolerate unknown ids, take the currency from the payload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ml_connector.domain.settlements import store_key


@dataclass(frozen=True, slots=True)
class Store:
    """One store. ``code`` is Amazon's country code (UK, not GB), ``region`` NA, EU or FE, ``currency`` ISO 4217.

    ``zone`` is the IANA zone in which its accounting dates are taken by default: the country's capital, except where
    Amazon's own day is that of another city (the United States: Pacific time).
    """

    code: str
    marketplace_id: str
    region: str
    currency: str
    domain: str
    zone: str

    @property
    def prices_include_tax(self) -> bool:
        """Whether the price that buyers see has the tax in it (ACCOUNTING 4: Japan and Europe)."""
        return self.region == "EU" or self.code == "JP"

    @property
    def name(self) -> str:
        """As it stands in the marketplace-name column: ``Amazon.de``."""
        return self.domain.capitalize()


@dataclass(frozen=True, slots=True)
class PseudoMarketplace:
    """A ``Non-Amazon`` marketplace (multi-channel fulfilment) or a shadow of one: known, and not a store."""

    marketplace_id: str
    code: str


STORES: Final = (
    Store("US", "ATVPDKIKX0DER", "NA", "USD", "amazon.com", "America/Los_Angeles"),
    Store("CA", "A2EUQ1WTGCTBG2", "NA", "CAD", "amazon.ca", "America/Toronto"),
    Store("MX", "A1AM78C64UM0Y8", "NA", "MXN", "amazon.com.mx", "America/Mexico_City"),
    Store("BR", "A2Q3Y263D00KWC", "NA", "BRL", "amazon.com.br", "America/Sao_Paulo"),
    Store("IE", "A28R8C7NBKEWEA", "EU", "EUR", "amazon.ie", "Europe/Dublin"),
    Store("ES", "A1RKKUPIHCS9HS", "EU", "EUR", "amazon.es", "Europe/Madrid"),
    Store("UK", "A1F83G8C2ARO7P", "EU", "GBP", "amazon.co.uk", "Europe/London"),
    Store("FR", "A13V1IB3VIYZZH", "EU", "EUR", "amazon.fr", "Europe/Paris"),
    Store("BE", "AMEN7PMS3EDWL", "EU", "EUR", "amazon.com.be", "Europe/Brussels"),
    Store("NL", "A1805IZSGTT6HS", "EU", "EUR", "amazon.nl", "Europe/Amsterdam"),
    Store("DE", "A1PA6795UKMFR9", "EU", "EUR", "amazon.de", "Europe/Berlin"),
    Store("IT", "APJ6JRA9NG5V4", "EU", "EUR", "amazon.it", "Europe/Rome"),
    Store("SE", "A2NODRKZP88ZB9", "EU", "SEK", "amazon.se", "Europe/Stockholm"),
    Store("ZA", "AE08WJ6YKNBMC", "EU", "ZAR", "amazon.co.za", "Africa/Johannesburg"),
    Store("PL", "A1C3SOZRARQ6R3", "EU", "PLN", "amazon.pl", "Europe/Warsaw"),
    Store("EG", "ARBP9OOSHTCHU", "EU", "EGP", "amazon.eg", "Africa/Cairo"),
    Store("TR", "A33AVAJ2PDY3EV", "EU", "TRY", "amazon.com.tr", "Europe/Istanbul"),
    Store("SA", "A17E79C6D8DWNP", "EU", "SAR", "amazon.sa", "Asia/Riyadh"),
    Store("AE", "A2VIGQ35RCS4UG", "EU", "AED", "amazon.ae", "Asia/Dubai"),
    Store("IN", "A21TJRUUN4KGV", "EU", "INR", "amazon.in", "Asia/Kolkata"),
    Store("SG", "A19VAU5U5O7RUS", "FE", "SGD", "amazon.sg", "Asia/Singapore"),
    Store("AU", "A39IBJ37TRP1C6", "FE", "AUD", "amazon.com.au", "Australia/Sydney"),
    Store("JP", "A1VC38T7YXB528", "FE", "JPY", "amazon.co.jp", "Asia/Tokyo"),
)

PSEUDO_MARKETPLACES: Final = (
    PseudoMarketplace("A2ZV50J4W1RKNI", "US"),
    PseudoMarketplace("A1MQXOICRS2Z7M", "CA"),
    PseudoMarketplace("A3H6HPSLHAK3XG", "MX"),
    PseudoMarketplace("AZMDEXL2RVFNN", "UK"),
    PseudoMarketplace("A38D8NSA03LJTC", "DE"),
    PseudoMarketplace("A1ZFFQZ3HTUKT9", "FR"),
    PseudoMarketplace("A62U237T8HV6N", "IT"),
    PseudoMarketplace("AFQLKURYRPEL8", "ES"),
    PseudoMarketplace("AHRY1CZE9ZY4H", "US"),
)

#: The zone of a settlement whose main store is undecided or not in the table: the file's own.
UNDECIDED_ZONE: Final = "UTC"

_BY_NAME: Final = {store_key(store.domain): store for store in STORES}
_BY_CODE: Final = {store.code: store for store in STORES} | {
    "GB": next(store for store in STORES if store.code == "UK")
}
_BY_ID: Final = {store.marketplace_id: store for store in STORES}


def store_named(name: str) -> Store | None:
    """By marketplace-name, in any case; None for one that is not in the table."""
    return _BY_NAME.get(store_key(name))


def store_by_code(code: str) -> Store | None:
    """By country code; GB is the UK."""
    return _BY_CODE.get(code.strip().upper())


def store_by_id(marketplace_id: str) -> Store | None:
    return _BY_ID.get(marketplace_id)


def is_pseudo(marketplace_id: str) -> bool:
    """Known not to be a store."""
    return any(pseudo.marketplace_id == marketplace_id for pseudo in PSEUDO_MARKETPLACES)


def zone_of(store: str | None) -> str:
    """The default IANA zone of a store given by its marketplace-name."""
    known = store_named(store) if store else None
    return known.zone if known else UNDECIDED_ZONE
