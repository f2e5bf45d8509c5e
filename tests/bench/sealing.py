"""What sealing costs a frame: storing and reading 324 KB in the spool with a key and without, in turns in one run.

    python tests/bench/sealing.py [--frames 200] [--folder FOLDER]

Prints one line of JSON. The folder should lie on the disk that a server would use.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from inference_server.adapters.sealing import Keyring, Seal, new_key
from inference_server.adapters.spool import FolderSpool
from inference_server.domain.frame import FrameId

FRAME_BYTES = 324_000  # the mean of the drawn 1080p frames of tests/bench/speed.py


def seconds(do: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds of one call."""
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    do()
    return time.perf_counter() - wall_s, time.process_time() - cpu_s


def measure(folder: Path, frames: int) -> dict[str, float]:
    """Medians in milliseconds, and sealed over plain."""
    spools = {
        "plain": FolderSpool(folder / "plain"),
        "sealed": FolderSpool(folder / "sealed", seal=Seal(Keyring((new_key("bench"),)))),
    }
    taken: dict[str, list[float]] = {}
    for number in range(frames):
        picture, name = os.urandom(FRAME_BYTES), FrameId(f"{number:032x}")
        for kind in sorted(spools, reverse=bool(number % 2)):
            spool = spools[kind]
            for what, do in (("write", partial(spool.write, name, picture)), ("read", partial(spool.read, name))):
                wall_s, cpu_s = seconds(do)
                taken.setdefault(f"{what}_{kind}_ms", []).append(wall_s * 1000.0)
                taken.setdefault(f"{what}_{kind}_cpu_ms", []).append(cpu_s * 1000.0)
    found = {name: statistics.median(values) for name, values in taken.items()}
    for what in ("write", "read"):
        found[f"{what}_ratio"] = found[f"{what}_sealed_ms"] / found[f"{what}_plain_ms"]
    return {name: round(value, 3) for name, value in sorted(found.items())}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--folder", type=Path, default=None)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        print(json.dumps({"frames": chosen.frames, "bytes": FRAME_BYTES, **measure(Path(folder), chosen.frames)}))


if __name__ == "__main__":
    main()
