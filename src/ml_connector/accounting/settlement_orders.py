"""Which orders a settlement is about: what is claimed, so that no sale is booked twice (ACCOUNTING 1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ml_connector.domain.settlement_rows import SettlementRows

#: An Amazon order id. The column also holds shipment, removal and reimbursement ids (settlement dossier, section 3).
_ORDER_ID: Final = re.compile(rb"[0-9]{3}-[0-9]{7}-[0-9]{7}", re.ASCII)


def order_ids(rows: SettlementRows) -> Iterator[str]:
    """Every order id in the file, once each, in the order of their first rows."""
    seen: set[bytes] = set()
    for block in rows.read(lambda _: 0).blocks():
        for text in dict.fromkeys(block.column("order-id")):
            if text not in seen and _ORDER_ID.fullmatch(text):
                seen.add(text)
                yield text.decode()
