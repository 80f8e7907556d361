"""What is kept. The same tables in SQLite and PostgreSQL; ``migrations`` makes them, a test compares the two.

Foreign keys stand inside one thing only (a document and its lines); between things the natural key is enough, so that each
can be written, archived and purged by itself.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from ml_connector.store.types import IdsText, Instant, Json, Money

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# A sequence number. SQLite numbers only a column of type INTEGER by itself.
_Number = BigInteger().with_variant(Integer, "sqlite")

# --- the installation, its outside accounts and their secrets -----------------------------------------------------------

installation = Table(
    "installation",
    metadata,
    Column("id", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)

key_checks = Table(
    "key_checks",
    metadata,
    Column("kid", Text, primary_key=True),
    Column("check_value", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)

connections = Table(
    "connections",
    metadata,
    Column("name", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("settings", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
)

secrets = Table(
    "secrets",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("kid", Text, nullable=False, index=True),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("name", Text, primary_key=True),
    Column("kid", Text, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

# --- links --------------------------------------------------------------------------------------------------------------

links = Table(
    "links",
    metadata,
    Column("name", Text, primary_key=True),
    Column("amazon", Text, nullable=False),
    Column("erp", Text, nullable=False),
    Column("settings", Json, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("removed_at", Instant),
)

mappings = Table(
    "mappings",
    metadata,
    Column("link", Text, ForeignKey("links.name", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("content", Json, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)

opening_sheets = Table(
    "opening_sheets",
    metadata,
    Column("link", Text, ForeignKey("links.name", ondelete="CASCADE"), primary_key=True),
    Column("store_group", Text, primary_key=True),
    Column("content", Json, nullable=False),
    Column("confirmed_at", Instant),
)

# --- what was read ------------------------------------------------------------------------------------------------------

raw = Table(
    "raw",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("compressed_size", BigInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
)

# No foreign key: the chunks come first, and the row in ``raw`` says that they are complete.
raw_chunks = Table(
    "raw_chunks",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("bytes", LargeBinary, nullable=False),
)

records = Table(
    "records",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("natural_id", Text, primary_key=True),
    Column("sha256", Text, nullable=False),
    Column("raw_sha256", Text),
    Column("first_seen_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("changed_at", Instant),
    Index(None, "connection", "kind", "state", "first_seen_at"),
)

# Every version of a record that its source changes in place (orders). ``content`` is the canonical form, zstd.
record_versions = Table(
    "record_versions",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("natural_id", Text, primary_key=True),
    Column("changed_at", Instant, primary_key=True),
    Column("sha256", Text, primary_key=True),
    Column("schema", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("seen_at", Instant, nullable=False),
)

# A stretch of a source's time that is read as a whole: one that was interrupted is read again.
windows = Table(
    "windows",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("connection", Text, nullable=False),
    Column("flow", Text, nullable=False),
    Column("way", Text, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant),
    Column("state", Text, nullable=False),
    Column("reads_to", Instant),
    Column("report_id", Text, nullable=False),
    Column("pages", Integer, nullable=False),
    Column("found", Integer, nullable=False),
    Column("again", Integer, nullable=False),
    Column("begun_at", Instant, nullable=False),
    Column("done_at", Instant),
    Index(None, "connection", "flow", "state", "id"),
)

# What Amazon tells about buyers, sealed, apart from everything else, until ``delete_after``.
buyer_data = Table(
    "buyer_data",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("order_id", Text, primary_key=True),
    Column("kid", Text, nullable=False, index=True),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    Column("delete_after", Instant, nullable=False, index=True),
)

settlements = Table(
    "settlements",
    metadata,
    Column("account", Text, primary_key=True),
    Column("settlement_id", Text, primary_key=True),
    Column("sha256", Text, nullable=False),
    Column("link", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("total", Money, nullable=False),
    Column("main_store", Text),
    Column("facts", Json, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Index(None, "link", "starts_at"),
    Index(None, "link", "state"),
)

# --- what is to exist in a target ---------------------------------------------------------------------------------------

posting_sets = Table(
    "posting_sets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("link", Text, nullable=False),
    Column("connection", Text, nullable=False),
    Column("settlement_id", Text, nullable=False),
    Column("plan_id", Text),
    Column("state", Text, nullable=False),
    Column("basis", Json),
    Column("created_at", Instant, nullable=False),
    Index(None, "link", "settlement_id"),
)

documents = Table(
    "documents",
    metadata,
    Column("key", Text, primary_key=True),
    Column("connection", Text, nullable=False),
    Column("link", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("wire_key", Text, nullable=False),
    Column("set_id", Text, nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("schema", Integer, nullable=False),
    Column("canonical", LargeBinary, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("goal", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("ids", IdsText, nullable=False),
    Column("next_look_at", Instant),
    Column("first_intent_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("posted_at", Instant),
    UniqueConstraint("connection", "kind", "wire_key"),
    Index(None, "connection", "state", "created_at", "set_id", "next_look_at"),
    Index(None, "link", "state", "created_at"),
)

document_lines = Table(
    "document_lines",
    metadata,
    Column("key", Text, ForeignKey("documents.key", ondelete="CASCADE"), primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("category", Text, nullable=False),
    Column("store", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("row_ranges", LargeBinary, nullable=False),
    Column("rows_sha256", Text, nullable=False),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("key", Text, ForeignKey("documents.key"), nullable=False, index=True),
    Column("step", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("holder", Text, nullable=False),
    Column("sent_at", Instant, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("ids", IdsText, nullable=False),
    Column("words", Text, nullable=False),
    Column("closed_at", Instant),
)

order_claims = Table(
    "order_claims",
    metadata,
    Column("account", Text, primary_key=True),
    Column("order_id", Text, primary_key=True),
    Column("policy", Text, nullable=False),
    Column("link", Text, nullable=False),
    Column("settlement_id", Text, nullable=False),
    Column("claimed_at", Instant, nullable=False),
)

plans = Table(
    "plans",
    metadata,
    Column("id", Text, primary_key=True),
    Column("link", Text, nullable=False),
    Column("flow", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("inputs", Json, nullable=False),
    Column("content", Json, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("decided_at", Instant),
    Column("decided_by", Text, nullable=False),
    Index(None, "link", "flow", "created_at"),
)

proofs = Table(
    "proofs",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("account", Text, nullable=False),
    Column("settlement_id", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("proved", Boolean, nullable=False),
    Column("content", Json, nullable=False),
    Column("audit_head", Text, nullable=False),
    Index(None, "account", "settlement_id"),
)

# --- who may act, how often, from where, when ---------------------------------------------------------------------------

leases = Table(
    "leases",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("until", Instant, nullable=False),
)

buckets = Table(
    "buckets",
    metadata,
    Column("account", Text, primary_key=True),
    Column("operation", Text, primary_key=True),
    Column("tokens", Float, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("rate", Float, nullable=False),
    Column("burst", Integer, nullable=False),
    Column("corrected", Boolean, nullable=False),
)

watermarks = Table(
    "watermarks",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("flow", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("updated_at", Instant, nullable=False),
)

schedules = Table(
    "schedules",
    metadata,
    Column("link", Text, primary_key=True),
    Column("flow", Text, primary_key=True),
    Column("every_s", Integer, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("enabled", Boolean, nullable=False),
)

slices = Table(
    "slices",
    metadata,
    Column("id", Text, primary_key=True),
    Column("connection", Text, nullable=False),
    Column("flow", Text, nullable=False),
    Column("link", Text, nullable=False),
    Column("slot", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("cancel_requested", Boolean, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("result", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("ended_at", Instant),
    UniqueConstraint("link", "flow", "slot"),
    Index(None, "state", "created_at"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("link", Text, nullable=False),
    Column("flow", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("state", Text, nullable=False),
    Column("done", Integer, nullable=False),
    Column("total", Integer),
    Column("code", Text, nullable=False),
    Column("words", Text, nullable=False),
    Index(None, "link", "flow", "started_at"),
)

# --- what happened ------------------------------------------------------------------------------------------------------

# ``seq`` is given by the chain, never by the database: a gap would be a break.
audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("subject", Text, nullable=False, index=True),
    Column("data", Text, nullable=False),
    Column("previous_mac", Text, nullable=False),
    Column("mac", Text, nullable=False),
)
