"""`xuncheng-train data`: checks that name file and line, new sources, splits that part no group."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.training_data import CLASSES, plan, write_data
from typer.testing import CliRunner

from training.cli import app
from training.data_check import check_folder
from training.index import load_index
from training.split import choose_val


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = write_data(tmp_path / "data", plan(train=16, val=4))
    for line in (folder / "labels" / "floors").glob("*.txt"):
        assert line.read_text(encoding="utf-8")
    return folder


def run(*words: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["data", *(str(word) for word in words)])
    fault = "" if isinstance(result.exception, SystemExit | None) else str(result.exception)
    return result.exit_code, result.stdout + fault


def test_a_good_folder_has_no_fault(data: Path) -> None:
    assert run("check", data, "--whole") == (0, "nothing is wrong\n")


def test_every_fault_is_told_with_file_and_line(data: Path) -> None:
    walls, floors = data / "labels" / "walls" / "000.txt", data / "labels" / "floors" / "001.txt"
    walls.write_text("0 0.5 0.5 0.1 0.1\n0 0.5 0.5 0.1 0.1\n0 0.2 0.2 0.1\n", encoding="utf-8")
    floors.write_text("2 0.5 0.5 0.1 0.1\n0 0.5 0.5 0.1 0.1\n0 0.5 0.5 0.1 0.1\n", encoding="utf-8")
    with (data / "sources.csv").open("a", encoding="utf-8") as stream:
        stream.write("floors,dark,labeled\n")
    code, out = run("check", data)
    assert code == 1
    told = [line.removeprefix(f"{data}/") for line in out.splitlines()]
    assert told == [
        "sources.csv:6: state 'labeled' says nothing; meant are: labelled, absent, unknown",
        "labels/walls/000.txt:3: expected 5 numbers, found 4",
        "labels/floors/001.txt:1: unseen is absent in floors by sources.csv",
        "labels/floors/001.txt:3: the same box twice",
    ]


def test_a_picture_on_both_sides_a_wrong_size_and_a_damaged_file_are_told(data: Path) -> None:
    images = sorted((data / "images" / "walls").glob("*.png"))
    images[-1].write_bytes(images[0].read_bytes())
    cv2.imwrite(str(images[1]), np.zeros((96, 80, 3), np.uint8))
    images[2].write_bytes(b"\x89PNG")
    faults = "\n".join(check_folder(data))
    assert f"{images[-1]}: is the same picture as {images[0]}, on the other side of the split" in faults
    assert f"{images[1]}: is 80x96, the index says 160x96" in faults
    assert str(images[2]) in faults
    assert len(faults.splitlines()) == 3


def test_a_class_that_is_labelled_but_never_there_is_told(data: Path) -> None:
    with (data / "sources.csv").open("a", encoding="utf-8") as stream:
        stream.write("walls,unseen,labelled\n")
    assert check_folder(data) == [f"{data}/sources.csv: walls says unseen is labelled, yet has no box of it"]


def test_the_shared_data_has_no_fault(shared: Path) -> None:
    assert check_folder(shared / "data") == []


def test_an_exported_source_comes_in_as_a_new_one(data: Path, tmp_path: Path) -> None:
    assert run("export", "coco", tmp_path / "out.json", "--data", data, "--source", "walls")[0] == 0
    words = ["import", "coco", tmp_path / "out.json", "--data", data, "--source", "again", "--pictures"]
    code, out = run(*words, data / "images", "--class", "dark=pale", "--class", "unseen=")
    assert (code, out.split()[0]) == (0, "10")
    index = load_index([data])
    assert index.classes == CLASSES
    assert index.states["again"] == {"pale": "labelled"}
    (first,) = [p for p in index.of("train", "again") if p.image.name == "000.png"]
    (theirs,) = [p for p in index.of("train", "walls") if p.image.name == "000.png"]
    assert first.image.read_bytes() == theirs.image.read_bytes()
    assert first.labels.read_text(encoding="utf-8")[1:] == theirs.labels.read_text(encoding="utf-8")[1:]
    code, out = run(*words, data / "images")
    assert (code, "source 'again' is there already" in out) == (1, True)


def test_a_new_folder_is_made_and_a_class_nobody_mapped_is_refused(data: Path, tmp_path: Path) -> None:
    run("export", "voc", tmp_path / "voc", "--data", data, "--pictures", tmp_path / "pictures")
    words = ["--source", "new", "--pictures", tmp_path / "pictures"]
    assert run("import", "voc", tmp_path / "voc", "--data", tmp_path / "fresh", *words)[0] == 0
    assert load_index([tmp_path / "fresh"]).classes == CLASSES
    (tmp_path / "fresh" / "classes.txt").write_text("pale\ndark\n", encoding="utf-8")
    words[1] = "newer"
    code, out = run("import", "voc", tmp_path / "voc", "--data", tmp_path / "fresh", *words)
    assert (code, "'unseen' is not in it: map the class" in out) == (1, True)


def test_look_alikes_and_names_with_the_same_match_are_one_group(data: Path, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    run("export", "coco", tmp_path / "out.json", "--data", data, "--pictures", pictures)
    first, second = (pictures / "walls" / f"{number:03d}.png" for number in (0, 2))
    pixels = cv2.imread(str(first))
    cv2.imwrite(str(second), cv2.GaussianBlur(pixels, (3, 3), 0))
    words = ["--source", "new", "--pictures", pictures, "--group-by", "floors/00"]
    assert run("import", "coco", tmp_path / "out.json", "--data", tmp_path / "new", *words)[0] == 0
    groups = {str(p.image.relative_to(tmp_path / "new")): p.group for p in load_index([tmp_path / "new"]).pictures}
    by_name = {groups[f"images/new/floors/{number:03d}.png"] for number in (1, 3, 5, 7, 9)}
    assert len(by_name) == 1
    assert groups["images/new/walls/000.png"] == groups["images/new/walls/002.png"]
    assert groups["images/new/walls/000.png"] not in by_name
    assert len(set(groups.values())) > 5


def test_splitting_moves_whole_groups_and_leaves_other_sources_alone(data: Path) -> None:
    with (data / "index.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for number, row in enumerate(rows):
        row["group"], row["split"] = f"{row['source']}_{number // 6}", "train"
    with (data / "index.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    code, out = run("split", "--data", data, "--source", "walls", "--val", "0.4")
    assert code == 0
    index = load_index([data])
    assert len(index.of("val", "walls")) in (3, 4)
    assert f"{len(index.of('val', 'walls'))} validate" in out
    assert not index.of("val", "floors")


@given(
    groups=st.lists(st.integers(0, 30).map(str), min_size=1, max_size=200),
    share=st.floats(0.0, 0.9),
    seed=st.integers(0, 5),
)
def test_no_group_crosses_and_the_share_is_never_passed(groups: list[str], share: float, seed: int) -> None:
    val = choose_val(groups, share, seed)
    assert val <= set(groups)
    assert sum(group in val for group in groups) <= share * len(groups)
    assert choose_val(list(reversed(groups)), share, seed) == val
