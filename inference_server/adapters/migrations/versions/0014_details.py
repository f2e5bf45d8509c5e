"""Deleting the details of frames by age."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, and the index of the frames that have details: all that were analysed so far."""
    op.add_column("frames", sa.Column("details_since", sa.DateTime(timezone=True)))
    op.add_column("frames", sa.Column("details_deleted_at", sa.DateTime(timezone=True)))
    op.execute("UPDATE frames SET details_since = analysed_at")
    only = sa.text("details_since IS NOT NULL")
    op.create_index("ix_frames_details_since", "frames", ["details_since"], sqlite_where=only, postgresql_where=only)


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_frames_details_since", "frames")
    op.drop_column("frames", "details_deleted_at")
    op.drop_column("frames", "details_since")
