"""Where things are: read from the environment once, in cli.py, and passed down."""

import os
import sysconfig
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

_SOURCE_TREE = Path(__file__).resolve().parent.parent
_RULES = Path(__file__).resolve().parent / "policy"

Positive = Annotated[int, Field(gt=0)]
Seconds = Annotated[float, Field(gt=0)]


def find_weights() -> Path:
    """The folder of the weights: in the source tree, else where the package's data files were installed."""
    beside = _SOURCE_TREE / "weights"
    return beside if beside.is_dir() else Path(sysconfig.get_path("data")) / "share" / "xuncheng" / "weights"


def usable_cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Settings(BaseSettings):
    """The settings of a server. Each can be set in the environment as XUNCHENG_ and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="XUNCHENG_", extra="forbid", frozen=True)

    data_folder: Path = Field(default=Path("var"), description="folder of the database, the spool and the evidence")
    database_url: str | None = Field(default=None, description="SQLAlchemy URL; without it SQLite in the data folder")
    nats_url: SecretStr | None = Field(
        default=None, description="nats://host:4222: NATS JetStream tells workers of frames; else they ask the database"
    )
    nats_replicas: Annotated[int, Field(ge=1, le=5)] = Field(
        default=1, description="servers of a NATS cluster that keep the stream"
    )
    object_store_url: str | None = Field(
        default=None, description="s3://bucket/folder for pictures; without it they lie in the data folder"
    )
    object_store_endpoint: str | None = Field(default=None, description="address of an S3 server that is not Amazon's")
    object_store_region: str = Field(default="us-east-1", description="region of the bucket")
    object_store_access_key: SecretStr | None = Field(default=None, description="who we are to the object store")
    object_store_secret_key: SecretStr | None = Field(default=None, description="and our secret")
    picture_keys: SecretStr | None = Field(
        default=None, description="keys apart by spaces, id:base64: the first seals pictures at rest, all of them open"
    )
    picture_keys_file: Path | None = Field(
        default=None, description="the same as a file, a key a line, which only its owner may read"
    )
    weights: Path | None = Field(
        default=None, description="model card, folder with exactly one, or registry of models; else the shipped card"
    )
    models_every_s: Seconds = Field(default=5.0, description="how often it is looked whether another model is wanted")
    precision: Literal["fp32", "int8"] | None = Field(
        default=None, description="which of the model's files is run; without it int8 where there is one"
    )
    shadow_share: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.1, description="share of the frames that a candidate model looks at beside the champion"
    )
    shadow_seed: int = Field(default=20261122, description="draws these frames: the same ones in every process")
    policy: Path = Field(default=_RULES / "hangzhou.toml", description="the city's rules")
    case_states: Path = Field(default=_RULES / "case_states.toml", description="states of a case and the legal moves")
    catalogue: Path = Field(default=_RULES.parent / "catalogue", description="folder of the code standards")
    closing_calibration: Path = Field(
        default=_RULES / "closing_calibration.json", description="what the scores of a verification are worth"
    )
    gone_rules: Path = Field(default=_RULES / "gone.toml", description="when the problem counts as gone")
    scene_matcher: Path | None = Field(
        default=None, description="ONNX file of a learned matcher of photographs; without it RootSIFT"
    )
    face_model: Path | None = Field(
        default=None,
        description="ONNX file of CenterFace, which finds faces to hide; without it people as a whole only",
    )
    grid_id_length: Positive = Field(default=15, description="characters of a unit grid's id")

    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=8080, description="port to listen on; 0 picks a free one"
    )
    workers: Annotated[int, Field(ge=0, le=256)] = Field(
        default_factory=usable_cores, description="threads that analyse frames; 0 only accepts them"
    )
    metrics_port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        default=None, description="port of `host` at which `xuncheng work` answers /metrics; without it at none"
    )
    max_connections: Positive = Field(default=512, description="open connections; one more is answered 503")
    max_streams: Positive = Field(default=64, description="open WebSocket streams; each may hold one picture")
    stop_within_s: Seconds = Field(default=8.0, description="how long a stopping server waits for work in hand")
    hang_after_s: Seconds = Field(
        default=4.5, description="a worker that is at one thing for longer hangs: `xuncheng work` replaces it"
    )

    trusted_proxies: str = Field(
        default="", description="addresses, apart by commas, of proxies whose X-Forwarded-For and -Proto are believed"
    )
    console_idle_s: Seconds = Field(
        default=3600.0, description="a session of the console in which nobody does anything"
    )
    console_session_s: Seconds = Field(default=43_200.0, description="the longest session of the console")

    max_picture_bytes: Positive = Field(default=25_000_000, description="size of one picture")
    max_picture_pixels: Positive = Field(default=50_000_000, description="width x height of one picture")
    max_bytes_in_flight: Positive = Field(
        default=100_000_000, description="bodies being received at one moment, together"
    )
    header_within_s: Seconds = Field(default=15.0, description="time for the headers of a request to arrive")
    body_within_s: Seconds = Field(default=60.0, description="time for a body to arrive")
    max_verification_bytes: Positive = Field(default=60_000_000, description="body of one verification")
    max_waiting_verifications: Positive = Field(default=32, description="verifications that wait for a free thread")
    wait_s: Seconds = Field(default=10.0, description="how long ?wait=1 waits for a report")
    queue_max_frames: Positive = Field(default=20_000, description="frames that may wait for analysis")
    queue_max_bytes: Positive = Field(default=8_000_000_000, description="bytes of frames that may wait for analysis")
    displace_live_frames: bool = Field(
        default=False, description="a full queue drops the oldest waiting live frame for a new one, instead of a 429"
    )
    lease_s: Seconds = Field(default=15.0, description="a frame in hand for longer is given to another worker")
    min_free_bytes: Positive = Field(
        default=500_000_000, description="free disk space under which the server is not ready"
    )

    retention_every_s: Seconds = Field(
        default=10.0, description="how often one of 256 parts of the stored pictures is asked what may be deleted"
    )

    webhook_url: str | None = Field(default=None, description="where events go; without it they stay in the outbox")
    webhook_secret: SecretStr | None = Field(default=None, description="whsec_... of Standard Webhooks")
    callback_hosts: str = Field(
        default="", description="hosts, apart by spaces, that callbacks may reach by http and at private addresses"
    )
    event_source: str = Field(default="/xuncheng", description="`source` of the CloudEvents")

    open311_public: bool = Field(
        default=False, description="strangers may read services and requests of Open311, a little at a time"
    )
    open311_jurisdiction: str | None = Field(
        default=None, description="the one jurisdiction_id of Open311; without it any is taken"
    )
    open311_contact: str = Field(default="", description="whom to ask for a key of Open311")

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="least level that is logged"
    )
    log_format: Literal["json", "text"] = Field(
        default="json", description="one JSON object or one coloured line per event"
    )
