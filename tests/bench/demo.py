"""make demo: the main job from end to end, on one machine, with the real model.

Starts a real server over a fresh folder, imports the unit grids of a drawn city, lets `xuncheng-patrol simulate` drive
through it over real HTTP, and compares the cases with the truth.
Prints a table of cases and, as last line, one JSON object. It judges placing, matching and deciding on a drawn scene:
the figures say nothing about real streets. Usage: python tests/bench/demo.py [--stay]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1])]

from rich.console import Console
from rich.table import Table
from support.server import RunningServer, ServerPlan, run_xuncheng, start_server

from patrol.commands.simulate import CityOptions, make_drive
from patrol.simulate.drive import Drive
from patrol.simulate.grids import VALID_FROM, grids_geojson
from patrol.simulate.score import Score, cases_from_geojson, score_cases
from patrol.simulate.truth import Tally, true_things, write_json

CARD = Path(__file__).parents[2] / "weights" / "xuncheng-n.json"
POLICY = Path(__file__).with_name("drawn.toml")
TALK = Console(stderr=True)
CITY = CityOptions(
    look="demo", seed=11, blocks=3, things=400, vehicles=2, passes=2, limit_m=750.0, weather="clear,overcast"
)


def main() -> None:
    """Run and print; with --check exit with 1 where a figure misses its target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stay", action="store_true", help="leave the server and its console running until Enter")
    parser.add_argument("--check", action="store_true", help="exit with 1 where a figure misses its target")
    parser.add_argument("--port", type=int, default=0, help="port of the server; any free one, if 0")
    parser.add_argument("--keep", type=Path, default=None, help="folder to keep the record in")
    wanted = parser.parse_args()
    began = time.monotonic()
    drive = make_drive(CITY)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        folder = wanted.keep or Path(scratch)
        with served(folder, wanted.port, drive) as server:
            drive_through(server, folder)
            counts = server.wait_until_idle(240.0)
            cases = all_cases(server)
            show(cases)
            score = judged(drive, cases)
            print(json.dumps(answer(score, counts, cases, time.monotonic() - began), ensure_ascii=False))
            if wanted.stay:
                TALK.print(f"The console stays at {server.console_url}; Enter ends it.")
                sys.stdin.readline()
    sys.exit(1 if wanted.check and not is_good(score) else 0)


@contextmanager
def served(folder: Path, port: int, drive: Drive) -> Iterator[RunningServer]:
    """A server that knows the city's grids, for the length of a block."""
    plan = ServerPlan(
        data_folder=folder / "server",
        card=CARD,
        workers=os.cpu_count() or 2,
        port=port,
        settings={"policy": str(POLICY)},
    )
    grids = folder / "grids.geojson"
    plan.data_folder.mkdir(parents=True, exist_ok=True)
    write_json(grids, grids_geojson(drive.city))
    run_xuncheng(
        plan, "grids", "import", str(grids), "--datum", "wgs84", "--id-property", "grid", "--valid-from", VALID_FROM
    )
    server = start_server(plan)
    TALK.print(f"[bold]console[/bold] {server.console_url}  (drawn scene; open it and watch the cases appear)")
    try:
        yield server
    finally:
        server.stop()


def drive_through(server: RunningServer, folder: Path) -> None:
    """Two vehicles of `xuncheng-patrol simulate`, as a user would call it."""
    options = [
        *("--look", CITY.look, "--seed", str(CITY.seed), "--blocks", str(CITY.blocks), "--things", str(CITY.things)),
        *("--vehicles", str(CITY.vehicles), "--passes", str(CITY.passes), "--limit-m", str(CITY.limit_m)),
        *("--weather", CITY.weather, "--server", server.url, "--buffer", str(folder / "vehicle.sqlite")),
    ]
    environment = {**os.environ, "XUNCHENG_ADMIN_TOKEN": server.admin_token}
    subprocess.run(
        [sys.executable, "-m", "patrol.cli", "simulate", *options],
        env=environment,
        stdout=sys.stderr,
        check=True,
    )


def all_cases(server: RunningServer) -> dict[str, Any]:
    """All filed cases as one GeoJSON collection."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    with server.client() as client:
        while True:
            query = {"state": "filed", "format": "geojson", "limit": "200"} | ({"cursor": cursor} if cursor else {})
            page = client.get("/v1/cases", params=query).raise_for_status().json()
            found += page["features"]
            cursor = page["next"]
            if not cursor:
                return {"type": "FeatureCollection", "features": found}


def show(cases: dict[str, Any]) -> None:
    """The table."""
    table = Table(title="cases (drawn scene)")
    for title in ("code", "name", "grid", "position", "± m", "score", "observations"):
        table.add_column(title)
    for feature in cases["features"]:
        case, (lon, lat) = feature["properties"], feature["geometry"]["coordinates"]
        grid = f"{case['grid']}{' ?' if case['on_border'] else ''}"
        numbers = f"{case['position']['radius_m']:.1f}", f"{case['score']:.2f}", str(case["observations"])
        table.add_row(case["code"], case["name"], grid, f"{lat:.6f} {lon:.6f}", *numbers)
    Console(width=120).print(table)


def judged(drive: Drive, cases: dict[str, Any]) -> Score:
    """The cases against the truth of the drive."""
    tally = Tally()
    for frame in drive.frames():
        tally.add(frame)
    return score_cases(cases_from_geojson(drive.city, cases), true_things(drive, tally))


def is_good(score: Score) -> bool:
    """Whether all targets are met."""
    figures = (score.precision >= 0.90, score.recall >= 0.80, score.grid_accuracy >= 0.95)
    return all(figures) and score.position_error_m_median <= 3.0


def answer(score: Score, counts: dict[str, float], cases: dict[str, Any], seconds: float) -> dict[str, Any]:
    """The last line."""
    analysed = int(counts.get("frames.analysed", 0))
    dropped = sum(int(n) for name, n in counts.items() if name.startswith("frames.dropped"))
    record = score.record()
    return {
        "scene": "drawn scene",
        "frames_sent": analysed + dropped,
        "frames_analysed": analysed,
        "cases_filed": len(cases["features"]),
        "precision": record["precision"],
        "recall": record["recall"],
        "duplicates": record["duplicates"],
        "position_error_m_median": record["position_error_m_median"],
        "position_error_m_p95": record["position_error_m_p95"],
        "grid_accuracy": record["grid_accuracy"],
        "things_judged": record["things"],
        "seconds": round(seconds, 1),
    }


if __name__ == "__main__":
    main()
