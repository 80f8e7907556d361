"""Filing what closed: settlements become files, documents and reports in the ledger, from which everything is answered.

Source: SP-API dossier, section 14 (discovery, retention, two report ids), 25.6.
"""

from __future__ import annotations

import gzip
import hashlib
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ml_connector.sandbox.amazon.closing import Chain, Settlement, printed_total, restated
from ml_connector.sandbox.amazon.event_ledger import LISTED_AFTER
from ml_connector.sandbox.amazon.flat_file import Form, Head, write
from ml_connector.sandbox.amazon.marketplaces import STORES, Store
from ml_connector.sandbox.amazon.rows import Row
from ml_connector.sandbox.amazon.scenario import Scenario
from ml_connector.sandbox.ledger import Book
from ml_connector.sandbox.switches import Switches

if TYPE_CHECKING:
    import sqlite3

    from ml_connector.sandbox.world import World

SETTLEMENT_TYPE = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"
_SECOND_EDITION_AFTER = timedelta(days=4)
_SECOND_LISTING_AFTER = timedelta(hours=3)

TABLES = {
    "files": (
        "file_id TEXT PRIMARY KEY, store TEXT NOT NULL, number INTEGER NOT NULL, settlement_id TEXT NOT NULL,"
        " start TEXT NOT NULL, ends TEXT NOT NULL, deposit TEXT NOT NULL, total TEXT NOT NULL, currency TEXT NOT NULL"
    ),
    "rows": (
        "file_id TEXT NOT NULL, position INTEGER NOT NULL, transaction_type TEXT NOT NULL, amount_type TEXT NOT NULL,"
        " amount_description TEXT NOT NULL, amount TEXT NOT NULL, posted TEXT NOT NULL, order_id TEXT NOT NULL,"
        " merchant_order_id TEXT NOT NULL, adjustment_id TEXT NOT NULL, shipment_id TEXT NOT NULL,"
        " marketplace_name TEXT NOT NULL, fulfillment_id TEXT NOT NULL, order_item_code TEXT NOT NULL,"
        " merchant_order_item_id TEXT NOT NULL, merchant_adjustment_item_id TEXT NOT NULL, sku TEXT NOT NULL,"
        " quantity TEXT NOT NULL, promotion_id TEXT NOT NULL, PRIMARY KEY (file_id, position)"
    ),
    "documents": "document_id TEXT PRIMARY KEY, file_id TEXT NOT NULL, content BLOB, zipped INTEGER NOT NULL",
    "reports": (
        "report_id TEXT PRIMARY KEY, seller_id TEXT NOT NULL, type TEXT NOT NULL, marketplace_ids TEXT NOT NULL,"
        " data_start TEXT NOT NULL, data_end TEXT NOT NULL, created TEXT NOT NULL, works_from TEXT NOT NULL,"
        " ends TEXT NOT NULL, outcome TEXT NOT NULL, document_id TEXT NOT NULL, schedule_id TEXT NOT NULL"
    ),
    "ids": "number INTEGER PRIMARY KEY AUTOINCREMENT",
    "schedules": (
        "schedule_id TEXT PRIMARY KEY, seller_id TEXT NOT NULL, type TEXT NOT NULL, marketplace_ids TEXT NOT NULL,"
        " period TEXT NOT NULL, next_creation TEXT NOT NULL, options TEXT NOT NULL"
    ),
}
"""Amazon's tables. ``rows.amount`` is text with a point: what a file says is what stands here."""

_COLUMN_OF = {
    "transaction-type": "transaction_type",
    "order-id": "order_id",
    "merchant-order-id": "merchant_order_id",
    "adjustment-id": "adjustment_id",
    "shipment-id": "shipment_id",
    "marketplace-name": "marketplace_name",
    "amount-type": "amount_type",
    "amount-description": "amount_description",
    "amount": "amount",
    "fulfillment-id": "fulfillment_id",
    "posted-date-time": "posted",
    "order-item-code": "order_item_code",
    "merchant-order-item-id": "merchant_order_item_id",
    "merchant-adjustment-item-id": "merchant_adjustment_item_id",
    "sku": "sku",
    "quantity-purchased": "quantity",
    "promotion-id": "promotion_id",
}


