"""Options that several verbs share, and how their texts are read."""

import hashlib
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from patrol.buffer import DEFAULT_MAX_BYTES, GIB_BYTES, Buffer

DEFAULT_SERVER = "http://127.0.0.1:8080"
DEFAULT_MAX_GIB = DEFAULT_MAX_BYTES / GIB_BYTES

ServerUrl = Annotated[str, typer.Option("--server", envvar="XUNCHENG_SERVER", help="Address of the server.")]
AdminToken = Annotated[
    str | None,
    typer.Option(
        "--admin-token",
        envvar="XUNCHENG_ADMIN_TOKEN",
        help="Token that may register devices and cameras and issue their tokens.",
        show_envvar=True,
    ),
]
BufferPath = Annotated[
    Path | None,
    typer.Option("--buffer", help="File of the send buffer; else one for each server in the user's state folder."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON lines, the summary last.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOptions:
    """Where to send, and how."""

    server: ServerUrl = DEFAULT_SERVER
    admin_token: AdminToken = None
    buffer: BufferPath = None
    buffer_gib: Annotated[float, typer.Option(min=0.001, help="Most GiB of pictures in the buffer.")] = DEFAULT_MAX_GIB
    connections: Annotated[int, typer.Option(min=1, max=64, help="Frames under way at once.")] = 4
    patience_s: Annotated[
        float, typer.Option(min=0.1, help="Seconds without any answer before giving up; what waits stays.")
    ] = 600.0
    stream: Annotated[
        bool, typer.Option("--stream", help="Send over one WebSocket a camera instead of one request a frame.")
    ] = False
    again: Annotated[
        bool, typer.Option("--again", help="Send what was sent before once more; the server knows it again.")
    ] = False
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until every frame is analysed and tell what became of it.")
    ] = False
    as_json: AsJson = False


def open_buffer(path: Path | None, server: str, max_gib: float = DEFAULT_MAX_GIB) -> Buffer:
    """The send buffer at a path, or the one of a server in the user's state folder."""
    return Buffer(path or default_buffer(server), max_bytes=int(max_gib * GIB_BYTES))


def default_buffer(server: str) -> Path:
    """Where the buffer of a server lies when no path is given: another server, another file."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return state / "xuncheng" / f"patrol-{hashlib.sha256(server.encode()).hexdigest()[:12]}.sqlite"


def moment(text: str) -> datetime:
    """An RFC 3339 time with a zone; raises typer's usage error for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no RFC 3339 time, such as 2026-11-22T10:00:00+08:00") from None
    if found.tzinfo is None:
        raise typer.BadParameter(f"{text!r} has no time zone")
    return found


def place(text: str) -> tuple[float, float]:
    """A latitude and a longitude in degrees, separated by a comma."""
    try:
        lat, lon = (float(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not lat,lon") from None
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise typer.BadParameter(f"{text!r} is no place on Earth")
    return lat, lon
