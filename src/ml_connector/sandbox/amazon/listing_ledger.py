"""Where listings are kept: one for each SKU and region, and the submissions that will change them.

A submission is accepted at once and takes effect minutes later, those of one SKU in their order. Source: SP-API dossier,
section 18.3.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from ml_connector.sandbox.amazon.listing_patches import (
    AVAILABILITY,
    MERCHANT_CHANNEL,
    OFFER,
    Attributes,
    Patch,
    amazons_channel,
    applied,
    issue,
)
from ml_connector.sandbox.amazon.marketplaces import Store
from ml_connector.sandbox.amazon.messages import json_text
from ml_connector.sandbox.amazon.orders import TAX_RATES, Article, articles_of, ships_itself
from ml_connector.sandbox.amazon.rows import share, stamp
from ml_connector.sandbox.amazon.scenario import Scenario
from ml_connector.sandbox.amazon.stock import Stock, Taken, filled_up
from ml_connector.sandbox.ledger import Book
from ml_connector.sandbox.switches import Switches

CREATED = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
"""When the seller listed what he sells."""
_SHORTEST_DELAY_S = 60

_TABLES = {
    "listings": (
        "region TEXT NOT NULL, sku TEXT NOT NULL, attributes TEXT NOT NULL, issues TEXT NOT NULL, changed TEXT NOT NULL,"
        " stocked TEXT NOT NULL, PRIMARY KEY (region, sku)"
    ),
    "submissions": (
        "number INTEGER PRIMARY KEY AUTOINCREMENT, region TEXT NOT NULL, sku TEXT NOT NULL, due TEXT NOT NULL,"
        " patches TEXT NOT NULL"
    ),
}
"""``listings.stocked`` is when the quantity was last set through the API, "" where the seller fills up his shelves himself."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One SKU in the stores of one region. ``quantities`` are the units on offer now, by channel."""

    sku: str
    attributes: Attributes
    issues: Sequence[Mapping[str, object]]
    changed: str
    quantities: Mapping[str, int]


class ListingLedger:
    """The listings of the account."""

    def __init__(
        self, book: Book, stores: Sequence[Store], stock: Stock, scenario: Scenario, switches: Switches
    ) -> None:
        self._book = book
        self._stock = stock
        self._failing = scenario.late_issues
        self._longest_delay_s = switches.number("listing_delay_minutes") * 60
        for table, columns in _TABLES.items():
            book.create(table, columns)
        for region in dict.fromkeys(store.region for store in stores):
            self._begin(region, [store for store in stores if store.region == region])

    def _begin(self, region: str, stores: Sequence[Store]) -> None:
        """What the seller had listed before anybody called. A listing that is there already stays as it is."""
        articles = {article.sku: article for store in stores for article in articles_of(store)}
        for sku in articles:
            offered = [(store, each) for store in stores for each in articles_of(store) if each.sku == sku]
            attributes = json_text(_attributes(offered, self._stock.level(region)))
            self._book.execute(
                "INSERT OR IGNORE INTO {listings} VALUES (?, ?, ?, '[]', ?, '')",
                (region, sku, attributes, stamp(CREATED)),
            )

    def up_to(self, now: datetime) -> None:
        """Let every submission take effect that is due by ``now``."""
        for row in self._book.rows("SELECT * FROM {submissions} WHERE due <= ? ORDER BY number", (stamp(now),)):
            with self._book.transaction():
                self._take_effect(row)
                self._book.execute("DELETE FROM {submissions} WHERE number = ?", (row["number"],))

    def listings(self, region: str, now: datetime) -> list[Listing]:
        """Every listing of a region, by SKU."""
        rows = self._book.rows("SELECT * FROM {listings} WHERE region = ? ORDER BY sku", (region,))
        held = self._stock.held(region, now)
        weeks = self._stock.taken(region, "MERCHANT", filled_up(now), now)
        level = self._stock.level(region)
        found = []
        for row in rows:
            attributes = _read(row["attributes"])
            quantities = {}
            for entry in attributes.get(AVAILABILITY, ()):
                channel = str(entry["fulfillment_channel_code"])
                if channel != MERCHANT_CHANNEL:
                    quantities[channel] = held[row["sku"]].fulfillable if row["sku"] in held else level
                elif row["stocked"]:
                    quantities[channel] = self._left(region, row, int(entry.get("quantity", 0)), now)
                else:
                    quantities[channel] = max(0, level - weeks.get(row["sku"], Taken()).ordered)
            shown = _with_quantity(attributes, quantities)
            found.append(Listing(row["sku"], shown, _read(row["issues"]), row["changed"], quantities))
        return found

    def submit(self, region: str, sku: str, patches: Sequence[Patch], now: datetime) -> str:
        """Accept a submission; its id."""
        kept = json_text([[patch.op, patch.attribute, list(patch.values)] for patch in patches])
        row = self._book.row(
            "INSERT INTO {submissions} (region, sku, due, patches) VALUES (?, ?, ?, ?) RETURNING number",
            (region, sku, stamp(now), kept),
        )
        if row is None:
            raise LookupError("no submission was kept")
        number = int(row["number"])
        before = self._book.row(
            "SELECT max(due) AS last FROM {submissions} WHERE region = ? AND sku = ? AND number < ?",
            (region, sku, number),
        )
        due = max(stamp(now + self._delay(number)), (before["last"] or "") if before is not None else "")
        self._book.execute("UPDATE {submissions} SET due = ? WHERE number = ?", (due, number))
        return submission_id(f"{region}:{number}")

    def _delay(self, number: int) -> timedelta:
        if not self._longest_delay_s:
            return timedelta(0)
        digest = hashlib.sha256(f"submission {number}".encode()).digest()
        return timedelta(seconds=_SHORTEST_DELAY_S + int.from_bytes(digest[:4]) % self._longest_delay_s)

    def _take_effect(self, row: sqlite3.Row) -> None:
        key = (row["region"], row["sku"])
        if row["sku"] in self._failing:
            problem = [issue("90244", "The submission could not be processed.", OFFER)]
            statement = "UPDATE {listings} SET issues = ?, changed = ? WHERE region = ? AND sku = ?"
            self._book.execute(statement, (json_text(problem), row["due"], *key))
            return
        listing = self._book.row("SELECT * FROM {listings} WHERE region = ? AND sku = ?", key)
        if listing is None:
            raise LookupError(f"there is no listing {row['sku']}")
        patches = [Patch(op, attribute, tuple(values)) for op, attribute, values in _read(row["patches"])]
        attributes = applied(_read(listing["attributes"]), patches)
        counted = any(
            "quantity" in value for patch in patches if patch.attribute == AVAILABILITY for value in patch.values
        )
        stocked = row["due"] if counted else listing["stocked"]
        self._book.execute(
            "UPDATE {listings} SET attributes = ?, issues = '[]', changed = ?, stocked = ? WHERE region = ? AND sku = ?",
            (json_text(attributes), row["due"], stocked, *key),
        )

    def _left(self, region: str, row: sqlite3.Row, quantity: int, now: datetime) -> int:
        """What is left of a quantity that was set through the API."""
        since = datetime.fromisoformat(row["stocked"])
        taken = self._stock.taken(region, "MERCHANT", since, now)
        return max(0, quantity - taken.get(row["sku"], Taken()).ordered)


