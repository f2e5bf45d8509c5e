"""How many people and vehicles the blurring finds: on the labelled validation pictures of the shared data.

Heads and plates are labelled nowhere; people and vehicles are. So the part that should be hidden is taken from the
labelled box by the rule that hides it (`inference_server/domain/private_parts.py`), without its rim, and counts as
hidden where at least nine tenths of it are covered. Faces and plates that are too small to be read need no hiding:
boxes are counted by their height in the full picture. Many of these pictures come from the sources that the detector
was trained on, so that a street it never saw will do worse.
Beside it, what that costs: of how many labelled problems of the city more than half is hidden as well.
Prints one JSON line a class. Usage: python tests/bench/privacy.py [--every N]
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

sys.path[:0] = [str(Path(__file__).parents[1])]

from support.shared import shared_dir

from detector.yolo import YoloDetector
from inference_server.domain.observation import Box, Detection
from inference_server.domain.private_parts import PRIVATE, private_part, private_parts
from inference_server.showing import LEAST_SCORE

CARD: Final = Path(__file__).parents[2] / "weights" / "xuncheng-n.json"
READABLE_PX: Final = {"person": 80.0}  # of a person's height: a face of ten pixels
LEAST_VEHICLE_PX: Final = 60.0  # of a vehicle's height: a plate of three or four pixels
COVERED: Final = 0.9
RASTER: Final = 12

Counts = dict[str, list[int]]


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth picture")
    wanted = parser.parse_args()
    data = shared_dir() / "data"
    costs: dict[str, list[int]] = defaultdict(lambda: [0, 0])  # mostly hidden, and all
    names = (data / "classes.txt").read_text(encoding="utf-8").split()
    labelled = _labelled(data)
    detector = YoloDetector.load(CARD)
    counts: Counts = defaultdict(lambda: [0, 0, 0, 0])  # hidden and all, of any size; the same of those large enough
    hidden_share = []
    for picture, source in _pictures(data)[:: wanted.every]:
        found = detector.open(picture.read_bytes())
        width, height = found.info.width_px, found.info.height_px
        seen = detector.detect_picture(found, LEAST_SCORE)
        rows = enumerate(zip(seen.names(), seen.scores.tolist(), seen.boxes.tolist(), strict=True))
        kept = private_parts([Detection(index=i, class_name=n, score=s, box=_box(b)) for i, (n, s, b) in rows])
        for name, box in _truth(data, picture, names, (width, height)):
            if name in labelled[source]:
                _count(counts[name], box, name, kept)
            elif name not in PRIVATE:
                for place, add in enumerate((_share(box, kept) > 0.5, True)):
                    costs[name][place] += int(add)
        hidden_share.append(_share(Box(x1=0, y1=0, x2=width, y2=height), kept))
    for name, (hidden, of, hidden_large, large) in sorted(counts.items()):
        recall = round(hidden_large / large, 4) if large else None
        print(json.dumps({"class": name, "hidden": hidden, "of": of, "large": large, "recall_large": recall}))
    for name, (hidden, of) in sorted(costs.items()):
        print(json.dumps({"problem": name, "mostly_hidden": hidden, "of": of}))
    mean = round(float(np.mean(hidden_share)), 4)
    print(json.dumps({"pictures": len(hidden_share), "hidden_share_of_picture": mean}))


def _count(into: list[int], box: Box, name: str, parts: Sequence[Box]) -> None:
    part = private_part(name, box, rim=0.0)
    assert part is not None
    is_hidden = _share(part, parts) >= COVERED
    is_large = box.height_px >= READABLE_PX.get(name, LEAST_VEHICLE_PX)
    for place, add in enumerate((is_hidden, True, is_hidden and is_large, is_large)):
        into[place] += int(add)


def _share(box: Box, parts: Sequence[Box]) -> float:
    """How much of a box the parts cover together."""
    steps = (np.arange(RASTER) + 0.5) / RASTER
    x, y = np.meshgrid(box.x1 + steps * box.width_px, box.y1 + steps * box.height_px)
    covered: NDArray[np.bool_] = np.zeros(x.shape, np.bool_)
    for part in parts:
        covered |= (x >= part.x1) & (x <= part.x2) & (y >= part.y1) & (y <= part.y2)
    return float(covered.mean())


def _labelled(data: Path) -> dict[str, set[str]]:
    """By source, the labelled classes that have a private part."""
    found: dict[str, set[str]] = defaultdict(set)
    with (data / "sources.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["state"] == "labelled" and row["class"] in PRIVATE:
                found[row["source"]].add(row["class"])
    return found


def _pictures(data: Path) -> list[tuple[Path, str]]:
    with (data / "index.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "val"]
    return [(data / row["image"], row["source"]) for row in rows]


def _truth(data: Path, picture: Path, names: list[str], size_px: tuple[int, int]) -> list[tuple[str, Box]]:
    label = (data / "labels" / picture.relative_to(data / "images")).with_suffix(".txt")
    found = []
    for line in label.read_text(encoding="utf-8").splitlines():
        number, *shares = line.split()
        x, y, w, h = (float(share) * side for share, side in zip(shares, size_px * 2, strict=True))
        found.append((names[int(number)], Box(x1=x - w / 2, y1=y - h / 2, x2=x + w / 2, y2=y + h / 2)))
    return found


def _box(corners: list[float]) -> Box:
    x1, y1, x2, y2 = corners
    return Box(x1=x1, y1=y1, x2=x2, y2=y2)


if __name__ == "__main__":
    main()
