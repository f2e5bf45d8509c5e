"""How the third gate weighs what it measures: fits inference_server/policy/gone.toml.

    python tests/bench/fit_gone.py [--pairs N] [--processes N] [--write]

From pairs of the parts `gone` (N) and `remains` (2 N, half of them of two exposures) of `verify.py`, of the half of the
groups that nothing is reported on. What is not gone may be left, moved or hidden: for each of the three a logistic
regression with a small ridge over standardised measures tells the fixed pairs from those of its kind, both weighing
alike. Where the three pass is chosen on logits that were cross-fitted by place: where most fixed pairs pass and no more
of the others than `_MOST_WRONG` says, and then `_MARGINS` higher.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from verify_parts import casting
from verify_parts.staged import Staged
from verify_parts.things import pictures
from verify_parts.verifying import gone_rules, measured_of
from verify_parts.work import Work, say

from inference_server.domain.verification import Answer
from inference_server.scene.gone import judged
from inference_server.scene.gone_rules import OBJECTIONS, SHIPPED, GoneRules, Weighing

# What speaks against each objection: the thing is left, was moved next door, is hidden.
_WEIGHED = {
    "not_left": ("left_block", "unlike_most", "here", "same", "kept"),
    "not_moved": ("nearer_beside", "pattern_beside"),
    "not_hidden": ("unlike_least", "unlike_most", "quiet", "structure_ground", "spill", "structure_calm"),
}
_KIND_OF = {"moved next door": "not_moved", "hidden": "not_hidden", "vanished": "gone"}  # all else is left
_RIDGE = 0.02
_MOST_WRONG = 0.002  # of the pairs that are not fixed
# Of a logit, by objection: chosen by gone_margins.py, by fitting on four fifths of the places and counting on the last
# fifth, on the half that nothing is reported on. None of the pairs that are not fixed passes there.
_MARGINS = {"not_left": 0.5, "not_moved": 1.0, "not_hidden": 0.25}
_QUANTILES = np.linspace(0.0, 0.6, 25)  # of the fixed pairs that are tried as the place where an objection passes
FOLDS = 5
_DIGITS = 4

Measures = Mapping[str, float]
Values = NDArray[np.float64]
Flags = NDArray[np.bool_]
Kinds = NDArray[np.str_]


@dataclass(frozen=True, slots=True, eq=False)
class Fitting:
    """What is fitted on: of each pair its measures, what it is (gone, not_left, not_moved, not_hidden), and the number
    of the fold that its place is in."""

    measured: Sequence[Measures]
    kinds: Kinds
    folds: NDArray[np.int_]


def main() -> int:
    """0; what was fitted goes to stdout, or with --write into the policy."""
    arguments = _arguments()
    most = arguments.pairs
    held = pairs_to_fit(Work(most, arguments.processes, for_choosing=True), most)
    rules = fitted(held, gone_rules(), _MARGINS)
    _tell("shipped", held, gone_rules())
    _tell("fitted", held, rules)
    text = _document(rules, held.kinds, most)
    if arguments.write:
        SHIPPED.write_text(text, encoding="utf-8")
    else:
        print(text, end="")
    return 0


def pairs_to_fit(work: Work, most: int) -> Fitting:
    """The pairs whose scene the second gate accepts."""
    pairs = casting.remains(work, 2 * most, most_two=most) + casting.gone(work, most)
    said = list(work.spread(measured_of, pairs, "measured"))
    accepted = [scene.answer is Answer.PASS for scene, _ in said]
    pairs = list(itertools.compress(pairs, accepted))
    measured = [measures for _, measures in itertools.compress(said, accepted)]
    kinds = np.array([_KIND_OF.get(pair.kind, "not_left") for pair in pairs])
    return Fitting(measured, kinds, _folds(pairs))


def fitted(held: Fitting, rules: GoneRules, margins: Mapping[str, float]) -> GoneRules:
    """The weights from all pairs; where they pass from logits that no pair of the same place had a part in."""
    measured, kinds, folds = held.measured, held.kinds, held.folds
    asked = np.array([_is_asked(one, rules) for one in measured])
    columns, found = [], {}
    for name in OBJECTIONS:
        values = np.array([[one.get(key, 0.0) for key in _WEIGHED[name]] for one in measured])
        used = asked & np.isin(kinds, ["gone", name])
        logits = np.zeros(len(measured))
        for fold in np.unique(folds):
            known = used & (folds != fold)
            bias, raw = _regression(values[known], kinds[known] == "gone")
            logits[folds == fold] = bias + values[folds == fold] @ raw
        columns.append(logits)
        found[name] = _regression(values[used], kinds[used] == "gone")
    limits = _pass_where(np.stack(columns, axis=1), kinds == "gone", asked)
    limits += np.array([margins[name] for name in OBJECTIONS])
    return with_weighings(
        rules, {name: _weighing(name, *found[name], limit) for name, limit in zip(OBJECTIONS, limits, strict=True)}
    )


def with_weighings(rules: GoneRules, held: Mapping[str, Weighing]) -> GoneRules:
    """The rules with another weighing of each objection."""
    return replace(rules, not_left=held["not_left"], not_moved=held["not_moved"], not_hidden=held["not_hidden"])


def _weighing(name: str, bias: float, raw: Values, limit: float) -> Weighing:
    weights = {key: round(float(weight), _DIGITS) for key, weight in zip(_WEIGHED[name], raw, strict=True)}
    pass_at = round(float(np.clip(1 / (1 + np.exp(-limit)), 0.001, 0.999)), _DIGITS)
    return Weighing(bias=round(bias, _DIGITS), weights=weights, pass_at=pass_at)


def _is_asked(measures: Measures, rules: GoneRules) -> bool:
    """Whether a pair comes so far that it is weighed, and no detection speaks against it."""
    open_to_all = {name: replace(getattr(rules, name), pass_at=1e-9) for name in OBJECTIONS}
    weighed_alone = replace(with_weighings(rules, open_to_all), remains_at=-1.0)
    return judged(measures, weighed_alone).answer is Answer.PASS


def _regression(values: Values, truth: Flags) -> tuple[float, Values]:
    """Bias and weights of raw measures; both kinds weigh alike, whatever their number."""
    middle, spread = values.mean(axis=0), values.std(axis=0) + 1e-9
    share = np.where(truth, 0.5 / max(truth.sum(), 1), 0.5 / max((~truth).sum(), 1))
    start = np.zeros(values.shape[1] + 1)
    found = minimize(_loss, start, ((values - middle) / spread, truth.astype(float), share), jac=True).x
    raw = found[1:] / spread
    return float(found[0] - raw @ middle), raw


def _loss(at: Values, values: Values, truth: Values, share: Values) -> tuple[float, Values]:
    """The weighted cross-entropy with a ridge, and its gradient."""
    logits = at[0] + values @ at[1:]
    loss = float(share @ (np.logaddexp(0, logits) - truth * logits) + _RIDGE / 2 * at[1:] @ at[1:])
    off = share * (1 / (1 + np.exp(-np.clip(logits, -40, 40))) - truth)
    return loss, np.concatenate([[off.sum()], values.T @ off + _RIDGE * at[1:]])


def _pass_where(logits: Values, fixed: Flags, asked: Flags) -> Values:
    """A limit for each objection: of those that let few enough pass wrongly, the ones that most fixed pairs pass."""
    good, bad = logits[asked & fixed], logits[asked & ~fixed]
    most = int(_MOST_WRONG * (~fixed).sum())
    tried = [np.quantile(column, _QUANTILES) for column in good.T]
    best, passed = np.full(logits.shape[1], np.inf), -1
    for limits in itertools.product(*tried):
        passing = int((good >= limits).all(axis=1).sum())
        if passing > passed and (bad >= limits).all(axis=1).sum() <= most:
            best, passed = np.array(limits), passing
    return best


def _folds(pairs: Sequence[Staged]) -> NDArray[np.int_]:
    """The pairs of one place are in one fold."""
    groups = {picture.path: picture.group for picture in pictures().values()}
    names = sorted({groups[pair.before] for pair in pairs})
    fold_of = {name: index % FOLDS for index, name in enumerate(names)}
    return np.array([fold_of[groups[pair.before]] for pair in pairs])


def _tell(name: str, held: Fitting, rules: GoneRules) -> None:
    answers = [judged(one, rules).answer for one in held.measured]
    for kind in ("gone", *OBJECTIONS):
        of_kind = [answer for answer, one in zip(answers, held.kinds, strict=True) if one == kind]
        passed, failed = of_kind.count(Answer.PASS), of_kind.count(Answer.FAIL)
        say(f"{name}, {kind.replace('not_', '')}: {passed} called gone, {failed} sent back, of {len(of_kind)}")


def _document(rules: GoneRules, kinds: Kinds, most: int) -> str:
    counts = ", ".join(f"{int((kinds == name).sum())} {name.replace('not_', '')}" for name in ("gone", *OBJECTIONS))
    head = (
        '# How the third gate ("problem gone?") weighs what it measures. See docs/closure.md.\n'
        f"# Made by `python tests/bench/fit_gone.py --pairs {most} --write`\n"
        f"# from pairs of the half that nothing is reported on: {counts}.\n"
    )
    return head + "".join(_table(rules, name) for name in OBJECTIONS)


def _table(rules: GoneRules, name: str) -> str:
    held: Weighing = getattr(rules, name)
    remains_at = f"remains_at = {rules.remains_at}\n" if name == "not_left" else ""
    weights = "".join(f"{key} = {value}\n" for key, value in held.weights.items())
    return f"\n[{name}]\nbias = {held.bias}\npass_at = {held.pass_at}\n{remains_at}\n[{name}.weights]\n{weights}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pairs", type=int, default=400, metavar="N", help="fixed ones; twice as many of the others")
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="that work at once")
    parser.add_argument("--write", action="store_true", help="into the shipped policy, not to stdout")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
