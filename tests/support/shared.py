"""Where the shared read-only data lie: XUNCHENG_SHARED, or the folder `shared` beside the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).resolve().parents[2]


def shared_dir() -> Path:
    """The folder of the shared data, whether it exists or not."""
    named = os.environ.get("XUNCHENG_SHARED")
    return Path(named).resolve() if named else _REPOSITORY.parent / "shared"


def shared_or_skip(part: str = "") -> Path:
    """The shared folder, or the named part of it; skips the running test where it is missing."""
    found = shared_dir() / part
    if not found.is_dir():
        pytest.skip(f"shared data missing: no folder {part or 'shared'!r} (set XUNCHENG_SHARED)")
    return found
