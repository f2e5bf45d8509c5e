"""Is the problem gone? The third gate: the region before, and the same place after."""

from collections.abc import Mapping

import numpy as np

from inference_server.domain.observation import Box
from inference_server.domain.verification import WORKING_POINT, Answer, Gate, GateResult, Reason, ReasonCode
from inference_server.scene.alignment import Alignment
from inference_server.scene.gone_measures import best_score, best_score_beside, evidence_of, not_outvoted
from inference_server.scene.gone_rules import OBJECTIONS, GoneRules
from inference_server.scene.hidden import cover
from inference_server.scene.photo import ScenePhoto
from inference_server.scene.region import alignment_homography, carry, neighbourhood

_JUST_BELOW = float(np.nextafter(WORKING_POINT, 0.0))
Measures = Mapping[str, float]


def problem_gone(
    before: ScenePhoto, after: ScenePhoto, alignment: Alignment, region: Box, class_name: str, rules: GoneRules
) -> GateResult:
    """Whether the thing of a class in `region`, pixels of `before.pixels`, is no longer there after."""
    measures = measured(before, after, alignment, region, class_name, rules)
    return judged(measures, rules)


def measured(
    before: ScenePhoto, after: ScenePhoto, alignment: Alignment, region: Box, class_name: str, rules: GoneRules
) -> dict[str, float]:
    """All numbers the judgement stands on; without those that could not be measured."""
    homography = alignment_homography(alignment)
    if homography is None:
        return {"aligned": 0.0}
    carried = carry(region, homography, after.pixels)
    found = {"aligned": float(carried.is_sane), "shown": carried.shown, "zoom": carried.zoom}
    if not carried.is_sane or carried.shown < rules.least_shown:
        return found
    hood = neighbourhood(before.pixels, after.pixels, homography, region, carried.zoom)
    evidence = evidence_of(hood, (before, after), rules.covering)
    if evidence is None:
        return {**found, "ground": 0.0}
    hood, like, low = evidence.hood, rules.like(class_name), rules.low_score(class_name)
    sure = not_outvoted(after.found, like)
    covered = cover(after.found, hood.to_after, hood.box, rules.covering, rules.cover_score)
    was_covered = cover(before.found, hood.to_before, hood.box, rules.covering, rules.cover_score)
    return {
        **found,
        "ground": 1.0,
        **evidence.measures,
        "covered": covered.share,
        "covered_before": was_covered.share,
        "detected_before": _log_score(best_score(before.found, hood.to_before, hood.box, like), low),
        "detected_after": _log_score(best_score(sure, hood.to_after, hood.box, like), low),
        "detected_beside": _log_score(best_score_beside((before.found, after.found), hood, like), low),
    }


def _log_score(score: float, low: float) -> float:
    """0 below the class's low score, then the natural logarithm of how many times higher it is."""
    return float(np.log(max(score / max(low, 1e-3), 1.0)))


def judged(measures: Measures, rules: GoneRules) -> GateResult:
    """The gate's answer to a set of measures."""
    why_not = _not_to_be_told(measures, rules)
    if why_not is not None:
        return _cannot_tell(why_not, measures)
    known = {**measures, **_weighed(measures, rules)}
    if known["covered"] > rules.most_covered:
        return _cannot_tell(ReasonCode.PROBLEM_HIDDEN, known)
    not_left = known["not_left"] >= rules.not_left.pass_at
    if known["detected_after"] > 0 and not_left:
        return _cannot_tell(ReasonCode.PROBLEM_REMAINS, known)  # pixels and detector contradict each other
    if known["detected_after"] > 0 or known["not_left"] <= rules.remains_at:
        return _not_gone(known, rules)
    if known["not_moved"] < rules.not_moved.pass_at or known["detected_beside"] > 0:
        return _moved(known, rules)
    if not not_left and _part_is_left(known, rules):
        return _fails(ReasonCode.PROBLEM_PARTLY_REMAINS, known)
    if known["not_hidden"] < rules.not_hidden.pass_at or _something_new(known, rules):
        return _cannot_tell(ReasonCode.PROBLEM_HIDDEN, known)
    if not not_left or known["here"] > rules.most_here:
        return _cannot_tell(ReasonCode.NO_VISIBLE_CHANGE, known)
    score = max(known["probability"], WORKING_POINT)
    return GateResult(gate=Gate.PROBLEM_GONE, answer=Answer.PASS, score=score, measures=known)


