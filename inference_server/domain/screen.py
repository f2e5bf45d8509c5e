"""Which detections of a frame may become observations, before they are placed."""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import shapely

from inference_server.domain.camera import Mask
from inference_server.domain.geo import LatLon, distance_m
from inference_server.domain.observation import Box, Contact, Detection, Drop, DropReason, Observation
from inference_server.domain.policy import ClassRules, Policy, ReviewRules
from inference_server.domain.zones import is_inside

_SAME_BOX_OVERLAP = 0.6
_PART_SHARE = 0.6
_TOUCH_PX = 3.0
_HIDDEN_SHARE = 0.3
_COVERED_SHARE = 0.15
_MASKED_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From `file_at` a case is filed, from `review_at` a person is asked, below `drop_below` nothing is.

    One look of `sure_at` is enough to file. Model card and policy name raw scores; decisions are made on certainties.
    """

    file_at: float
    review_at: float
    drop_below: float
    sure_at: float = math.inf

    def calibrated(self, probability: Callable[[float], float]) -> "Thresholds":
        """The same thresholds as certainties; a threshold that no score reaches stays so.

        >>> Thresholds(math.inf, 0.4, 0.2).calibrated(lambda score: score / 2)
        Thresholds(file_at=inf, review_at=0.2, drop_below=0.1, sure_at=inf)
        """
        raw = (self.file_at, self.review_at, self.drop_below, self.sure_at)
        return Thresholds(*(score if math.isinf(score) else probability(score) for score in raw))


UNKNOWN_CLASS = Thresholds(0.5, 0.35, 0.2)


def thresholds_of(rules: ClassRules, card: tuple[float, float, float] | None) -> Thresholds:
    """The policy's scores where it names any, else those of the model card."""
    default = UNKNOWN_CLASS if card is None else Thresholds(*card)
    return Thresholds(
        default.file_at if rules.file_at is None else rules.file_at,
        default.review_at if rules.review_at is None else rules.review_at,
        default.drop_below if rules.drop_below is None else rules.drop_below,
        math.inf if rules.sure_at is None else rules.sure_at,
    )


def masked_share(box: Box, masks: Sequence[Mask], width_px: int, height_px: int) -> float:
    """How much of a box lies in masked parts of a picture of this size, 0 to 1."""
    if not masks:
        return 0.0
    area = shapely.box(box.x1, box.y1, box.x2, box.y2)
    hidden = shapely.union_all([shapely.Polygon([(x * width_px, y * height_px) for x, y in mask]) for mask in masks])
    return float(area.intersection(hidden).area / area.area) if area.area > 0.0 else 0.0


def check_mask(detection: Detection, masks: Sequence[Mask], width_px: int, height_px: int) -> Drop | None:
    """Why a detection goes no further that lies mostly where the picture is blacked out: it is of the mask's edge."""
    share = masked_share(detection.box, masks, width_px, height_px)
    return Drop(DropReason.MASKED_VIEW, {"share": round(share, 3)}) if share >= _MASKED_SHARE else None


def screen(detection: Detection, rules: ClassRules | None, limits: Thresholds, local: datetime) -> Drop | None:
    """Why a detection goes no further for its class, score or time; None if it does."""
    if rules is None:
        return Drop(DropReason.CLASS_NOT_COLLECTED, {"class_name": detection.class_name})
    if rules.group == "context":
        return Drop(DropReason.CONTEXT_CLASS, {"class_name": detection.class_name})
    if not rules.collected:
        return Drop(DropReason.CLASS_NOT_COLLECTED, {"class_name": detection.class_name})
    if detection.certainty < limits.drop_below:
        numbers: dict[str, float | str] = {
            "score": round(detection.score, 4),
            "drop_below": round(limits.drop_below, 4),
        }
        if detection.probability is not None:
            numbers["probability"] = round(detection.probability, 4)
        return Drop(DropReason.LOW_SCORE, numbers)
    if not _in_season(rules, local):
        return Drop(DropReason.OUT_OF_HOURS, {"local_time": local.strftime("%m-%d %H:%M")})
    return None


def _in_season(rules: ClassRules, local: datetime) -> bool:
    if rules.months and local.month not in rules.months:
        return False
    if rules.hours is None:
        return True
    begin, end = rules.hours
    clock = local.time()
    return begin <= clock < end if begin <= end else clock >= begin or clock < end


def local_time(at: datetime, policy: Policy) -> datetime:
    """A moment on the clocks of the city."""
    return at.astimezone(ZoneInfo(policy.timezone))


def is_permitted(position: LatLon, rules: ClassRules) -> bool:
    """Whether a permit covers the place."""
    return any(is_inside(position, ring) for ring in rules.permits)


def repeats_stronger(detection: Detection, others: Sequence[Detection], groups: dict[str, str]) -> Detection | None:
    """A detection with nearly the same box and a better score, if there is one: one box holds one thing.

    It need not be of a like class: a closed bin that looks a little like an overflowing one is a closed bin. Of a like
    class it may also lie inside: a part of a heap is no second heap.
    """
    group = groups.get(detection.class_name)
    for other in others:
        if other.index == detection.index:
            continue
        stronger = (other.certainty, -other.index) > (detection.certainty, -detection.index)
        is_part = groups.get(other.class_name) == group and detection.box.share_inside(other.box) > _PART_SHARE
        if stronger and (is_part or detection.box.overlap(other.box) > _SAME_BOX_OVERLAP):
            return other
    return None


def is_beside_stronger(
    one: Observation, others: Sequence[Observation], groups: dict[str, str], within_m: float
) -> bool:
    """Whether a like thing with a better score was placed so near that both are one.

    One frame's places are exact against each other, and like faults side by side are one case by the rules of
    collection.
    """
    group, mine = groups.get(one.detection.class_name), (one.detection.certainty, -one.detection.index)
    for other in others:
        if one.position is None or other.position is None or groups.get(other.detection.class_name) != group:
            continue
        is_stronger = (other.detection.certainty, -other.detection.index) > mine
        if is_stronger and distance_m(one.position, other.position) < within_m:
            return True
    return False


def hidden_by(detection: Detection, others: Sequence[Detection], contact: Contact) -> Detection | None:
    """A detection that stands before this one and covers or borders a good part of it, if there is one.

    What is left of a half hidden thing has its foot and its middle in the wrong place. Nearer is what stands lower in
    the picture. Before a wall nearly everything stands lower: there it must really cover a part.
    """
    is_on_wall = contact in (Contact.WALL, Contact.HANGING)
    box = detection.box
    for other in others:
        if other.index == detection.index or other.box.y2 <= box.y2 + _TOUCH_PX:
            continue
        wide = min(box.x2, other.box.x2) - max(box.x1, other.box.x1) + _TOUCH_PX
        high = min(box.y2, other.box.y2) - max(box.y1, other.box.y1) + _TOUCH_PX
        touches = wide > 0 and high > 0
        if is_on_wall and detection.box.share_inside(other.box) < _COVERED_SHARE:
            continue
        if touches and max(wide / box.width_px, high / box.height_px) >= _HIDDEN_SHARE:
            return other
    return None


def is_sampled(frame_id: str, index: int, rules: ReviewRules) -> bool:
    """Whether the seeded sample takes a dropped detection: the same answer for the same frame, always."""
    return is_drawn(f"{rules.seed}|{frame_id}|{index}", rules.sample_share)


def is_drawn(name: str, share: float) -> bool:
    """Whether a name belongs to a share of all names, drawn by its hash.

    >>> is_drawn("any", 1.0), is_drawn("any", 0.0)
    (True, False)
    """
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < share
