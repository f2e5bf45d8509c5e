"""A registry of models as `xuncheng-train` leaves it (docs/registry.md), for tests of its reader."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any


def write_registry(
    folder: Path, *, champion: Path | None = None, candidate: Path | None = None, revision: int = 1
) -> Path:
    """The folder, its `registry.json` replaced as a whole: aliases for cards that lie in it already."""
    named = {"champion": champion, "candidate": candidate}
    content: dict[str, Any] = {
        "format": 1,
        "revision": revision,
        **{alias: None if card is None else _id(card) for alias, card in named.items()},
        "earlier_champions": [],
        "models": {_id(card): _entry(folder, card) for card in named.values() if card is not None},
        "history": [],
    }
    beside = folder / "registry.json.new"
    beside.write_text(json.dumps(content), encoding="utf-8")
    os.replace(beside, folder / "registry.json")
    return folder


def _id(card: Path) -> str:
    return f"{card.stem}-{_sha256(card)[:8]}"


def _entry(folder: Path, card: Path) -> dict[str, str]:
    place = card.relative_to(folder).as_posix()
    return {"card": place, "card_sha256": _sha256(card), "added_at": "2026-11-22T08:00:00+00:00"}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
