"""Writes a folder of drawn, labelled frames in the layout of the project's training data.

python -m patrol.simulate.dataset --out runs/drawn-train --seed 7 --frames 1000 --look train
"""

import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from numpy.random import Generator

from patrol.simulate.camera import Lens, Mount, Pose, View, view_from
from patrol.simulate.city import City, CityConfig
from patrol.simulate.render import Renderer
from patrol.simulate.seeds import generator
from patrol.simulate.solids import Picture
from patrol.simulate.things import CASE_CLASSES, CLASS_NAMES, LABELLED_CLASSES
from patrol.simulate.visible import Seen, Watcher
from patrol.simulate.weather import drawn_light

SOURCE = "drawn_city"
FRAMES_PER_CITY = 70
PICTURE_PX = (832, 468)
SMALLEST_PX = 5.0
MIX = (*CASE_CLASSES, "pothole", "open_manhole", "pothole", "open_manhole")
LEAST_SHARE = 0.25
NEAR_SHARE = 0.65
"""Share of the frames that are taken 4.5 to 14 m before some thing, so that enough of them are big."""


@dataclass(frozen=True)
class Labelled:
    """One drawn frame (uint8 HWC BGR) with what is on it, its split and its look-alike group."""

    picture: Picture
    seen: list[Seen]
    split: str
    group: str


def drawn_camera(rng: Generator) -> tuple[Mount, Lens]:
    """A random but sensible camera of a car or van, looking ahead or a little to one side."""
    mount = Mount(
        height_m=float(rng.uniform(1.2, 2.6)),
        pitch_deg=float(rng.uniform(0, 14)),
        yaw_deg=float(rng.choice([0.0, 0.0, rng.uniform(-30, 35)])),
        roll_deg=float(rng.normal(0, 1.0)),
    )
    curve = float(rng.uniform(-0.12, 0.02)) if rng.random() < 0.25 else 0.0
    return mount, Lens(focal_px=float(rng.uniform(650, 1150)), k1=curve)


def drawn_view(rng: Generator, city: City, camera: tuple[Mount, Lens]) -> tuple[View, str]:
    """A view from a lane of a random street, and the street's name; often a thing is near."""
    street, way = city.plan.streets[int(rng.integers(len(city.plan.streets)))], 1 if rng.random() < 0.5 else -1
    along = float(rng.uniform(street.low_m, street.high_m))
    if rng.random() < NEAR_SHARE:
        thing = city.things[int(rng.integers(len(city.things)))]
        street = next(one for one in city.plan.streets if one.name == thing.street)
        along = thing.along_m - way * float(rng.uniform(4.5, 14))
    x, y = street.point(along, way * float(rng.uniform(1.0, 2.6)))
    heading = street.heading_deg + (0 if way > 0 else 180) + float(rng.normal(0, 3))
    return view_from(Pose(x_m=x, y_m=y, heading_deg=heading), *camera), street.name


def training_city(look: str, seed: int) -> CityConfig:
    """A crowded city: more things and more harmless ones than a real street has."""
    return CityConfig(
        look=look, seed=seed, things=520, like_gap_m=7.0, passes=1, car_share=0.14, mix=MIX, context_rate=2.0
    )


def drawn_frames(look: str, seed: int, frames: int, split: str) -> Iterator[Labelled]:
    """Frames of as many cities as are needed; cities of two splits or seeds share nothing."""
    for first in range(0, frames, FRAMES_PER_CITY):
        rng = generator(look, seed, "dataset", split, first)
        city = City(training_city(look, int(rng.integers(2**31))))
        renderer, watcher = Renderer(city), Watcher(city, 0)
        cameras = [drawn_camera(rng) for _ in range(6)]
        for _ in range(min(FRAMES_PER_CITY, frames - first)):
            view, street = drawn_view(rng, city, cameras[int(rng.integers(len(cameras)))])
            picture = renderer.frame(view, drawn_light(rng), watcher.things, rng)
            seen = [one for one in watcher.seen(view, SMALLEST_PX) if one.visible_share >= LEAST_SHARE]
            yield Labelled(picture, seen, split, f"{SOURCE}_{split}_{first // FRAMES_PER_CITY}_{street}")


def label_lines(seen: list[Seen], width_px: int, height_px: int) -> str:
    """One line for each thing: class number, middle and size of its box as shares of the frame."""
    lines = []
    for one in seen:
        left, top, right, bottom = one.box
        middle = ((left + right) / 2 / width_px, (top + bottom) / 2 / height_px)
        numbers = (*middle, (right - left) / width_px, (bottom - top) / height_px)
        lines.append(f"{CLASS_NAMES.index(one.thing.class_name)} " + " ".join(f"{number:.6f}" for number in numbers))
    return "".join(line + "\n" for line in lines)


def write_frame(out: Path, name: str, frame: Labelled) -> dict[str, object]:
    """Writes one picture and its labels and returns its row of the index."""
    height, width = frame.picture.shape[:2]
    small = cv2.resize(frame.picture, PICTURE_PX, interpolation=cv2.INTER_AREA)
    path = f"images/{SOURCE}/{name}.webp"
    cv2.imwrite(str(out / path), small, [cv2.IMWRITE_WEBP_QUALITY, 86])
    (out / "labels" / SOURCE / f"{name}.txt").write_text(label_lines(frame.seen, width, height))
    return {
        "source": SOURCE,
        "image": path,
        "split": frame.split,
        "group": frame.group,
        "width_px": PICTURE_PX[0],
        "height_px": PICTURE_PX[1],
        "boxes": len(frame.seen),
        "boxes_of_other_classes": 0,
    }


def write_sources(out: Path) -> None:
    """Writes which classes are labelled in the drawn frames and which are never in them."""
    rows = [(SOURCE, name, "labelled" if name in LABELLED_CLASSES else "absent") for name in CLASS_NAMES]
    with (out / "sources.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("source", "class", "state"), *rows])
    (out / "classes.txt").write_text("".join(name + "\n" for name in CLASS_NAMES))


def write_dataset(out: Path, look: str, seed: int, frames: int, val_frames: int) -> int:
    """Writes the whole folder and returns the number of boxes in it."""
    for part in ("images", "labels"):
        (out / part / SOURCE).mkdir(parents=True, exist_ok=True)
    write_sources(out)
    rows = []
    for split, count in (("train", frames), ("val", val_frames)):
        for number, frame in enumerate(drawn_frames(look, seed, count, split)):
            rows.append(write_frame(out, f"{look}_{seed}_{split}_{number:05d}", frame))
            if (number + 1) % 50 == 0:
                sys.stderr.write(f"{split} {number + 1} of {count}\n")
    with (out / "index.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else ["source"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return int(np.sum([row["boxes"] for row in rows]))


def main(
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    look: Annotated[str, typer.Option(help="Family of shapes and colours: train, demo or test.")] = "train",
    seed: Annotated[int, typer.Option(help="Seed; the same seed gives the same folder.")] = 7,
    frames: Annotated[int, typer.Option(help="Frames of the train split.")] = 1000,
    val_frames: Annotated[int, typer.Option(help="Frames of the val split, of other cities.")] = 120,
) -> None:
    """Write drawn street frames with exact labels in the layout of the training data."""
    boxes = write_dataset(out, look, seed, frames, val_frames)
    sys.stdout.write(f"{frames + val_frames} frames, {boxes} boxes in {out}\n")


if __name__ == "__main__":
    typer.run(main)
