"""xuncheng-patrol replay"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from patrol.commands.grouped import grouped
from patrol.commands.options import SendOptions, moment, place
from patrol.commands.sending import send_drive
from patrol.errors import InputError
from patrol.frame import DATUMS
from patrol.server import Server
from patrol.sources.drive import Drive, DriveSettings
from patrol.sources.made_up import made_up_drive, straight_line
from patrol.sources.photographs import photograph_drive
from patrol.sources.track_files import gpx_line, gpx_track, nmea_track
from patrol.sources.video import given_track, own_track, video_drive


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOptions:
    """What is known of the recorded drive."""

    device: Annotated[str, typer.Option(help="Id of the device that sends.")] = "replay"
    camera: Annotated[str, typer.Option(help="Name of its camera.")] = "front"
    mount: Annotated[
        Path | None, typer.Option(exists=True, help="JSON file: how the camera hangs (mount, lens, lag_s).")
    ] = None
    gpx: Annotated[Path | None, typer.Option(exists=True, help="Track of a video.")] = None
    nmea: Annotated[Path | None, typer.Option(exists=True, help="NMEA log of a video.")] = None
    track: Annotated[
        Path | None, typer.Option(exists=True, help="GPX line along which pictures without positions are sent.")
    ] = None
    start: Annotated[
        str | None, typer.Option("--from", help="lat,lon from where they are sent along a straight line.")
    ] = None
    heading: Annotated[float, typer.Option(help="Degrees clockwise from north, with --from.")] = 0.0
    step_m: Annotated[
        float | None, typer.Option(min=0.1, help="Metres between frames; 3 in videos, 8 along a line.")
    ] = None
    every_s: Annotated[
        float | None, typer.Option(min=0.01, help="Seconds between frames of a video, or of photographs without times.")
    ] = None
    starting_at: Annotated[
        str | None, typer.Option(help="When the first picture was taken (RFC 3339); goes before times in tags.")
    ] = None
    utc_offset_h: Annotated[
        float | None, typer.Option(min=-14, max=14, help="Hours from UTC of clocks in tags without a zone.")
    ] = None
    datum: Annotated[str, typer.Option(help=f"Datum of the positions: {', '.join(DATUMS)}.")] = "wgs84"
    campaign: Annotated[str | None, typer.Option(help="Label that goes with every frame.")] = None


@grouped
def replay(
    path: Annotated[Path, typer.Argument(help="A folder of photographs, or a video.", exists=True)],
    source: SourceOptions,
    send: SendOptions,
    token: Annotated[
        str | None,
        typer.Option(envvar="XUNCHENG_TOKEN", help="Token of the device; without it --admin-token gets one."),
    ] = None,
) -> None:
    """Send recorded photographs, or a video with its track, as if the vehicle drove."""
    mount = None if source.mount is None else read_mount(source.mount)
    drive = open_drive(path, source, mount)
    if send.admin_token is not None:
        server = Server(send.server, admin_token=send.admin_token)
        server.register(source.device, source.camera, mount)
        token = token or server.device_token(source.device)
        server.close()
    elif mount is not None:
        raise typer.BadParameter("--mount registers the camera and needs --admin-token")
    if token is None:
        raise typer.BadParameter("give --token, or --admin-token to get one")
    raise typer.Exit(send_drive(drive, {source.device: token}, send))


def open_drive(path: Path, source: SourceOptions, mount: dict[str, Any] | None) -> Drive:
    """The frames of a folder or a video."""
    settings = drive_settings(source, mount)
    if path.is_dir():
        if source.track is not None:
            return made_up_drive(path, gpx_line(source.track), settings)
        if source.start is not None:
            return made_up_drive(path, straight_line(place(source.start), source.heading), settings)
        return photograph_drive(path, settings)
    if source.gpx is not None:
        return video_drive(path, given_track(path, gpx_track(source.gpx), settings), settings)
    if source.nmea is not None:
        return video_drive(path, given_track(path, nmea_track(source.nmea), settings), settings)
    return video_drive(path, own_track(path, settings), settings)


def drive_settings(source: SourceOptions, mount: dict[str, Any] | None) -> DriveSettings:
    """The options as the sources take them; raises typer's usage error for an unknown datum or a bad time."""
    if source.datum not in DATUMS:
        raise typer.BadParameter(f"--datum is one of {', '.join(DATUMS)}")
    hangs = (mount or {}).get("mount") or {}
    return DriveSettings(
        device=source.device,
        camera=source.camera,
        campaign=source.campaign,
        datum=source.datum,
        yaw_deg=float(hangs.get("yaw_deg", 0.0)),
        starting_at=None if source.starting_at is None else moment(source.starting_at),
        utc_offset_h=source.utc_offset_h,
        every_s=source.every_s,
        step_m=source.step_m,
    )


def read_mount(path: Path) -> dict[str, Any]:
    """The camera settings in a JSON file; what they mean is the server's to judge."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is no JSON that can be read: {error}") from error
    if not isinstance(found, dict):
        raise InputError(f"{path} holds no JSON object")
    return found
