"""xuncheng-patrol status, send and retry: what lies in the buffer, and what to do with it."""

from pathlib import Path
from typing import Annotated

import typer

from patrol.buffer_state import counts, parked_codes, parked_frames, server_of
from patrol.commands.grouped import grouped
from patrol.commands.options import (
    DEFAULT_SERVER,
    AsJson,
    BufferPath,
    SendOptions,
    ServerUrl,
    default_buffer,
    open_buffer,
)
from patrol.commands.sending import send_drive
from patrol.commands.talk import answer, answer_json, answer_rows, talk
from patrol.errors import InputError
from patrol.server import Server

_SHOWN_PARKED = 20


def status(buffer: BufferPath = None, server: ServerUrl = DEFAULT_SERVER, as_json: AsJson = False) -> None:
    """Tell how many frames wait, were sent and are parked, and why."""
    path = _existing(buffer, server)
    with open_buffer(path, server) as opened:
        found, codes, parked = counts(opened.file), parked_codes(opened.file), parked_frames(opened.file)
        sends_to = server_of(opened.file)
    if as_json:
        for frame in parked:
            answer_json({name: getattr(frame, name) for name in frame.__slots__})
        summary = {name: getattr(found, name) for name in found.__slots__}
        answer_json({"buffer": path, "server": sends_to, **summary, "parked_codes": dict(codes)})
        return
    rows: list[tuple[str, object]] = [("buffer", path), ("sends to", sends_to or "nobody yet")]
    rows += [("waiting", found.waiting), ("oldest waiting, taken at", found.oldest_waiting_at or "-")]
    rows += [("trouble with the last try", found.trouble)] if found.trouble else []
    rows += [("sent", found.sent), ("  known to the server before", found.duplicates), ("parked", found.parked)]
    rows += [(f"  {code}", count) for code, count in codes.items()]
    rows += [("bytes of pictures held", found.held_bytes)]
    answer_rows("send buffer", rows)
    for frame in parked[:_SHOWN_PARKED]:
        answer(f"parked {frame.device}/{frame.camera} {frame.taken_at} {frame.code}: {frame.message}")
    if len(parked) > _SHOWN_PARKED:
        talk(f"and {len(parked) - _SHOWN_PARKED} more; --json shows them")


def retry(
    buffer: BufferPath = None,
    server: ServerUrl = DEFAULT_SERVER,
    code: Annotated[str | None, typer.Option(help="Only frames parked for this reason; all, if absent.")] = None,
) -> None:
    """Let parked frames wait for sending again, for when their reason is gone; `send` then sends them."""
    with open_buffer(_existing(buffer, server), server) as opened:
        answer(str(opened.retry_parked(code=code)))


@grouped
def send(
    options: SendOptions,
    token: Annotated[
        str | None,
        typer.Option(envvar="XUNCHENG_TOKEN", help="Token of the device; without it --admin-token gets one."),
    ] = None,
) -> None:
    """Send what waits in the buffer: after an outage, a crash, or a retry."""
    path = _existing(options.buffer, options.server)
    with open_buffer(path, options.server) as opened:
        devices = sorted({device for device, _ in opened.waiting_lanes()})
    if token is not None:
        tokens = dict.fromkeys(devices, token)
    else:
        server = Server(options.server, admin_token=options.admin_token)
        tokens = {device: server.device_token(device) for device in devices}
        server.close()
    raise typer.Exit(send_drive((), tokens, options))


def _existing(buffer: Path | None, server: str) -> Path:
    path = buffer or default_buffer(server)
    if not path.is_file():
        raise InputError(f"there is no send buffer at {path}")
    return path
