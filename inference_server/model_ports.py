"""What swapping models needs of the outside world."""

from collections.abc import Mapping
from typing import Protocol

from inference_server.domain.model import Alias, ModelKey
from inference_server.ports import Detects


class ModelUnusable(Exception):
    """A model that cannot be served, or a registry that cannot be read; the message says which file and why."""


class ModelShelf(Protocol):
    """Where models lie, and which of them hold the places of the registry."""

    def wanted(self) -> Mapping[Alias, ModelKey]:
        """The card of each place that is taken; raises ModelUnusable where that cannot be read."""
        ...

    def load(self, key: ModelKey) -> Detects:
        """The model of a card: hash checked, warmed up, tested on a picture; raises ModelUnusable."""
        ...
