"""How the third gate weighs what it measures: fits inference_server/policy/gone.toml.

    python tests/bench/fit_gone.py [--pairs N] [--processes N] [--write]

From the pairs of the parts `remains` and `gone` of `verify.py`, of the half of the groups that nothing is reported on.
A logistic regression with a small ridge over standardised measures; both kinds of pairs weigh alike, whatever their
number. Limits and `pass_at` are then moved one after the other, as long as no more of the pairs that are not fixed pass
than `_MOST_WRONG` says, to where most fixed ones pass and fewest are sent back; `remains_at` stays as it is.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from verify_parts import casting
from verify_parts.staged import Staged
from verify_parts.things import is_for_choosing, pictures
from verify_parts.verifying import gone_rules, measured_of
from verify_parts.work import Work, say

from inference_server.domain.verification import Answer
from inference_server.scene.gone import judged
from inference_server.scene.gone_rules import SHIPPED, GoneRules, Weighing

# What tells gone from still there, and speaks of the region rather than of the pictures as a whole.
_WEIGHED = (
    "here",
    "kept",
    "same",
    "left",
    "structure_inside",
    "structure_ground",
    "colour_inside",
    "colour_ground",
    "quiet_colour",
    "quiet_structure",
    "stands_out_still",
    "stands_out_after",
)
_RIDGE = 0.02
_MOST_WRONG = 0.002  # of the pairs that are not fixed
_SENT_BACK_COSTS, _SENT_BACK_GAINS = 2.0, 0.25  # of a closing, of a fixed pair and of one that is not
_STEPS = np.round(np.arange(0.5, 0.996, 0.01), 3).tolist()
_LIMITS = {
    "least_beside": (0.36, 0.42, 0.48, 0.54, 0.6),
    "sure_beside": (0.65, 0.75, 0.85, 0.95),
    "sure_detected_beside": (1.0, 1.5, 2.0),
    "most_side_change": (0.33, 0.37, 0.42, 0.47, 0.52),
    "most_side_colour": (2.1, 2.3, 2.5, 2.7),
    "most_ground_change": (0.21, 0.25, 0.3),
    "most_here": (0.45, 0.55, 0.65),
    "least_part": (0.1, 0.15, 0.2),
}
_ROUNDS = 2
_FOLDS = 5
_DIGITS = 4

Measures = Mapping[str, float]


def main() -> int:
    """0; what was fitted goes to stdout, or with --write into the policy."""
    arguments = _arguments()
    work = Work(arguments.pairs, arguments.processes, for_choosing=True)
    pairs = casting.remains(work, arguments.pairs) + casting.gone(work, arguments.pairs)
    measured = [measures for _, measures in work.spread(measured_of, pairs, "measured")]
    fixed = np.array([pair.kind == "vanished" for pair in pairs])
    rules = gone_rules()
    _tell_of_folds(pairs, measured, fixed, rules)
    rules = _all_fitted(measured, fixed, rules)
    _tell("all", measured, fixed, rules)
    text = _document(rules, int(fixed.sum()), int((~fixed).sum()), arguments.pairs)
    if arguments.write:
        SHIPPED.write_text(text, encoding="utf-8")
    else:
        print(text, end="")
    return 0


def _fitted(measured: Sequence[Measures], fixed: NDArray[np.bool_], rules: GoneRules) -> Weighing:
    """The weights of raw measures, from those pairs that come so far that they are weighed."""
    weighed = [index for index, one in enumerate(measured) if all(name in one for name in _WEIGHED)]
    values = np.array([[measured[index][name] for name in _WEIGHED] for index in weighed])
    truth = fixed[weighed].astype(float)
    middle, spread = values.mean(axis=0), values.std(axis=0) + 1e-9
    share = np.where(truth > 0, 0.5 / max(truth.sum(), 1), 0.5 / max((1 - truth).sum(), 1))
    found = minimize(_loss, np.zeros(len(_WEIGHED) + 1), ((values - middle) / spread, truth, share), jac=True).x
    raw = found[1:] / spread
    weights = {name: round(float(value), _DIGITS) for name, value in zip(_WEIGHED, raw, strict=True)}
    return replace(rules.weighing, bias=round(float(found[0] - raw @ middle), _DIGITS), weights=weights)


def _loss(
    at: NDArray[np.float64], values: NDArray[np.float64], truth: NDArray[np.float64], share: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """The weighted cross-entropy with a ridge, and its gradient."""
    logits = at[0] + values @ at[1:]
    loss = float(share @ (np.logaddexp(0, logits) - truth * logits) + _RIDGE / 2 * at[1:] @ at[1:])
    off = share * (1 / (1 + np.exp(-np.clip(logits, -40, 40))) - truth)
    return loss, np.concatenate([[off.sum()], values.T @ off + _RIDGE * at[1:]])


def _all_fitted(measured: Sequence[Measures], fixed: NDArray[np.bool_], rules: GoneRules) -> GoneRules:
    """Weights first, then the limits, one after the other."""
    rules = replace(rules, weighing=_fitted(measured, fixed, rules))
    for _ in range(_ROUNDS):
        tried = [replace(rules, weighing=replace(rules.weighing, pass_at=step)) for step in _STEPS]
        rules = max(tried, key=lambda one: _worth(one, measured, fixed))
        for name, values in _LIMITS.items():
            looser = [replace(rules, **{name: value}) for value in values]
            rules = max([rules, *looser], key=lambda one: _worth(one, measured, fixed))
    return rules


def _worth(rules: GoneRules, measured: Sequence[Measures], fixed: NDArray[np.bool_]) -> float:
    """How well the rules do; first of all, that no more pass wrongly than may."""
    said = [judged(one, rules).answer for one in measured]
    gone, back = (np.array([answer is wanted for answer in said]) for wanted in (Answer.PASS, Answer.FAIL))
    wrong = max(0.0, float(gone[~fixed].sum()) - _MOST_WRONG * float((~fixed).sum()))
    well = gone[fixed].mean() - _SENT_BACK_COSTS * back[fixed].mean() + _SENT_BACK_GAINS * back[~fixed].mean()
    return float(well) - 100.0 * wrong


def _passed(measured: Sequence[Measures], rules: GoneRules) -> int:
    return sum(judged(one, rules).answer is Answer.PASS for one in measured)


def _tell_of_folds(
    pairs: Sequence[Staged], measured: Sequence[Measures], fixed: NDArray[np.bool_], rules: GoneRules
) -> None:
    """How it does on groups that it was not fitted on, within this half."""
    groups = {picture.path: picture.group for picture in pictures().values()}
    names = sorted({groups[pair.before] for pair in pairs})
    assert all(is_for_choosing(groups[pair.before]) for pair in pairs if pair.kind.startswith("one exposure"))
    fold_of = {name: index % _FOLDS for index, name in enumerate(names)}
    folds = np.array([fold_of[groups[pair.before]] for pair in pairs])
    for fold in range(_FOLDS):
        kept, left = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        known = [measured[index] for index in kept]
        _tell(f"fold {fold}", [measured[index] for index in left], fixed[left], _all_fitted(known, fixed[kept], rules))


def _tell(name: str, measured: Sequence[Measures], fixed: NDArray[np.bool_], rules: GoneRules) -> None:
    counts = []
    for wanted in (True, False):
        of_kind = [one for one, is_fixed in zip(measured, fixed, strict=True) if is_fixed == wanted]
        counts.append(f"{_passed(of_kind, rules)} of {len(of_kind)}")
    say(f"{name}: called gone {counts[0]} fixed, {counts[1]} not fixed, pass_at {rules.weighing.pass_at}")


def _document(rules: GoneRules, fixed: int, not_fixed: int, most: int) -> str:
    head = (
        '# How the third gate ("problem gone?") weighs what it measures, and its limits. See docs/closure.md.\n'
        f"# Made by `python tests/bench/fit_gone.py --pairs {most} --write`\n"
        f"# from {fixed} fixed and {not_fixed} not-fixed pairs of the half that nothing is reported on.\n"
    )
    held = rules.weighing
    table = f"[weighing]\nbias = {held.bias}\npass_at = {held.pass_at}\nremains_at = {held.remains_at}\n"
    weights = "".join(f"{name} = {value}\n" for name, value in held.weights.items())
    limits = "".join(f"{name} = {getattr(rules, name)}\n" for name in _LIMITS)
    return f"{head}{table}\n[weighing.weights]\n{weights}\n[limits]\n{limits}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pairs", type=int, default=400, metavar="N", help="at most so many of each kind")
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="that work at once")
    parser.add_argument("--write", action="store_true", help="into the shipped policy, not to stdout")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
