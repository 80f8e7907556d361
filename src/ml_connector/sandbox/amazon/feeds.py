"""Feeds 2021-06-30: a document is announced, uploaded, worked on later, and a report says what came of it.

Source: SP-API dossier, sections 7, 8 and 19, 25.9, and the model's parameter rules. DONE does not mean success.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta

from ml_connector.sandbox.amazon.feed_work import Feed, worked
from ml_connector.sandbox.amazon.listing_ledger import ListingLedger
from ml_connector.sandbox.amazon.marketplaces import Store
from ml_connector.sandbox.amazon.messages import Refused, Reply, Request, general_error, json_text, report_time
from ml_connector.sandbox.amazon.paging import Pager, Question
from ml_connector.sandbox.amazon.parameters import truth
from ml_connector.sandbox.amazon.queues import RETENTION, Wanted, is_wanted, page_of
from ml_connector.sandbox.amazon.storage import Storage, document_of, xml_error
from ml_connector.sandbox.clock import WorldClock
from ml_connector.sandbox.ledger import Book
from ml_connector.sandbox.switches import Switches

LISTINGS_FEED = "JSON_LISTINGS_FEED"
CONTENT_MAX_BYTES = 10 * 1024 * 1024
_DOCUMENTS_KEPT = timedelta(days=28)
_QUEUED, _WORKED_ON = timedelta(seconds=60), timedelta(seconds=120)
_SUBMISSIONS, _IN = 5, timedelta(minutes=5)
_FIRST_ID = 700_000_000_000
_TABLES = {
    "feed_documents": (
        "document_id TEXT PRIMARY KEY, seller_id TEXT NOT NULL, content_type TEXT NOT NULL, created TEXT NOT NULL, content BLOB"
    ),
    "feeds": (
        "number INTEGER PRIMARY KEY AUTOINCREMENT, seller_id TEXT NOT NULL, marketplace_ids TEXT NOT NULL,"
        " input TEXT NOT NULL, created TEXT NOT NULL, outcome TEXT NOT NULL, ended TEXT NOT NULL, result TEXT NOT NULL"
    ),
}
"""``feeds.outcome`` and ``ended`` are "" until the feed was worked on or cancelled."""


class Feeds:
    """The feeds of every selling account; only one of them has listings."""

    def __init__(
        self,
        book: Book,
        listings: ListingLedger,
        storage: Storage,
        stores: Sequence[Store],
        pager: Pager,
        clock: WorldClock,
        switches: Switches,
    ) -> None:
        self._book = book
        self._listings = listings
        self._storage = storage
        self._stores = stores
        self._pager = pager
        self._clock = clock
        self._flips = switches.text("default_on_fba") == "flips"
        self._zips = switches.text("compression") != "plain"
        self._says_zipped = self._zips and switches.on("says_gzip")
        for table, columns in _TABLES.items():
            book.create(table, columns)

    def run(self, now: datetime) -> None:
        """Work on every feed whose time has come."""
        ready = (now - _QUEUED - _WORKED_ON).isoformat()
        for row in self._book.rows(
            "SELECT * FROM {feeds} WHERE outcome = '' AND created <= ? ORDER BY number", (ready,)
        ):
            with self._book.transaction():
                self._work(row)

    def create_document(self, seller_id: str, request: Request) -> Reply:
        """``POST /documents``: an address for one upload of one content type."""
        content_type = request.json().get("contentType")
        if not isinstance(content_type, str) or not content_type:
            raise Refused.input("Missing required field: contentType")
        now = self._clock.now()
        before = self._book.row("SELECT count(*) AS n FROM {feed_documents}")
        material = f"{seller_id}:{now.isoformat()}:{0 if before is None else before['n']}"
        digest = hashlib.sha256(material.encode()).hexdigest()
        document_id = f"amzn1.tortuga.4.na.{digest[:32]}.FEED"
        self._book.execute(
            "INSERT INTO {feed_documents} VALUES (?, ?, ?, ?, NULL)",
            (document_id, seller_id, content_type, now.isoformat()),
        )
        address = self._storage.address(document_id, {}, method="PUT", content_type=content_type)
        return Reply.of_json(201, {"feedDocumentId": document_id, "url": address})

    def upload(self, request: Request) -> Reply:
        """The presigned PUT."""
        document_id = document_of(request)
        row = self._book.row("SELECT * FROM {feed_documents} WHERE document_id = ?", (document_id,))
        said = request.headers.get("content-type", "")
        refused = self._storage.refusal(request, content_type=said)
        if row is None or refused is not None:
            return refused or xml_error(404, "NoSuchKey", "The specified key does not exist.")
        if len(request.body) > CONTENT_MAX_BYTES:
            return xml_error(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
        self._book.execute("UPDATE {feed_documents} SET content = ? WHERE document_id = ?", (request.body, document_id))
        return Reply(200)

    def create(self, seller_id: str, request: Request) -> Reply:
        """``POST /feeds``: of the one type there is for listings; five in five minutes (section 19)."""
        asked, now = request.json(), self._clock.now()
        if asked.get("feedType") != LISTINGS_FEED:
            raise Refused.input("Invalid Feed Type")
        marketplace_ids = self._marketplaces(asked.get("marketplaceIds"))
        document_id = asked.get("inputFeedDocumentId")
        row = self._document(seller_id, document_id if isinstance(document_id, str) else "")
        if row is None or row["content"] is None:
            raise Refused.input("Invalid inputFeedDocumentId")
        lately = self._book.row(
            "SELECT count(*) AS n FROM {feeds} WHERE seller_id = ? AND created > ?",
            (seller_id, (now - _IN).isoformat()),
        )
        if lately is not None and lately["n"] >= _SUBMISSIONS:
            raise Refused.of(429, general_error(429))
        created = self._book.row(
            "INSERT INTO {feeds} (seller_id, marketplace_ids, input, created, outcome, ended, result)"
            " VALUES (?, ?, ?, ?, '', '', '') RETURNING number",
            (seller_id, ",".join(marketplace_ids), row["document_id"], now.replace(microsecond=0).isoformat()),
        )
        if created is None:
            raise LookupError("no feed was kept")
        return Reply.of_json(202, {"feedId": _feed_id(created["number"])})

    def get(self, seller_id: str, feed_id: str) -> Reply:
        """``GET /feeds/{feedId}``: 404 after 90 days and for other sellers."""
        return Reply.of_json(200, _feed(self._own(seller_id, feed_id), self._clock.now()))

    def cancel(self, seller_id: str, feed_id: str) -> Reply:
        """``DELETE /feeds/{feedId}``: only what still waits in the queue."""
        row, now = self._own(seller_id, feed_id), self._clock.now()
        if _status(row, now) != "IN_QUEUE":
            raise Refused.input(f"Feed {feed_id} is not in queue and cannot be cancelled")
        self._end(row, "CANCELLED", now, "")
        return Reply(200)

    def list_all(self, seller_id: str, request: Request) -> Reply:
        """``GET /feeds``: the newest first, in pages."""
        now = self._clock.now()
        question = Question("getFeeds", seller_id, {}, request.query.get("nextToken"), "nextToken")
        page = page_of(self._pager, question, request.query, now, lambda wanted: self._found(seller_id, wanted, now))
        following = {} if page.token is None else {"nextToken": page.token}
        return Reply.of_json(200, {"feeds": page.items, **following})

    def get_document(self, seller_id: str, document_id: str, request: Request) -> Reply:
        """``GET /documents/{feedDocumentId}``: the address of a processing report."""
        row = self._book.row("SELECT * FROM {feeds} WHERE seller_id = ? AND result = ?", (seller_id, document_id))
        if not document_id or row is None or datetime.fromisoformat(row["ended"]) < self._clock.now() - _DOCUMENTS_KEPT:
            raise Refused.not_found(f"Feed document {document_id} was not found")
        asks = truth(request.query, "enableContentEncodingUrlHeader") and self._says_zipped
        more = {"response-content-encoding": "gzip"} if asks else {}
        answer = {"feedDocumentId": document_id, "url": self._storage.address(document_id, more)}
        return Reply.of_json(200, answer | ({"compressionAlgorithm": "GZIP"} if self._says_zipped else {}))

    def _work(self, row: sqlite3.Row) -> None:
        document = self._book.row("SELECT * FROM {feed_documents} WHERE document_id = ?", (row["input"],))
        if document is None:
            raise LookupError(f"feed {row['number']} has no document")
        stores = [store for store in self._stores if store.marketplace_id in row["marketplace_ids"].split(",")]
        feed = Feed(_feed_id(row["number"]), row["seller_id"], stores, self._flips)
        done = worked(bytes(document["content"]), feed)
        ended = datetime.fromisoformat(row["created"]) + _QUEUED + _WORKED_ON
        for sku, patches in done.submissions:
            self._listings.submit(stores[0].region, sku, patches, ended)
        result = f"{row['input'].removesuffix('FEED')}RESULT{row['number']}"
        content = json_text(done.report).encode()
        self._book.execute("INSERT INTO {documents} VALUES (?, '', ?, ?)", (result, content, int(self._zips)))
        self._end(row, "FATAL" if done.fatal else "DONE", ended, result)

    def _end(self, row: sqlite3.Row, outcome: str, ended: datetime, result: str) -> None:
        self._book.execute(
            "UPDATE {feeds} SET outcome = ?, ended = ?, result = ? WHERE number = ?",
            (outcome, ended.isoformat(), result, row["number"]),
        )

    def _marketplaces(self, asked: object) -> list[str]:
        known = {store.marketplace_id: store for store in self._stores}
        if not isinstance(asked, list) or not 1 <= len(asked) <= 25 or not all(str(each) in known for each in asked):
            raise Refused.input("Invalid marketplaceIds")
        if len({known[str(each)].region for each in asked}) > 1:
            raise Refused.input("marketplaceIds must name marketplaces of one region")
        return [str(each) for each in asked]

    def _document(self, seller_id: str, document_id: str) -> sqlite3.Row | None:
        since = (self._clock.now() - _DOCUMENTS_KEPT).isoformat()
        return self._book.row(
            "SELECT * FROM {feed_documents} WHERE document_id = ? AND seller_id = ? AND created >= ?",
            (document_id, seller_id, since),
        )

    def _own(self, seller_id: str, feed_id: str) -> sqlite3.Row:
        number = int(feed_id) - _FIRST_ID if feed_id.isascii() and feed_id.isdigit() and len(feed_id) < 18 else 0
        row = self._book.row("SELECT * FROM {feeds} WHERE number = ? AND seller_id = ?", (number, seller_id))
        if row is None or datetime.fromisoformat(row["created"]) < self._clock.now() - RETENTION:
            raise Refused.not_found(f"Feed {feed_id} was not found")
        return row

    def _found(self, seller_id: str, wanted: Wanted, now: datetime) -> list[dict[str, object]]:
        return [
            _feed(row, now)
            for row in self._book.rows("SELECT * FROM {feeds} WHERE seller_id = ? ORDER BY number DESC", (seller_id,))
            if is_wanted(
                wanted,
                now,
                kind=LISTINGS_FEED,
                created=datetime.fromisoformat(row["created"]),
                status=_status(row, now),
                marketplaces=row["marketplace_ids"],
            )
        ]


def _feed_id(number: int) -> str:
    return str(_FIRST_ID + number)


def _status(row: sqlite3.Row, now: datetime) -> str:
    if row["outcome"]:
        return str(row["outcome"])
    return "IN_QUEUE" if now < datetime.fromisoformat(row["created"]) + _QUEUED else "IN_PROGRESS"


def _feed(row: sqlite3.Row, now: datetime) -> dict[str, object]:
    status, created = _status(row, now), datetime.fromisoformat(row["created"])
    feed: dict[str, object] = {
        "feedId": _feed_id(row["number"]),
        "feedType": LISTINGS_FEED,
        "marketplaceIds": row["marketplace_ids"].split(","),
        "createdTime": report_time(created),
        "processingStatus": status,
    }
    if status in ("IN_PROGRESS", "DONE", "FATAL"):
        feed["processingStartTime"] = report_time(created + _QUEUED)
    if row["ended"]:
        feed["processingEndTime"] = report_time(datetime.fromisoformat(row["ended"]))
    if row["result"]:
        feed["resultFeedDocumentId"] = row["result"]
    return feed
