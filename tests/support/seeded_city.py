"""A small city in a real record, written through the adapters: grids, two vehicles' trails, cases with evidence."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from support.drawn_street import street_picture
from support.drive import at
from support.seeded_case import CODES, Wanted, a_case, candidate_of, history_of, sighting_of

from inference_server.adapters.opening import Adapters
from inference_server.domain.case import Case, CaseMove
from inference_server.domain.frame import DeviceId, Fix, Frame, camera_id, frame_id, sha256_of
from inference_server.domain.grid import Grid, GridId, grid_id
from inference_server.domain.observation import Detection, Drop, DropReason
from inference_server.domain.report import DetectionReport, Outcome, Report
from inference_server.ports import Work

BLOCK_M = 180.0
COLUMNS, ROWS = 4, 3
_STREETS = (
    (20, 350, True),
    (200, 530, True),
    (380, 350, True),
    (350, 700, False),
    (530, 700, False),
    (180, 700, False),
)
_STATES = ("filed",) * 5 + ("review", "dispatched", "reported_fixed", "closed")


@dataclass(frozen=True, slots=True)
class Passed:
    """Where a vehicle was, some seconds after the start."""

    device: str
    east_m: float
    north_m: float
    seconds: float

    def away_m(self, place_m: tuple[float, float]) -> float:
        """Metres to a place."""
        return float(np.hypot(self.east_m - place_m[0], self.north_m - place_m[1]))


@dataclass(kw_only=True)
class SeededCity:
    """Writes what the pipeline would have written. Times run from `started_at` on."""

    record: Adapters
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(minutes=30))
    passed: list[Passed] = field(default_factory=list)
    filed: int = 0

    def lay_grids(self) -> None:
        """Twelve unit grids of 180 m side by side."""
        places = [(column, row) for row in range(ROWS) for column in range(COLUMNS)]
        self.record.store.replace_grids("seeded", [_grid(column, row) for column, row in places])

    def drive(self, device: str, corners_m: list[tuple[float, float]], *, starts_s: float = 0.0) -> None:
        """One vehicle along some corners, a frame every 6 m; every ninth is dropped as blurred."""
        with self.record.store.work(()) as work:
            for step, (east, north) in enumerate(_along(corners_m, 6.0)):
                here = Passed(device, east, north, starts_s + step * 0.7)
                drop = Drop(DropReason.PICTURE_BLURRED, {"sharpness": 6.0}) if step % 9 == 5 else None
                self._finish(work, here, f"{device}{step}".encode(), drop=drop)
                self.passed.append(here)

    def file(self, class_name: str, east_m: float, north_m: float, **more: Any) -> Case:
        """One case with candidate, history, far and near picture, and sightings, as the nearest vehicle saw it."""
        self.filed += 1
        place_m = (east_m, north_m)
        here = min(self.passed, key=lambda p: p.away_m(place_m), default=Passed("car-1", 0.0, 0.0, self.filed * 7.0))
        score = 0.62 + 0.05 * (self.filed % 7)
        wanted = Wanted(class_name=class_name, place_m=place_m, score=score, **({"grid": _grid_at(place_m)} | more))
        case = a_case(wanted, self.started_at + timedelta(seconds=here.seconds))
        with self.record.store.work(()) as work:
            work.save_candidate(candidate_of(case))
            work.save_case(case)
            self._show(work, case, replace(here, seconds=here.seconds - 0.6), "far")
            near = self._show(work, case, replace(here, seconds=here.seconds + 0.1), "near")
            for move in history_of(case):
                work.add_move(move)
            for again in range(wanted.seen_again):
                work.add_sighting(sighting_of(case, near.id, again))
        return case

    def moves(self, case: Case, state: str) -> Case:
        """The case after the case system has moved it."""
        now = datetime.now(UTC)
        after = replace(case, state=state, changed_at=now, state_times={**case.state_times, state: now})
        with self.record.store.work(()) as work:
            work.save_case(after)
            way = {"from_state": case.state, "to_state": state, "by": "case_system"}
            work.add_move(CaseMove(case_id=case.id, at=now, reason=None, **way))
        return after

    def _show(self, work: Work, case: Case, here: Passed, kind: str) -> Frame:
        picture, box = street_picture(case.class_name, seed=self.filed * 2, near=kind == "near")
        found = DetectionReport(
            detection=Detection(index=0, class_name=case.class_name, score=case.score, box=box),
            outcome=Outcome.FILED if kind == "near" else Outcome.TRACKED,
            position=case.position,
            radius_m=1.8,
            case_id=case.id if kind == "near" else None,
        )
        frame = self._finish(work, here, picture, found=(found,))
        sha256 = self.record.evidence.put(picture)
        work.add_evidence(case.id, frame.id, sha256, kind, (box.x1, box.y1, box.x2, box.y2))
        return frame

    def _finish(self, work: Work, here: Passed, picture: bytes, **outcome: Any) -> Frame:
        """The frame, analysed (or dropped, if a drop is given)."""
        taken_at = self.started_at + timedelta(seconds=here.seconds)
        sha256 = sha256_of(picture)
        fix = Fix(position=at(here.east_m, here.north_m), accuracy_m=2.5, heading_deg=0.0, speed_kmh=31.0)
        frame = Frame(
            id=frame_id(here.device, "front", taken_at, sha256),
            device=DeviceId(here.device),
            camera=camera_id(here.device, "front"),
            seq=int(here.seconds * 10),
            taken_at=taken_at,
            claimed_at=taken_at,
            received_at=taken_at + timedelta(seconds=1),
            sha256=sha256,
            size_bytes=len(picture),
            content_type="image/jpeg",
            fix=fix,
        )
        detections = outcome.get("found", ())
        report = Report(frame_id=frame.id, analysed_at=taken_at, drop=outcome.get("drop"), detections=detections)
        work.finish(frame, replace(report, model_version="seeded 1"))
        return frame


def a_whole_city(record: Adapters, cases: int = 36) -> SeededCity:
    """Grids, two vehicles and some dozens of cases in several states along their streets."""
    city = SeededCity(record=record)
    city.lay_grids()
    city.drive("car-1", [(20, 10), (20, 350), (200, 350), (200, 530), (700, 530)])
    city.drive("car-2", [(710, 20), (380, 20), (380, 350), (700, 350), (700, 180), (210, 180)], starts_s=60.0)
    rng = np.random.default_rng(4)
    for number in range(cases):
        fixed, longest, along_north = _STREETS[number % len(_STREETS)]
        along, off = float(rng.uniform(30, longest - 5)), float(rng.choice([-7.0, 7.0]))
        place_m = (fixed + off, along) if along_north else (along, fixed + off)
        again, hours = int(rng.integers(0, 3)) if number % 2 else 0, 0.2 if number % 8 == 3 else 4.0
        state = _STATES[number % len(_STATES)]
        city.file(list(CODES)[number % len(CODES)], *place_m, state=state, seen_again=again, hours=hours)
    city.file("garbage", 2 * BLOCK_M - 1.0, 96.0, beside=_grid_at((2 * BLOCK_M + 1, 96.0)), sigma_m=1.6, seen_again=2)
    return city


def _grid(column: int, row: int) -> Grid:
    low, high = at(column * BLOCK_M, row * BLOCK_M), at((column + 1) * BLOCK_M, (row + 1) * BLOCK_M)
    number = row * COLUMNS + column + 1
    return Grid(
        id=grid_id(f"330102001001{number:03d}"),
        polygon=shapely.box(low.lon, low.lat, high.lon, high.lat),
        valid_from=date(2020, 1, 1),
        district_code="330102",
        name=f"{number:03d}",
    )


def _grid_at(place_m: tuple[float, float]) -> GridId:
    return _grid(int(place_m[0] // BLOCK_M), int(place_m[1] // BLOCK_M)).id


def _along(corners_m: list[tuple[float, float]], step_m: float) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for start, end in pairwise(corners_m):
        length_m = float(np.hypot(end[0] - start[0], end[1] - start[1]))
        for share in np.arange(0.0, 1.0, step_m / length_m).tolist():
            found.append((start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share))
    return found
