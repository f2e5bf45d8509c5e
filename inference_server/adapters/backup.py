"""A copy of a data folder while a server works on it, and the way back.

Only the embedded record is copied: SQLite, pictures that wait, evidence. A fleet backs up PostgreSQL
and its bucket by their own means.
"""

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from inference_server.adapters.durable_files import make_folder, write_durably
from inference_server.adapters.frame_rows import QUEUED
from inference_server.adapters.sealing import MAGIC
from inference_server.domain.errors import BadInput, Conflict

DATABASE, SPOOL, EVIDENCE = "xuncheng.sqlite", "spool", "evidence"
MANIFEST, SEALED = "backup.json", "sealed.sha256"
_TRIES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class BackedUp:
    """What a backup holds. The database's hash is kept; a picture of a case is named by its own."""

    made_at: datetime
    database_sha256: str
    frames_waiting: int
    pictures: int
    bytes: int
    sealed_sha256: str | None = None  # of the list of sealed files, which nobody can prove without a key


def back_up(data_folder: Path, target: Path, at: datetime) -> BackedUp:
    """Copy the record of a server that may be running.

    The database is copied as of one moment, with every picture it speaks of. Raises BadInput where there is no record
    or something lies in `target`, Conflict where frames come and go so fast that no copy is whole.
    """
    if not (data_folder / DATABASE).is_file():
        raise BadInput(f"{data_folder} holds no {DATABASE}", field="data_folder")
    _demand_empty(target, "target")
    make_folder(target)
    target.chmod(0o700)  # it holds positions and pictures
    for _ in range(_TRIES):
        # Pictures first: one that is analysed meanwhile is gone from the spool, but the database still waits for it.
        _copy_pictures(data_folder / SPOOL, target / SPOOL)
        _copy_database(data_folder / DATABASE, target / DATABASE)
        _copy_pictures(data_folder / SPOOL, target / SPOOL)
        waiting = _waiting(target / DATABASE)
        if all((target / SPOOL / frame).is_file() for frame in waiting):
            break
    else:
        raise Conflict("frames came and went too fast for a whole copy: try again in a quieter moment", field="spool")
    for path in (target / SPOOL).iterdir():
        if path.name not in waiting:
            path.unlink()
    _copy_pictures(data_folder / EVIDENCE, target / EVIDENCE)
    sealed = _write_sealed(target)
    found = BackedUp(
        made_at=at,
        database_sha256=_sha256(target / DATABASE),
        frames_waiting=len(waiting),
        pictures=len(_files(target / EVIDENCE)),
        bytes=sum(path.stat().st_size for path in _files(target)),
        sealed_sha256=sealed,
    )
    os.sync()
    # The manifest comes last: a backup without one was never finished.
    write_durably(target / MANIFEST, json.dumps(asdict(found), default=datetime.isoformat, indent=1).encode())
    return found


def restore(source: Path, data_folder: Path) -> BackedUp:
    """Prove a backup and put it into an empty data folder; raises BadInput for one that is not whole."""
    _demand_empty(data_folder, "data_folder")
    found = _manifest(source)
    faults = list(_faults(source, found))
    if faults:
        raise BadInput(f"{len(faults)} things are wrong with the backup, the first: {faults[0]}", field="backup")
    make_folder(data_folder)
    for folder in (SPOOL, EVIDENCE):
        _copy_pictures(source / folder, data_folder / folder)
    os.sync()
    # The database last: a server that is started too early begins anew instead of missing pictures.
    _copy(source / DATABASE, data_folder / DATABASE)
    os.sync()
    return found


def _manifest(source: Path) -> BackedUp:
    try:
        content: dict[str, Any] = json.loads((source / MANIFEST).read_text(encoding="utf-8"))
        return BackedUp(**{**content, "made_at": datetime.fromisoformat(content["made_at"])})
    except (FileNotFoundError, NotADirectoryError):
        raise BadInput(
            f"{source} holds no {MANIFEST}: no backup, or one that was not finished", field="backup"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{source / MANIFEST} cannot be read: {error}", field="backup") from None


def _faults(source: Path, found: BackedUp) -> Iterator[str]:
    """All that is not as the backup was made."""
    if not (source / DATABASE).is_file() or _sha256(source / DATABASE) != found.database_sha256:
        yield f"{DATABASE} is missing or is another one"
        return
    sealed = _read_sealed(source)
    if found.sealed_sha256 != (_sha256(source / SEALED) if (source / SEALED).is_file() else None):
        yield f"{SEALED} is missing or is another one"
        return
    pictures = _files(source / EVIDENCE)
    if len(pictures) != found.pictures:
        yield f"{len(pictures)} pictures of cases instead of {found.pictures}"
    for path in pictures:
        if _sha256(path) != sealed.get(_named(source, path), path.name):
            yield f"{path.relative_to(source)} is damaged"
    for frame, sha256 in _waiting(source / DATABASE).items():
        path = source / SPOOL / frame
        if not path.is_file() or _sha256(path) != sealed.get(_named(source, path), sha256):
            yield f"{path.relative_to(source)} is missing or damaged"


def _write_sealed(target: Path) -> str | None:
    """The hash of a list with the hashes of all sealed files, as sha256sum writes it; None where none is sealed."""
    sealed = [path for folder in (SPOOL, EVIDENCE) for path in sorted(_files(target / folder)) if _is_sealed(path)]
    if not sealed:
        return None
    lines = (f"{_sha256(path)}  {_named(target, path)}" for path in sealed)
    write_durably(target / SEALED, "".join(f"{line}\n" for line in lines).encode())
    return _sha256(target / SEALED)


def _read_sealed(source: Path) -> dict[str, str]:
    if not (source / SEALED).is_file():
        return {}
    lines = (line.partition("  ") for line in (source / SEALED).read_text(encoding="utf-8").splitlines())
    return {name: sha256 for sha256, _, name in lines}


def _is_sealed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def _named(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()


def _waiting(database: Path) -> dict[str, str]:
    """Frames that wait, with the hashes of their pictures."""
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        return dict(connection.execute("SELECT id, sha256 FROM frames WHERE state = ?", (QUEUED,)))


def _copy_database(source: Path, target: Path) -> None:
    """As of one moment, by SQLite's own backup (https://www.sqlite.org/backup.html): all pages in one step."""
    target.unlink(missing_ok=True)
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=60.0)) as old,
        closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)
        new.execute("DELETE FROM leases")  # nobody works on a copy
        new.commit()
        new.execute("PRAGMA journal_mode = DELETE")  # one file alone, without a log beside it


def _copy_pictures(source: Path, target: Path) -> None:
    """All whole files below a folder that are not there yet."""
    make_folder(target)
    for path in source.rglob("*") if source.is_dir() else ():
        copy = target / path.relative_to(source)
        if path.name.startswith(".") or copy.exists():
            continue
        if path.is_dir():
            make_folder(copy)
            continue
        try:
            _copy(path, copy)
        except FileNotFoundError:  # analysed and removed this very moment
            copy.unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    make_folder(target.parent)
    shutil.copy2(source, target)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _demand_empty(folder: Path, field: str) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"{folder} is not empty", field=field)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
