"""Pictures in a folder, named by their content."""

import hashlib
import re
from pathlib import Path

from inference_server.adapters.durable_files import make_folder, write_durably
from inference_server.domain.errors import NotFound
from inference_server.domain.frame import sha256_of

_HEX_SHA256 = re.compile("[0-9a-f]{64}")


class EvidenceDamaged(Exception):
    """A picture on disk is no longer the one that was stored: the disk or a hand has changed it."""


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
        if not _HEX_SHA256.fullmatch(sha256):
            raise NotFound("evidence is asked for by its hex SHA-256", field="sha256")
        try:
            picture = self._path(sha256).read_bytes()
        except FileNotFoundError:
            raise NotFound(f"no picture {sha256}", field="sha256") from None
        if hashlib.sha256(picture).hexdigest() != sha256:
            raise EvidenceDamaged(f"the picture stored as {sha256} has another content now")
        return picture

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256[2:4] / sha256
