"""Files that are whole or not there, even after a power cut."""

import contextlib
import os
import uuid
from io import FileIO
from pathlib import Path

TEMPORARY = ".part"


def write_durably(path: Path, content: bytes, *, sync: bool = True) -> None:
    """Nothing; afterwards the file holds the content on disk: file and folder are synced before this returns.

    The content goes to a file beside it that is renamed when it is whole, so that no reader ever sees a part of it.
    """
    folder, name = os.path.split(path)
    temporary = f"{folder}/.{name}.{uuid.uuid4().hex}{TEMPORARY}"
    try:
        with open(temporary, "wb", buffering=0) as file:
            _write_whole(file, content)
            if sync:
                os.fsync(file.fileno())
        os.rename(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    if sync:
        sync_folder(folder)


def _write_whole(file: FileIO, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]  # a full disk takes a part first, and refuses the rest


def make_folder(path: Path, *, sync: bool = True) -> None:
    """Nothing; afterwards the folder exists, and so do its parents, on disk."""
    if path.is_dir():
        return
    make_folder(path.parent, sync=sync)
    path.mkdir(exist_ok=True)
    if sync:
        sync_folder(path.parent)


def sync_folder(path: Path | str) -> None:
    """Nothing; afterwards the names in the folder are on disk."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
