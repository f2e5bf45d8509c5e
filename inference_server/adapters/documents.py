"""Tracks and candidates as JSON documents: they are read and written whole, many times a second."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from inference_server.adapters.database import to_json
from inference_server.domain.candidate import (
    Candidate,
    CandidateId,
    Cov,
    PassId,
    PassPosition,
    Ray,
    Snapshot,
    Tie,
    Track,
    TrackId,
)
from inference_server.domain.frame import FrameId
from inference_server.domain.geo import LatLon
from inference_server.domain.observation import Box, Contact

Document = dict[str, Any]
_Thing = TypeVar("_Thing", bound=Track | Candidate)
_MOST_REMEMBERED = 8192


class Documents(Generic[_Thing]):
    """Texts of one kind of thing, written and read. What was read or written lately is not parsed again.

    The text itself is the key, so what is remembered can never be out of date; what comes out must not be changed. Of
    one thing only the last text is remembered: it changes with each look, and the ones before are never read again.
    """

    def __init__(self, to_document: Callable[[_Thing], Document], of_document: Callable[[Document], _Thing]) -> None:
        self._to_document = to_document
        self._of_document = of_document
        self._remembered: dict[str, _Thing] = {}
        self._last_text: dict[str, str] = {}  # by the id of the thing

    def write(self, thing: _Thing) -> str:
        """The text of a thing."""
        text = to_json(self._to_document(thing))
        self._remember(text, thing)
        return text

    def read(self, text: str) -> _Thing:
        """The thing of a text."""
        found = self._remembered.get(text)
        if found is None:
            found = self._of_document(json.loads(text))
            self._remember(text, found)
        return found

    def _remember(self, text: str, thing: _Thing) -> None:
        self._remembered.pop(self._last_text.pop(thing.id, ""), None)
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
            self._last_text.clear()
        self._remembered[text], self._last_text[thing.id] = thing, text


def track_document(track: Track) -> Document:
    """The JSON document of a track."""
    return {
        "id": track.id,
        "pass_id": track.pass_id,
        "class_group": track.class_group,
        "class_scores": track.class_scores,
        "contact": track.contact.value,
        "first_at": _time(track.first_at),
        "last_at": _time(track.last_at),
        "observations": track.observations,
        "position": _place(track.position),
        "cov_m2": track.cov_m2,
        "rays": [_ray(ray) for ray in track.rays],
        "best_certainty": track.best_certainty,
        "sum_certainty": track.sum_certainty,
        "best_score": track.best_score,
        "candidate_id": track.candidate_id,
        "near": _snapshot(track.near),
        "far": _snapshot(track.far),
        "side_deg": track.side_deg,
        "beside": track.beside,
    }


def track_of(document: Document) -> Track:
    """The track of a document."""
    return Track(
        id=TrackId(document["id"]),
        pass_id=PassId(document["pass_id"]),
        class_group=document["class_group"],
        class_scores=document["class_scores"],
        contact=Contact(document["contact"]),
        first_at=datetime.fromisoformat(document["first_at"]),
        last_at=datetime.fromisoformat(document["last_at"]),
        observations=document["observations"],
        position=_place_of(document["position"]),
        cov_m2=None if document["cov_m2"] is None else _cov_of(document["cov_m2"]),
        rays=tuple(_ray_of(ray) for ray in document["rays"]),
        best_certainty=document["best_certainty"],
        sum_certainty=document["sum_certainty"],
        best_score=document["best_score"],
        candidate_id=document["candidate_id"],
        near=_snapshot_of(document["near"]),
        far=_snapshot_of(document["far"]),
        side_deg=document["side_deg"],
        beside=tuple(document.get("beside", ())),  # older records have none
    )


def candidate_document(candidate: Candidate) -> Document:
    """The JSON document of a candidate."""
    return {
        "id": candidate.id,
        "class_group": candidate.class_group,
        "contact": candidate.contact.value,
        "anchor": _place(candidate.anchor),
        "anchor_cov_m2": candidate.anchor_cov_m2,
        "origin_track": candidate.origin_track,
        "origin_pass": candidate.origin_pass,
        "origin_at": _time(candidate.origin_at),
        "position": _place(candidate.position),
        "cov_m2": candidate.cov_m2,
        "passes": [_pass_position(seen) for seen in candidate.passes],
        "first_at": _time(candidate.first_at),
        "last_at": _time(candidate.last_at),
        "case_id": candidate.case_id,
        "near": _snapshot(candidate.near),
        "far": _snapshot(candidate.far),
        "side_deg": candidate.side_deg,
        "merged_into": candidate.merged_into,
    }


def candidate_of(document: Document) -> Candidate:
    """The candidate of a document."""
    return Candidate(
        id=CandidateId(document["id"]),
        class_group=document["class_group"],
        contact=Contact(document["contact"]),
        anchor=LatLon(*document["anchor"]),
        anchor_cov_m2=_cov_of(document["anchor_cov_m2"]),
        origin_track=TrackId(document["origin_track"]),
        origin_pass=PassId(document["origin_pass"]),
        origin_at=datetime.fromisoformat(document["origin_at"]),
        position=LatLon(*document["position"]),
        cov_m2=_cov_of(document["cov_m2"]),
        passes=tuple(_pass_position_of(seen) for seen in document["passes"]),
        first_at=datetime.fromisoformat(document["first_at"]),
        last_at=datetime.fromisoformat(document["last_at"]),
        case_id=document["case_id"],
        near=_snapshot_of(document["near"]),
        far=_snapshot_of(document["far"]),
        side_deg=document["side_deg"],
        merged_into=document["merged_into"],
    )


def tie_document(tie: Tie) -> Document:
    """The JSON document of a tie."""
    return {
        "track_id": tie.track_id,
        "at": _time(tie.at),
        "origin_pass": tie.origin_pass,
        "origin_at": _time(tie.origin_at),
        "gap_m": tie.gap_m,
        "noise_m2": tie.noise_m2,
    }


def tie_of(document: Document) -> Tie:
    """The tie of a document."""
    return Tie(
        track_id=TrackId(document["track_id"]),
        at=datetime.fromisoformat(document["at"]),
        origin_pass=PassId(document["origin_pass"]),
        origin_at=datetime.fromisoformat(document["origin_at"]),
        gap_m=(document["gap_m"][0], document["gap_m"][1]),
        noise_m2=document["noise_m2"],
    )


def _pass_position(seen: PassPosition) -> Document:
    return {
        "track_id": seen.track_id,
        "pass_id": seen.pass_id,
        "since": _time(seen.since),
        "at": _time(seen.at),
        "position": _place(seen.position),
        "cov_m2": seen.cov_m2,
        "class_scores": seen.class_scores,
        "observations": seen.observations,
        "best_certainty": seen.best_certainty,
        "mean_certainty": seen.mean_certainty,
        "best_score": seen.best_score,
        "beside": seen.beside,
        "tracks": seen.tracks,
    }


def _pass_position_of(document: Document) -> PassPosition:
    return PassPosition(
        track_id=TrackId(document["track_id"]),
        pass_id=PassId(document["pass_id"]),
        since=datetime.fromisoformat(document["since"]),
        at=datetime.fromisoformat(document["at"]),
        position=LatLon(*document["position"]),
        cov_m2=_cov_of(document["cov_m2"]),
        class_scores=document["class_scores"],
        observations=document["observations"],
        best_certainty=document["best_certainty"],
        mean_certainty=document["mean_certainty"],
        best_score=document["best_score"],
        beside=tuple(document.get("beside", ())),
        tracks=document.get("tracks", 1),  # older records have none
    )


def _ray(ray: Ray) -> list[float]:
    place = ray.camera_position
    angles = [ray.bearing_deg, ray.elevation_deg, ray.height_deg, ray.inner_deg, ray.heading_deg]
    return [place.lat, place.lon, ray.camera_height_m, *angles]


def _ray_of(numbers: list[float]) -> Ray:
    lat, lon, camera_height_m, bearing_deg, elevation_deg, height_deg, inner_deg, heading_deg = numbers
    return Ray(
        camera_position=LatLon(lat, lon),
        camera_height_m=camera_height_m,
        bearing_deg=bearing_deg,
        elevation_deg=elevation_deg,
        height_deg=height_deg,
        inner_deg=inner_deg,
        heading_deg=heading_deg,
    )


def _snapshot(snapshot: Snapshot | None) -> Document | None:
    if snapshot is None:
        return None
    box = snapshot.box
    return {
        "frame_id": snapshot.frame_id,
        "taken_at": _time(snapshot.taken_at),
        "sha256": snapshot.sha256,
        "box": [box.x1, box.y1, box.x2, box.y2],
        "score": snapshot.score,
        "size_px": snapshot.size_px,
        "range_m": snapshot.range_m,
        "probability": snapshot.probability,
    }


def _snapshot_of(document: Document | None) -> Snapshot | None:
    if document is None:
        return None
    x1, y1, x2, y2 = document["box"]
    return Snapshot(
        frame_id=FrameId(document["frame_id"]),
        taken_at=datetime.fromisoformat(document["taken_at"]),
        sha256=document["sha256"],
        box=Box(x1=x1, y1=y1, x2=x2, y2=y2),
        score=document["score"],
        size_px=document["size_px"],
        range_m=document["range_m"],
        probability=document.get("probability"),  # looks of before it was kept have none
    )


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _place(position: LatLon | None) -> list[float] | None:
    return None if position is None else [position.lat, position.lon]


def _place_of(numbers: list[float] | None) -> LatLon | None:
    return None if numbers is None else LatLon(*numbers)


def _cov_of(numbers: list[float]) -> Cov:
    ee, en, nn = numbers
    return ee, en, nn
