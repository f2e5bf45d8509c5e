"""bench-city: how well placing, matching and deciding do when the detector is perfect.

A drawn city without pictures: the boxes are the truth, positions are as wrong as a receiver makes them. Everything
behind the detector port is what `xuncheng serve` runs: use case, policy, SQLite (without fsync, for speed only).
Prints one JSON object. Usage: python tests/bench/city.py [--things 1000] [--seed 3] [--tips 0.2]

A case that the service filed and took back later (`cases_taken_back`) counts as filed, and so as a duplicate: somebody
may have been sent to it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import shapely

sys.path[:0] = [str(Path(__file__).parents[1])]

from support.street import Street, a_filing, shipped_policy
from support.told import figures_of_tips, tell
from support.truth import TruthDetects, truth_picture

from inference_server.adapters.clock import SystemClock
from inference_server.adapters.opening import OpeningOptions, open_adapters
from inference_server.collect import Collection
from inference_server.domain.camera import Camera, Lens, Mount
from inference_server.domain.case import Case
from inference_server.domain.case_states import VOID
from inference_server.domain.frame import Fix, Frame, camera_id, frame_id, sha256_of
from inference_server.domain.geo import LatLon, LocalPlane
from inference_server.domain.grid import Grid, Placement, grid_id
from inference_server.domain.track import matrix
from patrol.simulate.city import City, CityConfig
from patrol.simulate.drive import Drive, DriveConfig
from patrol.simulate.frames import SimFrame
from patrol.simulate.gnss import Receiver
from patrol.simulate.grids import VALID_FROM, grids_geojson
from patrol.simulate.score import FiledCase, distances, matched, score_cases
from patrol.simulate.truth import Tally, TrueThing, true_things


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


def figures_of(street: Street, drive: Drive, tally: Tally) -> dict[str, Any]:
    """The figures over things that were shown well often enough; a case on a thing shown less counts neither way."""
    city = drive.city
    cases = [case for case in street.all_cases() if case.state != "review"]
    things = true_things(drive, tally)
    score = score_cases([_filed(city, case) for case in cases], things)
    away = distances([_filed(city, case) for case in cases], things)
    right = [(cases[c], things[t]) for c, t in matched(away).items() if things[t].counts]
    truly = [_place(street, case, thing).on_border for case, thing in right]
    chi2 = [_chi2(case, thing) for case, thing in right]
    return {
        "things": len(things),
        "things_judged": score.things,
        "cases_filed": len(cases),
        "cases_taken_back": sum(case.state == VOID for case in cases),
        "precision": round(score.precision, 4),
        "recall": round(score.recall, 4),
        "duplicates": round(score.duplicate_share, 4),
        "position_error_m_median": round(score.position_error_m_median, 2),
        "position_error_m_p95": round(score.position_error_m_p95, 2),
        "fix_error_m_median": round(tally.fix_error_m_median, 2),
        "position_limit_m": round(1.2 * tally.fix_error_m_median + 0.5, 2),
        "position_chi2_mean": round(float(np.mean(chi2)), 2),
        "wrong_grid_unflagged": round(score.grid_wrong_unflagged, 4),
        "flagged": round(float(np.mean([case.on_border for case, _ in right])), 4),
        "truly_within_2_sigma": round(float(np.mean(truly)), 4),
    }


def is_good(figures: dict[str, Any]) -> bool:
    """Whether all targets are met."""
    matching = figures["precision"] >= 0.98 and figures["recall"] >= 0.97 and figures["duplicates"] <= 0.01
    placing = figures["position_error_m_median"] <= figures["position_limit_m"]
    flagging = figures["flagged"] <= 1.3 * figures["truly_within_2_sigma"]
    return bool(matching and placing and flagging and figures["wrong_grid_unflagged"] <= 0.01)


def _filed(city: City, case: Case) -> FiledCase:
    enu = city.local.to_enu(case.position.lat, case.position.lon)
    x_m, y_m = city.plan.to_plan(np.array([enu]))[0]
    candidates = case.grid_candidates if case.on_border else ()
    return FiledCase(
        class_name=case.class_name, x_m=float(x_m), y_m=float(y_m), grid=case.grid or "", candidates=candidates
    )


def _place(street: Street, case: Case, thing: TrueThing) -> Placement:
    """Where the true place lies, with the error that the case claims."""
    return street.collection.filing.grids.locate(
        LatLon(thing.lat, thing.lon), matrix(case.covariance_m2), case.filed_at
    )


def _chi2(case: Case, thing: TrueThing) -> float:
    """Squared error in the case's own sigmas: 2 on average where the covariance is honest."""
    gap = LocalPlane(case.position).metres(LatLon(thing.lat, thing.lon))
    return float(gap @ np.linalg.solve(matrix(case.covariance_m2), gap))


def send(street: Street, drive: Drive, tally: Tally) -> Iterator[bool]:
    """Send all frames through; yields whether each was analysed."""
    for sim in drive.frames():
        tally.add(sim)
        picture = truth_picture(boxes_of(sim), mark=sim.key)
        yield street.inspect(frame_of(sim, picture), picture).is_analysed


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--things", type=int, default=1000)
    parser.add_argument("--blocks", type=int, default=5)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--vehicles", type=int, default=2)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--tips", type=float, default=0.0, help="share of the things that people tell of beforehand")
    parser.add_argument("--check", action="store_true", help="exit with 1 where a figure misses its target")
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
        tally = Tally()
        told = tell(street, true_things(drive, tally), wanted.tips, drive.started_at(0), wanted.seed)
        analysed = list(send(street, drive, tally))
        figures = figures_of(street, drive, tally)
        figures |= figures_of_tips(street, told, true_things(drive, tally)) if told else {}
        street.record.close()
    figures |= {
        "scene": "drawn city, truth boxes",
        "frames_sent": len(analysed),
        "frames_analysed": sum(analysed),
        "seconds": round(time.monotonic() - began, 1),
    }
    print(json.dumps(figures))
    sys.exit(1 if wanted.check and not is_good(figures) else 0)


if __name__ == "__main__":
    main()
