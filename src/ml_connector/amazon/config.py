"""The sign-in form of an Amazon selling account in one region, and what becomes of it (Amazon dossier, sections 2 and 4).

One refresh token is good for one selling account in one region: a seller in the US and in the UK has two connections.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from ml_connector.amazon.auth import Credentials
from ml_connector.domain.errors import WrongUse
from ml_connector.domain.forms import Field, Form, one_of

TOKEN_URL: Final = "https://api.amazon.com/auth/o2/token"  # noqa: S105 - an address, no secret


class Region(StrEnum):
    """Amazon's three regions; OTHER is an address of one's own (the sandbox)."""

    NA = "NA"
    EU = "EU"
    FE = "FE"
    OTHER = "OTHER"


BASE_URLS: Final = {
    Region.NA: "https://sellingpartnerapi-na.amazon.com",
    Region.EU: "https://sellingpartnerapi-eu.amazon.com",
    Region.FE: "https://sellingpartnerapi-fe.amazon.com",
}

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_MARKETPLACES_MAX: Final = 50


def _address(label: str) -> Callable[[str], str]:
    def clean(text: str) -> str:
        url = text.strip().rstrip("/")
        try:
            parts = urlsplit(url)
            usable = bool(parts.hostname) and re.fullmatch(r"[!-~]+", url) is not None
            # Neither credentials, which would be kept and shown with the settings, nor a query.
            usable = usable and not any(mark in url for mark in "@?#")
            _ = parts.port
        except ValueError:
            usable = False
        if not usable:
            raise WrongUse(f"{label} must look like https://host/path.")
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise WrongUse(f"{label} must begin with https://: secrets go over that line.")
        return url

    return clean


def _matching(pattern: str, sentence: str) -> Callable[[str], str]:
    def clean(text: str) -> str:
        value = text.strip()
        if not re.fullmatch(pattern, value, re.ASCII):
            raise WrongUse(sentence)
        return value

    return clean


def _refresh_token(text: str) -> str:
    token = text.strip()
    if token.startswith("Atza|"):
        raise WrongUse("That is an access token, good for an hour. Enter the refresh token, which begins with Atzr|.")
    if not re.fullmatch(r"[!-~]{6,4096}", token):
        raise WrongUse("The refresh token has characters in it that no token has: copy it again, whole.")
    return token


def _marketplace_ids(text: str) -> str:
    ids = [part.strip() for part in text.split(",") if part.strip()]
    wrong = [part for part in ids if not re.fullmatch(r"[A-Z0-9]{6,20}", part, re.ASCII)]
    if wrong or not ids:
        raise WrongUse("Marketplaces must be Amazon's ids, separated by commas: ATVPDKIKX0DER for amazon.com.")
    if len(ids) > _MARKETPLACES_MAX:
        raise WrongUse(f"There can be at most {_MARKETPLACES_MAX} marketplaces.")
    return ",".join(dict.fromkeys(ids))


def _ca_pem(text: str) -> str:
    _trusting(text)
    return text


FORM: Final = Form(
    (
        Field(
            "region",
            "Region",
            "NA for the stores of North America and Brazil, EU for Europe, the Middle East and India, FE for Japan, "
            "Australia and Singapore. May be left empty where the address of the API is given.",
            required=False,
            clean=one_of("Region", "NA", "EU", "FE"),
            whose=True,
        ),
        Field(
            "base_url",
            "Address of the API",
            "Leave empty: Amazon's own address of the region is used. Another one only for the sandbox.",
            required=False,
            clean=_address("The address of the API"),
        ),
        Field(
            "token_url",
            "Address of the sign-in",
            "Login with Amazon. The same for all regions; another one only for the sandbox.",
            default=TOKEN_URL,
            clean=_address("The address of the sign-in"),
        ),
        Field(
            "client_id",
            "Client id",
            "The LWA client id of your application, from Seller Central, Develop Apps: amzn1.application-oa2-client....",
            clean=_matching(
                r"[!-~]{3,512}",
                "The client id has spaces in it or is not whole: copy it again, amzn1.application-oa2-client....",
            ),
        ),
        Field(
            "client_secret",
            "Client secret",
            "The LWA client secret, from the same page. Amazon makes you rotate it every 180 days.",
            secret=True,
            clean=_matching(
                r"[!-~]{6,1024}",
                "The client secret has characters in it that do not belong there: copy it again, whole.",
            ),
        ),
        Field(
            "refresh_token",
            "Refresh token",
            "What Seller Central shows once when the application is authorised: Atzr|.... A public application has to be "
            "authorised again every year.",
            secret=True,
            clean=_refresh_token,
        ),
        Field(
            "seller_id",
            "Seller id",
            "The merchant token of the selling account: Seller Central, Account Info. It begins with A.",
            clean=_matching(r"[A-Z0-9]{5,32}", "The seller id consists of capital letters and digits only."),
            whose=True,
        ),
        Field(
            "marketplace_ids",
            "Marketplaces",
            "Amazon's ids of the stores, separated by commas: ATVPDKIKX0DER for amazon.com.",
            clean=_marketplace_ids,
        ),
        Field(
            "buyer_data",
            "Buyer data",
            "on: names and addresses of buyers are asked for with the orders, kept sealed, and deleted 30 days after the "
            "shipment. Needs a restricted role. off (the usual): nothing of a buyer is ever asked for.",
            required=False,
            default="off",
            clean=one_of("Buyer data", "off", "on"),
        ),
        Field(
            "ca_pem",
            "Certificate to trust",
            "An authority that this connection trusts beside the public ones, as PEM text: where a proxy of your own stands "
            "in between, or for the sandbox.",
            required=False,
            clean=_ca_pem,
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Config:
    """A connection's settings, checked. ``region`` never changes with the marketplaces: document keys are made from it."""

    region: Region
    base_url: str
    token_url: str
    credentials: Credentials
    seller_id: str
    marketplace_ids: tuple[str, ...]
    ca_pem: str = field(repr=False)
    buyer_data: bool = False

    @property
    def account(self) -> str:
        """Whose quota is spent: one selling account at one address, however that was written."""
        parts = urlsplit(self.base_url)
        usual = {"https": 443, "http": 80}[parts.scheme]
        port = f":{parts.port}" if parts.port not in (None, usual) else ""
        return f"{self.seller_id}@{parts.hostname}{port}"

    def ssl_context(self) -> ssl.SSLContext | None:
        """The system's authorities and the given one, or None for the system's alone."""
        return _trusting(self.ca_pem) if self.ca_pem else None


