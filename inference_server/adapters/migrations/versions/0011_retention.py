"""Deleting pictures by age: what needs a picture, what was deleted, and legal holds."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and fill in which pictures the verifications so far stand on."""
    op.create_index("ix_frames_sha256", "frames", ["sha256"])
    op.create_table(
        "verification_pictures",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("verification_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", "verification_id", name="pk_verification_pictures"),
        sa.ForeignKeyConstraint(
            ["verification_id"],
            ["verifications.id"],
            name="fk_verification_pictures_verification_id",
            deferrable=True,
            initially="DEFERRED",
        ),
    )
    op.create_table(
        "deletions",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("policy_hash", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("sha256", name="pk_deletions"),
    )
    op.create_index("ix_deletions_marked", "deletions", ["marked_at"], **_only("deleted_at IS NULL"))
    _make_holds()
    _fill_in()


def downgrade() -> None:
    """Drop them."""
    for table in ("holds", "deletions", "verification_pictures"):
        op.drop_table(table)
    op.drop_index("ix_frames_sha256", "frames")


def _make_holds() -> None:
    op.create_table(
        "holds",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String()),
        sa.Column("device", sa.String()),
        sa.Column("since", sa.DateTime(timezone=True)),
        sa.Column("until", sa.DateTime(timezone=True)),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True)),
        sa.Column("lifted_by", sa.String()),
        sa.Column("lift_reason", sa.String()),
        sa.PrimaryKeyConstraint("sequence", name="pk_holds"),
        sa.UniqueConstraint("id", name="uq_holds_id"),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.id"], name="fk_holds_case_id", deferrable=True, initially="DEFERRED"
        ),
    )
    op.create_index("ix_holds_standing", "holds", ["sequence"], **_only("lifted_at IS NULL"))
    op.create_index("ix_holds_case_id", "holds", ["case_id"], **_only("case_id IS NOT NULL"))


def _fill_in() -> None:
    """One verification after the other: the pictures stand in two JSON documents of each."""
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT id, request, verdict FROM verifications")).all()
    named = [
        {"sha256": sha256, "wanted": row.id}
        for row in rows
        for sha256 in sorted(_pictures(_read(row.request), _read(row.verdict)))
    ]
    if named:
        insert = sa.text("INSERT INTO verification_pictures (sha256, verification_id) VALUES (:sha256, :wanted)")
        connection.execute(insert, named)


def _read(document: Any) -> dict[str, Any]:
    found = json.loads(document) if isinstance(document, str) else document
    return found or {}


def _pictures(request: dict[str, Any], verdict: dict[str, Any]) -> set[str]:
    photos = [*request.get("photos", ()), *verdict.get("photos", ())]
    return {photo["sha256"] for photo in photos} | {
        verdict[name] for name in ("aligned", "overlay") if verdict.get(name)
    }


def _only(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}
