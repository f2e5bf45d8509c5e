"""Learning from the street: answers of reviewers, and what the candidate model saw."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the case of a review item, and three tables."""
    op.add_column("reviews", sa.Column("case_id", sa.String(), nullable=True))
    _answers()
    _looks()
    _finds()


def downgrade() -> None:
    """Take them away; answers are lost."""
    for name in ("shadow_finds", "shadow_looks", "review_answers"):
        op.drop_table(name)
    op.drop_column("reviews", "case_id")


def _moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _answers() -> None:
    op.create_table(
        "review_answers",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("review_id", sa.String(), nullable=False),
        _moment("at"),
        *[sa.Column(name, sa.String(), nullable=False) for name in ("by", "verdict")],
        sa.Column("class_name", sa.String(), nullable=True),
        sa.Column("box", sa.JSON(), nullable=True),
        *[sa.Column(name, sa.String(), nullable=True) for name in ("reason", "moved_to")],
        _moment("undone_at", nullable=True),
        sa.Column("undone_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["review_id"], ["reviews.id"], name="fk_review_answers_review_id", initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("sequence", name="pk_review_answers"),
    )
    stands = sa.text("undone_at IS NULL")
    op.create_index("ix_review_answers_review_id", "review_answers", ["review_id"])
    op.create_index(
        "uq_review_answers_one_standing",
        "review_answers",
        ["review_id", "by"],
        unique=True,
        sqlite_where=stands,
        postgresql_where=stands,
    )


def _looks() -> None:
    op.create_table(
        "shadow_looks",
        *[sa.Column(name, sa.String(), nullable=False) for name in ("frame_id", "shadow_version", "live_version")],
        _moment("looked_at"),
        sa.ForeignKeyConstraint(
            ["frame_id"], ["frames.id"], name="fk_shadow_looks_frame_id", initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("frame_id", "shadow_version", name="pk_shadow_looks"),
    )
    op.create_index("ix_shadow_looks_live_version", "shadow_looks", ["live_version", "shadow_version", "looked_at"])


def _finds() -> None:
    op.create_table(
        "shadow_finds",
        *[sa.Column(name, sa.String(), nullable=False) for name in ("frame_id", "shadow_version")],
        sa.Column("index", sa.Integer(), autoincrement=False, nullable=False),
        *[sa.Column(name, sa.String(), nullable=False) for name in ("class_name", "agreement")],
        *[sa.Column(name, sa.Float(), nullable=True) for name in ("live_score", "shadow_score")],
        sa.Column("box", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("frame_id", "shadow_version", "index", name="pk_shadow_finds"),
    )
