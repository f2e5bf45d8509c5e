"""Reviews into a data folder: what each picture teaches, which pictures are worth most, and where they come from.

A reviewed box teaches its class and no other. A picture teaches a class only where nothing else in it that the model
takes for that class is left without an answer: else the unanswered one would be taught as nothing.
"""

from __future__ import annotations

import json
import math
import shutil
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from training.exchange import COLUMNS
from training.formats.labelled import LabelledBox, Place, box_of_corners
from training.formats.yolo import label_text, picture_size
from training.index import DataError
from training.reviewed import Corners, Reviewed
from training.split import choose_val, write_index

PROVENANCE = "provenance.jsonl"
_M_PER_DEG = 111_320.0
_SAME_OVERLAP = 0.5
_WEAK = "low_score"  # what the model itself called nothing


@dataclass(frozen=True, kw_only=True)
class MineRules:
    """`most` pictures are taken. Pictures within `place_m` of each other (by cells) are one group; a validation picture
    nearer than `apart_m` to a training picture is left out."""

    classes: tuple[str, ...]
    most: int | None = None
    val_share: float = 0.2
    seed: int = 0
    place_m: float = 64.0
    apart_m: float = 30.0


@dataclass(frozen=True, kw_only=True)
class MinedPicture:
    """A picture with the classes that it teaches, and the true boxes of these."""

    sha256: str
    picture: Path
    position: tuple[float, float] | None
    taught: frozenset[str]
    boxes: tuple[tuple[str, Corners], ...]
    reviews: tuple[Reviewed, ...]

    @property
    def source(self) -> str:
        """Pictures that teach the same classes are one source: the loss of all other classes is masked."""
        return "street_" + "+".join(sorted(self.taught))

    @property
    def is_hard_negative(self) -> bool:
        """Whether the model saw something here that is not so."""
        return any(one.is_wrong for one in self.reviews)

    @property
    def uncertainty(self) -> float:
        """That of the least certain item."""
        return max(one.uncertainty for one in self.reviews)


@dataclass(kw_only=True)
class Mined:
    """What was made of the reviews: pictures with their group and side, and why others were left out."""

    pictures: list[tuple[MinedPicture, str, str]] = field(default_factory=list)  # picture, group, split
    dropped: Counter[str] = field(default_factory=Counter)


def mine(reviews: Sequence[Reviewed], rules: MineRules) -> Mined:
    """The pictures to learn from, each with group and split; every review is in one of them or counted in `dropped`."""
    mined = Mined()
    by_picture: dict[str, list[Reviewed]] = defaultdict(list)
    for review in reviews:
        if review.is_disputed:
            mined.dropped["disputed"] += 1
        else:
            by_picture[review.sha256].append(review)
    pictures = []
    for of_picture in by_picture.values():
        taught = _taught(of_picture, rules, mined.dropped)
        if taught is not None:
            pictures.append(taught)
    chosen = chosen_first(pictures, rules)
    mined.dropped["over_the_limit"] += sum(len(one.reviews) for one in pictures if one not in chosen)
    _split(chosen, rules, mined)
    mined.dropped += Counter()  # reasons that nothing was left out for are not told
    return mined


def chosen_first(pictures: Sequence[MinedPicture], rules: MineRules) -> list[MinedPicture]:
    """The pictures in the order of their worth, at most `most`.

    Greedy over the cells of the street: each round takes one picture of every cell, so that no corner of the city
    fills the set; within a cell wrong ones (hard negatives) come first, then the least certain.
    """
    cells: dict[str, list[MinedPicture]] = defaultdict(list)
    for one in sorted(pictures, key=lambda p: (not p.is_hard_negative, -p.uncertainty, p.sha256)):
        cells[cell_of(one, rules.place_m)].append(one)
    rounds = [(turn, rank, one) for queue in cells.values() for turn, one in enumerate(queue) for rank in [_rank(one)]]
    ordered = [one for _, _, one in sorted(rounds, key=lambda row: row[:2])]
    return ordered[: rules.most]


def _rank(one: MinedPicture) -> tuple[bool, float, str]:
    return not one.is_hard_negative, -one.uncertainty, one.sha256


def cell_of(one: MinedPicture, side_m: float) -> str:
    """The square of the street that a picture was taken in; one without a position is a place of its own."""
    if one.position is None:
        return f"nowhere_{one.sha256[:12]}"
    lat, lon = one.position
    row = math.floor(lat * _M_PER_DEG / side_m)
    wide_m = _M_PER_DEG * math.cos(math.radians(row * side_m / _M_PER_DEG))
    return f"cell_{row}_{math.floor(lon * wide_m / side_m)}"


