"""The sign-in form of a Sage 300 company, and what becomes of it (Sage dossier, sections 2.1, 3, 4.4, 13, 22)."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from ml_connector.domain.errors import WrongUse
from ml_connector.domain.forms import Field, Form, one_of, whole_number
from ml_connector.erp.fields import CA_PEM, CONNECT_TIMEOUT_S, SETTLE, address
from ml_connector.transport.trust import trusting

#: The user id that the Web API bars by default (dossier, section 3).
ADMIN: Final = "ADMIN"

_WHAT: Final = "The Web API address"
_SHAPE: Final = "https://host/Sage300WebApi, without version and company"


class InvoiceMode(StrEnum):
    """How invoices come to be (dossier, section 23). ``OE``: an order that ships and invoices itself and moves stock.
    ``AR``: a batch of receivables, financial only."""

    OE = "OE"
    AR = "AR"


class EnteredBatches(StrEnum):
    """How a batch is left that a link wants entered and not posted: open, or ready for whoever posts."""

    OPEN = "open"
    READY = "ready"


class Dates(StrEnum):
    """How a calendar day is written. ``MIDDAY`` is for a server that is found to shift days (dossier, section 4.4)."""

    DAY = "day"
    MIDDAY = "midday"


def _base_url(text: str) -> str:
    url = address(text, _WHAT, _SHAPE)
    if re.search(r"/v\d", urlsplit(url).path):
        raise WrongUse(f"{_WHAT} must look like {_SHAPE}.")
    return url


def _company(text: str) -> str:
    company = text.strip().upper()
    if not re.fullmatch(r"[A-Z0-9]{1,6}", company, re.ASCII):
        raise WrongUse("The company is the database's Org ID: at most six letters and digits, such as SAMLTD.")
    return company


def _tenant(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]{1,40}", text.strip(), re.ASCII):
        raise WrongUse("The tenant is a dash on premises, else a word of letters, digits and dashes.")
    return text.strip()


def _username(text: str) -> str:
    """User ids are upper case (dossier, section 3)."""
    name = text.strip().upper()
    if not name or ":" in name:
        raise WrongUse("The user id must not be empty and cannot hold a colon.")
    return name


def _code(label: str, longest: int) -> Callable[[str], str]:
    """A check for one of Sage's own codes: upper case, without spaces."""

    def clean(text: str) -> str:
        code = text.strip().upper()
        if not re.fullmatch(r"[!-~]+", code, re.ASCII) or len(code) > longest:
            raise WrongUse(f"{label} must be a code of at most {longest} characters without spaces.")
        return code

    return clean


