"""Two candidates that turn out to be one thing.

A pass whose fix was far off may open a second candidate on a known thing. Later passes then see one thing and choose
between two candidates. What gives the pair away: their places agree within their errors, and no frame has shown both,
although like things that stand so near to each other are seen together all the time.
"""

from dataclasses import replace

import numpy as np

from inference_server.domain.candidate import Candidate
from inference_server.domain.gather import folded, fused, independent
from inference_server.domain.geo import LocalPlane, distance_m
from inference_server.domain.policy import MatchRules
from inference_server.domain.track import larger, matrix


def are_one(a: Candidate, b: Candidate, rules: MatchRules) -> bool:
    """Whether two candidates of at least `merge_passes` passes in all are the same thing."""
    if a.class_group != b.class_group or a.contact is not b.contact or a.id == b.id:
        return False
    if not (a.may_be(b.class_name) and b.may_be(a.class_name)):
        return False
    if len(a.passes) + len(b.passes) < rules.merge_passes or _were_seen_together(a, b):
        return False
    if distance_m(a.position, b.position) > rules.merge_within_m:
        return False
    return _apart_chi2(a, b) <= rules.merge_gate_sigmas**2


def _apart_chi2(a: Candidate, b: Candidate) -> float:
    gap = LocalPlane(a.position).metres(b.position)
    return float(gap @ np.linalg.solve(matrix(a.cov_m2) + matrix(b.cov_m2), gap))


def _were_seen_together(a: Candidate, b: Candidate) -> bool:
    """Whether one frame showed both. Tracks of one pass that only overlap in time may be a track that broke."""
    of_a, of_b = ({seen.track_id for seen in one.passes} for one in (a, b))
    return any(of_b & set(seen.beside) for seen in a.passes) or any(of_a & set(seen.beside) for seen in b.passes)


def may_be_known(fresh: Candidate, known: Candidate, rules: MatchRules) -> bool:
    """Whether a candidate of one going-by may, for all that its fixes tell, be an older one that it did not meet then.

    A going-by that met both tells them apart. The next one, whose fixes have other errors, will show whether they are
    one (`are_one`) or two.
    """
    if fresh.class_group != known.class_group or fresh.contact is not known.contact or fresh.id == known.id:
        return False
    if len(independent(fresh.passes)) > 1 or _were_seen_together(fresh, known):
        return False
    if len(independent((*fresh.passes, *known.passes))) == len(independent(known.passes)):
        return False
    return _apart_chi2(fresh, known) <= rules.wait_gate_sigmas**2


def merged(kept: Candidate, gone: Candidate) -> tuple[Candidate, Candidate]:
    """The candidate that has now seen what both have, and the other one, which points to it and is matched no more."""
    seen = [one for one in (*kept.passes, *gone.passes) if one.observations] or [*kept.passes, *gone.passes]
    passes = folded(seen)
    position, cov = fused(passes)
    whole = replace(
        kept if kept.is_seen else _anchored_like(kept, gone),
        passes=passes,
        position=position,
        cov_m2=cov,
        first_at=min(kept.first_at, gone.first_at),
        last_at=max(kept.last_at, gone.last_at),
        near=larger(kept.near, gone.near),
        far=kept.far or gone.far,
    )
    return whole, replace(gone, merged_into=kept.id)


def _anchored_like(told: Candidate, seen: Candidate) -> Candidate:
    """What somebody has told of, where a vehicle has measured it."""
    return replace(
        told,
        anchor=seen.anchor,
        anchor_cov_m2=seen.anchor_cov_m2,
        origin_track=seen.origin_track,
        origin_pass=seen.origin_pass,
        origin_at=seen.origin_at,
    )