def read_config(settings: Mapping[str, str], secrets: Mapping[str, str]) -> Config:
    """Raises :class:`WrongUse` naming everything that is wrong."""
    values = FORM.clean(settings, secrets)
    region = _region(values["region"], values["base_url"])
    return Config(
        region=region,
        base_url=values["base_url"] or BASE_URLS[region],
        token_url=values["token_url"],
        credentials=Credentials(values["client_id"], values["client_secret"], values["refresh_token"]),
        seller_id=values["seller_id"],
        marketplace_ids=tuple(values["marketplace_ids"].split(",")),
        ca_pem=values["ca_pem"],
        buyer_data=values["buyer_data"] == "on",
    )


def _region(named: str, base_url: str) -> Region:
    """The region that was named, or whose address was given."""
    host = urlsplit(base_url).hostname or ""
    of_host = next(
        (region for region, url in BASE_URLS.items() if host.removeprefix("sandbox.") == urlsplit(url).hostname), None
    )
    if not named and not base_url:
        raise WrongUse("Region (region) is missing: NA, EU or FE.", code="bad_settings")
    if named and of_host is not None and of_host != named:
        raise WrongUse(f"{base_url} is the address of region {of_host}, not of {named}.", code="bad_settings")
    return Region(named) if named else of_host or Region.OTHER


def _trusting(pem: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError) as error:
        raise WrongUse("The certificate to trust is not PEM text (-----BEGIN CERTIFICATE-----).") from error
    return context
