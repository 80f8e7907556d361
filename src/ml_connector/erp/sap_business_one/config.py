"""The sign-in form of a Business One company, and what becomes of it (SAP dossier, sections 3.1, 3.2, 3.7, 14.1)."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ml_connector.domain.errors import WrongUse
from ml_connector.domain.forms import Field, Form, one_of, whole_number
from ml_connector.erp.fields import CA_PEM, CONNECT_TIMEOUT_S, SETTLE, address
from ml_connector.erp.sap_business_one.odata import Wire, wire_of
from ml_connector.transport.trust import trusting


def _base_url(text: str) -> str:
    url = address(text, "The Service Layer address", "https://host:50000/b1s/v2")
    if wire_of(url) is None:
        raise WrongUse(f"The Service Layer address must end in /b1s/v2 or /b1s/v1. Did you mean {_offer(url)}?")
    return url


def _offer(url: str) -> str:
    return f"{url}/v2" if url.endswith("/b1s") else f"{url}/b1s/v2"


FORM: Final = Form(
    (
        Field(
            "base_url",
            "Service Layer address",
            "The full address: https://host:50000/b1s/v2, or with v1 at its end where an older server has no v2 that works. "
            "Your SAP partner or administrator knows it.",
            clean=_base_url,
        ),
        Field(
            "company_db",
            "Company database",
            "The database name of the company, as in SAP's sign-in window.",
            whose=True,
        ),
        Field(
            "username", "User", "A Business One user of its own for ml-connector, with a licence for the Service Layer."
        ),
        Field("password", "Password", "The password of that user.", secret=True),
        Field(
            "language",
            "Language",
            "SAP's number of the language of its messages. 3 is English (US); leave it so that messages are understood.",
            default="3",
            clean=whole_number("Language", 1, 100),
        ),
        CA_PEM,
        CONNECT_TIMEOUT_S,
        Field(
            "read_timeout_s",
            "Time to answer (s)",
            "Seconds to wait for an answer. The first call after a pause can take more than 30.",
            default="120",
            clean=whole_number("Time to answer", 5, 600),
        ),
        Field(
            "page_size",
            "Rows per page",
            "How many rows to ask for at a time.",
            default="100",
            clean=whole_number("Rows per page", 1, 1000),
        ),
        Field(
            "parallel",
            "Requests at a time",
            "How many requests may be under way at once. Fewer for a server that is short of breath.",
            default="4",
            clean=whole_number("Requests at a time", 1, 8),
        ),
        SETTLE,
        Field(
            "claims",
            "Claims",
            "auto: where the table U_ML_LINK is there, SAP itself refuses a second posting of a document. off: for "
            "servers whose own checks fail inside a change set.",
            default="auto",
            clean=one_of("Claims", "auto", "off"),
        ),
        Field(
            "drafts",
            "Drafts",
            "auto: where there are no claims, or SAP has to compute a total, documents are entered as drafts and saved once "
            "they show what was planned. off: drafts are not used.",
            default="auto",
            clean=one_of("Drafts", "auto", "off"),
        ),
        Field(
            "batch_size",
            "Documents in one request",
            "How many documents are sent in one request, each in a change set of its own. 1: every document alone.",
            default="20",
            clean=whole_number("Documents in one request", 1, 100),
        ),
        Field(
            "credit_note_sign",
            "Sign of credit notes in payments",
            "positive or negative: as an outgoing payment of your company shows the amount of a credit note, tried out in a "
            "test company. unproven: refund payments are off, and refunds are posted in the journal.",
            default="unproven",
            clean=one_of("Sign of credit notes in payments", "unproven", "positive", "negative"),
        ),
        Field(
            "foreign_payments",
            "Payments in foreign currencies",
            "proven: the journal entry of a payment in a foreign currency, tried out in a test company, shows the sum that was "
            "sent in that currency. unproven: payments in foreign currencies are not posted.",
            default="unproven",
            clean=one_of("Payments in foreign currencies", "unproven", "proven"),
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Config:
    """A connection's settings, checked. Times in seconds. ``wire`` is the version of the protocol that the address names."""

    base_url: str
    wire: Wire
    company_db: str
    username: str
    password: str = field(repr=False)
    language: str
    ca_pem: str
    connect_timeout_s: float
    read_timeout_s: float
    page_size: int
    parallel: int
    settle_s: float
    claims: bool
    drafts: bool
    batch_size: int
    credit_note_sign: int
    foreign_payments: bool

    def ssl_context(self) -> ssl.SSLContext | None:
        """What to trust: the given certificate and nothing else, or None for the system's authorities."""
        return trusting(self.ca_pem) if self.ca_pem else None


def read_config(settings: Mapping[str, str], secrets: Mapping[str, str]) -> Config:
    """Raises :class:`WrongUse` naming everything that is wrong."""
    values = FORM.clean(settings, secrets)
    wire = wire_of(values["base_url"])
    assert wire is not None  # noqa: S101 - the form took the address
    return Config(
        base_url=values["base_url"],
        wire=wire,
        company_db=values["company_db"],
        username=values["username"],
        password=values["password"],
        language=values["language"],
        ca_pem=values["ca_pem"],
        connect_timeout_s=float(values["connect_timeout_s"]),
        read_timeout_s=float(values["read_timeout_s"]),
        page_size=int(values["page_size"]),
        parallel=int(values["parallel"]),
        settle_s=float(values["settle_s"]),
        claims=values["claims"] == "auto",
        drafts=values["drafts"] == "auto",
        batch_size=int(values["batch_size"]),
        credit_note_sign={"unproven": 0, "positive": 1, "negative": -1}[values["credit_note_sign"]],
        foreign_payments=values["foreign_payments"] == "proven",
    )
