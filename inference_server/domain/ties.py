"""Where the fixes of one pass lie against those of earlier ones.

The error of a pass's fixes is an Ornstein-Uhlenbeck process on each axis: a Gaussian process with covariance
`sigma^2 exp(-|s - u| / tau)` between two moments of one pass, and none between passes. The gap between a track and the
anchor of its candidate is the difference of two such errors plus noise, so any number of known gaps (ties) predict the
next one exactly (Rasmussen and Williams, Gaussian Processes for Machine Learning, eq. 2.23 to 2.26). What another pass
has measured, or the same pass at another time, is thus taken to be no better known than it is.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from inference_server.domain.candidate import Candidate, Pass, PassId, Tie, Track
from inference_server.domain.geo import Matrix, Vector

_MOST_TIES = 14
_FORGOTTEN_S = 90.0


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment of one pass."""

    pass_id: PassId
    at: datetime


@dataclass(frozen=True, slots=True)
class Shift:
    """The expected gap `(2,)` in metres east, north, and the variance of one axis in square metres."""

    mean: Vector
    variance_m2: float


@dataclass(slots=True)
class Ties:
    """The known gaps of one pass, ready to predict others."""

    pass_id: PassId
    known: tuple[Tie, ...]
    sigma_m: float
    correlation_s: float
    _inverse: Matrix | None = field(default=None, repr=False)

    def predict(self, at: datetime, origin: Moment) -> Shift:
        """The gap between what this pass measures at a moment and what the origin measured then."""
        here = Moment(self.pass_id, at)
        prior = self._covariance(here, origin, here, origin)
        if not self.known:
            return Shift(np.zeros(2), prior)
        across = np.array([self._with_tie(here, origin, tie) for tie in self.known])
        weights = across @ self._solved()
        mean = weights @ np.array([tie.gap_m for tie in self.known])
        return Shift(np.asarray(mean), max(prior - float(weights @ across), 0.0))

    def with_tie(self, tie: Tie) -> "Ties":
        """The ties with one more; an older tie of the same track gives way to it."""
        others = (t for t in self.known if t.track_id != tie.track_id)
        return Ties(self.pass_id, (*others, tie), self.sigma_m, self.correlation_s)

    def lately(self, now: datetime) -> tuple[Tie, ...]:
        """The ties worth keeping, oldest first."""
        since = now - timedelta(seconds=_FORGOTTEN_S)
        return tuple(sorted((t for t in self.known if t.at >= since), key=lambda t: (t.at, t.track_id))[-_MOST_TIES:])

    def _solved(self) -> Matrix:
        if self._inverse is None:
            between = [
                [self._with_tie(Moment(self.pass_id, a.at), _origin(a), b) for b in self.known] for a in self.known
            ]
            noise = np.diag([tie.noise_m2 for tie in self.known])
            self._inverse = np.asarray(np.linalg.inv(np.array(between) + noise), dtype=np.float64)
        return self._inverse

    def _with_tie(self, here: Moment, origin: Moment, tie: Tie) -> float:
        return self._covariance(here, origin, Moment(self.pass_id, tie.at), _origin(tie))

    def _covariance(self, a: Moment, a_origin: Moment, b: Moment, b_origin: Moment) -> float:
        kernel = self._kernel
        return kernel(a, b) + kernel(a_origin, b_origin) - kernel(a, b_origin) - kernel(a_origin, b)

    def _kernel(self, a: Moment, b: Moment) -> float:
        if a.pass_id != b.pass_id:
            return 0.0
        seconds = abs((a.at - b.at).total_seconds())
        return self.sigma_m**2 * float(np.exp(-seconds / self.correlation_s))


def _origin(tie: Tie) -> Moment:
    return Moment(tie.origin_pass, tie.origin_at)


def origin_of(candidate: Candidate) -> Moment:
    """The moment at which a candidate's anchor was measured."""
    return Moment(candidate.origin_pass, candidate.origin_at)


def ties_of(drive: Pass, sigma_m: float, correlation_s: float) -> Ties:
    """The ties of a pass."""
    return Ties(drive.id, drive.ties, sigma_m, correlation_s)


def tie_of(track: Track, candidate: Candidate, gap: Vector, noise: Matrix) -> Tie:
    """The tie of a track that belongs to a candidate; `noise` `(2, 2)` is that of the gap without the fixes."""
    return Tie(
        track_id=track.id,
        at=track.last_at,
        origin_pass=candidate.origin_pass,
        origin_at=candidate.origin_at,
        gap_m=(float(gap[0]), float(gap[1])),
        noise_m2=float(np.trace(noise)) / 2,
    )
