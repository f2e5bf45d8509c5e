"""Earlier frames of a place: found by what they look like, and a bridge between two photographs."""

import cv2
import numpy as np
from support.scenes import photo, place, seen_from

from detector.image import Pixels
from inference_server.domain.verification import Answer
from inference_server.scene.bridge import bridge
from inference_server.scene.features import describe, no_features
from inference_server.scene.look import look
from inference_server.scene.places import nearest, place_of
from inference_server.scene.same_scene import compare

ASIDE = np.array([[0.9, 0.05, 30.0], [-0.05, 0.95, 20.0], [1e-4, 0.0, 1.0]])


def street(seed: int) -> Pixels:
    """A place 1,400 px wide, of which a photograph shows a part."""
    return place(seed, (1400, 480))


def test_the_frame_of_the_same_place_is_the_nearest_of_many() -> None:
    known = {seed: place_of(describe(place(seed))) for seed in range(8)}
    described = {seed: found for seed, found in known.items() if found is not None}
    wanted = place_of(describe(seen_from(place(5), ASIDE)))
    assert wanted is not None
    assert len(described) == 8
    found = nearest(wanted, described, 3)
    assert found[0].key == 5
    assert found[0].likeness > found[1].likeness + 0.03


def test_a_picture_without_points_has_no_place() -> None:
    assert place_of(no_features((640, 480))) is None
    assert nearest(np.ones(4, np.int8), {}, 3) == []


def test_a_frame_between_two_photographs_joins_them_and_carries_the_geometry() -> None:
    whole = street(30)
    before, between, after = (look(photo(whole[:, left : left + 640])) for left in (0, 350, 700))
    others = [look(photo(place(seed))) for seed in (31, 32)]
    assert compare(before, after).result.answer is not Answer.PASS
    found = bridge(before, after, [others[0], between, others[1]])
    assert found is not None
    assert found.frame == 1
    assert found.match.result.answer is Answer.PASS
    assert found.match.alignment.homography is not None
    carried = cv2.perspectiveTransform(np.array([[[500.0, 200.0]]]), found.match.alignment.homography)
    assert np.allclose(carried, [[[-200.0, 200.0]]], atol=2.0)


def test_frames_of_other_places_join_nothing() -> None:
    before, after = look(photo(place(33))), look(photo(place(34)))
    frames = [look(photo(seen_from(place(33), ASIDE))), look(photo(seen_from(place(34), ASIDE)))]
    assert bridge(before, after, frames) is None