def submission_id(material: str) -> str:
    """An id of the form of a UUID."""
    digits = hashlib.sha256(f"submission:{material}".encode()).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}"


def _read(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


def _with_quantity(attributes: Attributes, quantities: Mapping[str, int]) -> Attributes:
    """Quantities as they stand, in place of those that were last set."""
    shown = [
        {**entry, "quantity": quantities[entry["fulfillment_channel_code"]]} if "quantity" in entry else entry
        for entry in attributes.get(AVAILABILITY, ())
    ]
    return {**attributes, AVAILABILITY: shown} if shown else attributes


def price_with_tax(store: Store, article: Article) -> Decimal:
    """What a buyer is shown: in Europe with the tax, elsewhere as the article has it."""
    rate = TAX_RATES[store.code][0] if store.region == "eu" else 0
    return Decimal(store.money(article.price + share(article.price, rate)))


def _attributes(offered: Sequence[tuple[Store, Article]], quantity: int) -> dict[str, list[dict[str, object]]]:
    (first, article), *_ = offered
    availability: dict[str, object] = {"fulfillment_channel_code": amazons_channel(first.region)}
    if ships_itself(article.sku):
        availability = {
            "fulfillment_channel_code": MERCHANT_CHANNEL,
            "quantity": quantity,
            "lead_time_to_ship_max_days": 2,
        }
    return {
        "item_name": [
            {"value": each.name, "language_tag": store.language, "marketplace_id": store.marketplace_id}
            for store, each in offered
        ],
        "condition_type": [{"value": "new_new", "marketplace_id": store.marketplace_id} for store, _ in offered],
        "merchant_suggested_asin": [
            {"value": each.asin, "marketplace_id": store.marketplace_id} for store, each in offered
        ],
        OFFER: [
            {
                "marketplace_id": store.marketplace_id,
                "currency": store.currency,
                "audience": "ALL",
                "our_price": [{"schedule": [{"value_with_tax": price_with_tax(store, each)}]}],
            }
            for store, each in offered
        ],
        AVAILABILITY: [availability],
    }