def _weighed(measures: Measures, rules: GoneRules) -> dict[str, float]:
    """How likely it is not left, not moved, not hidden; `probability`: the weakest of these, 0.5 where it passes."""
    weighings = {name: getattr(rules, name) for name in OBJECTIONS}
    chances = {name: held.probability(measures) for name, held in weighings.items()}
    return {**chances, "probability": min(weighings[name].score(chance) for name, chance in chances.items())}


def _not_gone(measures: Measures, rules: GoneRules) -> GateResult:
    """Whole, in part, or something else that stands there now."""
    if measures["detected_after"] > 0:
        return _fails(ReasonCode.PROBLEM_REMAINS, measures)
    is_whole = measures["kept"] >= rules.least_whole
    if _part_is_left(measures, rules) and not is_whole:
        return _fails(ReasonCode.PROBLEM_PARTLY_REMAINS, measures)
    if measures["here"] >= rules.least_here or _part_is_left(measures, rules):
        return _fails(ReasonCode.PROBLEM_REMAINS, measures)
    new = measures["stands_out_after"] >= rules.least_new
    return _cannot_tell(ReasonCode.PROBLEM_HIDDEN if new else ReasonCode.NO_VISIBLE_CHANGE, measures)


def _part_is_left(measures: Measures, rules: GoneRules) -> bool:
    """Some of the thing's pixels have not changed, still look like it and fit; told only of a thing that stood out."""
    return (
        measures["same"] >= rules.least_part
        and measures["kept"] >= rules.least_kept
        and measures["here"] >= rules.least_part_here
        and measures["stands_out_before"] >= rules.least_out
    )


def _moved(measures: Measures, rules: GoneRules) -> GateResult:
    """Found next door; a passing vehicle can look a little like it, so that only a clear find is a failure."""
    seen_beside = min(measures["nearer_beside"], measures["pattern_beside"])
    if seen_beside >= rules.sure_moved or measures["detected_beside"] >= rules.sure_detected_beside:
        return _fails(ReasonCode.PROBLEM_MOVED, measures)
    return _cannot_tell(ReasonCode.PROBLEM_MOVED, measures)


def _something_new(measures: Measures, rules: GoneRules) -> bool:
    """Something that is larger than the region stands there, or the alignment does not hold: no proof either way."""
    is_strange = measures["unlike_most"] > rules.most_unlike or measures["strange"] > rules.most_strange
    is_cover = is_strange and measures["spill"] > rules.most_spill
    return is_cover or measures["structure_calm"] > rules.most_calm_change


def _not_to_be_told(measures: Measures, rules: GoneRules) -> ReasonCode | None:
    if not measures["aligned"] or measures["shown"] < rules.least_shown or not measures["ground"]:
        return ReasonCode.PLACE_NOT_VISIBLE
    if measures["region_px"] < rules.least_region_px:
        return ReasonCode.PLACE_NOT_VISIBLE
    if measures["brightness_after"] < rules.least_brightness:
        return ReasonCode.DARK
    sharp = rules.least_sharpness_share
    if measures["detail_ground_after"] < sharp * measures["detail_ground_before"]:
        return ReasonCode.BLUR
    if measures["detail_inside_after"] < sharp * measures["detail_ground_after"]:
        return ReasonCode.BLUR
    seen_before = measures["detected_before"] > 0 or measures["separation"] >= rules.least_separation
    return None if seen_before else ReasonCode.NOT_VISIBLE_IN_BEFORE


def _cannot_tell(code: ReasonCode, measures: Measures) -> GateResult:
    score = min(measures.get("probability", 0.0), _JUST_BELOW)
    return GateResult(gate=Gate.PROBLEM_GONE, answer=Answer.CANNOT_TELL, score=score, reasons=(Reason(code, measures),))


def _fails(code: ReasonCode, measures: Measures) -> GateResult:
    score = min(measures["probability"], _JUST_BELOW)
    return GateResult(gate=Gate.PROBLEM_GONE, answer=Answer.FAIL, score=score, reasons=(Reason(code, measures),))
