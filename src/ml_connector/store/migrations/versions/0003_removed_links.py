"""A removed link stays known: proofs of what it posted need its settings, mappings and opening sheets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_INSTANT = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    op.add_column("links", sa.Column("removed_at", _INSTANT, nullable=True))
