"""Two candidates that turn out to be one thing.

A pass whose fix was far off may open a second candidate on a known thing. Later passes then see one thing and choose
between two candidates. What gives the pair away: their places agree within their errors, and the two were never seen at
the same time, although like things that stand so near to each other are seen together all the time.
"""

from dataclasses import replace

import numpy as np

from inference_server.domain.candidate import Candidate
from inference_server.domain.gather import fused
from inference_server.domain.geo import LocalPlane
from inference_server.domain.policy import MatchRules
from inference_server.domain.track import larger, matrix


def are_one(a: Candidate, b: Candidate, rules: MatchRules) -> bool:
    """Whether two candidates of at least `merge_passes` passes in all are the same thing."""
    if a.class_group != b.class_group or a.contact is not b.contact or a.id == b.id:
        return False
    if len(a.passes) + len(b.passes) < rules.merge_passes or _were_seen_together(a, b):
        return False
    gap = LocalPlane(a.position).metres(b.position)
    if float(np.hypot(*gap)) > rules.merge_within_m:
        return False
    spread = matrix(a.cov_m2) + matrix(b.cov_m2)
    return float(gap @ np.linalg.solve(spread, gap)) <= rules.merge_gate_sigmas**2


def _were_seen_together(a: Candidate, b: Candidate) -> bool:
    """Whether tracks of both lived at the same time. One after the other, they may be a track that broke."""
    return any(
        one.pass_id == two.pass_id and one.since <= two.at and two.since <= one.at
        for one in a.passes
        for two in b.passes
    )


def merged(kept: Candidate, gone: Candidate) -> tuple[Candidate, Candidate]:
    """The candidate that has now seen what both have, and the other one, which points to it and is matched no more."""
    passes = tuple(sorted((*kept.passes, *gone.passes), key=lambda p: (p.at, p.track_id)))
    position, cov = fused(passes)
    whole = replace(
        kept,
        passes=passes,
        position=position,
        cov_m2=cov,
        first_at=min(kept.first_at, gone.first_at),
        last_at=max(kept.last_at, gone.last_at),
        near=larger(kept.near, gone.near),
        far=kept.far or gone.far,
    )
    return whole, replace(gone, merged_into=kept.id)
