"""xuncheng backup, xuncheng restore"""

from pathlib import Path
from typing import Annotated

import typer

from inference_server.adapters.backup import BackedUp, back_up
from inference_server.adapters.backup import restore as put_back
from inference_server.adapters.clock import SystemClock
from inference_server.commands.talk import answer
from inference_server.domain.errors import BadInput
from inference_server.settings import Settings

Folder = Annotated[Path, typer.Argument(help="Folder of the backup.")]


def backup(folder: Folder) -> None:
    """Copy the record of the data folder, of a running server too: database, pictures that wait, evidence."""
    settings = _embedded()
    _tell("backed up", back_up(settings.data_folder, folder, SystemClock().now()))


def restore(folder: Folder) -> None:
    """Prove a backup and put it into the data folder, which must be empty."""
    settings = _embedded()
    _tell("restored", put_back(folder, settings.data_folder))


def _embedded() -> Settings:
    settings = Settings()
    if settings.database_url is not None or settings.object_store_url is not None:
        message = "only the embedded record is backed up: use the tools of PostgreSQL and of the bucket"
        raise BadInput(message, field="database_url")
    return settings


def _tell(what: str, found: BackedUp) -> None:
    waiting = f"{found.frames_waiting} frames that wait"
    answer(f"{what}: record of {found.made_at.isoformat()}, {found.pictures} pictures, {waiting}, {found.bytes} bytes")
