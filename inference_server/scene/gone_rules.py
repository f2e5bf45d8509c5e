"""When the third gate says gone: limits, and the weights that turn measures into probabilities."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from inference_server.domain.errors import BadPolicy

COVERING = frozenset({"person", "bicycle", "motorcycle", "car", "truck", "bus"})
SHIPPED = Path(__file__).parents[1] / "policy" / "gone.toml"
OBJECTIONS = ("not_left", "not_moved", "not_hidden")
# What may be weighed: the names of what `gone_measures.py` reads off the region and its surroundings.
WEIGHABLE = frozenset(
    [
        "here",
        "nearer_beside",
        "pattern_beside",
        "quiet",
        "unlike_most",
        "unlike_least",
        "strange",
        "left_block",
        "structure_inside",
        "structure_ground",
        "colour_inside",
        "colour_ground",
        "structure_calm",
        "spill",
        "separation",
        "left",
        "kept",
        "quiet_structure",
        "quiet_colour",
        "same",
        "stands_out_before",
        "stands_out_after",
        "detail_inside_after",
        "detail_ground_before",
        "detail_ground_after",
        "brightness_after",
        "region_px",
    ]
)
UNKNOWN_LOW_SCORE = 0.25  # of a class that the model card says nothing about


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighing:
    """A logistic model: probability = 1 / (1 + exp(-(bias + sum of weight * measure))).

    weights: by the measure's name. pass_at: the probability at and above which the objection is out of the way.
    """

    bias: float
    weights: Mapping[str, float]
    pass_at: float

    def probability(self, measures: Mapping[str, float]) -> float:
        """How likely the objection does not hold, 0..1."""
        return _logistic(self.bias + sum(weight * measures[name] for name, weight in self.weights.items()))

    def score(self, probability: float) -> float:
        """The probability moved so that `pass_at` becomes 0.5."""
        return _logistic(_logit(probability) - _logit(self.pass_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class GoneRules:
    """The rules of the third gate; shares and scores in 0..1, lengths in pixels of the compared photographs.

    not_left, not_moved, not_hidden: what a thing that is not seen may be instead of gone; each was fitted on fixed
    pairs against those of its kind. remains_at: the probability of `not_left` at and below which the thing is there.
    low_scores: by class, the detector's score below which a box says nothing (the card's `drop_below`). groups: by
    class, the name of the group of classes that the detector takes for one another. covering: classes that hide.
    """

    not_left: Weighing
    not_moved: Weighing
    not_hidden: Weighing
    remains_at: float
    low_scores: Mapping[str, float] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    covering: frozenset[str] = COVERING
    cover_score: float = 0.25
    least_shown: float = 0.95  # of the region inside the photograph after
    least_region_px: float = 10.0
    most_covered: float = 0.15
    least_separation: float = 0.8  # standard deviations between region and surroundings before
    least_brightness: float = 18.0
    least_sharpness_share: float = 0.4  # of the ground after against before, and of the region against its ground
    least_here: float = 0.6  # correlation of the thing at its place from which on it remains
    most_here: float = 0.55  # the same up to which it can be gone
    least_part: float = 0.1  # share of the thing's pixels that have not changed
    least_kept: float = 0.4  # share of them that still look like the thing
    least_whole: float = 0.75  # the same from which on it is not a part
    least_part_here: float = 0.5  # correlation of the thing at its place for a part of it
    least_out: float = 1.0  # how far the region before differs from its belt for a part to be told
    least_new: float = 0.5  # how far the region after differs from its belt where something new stands there
    sure_moved: float = 0.75  # of both that a place next door became like the thing and shows its pattern: moved there
    sure_detected_beside: float = 1.0  # natural logarithm of score over low score of a like thing next door, the same
    most_spill: float = 0.08  # share of the belt under what has changed in the region as well; more may be a cover
    most_unlike: float = 2.5  # standard deviations of the ground that a block of what spills may differ from it
    most_strange: float = 3.6  # the same in median deviations of most of the ground
    most_calm_change: float = 0.24  # of the structure on the calmest side; more is a bad alignment or another place

    def like(self, class_name: str) -> frozenset[str]:
        """The classes that the detector may call a thing of this class, itself included."""
        group = self.groups.get(class_name)
        alike = {name for name, other in self.groups.items() if group is not None and other == group}
        return frozenset({class_name, *alike})

    def low_score(self, class_name: str) -> float:
        """The lowest score that says something about this class."""
        return self.low_scores.get(class_name, UNKNOWN_LOW_SCORE)


def read_gone_rules(
    path: Path = SHIPPED, *, low_scores: Mapping[str, float] | None = None, groups: Mapping[str, str] | None = None
) -> GoneRules:
    """The rules of a TOML file; raises BadPolicy naming file and field.

    [not_left] with remains_at, [not_moved] and [not_hidden], each with bias, pass_at and weights by measure, and
    [limits] with any number of GoneRules.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadPolicy(f"{path.name}: {error}") from error
    weighings = {name: _weighing(path, data.get(name, {}), name) for name in OBJECTIONS}
    remains_at = _number(path, data.get("not_left", {}), "remains_at")
    if not 0 < remains_at <= weighings["not_left"].pass_at:
        raise BadPolicy(f"{path.name}: 0 < remains_at <= pass_at < 1 must hold", field="not_left.pass_at")
    limits = {name: _number(path, data["limits"], name) for name in data.get("limits", {})}
    unknown = sorted(set(limits) - set(GoneRules.__dataclass_fields__))
    if unknown:
        raise BadPolicy(f"{path.name}: unknown limit {unknown[0]!r}", field=f"limits.{unknown[0]}")
    held = {**weighings, **limits, "remains_at": remains_at}
    return GoneRules(low_scores=low_scores or {}, groups=groups or {}, **held)  # type: ignore[arg-type]


def _weighing(path: Path, table: Mapping[str, Any], name: str) -> Weighing:
    bias, pass_at = (_number(path, table, key) for key in ("bias", "pass_at"))
    if not 0 < pass_at < 1:
        raise BadPolicy(f"{path.name}: 0 < pass_at < 1 must hold", field=f"{name}.pass_at")
    weights = {key: _number(path, table["weights"], key) for key in table.get("weights", {})}
    unknown = sorted(set(weights) - WEIGHABLE)
    if unknown:
        raise BadPolicy(f"{path.name}: no measure is called {unknown[0]!r}", field=f"{name}.weights.{unknown[0]}")
    return Weighing(bias=bias, weights=weights, pass_at=pass_at)


def _number(path: Path, table: Mapping[str, Any], name: str) -> float:
    value = table.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise BadPolicy(f"{path.name}: {name} must be a number, not {value!r}", field=name)
    return float(value)


def _logistic(value: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(value, -40, 40))))


def _logit(probability: float) -> float:
    held = min(max(probability, 1e-12), 1 - 1e-12)
    return float(np.log(held / (1 - held)))
