"""Pictures of frames that wait: one file per frame in one folder, or one object per frame in an object store."""

import shutil
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from inference_server.adapters.durable_files import make_folder, write_durably
from inference_server.adapters.objects import Objects
from inference_server.adapters.sealing import Seal, SealBroken
from inference_server.domain.frame import FrameId

# A picture is written before its row. Younger ones without a row may belong to a frame that is just being accepted.
_ORPHAN_AGE_S = 600.0
_OPEN = Seal()


class Spool(Protocol):
    """Pictures of frames that wait, by the frame's id."""

    def write(self, frame_id: FrameId, picture: bytes) -> None:
        """Store durably: after this returns the picture survives a power cut."""
        ...

    def read(self, frame_id: FrameId) -> bytes | None:
        """What is stored, to be held against the frame's hash; None where it is gone. Raises KeyMissing."""
        ...

    def reseal(self, frame_id: FrameId) -> bool:
        """Whether the picture was put under the current key; False where it is so already, or gone."""
        ...

    def remove(self, frame_id: FrameId) -> None:
        """Forget a picture; nothing happens where it is gone already."""
        ...

    def ages_s(self) -> dict[str, float]:
        """The names of all pictures, with the seconds since each was written."""
        ...

    def free_bytes(self) -> int:
        """Room for more."""
        ...


class FolderSpool:
    """Pictures in a folder. File and folder are synced before `write` returns."""

    def __init__(self, folder: Path, *, sync: bool = True, seal: Seal = _OPEN) -> None:
        make_folder(folder, sync=sync)
        self._folder = folder
        self._sync = sync
        self._seal = seal

    def write(self, frame_id: FrameId, picture: bytes) -> None:
        """Store durably: file and folder are synced before this returns."""
        write_durably(self._path(frame_id), self._seal.close(_sealed_name(frame_id), picture), sync=self._sync)

    def read(self, frame_id: FrameId) -> bytes | None:
        """The picture; None where the file is gone."""
        try:
            return _opened(self._seal, frame_id, self._path(frame_id).read_bytes())
        except FileNotFoundError:
            return None

    def reseal(self, frame_id: FrameId) -> bool:
        """Whether the picture was put under the current key; False where it is so already, or gone."""
        try:
            renewed = self._seal.renewed(_sealed_name(frame_id), self._path(frame_id).read_bytes())
        except FileNotFoundError:
            return False
        if renewed is not None:
            write_durably(self._path(frame_id), renewed, sync=self._sync)
        return renewed is not None

    def remove(self, frame_id: FrameId) -> None:
        """Forget a picture; nothing happens where it is gone already."""
        self._path(frame_id).unlink(missing_ok=True)

    def ages_s(self) -> dict[str, float]:
        """The names of all files, with their age."""
        now_s, ages = time.time(), {}
        for path in self._folder.iterdir():
            try:
                ages[path.name] = now_s - path.stat().st_mtime
            except FileNotFoundError:  # analysed and removed this very moment
                continue
        return ages

    def free_bytes(self) -> int:
        """Room on the disk."""
        return shutil.disk_usage(self._folder).free

    def _path(self, frame_id: FrameId) -> Path:
        return self._folder / frame_id


class ObjectSpool:
    """Pictures in an object store."""

    def __init__(self, objects: Objects, *, seal: Seal = _OPEN) -> None:
        self._objects = objects
        self._seal = seal

    def write(self, frame_id: FrameId, picture: bytes) -> None:
        """Store durably."""
        self._objects.put(frame_id, self._seal.close(_sealed_name(frame_id), picture))

    def read(self, frame_id: FrameId) -> bytes | None:
        """The picture; None where the object is gone."""
        stored = self._objects.get(frame_id)
        return None if stored is None else _opened(self._seal, frame_id, stored)

    def reseal(self, frame_id: FrameId) -> bool:
        """Whether the picture was put under the current key; False where it is so already, or gone."""
        stored = self._objects.get(frame_id)
        renewed = None if stored is None else self._seal.renewed(_sealed_name(frame_id), stored)
        if renewed is not None:
            self._objects.put(frame_id, renewed)
        return renewed is not None

    def remove(self, frame_id: FrameId) -> None:
        """Forget a picture."""
        self._objects.remove(frame_id)

    def ages_s(self) -> dict[str, float]:
        """The names of all objects, with their age."""
        return self._objects.ages_s()

    def free_bytes(self) -> int:
        """A store does not tell how much it can take; it refuses what is too much."""
        return sys.maxsize


def _sealed_name(frame_id: FrameId) -> str:
    return f"waiting/{frame_id}"


def _opened(seal: Seal, frame_id: FrameId, stored: bytes) -> bytes:
    """The picture; of one whose seal is broken nothing is left. A missing key is raised: with it the picture opens."""
    try:
        return seal.open(_sealed_name(frame_id), stored)
    except SealBroken:
        return b""  # the queue holds it against the frame's hash, as it does with a damaged file


def remove_orphans(spool: Spool, ages_s: dict[str, float], waiting: Iterable[str]) -> int:
    """How many pictures were removed because no waiting frame owns them and they are no fresh ones."""
    owned = set(waiting)
    orphans = [name for name, age_s in ages_s.items() if name not in owned and age_s > _ORPHAN_AGE_S]
    for name in orphans:
        spool.remove(FrameId(name))
    return len(orphans)
