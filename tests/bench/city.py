"""bench-city: how well placing, matching and deciding do when the detector is perfect.

A drawn city without pictures: the boxes are the truth, positions are as wrong as a receiver makes them. Everything
behind the detector port is what `xuncheng serve` runs: use case, policy, SQLite (without fsync, for speed only).
Prints one JSON object. Usage: python tests/bench/city.py [--things 1000] [--seed 3]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from scipy.optimize import linear_sum_assignment

sys.path[:0] = [str(Path(__file__).parents[1])]

from support.street import Street, a_filing, shipped_policy  # noqa: E402
from support.truth import TruthDetects, truth_picture  # noqa: E402

from inference_server.adapters.clock import SystemClock  # noqa: E402
from inference_server.adapters.opening import OpeningOptions, open_adapters  # noqa: E402
from inference_server.collect import Collection  # noqa: E402
from inference_server.domain.camera import Camera, Lens, Mount  # noqa: E402
from inference_server.domain.case import Case  # noqa: E402
from inference_server.domain.frame import Fix, Frame, camera_id, frame_id, sha256_of  # noqa: E402
from inference_server.domain.geo import LatLon, LocalPlane  # noqa: E402
from inference_server.domain.grid import Grid, grid_id  # noqa: E402
from inference_server.domain.track import matrix  # noqa: E402
from patrol.simulate.city import City, CityConfig  # noqa: E402
from patrol.simulate.drive import Drive, DriveConfig  # noqa: E402
from patrol.simulate.frames import SimFrame  # noqa: E402
from patrol.simulate.gnss import Receiver  # noqa: E402
from patrol.simulate.grids import VALID_FROM, grid_at, grids_geojson, unit_grids  # noqa: E402
from patrol.simulate.things import Thing  # noqa: E402

SEEN_TIMES, SEEN_PX = 3, 16.0
JUDGED_WITHIN_M = 12.0


def grids_of(city: City) -> list[Grid]:
    """The city's unit grids as the server knows them."""
    return [
        Grid(
            id=grid_id(feature["properties"]["grid"]),
            polygon=shapely.geometry.shape(feature["geometry"]),
            valid_from=date.fromisoformat(VALID_FROM),
        )
        for feature in grids_geojson(city)["features"]
    ]


def frame_of(sim: SimFrame, picture: bytes) -> Frame:
    """The accepted frame of a simulated one."""
    fix = None
    if not sim.fix.is_lost:
        fix = Fix(
            position=LatLon(sim.fix.lat, sim.fix.lon),
            accuracy_m=sim.fix.accuracy_m,
            heading_deg=sim.fix.heading_deg,
            speed_kmh=sim.fix.speed_kmh,
        )
    sha256 = sha256_of(picture)
    return Frame(
        id=frame_id(sim.device, sim.camera, sim.taken_at, sha256),
        device=sim.device,  # type: ignore[arg-type]
        camera=camera_id(sim.device, sim.camera),
        seq=sim.seq,
        taken_at=sim.taken_at,
        claimed_at=sim.taken_at,
        received_at=sim.sent_at,
        sha256=sha256,
        size_bytes=len(picture),
        content_type="image/jpeg",
        fix=fix,
    )


def boxes_of(sim: SimFrame) -> list[tuple[str, float, tuple[float, float, float, float]]]:
    """What a perfect detector reports: every labelled thing of which at least a third is to be seen."""
    return [(seen.thing.class_name, 0.95, seen.box) for seen in sim.seen if seen.visible_share >= 0.34]


def open_street(folder: Path, city: City, drive: Drive) -> Street:
    """A record with the city's grids, devices and cameras, and the use case on top."""
    record = open_adapters(None, folder, OpeningOptions(fast_unsafe=True))
    for (device, camera), told in drive.mounts().items():
        record.registry.save_device(device, device)
        settings = Camera(mount=Mount(**told["mount"]), lens=Lens(**told["lens"]), lag_s=told["lag_s"])  # type: ignore[arg-type]
        record.registry.save_camera(device, camera, settings)
    policy = shipped_policy()
    collection = Collection(
        store=record.store,
        registry=record.registry,
        detects=TruthDetects(),
        evidence=record.evidence,
        clock=SystemClock(),
        policy=replace(policy, classes={**policy.classes}),
        filing=a_filing(policy, grids_of(city)),
    )
    return Street(record, collection)


