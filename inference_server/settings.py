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
    weights: Path | None = Field(
        default=None, description="model card, or a folder with exactly one; else the shipped one"
    )
    precision: Literal["fp32", "int8"] = Field(default="fp32", description="which of the model's files is run")
    policy: Path = Field(default=_RULES / "hangzhou.toml", description="the city's rules")
    case_states: Path = Field(default=_RULES / "case_states.toml", description="states of a case and the legal moves")
    catalogue: Path = Field(default=_RULES.parent / "catalogue", description="folder of the code standards")
    grid_id_length: Positive = Field(default=15, description="characters of a unit grid's id")

    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=8080, description="port to listen on; 0 picks a free one"
    )
    workers: Annotated[int, Field(ge=0, le=256)] = Field(
        default_factory=usable_cores, description="threads that analyse frames; 0 only accepts them"
    )
    max_connections: Positive = Field(default=512, description="open connections; one more is answered 503")
    max_streams: Positive = Field(default=64, description="open WebSocket streams; each may hold one picture")
    stop_within_s: Seconds = Field(default=30.0, description="how long a stopping server waits for work in hand")

    max_picture_bytes: Positive = Field(default=25_000_000, description="size of one picture")
    max_picture_pixels: Positive = Field(default=50_000_000, description="width x height of one picture")
    max_bytes_in_flight: Positive = Field(
        default=100_000_000, description="bodies being received at one moment, together"
    )
    body_within_s: Seconds = Field(default=60.0, description="time for a body to arrive")
    wait_s: Seconds = Field(default=10.0, description="how long ?wait=1 waits for a report")
    queue_max_frames: Positive = Field(default=20_000, description="frames that may wait for analysis")
    queue_max_bytes: Positive = Field(default=8_000_000_000, description="bytes of frames that may wait for analysis")
    min_free_bytes: Positive = Field(
        default=500_000_000, description="free disk space under which the server is not ready"
    )

    webhook_url: str | None = Field(default=None, description="where events go; without it they stay in the outbox")
    webhook_secret: SecretStr | None = Field(default=None, description="whsec_... of Standard Webhooks")
    event_source: str = Field(default="/xuncheng", description="`source` of the CloudEvents")

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="least level that is logged"
    )
    log_format: Literal["json", "text"] = Field(
        default="json", description="one JSON object or one coloured line per event"
    )
