"""Parts of a camera's picture that are blacked out."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("cameras", sa.Column("masks", sa.JSON()))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("cameras", "masks")
