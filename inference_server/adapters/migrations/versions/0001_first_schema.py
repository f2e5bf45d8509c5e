"""The first schema."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make all tables."""
    for make in MAKERS.values():
        make()


def downgrade() -> None:
    """Drop all tables, last made first."""
    for name in reversed(MAKERS):
        op.drop_table(name)


def columns(kind: Any, *names: str) -> list[sa.Column[Any]]:
    """Columns of one type that always hold a value."""
    return [sa.Column(name, kind, nullable=False) for name in names]


def optional(kind: Any, *names: str) -> list[sa.Column[Any]]:
    """Columns of one type that may be empty."""
    return [sa.Column(name, kind, nullable=True) for name in names]


def moment() -> sa.DateTime:
    """The type of a time."""
    return sa.DateTime(timezone=True)


def row_number() -> Any:
    """The type of a key that the database counts up."""
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def only(condition: str) -> dict[str, Any]:
    """The condition of a partial index."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def _frames() -> None:
    op.create_table(
        "frames",
        sa.Column("arrival", row_number(), autoincrement=True, nullable=False),
        *columns(sa.String(), "id", "device", "camera"),
        *columns(sa.BigInteger(), "seq"),
        *columns(moment(), "taken_at", "claimed_at", "received_at"),
        *columns(sa.String(), "sha256"),
        *columns(sa.BigInteger(), "size_bytes"),
        *columns(sa.String(), "content_type"),
        *columns(sa.Float(), "clock_skew_s"),
        *optional(sa.Float(), "lat", "lon", "accuracy_m", "heading_deg", "speed_kmh"),
        *optional(sa.String(), "campaign"),
        *columns(sa.String(), "state"),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        *optional(moment(), "analysed_at"),
        *optional(sa.String(), "drop_reason"),
        *optional(sa.JSON(), "drop_numbers"),
        *optional(sa.Float(), "sharpness", "brightness"),
        *optional(sa.LargeBinary(), "thumbnail"),
        *optional(sa.Integer(), "width_px", "height_px"),
        *optional(sa.JSON(), "ground_view", "absences"),
        *optional(sa.String(), "model_version", "policy_hash", "pass_id"),
        sa.PrimaryKeyConstraint("arrival", name="pk_frames"),
        sa.UniqueConstraint(
            "device", "camera", "claimed_at", "sha256", name="uq_frames_device_camera_claimed_at_sha256"
        ),
        sa.UniqueConstraint("id", name="uq_frames_id"),
    )
    op.create_index("ix_frames_camera_state_taken_at", "frames", ["camera", "state", "taken_at"])
    op.create_index("ix_frames_outcome", "frames", ["drop_reason", "state"])
    op.create_index(
        "ix_frames_queued", "frames", ["arrival", "camera", "size_bytes", "state"], **only("state = 'queued'")
    )
    op.create_index("ix_frames_queued_of_camera", "frames", ["camera", "arrival"], **only("state = 'queued'"))
    op.create_index("ix_frames_taken_at", "frames", ["taken_at"])
    op.create_index("ix_frames_with_fix", "frames", ["camera", "taken_at"], **only("lat IS NOT NULL"))


def _detections() -> None:
    op.create_table(
        "detections",
        *columns(sa.String(), "frame_id"),
        sa.Column("index", sa.Integer(), autoincrement=False, nullable=False),
        *columns(sa.String(), "class_name"),
        *columns(sa.Float(), "score"),
        *optional(sa.Float(), "probability"),
        *columns(sa.Float(), "x1", "y1", "x2", "y2"),
        *columns(sa.String(), "outcome"),
        *optional(sa.String(), "drop_reason"),
        *optional(sa.JSON(), "drop_numbers"),
        *optional(sa.Float(), "lat", "lon", "radius_m", "bearing_deg"),
        *optional(sa.String(), "track_id", "candidate_id", "case_id"),
        *columns(sa.Boolean(), "sampled_for_review"),
        sa.ForeignKeyConstraint(
            ["frame_id"], ["frames.id"], name="fk_detections_frame_id", initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("frame_id", "index", name="pk_detections"),
    )
    op.create_index("ix_detections_case_id", "detections", ["case_id"], **only("case_id IS NOT NULL"))


def _leases() -> None:
    op.create_table(
        "leases",
        *columns(sa.String(), "name", "owner"),
        *columns(moment(), "expires_at"),
        *optional(sa.String(), "frame_id"),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )


def _passes() -> None:
    op.create_table(
        "passes",
        *columns(sa.String(), "id", "camera"),
        *columns(moment(), "started_at", "last_at"),
        *columns(sa.Float(), "last_lat", "last_lon"),
        *columns(sa.Text(), "ties"),
        sa.PrimaryKeyConstraint("id", name="pk_passes"),
    )
    op.create_index("ix_passes_camera_last_at", "passes", ["camera", "last_at"])


def _tracks() -> None:
    op.create_table(
        "tracks",
        *columns(sa.String(), "id", "pass_id"),
        *columns(moment(), "last_at"),
        *optional(sa.String(), "candidate_id"),
        *columns(sa.Text(), "document"),
        sa.PrimaryKeyConstraint("id", name="pk_tracks"),
    )
    op.create_index("ix_tracks_candidate_id", "tracks", ["candidate_id"], **only("candidate_id IS NOT NULL"))
    op.create_index("ix_tracks_pass_id_last_at", "tracks", ["pass_id", "last_at"])


def _candidates() -> None:
    op.create_table(
        "candidates",
        *columns(sa.String(), "id"),
        *columns(sa.BigInteger(), "cell"),
        *columns(sa.String(), "class_group"),
        *columns(moment(), "last_at"),
        *optional(sa.String(), "case_id"),
        *columns(sa.Text(), "document"),
        sa.PrimaryKeyConstraint("id", name="pk_candidates"),
    )
    op.create_index("ix_candidates_cell", "candidates", ["cell"])


def _cells() -> None:
    op.create_table(
        "cells",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cells"),
    )


def _cases() -> None:
    op.create_table(
        "cases",
        sa.Column("sequence", row_number(), autoincrement=True, nullable=False),
        *columns(sa.String(), "id", "candidate_id", "state"),
        *columns(sa.Boolean(), "is_open"),
        *columns(sa.String(), "class_name", "standard", "kind", "code", "name"),
        *optional(sa.String(), "grid"),
        *columns(sa.JSON(), "grid_candidates"),
        *columns(sa.Boolean(), "on_border"),
        *columns(sa.Float(), "lat", "lon", "cov_ee_m2", "cov_en_m2", "cov_nn_m2"),
        *columns(sa.String(), "source"),
        *optional(sa.String(), "external_number"),
        *columns(moment(), "filed_at", "changed_at"),
        *optional(moment(), "deadline_at"),
        *columns(sa.Integer(), "reopened", "absences", "sightings", "observations"),
        *columns(sa.Float(), "score"),
        *optional(sa.Float(), "probability"),
        *optional(sa.String(), "campaign"),
        *columns(sa.String(), "model_version", "policy_hash"),
        *columns(sa.JSON(), "state_times"),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["candidates.id"], name="fk_cases_candidate_id", initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("sequence", name="pk_cases"),
        sa.UniqueConstraint("id", name="uq_cases_id"),
    )
    op.create_index("ix_cases_candidate_id", "cases", ["candidate_id"])
    op.create_index("ix_cases_external_number", "cases", ["external_number"], **only("external_number IS NOT NULL"))
    op.create_index("ix_cases_filed_at_id", "cases", ["filed_at", "id"])
    op.create_index("ix_cases_grid", "cases", ["grid"])
    op.create_index("ix_cases_state", "cases", ["state"])
    op.create_index("uq_cases_one_open_per_candidate", "cases", ["candidate_id"], unique=True, **only("is_open"))


def _case_moves() -> None:
    op.create_table(
        "case_moves",
        sa.Column("sequence", row_number(), autoincrement=True, nullable=False),
        *columns(sa.String(), "case_id"),
        *columns(moment(), "at"),
        *optional(sa.String(), "from_state"),
        *columns(sa.String(), "to_state", "by"),
        *optional(sa.String(), "reason"),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.id"], name="fk_case_moves_case_id", initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("sequence", name="pk_case_moves"),
    )
    op.create_index("ix_case_moves_case_id", "case_moves", ["case_id"])


def _sightings() -> None:
    op.create_table(
        "sightings",
        *columns(sa.String(), "case_id", "track_id", "frame_id"),
        *columns(moment(), "taken_at"),
        *optional(sa.Float(), "lat", "lon"),
        *columns(sa.Float(), "score"),
        *columns(sa.Boolean(), "moved_case"),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.id"], name="fk_sightings_case_id", initially="DEFERRED", deferrable=True
        ),
        sa.ForeignKeyConstraint(
            ["frame_id"], ["frames.id"], name="fk_sightings_frame_id", initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("case_id", "track_id", name="pk_sightings"),
    )


def _views() -> None:
    op.create_table(
        "views",
        *columns(sa.String(), "pass_id", "case_id"),
        *columns(sa.Integer(), "clear_frames"),
        *columns(sa.Boolean(), "was_seen"),
        *optional(moment(), "absence_at"),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.id"], name="fk_views_case_id", initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("pass_id", "case_id", name="pk_views"),
    )


def _evidence() -> None:
    op.create_table(
        "evidence",
        *columns(sa.String(), "case_id", "kind", "frame_id", "sha256"),
        *columns(sa.JSON(), "box"),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.id"], name="fk_evidence_case_id", initially="DEFERRED", deferrable=True
        ),
        sa.ForeignKeyConstraint(
            ["frame_id"], ["frames.id"], name="fk_evidence_frame_id", initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("case_id", "kind", name="pk_evidence"),
    )
    op.create_index("ix_evidence_sha256", "evidence", ["sha256"])


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("sequence", row_number(), autoincrement=True, nullable=False),
        *columns(sa.String(), "id", "type", "subject"),
        *columns(moment(), "occurred_at"),
        *columns(sa.JSON(), "data"),
        *columns(sa.String(), "status"),
        *columns(sa.Integer(), "attempts"),
        *columns(moment(), "next_attempt_at"),
        *optional(sa.String(), "last_error"),
        *optional(moment(), "sent_at"),
        sa.PrimaryKeyConstraint("sequence", name="pk_events"),
        sa.UniqueConstraint("id", name="uq_events_id"),
    )
    op.create_index("ix_events_pending", "events", ["sequence"], **only("status = 'pending'"))
    op.create_index("ix_events_pending_of_subject", "events", ["subject", "sequence"], **only("status = 'pending'"))
    op.create_index("ix_events_status", "events", ["status"])


def _reviews() -> None:
    op.create_table(
        "reviews",
        *columns(sa.String(), "id", "kind"),
        *columns(moment(), "created_at"),
        *columns(sa.String(), "frame_id", "class_name"),
        *columns(sa.Float(), "score"),
        *columns(sa.JSON(), "box"),
        *optional(sa.String(), "candidate_id"),
        sa.ForeignKeyConstraint(
            ["frame_id"], ["frames.id"], name="fk_reviews_frame_id", initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("id", name="pk_reviews"),
    )
    op.create_index("ix_reviews_created_at", "reviews", ["created_at"])


def _grids() -> None:
    op.create_table(
        "grids",
        *columns(sa.String(), "id"),
        *columns(sa.Date(), "valid_from"),
        *optional(sa.Date(), "valid_until"),
        *columns(sa.String(), "source", "district_code", "name"),
        *columns(sa.LargeBinary(), "polygon"),
        sa.PrimaryKeyConstraint("id", "valid_from", name="pk_grids"),
    )
    op.create_index("ix_grids_source", "grids", ["source"])


def _devices() -> None:
    op.create_table(
        "devices",
        *columns(sa.String(), "id", "name"),
        *columns(moment(), "created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_devices"),
    )


def _cameras() -> None:
    op.create_table(
        "cameras",
        *columns(sa.String(), "device", "name"),
        *columns(sa.Float(), "lag_s"),
        *optional(sa.JSON(), "mount", "lens"),
        sa.ForeignKeyConstraint(
            ["device"], ["devices.id"], name="fk_cameras_device", initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("device", "name", name="pk_cameras"),
    )


def _tokens() -> None:
    op.create_table(
        "tokens",
        *columns(sa.String(), "id", "name"),
        *columns(sa.JSON(), "scopes"),
        *optional(sa.String(), "device"),
        *columns(sa.String(), "secret_sha256"),
        *columns(moment(), "created_at"),
        *optional(moment(), "expires_at", "revoked_at"),
        sa.ForeignKeyConstraint(
            ["device"], ["devices.id"], name="fk_tokens_device", initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.UniqueConstraint("secret_sha256", name="uq_tokens_secret_sha256"),
    )


MAKERS = {
    "frames": _frames,
    "detections": _detections,
    "leases": _leases,
    "passes": _passes,
    "tracks": _tracks,
    "candidates": _candidates,
    "cells": _cells,
    "cases": _cases,
    "case_moves": _case_moves,
    "sightings": _sightings,
    "views": _views,
    "evidence": _evidence,
    "events": _events,
    "reviews": _reviews,
    "grids": _grids,
    "devices": _devices,
    "cameras": _cameras,
    "tokens": _tokens,
}
