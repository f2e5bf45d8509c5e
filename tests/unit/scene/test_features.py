"""Features: what is found, and what storing keeps of it."""

import numpy as np
import pytest
from support.scenes import place

from inference_server.scene.features import MOST_POINTS, Features, FeaturesUnreadable, describe
from inference_server.scene.matching import match


def test_stored_features_match_like_fresh_ones() -> None:
    fresh, other = describe(place(1)), describe(place(1)[10:, 20:])
    loaded = Features.from_bytes(fresh.to_bytes())
    assert len(fresh) <= MOST_POINTS
    assert loaded.size_px == fresh.size_px
    assert np.array_equal(loaded.descriptors, fresh.descriptors)
    assert np.abs(loaded.points_px - fresh.points_px).max() <= 1 / 64 + 1e-6
    assert len(match(loaded, other)) >= 0.98 * len(match(fresh, other)) > 50


def test_a_masked_part_gives_no_features() -> None:
    usable = np.ones((480, 640), np.bool_)
    usable[:, 320:] = False
    assert describe(place(2)).on(usable).points_px[:, 0].max() < 320


def test_what_is_masked_beforehand_gives_the_same_points_as_what_is_masked_afterwards() -> None:
    usable = np.random.default_rng(7).random((480, 640)) < 0.5
    early, late = describe(place(2), usable), describe(place(2)).on(usable)
    assert len(early) > 500
    assert early.to_bytes() == late.to_bytes()


def test_a_flat_picture_has_no_features() -> None:
    assert len(describe(np.full((100, 100, 3), 90, np.uint8))) == 0


@pytest.mark.parametrize("stored", [b"", b"XSF1", b"nonsense that is long enough to hold a head", None])
def test_what_is_no_stored_feature_is_refused(stored: bytes | None) -> None:
    cut_off = describe(place(3)).to_bytes()[:-1]
    with pytest.raises(FeaturesUnreadable):
        Features.from_bytes(cut_off if stored is None else stored)
