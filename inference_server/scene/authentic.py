"""Is the photograph after a photograph of its own, taken then and there? The first gate, made of small checks."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from inference_server.domain.photo_index import LEAST_QUALITY, NEAR_BITS, SURE_BITS, PhotoMatch, bits_apart
from inference_server.domain.photo_rules import PhotoClaim, PhotoLimits, PhotoPlan, photo_faults
from inference_server.domain.verification import WORKING_POINT, GateResult, Reason, ReasonCode
from inference_server.scene.checks import NO_OBJECTION, Check, certain, judged
from inference_server.scene.declared import Mark, declared_mark
from inference_server.scene.perceptual_hash import PerceptualHash, perceptual_hash, turned_hashes
from inference_server.scene.photo import ScenePhoto
from inference_server.scene.recapture import MOIRE_AT, moire
from inference_server.scene.registration import plate
from inference_server.scene.same_exposure import exposure_check

_MOIRE_STEEPNESS = 10.0  # pictures of the street reach 1.0 as a rule, 1.2 now and then
_EDITOR_SCORE = 0.4  # many phones let people turn and trim a picture with an editor


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoStory:
    """What is known of an after-photo besides its pixels.

    `known`: photographs of other cases with its bytes or look, as `Photos.used_elsewhere` tells.
    """

    claim: PhotoClaim = field(default_factory=PhotoClaim)
    plan: PhotoPlan = field(default_factory=PhotoPlan)
    limits: PhotoLimits = field(default_factory=PhotoLimits)
    known: Sequence[PhotoMatch] = ()


def authentic(befores: Sequence[ScenePhoto], after: ScenePhoto | None, story: PhotoStory) -> GateResult:
    """What the first gate says of one after-photo against all photographs before of its case.

    FAIL: a fact speaks against it (bytes, look, time, place, device). CANNOT_TELL: a suspicion does, or a photograph is
    missing. Reasons carry the numbers that gave them.
    """
    if after is None or not befores:
        missing = Reason(ReasonCode.MISSING_PHOTO, {"before": len(befores), "after": int(after is not None)})
        return judged([Check(score=0.0, reasons=(missing,))])
    return judged(
        [
            _time_and_place(story),
            _used_elsewhere(story.known),
            *_copies(befores, after),
            _recaptured(after),
            _declared(after),
        ]
    )


def _time_and_place(story: PhotoStory) -> Check:
    faults = photo_faults(story.claim, story.plan, story.limits)
    return certain(*faults) if faults else NO_OBJECTION


def _used_elsewhere(known: Sequence[PhotoMatch]) -> Check:
    """The nearest photograph of another case, if there is one."""
    if not known:
        return NO_OBJECTION
    nearest = min(known, key=lambda match: match.bits_apart)
    reason = Reason(ReasonCode.DUPLICATE_PHOTO, {"bits_apart": nearest.bits_apart, "photos": len(known)})
    return _check_of_bits(nearest.bits_apart, reason)


def _copies(befores: Sequence[ScenePhoto], after: ScenePhoto) -> Iterator[Check]:
    """Whether it was made from a photograph before; the same bytes need no pixels."""
    if any(before.sha256 == after.sha256 for before in befores):
        yield certain(Reason(ReasonCode.SAME_AS_BEFORE, {"bits_apart": 0.0}))
        return
    turned, after_plate = turned_hashes(after.pixels), plate(after)
    for before in befores:
        yield _same_look(perceptual_hash(before.pixels), turned.values())
        yield exposure_check(plate(before), after_plate)


def _same_look(before: PerceptualHash, turned: Iterable[PerceptualHash]) -> Check:
    """Objects up to SURE_BITS only: between them and NEAR_BITS the pixels tell more."""
    if before.quality < LEAST_QUALITY:
        return NO_OBJECTION
    bits = min(bits_apart(before.value, laid.value) for laid in turned)
    if bits <= SURE_BITS:
        return _check_of_bits(bits, Reason(ReasonCode.SAME_AS_BEFORE, {"bits_apart": bits}))
    return Check(score=1.0, measures={"bits_same_as_before": float(bits)})


def _recaptured(after: ScenePhoto) -> Check:
    rise = moire(after.pixels)
    measures = {"moire": rise}
    score = 1.0 / (1.0 + math.exp(_MOIRE_STEEPNESS * (rise - MOIRE_AT)))
    if score >= WORKING_POINT:
        return Check(score=score, measures=measures)
    return Check(score=score, reasons=(Reason(ReasonCode.RECAPTURED_SCREEN, measures),), measures=measures)


def _declared(after: ScenePhoto) -> Check:
    mark = declared_mark(after.data)
    if mark is None:
        return NO_OBJECTION
    reason = Reason(ReasonCode.EDITED, {f"declared_{mark}": 1.0})
    return Check(score=0.0 if mark is Mark.GENERATED else _EDITOR_SCORE, reasons=(reason,))


def _check_of_bits(bits: int, reason: Reason) -> Check:
    """Objects up to NEAR_BITS; certain up to SURE_BITS."""
    score = min(1.0, WORKING_POINT * bits / (NEAR_BITS + 1))
    measures = {f"bits_{reason.code.lower()}": float(bits)}
    if bits > NEAR_BITS:
        return Check(score=score, measures=measures)
    return Check(score=score, reasons=(reason,), is_certain=bits <= SURE_BITS, measures=measures)
