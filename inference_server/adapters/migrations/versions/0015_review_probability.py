"""The calibrated probability of what people are asked about."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what was asked before has none."""
    op.add_column("reviews", sa.Column("probability", sa.Float()))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("reviews", "probability")
