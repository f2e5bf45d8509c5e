"""Reviews into labelled pictures: what they teach, which come first, and where they come from."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from training.data_check import check_folder
from training.index import DataError, load_index
from training.labels import read_labels
from training.mine import Mined, MineRules, away_m, mine, write_mined
from training.reviewed import read_reviews

CLASSES = ("garbage", "bin", "soil_heap", "pothole")
RULES = MineRules(classes=CLASSES, val_share=0.0)
BOX, FAR_BOX = [10.0, 20.0, 50.0, 60.0], [100.0, 20.0, 140.0, 60.0]
M_PER_DEG = 111_320.0


def a_review(number: int = 0, answer: str = "confirm", **changes: Any) -> dict[str, Any]:
    """An exported item on a picture of its own, `number` times 100 m north."""
    said = {"at": "2026-11-22T04:00:00+00:00", "by": "operator:wang", "answer": answer, "reason": None}
    said |= {"class_name": changes.pop("to", None), "box": changes.pop("new_box", None)}
    frame = {
        "id": f"frame-{number}",
        "sha256": hashlib.sha256(str(changes.pop("picture", number)).encode()).hexdigest(),
        "picture": "",
        "width_px": 160,
        "height_px": 96,
        "position": {"lat": 30.0 + number * 100 / M_PER_DEG, "lon": 120.0},
        "model_version": "old 1",
        "detections": changes.pop("detections", []),
    }
    frame["position"] = changes.pop("position", frame["position"])
    return {
        "format": 1,
        "id": f"review-{number}",
        "kind": "sampled_drop",
        "state": "answered",
        "class_name": "garbage",
        "score": 0.5,
        "box": BOX,
        "frame": frame,
        "case": None,
        "answers": [{**said, "undone_at": None, "undone_by": None}],
        **changes,
    }


def a_detection(class_name: str, box: list[float], drop: str | None = None) -> dict[str, Any]:
    return {"class_name": class_name, "score": 0.6, "box": box, "outcome": "tracked", "drop": drop}


def written(folder: Path, *items: dict[str, Any]) -> Path:
    """An export of items, each on a noisy picture of its own."""
    (folder / "pictures").mkdir(parents=True)
    for item in items:
        sha256 = item["frame"]["sha256"]
        item["frame"]["picture"] = f"pictures/{sha256}.png"
        pixels = np.random.default_rng(int(sha256[:8], 16)).integers(0, 255, (96, 160, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / item["frame"]["picture"]), pixels)
    lines = [json.dumps(item, ensure_ascii=False) for item in items]
    (folder / "reviews.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def mined_of(folder: Path, *items: dict[str, Any], rules: MineRules = RULES) -> Mined:
    return mine(read_reviews(written(folder, *items)), rules)


def teaches(mined: Mined) -> list[tuple[str, list[str]]]:
    """Source and boxes of each picture."""
    return [(one.source, [name for name, _ in one.boxes]) for one, _, _ in mined.pictures]


@pytest.mark.parametrize(
    ("review", "expected"),
    [
        pytest.param(a_review(), ("street_garbage", ["garbage"]), id="confirmed: its class in its box"),
        pytest.param(a_review(answer="reject"), ("street_garbage", []), id="rejected: its class is not there"),
        pytest.param(
            a_review(answer="reclassify", to="bin"),
            ("street_bin+garbage", ["bin"]),
            id="another class: both",
        ),
        pytest.param(a_review(answer="redraw", new_box=FAR_BOX), ("street_garbage", ["garbage"]), id="a new box"),
    ],
)
def test_an_answer_teaches_its_classes_and_no_other(
    tmp_path: Path, review: dict[str, Any], expected: tuple[str, list[str]]
) -> None:
    mined = mined_of(tmp_path, review)
    assert teaches(mined) == [expected]
    if review["answers"][0]["box"]:
        assert mined.pictures[0][0].boxes[0][1] == tuple(FAR_BOX)


def test_a_like_thing_without_an_answer_keeps_its_class_from_being_taught(tmp_path: Path) -> None:
    beside = [a_detection("garbage", FAR_BOX), a_detection("garbage", BOX)]
    mined = mined_of(
        tmp_path,
        a_review(0, detections=beside),
        a_review(1, detections=[a_detection("garbage", FAR_BOX, "low_score"), a_detection("bin", FAR_BOX)]),
        a_review(2, answer="reclassify", to="bin", detections=[a_detection("garbage", FAR_BOX)]),
    )
    assert sorted(teaches(mined)) == [("street_bin", ["bin"]), ("street_garbage", ["garbage"])]
    assert mined.dropped == {"like_unanswered": 1}


def test_two_answers_on_one_picture_are_one_picture_and_one_thing_is_one_box(tmp_path: Path) -> None:
    shifted = [side + 2 for side in BOX]
    mined = mined_of(
        tmp_path,
        a_review(0, picture=7),
        {**a_review(0, picture=7, box=shifted), "id": "again"},
        {**a_review(0, picture=7, answer="reject", box=FAR_BOX), "id": "not there"},
    )
    assert teaches(mined) == [("street_garbage", ["garbage"])]
    assert len(mined.pictures[0][0].reviews) == 3


def test_what_is_disputed_or_of_an_unknown_class_is_counted_and_left_out(tmp_path: Path) -> None:
    mined = mined_of(tmp_path, a_review(0, state="disputed"), a_review(1, class_name="zebra"), a_review(2))
    assert len(mined.pictures) == 1
    assert mined.dropped == {"disputed": 1, "unknown_class_zebra": 1}


def test_wrong_ones_come_first_then_the_uncertain_and_every_place_before_any_twice(tmp_path: Path) -> None:
    here = {"lat": 30.0, "lon": 120.0}
    items = [
        a_review(0, score=0.9, position=here),
        a_review(1, score=0.5, position=here),
        a_review(2, score=0.9, answer="reject", position=here),
        a_review(5, score=0.95),
    ]
    reviews = read_reviews(written(tmp_path, *items))
    order = [one.reviews[0].id for one, _, _ in mine(reviews, RULES).pictures]
    assert order == ["review-2", "review-5", "review-1", "review-0"]
    short = mine(reviews, MineRules(classes=CLASSES, val_share=0.0, most=2))
    assert [one.reviews[0].id for one, _, _ in short.pictures] == order[:2]
    assert short.dropped == {"over_the_limit": 2}


def test_what_is_uncertain_is_told_by_the_calibrated_probability_where_there_is_one(tmp_path: Path) -> None:
    here = {"lat": 30.0, "lon": 120.0}
    items = [
        a_review(0, score=0.5, probability=0.97, position=here),
        a_review(1, score=0.2, probability=0.55, position=here),
        a_review(2, score=0.3, probability=None, position=here),
    ]
    order = [one.reviews[0].id for one, _, _ in mined_of(tmp_path, *items).pictures]
    assert order == ["review-1", "review-2", "review-0"]


def test_no_place_lies_on_both_sides_of_the_split(tmp_path: Path) -> None:
    """A street of pictures every 8 m: cells touch each other, so pictures near a border must go."""
    along = [{"lat": 30.0 + 8 * n / M_PER_DEG, "lon": 120.0} for n in range(120)]
    items = [a_review(n, position=place) for n, place in enumerate(along)]
    mined = mined_of(tmp_path, *items, rules=MineRules(classes=CLASSES, val_share=0.3, seed=2))
    sides = {split: [one for one, _, s in mined.pictures if s == split] for split in ("train", "val")}
    assert min(len(side) for side in sides.values()) > 5
    assert mined.dropped["near_the_split"] > 0
    nearest_m = min(away_m(a.position, b.position) for a in sides["train"] for b in sides["val"])
    assert nearest_m >= 30.0
    groups = {split: {group for _, group, s in mined.pictures if s == split} for split in sides}
    assert not groups["train"] & groups["val"]
    assert len(mined.pictures) + mined.dropped["near_the_split"] == 120


def test_the_folder_is_one_that_training_reads_with_its_provenance(tmp_path: Path) -> None:
    history = [{"at": "2026-11-22T04:00:00+00:00", "from_state": None, "to_state": "review", "by": "system"}]
    case = {"id": "case-1", "state": "filed", "class_name": "garbage", "history": history}
    first, others = a_review(0, case=case), (a_review(1, "reject"), a_review(2, "reclassify", to="bin"))
    mined = mined_of(tmp_path / "export", first, *others)
    write_mined(mined, RULES, tmp_path / "data")
    index = load_index([tmp_path / "data"])
    assert index.classes == CLASSES
    assert check_folder(tmp_path / "data") == []
    masks = {source: index.class_mask(source).tolist() for source in index.sources}
    assert masks == {"street_garbage": [1, 0, 0, 0], "street_bin+garbage": [1, 1, 0, 0]}
    labels = {p.image.name: read_labels(p.labels, len(CLASSES)) for p in index.pictures}
    assert sorted(len(rows) for rows in labels.values()) == [0, 1, 1]
    confirmed = next(p for p in index.pictures if p.image.name.startswith(first["frame"]["sha256"][:16]))
    rows = read_labels(confirmed.labels, len(CLASSES))
    lines = [json.loads(line) for line in (tmp_path / "data/provenance.jsonl").read_text("utf-8").splitlines()]
    listed = (tmp_path / "data/index.csv").read_text("utf-8").splitlines()
    assert {line["image"] for line in lines} == {row["image"] for row in csv.DictReader(listed)}
    told = next(line for line in lines if line["reviews"][0]["case"])
    assert told["reviews"][0]["case"]["history"] == history
    assert told["reviews"][0]["answers"][0]["by"] == "operator:wang"
    assert rows.shape[1] == 5
    with pytest.raises(DataError, match="not empty"):
        write_mined(mined, RULES, tmp_path / "data")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("{", "no exported review", id="not JSON"),
        pytest.param("[]", "no exported review", id="not an object"),
        pytest.param('{"format": 2}', "format must be 1", id="another format"),
        pytest.param('{"format": 1}', "'frame' is missing", id="a member is missing"),
    ],
)
def test_a_damaged_export_is_refused_by_file_and_line(tmp_path: Path, text: str, problem: str) -> None:
    written(tmp_path, a_review())
    with (tmp_path / "reviews.jsonl").open("a") as file:
        file.write(text + "\n")
    with pytest.raises(DataError, match=problem) as refused:
        read_reviews(tmp_path)
    assert refused.value.line == 2


def test_pictures_outside_the_export_and_items_without_a_standing_answer_are_refused(tmp_path: Path) -> None:
    written(tmp_path, a_review())
    item = json.loads((tmp_path / "reviews.jsonl").read_text())
    for change, problem in (
        ({"frame": {**item["frame"], "picture": "../secret.png"}}, "no such picture"),
        ({"answers": [{**item["answers"][0], "undone_at": "2026-11-22T05:00:00+00:00"}]}, "no answer stands"),
    ):
        (tmp_path / "reviews.jsonl").write_text(json.dumps({**item, **change}))
        with pytest.raises(DataError, match=problem):
            read_reviews(tmp_path)
