"""Proofs: the certificates of settlements, as they were made. Each names the audit head of its moment (ACCOUNTING 8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from ml_connector.store import dialect
from ml_connector.store.reading import many
from ml_connector.store.tables import proofs


@dataclass(frozen=True, slots=True)
class ProofRow:
    """``content`` is the certificate; amounts in it are strings."""

    id: int
    account: str
    settlement_id: str
    made_at: datetime
    proved: bool
    content: Mapping[str, Any]
    audit_head: str


def add(
    conn: Connection, account: str, settlement_id: str, *, proved: bool, content: Mapping[str, Any], audit_head: str
) -> ProofRow:
    made_at = dialect.now(conn)
    values = {
        "account": account,
        "settlement_id": settlement_id,
        "made_at": made_at,
        "proved": proved,
        "content": dict(content),
        "audit_head": audit_head,
    }
    proof_id = int(conn.execute(insert(proofs).values(values).returning(proofs.c.id)).scalar_one())
    return ProofRow(proof_id, account, settlement_id, made_at, proved, content, audit_head)


def of(conn: Connection, account: str, settlement_id: str) -> list[ProofRow]:
    """Newest first."""
    query = (
        select(proofs)
        .where(proofs.c.account == account, proofs.c.settlement_id == settlement_id)
        .order_by(proofs.c.id.desc())
    )
    return many(conn, query, ProofRow)


def latest(conn: Connection, account: str, settlement_id: str) -> ProofRow | None:
    found = of(conn, account, settlement_id)
    return found[0] if found else None
