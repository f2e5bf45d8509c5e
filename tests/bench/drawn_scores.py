"""Chooses the scores of drawn.toml: how sure the released INT8 network must be on drawn streets, class by class.

Drives through cities of the look `test` (the demo's look is `demo`, training's is `train`) and notes for every box
whether a true thing lies under it; shares of right boxes give the lower scores of a class. Then everything that reaches
them is filed, and each case is compared with the truth: `file_at` of each class is where one more right case costs the
same number of wrong ones in all classes, so that recall is the highest that a precision of at least 0.92 allows (the
demo's target is 0.90). The scores so found are played through the use case, and must hold there.
Prints one JSON line per play and, last, the TOML. Usage: python tests/bench/drawn_scores.py [--write]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from city import _filed, frame_of, grids_of, open_street
from support.street import a_filing
from support.truth import truth_picture

from detector.yolo import YoloDetector
from inference_server.domain.frame import Frame
from inference_server.domain.policy import Policy, load_policy
from patrol.commands.simulate import CityOptions, make_drive
from patrol.simulate.drive import Drive
from patrol.simulate.score import FiledCase, Score, distances, matched, score_cases
from patrol.simulate.truth import Tally, TrueThing, true_things

HERE = Path(__file__).parent
CARD = HERE.parents[1] / "weights" / "xuncheng-n.json"
HEAD = """# Scores for drawn streets, chosen on the look `test` of the simulated city: for `make demo`, never for a
# street. Made by tests/bench/drawn_scores.py. Everything else is the city's shipped policy.
extends = "../../inference_server/policy/hangzhou.toml"
"""
LEAST_SCORE = 0.02
LEAST_PRECISION = 0.92
SAME_BOX_IOU = 0.3
LEAST_BOXES = 10
DROP_SHARE = 0.4  # of the boxes that are right from `drop_below` on
REVIEW_SHARES = (0.6, 0.7, 0.8)  # the same of `review_at`, which the mean of a pass must reach
PRECISIONS = (0.87, 0.88, 0.89, 0.9, 0.91, 0.92, 0.93, 0.94, 0.95)  # aimed at, until the play keeps LEAST_PRECISION
PRICES = np.geomspace(0.01, 100.0, 400)  # of a wrong case in right ones
MARGIN = 1e-3

Corners = tuple[float, float, float, float]
Scores = dict[str, tuple[float, float, float]]


@dataclass
class Recorded:
    """One drive: what was sent, what the network saw in it, and the truth."""

    drive: Drive
    tally: Tally = field(default_factory=Tally)
    frames: list[tuple[Frame, bytes]] = field(default_factory=list)
    judged: list[tuple[str, float, bool]] = field(default_factory=list)


def main() -> None:
    """Record, try, print; with --write put the best scores into drawn.toml."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[21, 22, 23, 24, 25])
    parser.add_argument("--limit-m", type=float, default=500.0, help="metres that each vehicle drives")
    parser.add_argument("--write", action="store_true", help="write drawn.toml")
    wanted = parser.parse_args()
    detector = YoloDetector.load(CARD)
    drives = [recorded(detector, seed, wanted.limit_m) for seed in wanted.seeds]
    boxes = [box for one in drives for box in one.judged]
    best = max((best_with(drives, boxes, share) for share in REVIEW_SHARES), key=lambda found: found[0])[1]
    text = as_toml(best)
    print(text)
    if wanted.write:
        (HERE / "drawn.toml").write_text(text, encoding="utf-8")


def best_with(
    drives: Sequence[Recorded], boxes: Sequence[tuple[str, float, bool]], share: float
) -> tuple[tuple[bool, float], Scores]:
    """The rank and the scores of the most recall that this share for `review_at` allows."""
    low = {name: (review, review, drop) for name, (review, drop) in lower_scores(boxes, share).items()}
    plays = [played(one, low) for one in drives]
    filed = [case for play in plays for case in play.judged()]
    tell(share, 0.0, [play.score() for play in plays])
    rank, best = (False, 0.0), low
    for precision in PRECISIONS:
        chosen = file_scores(filed, precision)
        scores = {name: (max(chosen.get(name, 0.95), review), review, drop) for name, (review, _, drop) in low.items()}
        found = tell(share, precision, [played(one, scores).score() for one in drives])
        if found > rank:
            rank, best = found, scores
        if rank[0]:
            break
    return rank, best


def file_scores(filed: Sequence[tuple[str, float, bool]], precision: float) -> dict[str, float]:
    """By class, the score to file at: the most right cases among (class, score, right) ones at this precision.

    What is best for the sum is, for some price of a wrong case, best in each class by itself.
    """
    by_class = {name: sorted(((s, ok) for n, s, ok in filed if n == name), reverse=True) for name, _, _ in filed}
    for price in PRICES:
        taken = {name: most_worth(cases, float(price)) for name, cases in by_class.items()}
        right = sum(ok for name, cases in by_class.items() for _, ok in cases[: taken[name]])
        if right >= precision * sum(taken.values()):
            return {
                name: round(cases[taken[name] - 1][0] - MARGIN, 3) for name, cases in by_class.items() if taken[name]
            }
    return {}


def most_worth(cases: Sequence[tuple[float, bool]], price: float) -> int:
    """How many of the cases, best scores first, are worth most: one for a right one, less the price for a wrong one."""
    worth = np.cumsum([1.0 if ok else -price for _, ok in cases])
    return int(worth.argmax()) + 1 if worth.max() > 0 else 0


