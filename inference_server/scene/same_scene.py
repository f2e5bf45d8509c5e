"""Do two photographs show the same place? The second gate, and the alignment that the third one stands on."""

import numpy as np

from inference_server.domain.observation import Box
from inference_server.domain.verification import WORKING_POINT, Answer, Gate, GateResult, Reason, ReasonCode
from inference_server.scene.alignment import Alignment, SceneMatch
from inference_server.scene.evidence import ACCEPT_AT, keeps_order, weigh
from inference_server.scene.geometry import Matrix, agrees, explain, fit_homography
from inference_server.scene.guided import encloses, plane_round
from inference_server.scene.learned import MatchesPictures
from inference_server.scene.look import Look, look
from inference_server.scene.matching import Matches, match
from inference_server.scene.photo import ScenePhoto
from inference_server.scene.quality import Quality

_EVIDENCE_SPAN = 2.0  # evidence for one step of the logistic
_CHANCE_BELOW = 4.0  # spread points that most pairs of different places do not reach
_LEAST_FEATURES = 100
_MOST_LIGHT_APART = 60.0  # grey values; by day and by night nothing agrees, whatever the place
_LEAST_NEAR_MATCHES = 10
_LEAST_NEAR_PX = 40.0


def same_scene(
    before: ScenePhoto, after: ScenePhoto, region: Box | None = None, matcher: MatchesPictures | None = None
) -> SceneMatch:
    """Whether two photographs show the same place.

    region: the reported problem, in pixels of `before.pixels`. matcher: finds the matches in place of RootSIFT.
    """
    matches = None if matcher is None else matcher.match(before, after)
    return compare(look(before), look(after), region, matches)


def compare(before: Look, after: Look, region: Box | None = None, matches: Matches | None = None) -> SceneMatch:
    """As `same_scene`, of looks taken earlier, and of matches found otherwise where they are given.

    Points inside the region do not count: what is there shall change.
    """
    found = _outside(match(before.features, after.features) if matches is None else matches, region)
    geometry = explain(found)
    agree = found.where(geometry.planar | geometry.epipolar)
    steady = agree.where(keeps_order(agree))
    evidence = weigh(steady, (before.features.size_px, after.features.size_px))
    measures = {
        "features_before": float(len(before.features)),
        "features_after": float(len(after.features)),
        "matches": float(len(found)),
        "agree_planar": float(geometry.planar.sum()),
        "agree_epipolar": float(geometry.epipolar.sum()),
        "steady": float(len(steady)),
        "spread": evidence.spread,
        "outside_block": evidence.outside,
        "evidence": evidence.value,
    }
    result = _result(measures, before.quality, after.quality)
    homography = near(steady, geometry.homography, region)
    is_sought = homography is None and result.answer is Answer.PASS
    if is_sought and region is not None and geometry.fundamental is not None:
        homography = plane_round(before.features, after.features, region, geometry.fundamental)
    return SceneMatch(result, Alignment(homography, steady.before_px, steady.after_px))


def _outside(matches: Matches, region: Box | None) -> Matches:
    if region is None:
        return matches
    x, y = matches.before_px.T
    return matches.where((x < region.x1) | (x > region.x2) | (y < region.y1) | (y > region.y2))


def _result(measures: dict[str, float], before: Quality, after: Quality) -> GateResult:
    score = float(1.0 / (1.0 + np.exp((ACCEPT_AT - measures["evidence"]) / _EVIDENCE_SPAN)))
    if score >= WORKING_POINT:
        return GateResult(gate=Gate.SAME_SCENE, answer=Answer.PASS, score=score, measures=measures)
    answer, reasons = _why_not(measures, before, after)
    return GateResult(gate=Gate.SAME_SCENE, answer=answer, score=score, reasons=reasons, measures=measures)


def _why_not(measures: dict[str, float], before: Quality, after: Quality) -> tuple[Answer, tuple[Reason, ...]]:
    """What stands in the way: a bad photograph, a view too different to say, or another place."""
    poor = [reason for quality in (before, after) for reason in quality.reasons()]
    if poor:
        return Answer.CANNOT_TELL, tuple(poor)
    few = min(measures["features_before"], measures["features_after"]) < _LEAST_FEATURES
    other_light = abs(before.brightness - after.brightness) > _MOST_LIGHT_APART
    if few or other_light or measures["spread"] >= _CHANCE_BELOW:
        return Answer.CANNOT_TELL, (Reason(ReasonCode.VIEW_TOO_DIFFERENT, measures),)
    return Answer.FAIL, (Reason(ReasonCode.SCENE_MISMATCH, measures),)


def near(steady: Matches, overall: Matrix | None, region: Box | None) -> Matrix | None:
    """The homography of the agreeing matches around the region; where there are few, the one of the whole picture if
    its matches enclose the region; else None.

    Houses say nothing about the ground before them: a plane holds between its points, not beyond them.
    """
    if region is None:
        return overall
    wide, high = max(region.width_px, _LEAST_NEAR_PX), max(region.height_px, _LEAST_NEAR_PX)
    x, y = steady.before_px.T
    inside = (x > region.x1 - wide) & (x < region.x2 + wide) & (y > region.y1 - high) & (y < region.y2 + high)
    if inside.sum() >= _LEAST_NEAR_MATCHES:
        local, agree = fit_homography(steady.where(inside))
        if local is not None and agree.sum() >= _LEAST_NEAR_MATCHES:
            return local
    return overall if overall is not None and encloses(steady.where(agrees(overall, steady)), region) else None
