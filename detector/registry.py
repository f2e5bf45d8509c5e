"""The registry of models as its readers see it: which card is champion, which is candidate (docs/registry.md)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from detector.card_fields import Fields, read_card_file
from detector.model_errors import CardError, RegistryError

REGISTRY_FILE = "registry.json"
FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredModel:
    """One model of a registry: its id, and where its card lies, with the card's SHA-256 in hexadecimal."""

    id: str
    card_path: Path
    card_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """What a registry says at one moment; `revision` grows with every change. Aliases that nothing has are None."""

    revision: int
    champion: RegisteredModel | None
    candidate: RegisteredModel | None


def is_registry(folder: Path) -> bool:
    """Whether a folder is a registry of models, rather than a folder with one card."""
    return (folder / REGISTRY_FILE).is_file()


def read_registry(folder: Path) -> Registry:
    """The aliases of a registry; raises RegistryError naming what is wrong, a card that was changed included."""
    try:
        fields = read_card_file(folder / REGISTRY_FILE)
        if fields.number("format") != FORMAT:
            raise fields.error("format", f"must be {FORMAT}: another version of the registry")
        return Registry(
            revision=int(fields.number("revision")),
            champion=_aliased(folder, fields, "champion"),
            candidate=_aliased(folder, fields, "candidate"),
        )
    except CardError as error:
        raise RegistryError(str(error)) from None


def _aliased(folder: Path, fields: Fields, alias: str) -> RegisteredModel | None:
    if fields.content.get(alias, "") is None:
        return None
    model_id = fields.text(alias)
    models = fields.inner("models")
    if model_id not in models.content:
        raise fields.error(alias, f"names {model_id!r}, which is not among the models")
    entry = models.inner(model_id)
    place = entry.text("card")
    if PurePosixPath(place).is_absolute() or ".." in PurePosixPath(place).parts:
        raise entry.error("card", "must lie inside the registry")
    model = RegisteredModel(id=model_id, card_path=folder / place, card_sha256=entry.text("card_sha256"))
    if _sha256(model.card_path) != model.card_sha256:
        raise entry.error("card_sha256", "is not that of the card")
    return model


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise RegistryError(f"{path.name}: cannot be read ({error.strerror})") from None
