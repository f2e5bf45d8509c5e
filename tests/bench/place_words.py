"""Learns the vocabulary of places: 64 words of RootSIFT, from training pictures whose licence is stated and open.

Writes inference_server/scene/place_words.npy, (64, 128) uint8.
Usage: python tests/bench/place_words.py [--pictures 160]
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

import numpy as np
from scipy.cluster.vq import kmeans2
from verify_parts.work import REPOSITORY, Work, kept_look, say, shared

WORDS = 64
_SOURCES = ("street_bins", "road_brazil", "traffic_vietnam")  # CC BY 4.0, MIT, CC BY 4.0
_POINTS_OF_EACH = 400


def main() -> None:
    """Learns and writes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pictures", type=int, default=160)
    pictures = training_pictures(parser.parse_args().pictures)
    points = np.concatenate(list(Work().spread(points_of, pictures, "points"))).astype(np.float32)
    centres, of_word = kmeans2(points, WORDS, iter=25, minit="++", rng=1)
    order = np.argsort(-np.bincount(of_word, minlength=WORDS), kind="stable")
    np.save(REPOSITORY / "inference_server" / "scene" / "place_words.npy", np.round(centres[order]).astype(np.uint8))
    say(f"{len(points)} points of {len(pictures)} pictures")


def training_pictures(wanted: int) -> list[Path]:
    """So many training pictures of each source, evenly spread, one of a group."""
    folder = shared("data")
    with (folder / "index.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "train"]
    chosen = []
    for source in _SOURCES:
        groups = {row["group"]: folder / row["image"] for row in rows if row["source"] == source}
        chosen += list(groups.values())[:: max(1, len(groups) // (wanted // len(_SOURCES)))]
    return chosen


def points_of(picture: Path) -> np.ndarray:
    """Descriptors spread over the strong and the weak points of a picture."""
    descriptors = kept_look(picture).features.descriptors
    return descriptors[:: max(1, len(descriptors) // _POINTS_OF_EACH)][:_POINTS_OF_EACH]


if __name__ == "__main__":
    main()
