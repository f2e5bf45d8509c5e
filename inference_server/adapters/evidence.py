"""Pictures named by their content: in a folder, or in an object store."""

import hashlib
import os
import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from inference_server.adapters.durable_files import TEMPORARY, make_folder, write_durably
from inference_server.adapters.objects import Objects
from inference_server.adapters.sealing import Seal, SealBroken
from inference_server.domain.errors import Gone, NotFound
from inference_server.domain.frame import sha256_of
from inference_server.ports import Evidence
from inference_server.retention_ports import Mark, Stored

_HEX_SHA256 = re.compile("[0-9a-f]{64}")
_LEFTOVER_AGE_S = 86_400.0
_OPEN = Seal()


class EvidenceDamaged(Exception):
    """A stored picture is no longer the one that was stored: the disk or a hand has changed it."""


class FolderEvidence:
    """Pictures as `ab/cd/abcd...` below one folder. The hash is proven on every reading: evidence must not change."""

    def __init__(self, folder: Path, *, sync: bool = True, seal: Seal = _OPEN) -> None:
        self._folder = folder
        self._sync = sync
        self._seal = seal

    def put(self, picture: bytes) -> str:
        """Store durably; returns the hex SHA-256. The same picture again costs nothing."""
        sha256 = sha256_of(picture)
        path = self._path(sha256)
        if not path.exists():
            make_folder(path.parent, sync=self._sync)
            write_durably(path, self._seal.close(_sealed_name(sha256), picture), sync=self._sync)
        return sha256

    def get(self, sha256: str) -> bytes:
        """The picture; raises NotFound, EvidenceDamaged where the file's content has another hash, or KeyMissing."""
        _check_name(sha256)
        try:
            stored = self._path(sha256).read_bytes()
        except FileNotFoundError:
            stored = None
        return _proven(stored, sha256, self._seal)

    def listed(self, part: int) -> list[Stored]:
        """All pictures whose hash begins with this byte."""
        found = []
        for path in (self._folder / f"{part:02x}").glob("*/*"):
            if not _HEX_SHA256.fullmatch(path.name):
                continue  # being written this very moment, or left behind by a crash: see remove_leftovers
            status = path.stat()
            stored_at = datetime.fromtimestamp(status.st_mtime, UTC)
            found.append(Stored(sha256=path.name, stored_at=stored_at, size_bytes=status.st_size))
        return found

    def remove(self, sha256: str) -> None:
        """The bytes go; nothing happens where they are gone already. A power cut may bring them back: they are then
        found again by the next look through the shelf."""
        self._path(sha256).unlink(missing_ok=True)

    def reseal(self, sha256: str) -> bool:
        """Whether the picture was put under the current key; False where it is so already, or gone. Keeps its age."""
        path = self._path(sha256)
        try:
            status, stored = path.stat(), path.read_bytes()
        except FileNotFoundError:
            return False
        renewed = self._seal.renewed(_sealed_name(sha256), stored)
        if renewed is None:
            return False
        write_durably(path, renewed, sync=self._sync)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        return True

    def has(self, sha256: str) -> bool:
        """Whether a picture lies there."""
        return self._path(sha256).exists()

    def remove_leftovers(self, part: int) -> int:
        """How many half-written files of a crash went; younger ones may be in somebody's hands."""
        oldest_s = time.time() - _LEFTOVER_AGE_S
        pieces = (self._folder / f"{part:02x}").glob(f"*/.*{TEMPORARY}")
        old = [path for path in pieces if path.stat().st_mtime < oldest_s]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def _path(self, sha256: str) -> Path:
        return self._folder / _place(sha256)


