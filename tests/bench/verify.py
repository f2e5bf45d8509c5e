"""bench-verify: how often each gate of a verification is right, against a baseline in the same run.

Prints one JSON line for each figure, with its counts, its exact 95 % bounds and its target; talk goes to stderr.
Usage: python tests/bench/verify.py [--only PART ...] [--sample N] [--processes N] [--city LOOK:SEED] [--check]
       [--fitting-half] [--lines FOLDER]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from verify_parts import city, different_places, estimators, forgeries, gone, places, remains, same_places, speed
from verify_parts.figures import Figure
from verify_parts.work import Work, say

from inference_server.settings import usable_cores

PARTS: Mapping[str, Callable[[Work], Iterator[Figure]]] = {
    "same_places": same_places.run,
    "different_places": different_places.run,
    "estimators": estimators.run,
    "places": places.run,
    "forgeries": forgeries.run,
    "remains": remains.run,
    "gone": gone.run,
    "city": city.run,
    "speed": speed.run,
}


def main() -> int:
    """0, or 1 where --check was asked for and a target is missed."""
    arguments = _arguments()
    work = Work(
        sample=arguments.sample,
        processes=arguments.processes,
        city=_city(arguments.city),
        for_choosing=arguments.fitting_half,
        lines=arguments.lines,
    )
    missed = 0
    for name in arguments.only or PARTS:
        say(f"== {name}")
        for figure in PARTS[name](work):
            print(json.dumps(figure.as_json(), ensure_ascii=False), flush=True)
            missed += figure.met() is False
    say(f"{missed} targets missed")
    return 1 if arguments.check and missed else 0


def _city(said: str | None) -> tuple[str, int] | None:
    if said is None:
        return None
    look, _, seed = said.partition(":")
    return look, int(seed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help=f"of {', '.join(PARTS)}; else all")
    parser.add_argument("--sample", type=int, metavar="N", help="at most N pairs a part: quick, and no figure to quote")
    parser.add_argument("--processes", type=int, default=usable_cores(), metavar="N", help="that work at once")
    parser.add_argument("--city", metavar="LOOK:SEED", help="another drawn city than the reported one, to choose on")
    parser.add_argument("--check", action="store_true", help="exit with 1 where a target is missed")
    half = "remains and gone on the half that weights and limits are chosen on: no figure to quote"
    parser.add_argument("--fitting-half", action="store_true", help=half)
    parser.add_argument("--lines", type=Path, metavar="FOLDER", help="that gets the lines of remains and gone")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
