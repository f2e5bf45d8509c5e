"""What matching costs as the record grows: the same drive through a city with few and with many past cases.

    python tests/bench/growth.py [--past N ...] [--area-km2 A] [--rounds R]

Past cases lie evenly over the city (default 1,000 square kilometres, about what is built of Hangzhou), filed and closed
within the last year. Those within reach of the drive are whole; the rest are rows with places elsewhere, which make the
indexes as deep as they would be. Truth boxes stand in for the detector, so that what is measured is the analysis
without it: looking up, matching, deciding, committing. Prints a JSON line for each size and one with the ratio; talk
goes to stderr.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1])]

from sqlalchemy import text
from support.builders import a_candidate, a_case
from support.clocks import SetClock
from support.drive import START, at
from support.street import Going, Standing, Street, a_street

from inference_server.adapters.sql_work import SqlWork
from inference_server.domain.candidate import CandidateId
from inference_server.domain.case import CaseId
from inference_server.domain.geo import LatLon, cell_of
from inference_server.domain.policy import Policy
from inference_server.domain.retention import RetentionRules
from inference_server.retention import Keeper

_LENGTH_M, _BESIDE_M, _BEYOND_M = 600, 6.0, 120.0
_THING_EVERY_M = 25
_GROUPS = (("waste", "garbage"), ("road", "pothole"), ("wall", "graffiti"))
_FAR_M = 20_000.0  # where the rows lie that only fill the indexes
_MOST_RATIO = 1.5
_TEMPLATE = "template"
_OF_RECORD = ("detections_a_frame", "record_bytes_a_frame", "kept_bytes_a_frame")
_LATER = timedelta(days=400)


def main() -> int:
    """0, or 1 with --check where the ratio of the largest to the smallest is over 1.5."""
    arguments = _arguments()
    sizes = sorted(arguments.past)
    drives: dict[int, list[Drive]] = {size: [] for size in sizes}
    for number in range(arguments.rounds):
        for size in sizes:
            drives[size].append(_driven(size, arguments.area_km2, number))
    medians = {size: float(np.median([one.cpu_ms for one in found])) for size, found in drives.items()}
    for size, spent in medians.items():
        line = {"past_cases": size, "cpu_ms_a_frame": round(spent, 2), "rounds": arguments.rounds}
        of_record = {
            name: round(float(np.mean([getattr(one, name) for one in drives[size]])), 2) for name in _OF_RECORD
        }
        print(json.dumps({**line, **of_record}))
    ratio = medians[sizes[-1]] / medians[sizes[0]]
    line = {"of": sizes[-1], "over": sizes[0], "cpu_ratio": round(ratio, 2), "target": _MOST_RATIO}
    print(json.dumps({**line, "met": ratio <= _MOST_RATIO}))
    return int(arguments.check and ratio > _MOST_RATIO)


@dataclass(frozen=True)
class Drive:
    """What a frame of a drive costs: processor milliseconds, detections, bytes by which the record grew, and how many
    of them are still in use once the details of old frames have been deleted."""

    cpu_ms: float
    detections_a_frame: float
    record_bytes_a_frame: float
    kept_bytes_a_frame: float


def _driven(size: int, area_km2: float, seed: int) -> Drive:
    """A drive through a city with so many past cases."""
    things = [
        Standing(place=(_BESIDE_M if number % 2 else -_BESIDE_M, float(north)))
        for number, north in enumerate(range(20, _LENGTH_M, _THING_EVERY_M))
    ]
    with tempfile.TemporaryDirectory() as folder, a_street(Path(folder), things) as street:
        near = _fill(street, size, area_km2, np.random.default_rng(seed))
        drives = [Going(starts_s=900.0 * number, metres=range(0, _LENGTH_M, 3)) for number in range(2)]
        empty_bytes = _record_bytes(street)
        frames = len(street.goes(drives[0]))  # caches are warm, and the things of the street are known
        had_bytes = _record_bytes(street)
        began_s = time.process_time()
        reports = street.goes(drives[1])
        spent_ms = (time.process_time() - began_s) * 1000.0 / len(reports)
        grown = (_record_bytes(street) - had_bytes) / len(reports)
        _thin(street)
        kept = (_record_bytes(street) - empty_bytes) / (frames + len(reports))
    print(f"{size} past cases, {near} within reach: {spent_ms:.2f} ms a frame", file=sys.stderr)
    return Drive(spent_ms, sum(len(one.detections) for one in reports) / len(reports), grown, kept)


def _record_bytes(street: Street) -> int:
    """Of the pages in use."""
    with street.record.database.reading() as connection:
        names = ("page_count", "freelist_count", "page_size")
        pages, free, page = (int(connection.execute(text(f"PRAGMA {name}")).scalar_one()) for name in names)
    return (pages - free) * page


def _thin(street: Street) -> None:
    """The details of all frames go, a long time later."""
    policy = Policy(retention=RetentionRules(details_days=1.0))
    record, clock = street.record, SetClock(datetime.now(UTC) + _LATER)
    Keeper(shelf=record.shelf, record=record.retention, policy=policy, clock=clock).thin()


def _fill(street: Street, size: int, area_km2: float, rng: np.random.Generator) -> int:
    """Past cases over the city; how many of them lie within reach of the drive."""
    wide_m, long_m = 2 * _BEYOND_M, _LENGTH_M + 2 * _BEYOND_M
    near = rng.poisson(size * wide_m * long_m / (area_km2 * 1e6))
    with street.record.store.work(()) as work:
        for number in range(near):
            place = at(*(rng.uniform(-0.5, 0.5, 2) * (wide_m, long_m) + (0.0, _LENGTH_M / 2)).tolist())
            _past(work, f"near-{number}", place, float(rng.uniform(1, 365)), _GROUPS[number % len(_GROUPS)])
        _past(work, _TEMPLATE, at(_FAR_M, _FAR_M), 200.0, _GROUPS[0])
    _copy_rows(street, max(0, size - near - 1))
    with street.record.database.reading() as connection:
        for table in ("candidates", "cases"):
            rows = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            assert rows == max(size, near + 1), f"{rows} {table}, not {size}"
    return near


def _past(work: SqlWork, name: str, place: LatLon, days_ago: float, group: tuple[str, str]) -> None:
    """One case that was closed so many days before the drive."""
    closed_at = START - timedelta(days=days_ago)
    filed_at = closed_at - timedelta(days=2)
    class_group, class_name = group
    candidate = a_candidate(name, class_group=class_group, anchor=place, position=place, case_id=CaseId(name))
    seen = tuple(replace(one, position=place, since=filed_at, at=filed_at) for one in candidate.passes)
    candidate = replace(candidate, passes=seen, first_at=filed_at, last_at=filed_at, origin_at=filed_at, near=None)
    case = a_case(name, candidate_id=CandidateId(name), position=place, class_name=class_name, state="closed")
    work.save_candidate(candidate)
    work.flush()
    work.save_case(replace(case, filed_at=filed_at, changed_at=closed_at))


def _copy_rows(street: Street, count: int) -> None:
    """Rows like the template's, in cells of their own far away."""
    first_cell = cell_of(at(_FAR_M, _FAR_M)) + 1
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count) "
    candidate = "id, cell, class_group, last_at, case_id, document"
    with street.record.database.writing() as connection:
        columns = [row.name for row in connection.execute(text("PRAGMA table_info(cases)")) if row.name != "sequence"]
        if not count:
            return
        connection.execute(
            text(
                f"INSERT INTO candidates ({candidate}) {numbers}"
                "SELECT 'far-' || i, :cell + i / 4, class_group, last_at, 'far-' || i, document"
                " FROM candidates, n WHERE id = :template"
            ),
            {"count": count, "cell": first_cell, "template": _TEMPLATE},
        )
        own = {"id": "'far-' || i", "candidate_id": "'far-' || i"}
        chosen = ", ".join(own.get(name, name) for name in columns)
        connection.execute(
            text(
                f"INSERT INTO cases ({', '.join(columns)}) {numbers}SELECT {chosen} FROM cases, n WHERE id = :template"
            ),
            {"count": count, "template": _TEMPLATE},
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--past", type=int, nargs="+", default=[10_000, 1_000_000], metavar="N", help="past cases")
    parser.add_argument("--area-km2", type=float, default=1000.0, help="over which they lie (default 1000)")
    parser.add_argument("--rounds", type=int, default=3, help="of all sizes in turn (default 3)")
    parser.add_argument("--check", action="store_true", help="exit with 1 where the target is missed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
