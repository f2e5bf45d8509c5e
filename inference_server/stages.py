"""The stages of a frame's analysis, and who takes their time."""

from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from typing import Protocol


class Stage(StrEnum):
    """What a frame passes, in this order; an analysed frame passes each once. What lies between them is small."""

    DECODE = "decode"  # the picture, and how good it is
    DETECT = "detect"
    PLACE = "place"
    EVIDENCE = "evidence"  # the picture is stored, where something in it is worth it
    LOCK = "lock"  # waiting for the writers before us
    MATCH = "match"  # tracks, candidates, cases, within the transaction
    COMMIT = "commit"  # the report is written and the transaction is on disk


class Times(Protocol):
    """Who takes the time of a stage, from entering the context to leaving it."""

    def __call__(self, stage: Stage) -> AbstractContextManager[object]:
        """The watch of one stage of one frame."""
        ...


def untimed(stage: Stage) -> AbstractContextManager[object]:
    """Nobody takes the time."""
    return nullcontext()
