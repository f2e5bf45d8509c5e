"""Has what a device sees changed? Scores, classes and rejections of a week against the weeks before.

Population stability index: PSI = sum((a - e) ln(a / e)) over the shares of bins, actual against expected; 0.1 to 0.25
is usually called a moderate change, more a large one (Siddiqi, Credit Risk Scorecards, 2006). Without a change it is
about (1/n + 1/m) times a chi-square of one degree less than there are bins (Yurdakul, Statistical Properties of
Population Stability Index, 2018), so that small samples are not flagged by chance. Rejections: Fisher's exact test.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from scipy.special import chdtrc

SCORE_BINS = 10
LARGE_PSI = 0.25
_UNLIKELY = 0.01
_HALF = 0.5  # added to each bin: an empty one must not make the index infinite


class DriftFlag(StrEnum):
    """What has changed more than chance explains."""

    SCORES = "scores"
    CLASSES = "classes"
    REJECTIONS = "rejections"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekKey:
    """What is compared with its like only: another model scores otherwise, and that is no drift of the street."""

    week: date  # the Monday, city time
    device: str
    model_version: str


@dataclass(slots=True, kw_only=True)
class WeekCounts:
    """Detections by score bin and by class, and answers of reviewers."""

    by_bin: list[int] = field(default_factory=lambda: [0] * SCORE_BINS)
    by_class: dict[str, int] = field(default_factory=dict)
    answers: int = 0
    rejected: int = 0

    @property
    def detections(self) -> int:
        """How many there are."""
        return sum(self.by_bin)

    def add(self, other: "WeekCounts") -> None:
        """Nothing; afterwards these counts hold the other ones too."""
        self.by_bin = [mine + theirs for mine, theirs in zip(self.by_bin, other.by_bin, strict=True)]
        for name, count in other.by_class.items():
            self.by_class[name] = self.by_class.get(name, 0) + count
        self.answers += other.answers
        self.rejected += other.rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRules:
    """`reference_weeks` before a week are what it is held against; under `least` detections nothing is said."""

    reference_weeks: int = 4
    least: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRow:
    """One device's week. Figures are None where there was too little to compare; `reference` says with what."""

    key: WeekKey
    detections: int
    reference: str  # device | fleet | none
    reference_detections: int
    score_psi: float | None
    class_psi: float | None
    answers: int
    reject_rate: float | None
    reference_reject_rate: float | None
    reject_p: float | None
    flags: tuple[DriftFlag, ...]


def psi(expected: Sequence[float], actual: Sequence[float]) -> float:
    """The population stability index of two lists of counts over the same bins.

    >>> round(psi([50, 50], [50, 50]), 6), round(psi([5000, 5000], [7500, 2500]), 3)
    (0.0, 0.275)
    """
    whole_e, whole_a = sum(expected) + _HALF * len(expected), sum(actual) + _HALF * len(actual)
    shares = (((e + _HALF) / whole_e, (a + _HALF) / whole_a) for e, a in zip(expected, actual, strict=True))
    return math.fsum((a - e) * math.log(a / e) for e, a in shares)


def is_large(index: float, bins: int, n: int, m: int) -> bool:
    """Whether a change is large and no accident of samples of `n` and `m`."""
    if bins < 2:
        return False
    chance = float(chdtrc(bins - 1, index / (1 / n + 1 / m)))  # the upper tail of chi squared
    return index >= LARGE_PSI and chance < _UNLIKELY


def drift_report(weeks: Mapping[WeekKey, WeekCounts], first: date, rules: DriftRules) -> list[DriftRow]:
    """A row for each device, week from `first` on and model, in this order of week, device, model."""
    keys = sorted((key for key in weeks if key.week >= first), key=lambda k: (k.week, k.device, k.model_version))
    return [_row(key, weeks, rules) for key in keys]


def _row(key: WeekKey, weeks: Mapping[WeekKey, WeekCounts], rules: DriftRules) -> DriftRow:
    now = weeks[key]
    reference, before = _reference(key, weeks, rules)
    is_enough = reference != "none" and now.detections >= rules.least
    names = sorted(set(now.by_class) | set(before.by_class))
    classes = [before.by_class.get(name, 0) for name in names], [now.by_class.get(name, 0) for name in names]
    flags = []
    score_psi = psi(before.by_bin, now.by_bin) if is_enough else None
    class_psi = psi(*classes) if is_enough else None
    for flag, index, bins in ((DriftFlag.SCORES, score_psi, SCORE_BINS), (DriftFlag.CLASSES, class_psi, len(names))):
        if index is not None and is_large(index, bins, before.detections, now.detections):
            flags.append(flag)
    reject_p = _reject_p(before, now)
    if reject_p is not None and reject_p < _UNLIKELY:
        flags.append(DriftFlag.REJECTIONS)
    return DriftRow(
        key=key,
        detections=now.detections,
        reference=reference,
        reference_detections=before.detections,
        score_psi=score_psi,
        class_psi=class_psi,
        answers=now.answers,
        reject_rate=_rate(now),
        reference_reject_rate=_rate(before),
        reject_p=reject_p,
        flags=tuple(flags),
    )


def _reference(key: WeekKey, weeks: Mapping[WeekKey, WeekCounts], rules: DriftRules) -> tuple[str, WeekCounts]:
    """The weeks before of the same device, or of all devices where that is too little; always of the same model."""
    own, fleet = WeekCounts(), WeekCounts()
    for other, counts in weeks.items():
        age = (key.week - other.week).days // 7
        if other.model_version == key.model_version and 1 <= age <= rules.reference_weeks:
            fleet.add(counts)
            if other.device == key.device:
                own.add(counts)
    if own.detections >= rules.least:
        return "device", own
    return ("fleet", fleet) if fleet.detections >= rules.least else ("none", WeekCounts())


def _rate(counts: WeekCounts) -> float | None:
    return counts.rejected / counts.answers if counts.answers else None


def _reject_p(before: WeekCounts, now: WeekCounts) -> float | None:
    if not before.answers or not now.answers:
        return None
    from scipy.stats import fisher_exact  # 30 MB, which a server that only counts need not carry

    table = [[now.rejected, now.answers - now.rejected], [before.rejected, before.answers - before.rejected]]
    return float(fisher_exact(table).pvalue)
