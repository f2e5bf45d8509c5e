"""Who holds a lease: a running process, known by a file that it keeps locked for as long as it lives."""

import contextlib
import fcntl
import os
import uuid
from dataclasses import dataclass
from pathlib import Path

_ALIVE = ".alive"


@dataclass(frozen=True, slots=True)
class Census:
    """Who lives in one folder. Owners of other folders, on other machines, are not known here: time judges them."""

    home: str
    alive: frozenset[str]


class Owner:
    """This process, or one adapter of it. The kernel frees the lock however the process ends, kill -9 included.

    Process ids would not do: a restarted container has the same ones.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name = f"{_home_of(folder)}.{uuid.uuid4().hex}"
        self._path = folder / f"{self.name}{_ALIVE}"
        self._handle = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._handle, fcntl.LOCK_EX)

    def close(self) -> None:
        """Die; leases of this owner are free for whoever looks at them next."""
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        os.close(self._handle)


def bury_the_dead(folder: Path) -> Census:
    """All owners of a folder that still live; files of dead ones are removed."""
    alive = set()
    for path in folder.glob(f"*{_ALIVE}"):
        if _is_locked(path):
            alive.add(path.name.removesuffix(_ALIVE))
        else:
            path.unlink(missing_ok=True)
    return Census(_home_of(folder), frozenset(alive))


def _home_of(folder: Path) -> str:
    """The name of a folder, given to it once. Callers are alone with the folder."""
    path = folder / "home"
    if not path.exists():
        path.write_text(uuid.uuid4().hex[:12])
    return path.read_text()


def _is_locked(path: Path) -> bool:
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
