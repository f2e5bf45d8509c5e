"""Growth of the photo index: what a look-up costs among 10 thousand, 1 million and 10 million photographs.

The rows are written past the adapter, in the order of the table, because that is quick; every look-up goes through the
adapter as the server does it. Hashes are random bits; `crowding` says how much fuller than that the slots of real
photographs are (from shared/data, where it is there), and so by how much a real look-up reads more.
Prints one JSON line for each size. Usage: python tests/bench/photo_index.py [--sizes 10000 ...] [--folder PLACE]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path[:0] = [str(Path(__file__).parents[1])]

from sqlalchemy import func, select
from support.shared import shared_dir

from inference_server.adapters import tables
from inference_server.adapters.database import Database
from inference_server.adapters.opening import migrate
from inference_server.adapters.sql_photos import SqlPhotos
from inference_server.domain.case import CaseId
from inference_server.domain.photo_index import LEAST_QUALITY, NEAR_BITS, SLOTS, probe_keys
from inference_server.scene.perceptual_hash import perceptual_hash

SIZES = (10_000, 1_000_000, 10_000_000)
LOOK_UPS = 200
OWN = CaseId("asking")
_CHUNK = 200_000
_SEEN_AT = "2026-11-22 00:00:00.000000"
Hashes = NDArray[np.uint8]  # (n, 32)


def main() -> None:
    """Measure each size in a database of its own."""
    arguments = _arguments()
    crowding = _crowding()
    for size in arguments.sizes:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            print(json.dumps({**_measured(size, Path(folder)), "crowding": crowding}), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, metavar="N")
    parser.add_argument("--folder", type=Path, help="where the databases are made; 10 million need 10 GB")
    return parser.parse_args()


def _measured(size: int, folder: Path) -> dict[str, Any]:
    path = folder / "photos.sqlite"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    database.close()  # nobody else may hold it while it is filled
    hashes = np.random.default_rng(size).integers(0, 256, (size, 32), np.uint8)
    started_s = time.monotonic()
    _fill(path, hashes)
    filled_s = time.monotonic() - started_s
    photos, rng = SqlPhotos(database), np.random.default_rng(1)
    near = [_timed(photos, _turned(hashes[row], rng), str(row)) for row in rng.integers(0, size, LOOK_UPS // 2)]
    strange = [_timed(photos, rng.bytes(32), None) for _ in range(LOOK_UPS // 2)]
    times_ms = [ms for ms, _ in near + strange]
    return {
        "photos": size,
        "look_ups": len(times_ms),
        "near_found": sum(right for _, right in near),
        "near_asked": len(near),
        "strangers_taken_for_known": sum(not right for _, right in strange),
        "rows_read_a_look_up": round(_rows_read(database, rng)),
        "first_ms": round(times_ms[0], 1),
        "median_ms": round(statistics.median(times_ms), 2),
        "p95_ms": round(float(np.percentile(times_ms, 95)), 2),
        "database_mb": round(path.stat().st_size / 1e6),
        "filled_s": round(filled_s),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _timed(photos: SqlPhotos, asked: bytes, case_id: str | None) -> tuple[float, bool]:
    """Milliseconds, and whether the answer is right: the nearest is of that case, or there is none."""
    started_s = time.perf_counter()
    found = photos.used_elsewhere("no such bytes", [asked], OWN)
    spent_ms = 1000 * (time.perf_counter() - started_s)
    return spent_ms, (found[0].photo.case_id if found else None) == case_id


def _turned(row: NDArray[np.uint8], rng: np.random.Generator) -> bytes:
    """The hash with 0 to NEAR_BITS bits turned over."""
    bits = np.unpackbits(row)
    bits[rng.permutation(256)[: rng.integers(0, NEAR_BITS + 1)]] ^= 1
    return np.packbits(bits).tobytes()


def _rows_read(database: Database, rng: np.random.Generator) -> float:
    """Rows of the index that a look-up reads, on average."""
    counted = select(func.count()).select_from(tables.photo_slots)
    with database.reading() as connection:
        asked = [tables.photo_slots.c.key.in_(probe_keys(rng.bytes(32))) for _ in range(20)]
        return statistics.mean(connection.execute(counted.where(which)).scalar_one() for which in asked)


def _fill(path: Path, hashes: Hashes) -> None:
    with sqlite3.connect(path, isolation_level=None) as raw:
        for pragma in ("synchronous=OFF", "journal_mode=OFF", "foreign_keys=OFF", "cache_size=-200000"):
            raw.execute(f"PRAGMA {pragma}")
        raw.execute("BEGIN")
        for rows in _photo_rows(hashes):
            raw.executemany("INSERT INTO photos VALUES (?, ?, ?, 'after', ?, ?, NULL, ?)", rows)
        for rows in _slot_rows(hashes):
            raw.executemany('INSERT INTO photo_slots ("key", photo, hash) VALUES (?, ?, ?)', rows)
        raw.execute("COMMIT")


def _photo_rows(hashes: Hashes) -> Iterator[Iterator[tuple[Any, ...]]]:
    for start in range(0, len(hashes), _CHUNK):
        part = hashes[start : start + _CHUNK]
        yield (
            (start + i + 1, f"{start + i:064x}", str(start + i), part[i].tobytes(), 100, _SEEN_AT)
            for i in range(len(part))
        )


def _slot_rows(hashes: Hashes) -> Iterator[Iterator[tuple[int, int, bytes]]]:
    """In the order of the key, as the table keeps them."""
    for slot in range(SLOTS):
        values = hashes[:, 2 * slot].astype(np.int64) * 256 + hashes[:, 2 * slot + 1]
        order = np.argsort(values, kind="stable").astype(np.int32)
        keys = slot * 65536 + values[order]
        for start in range(0, len(order), _CHUNK):
            part = slice(start, start + _CHUNK)
            packed = hashes[order[part]].tobytes()
            rows = zip(keys[part].tolist(), order[part].tolist(), strict=True)
            yield ((key, row + 1, packed[32 * i : 32 * i + 32]) for i, (key, row) in enumerate(rows))


def _crowding() -> float | None:
    """How many times more photographs share a slot's value than if bits were random; one real picture a group."""
    folder = shared_dir() / "data"
    if not folder.is_dir():
        return None
    by_key = {hashlib.sha256(path.name.encode()).digest(): path for path in folder.glob("images/*/*.webp")}
    found = (perceptual_hash(cv2.imread(str(by_key[key]))) for key in sorted(by_key)[:2000])
    rows = np.array([np.frombuffer(hashed.value, ">u2") for hashed in found if hashed.quality >= LEAST_QUALITY])
    pairs = len(rows) * (len(rows) - 1) / 2
    same = sum(
        float((counts * (counts - 1) / 2).sum()) for counts in (np.unique(c, return_counts=True)[1] for c in rows.T)
    )
    return round(same / (SLOTS * pairs / 65536), 2)


if __name__ == "__main__":
    main()