class Truth:
    """What was there, how often it could be seen, and how wrong the fixes were."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.seen: dict[str, int] = defaultdict(int)
        self.fix_errors_m: list[float] = []
        self.things = {thing.name: thing for thing in city.things}

    def watch(self, sim: SimFrame) -> None:
        """Count one frame."""
        self.fix_errors_m.append(sim.fix.error_m)
        for seen in sim.seen:
            if seen.thing.name in self.things and seen.side_px(sim.view.lens.width_px) >= SEEN_PX:
                self.seen[seen.thing.name] += 1

    def position(self, thing: Thing) -> LatLon:
        """Where a thing is."""
        east, north = self.city.plan.to_enu(np.array([[thing.x_m, thing.y_m]]))[0]
        return LatLon(*self.city.local.to_latlon(float(east), float(north)))


def matched(cases: list[Case], truth: Truth) -> list[tuple[Case, Thing, float]]:
    """One-to-one pairs of case and thing of the same class, with their distance in metres."""
    pairs = []
    for name in sorted({case.class_name for case in cases}):
        mine = [case for case in cases if case.class_name == name]
        things = [thing for thing in truth.things.values() if thing.class_name == name]
        if not things:
            continue
        plane = LocalPlane(LatLon(truth.city.config.lat, truth.city.config.lon))
        a = np.array([plane.metres(case.position) for case in mine])
        b = np.array([plane.metres(truth.position(thing)) for thing in things])
        gaps = np.linalg.norm(a[:, None] - b[None], axis=2)
        rows, columns = linear_sum_assignment(np.where(gaps <= JUDGED_WITHIN_M, gaps, 1e4))
        pairs += [(mine[r], things[c], float(gaps[r, c])) for r, c in zip(rows, columns, strict=True) if gaps[r, c] <= JUDGED_WITHIN_M]
    return pairs


def judged(street: Street, truth: Truth) -> dict[str, Any]:
    """The figures, over things seen often enough; a case on a thing seen less counts neither way."""
    cases = [case for case in street.all_cases() if case.state != "review"]
    pairs = matched(cases, truth)
    wanted = {name for name, count in truth.seen.items() if count >= SEEN_TIMES}
    good = [(case, thing, gap) for case, thing, gap in pairs if thing.name in wanted]
    lone = {case.id for case in cases} - {case.id for case, _, _ in pairs}
    twice = [case for case in cases if case.id in lone and _has_twin(case, truth)]
    errors = np.array([gap for _, _, gap in good])
    grids = unit_grids(truth.city)
    wrong = flagged = truly = 0
    for case, thing, _ in good:
        right = grid_at(grids, thing.x_m, thing.y_m)
        place = street.collection.filing.grids.locate(
            truth.position(thing), matrix(case.covariance_m2), case.filed_at
        )
        truly += place.on_border
        flagged += case.on_border
        wrong += case.grid != right and not case.on_border
    chi2 = [_chi2(case, truth.position(thing)) for case, thing, _ in good]
    return {
        "things": len(truth.things),
        "things_judged": len(wanted),
        "cases_filed": len(cases),
        "precision": round(len(good) / max(1, len(good) + len(lone)), 4),
        "recall": round(len(good) / max(1, len(wanted)), 4),
        "duplicates": round(len(twice) / max(1, len(cases)), 4),
        "position_error_m_median": round(float(np.median(errors)), 2),
        "position_error_m_p95": round(float(np.percentile(errors, 95)), 2),
        "fix_error_m_median": round(float(np.median(truth.fix_errors_m)), 2),
        "position_limit_m": round(1.2 * float(np.median(truth.fix_errors_m)) + 0.5, 2),
        "position_chi2_mean": round(float(np.mean(chi2)), 2),
        "wrong_grid_unflagged": round(wrong / max(1, len(good)), 4),
        "flagged": round(flagged / max(1, len(good)), 4),
        "truly_within_2_sigma": round(truly / max(1, len(good)), 4),
    }


def _has_twin(case: Case, truth: Truth) -> bool:
    """Whether an unpaired case lies on a thing that another case holds already."""
    plane = LocalPlane(case.position)
    return any(
        float(np.hypot(*plane.metres(truth.position(thing)))) <= JUDGED_WITHIN_M
        for thing in truth.things.values()
        if thing.class_name == case.class_name
    )


def _chi2(case: Case, place: LatLon) -> float:
    gap = LocalPlane(case.position).metres(place)
    return float(gap @ np.linalg.solve(matrix(case.covariance_m2), gap))


def send(street: Street, drive: Drive, truth: Truth) -> Iterator[bool]:
    """Send all frames through; yields whether each was analysed."""
    for sim in drive.frames():
        truth.watch(sim)
        picture = truth_picture(boxes_of(sim), mark=sim.key)
        yield street.inspect(frame_of(sim, picture), picture).is_analysed


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--things", type=int, default=1000)
    parser.add_argument("--blocks", type=int, default=6)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--vehicles", type=int, default=2)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--keep", type=Path, default=None, help="folder that keeps the record")
    wanted = parser.parse_args()
    began = time.monotonic()
    config = CityConfig(
        look="test", seed=wanted.seed, things=wanted.things, blocks=(wanted.blocks, wanted.blocks), passes=wanted.passes
    )
    city = City(config)
    drive = Drive(city, DriveConfig(vehicles=wanted.vehicles, passes=wanted.passes, receiver=Receiver()))
    with tempfile.TemporaryDirectory() as scratch:
        street = open_street(wanted.keep or Path(scratch), city, drive)
        truth = Truth(city)
        analysed = list(send(street, drive, truth))
        figures = judged(street, truth)
        street.record.close()
    figures |= {
        "scene": "drawn city, truth boxes",
        "frames_sent": len(analysed),
        "frames_analysed": sum(analysed),
        "seconds": round(time.monotonic() - began, 1),
    }
    print(json.dumps(figures))  # noqa: T201


if __name__ == "__main__":
    main()
