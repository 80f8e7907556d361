"""Buyer and recipient of an order, as Orders 2026-01-01 writes them (SP-API dossier, sections 10.3 and 23).

Nothing that is read here stands in an error, a log or a representation.
"""

from __future__ import annotations

import msgspec

from ml_connector.amazon.wire import Id, Wire, plain_text
from ml_connector.domain.buyers import Address, Buyer
from ml_connector.domain.errors import BadAnswer


class _Buyer(Wire, frozen=True):
    buyer_name: str | None = None
    buyer_email: str | None = None
    buyer_company_name: str | None = None
    buyer_purchase_order_number: str | None = None


class _Address(Wire, frozen=True):
    name: str | None = None
    company_name: str | None = None
    address_line1: str | None = None
    address_line2: str | None = None
    address_line3: str | None = None
    city: str | None = None
    district_or_county: str | None = None
    state_or_region: str | None = None
    postal_code: str | None = None
    country_code: str | None = None
    phone: str | None = None


class _Recipient(Wire, frozen=True):
    delivery_address: _Address | None = None


class _Personal(Wire, frozen=True):
    order_id: Id
    buyer: _Buyer | None = None
    recipient: _Recipient | None = None


def read_buyer(raw: bytes | msgspec.Raw) -> Buyer | None:
    """Who bought the order in ``raw``; None where Amazon tells nothing. Raises :class:`BadAnswer`, without a word of it."""
    try:
        wire = msgspec.json.decode(raw, type=_Personal)
    except (ValueError, RecursionError):
        raise BadAnswer("The buyer of an order cannot be read.", code="unreadable_buyer") from None
    if wire.buyer is None and wire.recipient is None:
        return None
    buyer = wire.buyer or _Buyer()
    address = wire.recipient.delivery_address if wire.recipient else None
    return Buyer(
        order_id=wire.order_id,
        name=plain_text(buyer.buyer_name),
        email=plain_text(buyer.buyer_email),
        company=plain_text(buyer.buyer_company_name),
        purchase_order=plain_text(buyer.buyer_purchase_order_number),
        recipient=_address(address) if address else None,
    )


def _address(wire: _Address) -> Address:
    lines = (plain_text(line) for line in (wire.address_line1, wire.address_line2, wire.address_line3))
    return Address(
        name=plain_text(wire.name),
        company=plain_text(wire.company_name),
        lines=tuple(line for line in lines if line),
        city=plain_text(wire.city),
        district=plain_text(wire.district_or_county),
        region=plain_text(wire.state_or_region),
        postal_code=plain_text(wire.postal_code),
        country=plain_text(wire.country_code),
        phone=plain_text(wire.phone),
    )
