"""ultralytics without its settings file in the home folder and without its calls to the network."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def keep_ultralytics_offline() -> None:
    """None; to be called before anything imports ultralytics, which reads these variables on import."""
    os.environ.setdefault("YOLO_OFFLINE", "true")
    os.environ.setdefault("YOLO_VERBOSE", "false")
    if "YOLO_CONFIG_DIR" not in os.environ:
        folder = Path(tempfile.gettempdir()) / f"xuncheng-ultralytics-{os.getuid()}"
        folder.mkdir(exist_ok=True)
        os.environ["YOLO_CONFIG_DIR"] = str(folder)