FORM: Final = Form(
    (
        Field(
            "base_url",
            "Web API address",
            "The application's address, without version and company: https://host/Sage300WebApi.",
            clean=_base_url,
        ),
        Field(
            "company",
            "Company",
            "The Org ID of the company database, at most six characters.",
            clean=_company,
            whose=True,
        ),
        Field("tenant", "Tenant", "A dash, unless your provider gave you a word.", default="-", clean=_tenant),
        Field(
            "username",
            "User",
            "A Sage user of its own for ml-connector, not ADMIN, with the right Sage 300 Web API in every module used.",
            clean=_username,
        ),
        Field("password", "Password", "The password of that user, exactly as the site keeps it.", secret=True),
        Field(
            "invoice_mode",
            "Invoices by",
            "OE: an order that ships and invoices itself, with items and stock. AR: a batch of receivables, financial only.",
            default=InvoiceMode.OE.value,
            clean=one_of("Invoices by", *InvoiceMode),
        ),
        Field(
            "order_invoices_by",
            "Order invoices by",
            "The property that makes an order invoice itself: InvoiceWillBeProduced as Sage shows it, or PostInvoice.",
            default="InvoiceWillBeProduced",
            clean=one_of("Order invoices by", "InvoiceWillBeProduced", "PostInvoice"),
        ),
        Field(
            "residual_charge",
            "Charge for residuals",
            "A miscellaneous charge that takes what a price of six decimals cannot express. Only for invoices by OE; "
            "without it such orders are held.",
            required=False,
            clean=_code("Charge for residuals", 6),
        ),
        Field(
            "entered_batches",
            "Entered batches are left",
            "open: a person marks them ready and posts them. ready: marked ready to post, so that anybody's posting of all "
            "ready batches takes them. Only for what a link enters and does not post.",
            default=EnteredBatches.OPEN.value,
            clean=one_of("Entered batches are left", *EnteredBatches),
        ),
        Field(
            "source_type",
            "Source type",
            "The second half of the source code of journal entries (GL-JE).",
            default="JE",
            clean=_code("Source type", 2),
        ),
        Field(
            "rate_type",
            "Rate type",
            "Which of Sage's rate tables converts journal entries in another currency.",
            default="SP",
            clean=_code("Rate type", 2),
        ),
        Field(
            "home_currency",
            "Functional currency",
            "The company's own currency (ISO 4217). Leave it empty: the company profile says.",
            required=False,
            clean=_code("Functional currency", 3),
        ),
        Field(
            "dates",
            "Dates as",
            "day, as in Sage's own examples. midday, for a server that was found to shift days.",
            default=Dates.DAY.value,
            clean=one_of("Dates as", *Dates),
        ),
        CA_PEM,
        CONNECT_TIMEOUT_S,
        Field(
            "read_timeout_s",
            "Time to answer (s)",
            "Seconds to wait for the answer to a question.",
            default="60",
            clean=whole_number("Time to answer", 5, 600),
        ),
        Field(
            "slow_timeout_s",
            "Time for slow answers (s)",
            "Seconds to wait for the first answer after a pause, in which the server starts, and for every write.",
            default="180",
            clean=whole_number("Time for slow answers", 5, 600),
        ),
        SETTLE,
    )
)


@dataclass(frozen=True, slots=True)
class Config:
    """A connection's settings, checked. Times in seconds; codes are "" where none is set."""

    base_url: str
    company: str
    tenant: str
    username: str
    password: str = field(repr=False)
    invoice_mode: InvoiceMode
    order_invoices_by: str
    residual_charge: str
    entered_batches: EnteredBatches
    source_type: str
    rate_type: str
    home_currency: str
    dates: Dates
    ca_pem: str
    connect_timeout_s: float
    read_timeout_s: float
    slow_timeout_s: float
    settle_s: float

    @property
    def company_url(self) -> str:
        """The address under which the modules stand."""
        return f"{self.base_url}/v1.0/{self.tenant}/{self.company}"

    def ssl_context(self) -> ssl.SSLContext | None:
        """What to trust: the given certificate and nothing else, or None for the system's authorities."""
        return trusting(self.ca_pem) if self.ca_pem else None


def read_config(settings: Mapping[str, str], secrets: Mapping[str, str]) -> Config:
    """Raises :class:`WrongUse` naming everything that is wrong."""
    values = FORM.clean(settings, secrets)
    return Config(
        base_url=values["base_url"],
        company=values["company"],
        tenant=values["tenant"],
        username=values["username"],
        password=values["password"],
        invoice_mode=InvoiceMode(values["invoice_mode"]),
        order_invoices_by=values["order_invoices_by"],
        residual_charge=values["residual_charge"],
        entered_batches=EnteredBatches(values["entered_batches"]),
        source_type=values["source_type"],
        rate_type=values["rate_type"],
        home_currency=values["home_currency"],
        dates=Dates(values["dates"]),
        ca_pem=values["ca_pem"],
        connect_timeout_s=float(values["connect_timeout_s"]),
        read_timeout_s=float(values["read_timeout_s"]),
        slow_timeout_s=float(values["slow_timeout_s"]),
        settle_s=float(values["settle_s"]),
    )
