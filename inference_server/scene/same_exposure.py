"""Are two photographs of the same exposure? Then the later one was made from the earlier one, not taken on the street.

Whoever comes back stands elsewhere and sees by another light: near and far things move against each other, shadows have
wandered, leaves, clouds and passers-by are others. Two tests ask for that. One lays the photograph after over the one
before, however it was cropped, mirrored, recoloured, squeezed through a chat program or taken from a screen, and weighs
by a logistic regression how closely they agree outside the one patch that was worked on. The other asks what lies in
place pixel for pixel, even where a generator has drawn everything anew. docs/closure.md says what both were chosen on.

A camera on a mast takes its pictures in place too. There vehicles and persons tell the moments apart; in a copy that
was cropped or taken from a screen nothing is where it was, and what "moved" says nothing.
"""

import math
from typing import Final

from inference_server.domain.verification import WORKING_POINT, Reason, ReasonCode
from inference_server.scene.agreement import NOTHING, Agreement, agreement
from inference_server.scene.checks import Check
from inference_server.scene.in_place import InPlace, in_place
from inference_server.scene.registration import Plate, register

_COARSE, _FINE, _DRIFT, _SCATTERED, _PATCHES = 5.298, 0.639, 1.954, -0.737, -0.992
_OFFSET: Final = -14.278
_CLOSENESS_FLOOR: Final = 0.02
_DRIFT_FLOOR_PX: Final = 0.05
_CHANGED_FROM: Final = 0.03  # share of the compared places; in one patch under it nothing is called edited
_IN_PLACE_FROM: Final = 0.15
_LEAST_MOVED: Final = 2  # vehicles or persons that came or went: two moments, unless all else agrees to the grain
_BEYOND_DOUBT: Final = 0.12  # a score under which nothing that moved excuses


def exposure_check(before: Plate, after: Plate) -> Check:
    """Objects where the photographs seem to be of one exposure: a copy, or with a part that was worked on."""
    still = in_place(before, after)
    found, is_mirrored = _laid_over(before, after)
    copied, unmoved = 1.0 - same_exposure_share(found), in_place_score(still)
    score = min(copied, unmoved)
    if still.share >= _IN_PLACE_FROM and still.moved >= _LEAST_MOVED and copied > _BEYOND_DOUBT:
        score = max(score, WORKING_POINT)
    measures = {
        "exposure_agreement": found.coarse,
        "exposure_drift_px": found.drift_px,
        "exposure_scattered_share": found.scattered,
        "exposure_changed_share": found.changed if copied <= unmoved else still.changed,
        "exposure_mirrored": float(is_mirrored),
        "in_place_share": still.share,
        "moved_things": float(still.moved),
    }
    if score >= WORKING_POINT:
        return Check(score=score, measures=measures)
    is_edited = measures["exposure_changed_share"] > _CHANGED_FROM
    code = ReasonCode.EDITED if is_edited else ReasonCode.SAME_AS_BEFORE
    return Check(score=score, reasons=(Reason(code, measures),), measures=measures)


def in_place_score(still: InPlace) -> float:
    """0..1: the working point where as much lies in place as hardly ever by chance."""
    return _IN_PLACE_FROM / (_IN_PLACE_FROM + still.share)


def same_exposure_share(found: Agreement) -> float:
    """0..1: among forged and honest pairs as many as the regression was fitted on, the share of forged ones."""
    logit = (
        _OFFSET
        + _COARSE * _closeness(found.coarse)
        + _FINE * _closeness(found.fine)
        + _DRIFT * math.log(_DRIFT_FLOOR_PX + found.drift_px)
        + _SCATTERED * math.sqrt(found.scattered)
        + _PATCHES * math.log1p(found.patches)
    )
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, logit))))


def _laid_over(before: Plate, after: Plate) -> tuple[Agreement, bool]:
    registration = register(before, after)
    if registration is None:
        return NOTHING, False
    return agreement(before, registration), registration.is_mirrored


def _closeness(correlation: float) -> float:
    """Grows with each halving of what two pictures do not share."""
    return -math.log(1.0 + _CLOSENESS_FLOOR - min(1.0, correlation))
