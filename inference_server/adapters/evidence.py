"""Pictures named by their content: in a folder, or in an object store."""

import hashlib
import re
from pathlib import Path

from inference_server.adapters.durable_files import make_folder, write_durably
from inference_server.adapters.objects import Objects
from inference_server.domain.errors import NotFound
from inference_server.domain.frame import sha256_of

_HEX_SHA256 = re.compile("[0-9a-f]{64}")


class EvidenceDamaged(Exception):
    """A stored picture is no longer the one that was stored: the disk or a hand has changed it."""


class FolderEvidence:
    """Pictures as `ab/cd/abcd...` below one folder. The hash is proven on every reading: evidence must not change."""

    def __init__(self, folder: Path, *, sync: bool = True) -> None:
        self._folder = folder
        self._sync = sync

    def put(self, picture: bytes) -> str:
        """Store durably; returns the hex SHA-256. The same picture again costs nothing."""
        sha256 = sha256_of(picture)
        path = self._path(sha256)
        if not path.exists():
            make_folder(path.parent, sync=self._sync)
            write_durably(path, picture, sync=self._sync)
        return sha256

    def get(self, sha256: str) -> bytes:
        """The picture; raises NotFound, or EvidenceDamaged where the file's content has another hash."""
        _check_name(sha256)
        try:
            picture = self._path(sha256).read_bytes()
        except FileNotFoundError:
            picture = None
        return _proven(picture, sha256)

    def _path(self, sha256: str) -> Path:
        return self._folder / _place(sha256)


class ObjectEvidence:
    """Pictures as objects `ab/cd/abcd...`. The hash is proven on every reading here too."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def put(self, picture: bytes) -> str:
        """Store durably; returns the hex SHA-256. The same picture again costs one question."""
        sha256 = sha256_of(picture)
        if not self._objects.has(_place(sha256)):
            self._objects.put(_place(sha256), picture)
        return sha256

    def get(self, sha256: str) -> bytes:
        """The picture; raises NotFound, or EvidenceDamaged where the object's content has another hash."""
        _check_name(sha256)
        return _proven(self._objects.get(_place(sha256)), sha256)


def _check_name(sha256: str) -> None:
    if not _HEX_SHA256.fullmatch(sha256):
        raise NotFound("evidence is asked for by its hex SHA-256", field="sha256")


def _proven(picture: bytes | None, sha256: str) -> bytes:
    if picture is None:
        raise NotFound(f"no picture {sha256}", field="sha256")
    if hashlib.sha256(picture).hexdigest() != sha256:
        raise EvidenceDamaged(f"the picture stored as {sha256} has another content now")
    return picture


def _place(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"
