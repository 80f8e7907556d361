"""What invoices and credit memos have in common in both modes: numbers, tax codes, and what no company takes. Pure.

Numbers have 22 characters (Sage dossier, section 17): an invoice's is the Amazon order id, with the package's part where there
are several; a credit memo's is the seventeen digits of the order id and five characters of its own key's hash, because a
customer's documents of all kinds share one numbering (section 11.6).
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final

from ml_connector.domain import keys
from ml_connector.domain.documents import Kind, SalesDocument
from ml_connector.erp.sage_300.company import Company

NUMBER_MAX: Final = 22
TEXT_MAX: Final = 60
KEY_MAX: Final = 60

_CUSTOMER_MAX: Final = 12
_DIGITS_OF_ORDER: Final = 17
#: Numbers are upper case (dossier, section 17), and an apostrophe or a slash would not survive an address.
_NUMBER: Final = re.compile(rf"[A-Z0-9.\-]{{1,{NUMBER_MAX}}}", re.ASCII)


def number_of(document: SalesDocument) -> str:
    """The number that the document has in Sage."""
    if document.kind is not Kind.CREDIT_MEMO:
        return document.reference
    digest = base64.b32encode(hashlib.sha256(document.key.encode()).digest()).decode()[: NUMBER_MAX - _DIGITS_OF_ORDER]
    return re.sub(r"[^A-Z0-9]", "", document.reference.upper())[:_DIGITS_OF_ORDER] + digest


def wire_key(document: SalesDocument) -> str:
    """The document's key as descriptions hold it."""
    return keys.wire_key(document.key, KEY_MAX)


def tax_of(code: str) -> tuple[str, int]:
    """Tax group and item class of a code: ``AMZNTX`` is class 1 of that group, ``CALIF/2`` class 2."""
    group, _, class_ = code.partition("/")
    return group, int(class_) if class_ else 1


def tax_code(group: str, class_: int) -> str:
    """The code of a group and class, in the one form in which they are compared."""
    return group if class_ == 1 or not group else f"{group}/{class_}"


def tax_group(document: SalesDocument) -> str:
    """The one tax group of the document, "" where no line names one: then the customer's own holds."""
    return next((tax_of(line.tax_code)[0] for line in document.lines if line.tax_code), "")


def unsupported(document: SalesDocument, company: Company) -> str:
    """Why this company cannot hold ``document`` by any way, as a sentence; "" where it can."""
    codes = [line.tax_code for line in document.lines if line.tax_code]
    if document.company not in ("", company.config.company):
        return f"The document is for the company {document.company}; this connection is signed in to {company.config.company}."
    if company.currency(document.currency) is None:
        return f"Sage 300 has no currency {document.currency}. Add it there under Common Services, Currency Codes."
    if document.branch:
        return "A Sage 300 company has no branches: leave the branch of this store empty."
    if any(line.dimensions for line in document.lines):
        return "Sage 300 keeps dimensions as segments of the account number: map to the whole number instead."
    if not document.customer or len(document.customer) > _CUSTOMER_MAX:
        return f"A customer number in Sage 300 has one to {_CUSTOMER_MAX} characters, not {document.customer!r}."
    if not _NUMBER.fullmatch(number_of(document)):
        return f"Sage 300 cannot take {number_of(document)!r} as a document number of at most {NUMBER_MAX} characters."
    strange = next((code for code in codes if not re.fullmatch(r"[^/]{1,12}(?:/(?:[1-9]|10))?", code)), "")
    if strange:
        return f"The tax code {strange!r} is no tax group of at most 12 characters, with /2 to /10 for another class."
    if len({tax_of(code)[0] for code in codes}) > 1 or (codes and len(codes) < len(document.lines)):
        return "A document in Sage 300 has one tax group: all its lines must name codes of the same group."
    return ""
