"""Which photographs before have been described for a later verification."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "kept_looks",
        sa.Column("photo_sha256", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("look_sha256", sa.String()),
        sa.PrimaryKeyConstraint("photo_sha256", "version", name="pk_kept_looks"),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("kept_looks")
