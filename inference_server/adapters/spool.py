"""Pictures of frames that wait: one file per frame, in one folder."""

import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from inference_server.adapters.durable_files import make_folder, write_durably
from inference_server.domain.frame import FrameId

# A file is written before its row. Younger files without a row may belong to a frame that is just being accepted.
_ORPHAN_AGE_S = 600.0


class Spool:
    """The folder of waiting pictures."""

    def __init__(self, folder: Path, *, sync: bool = True) -> None:
        make_folder(folder, sync=sync)
        self._folder = folder
        self._sync = sync

    def write(self, frame_id: FrameId, picture: bytes) -> None:
        """Store durably: file and folder are synced before this returns."""
        write_durably(self._path(frame_id), picture, sync=self._sync)

    def read(self, frame_id: FrameId) -> bytes | None:
        """The picture; None where the file is gone."""
        try:
            return self._path(frame_id).read_bytes()
        except FileNotFoundError:
            return None

    def has(self, frame_id: FrameId) -> bool:
        """Whether the picture is there."""
        return self._path(frame_id).is_file()

    def remove(self, frame_id: FrameId) -> None:
        """Forget a picture; nothing happens where it is gone already."""
        self._path(frame_id).unlink(missing_ok=True)

    def free_bytes(self) -> int:
        """Room on the disk."""
        return shutil.disk_usage(self._folder).free

    def remove_orphans(self, waiting: Iterable[str]) -> int:
        """How many files were removed because no waiting frame owns them and they are no fresh ones."""
        owned, oldest_kept_at, removed = set(waiting), time.time() - _ORPHAN_AGE_S, 0
        for path in self._folder.iterdir():
            if path.name not in owned and path.stat().st_mtime < oldest_kept_at:
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def _path(self, frame_id: FrameId) -> Path:
        return self._folder / frame_id
