"""The registry as its readers see it: the aliases, or the name of what is wrong."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from detector.model_errors import RegistryError
from detector.registry import is_registry, read_registry

CARD = b'{"name": "tiny"}'
SHA256 = hashlib.sha256(CARD).hexdigest()


def write_registry(folder: Path, **changes: Any) -> Path:
    card = folder / "models" / "tiny-1" / "tiny.json"
    card.parent.mkdir(parents=True, exist_ok=True)
    card.write_bytes(CARD)
    entry = {"card": "models/tiny-1/tiny.json", "card_sha256": SHA256, "added_at": "2026-11-22T08:00:00+00:00"}
    content = {
        "format": 1,
        "revision": 4,
        "champion": "tiny-1",
        "candidate": None,
        "earlier_champions": [],
        "models": {"tiny-1": entry},
        "history": [],
    }
    (folder / "registry.json").write_text(json.dumps(content | changes), encoding="utf-8")
    return folder


def test_a_registry_tells_its_champion_and_that_there_is_no_candidate(tmp_path: Path) -> None:
    read = read_registry(write_registry(tmp_path))
    assert read.revision == 4
    assert read.champion is not None
    assert (read.champion.id, read.champion.card_path.read_bytes()) == ("tiny-1", CARD)
    assert read.candidate is None


def test_a_folder_with_a_card_alone_is_no_registry(tmp_path: Path) -> None:
    (tmp_path / "tiny.json").write_bytes(CARD)
    assert not is_registry(tmp_path)
    assert is_registry(write_registry(tmp_path))


def _entry(**changes: str) -> dict[str, Any]:
    return {"tiny-1": {"card": "models/tiny-1/tiny.json", "card_sha256": SHA256, **changes}}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        pytest.param({"format": 2}, "format must be 1", id="a format of another version"),
        pytest.param({"champion": "other"}, "champion names 'other'", id="a champion that is not there"),
        pytest.param({"champion": 7}, "champion must be a text", id="a champion that is no id"),
        pytest.param({"models": _entry(card_sha256="0" * 64)}, "card_sha256 is not that", id="a changed card"),
        pytest.param({"models": _entry(card="../tiny.json")}, "inside the registry", id="a card elsewhere"),
        pytest.param({"models": _entry(card="models/none.json")}, "cannot be read", id="a card that is gone"),
        pytest.param({"models": []}, "models must be an object", id="models that are none"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(RegistryError, match=problem):
        read_registry(write_registry(tmp_path, **changes))


def test_a_registry_that_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"registry\.json: cannot be read"):
        read_registry(tmp_path)
    (tmp_path / "registry.json").write_text("{", encoding="utf-8")
    with pytest.raises(RegistryError, match=r"registry\.json: is not JSON"):
        read_registry(tmp_path)
