"""LitServe with our ONNX file: the same network and scale of decoding, one worker process a core."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from detector.model_card import read_card
from speed_parts.served import Served, served
from speed_parts.way import BENCH_PYTHON, CARD, LeftOut, Place

CHILD = Path(__file__).with_name("litserve_child.py")


@contextmanager
def litserve(place: Place) -> Iterator[Served]:
    """The server, in the environment .venv-bench."""
    if not BENCH_PYTHON.exists():
        raise LeftOut("no .venv-bench: `make bench-speed` makes it, from requirements-bench.lock")
    network = read_card(CARD).file_path(place.precision)
    command = [str(BENCH_PYTHON), str(CHILD), str(network), str(place.cores)]
    with served(command, place.folder / "litserve.log", {}) as server:
        yield server
