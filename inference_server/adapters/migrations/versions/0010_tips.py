"""What people tell of things on the street."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "tips",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("caller", sa.String(), nullable=False),
        sa.Column("key", sa.String()),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("class_name", sa.String(), nullable=False),
        sa.Column("lat", sa.Float()),
        sa.Column("lon", sa.Float()),
        sa.Column("sigma_m", sa.Float(), nullable=False),
        sa.Column("address", sa.String()),
        sa.Column("description", sa.String()),
        sa.Column("media_url", sa.String()),
        sa.Column("case_id", sa.String()),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.id"], name="fk_tips_case_id", initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("id", name="pk_tips"),
        sa.UniqueConstraint("caller", "key", name="uq_tips_caller_key"),
    )
    op.create_index("ix_tips_fingerprint", "tips", ["fingerprint"])
    op.create_index("ix_tips_case_id", "tips", ["case_id"])
    op.create_index(
        "ix_tips_unplaced",
        "tips",
        ["received_at"],
        sqlite_where=sa.text("case_id IS NULL"),
        postgresql_where=sa.text("case_id IS NULL"),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("tips")
