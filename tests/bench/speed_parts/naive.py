"""What most people write: FastAPI and ultralytics, an fp32 SiLU network at 640x640, the whole picture decoded.

torch and ultralytics are those of .venv-train; FastAPI, which it has not, is added from .venv-bench.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from speed_parts.served import Served, served
from speed_parts.way import BENCH_PYTHON, REPOSITORY, TRAIN_PYTHON, LeftOut, Place

CHILD = Path(__file__).with_name("naive_child.py")


@contextmanager
def naive(place: Place) -> Iterator[Served]:
    """The server; its network is exported first, by a process of its own."""
    if not TRAIN_PYTHON.exists():
        raise LeftOut("no .venv-train: `make test-train` makes it")
    if not BENCH_PYTHON.exists():
        raise LeftOut("no .venv-bench: `make bench-speed` makes it")
    network = place.folder / "yolo26n.onnx"
    environment = {"PYTHONPATH": str(REPOSITORY)}
    command = [str(TRAIN_PYTHON), str(CHILD)]
    done = subprocess.run([*command, "export", str(network)], env=environment, capture_output=True, check=False)
    if done.returncode != 0 or not network.is_file():
        raise LeftOut(f"no network was exported: {done.stderr.decode(errors='replace').strip()[-300:]}")
    packages = next(BENCH_PYTHON.parents[1].glob("lib/python*/site-packages"))
    with served([*command, "serve", str(network), str(packages)], place.folder / "naive.log", environment) as server:
        yield server
