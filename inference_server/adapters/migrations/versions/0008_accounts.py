"""Accounts of the console, their sessions, and how often somebody tried to sign in."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "accounts",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("districts", sa.JSON()),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("name", name="pk_accounts"),
    )
    op.create_table(
        "console_sessions",
        sa.Column("secret_sha256", sa.String(), nullable=False),
        sa.Column("account", sa.String()),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("secret_sha256", name="pk_console_sessions"),
        sa.ForeignKeyConstraint(
            ["account"],
            ["accounts.name"],
            name="fk_console_sessions_account",
            deferrable=True,
            initially="DEFERRED",
        ),
    )
    op.create_index("ix_console_sessions_account", "console_sessions", ["account"])
    op.create_table(
        "sign_in_tries",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("level", sa.Float(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_sign_in_tries"),
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("sign_in_tries", "console_sessions", "accounts"):
        op.drop_table(table)
