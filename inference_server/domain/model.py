"""Which models a city runs, and what became of the wish to run another."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Alias(StrEnum):
    """The places that a model can hold in the registry."""

    CHAMPION = "champion"  # what it finds becomes cases
    CANDIDATE = "candidate"  # looks at a share of the frames beside the champion, and decides nothing


@dataclass(frozen=True, slots=True)
class ModelKey:
    """A model card as it was found: `place` names it for people, `sha256` changes with its content."""

    place: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStatus:
    """What holds a place, what should, and why it does not (`fault` None: all is well)."""

    alias: Alias
    wanted: str | None  # the card that the registry names
    version: str | None  # name and version of the model that runs
    since: datetime | None  # when it took over
    swaps: int  # how often a model took over from another since the start
    fault: str | None
