"""Models in folders: one card, a folder with one card, or a registry whose `registry.json` names cards by alias."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from detector.image import Limits
from detector.model_card import Precision
from detector.model_errors import ModelError, ModelFileError
from detector.registry import REGISTRY_FILE, is_registry, read_registry
from detector.self_test import self_test
from detector.yolo import YoloDetector
from inference_server.adapters.looks import YoloLooks
from inference_server.domain.errors import BadInput
from inference_server.domain.model import Alias, ModelKey
from inference_server.model_ports import ModelUnusable


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderShelf:
    """`place` is a model card or a folder. `known` are the classes of the city's rules: a model that knows none of them
    is somebody else's."""

    place: Path
    precision: Precision | None
    limits: Limits
    known: Collection[str] = field(default=())

    def wanted(self) -> Mapping[Alias, ModelKey]:
        """The card of each place that is taken; raises ModelUnusable."""
        try:
            return {alias: _key(card) for alias, card in self._cards().items()}
        except (BadInput, ModelError, OSError) as error:
            raise ModelUnusable(str(error)) from error

    def load(self, key: ModelKey) -> YoloLooks:
        """The model of a card, proven and tested; raises ModelUnusable."""
        card = Path(key.place)
        try:
            looks = self.open(card)
            if _key(card) != key:
                raise ModelFileError(f"{card.name} changed while it was read")
        except (ModelError, OSError) as error:
            raise ModelUnusable(str(error)) from error
        return looks

    def champion(self) -> Path:
        """The card of the champion; raises BadInput where there is none, RegistryError for a damaged one."""
        cards = self._cards()
        if Alias.CHAMPION not in cards:
            raise BadInput(f"{self.place / REGISTRY_FILE} names no champion", field="weights")
        return cards[Alias.CHAMPION]

    def open(self, card: Path) -> YoloLooks:
        """The model of a card; raises ModelError."""
        detector = YoloDetector.load(card, self.precision, limits=self.limits)
        self_test(detector)
        if self.known and not set(self.known) & set(detector.card.classes):
            raise ModelFileError(f"{card.name}: it knows none of the classes of the city's rules")
        return YoloLooks(detector)

    def _cards(self) -> dict[Alias, Path]:
        if self.place.is_file():
            return {Alias.CHAMPION: self.place}
        if is_registry(self.place):
            found = read_registry(self.place)
            named = {Alias.CHAMPION: found.champion, Alias.CANDIDATE: found.candidate}
            return {alias: model.card_path for alias, model in named.items() if model is not None}
        cards = sorted(self.place.glob("*.json"))
        if len(cards) != 1:
            names = ", ".join(card.name for card in cards) or "none"
            message = f"{self.place} must hold {REGISTRY_FILE} or exactly one model card; found: {names}"
            raise BadInput(message, field="weights")
        return {Alias.CHAMPION: cards[0]}


def _key(card: Path) -> ModelKey:
    return ModelKey(str(card), hashlib.sha256(card.read_bytes()).hexdigest())
