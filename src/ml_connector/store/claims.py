"""Order claims: under which policy an order of a selling account is booked. The first claim stands for ever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from ml_connector.store import dialect
from ml_connector.store.reading import many, portions
from ml_connector.store.tables import order_claims


@dataclass(frozen=True, slots=True)
class OrderClaim:
    """``settlement_id`` is the settlement that claimed it first."""

    account: str
    order_id: str
    policy: str
    link: str
    settlement_id: str
    claimed_at: datetime


def claim(
    conn: Connection, account: str, order_ids: Sequence[str], *, policy: str, link: str, settlement_id: str
) -> list[OrderClaim]:
    """Claim what nobody has; the standing claims of others among ``order_ids``, which differ in policy or link.

    At most 5,000 orders in one transaction; repeating it is harmless.
    """
    now = dialect.now(conn)
    if order_ids:
        conn.execute(
            dialect.insert(conn, order_claims).on_conflict_do_nothing(index_elements=["account", "order_id"]),
            [
                {
                    "account": account,
                    "order_id": order_id,
                    "policy": policy,
                    "link": link,
                    "settlement_id": settlement_id,
                    "claimed_at": now,
                }
                for order_id in order_ids
            ],
        )
    return [each for each in of(conn, account, order_ids) if (each.policy, each.link) != (policy, link)]


def by_others(conn: Connection, account: str, policy: str, link: str) -> bool:
    """Whether anybody but this policy of this link has claimed an order of the account."""
    query = select(order_claims.c.order_id).where(
        order_claims.c.account == account, (order_claims.c.policy != policy) | (order_claims.c.link != link)
    )
    return conn.execute(query.limit(1)).scalar() is not None


def of(conn: Connection, account: str, order_ids: Sequence[str]) -> list[OrderClaim]:
    """The standing claims on these orders, by order id."""
    found = [
        each
        for some in portions(order_ids)
        for each in many(
            conn,
            select(order_claims).where(order_claims.c.account == account, order_claims.c.order_id.in_(some)),
            OrderClaim,
        )
    ]
    return sorted(found, key=lambda each: each.order_id)
