"""What a second model would have seen: the same pictures, class by class, box against box. It decides nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from inference_server.domain.frame import FrameId
from inference_server.domain.observation import Box, Detection
from inference_server.domain.screen import Thresholds, is_drawn

_SAME_OVERLAP = 0.5  # the usual mark of PASCAL VOC for "the same box"


class Agreement(StrEnum):
    """Which of the two models saw a thing."""

    BOTH = "both"
    ONLY_LIVE = "only_live"
    ONLY_SHADOW = "only_shadow"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowFind:
    """One thing that a model saw; the box is the live model's where it has one."""

    class_name: str
    agreement: Agreement
    live_score: float | None
    shadow_score: float | None
    box: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowLook:
    """One frame that both models looked at."""

    frame_id: FrameId
    live_version: str
    shadow_version: str
    looked_at: datetime
    finds: tuple[ShadowFind, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassDifference:
    """What two models saw of one class; `score_shift` is the mean of shadow less live over what both saw."""

    class_name: str
    both: int
    only_live: int
    only_shadow: int
    score_shift: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowReport:
    """Two models over the frames that both looked at; `first_at` and `last_at` None where there are none."""

    live_version: str
    shadow_version: str
    frames: int
    first_at: datetime | None
    last_at: datetime | None
    classes: tuple[ClassDifference, ...]


def takes_part(frame_id: FrameId, share: float, seed: int) -> bool:
    """Whether the seeded share takes a frame: the same answer for the same frame, in every process."""
    return is_drawn(f"shadow|{seed}|{frame_id}", share)


def worth_a_look(found: Sequence[Detection], limits: Mapping[str, Thresholds]) -> list[Detection]:
    """Detections that would be shown to a person at least, by the scores of their own model."""
    return [one for one in found if one.class_name in limits and one.certainty >= limits[one.class_name].review_at]


def compare(live: Sequence[Detection], shadow: Sequence[Detection]) -> list[ShadowFind]:
    """Both models' detections side by side: boxes of a class are paired by overlap, best first, one to one."""
    pairs = sorted(
        (
            (mine.box.overlap(theirs.box), mine.index, theirs.index)
            for mine in live
            for theirs in shadow
            if mine.class_name == theirs.class_name and mine.box.overlap(theirs.box) >= _SAME_OVERLAP
        ),
        key=lambda row: (-row[0], row[1], row[2]),
    )
    of_mine: dict[int, int] = {}
    for _, mine_index, their_index in pairs:
        if mine_index not in of_mine and their_index not in of_mine.values():
            of_mine[mine_index] = their_index
    scores = {one.index: one.score for one in shadow}
    finds = [_find(one, one.score, scores.get(of_mine.get(one.index, -1))) for one in live]
    return finds + [_find(one, None, one.score) for one in shadow if one.index not in of_mine.values()]


def _find(one: Detection, live_score: float | None, shadow_score: float | None) -> ShadowFind:
    if live_score is None:
        agreement = Agreement.ONLY_SHADOW
    else:
        agreement = Agreement.ONLY_LIVE if shadow_score is None else Agreement.BOTH
    return ShadowFind(
        class_name=one.class_name,
        agreement=agreement,
        live_score=live_score,
        shadow_score=shadow_score,
        box=one.box,
    )
