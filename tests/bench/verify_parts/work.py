"""What all parts work with: where the pictures are, photographs opened once, features kept between runs."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import pickle
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import structlog
from support.shared import shared_dir

import inference_server.scene
from detector.detections import Detections
from detector.image import Limits
from detector.yolo import YoloDetector
from inference_server.scene.features import Features, describe
from inference_server.scene.look import Look, as_stored
from inference_server.scene.masks import usable
from inference_server.scene.photo import ScenePhoto, open_photo
from inference_server.scene.quality import quality
from inference_server.settings import find_weights
from inference_server.thrift import be_thrifty

REPOSITORY = Path(__file__).resolve().parents[3]
MIN_SCORE = 0.05  # of the detections that the gates are given
_FRESH = multiprocessing.get_context("forkserver")  # a forked one may wait for ever for a lock of OpenCV's threads
T = TypeVar("T")
R = TypeVar("R")
_FEATURES = ("features", "photo")
_LOOKS = (*_FEATURES, "masks", "burned_in", "bars", "quality")


@dataclass(frozen=True, slots=True)
class Work:
    """sample: at most so many pairs a part, None for all. processes: how many work at once. city: look and seed of the
    drawn city, None for the reported one.

    for_choosing: whether the parts take the half of the pictures that limits and weights are chosen on. lines: the
    folder that gets a line for each pair, None for none.
    """

    sample: int | None = None
    processes: int = 2
    city: tuple[str, int] | None = None
    for_choosing: bool = False
    lines: Path | None = None

    def spread(self, task: Callable[[T], R], items: Sequence[T], what: str, chunk: int = 8) -> Iterator[R]:
        """The task's result for each item, in order, from several processes, with progress on stderr.

        chunk: so many items are handed to a process at once."""
        started_s = time.monotonic()
        with ProcessPoolExecutor(self.processes, _FRESH, initializer=_one_thread) as pool:
            for done, result in enumerate(pool.map(task, items, chunksize=chunk), 1):
                if done % 200 == 0 or done == len(items):
                    say(f"{what}: {done} of {len(items)}, {time.monotonic() - started_s:.0f} s")
                yield result

    def few(self, items: Iterable[T]) -> list[T]:
        """The first `sample` items."""
        return list(items)[: self.sample]


def say(text: str) -> None:
    """Talk for people, on stderr."""
    print(text, file=sys.stderr, flush=True)


def shared(part: str) -> Path:
    """A folder of the shared data; ends the program where it is missing."""
    found = shared_dir() / part
    if not found.is_dir():
        raise SystemExit(f"shared data missing: no folder {found} (set XUNCHENG_SHARED)")
    return found


@cache
def detects() -> YoloDetector:
    """The shipped detector, once for each process."""
    return YoloDetector.load(find_weights() / "xuncheng-n.json")


def photo(path: Path) -> ScenePhoto:
    """The photograph with its detections."""
    return open_photo(path.read_bytes(), Limits(), detects(), MIN_SCORE)


def kept_look(path: Path) -> Look:
    """The look of a photograph, kept on disk under the code that made it. Points are kept before they are masked: masks
    change more often, and cost less."""
    features, found = _kept_features(path)

    def masked() -> Look:
        opened = open_photo(path.read_bytes(), Limits(), Known(found), MIN_SCORE)
        return Look(as_stored(features.on(usable(opened))), quality(opened.pixels))

    return kept("looks", str(path), _LOOKS, masked)


def kept_detections(path: Path) -> Detections:
    """What the detector sees in a photograph, boxes in pixels of its full size, kept on disk."""
    return _kept_features(path)[1]


def _kept_features(path: Path) -> tuple[Features, Detections]:
    return kept("features", str(path), _FEATURES, lambda: _features(path))


def _features(path: Path) -> tuple[Features, Detections]:
    opened = photo(path)
    found = opened.found
    full_size = Detections(found.boxes / np.float32(opened.scale), found.scores, found.class_ids, found.class_names)
    return describe(opened.pixels), full_size


@dataclass(frozen=True, slots=True)
class Known:
    """A detector that remembers what it said."""

    found: Detections

    def detect(self, data: bytes, min_score: float = MIN_SCORE) -> Detections:
        """What was found, whatever the picture."""
        return self.found


def kept(kind: str, key: str, code: Sequence[str], make: Callable[[], R]) -> R:
    """What `make` gives for this key, read from runs/verify where the same code, modules of the gates by name, made it
    before."""
    name = hashlib.sha256(f"{_code_hash(tuple(code))} {key}".encode()).hexdigest()[:32]
    path = REPOSITORY / "runs" / "verify" / kind / name[:2] / name
    if path.is_file():
        found: R = pickle.loads(path.read_bytes())  # our own file of an earlier run
        return found
    made = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{name}.{os.getpid()}")
    draft.write_bytes(pickle.dumps(made))
    draft.replace(path)
    return made


@cache
def _code_hash(code: tuple[str, ...]) -> str:
    scene = Path(inference_server.scene.__path__[0])
    files = [scene / f"{name}.py" for name in code] + [find_weights() / "xuncheng-n.json"]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def _one_thread() -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # stdout is for figures
    cv2.setNumThreads(1)
    be_thrifty()
