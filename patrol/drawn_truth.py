"""Writes what really was in a drawn city, and what each frame really showed, into a folder.

truth.json     the city's things with place, grid, the passes they are there for, and how often they could be seen
grids.geojson  its unit grids
frames.jsonl   one line a frame: what was sent, where the vehicle really was, what the picture shows
pictures/      the pictures, when wished
"""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from patrol.simulate.drive import Drive
from patrol.simulate.frames import SimFrame
from patrol.simulate.grids import border_distance, grid_at, grids_geojson, unit_grids
from patrol.simulate.things import Thing
from patrol.simulate.visible import Seen


class TruthFolder:
    """A folder that fills while the frames go by; `close` writes the things last, with how often they were seen."""

    def __init__(self, folder: Path, drive: Drive, *, with_pictures: bool) -> None:
        """Make the folder; an earlier truth in it is replaced."""
        self._folder, self._drive, self._with_pictures = folder, drive, with_pictures
        self._grids = unit_grids(drive.city)
        self._frames_seen: Counter[str] = Counter()
        self._largest_px: dict[str, float] = {}
        (folder / "pictures" if with_pictures else folder).mkdir(parents=True, exist_ok=True)
        _write_json(folder / "grids.geojson", grids_geojson(drive.city))
        self._lines = (folder / "frames.jsonl").open("w", encoding="utf-8")

    def add(self, drawn: SimFrame, picture: bytes) -> None:
        """Write one frame's truth."""
        lat, lon = drawn.true_latlon()
        truth = {"lat": lat, "lon": lon, "heading_deg": drawn.true_heading_deg, "fix_error_m": drawn.fix.error_m}
        line = {"key": drawn.key, "meta": drawn.meta, "truth": truth, "seen": [_seen(one) for one in drawn.seen]}
        self._lines.write(json.dumps(line, ensure_ascii=False) + "\n")
        for one in drawn.seen:
            name = one.thing.name
            self._frames_seen[name] += 1
            self._largest_px[name] = max(self._largest_px.get(name, 0.0), one.side_px(drawn.view.lens.width_px))
        if self._with_pictures:
            (self._folder / "pictures" / f"{drawn.key}.jpg").write_bytes(picture)

    def close(self) -> None:
        """Write the things and end."""
        self._lines.close()
        city = self._drive.city
        cameras = {f"{device}/{camera}": told for (device, camera), told in self._drive.mounts().items()}
        _write_json(
            self._folder / "truth.json",
            {
                "what": "drawn scene",
                "city": asdict(city.config),
                "cameras": cameras,
                "things": [self._thing(thing) for thing in city.things],
            },
        )

    def _thing(self, thing: Thing) -> dict[str, Any]:
        city = self._drive.city
        east, north = city.plan.to_enu(np.array([[thing.x_m, thing.y_m]]))[0]
        lat, lon = city.local.to_latlon(float(east), float(north))
        return {
            "name": thing.name,
            "class": thing.class_name,
            "lat": round(lat, 8),
            "lon": round(lon, 8),
            "contact": thing.contact,
            "grid": grid_at(self._grids, thing.x_m, thing.y_m),
            "border_m": round(border_distance(self._grids, thing.x_m, thing.y_m), 2),
            "first_pass": thing.first_pass,
            "last_pass": min(thing.last_pass, self._drive.config.passes - 1),
            "frames_seen": self._frames_seen[thing.name],
            "largest_px": round(self._largest_px.get(thing.name, 0.0), 1),
        }


def _seen(one: Seen) -> dict[str, Any]:
    return {
        "thing": one.thing.name,
        "class": one.thing.class_name,
        "box": [round(float(side), 1) for side in one.box],
        "visible_share": round(float(one.visible_share), 3),
        "is_cut": bool(one.is_cut),
        "distance_m": round(float(one.distance_m), 2),
    }


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")
