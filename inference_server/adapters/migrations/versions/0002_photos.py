"""Photographs of cases, and the slots of their hashes."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "photos",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("quality", sa.Integer(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_photos"),
        sa.UniqueConstraint("sha256", "case_id", "role", name="uq_photos_sha256_case_id_role"),
    )
    op.create_table(
        "photo_slots",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("photo", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["photo"], ["photos.number"], name="fk_photo_slots_photo", initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("key", "photo", name="pk_photo_slots", postgresql_include=["hash"]),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Drop both tables."""
    op.drop_table("photo_slots")
    op.drop_table("photos")