def _taught(reviews: list[Reviewed], rules: MineRules, dropped: Counter[str]) -> MinedPicture | None:
    """What a picture teaches; None where that is nothing. Reviews that teach nothing are counted."""
    answered = [box for one in reviews for box in (one.box, one.true_box)]
    open_classes = {
        seen.class_name
        for seen in reviews[0].detections
        if seen.drop != _WEAK and not any(overlap(seen.box, box) >= _SAME_OVERLAP for box in answered)
    }
    used = []
    for one in reviews:
        unknown = one.taught - set(rules.classes)
        if unknown:
            dropped[f"unknown_class_{min(unknown)}"] += 1
        elif one.taught <= open_classes:
            dropped["like_unanswered"] += 1
        else:
            used.append(one)
    taught = frozenset().union(*(one.taught for one in used)) - open_classes
    if not used:
        return None
    first = used[0]
    return MinedPicture(
        sha256=first.sha256,
        picture=first.picture,
        position=first.position,
        taught=taught,
        boxes=tuple(_true_boxes(used, taught)),
        reviews=tuple(used),
    )


def _true_boxes(reviews: list[Reviewed], taught: frozenset[str]) -> list[tuple[str, Corners]]:
    """The boxes of what is there, each thing once."""
    found: list[tuple[str, Corners]] = []
    for one in reviews:
        name = one.true_class
        if name is None or name not in taught:
            continue
        if not any(name == other and overlap(one.true_box, box) >= _SAME_OVERLAP for other, box in found):
            found.append((name, one.true_box))
    return found


def _split(chosen: list[MinedPicture], rules: MineRules, mined: Mined) -> None:
    """Groups are places; whole places validate, and none of them lies beside a place that trains."""
    groups = [cell_of(one, rules.place_m) for one in chosen]
    val = choose_val(groups, rules.val_share, rules.seed)
    train_at = [one.position for one, group in zip(chosen, groups, strict=True) if group not in val]
    for one, group in zip(chosen, groups, strict=True):
        if group not in val:
            mined.pictures.append((one, group, "train"))
        elif any(away_m(one.position, other) < rules.apart_m for other in train_at):
            mined.dropped["near_the_split"] += len(one.reviews)
        else:
            mined.pictures.append((one, group, "val"))


def away_m(one: tuple[float, float] | None, other: tuple[float, float] | None) -> float:
    """Metres between two positions (lat, lon), on a plane; infinite where one is unknown."""
    if one is None or other is None:
        return math.inf
    north = (one[0] - other[0]) * _M_PER_DEG
    return math.hypot(north, (one[1] - other[1]) * _M_PER_DEG * math.cos(math.radians(one[0])))


def overlap(one: Corners, other: Corners) -> float:
    """Intersection over union.

    >>> overlap((0, 0, 2, 2), (1, 0, 3, 2))
    0.3333333333333333
    """
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    if wide <= 0 or high <= 0:
        return 0.0
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return wide * high / (areas - wide * high)


def write_mined(mined: Mined, rules: MineRules, out: Path) -> None:
    """None; writes the data folder, and `provenance.jsonl` with one line a picture. Raises DataError, also where the
    folder is not empty."""
    if out.exists() and any(out.iterdir()):
        raise DataError(out, None, "the folder is not empty")
    out.mkdir(parents=True, exist_ok=True)
    rows, lines = [], []
    for one, group, split in mined.pictures:
        row = _write_picture(one, rules.classes, out)
        rows.append(row | {"split": split, "group": group})
        origin = {"image": row["image"], "sha256": one.sha256, "source": one.source, "split": split, "group": group}
        lines.append(json.dumps({**origin, "reviews": [r.content for r in one.reviews]}, ensure_ascii=False))
    (out / "classes.txt").write_text("".join(f"{name}\n" for name in rules.classes), encoding="utf-8")
    write_index(out / "sources.csv", ("source", "class", "state"), _states(mined, rules.classes))
    write_index(out / "index.csv", COLUMNS, rows)
    (out / PROVENANCE).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _states(mined: Mined, classes: tuple[str, ...]) -> list[dict[str, str]]:
    """Rows of sources.csv: a class that a source teaches is labelled in it, or absent where it holds no box of it."""
    rows = []
    for source in sorted({one.source for one, _, _ in mined.pictures}):
        of_source = [one for one, _, _ in mined.pictures if one.source == source]
        found = {name for one in of_source for name, _ in one.boxes}
        for name in sorted(of_source[0].taught, key=classes.index):
            rows.append({"source": source, "class": name, "state": "labelled" if name in found else "absent"})
    return rows


def _write_picture(one: MinedPicture, classes: tuple[str, ...], out: Path) -> dict[str, str]:
    """The row of the index, less group and split, of a picture that was copied with its labels."""
    image = Path("images") / one.source / f"{one.sha256[:16]}{one.picture.suffix}"
    labels = (Path("labels") / one.source / image.name).with_suffix(".txt")
    for path in (image, labels):
        (out / path).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(one.picture, out / image)
    size_px = picture_size(out / image)
    place = Place(one.picture, item=one.reviews[0].id)
    boxes: list[LabelledBox] = [box_of_corners(name, box, size_px, place) for name, box in one.boxes]
    (out / labels).write_text(label_text(boxes, classes), encoding="utf-8")
    sides = (str(size_px[0]), str(size_px[1]), str(len(boxes)), "0")
    return dict(zip(COLUMNS, (one.source, image.as_posix(), "", "", *sides), strict=True))
