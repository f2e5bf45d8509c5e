"""The data index refuses what would quietly spoil a training."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.training_data import CLASSES, HEADER, STATES, Drawn, plan, write_data, write_rows

from training.index import DataError, data_hash, load_index


def _problem(folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        load_index([folder])
    return str(caught.value)


def test_pictures_sources_and_states_are_read(tmp_path: Path) -> None:
    index = load_index([write_data(tmp_path, plan(train=6, val=2))])
    assert index.classes == CLASSES
    assert index.sources == ("floors", "walls")
    assert len(index.of("train")) == 6
    assert {p.source for p in index.of("val", "walls")} == {"walls"}
    assert index.classes_in_state("floors", "absent") == ("unseen",)


def test_the_mask_is_one_for_labelled_and_for_absent_classes_only(tmp_path: Path) -> None:
    index = load_index([write_data(tmp_path, plan(train=2, val=0))])
    assert index.class_mask("walls").tolist() == [1, 1, 0]
    assert index.class_mask("floors").tolist() == [1, 0, 1]


def test_a_group_on_both_sides_of_the_split_is_refused(tmp_path: Path) -> None:
    pictures = [Drawn("walls", "train", "same_wall", 0), Drawn("walls", "val", "same_wall", 0)]
    assert "group same_wall is in train" in _problem(write_data(tmp_path, pictures))


def test_a_group_name_used_by_two_sources_is_two_groups(tmp_path: Path) -> None:
    pictures = [Drawn("walls", "train", "one", 0), Drawn("floors", "val", "one", 0)]
    assert len(load_index([write_data(tmp_path, pictures)]).pictures) == 2


def test_an_unknown_class_in_the_sources_names_file_and_line(tmp_path: Path) -> None:
    folder = write_data(tmp_path, plan(train=2, val=0))
    write_rows(folder / "sources.csv", ("source", "class", "state"), [list(STATES[0]), ["walls", "purple", "absent"]])
    assert "sources.csv:3: unknown class 'purple'" in _problem(folder)


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("split", "", "the split is empty"),
        ("source", "ceilings", "source 'ceilings' is not in sources.csv"),
        ("image", "images/walls/999.png", "no such file"),
        ("width_px", "0", "'0' is no size in pixels"),
    ],
)
def test_a_wrong_row_of_the_index_names_its_line(tmp_path: Path, column: str, value: str, problem: str) -> None:
    folder = write_data(tmp_path, plan(train=2, val=0))
    lines = (folder / "index.csv").read_text(encoding="utf-8").splitlines()
    fields = lines[2].split(",")
    fields[HEADER.index(column)] = value
    (folder / "index.csv").write_text("\n".join([*lines[:2], ",".join(fields)]) + "\n", encoding="utf-8")
    found = _problem(folder)
    assert "index.csv:3: " in found
    assert problem in found


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    folder = write_data(tmp_path, plan(train=2, val=0))
    write_rows(folder / "index.csv", ("source", "image", "split"), [])
    assert "index.csv:1: column missing: group, height_px, width_px" in _problem(folder)


def test_two_folders_are_one_index_if_their_classes_agree(tmp_path: Path) -> None:
    first = write_data(tmp_path / "a", [Drawn("walls", "train", "w", 0)])
    second = write_data(tmp_path / "b", [Drawn("floors", "train", "f", 0)])
    for folder, source in ((first, "walls"), (second, "floors")):
        rows = [list(row) for row in STATES if row[0] == source]
        write_rows(folder / "sources.csv", ("source", "class", "state"), rows)
    assert load_index([first, second]).sources == ("floors", "walls")
    (second / "classes.txt").write_text("dark\npale\nunseen\n", encoding="utf-8")
    with pytest.raises(DataError, match="other classes"):
        load_index([first, second])


def test_the_data_hash_changes_with_a_label_and_not_with_the_place(tmp_path: Path) -> None:
    here = load_index([write_data(tmp_path / "a", plan(train=4, val=0))])
    there = load_index([write_data(tmp_path / "b", plan(train=4, val=0))])
    assert data_hash(here) == data_hash(there)
    there.pictures[0].labels.write_text("", encoding="utf-8")
    assert data_hash(here) != data_hash(there)


def test_no_group_of_the_shared_data_crosses_the_split(shared: Path) -> None:
    index = load_index([shared / "data"])
    sides: dict[tuple[str, str], set[str]] = {}
    for picture in index.pictures:
        sides.setdefault((picture.source, picture.group), set()).add(picture.split)
    assert len(index.pictures) > 7000
    assert [group for group, split in sides.items() if len(split) > 1] == []
