"""The registry of models as the one who writes it sees it: offer, promote, roll back (format: docs/registry.md).

Every change is made under a lock and written whole: the files of a model first, then `registry.json` by a rename. A
crash at any moment leaves the old registry or the new one, never a mixture; a half-copied model is left under another
name and cleared away by the next change.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from detector.card_fields import read_card_file
from detector.model_card import ModelCard, read_card
from detector.model_errors import CardError, RegistryError
from detector.registry import FORMAT, REGISTRY_FILE, read_registry

LOCK_FILE = "registry.lock"
MODELS = "models"
_PART = ".part-"
_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class ModelRegistry:
    """The registry in a folder; the folder is made on the first change."""

    folder: Path

    def offer(self, card_path: Path) -> str:
        """The id of a model that is now the candidate; card and networks are copied into the registry.

        Raises CardError or RegistryError where card and files do not fit together.
        """
        card = read_card(card_path)
        files = _checked_files(card)
        with self._changing() as content:
            model_id = self._add(card, files, content)
            content["candidate"] = model_id
            _note(content, "offer", "")
        return model_id

    def promote(self, model_id: str, note: str = "") -> str:
        """The id of a registered model that is now the champion; the one before can be rolled back to."""
        with self._changing() as content:
            self._demand_whole(content, model_id)
            before = content["champion"]
            if before == model_id:
                raise RegistryError(f"{model_id} is the champion already")
            if before is not None:
                content["earlier_champions"].append(before)
            content["champion"] = model_id
            if content["candidate"] == model_id:
                content["candidate"] = None
            _note(content, "promote", note, before)
        return model_id

    def rollback(self, note: str = "") -> str:
        """The id of the champion before this one, which is champion again. Raises RegistryError if there was none."""
        with self._changing() as content:
            if not content["earlier_champions"]:
                raise RegistryError(f"{self.folder}: no earlier champion to go back to")
            model_id = content["earlier_champions"].pop()
            self._demand_whole(content, model_id)
            before, content["champion"] = content["champion"], model_id
            _note(content, "rollback", note, before)
        return str(model_id)

    def card_path(self, name: str) -> Path:
        """The card of a model: by alias (champion, candidate), by id, or of a card outside the registry by its path.

        Raises RegistryError where the name is none of these.
        """
        outside = Path(name)
        if outside.suffix == ".json" and outside.is_file():
            return outside
        content = self._read()
        model_id = content[name] if name in ("champion", "candidate") else name
        if model_id not in content["models"]:
            raise RegistryError(f"{self.folder}: no model is called {name}, and no card lies there")
        return self.folder / str(content["models"][model_id]["card"])

    def champion(self) -> Path | None:
        """The card of the champion; None before the first promotion."""
        if not (self.folder / REGISTRY_FILE).exists():
            return None
        model = read_registry(self.folder).champion
        return None if model is None else model.card_path

    def id_of(self, card_path: Path) -> str | None:
        """The id under which exactly this card is registered, None if it is not."""
        model_id = _model_id(read_card(card_path))
        return model_id if model_id in self._read()["models"] else None

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / LOCK_FILE).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for left in (self.folder / MODELS).glob(f"{_PART}*"):
                shutil.rmtree(left)
            content = self._read()
            content["revision"] += 1
            yield content
            _write_synced(self.folder / REGISTRY_FILE, json.dumps(content, indent=1, ensure_ascii=False) + "\n")

    def _read(self) -> dict[str, Any]:
        path = self.folder / REGISTRY_FILE
        if not path.exists():
            empty: dict[str, Any] = {"format": FORMAT, "revision": 0, "champion": None, "candidate": None}
            return {**empty, "earlier_champions": [], "models": {}, "history": []}
        try:
            fields = read_card_file(path)
            if fields.number("format") != FORMAT:
                raise fields.error("format", f"must be {FORMAT}: another version of the registry")
        except CardError as error:
            raise RegistryError(str(error)) from None
        return dict(fields.content)

    def _add(self, card: ModelCard, files: list[Path], content: dict[str, Any]) -> str:
        model_id = _model_id(card)
        if model_id not in content["models"]:
            place = self.folder / MODELS / model_id
            part = place.with_name(f"{_PART}{model_id}")
            part.mkdir(parents=True)
            for file in files:
                _copy_synced(file, part / file.name)
            _sync_folder(part)
            if place.exists():  # copied by a change that broke off before it was written down
                shutil.rmtree(place)
            part.rename(place)
            _sync_folder(place.parent)
            content["models"][model_id] = {
                "card": f"{MODELS}/{model_id}/{card.path.name}",
                "card_sha256": _sha256(place / card.path.name),
                "added_at": _now(),
            }
        return model_id

    def _demand_whole(self, content: dict[str, Any], model_id: str) -> None:
        """Nothing; raises RegistryError where card or networks of a model are not what they were when it was added."""
        if model_id not in content["models"]:
            raise RegistryError(f"{self.folder}: no model is called {model_id}")
        entry = content["models"][model_id]
        path = self.folder / entry["card"]
        if not path.is_file() or _sha256(path) != entry["card_sha256"]:
            raise RegistryError(f"{model_id}: the card is not the one that was added")
        _checked_files(read_card(path))


def _checked_files(card: ModelCard) -> list[Path]:
    """The card and its networks; raises RegistryError for a network that is missing or not the one of the card."""
    paths = [card.path]
    for precision, file in card.files.items():
        path = card.file_path(precision)
        if not path.is_file():
            raise RegistryError(f"{file.name}: is missing beside its card")
        if _sha256(path) != file.sha256:
            raise RegistryError(f"{file.name}: sha256 is not the one that its card says")
        paths.append(path)
    return paths


def _model_id(card: ModelCard) -> str:
    model_id = f"{card.name}-{card.version}-{_sha256(card.path)[:8]}"
    if not _SAFE_ID.fullmatch(model_id):
        raise RegistryError(
            f"{card.path.name}: name and version may have letters, digits, dots, lines only: {model_id!r}"
        )
    return model_id


def _note(content: dict[str, Any], action: str, note: str, before: str | None = None) -> None:
    entry = {"revision": content["revision"], "at": _now(), "action": action, "note": note}
    aliases = {"champion": content["champion"], "candidate": content["candidate"], "before": before}
    content["history"].append({**entry, **aliases})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _copy_synced(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    with target.open("rb") as stream:
        os.fsync(stream.fileno())


def _write_synced(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.part")
    with part.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