class ObjectEvidence:
    """Pictures as objects `ab/cd/abcd...`. The hash is proven on every reading here too."""

    def __init__(self, objects: Objects, *, seal: Seal = _OPEN) -> None:
        self._objects = objects
        self._seal = seal

    def put(self, picture: bytes) -> str:
        """Store durably; returns the hex SHA-256. The same picture again costs one question."""
        sha256 = sha256_of(picture)
        if not self._objects.has(_place(sha256)):
            self._objects.put(_place(sha256), self._seal.close(_sealed_name(sha256), picture))
        return sha256

    def get(self, sha256: str) -> bytes:
        """The picture; raises NotFound, EvidenceDamaged where the object's content has another hash, or KeyMissing."""
        _check_name(sha256)
        return _proven(self._objects.get(_place(sha256)), sha256, self._seal)

    def listed(self, part: int) -> list[Stored]:
        """All pictures whose hash begins with this byte."""
        listed = self._objects.listed(f"{part:02x}")
        named = [(name.rpartition("/")[2], stored_at, size_bytes) for name, stored_at, size_bytes in listed]
        return [
            Stored(sha256=sha256, stored_at=stored_at, size_bytes=size_bytes)
            for sha256, stored_at, size_bytes in named
            if _HEX_SHA256.fullmatch(sha256)
        ]

    def remove(self, sha256: str) -> None:
        """The bytes go; nothing happens where they are gone already."""
        self._objects.remove(_place(sha256))

    def reseal(self, sha256: str) -> bool:
        """Whether the picture was put under the current key; False where it is so already, or gone."""
        stored = self._objects.get(_place(sha256))
        renewed = None if stored is None else self._seal.renewed(_sealed_name(sha256), stored)
        if renewed is None:
            return False
        self._objects.put(_place(sha256), renewed)
        return True

    def has(self, sha256: str) -> bool:
        """Whether a picture lies there."""
        return self._objects.has(_place(sha256))

    def remove_leftovers(self, part: int) -> int:
        """None: an object is whole or not there."""
        return 0


class Deletions(Protocol):
    """What of the record pictures must agree with."""

    def spare(self, sha256: str) -> bool:
        """Whether the picture was marked or deleted before; it is not marked any more."""
        ...

    def deletions(self, hashes: Iterable[str]) -> dict[str, Mark]:
        """Those of the pictures that were deleted."""
        ...


class RetainedEvidence:
    """Evidence that may be deleted when its time is over: storing a picture again keeps it, and who asks for one that
    is gone is told so."""

    def __init__(self, shelf: Evidence, deletions: Deletions) -> None:
        self._shelf, self._deletions = shelf, deletions

    def put(self, picture: bytes) -> str:
        """Store durably; returns the hex SHA-256."""
        sha256 = self._shelf.put(picture)
        if self._deletions.spare(sha256):
            self._shelf.put(picture)  # it may have been deleted between the two
        return sha256

    def get(self, sha256: str) -> bytes:
        """The picture; raises NotFound, Gone for one that was deleted, EvidenceDamaged."""
        try:
            return self._shelf.get(sha256)
        except NotFound:
            mark = self._deletions.deletions([sha256]).get(sha256)
            if mark is None or mark.deleted_at is None:
                raise
            when = mark.deleted_at.isoformat(timespec="seconds")
            message = f"picture {sha256} was deleted at {when}: its time was over ({mark.rule})"
            raise Gone(message, field="sha256") from None


def _check_name(sha256: str) -> None:
    if not _HEX_SHA256.fullmatch(sha256):
        raise NotFound("evidence is asked for by its hex SHA-256", field="sha256")


def _proven(stored: bytes | None, sha256: str, seal: Seal) -> bytes:
    if stored is None:
        raise NotFound(f"no picture {sha256}", field="sha256")
    try:
        picture = seal.open(_sealed_name(sha256), stored)
    except SealBroken as error:
        raise EvidenceDamaged(f"the picture stored as {sha256} is not what was sealed there") from error
    if hashlib.sha256(picture).hexdigest() != sha256:
        raise EvidenceDamaged(f"the picture stored as {sha256} has another content now")
    return picture


def _sealed_name(sha256: str) -> str:
    return f"evidence/{sha256}"


def _place(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"
