"""Writes the truth of a simulated drive to a folder: things, grids, frames, labels and, if wanted, pictures."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from patrol.simulate.city import City
from patrol.simulate.dataset import label_lines
from patrol.simulate.drive import Drive
from patrol.simulate.frames import SimFrame, stamp
from patrol.simulate.grids import border_distance, grid_at, grids_geojson, lonlat, unit_grids
from patrol.simulate.things import Thing
from patrol.simulate.visible import Seen

NETWORK_WIDTH_PX = 640
LEAST_PX = 16.0
LEAST_SHARE = 0.5
LEAST_FRAMES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueThing:
    """A thing as the score needs it: plan metres, WGS84, its grid and the distance to that grid's nearest border.

    `frames` counts the frames that show it well: see `shows_well`.
    """

    name: str
    class_name: str
    x_m: float
    y_m: float
    lat: float
    lon: float
    grid: str
    border_m: float
    appears_at: datetime
    cleaned_at: datetime | None
    frames: int

    @property
    def counts(self) -> bool:
        """Whether a good system must find it: seen well in at least three frames."""
        return self.frames >= LEAST_FRAMES


def shows_well(one: Seen, frame_width_px: int) -> bool:
    """Whether a frame shows a thing well: at least half of it uncovered, and the shorter side of what is seen at least
    16 px in the network's picture, which is 640 px wide.
    """
    return one.visible_share >= LEAST_SHARE and one.side_px(frame_width_px, NETWORK_WIDTH_PX) >= LEAST_PX


class Tally:
    """Counts, frame by frame, how often each thing was shown well. Feed it the frames that were really sent."""

    def __init__(self) -> None:
        self.frames: Counter[str] = Counter()
        self.count = 0
        self.errors_m: list[float] = []

    def add(self, frame: SimFrame) -> None:
        """Counts a frame; frames without a fix count for nothing, for no server can place what they show."""
        self.count += 1
        if frame.fix.is_lost:
            return
        self.errors_m.append(frame.fix.error_m)
        width = frame.view.lens.width_px
        self.frames.update(one.thing.name for one in frame.seen if shows_well(one, width))

    @property
    def fix_error_m_median(self) -> float:
        """The median of the fixes' own errors in metres; nan without a fix."""
        return float(np.median(self.errors_m)) if self.errors_m else float("nan")


def lifetime(drive: Drive, thing: Thing) -> tuple[datetime, datetime | None]:
    """When a thing appears and when it is cleaned (None: not in the drive): half a gap before the passes' starts."""
    half = timedelta(seconds=drive.config.pass_gap_s / 2)
    gone = None if thing.last_pass >= drive.config.passes - 1 else drive.started_at(thing.last_pass + 1) - half
    return drive.started_at(thing.first_pass) - half, gone


def true_things(drive: Drive, tally: Tally) -> list[TrueThing]:
    """Every thing of the case classes with how often it was shown well."""
    city, grids = drive.city, unit_grids(drive.city)
    found = []
    for thing in city.things:
        lon, lat = lonlat(city, np.array([[thing.x_m, thing.y_m]]))[0]
        appears_at, cleaned_at = lifetime(drive, thing)
        found.append(
            TrueThing(
                name=thing.name,
                class_name=thing.class_name,
                x_m=thing.x_m,
                y_m=thing.y_m,
                lat=lat,
                lon=lon,
                grid=grid_at(grids, thing.x_m, thing.y_m) or "",
                border_m=border_distance(grids, thing.x_m, thing.y_m),
                appears_at=appears_at,
                cleaned_at=cleaned_at,
                frames=tally.frames[thing.name],
            )
        )
    return found


def things_geojson(city: City, things: list[TrueThing]) -> dict[str, Any]:
    """The true things as GeoJSON points in WGS84 with their attributes."""
    placed = {thing.name: thing for thing in city.things}
    features = []
    for thing in things:
        place = placed[thing.name]
        east, north = city.plan.to_enu(np.array([[thing.x_m, thing.y_m]]))[0]
        properties = {
            "thing": thing.name,
            "class_name": thing.class_name,
            "contact": place.contact,
            "street": place.street,
            "side": place.side,
            "grid": thing.grid,
            "border_m": round(thing.border_m, 3),
            "east_m": round(float(east), 3),
            "north_m": round(float(north), 3),
            "size_m": [round(float(extent), 3) for extent in np.ptp(city.model(place).points, axis=0)],
            "appears_at": stamp(thing.appears_at),
            "cleaned_at": stamp(thing.cleaned_at) if thing.cleaned_at else None,
            "frames": thing.frames,
            "counts": thing.counts,
        }
        point = {"type": "Point", "coordinates": [thing.lon, thing.lat]}
        features.append({"type": "Feature", "properties": properties, "geometry": point})
    return {"type": "FeatureCollection", "features": features}


def frame_record(frame: SimFrame) -> dict[str, Any]:
    """One line of frames.jsonl: what was sent, the antenna's true pose, the fix's error and what is to be seen."""
    lat, lon = frame.true_latlon()
    seen = [
        {
            "thing": one.thing.name,
            "class_name": one.thing.class_name,
            "box_px": [round(edge, 2) for edge in one.box],
            "visible_share": round(one.visible_share, 3),
            "is_cut": one.is_cut,
            "distance_m": round(one.distance_m, 2),
        }
        for one in frame.seen
    ]
    truth = {
        "lat": round(lat, 9),
        "lon": round(lon, 9),
        "heading_deg": round(frame.true_heading_deg, 4),
        "fix_error_m": round(frame.fix.error_m, 3),
        "pass": frame.pass_number,
        "seen": seen,
    }
    return {"key": frame.key, "meta": frame.meta, "truth": truth}


def write_truth(folder: Path, drive: Drive, frames: Iterable[SimFrame], with_pictures: bool = False) -> list[TrueThing]:
    """Writes things.geojson, grids.geojson, cameras.json, frames.jsonl and labels/ (YOLO lines); returns the things.

    With pictures it also draws and writes every frame to images/.
    """
    for part in ("labels", "images") if with_pictures else ("labels",):
        (folder / part).mkdir(parents=True, exist_ok=True)
    tally = Tally()
    with (folder / "frames.jsonl").open("w") as lines:
        for frame in frames:
            tally.add(frame)
            lines.write(json.dumps(frame_record(frame)) + "\n")
            lens = frame.view.lens
            (folder / "labels" / f"{frame.key}.txt").write_text(label_lines(frame.seen, lens.width_px, lens.height_px))
            if with_pictures:
                (folder / "images" / f"{frame.key}.jpg").write_bytes(frame.jpeg())
    things = true_things(drive, tally)
    write_json(folder / "things.geojson", things_geojson(drive.city, things))
    write_json(folder / "grids.geojson", grids_geojson(drive.city))
    cameras = [{"device": device, "camera": camera, **record} for (device, camera), record in drive.mounts().items()]
    write_json(folder / "cameras.json", cameras)
    return things


def write_json(path: Path, content: object) -> None:
    """Writes a JSON file."""
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n")
