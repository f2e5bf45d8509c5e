"""All tables of the record, for SQLite and PostgreSQL alike. The migrations make exactly these; a test compares them.

Promises are kept by the database, not by an `if`: one frame per key, one open case per candidate, one sighting per case
and track. Foreign keys are checked at commit, so that a transaction may write in the order of its story.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from inference_server.adapters.column_types import Bytes, Json, RowNumber, UtcTime

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMES)


def _to(target: str) -> ForeignKey:
    return ForeignKey(target, deferrable=True, initially="DEFERRED")


def _only(condition: str) -> dict[str, Any]:
    """The condition of a partial index, in both dialects."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


frames = Table(
    "frames",
    metadata,
    Column("arrival", RowNumber, primary_key=True, autoincrement=True),
    Column("id", String, nullable=False, unique=True),
    Column("device", String, nullable=False),
    Column("camera", String, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("taken_at", UtcTime, nullable=False),
    Column("claimed_at", UtcTime, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("sha256", String, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("content_type", String, nullable=False),
    Column("clock_skew_s", Float, nullable=False),
    Column("lat", Float),
    Column("lon", Float),
    Column("accuracy_m", Float),
    Column("heading_deg", Float),
    Column("speed_kmh", Float),
    Column("campaign", String),
    Column("state", String, nullable=False),  # queued | analysed | dropped
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("analysed_at", UtcTime),
    Column("drop_reason", String),
    Column("drop_numbers", Json),
    Column("sharpness", Float),
    Column("brightness", Float),
    Column("thumbnail", Bytes),
    Column("width_px", Integer),
    Column("height_px", Integer),
    Column("ground_view", Json),
    Column("absences", Json),
    Column("model_version", String),
    Column("policy_hash", String),
    Column("pass_id", String),
    Column("details_since", UtcTime),  # from when their time counts; NULL: there are none
    Column("details_deleted_at", UtcTime),
    UniqueConstraint("device", "camera", "claimed_at", "sha256"),
    Index("ix_frames_queued", "arrival", "camera", "size_bytes", "state", **_only("state = 'queued'")),
    Index("ix_frames_queued_of_camera", "camera", "arrival", **_only("state = 'queued'")),
    Index("ix_frames_with_fix", "camera", "taken_at", **_only("lat IS NOT NULL")),
    Index("ix_frames_camera_state_taken_at", "camera", "state", "taken_at"),
    Index("ix_frames_taken_at", "taken_at"),
    Index("ix_frames_sha256", "sha256"),
    Index("ix_frames_details_since", "details_since", **_only("details_since IS NOT NULL")),
    Index("ix_frames_outcome", "drop_reason", "state"),  # state first would draw the queue's questions to itself
)

detections = Table(
    "detections",
    metadata,
    Column("frame_id", String, _to("frames.id"), primary_key=True),
    Column("index", Integer, primary_key=True, autoincrement=False),
    Column("class_name", String, nullable=False),
    Column("score", Float, nullable=False),
    Column("probability", Float),
    Column("x1", Float, nullable=False),
    Column("y1", Float, nullable=False),
    Column("x2", Float, nullable=False),
    Column("y2", Float, nullable=False),
    Column("outcome", String, nullable=False),
    Column("drop_reason", String),
    Column("drop_numbers", Json),
    Column("lat", Float),
    Column("lon", Float),
    Column("radius_m", Float),
    Column("bearing_deg", Float),
    Column("track_id", String),
    Column("candidate_id", String),
    Column("case_id", String),
    Column("sampled_for_review", Boolean, nullable=False),
    Index("ix_detections_case_id", "case_id", **_only("case_id IS NOT NULL")),
)

# Who works on which camera, and who delivers events: `name` is a camera's id or a word of ours with a colon in front.
leases = Table(
    "leases",
    metadata,
    Column("name", String, primary_key=True),
    Column("owner", String, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("frame_id", String),
)

# Worker processes that have told of themselves lately; `name` is the owner of their leases.
workers = Table(
    "workers",
    metadata,
    Column("name", String, primary_key=True),
    Column("host", String, nullable=False),
    Column("threads", Integer, nullable=False),
    Column("busy_s", Float, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
)

passes = Table(
    "passes",
    metadata,
    Column("id", String, primary_key=True),
    Column("camera", String, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("last_at", UtcTime, nullable=False),
    Column("last_lat", Float, nullable=False),
    Column("last_lon", Float, nullable=False),
    Column("ties", Text, nullable=False),
    Index("ix_passes_camera_last_at", "camera", "last_at"),
)

tracks = Table(
    "tracks",
    metadata,
    Column("id", String, primary_key=True),
    Column("pass_id", String, nullable=False),
    Column("last_at", UtcTime, nullable=False),
    Column("candidate_id", String),
    Column("document", Text, nullable=False),
    Index("ix_tracks_pass_id_last_at", "pass_id", "last_at"),
    Index("ix_tracks_candidate_id", "candidate_id", **_only("candidate_id IS NOT NULL")),
)

candidates = Table(
    "candidates",
    metadata,
    Column("id", String, primary_key=True),
    Column("cell", BigInteger, nullable=False),
    Column("class_group", String, nullable=False),
    Column("last_at", UtcTime, nullable=False),
    Column("case_id", String),
    Column("document", Text, nullable=False),
    Index("ix_candidates_cell", "cell"),
)

# A row is a lock: proximity is no unique key, so work on a place holds the rows of its cells.
cells = Table("cells", metadata, Column("id", BigInteger, primary_key=True, autoincrement=False))

cases = Table(
    "cases",
    metadata,
    Column("sequence", RowNumber, primary_key=True, autoincrement=True),
    Column("id", String, nullable=False, unique=True),
    Column("candidate_id", String, _to("candidates.id"), nullable=False),
    Column("state", String, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("class_name", String, nullable=False),
    Column("standard", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("code", String, nullable=False),
    Column("name", String, nullable=False),
    Column("grid", String),
    Column("grid_candidates", Json, nullable=False),
    Column("on_border", Boolean, nullable=False),
    Column("lat", Float, nullable=False),
    Column("lon", Float, nullable=False),
    Column("cov_ee_m2", Float, nullable=False),
    Column("cov_en_m2", Float, nullable=False),
    Column("cov_nn_m2", Float, nullable=False),
    Column("source", String, nullable=False),
    Column("external_number", String),
    Column("filed_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("deadline_at", UtcTime),
    Column("reopened", Integer, nullable=False),
    Column("absences", Integer, nullable=False),
    Column("sightings", Integer, nullable=False),
    Column("observations", Integer, nullable=False),
    Column("score", Float, nullable=False),
    Column("probability", Float),
    Column("campaign", String),
    Column("model_version", String, nullable=False),
    Column("policy_hash", String, nullable=False),
    Column("state_times", Json, nullable=False),
    Index("uq_cases_one_open_per_candidate", "candidate_id", unique=True, **_only("is_open")),
    Index("ix_cases_candidate_id", "candidate_id"),
    Index("ix_cases_filed_at_id", "filed_at", "id"),
    Index("ix_cases_state", "state"),
    Index("ix_cases_grid", "grid"),
    Index("ix_cases_external_number", "external_number", **_only("external_number IS NOT NULL")),
)

case_moves = Table(
    "case_moves",
    metadata,
    Column("sequence", RowNumber, primary_key=True, autoincrement=True),
    Column("case_id", String, _to("cases.id"), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("from_state", String),
    Column("to_state", String, nullable=False),
    Column("by", String, nullable=False),
    Column("reason", String),
    Index("ix_case_moves_case_id", "case_id"),
)

sightings = Table(
    "sightings",
    metadata,
    Column("case_id", String, _to("cases.id"), primary_key=True),
    Column("track_id", String, primary_key=True),
    Column("frame_id", String, _to("frames.id"), nullable=False),
    Column("taken_at", UtcTime, nullable=False),
    Column("lat", Float),
    Column("lon", Float),
    Column("score", Float, nullable=False),
    Column("moved_case", Boolean, nullable=False),
)

views = Table(
    "views",
    metadata,
    Column("pass_id", String, primary_key=True),
    Column("case_id", String, _to("cases.id"), primary_key=True),
    Column("clear_frames", Integer, nullable=False),
    Column("was_seen", Boolean, nullable=False),
    Column("absence_at", UtcTime),
)

# Which photographs have been described for a later verification; without `look_sha256`: they cannot be.
kept_looks = Table(
    "kept_looks",
    metadata,
    Column("photo_sha256", String, primary_key=True),
    Column("version", String, primary_key=True),
    Column("look_sha256", String),
)

evidence = Table(
    "evidence",
    metadata,
    Column("case_id", String, _to("cases.id"), primary_key=True),
    Column("kind", String, primary_key=True),
    Column("frame_id", String, _to("frames.id"), nullable=False),
    Column("sha256", String, nullable=False),
    Column("box", Json, nullable=False),
    Index("ix_evidence_sha256", "sha256"),
    Index("ix_evidence_frame_id", "frame_id"),
)

events = Table(
    "events",
    metadata,
    Column("sequence", RowNumber, primary_key=True, autoincrement=True),
    Column("id", String, nullable=False, unique=True),
    Column("type", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("occurred_at", UtcTime, nullable=False),
    Column("data", Json, nullable=False),
    Column("target", String),  # a callback's address; NULL: the city's webhook
    Column("status", String, nullable=False),  # pending | sent | dead
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", UtcTime, nullable=False),
    Column("last_error", String),
    Column("sent_at", UtcTime),
    Index("ix_events_pending", "sequence", **_only("status = 'pending'")),
    Index("ix_events_pending_of_subject", "subject", "sequence", **_only("status = 'pending'")),
    Index("ix_events_status", "status"),
)

# What people tell of things on the street; without a case: nobody knows yet where it is.
tips = Table(
    "tips",
    metadata,
    Column("id", String, primary_key=True),
    Column("caller", String, nullable=False),  # id of the token
    Column("key", String),
    Column("fingerprint", String, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("class_name", String, nullable=False),
    Column("lat", Float),
    Column("lon", Float),
    Column("sigma_m", Float, nullable=False),
    Column("address", String),
    Column("description", String),
    Column("media_url", String),
    Column("case_id", String, _to("cases.id")),
    UniqueConstraint("caller", "key"),
    Index("ix_tips_fingerprint", "fingerprint"),
    Index("ix_tips_case_id", "case_id"),
    Index("ix_tips_unplaced", "received_at", **_only("case_id IS NULL")),
)

reviews = Table(
    "reviews",
    metadata,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("frame_id", String, _to("frames.id"), nullable=False),
    Column("class_name", String, nullable=False),
    Column("score", Float, nullable=False),
    Column("probability", Float),
    Column("box", Json, nullable=False),
    Column("candidate_id", String),
    Column("case_id", String),
    Index("ix_reviews_created_at", "created_at"),
)

# Only added to; taking an answer back fills the last two columns.
review_answers = Table(
    "review_answers",
    metadata,
    Column("sequence", RowNumber, primary_key=True, autoincrement=True),
    Column("review_id", String, _to("reviews.id"), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("by", String, nullable=False),
    Column("verdict", String, nullable=False),
    Column("class_name", String),
    Column("box", Json),
    Column("reason", String),
    Column("moved_to", String),
    Column("undone_at", UtcTime),
    Column("undone_by", String),
    Index("ix_review_answers_review_id", "review_id"),
    Index("uq_review_answers_one_standing", "review_id", "by", unique=True, **_only("undone_at IS NULL")),
)

shadow_looks = Table(
    "shadow_looks",
    metadata,
    Column("frame_id", String, _to("frames.id"), primary_key=True),
    Column("shadow_version", String, primary_key=True),
    Column("live_version", String, nullable=False),
    Column("looked_at", UtcTime, nullable=False),
    Index("ix_shadow_looks_live_version", "live_version", "shadow_version", "looked_at"),
)

shadow_finds = Table(
    "shadow_finds",
    metadata,
    Column("frame_id", String, primary_key=True),
    Column("shadow_version", String, primary_key=True),
    Column("index", Integer, primary_key=True, autoincrement=False),
    Column("class_name", String, nullable=False),
    Column("agreement", String, nullable=False),
    Column("live_score", Float),
    Column("shadow_score", Float),
    Column("box", Json, nullable=False),
)

verifications = Table(
    "verifications",
    metadata,
    Column("sequence", RowNumber, primary_key=True, autoincrement=True),
    Column("id", String, nullable=False, unique=True),
    Column("caller", String, nullable=False),
    Column("key", String, nullable=False),
    Column("body_sha256", String, nullable=False),
    Column("case_id", String, _to("cases.id")),
    Column("state", String, nullable=False),  # waiting | done | failed
    Column("created_at", UtcTime, nullable=False),
    Column("code", String),  # from here on: of the verdict
    Column("district", String),
    Column("decision", String),
    Column("proposed", String),
    Column("is_spot_check", Boolean, nullable=False),
    Column("awaits_person", Boolean, nullable=False),
    Column("request", Json, nullable=False),
    Column("verdict", Json),
    Column("fault", String),
    Column("says", String),  # from here on: of the person
    Column("answered_by", String),
    Column("answered_at", UtcTime),
    Column("is_blind", Boolean),
    Column("answer_reason", String),
    UniqueConstraint("caller", "key"),
    Index("ix_verifications_waiting", "sequence", **_only("state = 'waiting'")),
    Index("ix_verifications_awaiting_person", "sequence", **_only("awaits_person")),
    Index("ix_verifications_case_id", "case_id", **_only("case_id IS NOT NULL")),
    Index("ix_verifications_checks", "code", "answered_at", **_only("proposed = 'close' AND says IS NOT NULL")),
)

# Which pictures a verification was asked about or has made: what else would tell that a stored picture is needed.
verification_pictures = Table(
    "verification_pictures",
    metadata,
    Column("sha256", String, primary_key=True),
    Column("verification_id", String, _to("verifications.id"), primary_key=True),
)

# Pictures that are to be deleted (`deleted_at` NULL), or were; `rule` is the rule of the policy with its number.
deletions = Table(
    "deletions",
    metadata,
    Column("sha256", String, primary_key=True),
    Column("rule", String, nullable=False),
    Column("policy_hash", String, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("stored_at", UtcTime, nullable=False),
    Column("marked_at", UtcTime, nullable=False),
    Column("deleted_at", UtcTime),
    Index("ix_deletions_marked", "marked_at", **_only("deleted_at IS NULL")),
)

# Keys that have sealed pictures, by what tells them apart; never a key.
picture_keys = Table(
    "picture_keys",
    metadata,
    Column("id", String, primary_key=True),
    Column("fingerprint", String, nullable=False),
    Column("first_used_at", UtcTime, nullable=False),
    Column("retired_at", UtcTime),
)

# Legal holds: of a case, or of the frames of a device in some time.
holds = Table(
    "holds",
    metadata,
    Column("sequence", RowNumber, primary_key=True, autoincrement=True),
    Column("id", String, nullable=False, unique=True),
    Column("case_id", String, _to("cases.id")),
    Column("device", String),
    Column("since", UtcTime),
    Column("until", UtcTime),
    Column("at", UtcTime, nullable=False),
    Column("by", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("lifted_at", UtcTime),
    Column("lifted_by", String),
    Column("lift_reason", String),
    Index("ix_holds_standing", "sequence", **_only("lifted_at IS NULL")),
    Index("ix_holds_case_id", "case_id", **_only("case_id IS NOT NULL")),
)

# Who switched closing off or on: the latest line of a scope holds.
closing_switches = Table(
    "closing_switches",
    metadata,
    Column("sequence", RowNumber, primary_key=True, autoincrement=True),
    Column("scope", String, nullable=False),
    Column("is_off", Boolean, nullable=False),
    Column("why", String, nullable=False),
    Column("by", String, nullable=False),
    Column("at", UtcTime, nullable=False),
)

grids = Table(
    "grids",
    metadata,
    Column("id", String, primary_key=True),
    Column("valid_from", Date, primary_key=True),
    Column("valid_until", Date),
    Column("source", String, nullable=False),
    Column("district_code", String, nullable=False),
    Column("name", String, nullable=False),
    Column("polygon", Bytes, nullable=False),  # well-known binary, x = lon, y = lat, WGS84
    Index("ix_grids_source", "source"),
)

devices = Table(
    "devices",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)

cameras = Table(
    "cameras",
    metadata,
    Column("device", String, _to("devices.id"), primary_key=True),
    Column("name", String, primary_key=True),
    Column("lag_s", Float, nullable=False),
    Column("mount", Json),
    Column("lens", Json),
    Column("masks", Json),  # NULL: none
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("scopes", Json, nullable=False),
    Column("device", String, _to("devices.id")),
    Column("districts", Json),  # NULL: the whole city
    Column("secret_sha256", String, nullable=False, unique=True),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),
    Column("revoked_at", UtcTime),
)

accounts = Table(
    "accounts",
    metadata,
    Column("name", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("districts", Json),  # NULL: the whole city
    Column("password_hash", String, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("disabled_at", UtcTime),
)

# Of the cookie only its hash; without an account: of who came with the one-time token of the start.
console_sessions = Table(
    "console_sessions",
    metadata,
    Column("secret_sha256", String, primary_key=True),
    Column("account", String, _to("accounts.name")),
    Column("began_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Index("ix_console_sessions_account", "account"),
)

# How full the bucket of an account or an address is, and as of when.
sign_in_tries = Table(
    "sign_in_tries",
    metadata,
    Column("name", String, primary_key=True),
    Column("level", Float, nullable=False),
    Column("at", UtcTime, nullable=False),
)

# Only added to: triggers of the migration refuse every change. Each row holds the hash of the one before it.
audit = Table(
    "audit",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("who", String, nullable=False),
    Column("role", String, nullable=False),
    Column("action", String, nullable=False),
    Column("object", String, nullable=False),
    Column("details", Json, nullable=False),
    Column("previous", String, nullable=False, unique=True),
    Column("hash", String, nullable=False),
)

photos = Table(
    "photos",
    metadata,
    Column("number", RowNumber, primary_key=True, autoincrement=True),
    Column("sha256", String, nullable=False),
    Column("case_id", String, nullable=False),  # the case may be the case system's alone: no foreign key
    Column("role", String, nullable=False),  # before | after
    Column("hash", Bytes, nullable=False),
    Column("quality", Integer, nullable=False),
    Column("taken_at", UtcTime),
    Column("seen_at", UtcTime, nullable=False),
    UniqueConstraint("sha256", "case_id", "role"),
)

# The key is 65536 times the number of the slot plus its value. Rows lie in the order of the key, with the hash beside
# it (SQLite: the table is its index; PostgreSQL: the index holds the hash too), so a look-up never leaves the index.
photo_slots = Table(
    "photo_slots",
    metadata,
    Column("key", Integer, nullable=False),
    Column("photo", BigInteger, _to("photos.number"), nullable=False),
    Column("hash", Bytes, nullable=False),
    PrimaryKeyConstraint("key", "photo", postgresql_include=["hash"]),
    sqlite_with_rowid=False,
)
