"""Verifications of reported fixes, and the switches of closing."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables; events may have an address of their own."""
    op.add_column("events", sa.Column("target", sa.String(), nullable=True))
    op.create_table(
        "verifications",
        sa.Column("sequence", _row_number(), autoincrement=True, nullable=False),
        *_columns(sa.String(), "id", "caller", "key", "body_sha256"),
        *_optional(sa.String(), "case_id"),
        *_columns(sa.String(), "state"),
        *_columns(sa.DateTime(timezone=True), "created_at"),
        *_optional(sa.String(), "code", "district", "decision", "proposed"),
        *_columns(sa.Boolean(), "is_spot_check", "awaits_person"),
        *_columns(sa.JSON(), "request"),
        *_optional(sa.JSON(), "verdict"),
        *_optional(sa.String(), "fault", "says", "answered_by"),
        *_optional(sa.DateTime(timezone=True), "answered_at"),
        *_optional(sa.Boolean(), "is_blind"),
        *_optional(sa.String(), "answer_reason"),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.id"], name="fk_verifications_case_id", initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("sequence", name="pk_verifications"),
        sa.UniqueConstraint("id", name="uq_verifications_id"),
        sa.UniqueConstraint("caller", "key", name="uq_verifications_caller_key"),
    )
    for name, columns, condition in _INDICES:
        op.create_index(name, "verifications", columns, **_only(condition))
    op.create_table(
        "closing_switches",
        sa.Column("sequence", _row_number(), autoincrement=True, nullable=False),
        *_columns(sa.String(), "scope"),
        *_columns(sa.Boolean(), "is_off"),
        *_columns(sa.String(), "why", "by"),
        *_columns(sa.DateTime(timezone=True), "at"),
        sa.PrimaryKeyConstraint("sequence", name="pk_closing_switches"),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("closing_switches")
    op.drop_table("verifications")
    op.drop_column("events", "target")


_INDICES = (
    ("ix_verifications_waiting", ["sequence"], "state = 'waiting'"),
    ("ix_verifications_awaiting_person", ["sequence"], "awaits_person"),
    ("ix_verifications_case_id", ["case_id"], "case_id IS NOT NULL"),
    ("ix_verifications_checks", ["code", "answered_at"], "proposed = 'close' AND says IS NOT NULL"),
)


def _columns(kind: Any, *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False) for name in names]


def _optional(kind: Any, *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=True) for name in names]


def _row_number() -> Any:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _only(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}
