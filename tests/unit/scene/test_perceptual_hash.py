"""The perceptual hash against its reference implementation, and what the specification promises of it."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from support.pictures import Pixels, a_scene, encoded
from support.scenes import place
from support.shared import shared_or_skip

from inference_server.domain.photo_index import LEAST_QUALITY, NEAR_BITS, SURE_BITS, bits_apart
from inference_server.scene.perceptual_hash import Turn, perceptual_hash, turned_hashes

LAID: dict[Turn, Callable[[Pixels], Pixels]] = {
    Turn.UPRIGHT: lambda pixels: pixels,
    Turn.QUARTER: lambda pixels: np.rot90(pixels),
    Turn.HALF: lambda pixels: np.rot90(pixels, 2),
    Turn.THREE_QUARTERS: lambda pixels: np.rot90(pixels, 3),
    Turn.UPSIDE_DOWN: lambda pixels: pixels[::-1],
    Turn.MIRRORED: lambda pixels: pixels[:, ::-1],
    Turn.TRANSPOSED: lambda pixels: pixels.transpose(1, 0, 2),
    Turn.ANTI_TRANSPOSED: lambda pixels: np.rot90(pixels, 2).transpose(1, 0, 2),
}
# What pdqhash 0.2.8 says of `a_street(n)`, for machines that cannot build it.
REFERENCE = {
    1: ("3833018f0116fa14fcc0f5f8c7e835f9d4e9d40b342b14ebb3e8f7f0ca3828b3", 100),
    2: ("b1936da6c9266194a6c6b0f23d24c9b4e648e497f3b7962348b636c8baf2cc27", 100),
    7: ("145b493ef1c62e389d3be1c724ce1a3c346b48b476c86aeec3b936546b66854b", 100),
}


def a_street(seed: int, width_px: int = 320, height_px: int = 240) -> Pixels:
    """A picture with soft and hard edges."""
    pixels = a_scene(width_px, height_px, seed)
    rng = np.random.default_rng(seed)
    for _ in range(12):
        x, y, w, h = (int(v) for v in rng.integers(0, width_px // 3, 4))
        colour = tuple(int(v) for v in rng.integers(0, 256, 3))
        cv2.rectangle(pixels, (2 * x, 2 * y), (2 * x + w, 2 * y + h), colour, -1)
    return pixels


@pytest.mark.parametrize("seed", REFERENCE)
def test_the_hash_is_the_one_of_the_reference(seed: int) -> None:
    found = perceptual_hash(a_street(seed))
    assert (found.value.hex(), found.quality) == REFERENCE[seed]


@pytest.mark.parametrize("size_px", [(320, 240), (241, 517), (64, 64), (50, 40), (129, 700)])
def test_all_eight_hashes_are_those_of_the_reference_at_any_size(size_px: tuple[int, int]) -> None:
    pdqhash = pytest.importorskip("pdqhash", reason="the oracle needs a compiler: make oracle")
    pixels = a_street(3, *size_px)
    vectors, quality = pdqhash.compute_dihedral(np.ascontiguousarray(pixels[:, :, ::-1]))
    found = turned_hashes(pixels)
    assert [found[turn].value for turn in Turn] == [np.packbits(vector).tobytes() for vector in vectors]
    assert {hashed.quality for hashed in found.values()} == {quality}


@pytest.mark.shared
def test_real_photographs_hash_as_in_the_reference() -> None:
    pdqhash = pytest.importorskip("pdqhash", reason="the oracle needs a compiler: make oracle")
    for path in sorted(shared_or_skip("closure").glob("*_a.jpg"))[::5]:
        pixels = cv2.imread(str(path))
        vector, quality = pdqhash.compute(np.ascontiguousarray(pixels[:, :, ::-1]))
        found = perceptual_hash(pixels)
        assert (found.value, found.quality) == (np.packbits(vector).tobytes(), quality), path.name


@pytest.mark.parametrize("turn", Turn)
def test_a_turned_picture_has_the_hash_that_was_foretold(turn: Turn) -> None:
    pixels = place(5, (896, 896))
    laid = perceptual_hash(np.ascontiguousarray(LAID[turn](pixels)))
    assert bits_apart(turned_hashes(pixels)[turn].value, laid.value) <= SURE_BITS  # places are cut to whole pixels


def test_a_smaller_and_rougher_copy_stays_near() -> None:
    pixels = a_street(1, 640, 480)
    asked = perceptual_hash(pixels).value
    smaller = cv2.resize(pixels, (400, 300), interpolation=cv2.INTER_AREA)
    rough = cv2.imdecode(np.frombuffer(encoded(pixels, "JPEG", quality=20), np.uint8), cv2.IMREAD_COLOR)
    for copy in (smaller, rough):
        assert bits_apart(asked, perceptual_hash(copy).value) <= SURE_BITS


def test_other_pictures_are_far() -> None:
    hashes = [perceptual_hash(a_street(seed)).value for seed in range(8)]
    apart = [bits_apart(one, other) for i, one in enumerate(hashes) for other in hashes[:i]]
    assert min(apart) > NEAR_BITS


def test_an_empty_picture_has_too_little_to_be_known_by() -> None:
    assert perceptual_hash(np.full((240, 320, 3), 130, np.uint8)).quality == 0
    assert perceptual_hash(a_street(2)).quality >= LEAST_QUALITY
