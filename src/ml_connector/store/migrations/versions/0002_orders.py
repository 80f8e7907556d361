"""Versions of records, windows of reading, buyer data."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_INSTANT = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("records", sa.Column("changed_at", _INSTANT, nullable=True))
    op.create_table(
        "record_versions",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("natural_id", sa.Text(), nullable=False),
        sa.Column("changed_at", _INSTANT, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("schema", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("seen_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("connection", "kind", "natural_id", "changed_at", "sha256", name="pk_record_versions"),
    )
    op.create_table(
        "windows",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("starts_at", _INSTANT, nullable=False),
        sa.Column("ends_at", _INSTANT, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reads_to", _INSTANT, nullable=True),
        sa.Column("report_id", sa.Text(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("again", sa.Integer(), nullable=False),
        sa.Column("begun_at", _INSTANT, nullable=False),
        sa.Column("done_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_windows"),
    )
    op.create_index("ix_windows_connection_flow_state_id", "windows", ["connection", "flow", "state", "id"])
    op.create_table(
        "buyer_data",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("delete_after", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("connection", "order_id", name="pk_buyer_data"),
    )
    op.create_index("ix_buyer_data_kid", "buyer_data", ["kid"])
    op.create_index("ix_buyer_data_delete_after", "buyer_data", ["delete_after"])
