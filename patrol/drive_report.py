"""The honest account of a drive that was sent: what became of every picture."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(kw_only=True)
class DriveReport:
    """Counts of one drive. Every picture of the source is in exactly one of the counts of each stage.

    Source: `pictures` = `skipped` + `repeated` (the same picture at the same moment) + frames.
    Sending: frames = `accepted` + `duplicates` + `sent_before` (in an earlier run) + `parked` + `waiting`.
    Analysis of those the server has: `analysed` + `dropped` + `unreported`.
    An observation is a detection that was not dropped; `placed` ones have a position on the ground.
    """

    pictures: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    notes: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    duplicates: int = 0
    sent_before: int = 0
    parked: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    analysed: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    unreported: int = 0
    detections: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    detections_dropped: Counter[str] = field(default_factory=Counter)
    observations: Counter[str] = field(default_factory=Counter)
    placed: int = 0
    cases: set[str] = field(default_factory=set)

    @property
    def frames(self) -> int:
        """How many pictures became frames."""
        return self.pictures - self.skipped.total() - self.repeated

    @property
    def is_complete(self) -> bool:
        """Whether the server has taken every frame."""
        return not self.parked and not self.waiting

    def add_analysis(self, report: dict[str, Any] | None) -> None:
        """Count the server's report of one frame; None: it has not come in time."""
        if report is None:
            self.unreported += 1
            return
        if report["drop"] is not None:
            self.dropped[str(report["drop"]["reason"])] += 1
            return
        self.analysed += 1
        for detection in report["detections"]:
            self._add_detection(detection)

    def _add_detection(self, detection: dict[str, Any]) -> None:
        self.detections += 1
        self.outcomes[str(detection["outcome"])] += 1
        if detection["drop"] is not None:
            self.detections_dropped[str(detection["drop"]["reason"])] += 1
        else:
            self.observations[str(detection["class_name"])] += 1
            self.placed += detection["position"] is not None
        if detection["case"] is not None:
            self.cases.add(str(detection["case"]))

    def summary(self) -> dict[str, Any]:
        """The counts as one JSON object."""
        return {
            "pictures": self.pictures,
            "skipped": dict(self.skipped),
            "repeated": self.repeated,
            "notes": dict(self.notes),
            "frames": self.frames,
            "frames_sent": self.accepted + self.duplicates,
            "frames_accepted": self.accepted,
            "frames_duplicate": self.duplicates,
            "frames_sent_before": self.sent_before,
            "frames_parked": dict(self.parked),
            "frames_waiting": self.waiting,
            "frames_analysed": self.analysed,
            "frames_dropped": dict(self.dropped),
            "frames_unreported": self.unreported,
            "detections": self.detections,
            "outcomes": dict(self.outcomes),
            "detections_dropped": dict(self.detections_dropped),
            "observations": dict(self.observations),
            "observations_placed": self.placed,
            "cases": sorted(self.cases),
        }
