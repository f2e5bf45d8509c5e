"""The training folder has the layout of the training data and labels that agree with the truth."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from patrol.simulate import dataset
from patrol.simulate.camera import Lens
from patrol.simulate.things import CLASS_NAMES, LABELLED_CLASSES


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("drawn")
    dataset.write_dataset(out, "test", 3, 4, 2)
    return out


@pytest.fixture(scope="module")
def frames() -> list[dataset.Labelled]:
    """The train frames of the folder, drawn a second time."""
    return list(dataset.drawn_frames("test", 3, 4, "train"))


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "index.csv").open() as file:
        return list(csv.DictReader(file))


def test_the_index_has_the_columns_of_the_training_data_and_a_row_for_every_picture(folder: Path):
    rows = rows_of(folder)
    assert ",".join(rows[0]) == "source,image,split,group,width_px,height_px,boxes,boxes_of_other_classes"
    assert [row["split"] for row in rows] == ["train"] * 4 + ["val"] * 2
    for row in rows:
        height, width = cv2.imread(str(folder / row["image"])).shape[:2]
        assert (int(row["width_px"]), int(row["height_px"])) == (width, height)


def test_no_group_is_on_both_sides(folder: Path):
    sides = [{row["group"] for row in rows_of(folder) if row["split"] == split} for split in ("train", "val")]
    assert not sides[0] & sides[1]


def test_every_label_is_a_box_inside_the_frame_of_a_drawn_class(folder: Path):
    for row in rows_of(folder):
        text = (folder / row["image"].replace("images/", "labels/").replace(".webp", ".txt")).read_text()
        boxes = np.array([line.split() for line in text.splitlines()], dtype=float).reshape(-1, 5)
        assert len(boxes) == int(row["boxes"])
        assert {CLASS_NAMES[int(number)] for number in boxes[:, 0]} <= set(LABELLED_CLASSES)
        assert (boxes[:, 3:] > 0).all()
        assert (boxes[:, 1:3] - boxes[:, 3:] / 2 >= -1e-6).all()
        assert (boxes[:, 1:3] + boxes[:, 3:] / 2 <= 1 + 1e-6).all()


def test_labels_agree_with_the_truth_of_the_frame_and_hide_nothing_well_hidden(
    folder: Path, frames: list[dataset.Labelled]
):
    for number, frame in enumerate(frames):
        text = (folder / "labels" / dataset.SOURCE / f"test_3_train_{number:05d}.txt").read_text()
        assert text == dataset.label_lines(frame.seen, 1280, 720)
        assert all(one.visible_share >= dataset.LEAST_SHARE for one in frame.seen)


def test_a_label_line_is_class_middle_and_size_as_shares(frames: list[dataset.Labelled]):
    seen = next(frame.seen for frame in frames if frame.seen)
    first = dataset.label_lines(seen, 1280, 720).splitlines()[0].split()
    left, top, right, bottom = seen[0].box
    assert float(first[1]) == pytest.approx((left + right) / 2560, abs=1e-6)
    assert float(first[4]) == pytest.approx((bottom - top) / 720, abs=1e-6)


def test_sources_say_of_all_17_classes_whether_they_are_drawn(folder: Path):
    with (folder / "sources.csv").open() as file:
        states = {row["class"]: row["state"] for row in csv.DictReader(file)}
    assert list(states) == (folder / "classes.txt").read_text().split() == list(CLASS_NAMES)
    assert {name for name, state in states.items() if state == "labelled"} == set(LABELLED_CLASSES)
    assert set(states.values()) == {"labelled", "absent"}


def test_class_numbers_are_those_of_the_shared_data(shared: Path):
    assert tuple((shared / "data" / "classes.txt").read_text().split()) == CLASS_NAMES


def test_cameras_are_drawn_from_a_sensible_range():
    rng = np.random.default_rng(1)
    for _ in range(50):
        mount, lens = dataset.drawn_camera(rng)
        assert 1.2 <= mount.height_m <= 2.6
        assert isinstance(lens, Lens)
        assert 650 <= lens.focal_px <= 1150
