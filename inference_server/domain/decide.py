"""What we do about a candidate: file it, ask a person, or wait for more."""

from dataclasses import dataclass
from enum import StrEnum

from inference_server.domain.candidate import Candidate
from inference_server.domain.policy import ClassRules
from inference_server.domain.screen import Thresholds


class Action(StrEnum):
    """What to do about a candidate."""

    FILE = "file"
    REVIEW = "review"
    WAIT = "wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The action with the rule that led to it and its numbers."""

    action: Action
    reason: str
    numbers: dict[str, float]


def decide(candidate: Candidate, rules: ClassRules, limits: Thresholds) -> Decision:
    """The decision by number of observations and by certainty.

    The best look of a pass must reach `file_at`, and the mean of that pass `review_at`: one lucky frame among many poor
    ones files nothing. A single look that reaches `sure_at` files at once.
    """
    observations = candidate.observations
    best = max(candidate.passes, key=lambda p: (p.best_certainty, p.track_id))
    numbers = {
        "observations": float(observations),
        "best": round(best.best_certainty, 4),
        "mean": round(best.mean_certainty, 4),
        "file_at": round(limits.file_at, 4),
        "review_at": round(limits.review_at, 4),
    }
    file_it = Action.REVIEW if rules.people_only else Action.FILE
    if best.best_certainty >= limits.sure_at:
        return Decision(action=file_it, reason="one_sure_look", numbers=numbers)
    if observations < rules.observations:
        return Decision(action=Action.WAIT, reason="few_observations", numbers=numbers)
    if best.best_certainty >= limits.file_at and best.mean_certainty >= limits.review_at:
        return Decision(action=file_it, reason="enough_observations", numbers=numbers)
    if best.best_certainty >= limits.review_at:
        return Decision(action=Action.REVIEW, reason="middle_band", numbers=numbers)
    return Decision(action=Action.WAIT, reason="low_scores", numbers=numbers)
