"""Where a place of one picture lies in another one of the same scene, both untouched."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from inference_server.domain.observation import Box as Region
from inference_server.scene.alignment import Alignment
from inference_server.scene.gone_measures import outline
from inference_server.scene.matching import Matches
from inference_server.scene.same_scene import compare, near
from verify_parts.things import Box
from verify_parts.work import kept_look


def carried(before: Path, after: Path, box: Box) -> Box | None:
    """Where the box comes to lie in the picture after; None where the geometry does not say."""
    x1, y1, x2, y2 = box
    region = Region(x1=x1, y1=y1, x2=x2, y2=y2)
    whole = _laid_out(before, after)
    homography = near(Matches(whole.before_px, whole.after_px), whole.homography, region)
    if homography is None:
        return None
    there = outline(region, homography)
    return round(there.x1), round(there.y1), round(there.x2), round(there.y2)


@lru_cache(maxsize=8)
def _laid_out(before: Path, after: Path) -> Alignment:
    return compare(kept_look(before), kept_look(after)).alignment
