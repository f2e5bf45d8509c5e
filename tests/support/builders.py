"""Things of the record with sane values, so that a test shows only what matters to it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from inference_server.domain.candidate import (
    Candidate,
    CandidateId,
    CaseView,
    Pass,
    PassId,
    PassPosition,
    Ray,
    Snapshot,
    Tie,
    Track,
    TrackId,
)
from inference_server.domain.case import Case, CaseId, CaseMove
from inference_server.domain.frame import DeviceId, Fix, Frame, FrameId, Quality, camera_id, frame_id, sha256_of
from inference_server.domain.geo import LatLon
from inference_server.domain.grid import GridId
from inference_server.domain.observation import Box, Contact, Detection, Drop, DropReason
from inference_server.domain.report import DetectionReport, Outcome, Report
from inference_server.domain.review import ReviewAnswer, ReviewItem, ReviewKind, Verdict
from inference_server.ports import Event, Sighting

NOON = datetime(2026, 11, 22, 4, 0, 0, 123456, tzinfo=UTC)
PLACE = LatLon(30.2741, 120.1551)


def at(seconds: float) -> datetime:
    """A moment after noon in Hangzhou."""
    return NOON + timedelta(seconds=seconds)


def a_picture(number: int = 0) -> bytes:
    """Bytes that stand for a picture; each number has its own."""
    return f"picture {number} ".encode() * 50


def a_frame(number: int = 0, *, device: str = "car-1", camera: str = "front", **changes: Any) -> Frame:
    """A frame whose bytes are `a_picture(number)`, taken `number` seconds after noon."""
    picture = a_picture(number)
    frame = Frame(
        id=FrameId(""),
        device=DeviceId(device),
        camera=camera_id(device, camera),
        seq=number,
        taken_at=at(number),
        claimed_at=at(number - 0.25),
        received_at=at(number + 1),
        sha256=sha256_of(picture),
        size_bytes=len(picture),
        content_type="image/jpeg",
        clock_skew_s=0.25,
        fix=Fix(position=PLACE, accuracy_m=2.5, heading_deg=92.0, speed_kmh=31.5),
        campaign="autumn",
    )
    frame = replace(frame, **changes)
    return replace(frame, id=frame_id(device, camera, frame.claimed_at, frame.sha256))


def a_quality() -> Quality:
    """A good picture's quality."""
    return Quality(sharpness=311.5, brightness=104.25, thumbnail=bytes(range(256)) * 2, width_px=1920, height_px=1080)


def a_detection(index: int = 0, **changes: Any) -> Detection:
    """A box."""
    detection = Detection(
        index=index, class_name="garbage", score=0.75, box=Box(x1=10.5, y1=20.0, x2=110.25, y2=80.0), probability=0.8
    )
    return replace(detection, **changes)


def a_report(frame: Frame, **changes: Any) -> Report:
    """An analysed frame with one used and one dropped detection."""
    used = DetectionReport(
        detection=a_detection(0),
        outcome=Outcome.SIGHTING,
        position=PLACE,
        radius_m=2.25,
        bearing_deg=13.5,
        track_id="track-1",
        candidate_id="candidate-1",
        case_id="case-1",
    )
    dropped = DetectionReport(
        detection=a_detection(1, probability=None),
        outcome=Outcome.DROPPED,
        drop=Drop(DropReason.LOW_SCORE, {"score": 0.2, "limit": 0.3, "class": "垃圾"}),
        sampled_for_review=True,
    )
    report = Report(
        frame_id=frame.id,
        analysed_at=at(100),
        detections=(used, dropped),
        absences=("case-7",),
        quality=a_quality(),
        ground_view=(PLACE, LatLon(30.2742, 120.1551), LatLon(30.2742, 120.1552)),
        model_version="drawn 1",
        policy_hash="abc",
        pass_id="pass-1",
    )
    return replace(report, **changes)


def a_dropped_report(frame: Frame, reason: DropReason = DropReason.NOT_MOVED) -> Report:
    """A frame that was not analysed."""
    return Report(frame_id=frame.id, analysed_at=at(100), drop=Drop(reason, {"moved_m": 0.5, "step_m": 2.0}))


def a_pass(**changes: Any) -> Pass:
    """A drive of a minute."""
    drive = Pass(
        id=PassId("pass-1"),
        camera=camera_id("car-1", "front"),
        started_at=at(0),
        last_at=at(60),
        last_position=PLACE,
        ties=(a_tie(),),
    )
    return replace(drive, **changes)


def a_tie(**changes: Any) -> Tie:
    """A track that belongs to what an older pass has found."""
    tie = Tie(
        track_id=TrackId("track-1"),
        at=at(30),
        origin_pass=PassId("pass-0"),
        origin_at=at(-600),
        gap_m=(1.25, -0.5),
        noise_m2=0.75,
    )
    return replace(tie, **changes)


def a_snapshot(number: int = 0) -> Snapshot:
    """A look worth keeping."""
    frame = a_frame(number)
    return Snapshot(
        frame_id=frame.id,
        taken_at=frame.taken_at,
        sha256=frame.sha256,
        box=Box(x1=1.0, y1=2.0, x2=31.0, y2=42.5),
        score=0.7,
        size_px=30.0,
        range_m=None,
        probability=0.72,
    )


