"""Clear looks at the place of a known case: was the thing there?"""

from dataclasses import dataclass, replace
from datetime import datetime

from inference_server.domain.camera import View
from inference_server.domain.candidate import Candidate, CaseView, PassId
from inference_server.domain.geo import LatLon
from inference_server.domain.observation import Box, Contact, Detection
from inference_server.domain.place import Pose, pixel_of
from inference_server.domain.policy import AbsenceRules

Spot = tuple[float, float, float]
_SEEN_RANGE_M = 40.0
_NEAR_BOX_SHARE = 0.75  # a like box this share of its size around the place is taken for the thing itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """What one frame shows of known places."""

    view: View
    pose: Pose
    rules: AbsenceRules
    occluders: tuple[Box, ...]
    network_scale: float = 1.0  # sides of the network's picture over those of the frame

    def spot(self, place: LatLon, up_m: float) -> Spot | None:
        """`x`, `y` in pixels and range in metres of a place that lies in the picture; None if it does not."""
        spot = pixel_of(self.view, self.pose, place, up_m)
        if spot is None or spot[2] > _SEEN_RANGE_M:
            return None
        inside = 0 <= spot[0] <= self.view.lens.width_px and 0 <= spot[1] <= self.view.lens.height_px
        return spot if inside else None

    def is_clear(self, spot: Spot) -> bool:
        """Whether a place is well inside the frame, near enough, and nothing stands before it."""
        x, y, range_m = spot
        if not self.rules.min_range_m <= range_m <= self.rules.max_range_m:
            return False
        wide, high = self.view.lens.width_px, self.view.lens.height_px
        margin = self.rules.edge_margin_share
        inside = margin * wide <= x <= (1 - margin) * wide and margin * high <= y <= (1 - margin) * high
        return inside and not any(box.holds(x, y) for box in self.occluders)

    def is_large(self, candidate: Candidate, range_m: float, typical_px: float) -> bool:
        """Whether the thing would show large enough to be found, as its nearest look tells; else as is typical."""
        near = candidate.near
        if near is not None and near.range_m is not None:
            typical_px = near.size_px * near.range_m / max(range_m, 0.1)
        is_flat = candidate.contact is Contact.FLAT
        return typical_px >= (self.rules.min_flat_px if is_flat else self.rules.min_size_px)

    def typical_px(self, size_m: float, range_m: float) -> float:
        """Side in the network's picture of a thing of some metres at a range."""
        return self.view.lens.focal_px * size_m / max(range_m, 0.1) * self.network_scale

    def shows(self, spot: Spot, like: list[Detection]) -> bool:
        """Whether a like detection lies at a place, however weak or cut it is."""
        return any(_widened(one.box).holds(spot[0], spot[1]) for one in like)


def _widened(box: Box) -> Box:
    wide, high = box.width_px * _NEAR_BOX_SHARE, box.height_px * _NEAR_BOX_SHARE
    return Box(x1=box.x1 - wide, y1=box.y1 - high, x2=box.x2 + wide, y2=box.y2 + high)


def looked(
    before: CaseView | None, pass_id: PassId, case_id: str, *, is_clear: bool, was_seen: bool, at: datetime, frames: int
) -> CaseView:
    """The view of a pass after one more frame: an absence at `frames` clear looks without the thing, if never seen."""
    view = before or CaseView(pass_id=pass_id, case_id=case_id, clear_frames=0, was_seen=False)
    seen = view.was_seen or was_seen
    clear = view.clear_frames + (1 if is_clear and not was_seen else 0)
    if seen:
        return replace(view, clear_frames=clear, was_seen=True, absence_at=None)
    if clear >= frames and view.absence_at is None:
        return replace(view, clear_frames=clear, absence_at=at)
    return replace(view, clear_frames=clear)


def height_of(candidate: Candidate, height_m: float | None) -> float:
    """Metres over ground at which to look for a candidate."""
    return 0.0 if candidate.contact.value in ("ground", "flat") else (height_m or 1.5)
