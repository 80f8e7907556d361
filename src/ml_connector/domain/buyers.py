"""What Amazon tells about a buyer, apart from the order, because it must be encrypted, must expire and never reaches a log,
an audit record or a plan (SP-API dossier, section 23). It is asked for only where a customer has switched it on.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Address:
    """Where an order goes. ``country`` is an ISO 3166 code (GB, not UK). Every member may be ""."""

    name: str = field(default="", repr=False)
    company: str = field(default="", repr=False)
    lines: tuple[str, ...] = field(default=(), repr=False)
    city: str = field(default="", repr=False)
    district: str = field(default="", repr=False)
    region: str = field(default="", repr=False)
    postal_code: str = field(default="", repr=False)
    country: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who bought, and where to it goes. ``email`` is Amazon's relay and is there for merchant-fulfilled orders only;
    ``purchase_order`` is a company's own number. A representation shows the order id and nothing else."""

    order_id: str
    name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    company: str = field(default="", repr=False)
    purchase_order: str = field(default="", repr=False)
    recipient: Address | None = field(default=None, repr=False)
