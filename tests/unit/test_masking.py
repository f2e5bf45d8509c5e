"""What a camera is never to show is black before the picture is stored."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from support.builders import a_frame, a_quality

from detector.image import Limits, decode
from detector.picture_errors import PictureError
from inference_server.domain.camera import Mask
from inference_server.domain.observation import Box, Detection, DropReason
from inference_server.domain.policy import Policy
from inference_server.domain.screen import check_mask, masked_share
from inference_server.masking import blacked_out
from inference_server.sighted import Sighted

BONNET: Mask = ((0.0, 0.75), (1.0, 0.75), (1.0, 1.0), (0.0, 1.0))
CORNER: Mask = ((0.0, 0.0), (0.25, 0.0), (0.0, 0.5))


def a_picture(ending: str) -> bytes:
    """Bright noise, 160x80."""
    rough = np.random.default_rng(7).integers(120, 255, (10, 20, 3), dtype=np.uint8)
    pixels = cv2.resize(rough, (160, 80), interpolation=cv2.INTER_NEAREST)
    return bytes(cv2.imencode(ending, pixels)[1])


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_masks_are_black_and_the_rest_stays(kind: str) -> None:
    picture = a_picture(f".{kind}")
    shown = blacked_out(picture, f"image/{kind}", (BONNET, CORNER), Limits())
    before, after = (decode(one, Limits()).pixels.astype(int) for one in (picture, shown))
    assert after.shape == before.shape
    assert after[63:].max() < 12
    assert after[2:8, 2:20].max() < 12
    assert np.abs(after[2:56, 60:] - before[2:56, 60:]).mean() < 6.0


def test_the_same_picture_gives_the_same_bytes() -> None:
    picture = a_picture(".jpeg")
    assert blacked_out(picture, "image/jpeg", (BONNET,), Limits()) == blacked_out(
        picture, "image/jpeg", (BONNET,), Limits()
    )


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(PictureError):
        blacked_out(a_picture(".jpeg")[:300], "image/jpeg", (BONNET,), Limits())


@pytest.mark.parametrize(
    ("box", "share"),
    [((0, 60, 160, 80), 1.0), ((0, 50, 160, 70), 0.5), ((100, 0, 120, 20), 0.0), ((0, 0, 40, 40), 0.5)],
)
def test_the_masked_share_of_a_box_is_its_area_under_the_masks(box: tuple[float, ...], share: float) -> None:
    corners = dict(zip(("x1", "y1", "x2", "y2"), map(float, box), strict=True))
    assert masked_share(Box(**corners), (BONNET, CORNER), 160, 80) == pytest.approx(share, abs=0.01)


def test_what_is_black_hides_the_ground_behind_it() -> None:
    seen = Sighted(
        frame=a_frame(),
        pose=None,  # type: ignore[arg-type]
        view=None,
        quality=a_quality(),
        detections=(),
        limits={},
        model_version="drawn 1",
        masks=(BONNET,),
    )
    assert seen.occluders(Policy()) == (Box(x1=0.0, y1=810.0, x2=1920.0, y2=1080.0),)


def test_what_lies_mostly_under_a_mask_is_dropped_with_its_share() -> None:
    one = Detection(index=0, class_name="garbage", score=0.9, box=Box(x1=0.0, y1=55.0, x2=40.0, y2=75.0))
    drop = check_mask(one, (BONNET,), 160, 80)
    assert drop is not None
    assert (drop.reason, drop.numbers) == (DropReason.MASKED_VIEW, {"share": 0.75})
    assert check_mask(one, (), 160, 80) is None
    assert check_mask(one, (CORNER,), 160, 80) is None
