"""What one look at a frame gave, on its way into the record."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from inference_server.domain.camera import Mask, View
from inference_server.domain.frame import Frame, Quality
from inference_server.domain.observation import Box, Contact, Detection, Drop, Observation
from inference_server.domain.place import Pose
from inference_server.domain.policy import Policy
from inference_server.domain.screen import Thresholds, thresholds_of
from inference_server.ports import Detects


@dataclass(slots=True, kw_only=True)
class Sighted:
    """A frame with its pose, its detections, and for each of them (by index) an observation or a drop."""

    frame: Frame
    pose: Pose
    view: View | None
    quality: Quality
    detections: tuple[Detection, ...]
    limits: dict[str, Thresholds]
    model_version: str
    network_scale: float = 1.0  # sides of the network's picture over those of the frame
    masks: tuple[Mask, ...] = ()
    results: dict[int, Observation | Drop] = field(default_factory=dict)

    @property
    def observations(self) -> Iterator[Observation]:
        """Detections that came through, in the order of their indices."""
        return (one for _, one in sorted(self.results.items()) if isinstance(one, Observation))

    def occluders(self, policy: Policy) -> tuple[Box, ...]:
        """Boxes of what may hide a place: vehicles, people, and what is blacked out."""
        rules = policy.classes
        things = (d.box for d in self.detections if d.class_name in rules and rules[d.class_name].occludes)
        return (*things, *(self._round(mask) for mask in self.masks))

    def _round(self, mask: Mask) -> Box:
        """The box round a mask: rather too much of the ground is not seen than an absence that is none."""
        across = [x * self.quality.width_px for x, _ in mask]
        down = [y * self.quality.height_px for _, y in mask]
        return Box(x1=min(across), y1=min(down), x2=max(across), y2=max(down))

    def standing(self, policy: Policy) -> list[Detection]:
        """Detections of things that stand up and may hide others, however weak."""
        rules = policy.classes
        solid = (Contact.GROUND,)
        return [d for d in self.detections if d.class_name in rules and rules[d.class_name].contact in solid]

    def like(self, group: str, policy: Policy) -> list[Detection]:
        """Detections of a class group, also those that were dropped."""
        return [d for d in self.detections if policy.groups.get(d.class_name) == group]


class LastLimits:
    """The limits of the model that runs: worked out anew only for another model."""

    def __init__(self) -> None:
        self._last: tuple[Policy, Detects, dict[str, Thresholds]] | None = None

    def of(self, policy: Policy, model: Detects) -> dict[str, Thresholds]:
        """By class: the scores that decide about what this model finds."""
        last = self._last  # taken once: other threads may put others there meanwhile
        if last is None or last[0] is not policy or last[1] is not model:
            self._last = last = policy, model, limits_of(policy, model)
        return last[2]


def limits_of(policy: Policy, model: Detects) -> dict[str, Thresholds]:
    """By class: the scores that decide about what this model finds."""
    return {
        name: thresholds_of(rules, model.thresholds(name)).calibrated(partial(model.probability, name))
        for name, rules in policy.classes.items()
    }