def recorded(detector: YoloDetector, seed: int, limit_m: float) -> Recorded:
    """A drive through a city of the look `test`, drawn and detected once."""
    one = Recorded(
        make_drive(
            CityOptions(
                look="test", seed=seed, blocks=3, things=400, vehicles=1, passes=2, limit_m=limit_m,
                weather="clear,overcast",
            )
        )
    )  # fmt: skip
    for sim in one.drive.frames():
        one.tally.add(sim)
        if sim.fix.is_lost:
            continue
        found = detector.detect(sim.jpeg(), LEAST_SCORE)
        rows = list(zip(found.names(), found.scores.tolist(), found.boxes.tolist(), strict=True))
        truth = [(seen.thing.class_name, seen.box) for seen in sim.seen]
        one.judged += [(name, score, is_right(name, box, truth)) for name, score, box in rows]
        picture = truth_picture([(name, score, tuple(box)) for name, score, box in rows], mark=sim.key)
        one.frames.append((frame_of(sim, picture), picture))
    return one


def is_right(name: str, box: Sequence[float], truth: Sequence[tuple[str, Corners]]) -> bool:
    """Whether a thing of the box's class lies where the box lies."""
    return any(name == other and overlap(box, corners) >= SAME_BOX_IOU for other, corners in truth)


def overlap(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two boxes x1, y1, x2, y2."""
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if wide <= 0 or high <= 0:
        return 0.0
    shared = wide * high
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def lower_scores(boxes: Sequence[tuple[str, float, bool]], share: float) -> dict[str, tuple[float, float]]:
    """By class, `review_at` and `drop_below`: the lowest scores from which on these shares of the boxes are right."""
    names = sorted({name for name, _, _ in boxes} & set(load_policy(HERE / "drawn.toml").classes))
    return {name: at_shares([(s, ok) for n, s, ok in boxes if n == name], (share, DROP_SHARE)) for name in names}


def at_shares(boxes: Sequence[tuple[float, bool]], shares: tuple[float, float]) -> tuple[float, float]:
    """The scores of one class for falling shares."""
    ordered = sorted(boxes, reverse=True)
    right = np.cumsum([ok for _, ok in ordered]) / np.arange(1, len(ordered) + 1)
    first, second = (score_at([score for score, _ in ordered], right, share) for share in shares)
    return first, min(second, first)


def score_at(scores: Sequence[float], right: np.ndarray, wanted: float) -> float:
    """The lowest score at which the share is right, over LEAST_BOXES boxes at least; the next lower share that can be
    had where this one cannot, for one strong mistake must not silence a class. 0.95 where less than half is right."""
    for share in np.arange(wanted, min(0.5, wanted) - 1e-9, -0.01):
        reached = [number for number in range(LEAST_BOXES - 1, len(scores)) if right[number] >= share]
        if reached:
            return round(scores[reached[-1]], 3)
    return 0.95


@dataclass(frozen=True)
class Play:
    """What a drive came to under some scores: its cases, with the best score of each, and the truth."""

    cases: list[FiledCase]
    best: list[float]
    things: list[TrueThing]

    def score(self) -> Score:
        """How the cases compare with the truth."""
        return score_cases(self.cases, self.things)

    def judged(self) -> list[tuple[str, float, bool]]:
        """Class, best score and whether it is right, of each case that counts."""
        away = distances(self.cases, self.things)
        pairs = matched(away)
        found = []
        for number, (case, best) in enumerate(zip(self.cases, self.best, strict=True)):
            about = pairs.get(number, int(away[number].argmin()) if np.isfinite(away[number]).any() else None)
            if about is None or self.things[about].counts:
                found.append((case.class_name, best, number in pairs))
        return found


def played(one: Recorded, scores: Scores) -> Play:
    """A drive through the use case under these scores."""
    policy = with_scores(load_policy(HERE / "drawn.toml"), scores)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        street = open_street(Path(folder), one.drive.city, one.drive)
        filing = a_filing(policy, grids_of(one.drive.city))
        street.collection = replace(street.collection, policy=policy, filing=filing)
        for frame, picture in one.frames:
            street.inspect(frame, picture)
        cases = [case for case in street.all_cases() if case.state == "filed"]
        street.record.close()
    filed = [_filed(one.drive.city, case) for case in cases]
    return Play(filed, [case.score for case in cases], true_things(one.drive, one.tally))


def with_scores(policy: Policy, scores: Mapping[str, tuple[float, float, float]]) -> Policy:
    """The policy with other scores for these classes."""
    classes = dict(policy.classes)
    for name, (file_at, review_at, drop_below) in scores.items():
        classes[name] = replace(classes[name], file_at=file_at, review_at=review_at, drop_below=drop_below)
    return replace(policy, classes=classes)


def tell(share: float, aimed: float, scores: Sequence[Score]) -> tuple[bool, float]:
    """The rank of a play: enough precision first, then recall (or precision, where there is not enough)."""
    right, things = sum(one.right for one in scores), sum(one.things for one in scores)
    precision = right / max(1, sum(one.right + one.wrong + one.duplicates for one in scores))
    told = {"review_share": share, "aimed": aimed, "precision": round(precision, 4), "recall": round(right / things, 4)}
    print(json.dumps(told), flush=True)
    enough = precision >= LEAST_PRECISION
    return enough, right / things if enough else precision


def as_toml(scores: Scores) -> str:
    """The text of drawn.toml for classes that are collected."""
    collected = {n for n, rules in load_policy(HERE / "drawn.toml").classes.items() if rules.collected}
    parts = [HEAD]
    for name, (file_at, review_at, drop_below) in scores.items():
        if name in collected:
            parts.append(f"[classes.{name}]\nfile_at = {file_at}\nreview_at = {review_at}\ndrop_below = {drop_below}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    main()
