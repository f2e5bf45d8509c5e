"""What the scores of a verification are worth: counts pairs of known truth and writes the calibration.

    python tests/bench/fit_closing.py --fixed FILE... --not-fixed FILE... [--write]

The files hold JSON lines with `sub_scores`, as `xuncheng verify-pairs DIR --json` prints them. The weakest score of a
pair stands for it. Probabilities are an isotonic regression (pool adjacent violators) of fixed against not fixed over
all pairs, both kinds weighted alike; not-fixed pairs that pass every gate are listed, for the bands stand on them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import isotonic_regression

from inference_server.domain.bounds import upper_bound
from inference_server.domain.calibration import Calibration
from inference_server.domain.verification import WORKING_POINT, Gate

CALIBRATION = Path(__file__).resolve().parents[2] / "inference_server" / "policy" / "closing_calibration.json"
_DIGITS = 4
_JUST_BELOW = float(np.nextafter(WORKING_POINT, 0.0))


def main() -> int:
    """0; the table goes to stdout, or with --write into the policy."""
    arguments = _arguments()
    fixed, not_fixed = _weakest(arguments.fixed), _weakest(arguments.not_fixed)
    if not fixed or not not_fixed:
        raise SystemExit("both kinds of pairs are needed")
    document = {
        "about": f"{len(fixed)} fixed and {len(not_fixed)} not-fixed pairs: {arguments.about}",
        "pooled": fitted(fixed, not_fixed),
        "codes": {},
    }
    text = json.dumps(document, indent=1) + "\n"
    if arguments.write:
        CALIBRATION.write_text(text, encoding="utf-8")
        Calibration.load(CALIBRATION)
    else:
        print(text, end="")
    wrong, closed = sum(s >= WORKING_POINT for s in not_fixed), sum(s >= WORKING_POINT for s in fixed)
    bound = upper_bound(wrong, len(not_fixed))
    passed = f"{wrong} of {len(not_fixed)} not fixed (at most {bound:.5f}), {closed} of {len(fixed)} fixed"
    print(f"pass every gate at the working point: {passed}", file=sys.stderr)
    return 0


def fitted(fixed: Sequence[float], not_fixed: Sequence[float]) -> dict[str, Any]:
    """The table of some weakest scores."""
    scores = np.concatenate([fixed, not_fixed])
    truth = np.concatenate([np.ones(len(fixed)), np.zeros(len(not_fixed))])
    weights = np.where(truth > 0, 0.5 / len(fixed), 0.5 / len(not_fixed))
    order = np.argsort(scores, kind="stable")
    chances = isotonic_regression(truth[order], weights=weights[order]).x
    points = _corners(scores[order], np.asarray(chances))
    wrong = sorted(score for score in not_fixed if score >= WORKING_POINT)
    return {"points": points, "not_fixed": len(not_fixed), "wrong_scores": [round(score, 6) for score in wrong]}


def _corners(scores: np.ndarray, chances: np.ndarray) -> list[list[float]]:
    """The steps of the regression, each by its first and last score, from 0 to 1."""
    points = [[0.0, float(chances[0])]]
    for value in np.unique(chances):
        held = scores[chances == value]
        points += [[float(held[0]), float(value)], [float(held[-1]), float(value)]]
    points.append([1.0, float(chances[-1])])
    rounded = [[round(score, _DIGITS), round(chance, _DIGITS)] for score, chance in points]
    best: dict[float, float] = {}
    for score, chance in rounded:
        best[score] = max(best.get(score, 0.0), chance)
    return [[score, best[score]] for score in sorted(best)]


def _weakest(files: Iterable[Path]) -> list[float]:
    lines = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines() if line]
    return [_score(line) for line in lines]


def _score(line: dict[str, Any]) -> float:
    """The weakest score; under the working point where a gate did not pass, whose score may have been rounded up."""
    weakest = min(float(line["sub_scores"][gate.value]) for gate in Gate)
    return weakest if line.get("decision", "close") == "close" else min(weakest, _JUST_BELOW)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--fixed", type=Path, nargs="+", required=True, metavar="FILE", help="lines of fixed pairs")
    parser.add_argument("--not-fixed", type=Path, nargs="+", required=True, metavar="FILE", help="lines of the others")
    parser.add_argument("--about", default="", help="where the pairs come from; kept in the file")
    parser.add_argument("--write", action="store_true", help="into the shipped policy, not to stdout")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
