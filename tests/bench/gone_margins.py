"""How wide the margins of the third gate need be: the table that `_MARGINS` of fit_gone.py was chosen from.

    python tests/bench/gone_margins.py [--pairs N] [--processes N]

The pairs of `fit_gone.py`, of the half that nothing is reported on. Weights and limits are fitted on four fifths of the
places and every choice of margins is counted on the last fifth, five times over. One JSON line for each choice, those
with the fewest wrong ones first: how many fixed pairs are called gone, and how many of the others, by what they are.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from fit_gone import FOLDS, Fitting, fitted, pairs_to_fit, with_weighings
from verify_parts.verifying import gone_rules
from verify_parts.work import Work

from inference_server.domain.verification import Answer
from inference_server.scene.gone import judged
from inference_server.scene.gone_rules import OBJECTIONS, GoneRules

_TRIED = {
    "not_left": (0.0, 0.25, 0.5, 0.75),
    "not_moved": (0.0, 0.5, 0.75, 1.0, 1.25, 1.6),
    "not_hidden": (0.0, 0.25, 0.5),
}
Margins = dict[str, float]


def main() -> int:
    """0; the table goes to stdout."""
    arguments = _arguments()
    work = Work(arguments.pairs, arguments.processes, for_choosing=True)
    held = pairs_to_fit(work, arguments.pairs)
    trials = [_fitted_without(held, fold) for fold in range(FOLDS)]
    rows = []
    for values in itertools.product(*_TRIED.values()):
        margins = dict(zip(_TRIED, values, strict=True))
        passed = Counter(itertools.chain.from_iterable(_passing(trial, margins) for trial in trials))
        rows.append((margins, passed.pop("gone", 0), passed))
    for margins, gone, wrong in sorted(rows, key=lambda row: (row[2].total(), -row[1])):
        print(json.dumps({"margins": margins, "gone": gone, "wrong": wrong}))
    return 0


def _fitted_without(held: Fitting, fold: int) -> tuple[GoneRules, Fitting]:
    """Rules fitted without the pairs of a fold, at no margin, and those pairs."""
    seen = fitted(_of(held, np.flatnonzero(held.folds != fold)), gone_rules(), dict.fromkeys(OBJECTIONS, 0.0))
    return seen, _of(held, np.flatnonzero(held.folds == fold))


def _of(held: Fitting, places: NDArray[np.int_]) -> Fitting:
    return Fitting([held.measured[at] for at in places], held.kinds[places], held.folds[places])


def _passing(trial: tuple[GoneRules, Fitting], margins: Margins) -> Iterator[str]:
    """The kind of each pair that is called gone."""
    rules, held = trial
    weighings = {name: getattr(rules, name) for name in OBJECTIONS}
    higher = {name: replace(one, pass_at=_higher(one.pass_at, margins[name])) for name, one in weighings.items()}
    wider = with_weighings(rules, higher)
    for measures, kind in zip(held.measured, held.kinds, strict=True):
        if judged(measures, wider).answer is Answer.PASS:
            yield str(kind).removeprefix("not_")


def _higher(probability: float, margin: float) -> float:
    """The probability, its logit raised by a margin."""
    return float(1 / (1 + np.exp(-margin) * (1 - probability) / probability))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pairs", type=int, default=800, metavar="N", help="fixed ones; twice as many of the others")
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="that work at once")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