@dataclass(frozen=True, slots=True)
class Filed:
    """One document as it is downloaded. ``says_zipped`` is what getReportDocument tells."""

    content: bytes
    says_zipped: bool
    charset: str


class Filing:
    """Keeps the ledger up to date with the clock: whatever has closed by now is filed, once."""

    def __init__(self, world: World, book: Book, scenario: Scenario, switches: Switches, seller_id: str) -> None:
        self._book = book
        self._scenario = scenario
        self._switches = switches
        self._seller_id = seller_id
        for table, columns in TABLES.items():
            book.create(table, columns)
        self.chains = [Chain(world, book, STORES[code], scenario, switches) for code in scenario.stores]

    @property
    def marketplace_ids(self) -> list[str]:
        """Every store of the account and its Non-Amazon shadow: what a settlement report names, whatever it is for."""
        stores = [chain.store for chain in self.chains]
        return [each for store in stores for each in (store.marketplace_id, store.pseudo_id) if each]

    @property
    def orders_expected(self) -> int:
        """About how many orders the past of this world holds."""
        scenario = self._scenario
        return len(self.chains) * scenario.settlements * scenario.period_days * scenario.orders_per_day

    def up_to(self, now: datetime) -> None:
        """Put down what has happened by ``now``, and close and file every settlement that has ended."""
        for chain in self.chains:
            chain.draw(now)
            while chain.is_due(now):
                with self._book.transaction():
                    settlement = chain.close()
                    if not self._is_filed(settlement):
                        self._file(chain, settlement)

    def document(self, document_id: str) -> Filed | None:
        """What a document holds, None where there is no such document."""
        found = self._book.row("SELECT * FROM {documents} WHERE document_id = ?", (document_id,))
        if found is None:
            return None
        zipped = bool(found["zipped"])
        if found["content"] is not None:
            content, cut = bytes(found["content"]), False
        else:
            content, cut = self._written(str(found["file_id"]), document_id)
        if zipped:
            content = gzip.compress(content, mtime=0)
        if cut:
            content = content[: len(content) * 2 // 3]
        says_zipped = zipped and self._switches.on("says_gzip")
        return Filed(content, says_zipped, self._switches.text("document_charset"))

    def _is_filed(self, settlement: Settlement) -> bool:
        found = self._book.row(
            "SELECT 1 FROM {files} WHERE store = ? AND number = ?", (settlement.store.code, settlement.number)
        )
        return found is not None

    def _file(self, chain: Chain, settlement: Settlement) -> None:
        code, number = settlement.store.code, settlement.number
        self._keep(f"{code}-{number}", settlement, settlement.rows)
        if self._scenario.marked("missing_settlement", code, number):
            return
        chance = chain.chance(number, "report")
        created = settlement.end + LISTED_AFTER + timedelta(hours=chance.randrange(14), seconds=chance.randrange(3600))
        first = self._list(settlement, f"{code}-{number}", created, chance)
        if self._scenario.marked("two_report_ids", code, number):
            again = self._document_id(settlement.store, chance)
            self._book.execute(
                "INSERT INTO {documents} SELECT ?, file_id, content, zipped FROM {documents} WHERE document_id = ?",
                (again, first),
            )
            self._report(settlement, again, created + _SECOND_LISTING_AFTER, chance)
        if self._scenario.marked("restated_settlement", code, number):
            self._keep(f"{code}-{number}-restated", settlement, restated(settlement))
            self._list(settlement, f"{code}-{number}-restated", created + _SECOND_EDITION_AFTER, chance)

    def _keep(self, file_id: str, settlement: Settlement, rows: tuple[Row, ...]) -> None:
        self._book.execute(
            "INSERT INTO {files} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                file_id,
                settlement.store.code,
                settlement.number,
                settlement.settlement_id,
                settlement.start.isoformat(),
                settlement.end.isoformat(),
                settlement.deposit.isoformat(),
                settlement.store.money(printed_total(settlement, self._scenario)),
                settlement.store.currency,
            ),
        )
        self._book.insert_all(
            "INSERT INTO {rows} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (file_id, position, *row[:3], settlement.store.money(row.amount), row.posted.isoformat(), *row[5:])
                for position, row in enumerate(rows, start=1)
            ],
        )

    def _list(self, settlement: Settlement, file_id: str, created: datetime, chance: random.Random) -> str:
        document_id = self._document_id(settlement.store, chance)
        match self._switches.text("compression"):
            case "gzip":
                zipped = True
            case "plain":
                zipped = False
            case _:
                zipped = settlement.number % 2 == 1
        zipped = zipped or self._scenario.marked("truncated_gzip", settlement.store.code, settlement.number)
        self._book.execute("INSERT INTO {documents} VALUES (?, ?, NULL, ?)", (document_id, file_id, int(zipped)))
        self._report(settlement, document_id, created, chance)
        return document_id

    def _report(self, settlement: Settlement, document_id: str, created: datetime, chance: random.Random) -> None:
        at = created.replace(microsecond=0).isoformat()
        self._book.execute(
            "INSERT INTO {reports} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'DONE', ?, '')",
            (
                f"{chance.randrange(5 * 10**11, 6 * 10**11)}",
                self._seller_id,
                SETTLEMENT_TYPE,
                ",".join(self.marketplace_ids),
                settlement.start.isoformat(),
                settlement.end.isoformat(),
                at,
                at,
                at,
                document_id,
            ),
        )

    def _document_id(self, store: Store, chance: random.Random) -> str:
        digits = f"{chance.getrandbits(128):032x}"
        uuid = f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"
        return f"amzn1.spdoc.1.4.{store.region}.{uuid}.T{chance.randrange(10**12, 10**13)}.2651"

    def _written(self, file_id: str, document_id: str) -> tuple[bytes, bool]:
        """The file's bytes in its store's form, and whether the scenario cuts it short."""
        found = self._book.row("SELECT * FROM {files} WHERE file_id = ?", (file_id,))
        if found is None:
            raise LookupError(f"no file {file_id}")
        rows = self._book.rows("SELECT * FROM {rows} WHERE file_id = ? ORDER BY position", (file_id,))
        if not self._switches.on("downloads_are_stable"):
            digest = hashlib.sha256(document_id.encode()).digest()
            random.Random(digest).shuffle(rows)  # noqa: S311 - a game, not a secret
        store, number = str(found["store"]), int(found["number"])
        head = Head(
            settlement_id=found["settlement_id"],
            start=datetime.fromisoformat(found["start"]),
            end=datetime.fromisoformat(found["ends"]),
            deposit=datetime.fromisoformat(found["deposit"]),
            total=found["total"],
            currency=found["currency"],
        )
        content = write(head, [_cells(row) for row in rows], self._form(STORES[store], number))
        return content, self._scenario.marked("truncated_gzip", store, number)

    def _form(self, store: Store, number: int) -> Form:
        switches = self._switches
        encoding = {"eu": switches.text("eu_encoding"), "fe": switches.text("jp_encoding")}.get(store.region, "utf-8")
        gbp_comma = store.currency == "GBP" and switches.text("gbp_decimals") == "comma"
        return Form(
            dates="iso" if store.dates == "jp" and switches.text("jp_dates") == "iso" else store.dates,
            decimal_comma=store.decimal_comma or gbp_comma,
            thousands_are_grouped=switches.on("thousands_are_grouped"),
            encoding=encoding,
            byte_order_mark=switches.on("byte_order_mark"),
            newline="\r\n" if switches.text("newline") == "crlf" else "\n",
            trailing_cells=switches.on("trailing_cells"),
            settlement_id_on_details=switches.on("settlement_id_on_details"),
            currency_on_details=switches.on("currency_on_details"),
            v1=self._scenario.marked("v1_by_mistake", store.code, number),
        )


def _cells(row: sqlite3.Row) -> dict[str, str]:
    return {name: str(row[column]) for name, column in _COLUMN_OF.items()}
