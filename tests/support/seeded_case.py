"""Cases as the pipeline would have filed them, with what they stand on."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from support.drive import at

from inference_server.domain.candidate import Candidate, CandidateId, PassId, PassPosition, TrackId
from inference_server.domain.case import Case, CaseId, CaseMove
from inference_server.domain.frame import FrameId, sha256_of
from inference_server.domain.grid import GridId
from inference_server.domain.observation import Contact
from inference_server.ports import Sighting

CODES = {
    "garbage": ("06010", "暴露垃圾"),
    "overflowing_bin": ("06042", "垃圾箱满溢"),
    "pothole": ("06013", "路面破损"),
    "crack": ("06013", "路面破损"),
    "graffiti": ("07001", "乱涂写、乱刻画"),
    "soil_heap": ("06011", "积存渣土"),
    "open_manhole": ("01023", "井盖"),
}
OBSERVATIONS, PASSES = 8, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be filed, in metres east and north of the origin; `beside` is the other grid of a case on a border."""

    class_name: str
    place_m: tuple[float, float]
    grid: GridId | None
    beside: GridId | None = None
    state: str = "filed"
    seen_again: int = 0
    sigma_m: float = 0.9
    hours: float = 4.0
    score: float = 0.8


def a_case(wanted: Wanted, filed_at: datetime) -> Case:
    """The case."""
    code, name = CODES[wanted.class_name]
    grids = tuple(grid for grid in (wanted.grid, wanted.beside) if grid is not None)
    return Case(
        id=CaseId(uuid.uuid4().hex),
        candidate_id=CandidateId(uuid.uuid4().hex),
        state=wanted.state,
        class_name=wanted.class_name,
        standard="GB/T 47678.5-2026",
        kind="component" if wanted.class_name == "open_manhole" else "matter",
        code=code,
        name=name,
        grid=wanted.grid,
        grid_candidates=grids,
        on_border=wanted.beside is not None,
        position=at(*wanted.place_m),
        covariance_m2=(wanted.sigma_m**2, 0.1, wanted.sigma_m**2),
        filed_at=filed_at,
        changed_at=filed_at,
        deadline_at=filed_at + timedelta(hours=wanted.hours),
        sightings=wanted.seen_again,
        score=wanted.score,
        model_version="seeded 1",
        policy_hash=sha256_of(b"seeded"),
        state_times={"filed": filed_at, wanted.state: filed_at},
    )


def candidate_of(case: Case) -> Candidate:
    """The candidate behind a case: two passes, four observations in each."""
    seen = [
        PassPosition(
            track_id=TrackId(f"{case.id}-{number}"),
            pass_id=PassId(f"{case.id}-{number}"),
            since=case.filed_at,
            at=case.filed_at,
            position=case.position,
            cov_m2=(1.0, 0.0, 1.0),
            class_scores={case.class_name: 3.0},
            observations=OBSERVATIONS // PASSES,
            best_score=case.score,
        )
        for number in range(PASSES)
    ]
    return Candidate(
        id=case.candidate_id,
        class_group=case.class_name,
        contact=Contact.GROUND,
        anchor=case.position,
        anchor_cov_m2=(1.0, 0.0, 1.0),
        origin_track=seen[0].track_id,
        origin_pass=seen[0].pass_id,
        origin_at=seen[0].at,
        position=case.position,
        cov_m2=case.covariance_m2,
        passes=tuple(seen),
        first_at=case.filed_at - timedelta(seconds=2),
        last_at=case.filed_at,
        case_id=case.id,
    )


def history_of(case: Case) -> list[CaseMove]:
    """The moves that led to the case's state."""
    begin = "review" if case.state == "review" else "filed"
    moves = [CaseMove(case_id=case.id, at=case.filed_at, from_state=None, to_state=begin, by="system", reason=None)]
    if case.state != begin:
        way = {"from_state": begin, "to_state": case.state, "by": "case_system", "reason": "派往环卫所"}
        moves.append(CaseMove(case_id=case.id, at=case.changed_at, **way))
    return moves


def sighting_of(case: Case, frame: FrameId, number: int) -> Sighting:
    """The case seen again; only the first moved it."""
    return Sighting(
        case_id=case.id,
        track_id=f"{case.id}-again-{number}",
        frame_id=frame,
        taken_at=case.filed_at + timedelta(minutes=4 * (number + 1)),
        position=case.position,
        score=0.7,
        moved_case=number == 0,
    )