def a_track(**changes: Any) -> Track:
    """A thing seen three times in one pass, no field left at its default."""
    ray = Ray(
        camera_position=PLACE,
        camera_height_m=2.2,
        bearing_deg=45.5,
        elevation_deg=-3.25,
        height_deg=1.5,
        inner_deg=44.0,
        heading_deg=12.0,
    )
    track = Track(
        id=TrackId("track-1"),
        pass_id=PassId("pass-1"),
        class_group="litter",
        class_scores={"garbage": 1.5, "bin": 0.25},
        contact=Contact.WALL,
        first_at=at(1),
        last_at=at(3),
        observations=3,
        position=PLACE,
        cov_m2=(1.0, 0.125, 2.0),
        rays=(ray,),
        best_certainty=0.9,
        sum_certainty=2.25,
        best_score=0.8,
        candidate_id=CandidateId("candidate-1"),
        near=a_snapshot(1),
        far=a_snapshot(2),
        side_deg=88.5,
        beside=(TrackId("track-2"),),
    )
    return replace(track, **changes)


def a_candidate(name: str = "candidate-1", **changes: Any) -> Candidate:
    """A thing seen in two passes, no field left at its default."""
    seen = PassPosition(
        track_id=TrackId("track-1"),
        pass_id=PassId("pass-1"),
        since=at(3),
        at=at(3),
        position=PLACE,
        cov_m2=(1.0, 0.125, 2.0),
        class_scores={"garbage": 1.5},
        observations=3,
        best_certainty=0.9,
        mean_certainty=0.75,
        best_score=0.8,
        beside=(TrackId("track-3"),),
        tracks=2,
    )
    candidate = Candidate(
        id=CandidateId(name),
        class_group="litter",
        contact=Contact.GROUND,
        anchor=PLACE,
        anchor_cov_m2=(1.0, 0.0, 1.5),
        origin_track=TrackId("track-1"),
        origin_pass=PassId("pass-1"),
        origin_at=at(2),
        position=LatLon(30.27411, 120.15512),
        cov_m2=(2.0, 0.5, 2.5),
        passes=(seen, replace(seen, track_id=TrackId("track-2"), pass_id=PassId("pass-2"))),
        first_at=at(1),
        last_at=at(3),
        case_id="case-1",
        near=a_snapshot(1),
        far=None,
        side_deg=91.5,
    )
    return replace(candidate, **changes)


def a_case(name: str = "case-1", candidate: str = "candidate-1", **changes: Any) -> Case:
    """A filed case, no field left at its default."""
    case = Case(
        id=CaseId(name),
        candidate_id=CandidateId(candidate),
        state="filed",
        class_name="garbage",
        standard="GB/T 47678.5-2026",
        kind="matter",
        code="06010",
        name="暴露垃圾",
        grid=GridId("330102001001007"),
        grid_candidates=(GridId("330102001001007"), GridId("330102001001008")),
        on_border=True,
        position=PLACE,
        covariance_m2=(1.5, 0.25, 2.5),
        source="车载智能采集",
        external_number="HZ-2026-1",
        filed_at=at(10),
        changed_at=at(11),
        deadline_at=at(7200),
        reopened=1,
        absences=2,
        sightings=3,
        observations=9,
        score=0.8,
        probability=0.9,
        campaign="autumn",
        model_version="drawn 1",
        policy_hash="abc",
        state_times={"filed": at(10)},
    )
    return replace(case, **changes)


def a_move(**changes: Any) -> CaseMove:
    """The first line of a case's history."""
    move = CaseMove(case_id=CaseId("case-1"), at=at(10), from_state=None, to_state="filed", by="system", reason=None)
    return replace(move, **changes)


def a_sighting(**changes: Any) -> Sighting:
    """A look at the case."""
    sighting = Sighting(
        case_id=CaseId("case-1"),
        track_id="track-1",
        frame_id=a_frame().id,
        taken_at=at(0),
        position=PLACE,
        score=0.75,
        moved_case=True,
    )
    return replace(sighting, **changes)


def a_view(**changes: Any) -> CaseView:
    """Two clear looks at the place of the case, without it."""
    view = CaseView(pass_id=PassId("pass-1"), case_id="case-1", clear_frames=2, was_seen=False, absence_at=at(5))
    return replace(view, **changes)


def an_event(name: str = "event-1", **changes: Any) -> Event:
    """The filing of the case."""
    event = Event(
        id=name,
        type="xuncheng.case.filed.v1",
        subject="case-1",
        occurred_at=at(10),
        data={"code": "06010", "name": "暴露垃圾", "position": {"lat": 30.2741, "lon": 120.1551}},
    )
    return replace(event, **changes)


def a_review(**changes: Any) -> ReviewItem:
    """A dropped detection that a person should see."""
    item = ReviewItem(
        id="review-1",
        kind=ReviewKind.SAMPLED_DROP,
        created_at=at(1),
        frame_id=a_frame().id,
        class_name="garbage",
        score=0.2,
        probability=0.35,
        box=(1.0, 2.0, 3.5, 4.0),
    )
    return replace(item, **changes)


def an_answer(**changes: Any) -> ReviewAnswer:
    """A person says that the sampled drop is rubbish after all."""
    answer = ReviewAnswer(sequence=0, review_id="review-1", at=at(200), by="operator:wang", verdict=Verdict.CONFIRM)
    return replace(answer, **changes)
