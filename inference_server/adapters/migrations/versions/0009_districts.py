"""Tokens that reach some districts only, and which cases a frame is evidence of."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and the index."""
    op.add_column("tokens", sa.Column("districts", sa.JSON()))
    op.create_index("ix_evidence_frame_id", "evidence", ["frame_id"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_evidence_frame_id", "evidence")
    op.drop_column("tokens", "districts")
